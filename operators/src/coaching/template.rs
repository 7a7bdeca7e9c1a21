//! The words, read from `templates.toml`.

use model::{DayKind, GoalKind, GoalState, Text, Trend};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// What people are told, by what it is about.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    version: String,
    not_a_diagnosis: Text,
    /// By trend; one without a text says nothing.
    trend: BTreeMap<Trend, Text>,
    /// By code.
    silence: BTreeMap<String, Text>,
    /// By rule and class.
    advice: BTreeMap<String, BTreeMap<String, Text>>,
    /// For a class without words of its own.
    otherwise: Text,
    /// By kind of day.
    day: BTreeMap<String, Text>,
    /// Of a day on which something must be measured again.
    repeat: Text,
    /// By kind of goal and by how it stands.
    goal: BTreeMap<String, BTreeMap<String, Text>>,
}

impl Templates {
    /// The templates that ship with the product, read once.
    pub fn shipped() -> &'static Self {
        static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
            toml::from_str(include_str!("templates.toml"))
                .expect("the shipped templates are valid (a test loads them)")
        });
        &TEMPLATES
    }

    /// Changes whenever the same result could be told in other words.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// That all of it is no diagnosis.
    pub const fn not_a_diagnosis(&self) -> &Text {
        &self.not_a_diagnosis
    }

    /// What a value in `class` of `rule` means and what to do next.
    pub fn advice(&self, rule: &str, class: &str) -> &Text {
        self.advice.get(rule).and_then(|of| of.get(class)).unwrap_or(&self.otherwise)
    }

    /// How a value compares with the one before.
    pub fn trend(&self, trend: Trend) -> Option<&Text> {
        self.trend.get(&trend)
    }

    /// What a person can do about why no rule says anything.
    pub fn silence(&self, code: &str) -> Option<&Text> {
        self.silence.get(code)
    }

    /// What a day came to, and whether something of it must be measured again.
    pub fn day(&self, kind: DayKind, to_repeat: bool) -> Text {
        let (day, repeat) = (self.day.get(kind.name()), to_repeat.then_some(&self.repeat));
        Text::joined(day.into_iter().chain(repeat).chain([&self.not_a_diagnosis]))
    }

    /// How a goal stands.
    pub fn goal(&self, kind: GoalKind, state: GoalState) -> Text {
        self.goal.get(kind.name()).and_then(|of| of.get(state.name())).cloned().unwrap_or_default()
    }

    /// Every text.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &Text> {
        let advice = self.advice.values().flat_map(BTreeMap::values);
        let single = [&self.not_a_diagnosis, &self.otherwise, &self.repeat];
        let goals = self.goal.values().flat_map(BTreeMap::values);
        let days = self.day.values().chain(goals);
        advice.chain(self.trend.values()).chain(self.silence.values()).chain(days).chain(single)
    }

    /// Every rule and class with words of its own.
    #[cfg(test)]
    pub(super) fn classes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.advice.iter().flat_map(|(rule, of)| of.keys().map(|class| (rule.as_str(), class.as_str())))
    }
}
