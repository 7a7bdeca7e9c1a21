//! What is known of a person that decides which rules apply to them.

use crate::{Date, EventId, Micros, Origin, UserId};
use serde::{Deserialize, Serialize};

/// Sex, as published limits and formulas distinguish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

impl Sex {
    /// Every sex, with its name in events and rule sets.
    pub const ALL: [(&'static str, Self); 2] = [("female", Self::Female), ("male", Self::Male)];

    /// Name in events and rule sets.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
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

impl Region {
    /// Every region, with its name in events and rule sets.
    pub const ALL: [(&'static str, Self); 3] =
        [("KR", Self::Korea), ("US", Self::UnitedStates), ("EU", Self::Europe)];

    /// Name in events and rule sets.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
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

/// A person's profile as it was from a moment on: the whole of it, so that what it leaves out is not known any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProfileUpdated {
    // First, so that updates are ordered by time; of two of one moment the greater id stands.
    /// When.
    pub at: Micros,
    /// Identity of the event.
    pub event: EventId,
    /// Person.
    pub user: UserId,
    /// What is known of them.
    pub profile: Profile,
    /// Where it stood on the log.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::{Region, Sex};

    #[test]
    fn names_stand_in_the_order_of_the_enumerations() {
        for (name, sex) in Sex::ALL {
            assert_eq!(sex.name(), name);
        }
        for (name, region) in Region::ALL {
            assert_eq!(region.name(), name);
        }
    }
}
