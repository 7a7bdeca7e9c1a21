//! What is known of a person that decides which rules apply to them.

use crate::Date;
use serde::{Deserialize, Serialize};

/// Sex, as published limits and formulas distinguish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// Whose guideline applies where guidelines differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Region {
    /// Republic of Korea.
    Korea,
    /// United States of America.
    UnitedStates,
    /// Europe.
    Europe,
}

/// A person, as far as rules ask; what nobody said is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Profile {
    /// Day of birth.
    pub birth_date: Option<Date>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Whether they said they are, or are not, pregnant.
    pub pregnant: Option<bool>,
    /// Region whose guidelines apply; nobody's is Korea's (risk.md §2.4).
    pub region: Option<Region>,
    /// Whether a clinician confirmed hypercapnic respiratory failure: only then does scale 2 of NEWS2 apply.
    pub hypercapnic: bool,
}
