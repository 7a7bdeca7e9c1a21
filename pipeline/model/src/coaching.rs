//! What a person is told of one measurement, from templates: in Korean and English, without numbers. Not a diagnosis.

use crate::{Micros, Risk, SessionId, Span, UserId};
use serde::{Deserialize, Serialize};

/// One text in every language there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// In Korean.
    pub ko: String,
    /// In English.
    pub en: String,
}

impl Text {
    /// All of `texts`, one after the other.
    pub fn joined<'a>(texts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        for Self { ko, en } in texts {
            for (whole, part) in [(&mut whole.ko, ko), (&mut whole.en, en)] {
                if !whole.is_empty() {
                    whole.push(' ');
                }
                whole.push_str(part);
            }
        }
        whole
    }
}

/// How a result compares with the one before of the same person by the same rule, by its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trend {
    /// No other is known.
    First,
    /// The level fell.
    Better,
    /// It is what it was.
    Same,
    /// It rose.
    Worse,
}

impl Trend {
    /// Every trend, with its name in templates, events and tables.
    pub const ALL: [(&'static str, Self); 4] =
        [("first", Self::First), ("better", Self::Better), ("same", Self::Same), ("worse", Self::Worse)];

    /// Name in templates, events and tables.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum About {
    /// The class that a rule puts the value in.
    Class {
        /// The rule.
        rule: String,
        /// The class.
        class: String,
        /// How urgent it is.
        level: Risk,
    },
    /// Why nothing is said of the value, as a code: `age_unknown`, `pregnant`, `unsure` …
    Silence(String),
}

/// One thing a person is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Message {
    /// What it is about.
    pub about: About,
    /// How the value compares with the one before; of a class only, and not of a result that came after later ones.
    pub trend: Option<Trend>,
    /// The words, with those about the trend.
    pub text: Text,
}

/// What a person is told of one measurement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Coaching {
    // First, so that coachings are ordered, and told, by time.
    /// When the measurement was completed.
    pub at: Micros,
    /// Session measured.
    pub session: SessionId,
    /// Person measured.
    pub user: UserId,
    /// Revision of the measurement.
    pub revision: u32,
    /// What was measured, as rules name it.
    pub biomarker: Option<String>,
    /// The most urgent level any rule claims; none does not say that all is well.
    pub level: Option<Risk>,
    /// Whether it must be measured again before it counts.
    pub needs_retest: bool,
    /// What is told, at least one thing: the most urgent first.
    pub messages: Vec<Message>,
    /// That it is no diagnosis.
    pub not_a_diagnosis: Text,
    /// Version of the templates.
    pub version: String,
    /// The packets it rests on.
    pub packets: Span,
}

impl Coaching {
    /// All of it in words.
    pub fn text(&self) -> Text {
        let messages = self.messages.iter().map(|message| &message.text);
        Text::joined(messages.chain([&self.not_a_diagnosis]))
    }
}

#[cfg(test)]
mod tests {
    use super::Trend;

    #[test]
    fn names_stand_in_the_order_of_the_trends() {
        for (name, trend) in Trend::ALL {
            assert_eq!(trend.name(), name);
        }
    }
}
