//! Rows of rules: published classes, for whom they hold, and what they lead to.

use super::{Limits, Risk};

/// One published class of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Class as published.
    pub class: String,
    /// What it leads to.
    pub outcome: Outcome,
    /// The values it is for.
    pub limits: Limits,
    /// For whom.
    pub when: When,
    /// Where the limits are published.
    pub source: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// Whether nobody compared it with its source yet.
    pub unchecked: bool,
    /// Whether it says that the measurement must be repeated to count.
    pub confirm: bool,
}

impl Row {
    /// Points of a score; of a level none.
    pub const fn points(&self) -> Option<u32> {
        match self.outcome {
            Outcome::Points(points) => Some(points),
            Outcome::Level(_) => None,
        }
    }
}

/// What a row leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A level.
    Level(Risk),
    /// Points of a score.
    Points(u32),
}

/// A condition on a row of a score; what is absent does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// Whether hypercapnic failure is confirmed.
    pub hypercapnic: Option<bool>,
    /// Whether oxygen is given.
    pub oxygen: Option<bool>,
}

impl When {
    pub(super) fn holds(self, case: Case) -> bool {
        self.hypercapnic.is_none_or(|is| is == case.hypercapnic)
            && self.oxygen.is_none_or(|is| is == case.oxygen)
    }
}

/// What conditions are about; by default neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Whether hypercapnic failure is confirmed.
    pub hypercapnic: bool,
    /// Whether oxygen is given.
    pub oxygen: bool,
}

impl Case {
    /// Every case, each at the place of its scale.
    pub(super) const ALL: [Self; 4] = [
        Self { hypercapnic: false, oxygen: false },
        Self { hypercapnic: false, oxygen: true },
        Self { hypercapnic: true, oxygen: false },
        Self { hypercapnic: true, oxygen: true },
    ];

    pub(super) fn place(self) -> usize {
        usize::from(self.hypercapnic) * 2 + usize::from(self.oxygen)
    }
}

/// What the points of a score add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// Class as published.
    pub class: String,
    /// Its level.
    pub level: Risk,
    /// What is asked.
    pub reached: Reached,
    /// Where it is published.
    pub source: String,
}

/// What is asked of a score's points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// At least so many points together.
    AtLeast(u32),
    /// At most so many, with all parameters known.
    AtMost(u32),
    /// At least so many of one parameter.
    Single(u32),
}
