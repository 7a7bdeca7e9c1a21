//! What a rule found, with everything needed to say why.

use crate::risk::{
    facts::Fact,
    parameter::Parameter,
    set::{Limits, MOST_PARAMETERS, Risk},
};
use model::{Micros, Number};

/// A level that one rule found for one person, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding<'r> {
    /// Rule that found it.
    pub rule: &'r str,
    /// Its set.
    pub set: &'r str,
    /// The set's version.
    pub version: &'r str,
    /// How urgent; the mapping from `class` is this product's own.
    pub level: Risk,
    /// Class as published.
    pub class: &'r str,
    /// What was compared with the limits, in `unit`.
    pub measure: Measure,
    /// UCUM unit.
    pub unit: &'static str,
    /// Limits of the class.
    pub limits: Limits,
    /// Where they are published.
    pub source: &'r str,
    /// Every value the rule looked at.
    pub evidence: Evidence<'r>,
    /// How sure the values are that the claim rests on, 0 to 1.
    pub confidence: Number,
    /// Whether it must be measured again before it counts: it is not sure, not measured often enough, or the
    /// published class asks for confirmation.
    pub needs_retest: bool,
}

/// What was compared with limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A value, rounded as the rule asks.
    Value(Number),
    /// Points of all parameters of a score.
    Total(u32),
    /// Points of those that are known: the total is at least this.
    AtLeast(u32),
}

/// One value a rule looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used<'r> {
    /// Parameter.
    pub parameter: Parameter,
    /// Its latest value; of a calculated one with the instant and the records of what it was calculated from.
    pub fact: Fact,
    /// The class of this value alone, if a row in force is for it.
    pub class: Option<&'r str>,
    /// Its points, in a score.
    pub points: Option<u32>,
}

/// The values a rule looked at, in its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence<'r> {
    used: [Option<Used<'r>>; MOST_PARAMETERS],
}

impl<'r> Evidence<'r> {
    /// The values.
    pub fn iter(&self) -> impl Iterator<Item = &Used<'r>> {
        self.used.iter().flatten()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.used[0].is_none()
    }

    /// When the oldest and the newest of them were observed.
    pub fn window(&self) -> Option<(Micros, Micros)> {
        let at = || self.iter().map(|used| used.fact.at);
        at().min().zip(at().max())
    }

    /// Adds a value.
    pub(super) fn push(&mut self, used: Used<'r>) {
        let free = self.used.iter_mut().find(|place| place.is_none());
        *free.expect("a rule has no more parameters than evidence has places (the loader checks it)") =
            Some(used);
    }
}
