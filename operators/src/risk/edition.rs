//! Which rules hold when: those that ship, until a set of them is published in another version.
//!
//! # Invariants
//! - What holds at a moment follows from the sets that were published up to it, in the order of event time, however they
//!   came; of two of one moment the one with the greater id counts last.
//! - Of one moment, what is seen comes first and what is published after it, so that neither looks past the other.
//! - Every edition has an identity of its own that says all before it, so that a state which names its edition is another
//!   one as soon as any set before it is.

use super::set::{Rule, RuleSet, Rulebook};
use crate::{Collection, state::Stored};
use model::{DomainEvent, EventId, Micros, RulesPublished};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// The rule sets among events.
pub fn published(events: Collection<'_, DomainEvent>) -> Collection<'_, RulesPublished> {
    events.flat_map(|event| match event {
        DomainEvent::Rules(published) => Some(published),
        _ => None,
    })
}

impl Stored for RulesPublished {
    const VERSION: u32 = 1;
}

/// The rules from a moment on.
#[derive(Debug)]
pub struct Edition<T> {
    from: Micros,
    /// The event that brought it; none of what ships.
    event: Option<EventId>,
    /// Identity; none of what ships.
    pub id: Option<EventId>,
    /// The rules.
    pub book: Rulebook,
    /// Ids of the rules that are others than before.
    pub changed: Vec<String>,
    /// What was made of the rules.
    pub made: T,
}

/// All editions, oldest first.
pub struct Editions<T> {
    make: Box<dyn Fn(&Rulebook) -> T>,
    published: BTreeMap<(Micros, EventId), Arc<RuleSet>>,
    all: Vec<Edition<T>>,
}

impl<T> Editions<T> {
    /// Begins with the rules that ship; `make` makes of the rules of an edition what is needed over and over.
    pub fn new(make: impl Fn(&Rulebook) -> T + 'static) -> Self {
        let mut editions = Self { make: Box::new(make), published: BTreeMap::new(), all: Vec::new() };
        editions.bind();
        editions
    }

    /// Takes a set that was published.
    ///
    /// One that cannot be read here did not pass [`super::published`], and holds nowhere.
    pub fn learn(&mut self, news: &RulesPublished) {
        if let Ok(set) = Rulebook::published(&news.set, &news.text, news.at) {
            self.published.insert((news.at, news.event), Arc::new(set));
            self.bind();
        }
    }

    fn bind(&mut self) {
        let book = Rulebook::shipped().clone();
        let made = (self.make)(&book);
        let (from, changed) = (Micros::MIN, Vec::new());
        self.all = vec![Edition { from, event: None, id: None, book, changed, made }];
        for ((from, event), set) in &self.published {
            let before = self.all.last().expect("what ships is the first");
            let book = before.book.with(set);
            let rules = set.rules.iter();
            let is_another =
                |rule: &&Rule| before.book.rule(&rule.id).is_none_or(|(_, known)| known != *rule);
            let changed = rules.filter(is_another).map(|rule| rule.id.clone());
            let former = before.id.map_or_else(String::new, |id| id.to_string());
            let id = EventId::derive(&["edition", &former, &event.to_string()]);
            self.all.push(Edition {
                from: *from,
                event: Some(*event),
                id: Some(id),
                changed: changed.collect(),
                made: (self.make)(&book),
                book,
            });
        }
    }

    /// What holds for what is seen at `at`: a set that is published at the same moment comes after it.
    pub fn at(&self, at: Micros) -> &Edition<T> {
        self.last(|edition| edition.from < at)
    }

    /// What holds once the set of `event` was published at `at`.
    pub fn after(&self, at: Micros, event: EventId) -> &Edition<T> {
        self.last(|edition| (edition.from, edition.event) <= (at, Some(event)))
    }

    fn last(&self, holds: impl Fn(&Edition<T>) -> bool) -> &Edition<T> {
        // What ships holds from the beginning of time.
        &self.all[self.all.partition_point(holds).saturating_sub(1)]
    }

    /// Ids of the rules that the set of this event changed.
    pub fn changed_by(&self, event: EventId) -> &[String] {
        let edition = self.all.iter().find(|edition| edition.event == Some(event));
        edition.map_or(&[], |edition| &edition.changed)
    }

    /// The rules of a set in this version, the newest if there are several; those that ship if there is none.
    pub fn in_version(&self, set: &str, version: &str) -> &Rulebook {
        let has = |edition: &&Edition<T>| {
            edition.book.sets().any(|known| known.id == set && known.version == version)
        };
        self.all.iter().rev().find(has).map_or(Rulebook::shipped(), |edition| &edition.book)
    }
}

impl<T> fmt::Debug for Editions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Editions({} published)", self.published.len())
    }
}

#[cfg(test)]
mod tests;
