//! Rule sets: those that ship, and one from a file that is to hold from now on.
//!
//! # Invariants
//! - What is sent would be taken: it was read as the pipeline reads it.

use crate::{Error, config::Config, service::publish};
use model::{DomainEvent, EventId, Input, Micros, Origin, RulesPublished};
use operators::risk::set::{self, Rule, Rulebook};

/// What the event says it is from.
const SOURCE: &str = "manpasik-rules";

/// A rule set that can be published.
#[derive(Clone, Debug)]
pub struct Set {
    text: String,
    /// What would be said of it.
    pub told: Vec<String>,
    id: String,
}

/// One line for each set that ships.
pub fn shipped() -> Vec<String> {
    let rules = |rules: &[Rule]| rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(", ");
    let line = |set: &set::RuleSet| {
        format!("{} {} (effective {}): {}", set.id, set.version, set.effective, rules(&set.rules))
    };
    Rulebook::shipped().sets().map(|set| line(set)).collect()
}

/// The text of a set that ships.
pub fn text(set: &str) -> Option<&'static str> {
    Rulebook::text(set)
}

impl Set {
    /// Reads a set that is to hold from `at` on.
    ///
    /// # Errors
    /// Names the line, and what to publish instead.
    pub fn read(text: &str, at: Micros) -> Result<Self, set::Error> {
        let set = Rulebook::load(&[("text", text)])?;
        let id = set.sets().next().map(|set| set.id.clone()).unwrap_or_default();
        let set = Rulebook::published(&id, text, at)?;
        let is_another =
            |rule: &&Rule| Rulebook::shipped().rule(&rule.id).is_none_or(|(_, known)| known != *rule);
        let mut told = vec![format!("{} {}: {} rules", set.id, set.version, set.rules.len())];
        told.extend(
            set.rules.iter().filter(is_another).map(|rule| format!("{} is not as it ships", rule.id)),
        );
        Ok(Self { text: text.to_owned(), told, id })
    }

    /// Publishes it, to hold from `at` on.
    ///
    /// # Errors
    /// [`Error::Held`] while the program holds the embedded log; those of the log.
    pub fn publish(&self, config: &Config, at: Micros) -> Result<(), Error> {
        let event = EventId::derive(&["rules", &self.id, &self.text, &at.to_string()]);
        // Where it will stand is not part of what is sent.
        let origin = Origin { input: Input::Rules, partition: 0, offset: 0 };
        let (set, text) = (self.id.clone(), self.text.clone());
        let published = DomainEvent::Rules(RulesPublished { at, event, set, text, origin });
        publish(config, Input::Rules, sources::event::encode(&published, SOURCE), at / 1_000, "rules")
    }
}
