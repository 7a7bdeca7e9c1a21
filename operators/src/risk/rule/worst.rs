//! The worst class seen so far, and what stands against saying that all is well.

use super::{Evidence, Finding, Measure, SURE, Silence};
use crate::risk::{
    facts::Fact,
    set::{Column, Edge, Limits, Outcome, Reached, Risk, Row, RuleSet, Total},
};
use model::Number;

/// A class that a value or a score is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worst<'r> {
    pub(super) level: Risk,
    class: &'r str,
    source: &'r str,
    measure: Measure,
    unit: &'static str,
    limits: Limits,
    pub(super) confidence: Number,
    needs_retest: bool,
}

impl<'r> Worst<'r> {
    /// The class of one value.
    pub(super) fn row(column: &Column, row: &'r Row, fact: Fact, needs_retest: bool) -> Self {
        let level = match row.outcome {
            Outcome::Level(level) => level,
            Outcome::Points(_) => Risk::Low,
        };
        let rounded = Number::finite(column.rounded(fact.value.get())).unwrap_or(fact.value);
        Self {
            level,
            class: &row.class,
            source: &row.source,
            measure: Measure::Value(rounded),
            unit: column.parameter.unit(),
            limits: row.limits,
            confidence: fact.confidence,
            needs_retest: needs_retest || row.confirm,
        }
    }

    /// The class of a score.
    pub(super) fn total(total: &'r Total, measure: Measure, confidence: Number) -> Self {
        let edge = |points: u32| Some(Edge { value: Number::from(points), included: true });
        let limits = match total.reached {
            Reached::AtLeast(points) | Reached::Single(points) => Limits { low: edge(points), high: None },
            Reached::AtMost(points) => Limits { low: None, high: edge(points) },
        };
        Self {
            level: total.level,
            class: &total.class,
            source: &total.source,
            measure,
            unit: "{score}",
            limits,
            confidence,
            needs_retest: confidence.get() < SURE,
        }
    }

    /// Whether this decides rather than `other`: it is worse, or as bad and surer.
    pub(super) fn outweighs(&self, other: &Self) -> bool {
        let rank = |worst: &Self| (worst.level, !worst.needs_retest, worst.confidence);
        rank(self) > rank(other)
    }

    pub(super) fn finding(self, set: &'r RuleSet, evidence: Evidence<'r>) -> Finding<'r> {
        Finding {
            rule: evidence.rule,
            set,
            level: self.level,
            class: self.class,
            measure: self.measure,
            unit: self.unit,
            limits: self.limits,
            source: self.source,
            evidence,
            confidence: self.confidence,
            needs_retest: self.needs_retest,
        }
    }
}

/// What stands against saying that all is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unsaid {
    /// A value is missing.
    pub(super) is_missing: bool,
    /// A value is where no row in force is.
    pub(super) is_outside: bool,
    /// A value is not sure, or not measured often enough.
    pub(super) is_unsure: bool,
}

impl Unsaid {
    /// The first of them as the reason for silence.
    pub(super) const fn silence(self) -> Silence {
        if self.is_outside {
            Silence::NoLimits
        } else if self.is_missing {
            Silence::Incomplete
        } else {
            Silence::Unsure
        }
    }
}
