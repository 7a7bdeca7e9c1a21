//! What the rules say of one measurement, whatever it is: every measurement has an analysis. Not a diagnosis.

use crate::{Level, Micros, Number, SessionId, SetRule, Span, UserId};
use serde::{Deserialize, Serialize};

/// How urgent a class is; the mapping from published classes is this product's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Risk {
    /// Inside the published limits: the only one that says something is well.
    Low,
    /// Outside them.
    Moderate,
    /// Urgent.
    High,
    /// Emergency.
    Critical,
}

impl Risk {
    /// Every level, with its name in rule sets, events and tables.
    pub const ALL: [(&'static str, Self); 4] = [
        ("LOW", Self::Low),
        ("MODERATE", Self::Moderate),
        ("HIGH", Self::High),
        ("CRITICAL", Self::Critical),
    ];

    /// Name in rule sets, events and tables.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Level of an alert; of LOW none is raised.
    pub const fn alert(self) -> Option<Level> {
        match self {
            Self::Low => None,
            Self::Moderate => Some(Level::Moderate),
            Self::High => Some(Level::High),
            Self::Critical => Some(Level::Critical),
        }
    }

    /// The level as a number from 0 to 1 that rises with it (risk.md §4.12): an ordinal code, not a probability.
    pub const fn score(self) -> f64 {
        match self {
            Self::Low => 0.1,
            Self::Moderate => 0.4,
            Self::High => 0.7,
            Self::Critical => 0.95,
        }
    }
}

impl From<Level> for Risk {
    fn from(level: Level) -> Self {
        match level {
            Level::Moderate => Self::Moderate,
            Level::High => Self::High,
            Level::Critical => Self::Critical,
        }
    }
}

/// What one rule says of one measurement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Judged {
    /// The rule, with what it claims.
    pub rule: SetRule,
    /// How urgent that is; none where it claims nothing.
    pub level: Option<Risk>,
    /// Why it claims nothing, as a code: `age_unknown`, `pregnant`, `unsure` …
    pub silence: Option<String>,
}

/// What the rules say of one measurement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Analysis {
    /// When the measurement was completed.
    pub at: Micros,
    /// Session measured.
    pub session: SessionId,
    /// Person measured.
    pub user: UserId,
    /// Revision of the measurement.
    pub revision: u32,
    /// What was measured, as rules name it; none where it is not understood.
    pub biomarker: Option<String>,
    /// The value.
    pub value: Option<Number>,
    /// Its unit, as the measurement has it.
    pub unit: String,
    /// How sure it is, 0 to 1.
    pub confidence: Number,
    /// What each rule says that asks about it, in the order of the rule sets.
    pub judged: Vec<Judged>,
    /// Why no rule was asked, as a code: `not_understood`, `no_value`, `impossible`, `guess`.
    pub unasked: Option<String>,
    /// The packets it rests on.
    pub packets: Span,
}

impl Analysis {
    /// The most urgent level any rule claims; none where no rule claims one, which does not say that all is well.
    pub fn level(&self) -> Option<Risk> {
        self.judged.iter().filter_map(|judged| judged.level).max()
    }

    /// Whether it must be measured again before it counts.
    pub fn needs_retest(&self) -> bool {
        let unsure = |judged: &Judged| {
            judged.rule.claim.as_ref().is_some_and(|claim| claim.needs_retest)
                || judged.silence.as_deref() == Some(UNSURE)
        };
        self.unasked.as_deref().is_some_and(|why| why != NOT_UNDERSTOOD) || self.judged.iter().any(unsure)
    }
}

/// Nobody knows what was measured: the cartridge is unknown, has no rule, or the unit is not its own.
pub const NOT_UNDERSTOOD: &str = "not_understood";
/// The session has no value.
pub const NO_VALUE: &str = "no_value";
/// No such value can be.
pub const IMPOSSIBLE: &str = "impossible";
/// Hardly surer than a guess.
pub const GUESS: &str = "guess";
/// What is known shows no risk and is not sure enough to be called LOW.
pub const UNSURE: &str = "unsure";

#[cfg(test)]
mod tests {
    use super::Risk;

    #[test]
    fn names_and_scores_stand_in_the_order_of_the_levels() {
        for (name, risk) in Risk::ALL {
            assert_eq!(risk.name(), name);
            assert!(risk.alert().is_none_or(|level| Risk::from(level) == risk && level.name() == name));
        }
        assert!(Risk::ALL.is_sorted_by(|(_, low), (_, high)| low < high && low.score() < high.score()));
    }
}
