//! What a rule found, with everything needed to say why.

use super::Evidence;
use crate::risk::set::{Edge, Limits, Risk, Rule, RuleSet};
use model::{Claim, Number};

/// A level that one rule found for one person, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding<'r> {
    /// Rule that found it.
    pub rule: &'r Rule,
    /// Its set, of the version that found it.
    pub set: &'r RuleSet,
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

impl From<&Finding<'_>> for Claim {
    fn from(finding: &Finding<'_>) -> Self {
        let (limits, edge) = (finding.limits, |edge: Edge| edge.value);
        let value = match finding.measure {
            Measure::Value(value) => value,
            Measure::Total(points) | Measure::AtLeast(points) => Number::from(points),
        };
        Self {
            class: finding.class.to_owned(),
            value,
            unit: finding.unit.to_owned(),
            at_least: matches!(finding.measure, Measure::AtLeast(_)),
            low: limits.low.map(edge),
            high: limits.high.map(edge),
            limits: limits.to_string(),
            source: finding.source.to_owned(),
            confidence: finding.confidence,
            needs_retest: finding.needs_retest,
        }
    }
}
