//! Alerts: what a rule found, why, and how the finding changed.
//!
//! A change is an immutable fact with an identity of its own; an [`Alert`] is the fold of its
//! changes. Nothing here is a diagnosis.

use crate::{EventId, Micros, Number, SessionId, Span, UserId};
use serde::{Deserialize, Serialize};

/// What found an alert; each rule has a version of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// NEWS2 over whatever vital signs are known: a lower bound of the total (RCP 2017).
    News2LowerBound,
    /// The NEWS2 pulse band applied to the heart rate of good optical pulse windows.
    PulseBand,
    /// A rule of a rule set, with what it claims.
    Set(Box<SetRule>),
}

/// A rule of a rule set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SetRule {
    /// Stable name.
    pub id: String,
    /// Its set.
    pub set: String,
    /// Version of the set.
    pub version: String,
    /// What it found; nothing where it has nothing to say any more.
    pub claim: Option<Claim>,
}

/// What a rule of a rule set found; not a diagnosis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// Class as published.
    pub class: String,
    /// What was compared with the limits, in `unit`.
    pub value: Number,
    /// UCUM unit.
    pub unit: String,
    /// Whether the value is the least it can be, because something is missing that could add to it.
    pub at_least: bool,
    /// Lower limit of the class.
    pub low: Option<Number>,
    /// Upper limit of the class.
    pub high: Option<Number>,
    /// The limits as people write them: `≥ 5.7 and < 6.5`.
    pub limits: String,
    /// Where they are published.
    pub source: String,
    /// How sure the values are that it rests on, 0 to 1.
    pub confidence: Number,
    /// Whether it must be measured again before it counts.
    pub needs_retest: bool,
}

impl Rule {
    /// Stable name.
    pub fn id(&self) -> &str {
        match self {
            Self::News2LowerBound => "news2.lower_bound",
            Self::PulseBand => "pulse.news2_band",
            Self::Set(rule) => &rule.id,
        }
    }

    /// Version of the rule: changes whenever the same facts could lead to another finding.
    pub fn version(&self) -> &str {
        match self {
            Self::News2LowerBound | Self::PulseBand => "1.0",
            Self::Set(rule) => &rule.version,
        }
    }

    /// The rule, if it is of a rule set.
    pub fn of_set(&self) -> Option<&SetRule> {
        match self {
            Self::News2LowerBound | Self::PulseBand => None,
            Self::Set(rule) => Some(rule),
        }
    }

    /// What it claims, if it is of a rule set and has something to say.
    pub fn claim(&self) -> Option<&Claim> {
        self.of_set()?.claim.as_ref()
    }
}

/// How urgent; the mapping from published classes is this product's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// A single parameter scores 3: review.
    Moderate,
    /// Urgent.
    High,
    /// Emergency.
    Critical,
}

impl Level {
    /// Name as events and tables spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Moderate => "MODERATE",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

/// One value a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the parameter: `resp`, `spo2`, `pulse`, `hr` …
    pub parameter: String,
    /// Value, in `unit`.
    pub value: Number,
    /// UCUM unit.
    pub unit: String,
    /// When it was observed.
    pub observed_at: Micros,
    /// Sub-score the rule gave it; of a rule without points 0.
    pub score: u32,
}

/// Why an alert stands: enough to find every input again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// Aggregate score; for a lower bound, the bound; of a rule without points 0.
    pub score: u32,
    /// The values, ordered by parameter.
    pub findings: Vec<Finding>,
    /// From when the finding held.
    pub window_start: Micros,
    /// Until when it was seen to hold.
    pub window_end: Micros,
    /// The records of the log it rests on, ordered.
    pub spans: Vec<Span>,
}

/// What happened to an alert, in the order of its life: changes of one moment are told, and folded, in it.
// The numbers are for the order; states are written by the order of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChangeKind {
    /// It was raised.
    Raised = 0,
    /// Its level rose.
    Escalated = 2,
    /// Its cause was gone long enough, or was not what it seemed, or is none by rules that changed.
    Cleared = 3,
    /// It stands at its level, and was told again.
    Repeated = 1,
}

impl ChangeKind {
    /// Name as events spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Escalated => "escalated",
            Self::Cleared => "cleared",
            Self::Repeated => "repeated",
        }
    }
}

/// One change of one alert, ordered by time: a fact; when late data removes its cause, the fact is retracted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertChange {
    // First, so that changes are ordered, and told, by time.
    /// When, in event time.
    pub at: Micros,
    /// Identity of the alert: derived from user, session, rule and onset.
    pub alert: EventId,
    /// What.
    pub kind: ChangeKind,
    /// Level from now on; of a cleared alert, the highest it had.
    pub level: Level,
    /// Person concerned.
    pub user: UserId,
    /// Session, for rules over one session's signal.
    pub session: Option<SessionId>,
    /// Rule that found it.
    pub rule: Rule,
    /// When its cause began; of an alert that follows on one that a correction or other rules cleared, when they did, or a
    /// microsecond after the onset of that one if it began at that very moment: no two alerts that a rule raises of a
    /// person or session have one onset.
    pub onset: Micros,
    /// Why.
    pub evidence: Evidence,
}

/// An alert as it stands: the fold of its changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Alert {
    /// When it was raised.
    pub raised_at: Micros,
    /// The newest change.
    pub last: AlertChange,
    /// Version of the rule that raised it, where the newest change is by another one.
    // Rows have ids made of what they are: those of rules that never changed keep theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<String>,
}

impl Alert {
    /// The fold of its changes, which are in order and at least one.
    pub fn of(changes: &[&AlertChange]) -> Option<Self> {
        let last = *changes.last()?;
        let raised = changes.iter().find(|change| change.kind == ChangeKind::Raised).unwrap_or(&last);
        let by = raised.rule.version();
        let raised_by = (by != last.rule.version()).then(|| by.to_owned());
        Some(Self { raised_at: raised.at, last: last.clone(), raised_by })
    }

    /// Version of the rule that raised it.
    pub fn rule_version(&self) -> &str {
        self.raised_by.as_deref().unwrap_or(self.last.rule.version())
    }

    /// When it was cleared, if it was.
    pub fn cleared_at(&self) -> Option<Micros> {
        (self.last.kind == ChangeKind::Cleared).then_some(self.last.at)
    }
}
