//! How far a person came in each period of their goals.
//!
//! A goal is what was said of it last; a period belongs to what held when it ended. One that was over when the goal was set
//! does not count, and one that was not when the goal was set anew or removed is gone.

use super::{calendar::Calendar, fact::Fact};
use model::{
    Day, EventId, GoalChange, GoalId, GoalKind, GoalProgress, GoalState, GoalTerms, Micros, Risk, Text,
    UserId,
};
use std::collections::BTreeMap;

/// What was said of one goal, in order.
pub(super) type Said = BTreeMap<(Micros, EventId), GoalChange>;
/// Which period of which goal.
pub(super) type Period = (GoalId, Day, GoalKind);

/// What the periods of goals are looked at with.
pub(super) struct Periods<'a> {
    pub(super) user: UserId,
    pub(super) calendar: &'a Calendar,
    /// The facts of each day, in order.
    pub(super) days: &'a BTreeMap<Day, Vec<&'a Fact>>,
    /// Periods that ended by this day cannot change any more.
    pub(super) gone: Day,
    pub(super) now: Micros,
    /// The periods that began, without their words.
    pub(super) found: BTreeMap<Period, GoalProgress>,
    /// Whether one of them, or one that has not begun, will be another without a fact.
    pub(super) is_live: bool,
}

impl Periods<'_> {
    /// Looks at the periods of `goal`.
    pub(super) fn look(&mut self, goal: GoalId, said: &Said) {
        let mut changes = said.iter().peekable();
        while let Some((&(set_at, _), change)) = changes.next() {
            let next = changes.peek().map(|&(&(at, _), _)| at);
            if let GoalChange::Set(terms) = change {
                self.look_at(goal, terms, set_at, next);
            }
        }
    }

    /// Looks at the periods of `terms`, which held from `set_at` to `next`.
    fn look_at(&mut self, goal: GoalId, terms: &GoalTerms, set_at: Micros, next: Option<Micros>) {
        let length = terms.kind.days();
        let first = (self.gone.saturating_add(1).saturating_sub(terms.from).max(0)) / length;
        for period in first.. {
            let from = terms.from.saturating_add(period.saturating_mul(length));
            let last = from.saturating_add(length - 1);
            if last > terms.until {
                return;
            }
            let ends_at = self.calendar.end(last).0;
            if ends_at <= set_at {
                continue;
            }
            if next.is_some_and(|next| next < ends_at) {
                return;
            }
            let begins_at = self.calendar.end(from - 1).0;
            if begins_at > self.now {
                self.is_live = true;
                return;
            }
            let progress = self.progress(goal, terms, from, (begins_at, ends_at));
            // One that is reached can be followed by another.
            self.is_live |= ends_at > self.now;
            self.found.insert((goal, from, terms.kind), progress);
        }
    }

    fn progress(
        &self,
        goal: GoalId,
        terms: &GoalTerms,
        from: Day,
        (begins_at, ends_at): (Micros, Micros),
    ) -> GoalProgress {
        let moments = self.moments(terms, from);
        let reached = moments.get(usize::from(terms.target).saturating_sub(1));
        let (state, since) = match reached {
            Some(reached) => (GoalState::Reached, *reached),
            None if self.now >= ends_at => (GoalState::Missed, ends_at),
            None => (GoalState::Open, begins_at),
        };
        GoalProgress {
            since,
            user: self.user,
            goal,
            kind: terms.kind,
            biomarker: terms.biomarker.clone(),
            from,
            ends_at,
            target: terms.target,
            done: moments.len() as u32,
            state,
            text: Text::default(),
            version: String::new(),
        }
    }

    /// When each thing that counts happened in the period that begins on `from`, in order.
    fn moments(&self, terms: &GoalTerms, from: Day) -> Vec<Micros> {
        let days = self.days.range(from..from + terms.kind.days());
        let biomarker = terms.biomarker.as_deref();
        let of =
            |fact: &Fact| fact.measured().filter(|measured| measured.is_of(biomarker)).map(|it| it.level);
        let mut moments: Vec<Micros> = match terms.kind {
            GoalKind::PerDay | GoalKind::PerWeek => days
                .flat_map(|(_, facts)| facts)
                .filter(|fact| of(fact).is_some())
                .map(|fact| fact.at)
                .collect(),
            GoalKind::InRange => {
                let in_range = |facts: &&Vec<&Fact>| {
                    facts.iter().filter_map(|fact| of(fact)).flatten().max() == Some(Risk::Low)
                };
                let over =
                    days.filter(|(_, facts)| in_range(facts)).map(|(day, _)| self.calendar.end(*day).0);
                over.filter(|end| *end <= self.now).collect()
            }
        };
        moments.sort_unstable();
        moments
    }
}

/// Drops what is said of a goal and of no day after `gone`; says whether something is left.
pub(super) fn prune(said: &mut Said, calendar: &Calendar, gone: Day) -> bool {
    let is_past = |at: Micros| calendar.day(at) <= gone;
    while let Some((&first, change)) = said.first_key_value() {
        let superseded = said.keys().nth(1).is_some_and(|&(at, _)| is_past(at));
        let over = said.len() == 1
            && match change {
                GoalChange::Set(terms) => terms.until <= gone,
                GoalChange::Removed => is_past(first.0),
            };
        if !superseded && !over {
            return true;
        }
        said.remove(&first);
    }
    false
}
