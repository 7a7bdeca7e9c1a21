//! What a day of a person came to: what was measured, what of it was in range, what alerts rose. Not a diagnosis.

use crate::{Day, EventId, Level, Micros, Number, Risk, Text, UserId};
use serde::{Deserialize, Serialize};

/// What kind of day it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DayKind {
    /// Everything that was measured is in range.
    InRange,
    /// Something was measured that no rule judges, and nothing was out of range.
    Recorded,
    /// Something was outside its limits.
    Outside,
    /// Something was urgent.
    Urgent,
    /// Nothing was measured, after a day on which something was.
    Nothing,
}

impl DayKind {
    /// Every kind, with its name in templates, events and tables.
    pub const ALL: [(&'static str, Self); 5] = [
        ("in_range", Self::InRange),
        ("recorded", Self::Recorded),
        ("outside", Self::Outside),
        ("urgent", Self::Urgent),
        ("nothing", Self::Nothing),
    ];

    /// Name in templates, events and tables.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What was measured of one biomarker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BiomarkerDay {
    /// What, as rules name it.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// How often.
    pub count: u32,
    /// Lowest value; none where no value could be used.
    pub lowest: Option<Number>,
    /// Highest value.
    pub highest: Option<Number>,
    /// Last value, and when.
    pub last: Option<(Micros, Number)>,
    /// The most urgent level any rule claims; none does not say that all is well.
    pub worst: Option<Risk>,
}

/// How many alerts rose, each at the highest level it came to on the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertCounts {
    /// At MODERATE.
    pub moderate: u32,
    /// At HIGH.
    pub high: u32,
    /// At CRITICAL.
    pub critical: u32,
}

impl AlertCounts {
    /// Counts one more.
    pub const fn add(&mut self, level: Level) {
        match level {
            Level::Moderate => self.moderate += 1,
            Level::High => self.high += 1,
            Level::Critical => self.critical += 1,
        }
    }
}

/// One day of one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DailySummary {
    // First, so that summaries are ordered, and told, by time.
    /// First moment after the day.
    pub ends_at: Micros,
    /// Person.
    pub user: UserId,
    /// The day, of their own calendar.
    pub day: Day,
    /// Minutes by which their local time was ahead of UTC at its end.
    pub offset: i16,
    /// Whether it is over.
    pub is_over: bool,
    /// What kind of day it was, as far as it goes.
    pub kind: DayKind,
    /// Measurements that were completed.
    pub measurements: u32,
    /// How many of them must be measured again before they count.
    pub to_repeat: u32,
    /// What was measured, by name.
    pub biomarkers: Vec<BiomarkerDay>,
    /// Alerts that rose.
    pub alerts: AlertCounts,
    /// What is told of it, without a number.
    pub text: Text,
    /// Version of the templates.
    pub version: String,
}

impl DailySummary {
    /// Identity of the day, however often what is said of it is revised.
    pub fn id(&self) -> EventId {
        EventId::derive(&["daily summary", &self.user.to_string(), &self.day.to_string()])
    }
}

#[cfg(test)]
mod tests {
    use super::DayKind;

    #[test]
    fn names_stand_in_the_order_of_the_kinds() {
        for (name, kind) in DayKind::ALL {
            assert_eq!(kind.name(), name);
        }
    }
}
