//! Follows one person: every rule in force but the two that have an operator of their own, over what is said of them.
//!
//! What is said changes parameters or the profile, and the rules that ask about them are judged again, at its moment and
//! by the profile known then. A rule over vital signs must find a level for a while ([`watch`]); a value measured in a
//! sample is the plateau of a whole session, and a dangerous one is told at once: the next may be months away. An alert
//! that stands is told again at its level after half an hour, if its cause is seen then.
//!
//! # Invariants
//! - A rule that is not for the person, or not known to be, raises nothing; if it ceases to be for them the cause is gone.
//! - A vital sign counts for [`Options::max_age_minutes`] at most, whatever the rule allows, and then leaves; the latest
//!   value of what was measured in a sample stays.
//!
//! # Bound
//! One value of each parameter and, while something is found, one watch of each rule. A person of whom there is a profile
//! or a measured value is never forgotten.

mod told;

use super::{
    facts::{Facts, Method},
    rule::{self, Judgement},
    said::{Said, VITAL, What},
    set::{Outcome, Risk, Rule, RuleSet, Rulebook},
    watch::{self, Change, Observation},
};
use crate::timeline::Fold;
use model::{AlertChange, ChangeKind, Micros, Profile, Span, time::SECOND};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// Follows people by the rules of a book.
#[derive(Clone, Debug)]
pub struct Person {
    rules: Vec<Followed>,
    max_age: Micros,
    repeat_after: Micros,
}

#[derive(Clone, Debug)]
struct Followed {
    set: &'static RuleSet,
    rule: &'static Rule,
    watch: watch::Options,
}

/// What is known of a person, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    profile: Option<Profile>,
    facts: Facts,
    /// By id of the rule; none where nothing was found.
    watched: BTreeMap<String, Watched>,
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
    ) -> Option<Change> {
        let change = self.watch.observe(options, seen).or_else(|| {
            let is_due = self.told.is_some_and(|told| seen.at - told >= repeat_after);
            is_due.then(|| self.watch.again(options, seen.at)).flatten()
        })?;
        self.told = (change.kind != ChangeKind::Cleared).then_some(seen.at);
        Some(change)
    }
}

impl Followed {
    /// The rule, unless it has no row in force that is above LOW or is followed elsewhere.
    fn new(set: &'static RuleSet, rule: &'static Rule, vital: &watch::Options) -> Option<Self> {
        let is_above = |outcome| matches!(outcome, Outcome::Level(level) if level > Risk::Low);
        let rows = || rule.columns.iter().flat_map(|column| &column.rows);
        let raises = rows().any(|row| row.enabled && is_above(row.outcome))
            || rule.totals.iter().any(|total| total.level > Risk::Low);
        if !raises || ELSEWHERE.contains(&rule.id.as_str()) {
            return None;
        }
        let is_vital = rule.columns.iter().any(|column| VITAL.contains(&column.parameter));
        let at_once = watch::Options { raise_after_observations: 1, ..vital.clone() };
        Some(Self { set, rule, watch: if is_vital { vital.clone() } else { at_once } })
    }

    /// Whether it must be judged again.
    fn is_touched(&self, said: &Said) -> bool {
        match &said.what {
            What::Profile(..) => true,
            What::Values(values) => values.values.iter().any(|(parameter, _)| self.rule.asks(*parameter)),
        }
    }
}

impl Person {
    /// Follows with these options, by the rules of `book`.
    pub fn new(options: &Options, book: &'static Rulebook) -> Self {
        let rules = book.rules().filter_map(|(set, rule)| Followed::new(set, rule, &options.watch));
        Self {
            rules: rules.collect(),
            max_age: Micros::from(options.max_age_minutes) * 60 * SECOND,
            repeat_after: Micros::from(options.repeat_after_seconds) * SECOND,
        }
    }

    /// What of `said` a rule asks about.
    pub fn asked(&self, mut said: Said) -> Option<Said> {
        if let What::Values(values) = &mut said.what {
            let asks = |parameter| self.rules.iter().any(|followed| followed.rule.asks(parameter));
            values.values.retain(|(parameter, _)| asks(*parameter));
            if values.values.is_empty() {
                return None;
            }
        }
        Some(said)
    }

    /// Takes what is said; gives the records that said it.
    fn take(&self, state: &mut State, said: &Said) -> Span {
        state.facts.retain(|fact| fact.method != Method::Observed || said.at - fact.at <= self.max_age);
        match &said.what {
            What::Profile(_, profile, span) => {
                state.profile = Some(*profile);
                *span
            }
            What::Values(values) => {
                for (parameter, fact) in values.facts(said.at) {
                    // What cannot be is no evidence; what brought it refused it already.
                    state.facts.take(parameter, fact).ok();
                }
                values.span
            }
        }
    }
}

impl Fold for Person {
    type Fact = Said;
    type State = State;
    type Output = Vec<AlertChange>;

    const VERSION: u32 = 1;

    fn step(&self, state: &mut State, said: &Said) -> Option<Vec<AlertChange>> {
        let span = self.take(state, said);
        let profile = state.profile.unwrap_or_default();
        let mut changes = Vec::new();
        for followed in self.rules.iter().filter(|followed| followed.is_touched(said)) {
            let Followed { set, rule, watch } = followed;
            let judgement = rule::judge(set, rule, &profile, &state.facts, said.at);
            let severity = match judgement {
                Judgement::Found(finding) => finding.level.alert(),
                Judgement::Inapplicable(_) | Judgement::Silent(_) => None,
            };
            if severity.is_none() && !state.watched.contains_key(&rule.id) {
                continue;
            }
            let sustained = severity.is_some() || rule::is_near(rule, &profile, &state.facts, said.at);
            let seen = Observation { at: said.at, severity, sustained, span };
            let mut watched = state.watched.remove(&rule.id).unwrap_or_default();
            if let Some(change) = watched.observe(watch, self.repeat_after, seen) {
                changes.push(followed.change(said, (&profile, &state.facts), judgement, change));
            }
            if !watched.watch.is_clean() {
                state.watched.insert(rule.id.clone(), watched);
            }
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
        let State { profile, facts, watched } = state;
        profile.is_none() && watched.is_empty() && facts.iter().all(|fact| fact.method == Method::Observed)
    }
}

#[cfg(test)]
mod tests;
