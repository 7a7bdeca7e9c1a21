//! What people set out to do, and how far they came: goals over what is measured, period by period.

use crate::{Day, EventId, GoalId, Micros, Origin, Text, UserId};
use serde::{Deserialize, Serialize};

/// What a goal counts, and in which period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GoalKind {
    /// Measurements of each day: of one biomarker, or of any.
    PerDay,
    /// Measurements of one biomarker in each week.
    PerWeek,
    /// Days of each week on which one biomarker was measured, and nothing of it was above LOW.
    InRange,
}

impl GoalKind {
    /// Every kind, with its name in events and tables.
    pub const ALL: [(&'static str, Self); 3] = [
        ("MEASUREMENTS_PER_DAY", Self::PerDay),
        ("MEASUREMENTS_PER_WEEK", Self::PerWeek),
        ("DAYS_IN_RANGE_PER_WEEK", Self::InRange),
    ];

    /// Name in events and tables.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Days of a period; a week begins with the first day of the goal.
    pub const fn days(self) -> Day {
        match self {
            Self::PerDay => 1,
            Self::PerWeek | Self::InRange => 7,
        }
    }

    /// The highest target: once an hour, or every day.
    pub const fn most(self) -> u16 {
        match self {
            Self::PerDay => 24,
            Self::PerWeek => 168,
            Self::InRange => 7,
        }
    }
}

/// What a goal can be about: every biomarker that a cartridge measures and a rule judges.
pub const BIOMARKERS: [&str; 10] =
    ["glucose", "hba1c", "urate", "creatinine", "vitamin_d", "b12", "ferritin", "tsh", "testosterone", "crp"];

/// What a goal asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GoalTerms {
    /// What is counted.
    pub kind: GoalKind,
    /// How much of it in each period: at least one.
    pub target: u16,
    /// Of which biomarker; none counts all.
    pub biomarker: Option<String>,
    /// The first day, of the person's own calendar.
    pub from: Day,
    /// The last day; a week that is not whole does not count.
    pub until: Day,
}

/// What an event about a goal says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GoalChange {
    /// It holds from now on, in place of whatever it was.
    Set(GoalTerms),
    /// It holds no more.
    Removed,
}

/// An event about a goal of one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GoalEvent {
    // First, so that events are ordered by time; of two of one moment the greater id stands.
    /// When.
    pub at: Micros,
    /// Identity of the event.
    pub event: EventId,
    /// Person; nobody has the goals of another.
    pub user: UserId,
    /// Goal.
    pub goal: GoalId,
    /// What it says.
    pub change: GoalChange,
    /// Where it stood on the log.
    pub origin: Origin,
}

/// How a period of a goal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GoalState {
    /// It is not over, and not reached.
    Open,
    /// It was reached.
    Reached,
    /// It is over, and was not reached.
    Missed,
}

impl GoalState {
    /// Every state, with its name in templates, events and tables.
    pub const ALL: [(&'static str, Self); 3] =
        [("open", Self::Open), ("reached", Self::Reached), ("missed", Self::Missed)];

    /// Name in templates, events and tables.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// One period of one goal, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GoalProgress {
    // First, so that it is ordered, and told, by time.
    /// When it came to stand so: the beginning of the period, the moment it was reached, or the end.
    pub since: Micros,
    /// Person.
    pub user: UserId,
    /// Goal.
    pub goal: GoalId,
    /// What is counted.
    pub kind: GoalKind,
    /// Of which biomarker; none counts all.
    pub biomarker: Option<String>,
    /// First day of the period.
    pub from: Day,
    /// First moment after the period.
    pub ends_at: Micros,
    /// How much is asked for.
    pub target: u16,
    /// How much there is.
    pub done: u32,
    /// How it stands.
    pub state: GoalState,
    /// What is told of it, without a number.
    pub text: Text,
    /// Version of the templates.
    pub version: String,
}

impl GoalProgress {
    /// Last day of the period.
    pub const fn until(&self) -> Day {
        self.from + self.kind.days() - 1
    }

    /// Identity of the period, however often what is said of it is revised.
    pub fn id(&self) -> EventId {
        let parts = [
            "goal progress",
            &self.user.to_string(),
            &self.goal.to_string(),
            &self.from.to_string(),
            self.kind.name(),
        ];
        EventId::derive(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::{GoalKind, GoalState};

    #[test]
    fn names_stand_in_the_order_of_the_enumerations_and_no_target_is_out_of_reach() {
        for (name, kind) in GoalKind::ALL {
            assert_eq!(kind.name(), name);
            assert!(kind.most() >= 1 && kind.days() >= 1);
        }
        assert!(i32::from(GoalKind::InRange.most()) <= GoalKind::InRange.days());
        for (name, state) in GoalState::ALL {
            assert_eq!(state.name(), name);
        }
    }
}
