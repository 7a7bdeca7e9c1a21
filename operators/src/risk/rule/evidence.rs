//! The values a rule looks at: those that count at the instant, each with its class.
//!
//! # Invariants
//! Nothing is copied: evidence is looked up again whenever it is asked for, in facts that cannot change meanwhile.

use super::{GUESS, age};
use crate::risk::{
    facts::{Fact, Facts},
    kidney,
    parameter::Parameter,
    set::{Case, Column, Outcome, Risk, Row, Rule},
};
use model::{Micros, Number, Profile};

/// What a rule looks at, at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence<'r> {
    pub(super) rule: &'r Rule,
    profile: &'r Profile,
    facts: &'r Facts,
    at: Micros,
    /// Whether oxygen is given, if it is known.
    oxygen: Option<bool>,
}

/// One value a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Used<'r> {
    column: &'r Column,
    /// Its latest value; of a calculated one with the instant and the records of what it was calculated from.
    pub fact: Fact,
    /// The row in force that is for it.
    pub row: Option<&'r Row>,
}

impl<'r> Used<'r> {
    /// Parameter.
    pub const fn parameter(&self) -> Parameter {
        self.column.parameter
    }

    /// Class of this value alone.
    pub fn class(&self) -> Option<&'r str> {
        self.row.map(|row| row.class.as_str())
    }

    /// The level that `value` of its parameter would have, in a rule of levels.
    pub(super) fn level_of(&self, value: f64) -> Option<Risk> {
        match self.column.row(value, Case::default())?.outcome {
            Outcome::Level(level) => Some(level),
            Outcome::Points(_) => None,
        }
    }

    /// Its points, in a score.
    pub fn points(&self) -> Option<u32> {
        self.row?.points()
    }
}

impl<'r> Evidence<'r> {
    pub(super) fn new(rule: &'r Rule, profile: &'r Profile, facts: &'r Facts, at: Micros) -> Self {
        // A rule that does not ask for oxygen has no rows that depend on it.
        let blank = Self { rule, profile, facts, at, oxygen: Some(false) };
        let Some(column) = rule.column(Parameter::Oxygen) else { return blank };
        Self { oxygen: blank.fact(column).map(|fact| fact.value.get() > 0.0), ..blank }
    }

    /// The values, in the order of the rule.
    pub fn iter(&self) -> impl Iterator<Item = Used<'r>> {
        self.rule.columns.iter().filter_map(|column| self.used(column))
    }

    /// When the oldest and the newest of them were observed.
    pub fn window(&self) -> Option<(Micros, Micros)> {
        let at = || self.iter().map(|used| used.fact.at);
        at().min().zip(at().max())
    }

    /// The value of one parameter, if one counts.
    pub(super) fn used(&self, column: &'r Column) -> Option<Used<'r>> {
        let fact = self.fact(column)?;
        let hypercapnic = self.profile.hypercapnic;
        let row = |oxygen| column.row(fact.value.get(), Case { hypercapnic, oxygen });
        let row = match self.oxygen {
            Some(given) => row(given),
            // While it is not known whether oxygen is given, the fewer points are certain.
            None => [row(false), row(true)].into_iter().flatten().min_by_key(|row| row.points()),
        };
        Some(Used { column, fact, row })
    }

    /// The latest value for a column: not from after the instant, not too old, and more than a guess.
    fn fact(&self, column: &Column) -> Option<Fact> {
        let is_calculated = column.parameter == Parameter::FiltrationRate;
        let given = if is_calculated { Parameter::Creatinine } else { column.parameter };
        let mut fact = *self.facts.latest(given)?;
        let old = self.at.checked_sub(fact.at).filter(|old| *old >= 0)?;
        if column.max_age.is_some_and(|most| old > most) || fact.confidence.get() < GUESS {
            return None;
        }
        if is_calculated {
            let age = age(self.profile, self.at)?;
            let rate = kidney::filtration_rate(fact.value.get(), age, self.profile.sex?);
            fact.value = Number::finite(rate)?;
        }
        Some(fact)
    }
}
