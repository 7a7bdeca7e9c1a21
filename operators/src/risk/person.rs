//! Follows one person: every rule in force but the two that have an operator of their own, over what is said of them.
//!
//! What is said changes parameters, the profile or the rules, and the rules that ask about them are judged again, at its moment and
//! by the profile known then. A rule over vital signs must find a level for a while ([`watch`]); a value measured in a
//! sample is the plateau of a whole session, and a dangerous one is told at once: the next may be months away. An alert
//! that stands is told again at its level after half an hour, if its cause is seen then.
//!
//! # Invariants
//! - A rule that is not for the person, or not known to be, raises nothing; if it ceases to be for them the cause is gone.
//! - Rules that are published judge what is known of everybody at the moment from which they hold, as far as they are others
//!   than before: an alert whose level they do not find any more is cleared, and one of another level raised.
//! - A correction by which anything else is known judges anew at its moment: an alert whose level is not found any more is
//!   cleared at once. What was told before was told of what was known then, and stays.
//! - A vital sign counts for [`Options::max_age_minutes`] at most, whatever the rule allows, and then leaves; the latest
//!   value of what was measured in a sample stays.
//!
//! # Bound
//! One value of each parameter, the last four of what was measured in samples and, while something is found, one watch of
//! each rule. A person of whom there is a profile or a measured value is never forgotten.

mod assayed;
mod former;
mod told;

use super::{
    edition::Editions,
    facts::{Fact, Facts, Method},
    parameter::Parameter,
    rule::{self, Judgement},
    said::{Correction, Said, What},
    set::{Outcome, Risk, Rule, RuleSet, Rulebook},
    watch::{self, Change, Observation},
};
use crate::timeline::{Fold, Timeline, Told};
use assayed::Assayed;
use model::{AlertChange, ChangeKind, EventId, Micros, Profile, RulesPublished, Span, UserId, time::SECOND};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

/// Rules that are followed elsewhere: [`super::bound`] and [`super::band`].
const ELSEWHERE: [&str; 2] = ["news2", "pulse.news2_band"];

/// Options of all these rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How long a vital sign stays the latest known at most, minutes (60 for vital signs, signals spec §4.5).
    pub max_age_minutes: u32,
    /// After so many seconds an alert that stands is told again (30 minutes, risk.md §4.12).
    pub repeat_after_seconds: u32,
    /// When rules over vital signs raise; all clear as these do.
    pub watch: watch::Options,
}

/// Follows people by the rules in force.
#[derive(Clone, Debug)]
pub struct Person {
    editions: Rc<RefCell<Editions<Vec<Followed>>>>,
    /// What any rule asks about that may be in force.
    asked: Vec<Parameter>,
    max_age: Micros,
    repeat_after: Micros,
}

#[derive(Clone, Debug)]
struct Followed {
    set: Arc<RuleSet>,
    place: usize,
    /// Whether any row in force is above LOW.
    raises: bool,
    watch: watch::Options,
}

/// What is known of a person, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    profile: Option<Profile>,
    facts: Facts,
    /// What was measured in samples, and may be corrected.
    assayed: Assayed,
    /// By id of the rule; none where nothing was found.
    watched: BTreeMap<String, Watched>,
    /// By which edition of the rules; none of those that ship.
    edition: Option<EventId>,
}

/// One rule's watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    watch: watch::State,
    /// When the open alert was last told.
    told: Option<Micros>,
}

impl Watched {
    fn observe(
        &mut self,
        options: &watch::Options,
        repeat_after: Micros,
        seen: Observation,
        cleared: Option<&Change>,
    ) -> Option<Change> {
        let change = self.watch.observe(options, seen, cleared).or_else(|| {
            let is_due = self.told.is_some_and(|told| seen.at - told >= repeat_after);
            is_due.then(|| self.watch.again(options, seen.at)).flatten()
        })?;
        self.told = (change.kind != ChangeKind::Cleared).then_some(seen.at);
        Some(change)
    }
}

impl Followed {
    /// The rules of a book, but those that are followed elsewhere.
    fn all(book: &Rulebook, vital: &watch::Options) -> Vec<Self> {
        let of_set = |set: &Arc<RuleSet>| {
            let places = 0..set.rules.len();
            let follow = |place| Self::new(Arc::clone(set), place, vital);
            places.map(follow).filter(|followed| !ELSEWHERE.contains(&followed.rule().id.as_str())).collect()
        };
        book.sets().flat_map(|set| -> Vec<_> { of_set(set) }).collect()
    }

    fn new(set: Arc<RuleSet>, place: usize, vital: &watch::Options) -> Self {
        let rule = &set.rules[place];
        let is_above = |outcome| matches!(outcome, Outcome::Level(level) if level > Risk::Low);
        let rows = || rule.columns.iter().flat_map(|column| &column.rows);
        let raises = rows().any(|row| row.enabled && is_above(row.outcome))
            || rule.totals.iter().any(|total| total.level > Risk::Low);
        let is_vital = rule.columns.iter().any(|column| Parameter::VITAL.contains(&column.parameter));
        let at_once = watch::Options { raise_after_observations: 1, ..vital.clone() };
        Self { raises, watch: if is_vital { vital.clone() } else { at_once }, set, place }
    }

    fn rule(&self) -> &Rule {
        &self.set.rules[self.place]
    }

    /// Whether it must be judged again; `changed` are the rules that a publication changed.
    fn is_touched(&self, said: &Said, changed: &[String]) -> bool {
        match &said.what {
            What::Profile(..) => self.raises,
            What::Values(values) => {
                self.raises && values.values.iter().any(|(parameter, _)| self.rule().asks(*parameter))
            }
            What::Corrected(correction) => {
                self.raises && correction.parameters().any(|parameter| self.rule().asks(parameter))
            }
            // One that was switched off as well: its alert is over.
            What::Rules(..) => changed.contains(&self.rule().id),
        }
    }
}

impl Person {
    /// Follows with these options, by the rules that ship until others are published.
    pub fn new(options: &Options) -> Self {
        let vital = options.watch.clone();
        let followed = Followed::all(Rulebook::shipped(), &vital);
        let given = Parameter::ALL.iter().map(|(given, ..)| *given);
        let is_asked = |given: &Parameter| followed.iter().any(|followed| followed.rule().asks(*given));
        Self {
            // What a published rule asks about the one that ships asks about, too.
            asked: given.filter(is_asked).collect(),
            editions: Rc::new(RefCell::new(Editions::new(move |book| Followed::all(book, &vital)))),
            max_age: Micros::from(options.max_age_minutes) * 60 * SECOND,
            repeat_after: Micros::from(options.repeat_after_seconds) * SECOND,
        }
    }

    /// What of `said` a rule may ask about.
    pub fn asked(&self, mut said: Said) -> Option<Said> {
        let is_asked = match &mut said.what {
            What::Values(values) => {
                values.values.retain(|(parameter, _)| self.asked.contains(parameter));
                !values.values.is_empty()
            }
            What::Corrected(correction) => {
                correction.parameters().any(|parameter| self.asked.contains(&parameter))
            }
            What::Profile(..) | What::Rules(..) => true,
        };
        is_asked.then_some(said)
    }

    /// Takes what is said; gives the records that said it, unless nothing is known by it that was not.
    fn take(&self, state: &mut State, said: &Said) -> Option<Span> {
        state.facts.retain(|fact| fact.method != Method::Observed || said.at - fact.at <= self.max_age);
        let State { facts, assayed, .. } = state;
        match &said.what {
            What::Profile(_, profile, span) => {
                state.profile = Some(*profile);
                Some(*span)
            }
            What::Values(values) => {
                for (parameter, fact) in values.facts(said.at) {
                    assayed.take(facts, parameter, fact);
                }
                Some(values.span)
            }
            What::Corrected(correction) => assayed.correct(facts, correction).then_some(correction.span),
            What::Rules(_, span) => Some(*span),
        }
    }

    /// Judges by one rule, and tells what changed.
    fn follow(
        &self,
        followed: &Followed,
        state: &mut State,
        (said, span): (&Said, Span),
        changes: &mut Vec<AlertChange>,
    ) {
        let (rule, profile) = (followed.rule(), state.profile.unwrap_or_default());
        let State { facts, watched: all, .. } = state;
        let judgement = rule::judge(&followed.set, rule, &profile, facts, said.at);
        let severity = match judgement {
            Judgement::Found(finding) => finding.level.alert(),
            Judgement::Inapplicable(_) | Judgement::Silent(_) => None,
        };
        if severity.is_none() && !all.contains_key(&rule.id) {
            return;
        }
        let sustained = severity.is_some() || rule::is_near(rule, &profile, facts, said.at);
        let seen = Observation { at: said.at, severity, sustained, span };
        let mut watched = all.remove(&rule.id).unwrap_or_default();
        let amended = match said.what {
            What::Rules(..) => watched.watch.amend(seen),
            What::Corrected(_) => watched.watch.correct(seen),
            What::Profile(..) | What::Values(_) => None,
        };
        let observed = watched.observe(&followed.watch, self.repeat_after, seen, amended.as_ref());
        for change in amended.into_iter().chain(observed) {
            changes.push(followed.change(said, (&profile, facts), judgement, change));
        }
        if !watched.watch.is_clean() {
            all.insert(rule.id.clone(), watched);
        }
    }
}

impl Fold for Person {
    type Fact = Said;
    type State = State;
    type Output = Vec<AlertChange>;

    // 2: with the edition of the rules.
    const VERSION: u32 = 2;

    fn older(version: u32, bytes: &[u8]) -> Option<Timeline<Self>> {
        (version == 1).then(|| former::read(bytes)).flatten()
    }

    fn step(&self, state: &mut State, said: &Said) -> Option<Vec<AlertChange>> {
        let editions = self.editions.borrow();
        let edition = match said.what {
            What::Rules(event, _) => editions.after(said.at, event),
            What::Profile(..) | What::Values(_) | What::Corrected(_) => editions.at(said.at),
        };
        state.edition = edition.id;
        let span = self.take(state, said)?;
        let changed = match said.what {
            What::Rules(event, _) => editions.changed_by(event),
            What::Profile(..) | What::Values(_) | What::Corrected(_) => &[],
        };
        let mut changes = Vec::new();
        for followed in edition.made.iter().filter(|followed| followed.is_touched(said, changed)) {
            self.follow(followed, state, (said, span), &mut changes);
        }
        (!changes.is_empty()).then_some(changes)
    }

    fn at(said: &Said) -> Micros {
        said.at
    }

    /// A device's clock may be wrong, so that what a session found is dated before all that can still be corrected.
    fn is_too_old(said: &Said, watermark: Micros, horizon: Micros) -> bool {
        said.at < watermark.saturating_sub(horizon)
    }

    /// A vital sign is the latest known for so long.
    fn memory(&self, _horizon: Micros) -> Micros {
        self.max_age
    }

    fn may_go(&self, state: &State) -> bool {
        // What was judged by which rules is told; who comes back begins with those in force then.
        let State { profile, facts, assayed, watched, edition: _ } = state;
        profile.is_none()
            && watched.is_empty()
            && assayed.is_empty()
            && facts.iter().all(|fact| fact.method == Method::Observed)
    }
}

impl Told<UserId> for Person {
    type News = RulesPublished;

    fn learn(&self, news: &RulesPublished) {
        self.editions.borrow_mut().learn(news);
    }

    fn fact(&self, user: &UserId, news: &RulesPublished) -> Option<Said> {
        let RulesPublished { at, event, origin, .. } = *news;
        Some(Said { at, user: *user, what: What::Rules(event, Span::from(origin)) })
    }
}

#[cfg(test)]
mod tests;
