//! What is known of a person, and the days and goals that follow from it at a moment.
//!
//! # Invariants
//! - What is seen is a function of what is known and of now.
//! - Days that are gone are not looked at again: what was said of them stays said.

use super::{
    calendar::{Calendar, day_of},
    fact::{Fact, Known},
    goal::{self, Period, Periods, Said},
    summary::summary,
};
use crate::Diff;
use model::{DailySummary, Day, GoalId, GoalProgress, Micros, UserId, time::DAY};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days before the first that counts whose facts do: those of the same week.
const WEEK: Day = 7;

/// What is known of a person, and what was said last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Person {
    calendar: Calendar,
    goals: BTreeMap<GoalId, Said>,
    facts: BTreeMap<Fact, Diff>,
    /// Days up to this one are gone.
    gone: Day,
    said: Seen,
}

/// What there is to say, without words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) days: BTreeMap<Day, DailySummary>,
    pub(super) goals: BTreeMap<Period, GoalProgress>,
    /// The first moment at which it may be something else without a fact.
    pub(super) until: Option<Micros>,
}

impl Default for Person {
    fn default() -> Self {
        let (calendar, goals, facts) = (Calendar::default(), BTreeMap::new(), BTreeMap::new());
        Self { calendar, goals, facts, gone: Day::MIN / 2, said: Seen::default() }
    }
}

impl Person {
    /// Takes something that is learnt or, of what happened, taken back; what happened before `floor` stays as it is.
    pub(super) fn learn(&mut self, known: Known, diff: Diff, floor: Micros) {
        match known {
            Known::Offset(at, event, offset) => self.calendar.set(at, event, offset),
            Known::Goal(goal, at, event, change) => {
                self.goals.entry(goal).or_default().insert((at, event), change);
            }
            Known::Fact(fact) if fact.at >= floor => {
                let count = self.facts.entry(fact.clone()).or_default();
                *count += diff;
                if *count == 0 {
                    self.facts.remove(&fact);
                }
            }
            Known::Fact(_) => {}
        }
    }

    /// What there is to say at `now`.
    fn look(&self, user: UserId, now: Micros) -> Seen {
        let Self { calendar, gone, .. } = self;
        let mut days = BTreeMap::<Day, Vec<&Fact>>::new();
        for fact in self.facts.iter().filter(|(_, count)| **count > 0).map(|(fact, _)| fact) {
            days.entry(calendar.day(fact.at)).or_default().push(fact);
        }
        let measured = days.iter().filter(|(_, facts)| facts.iter().any(|fact| fact.measured().is_some()));
        let after = measured.map(|(day, _)| day.saturating_add(1)).filter(|day| !days.contains_key(day));
        let mut seen = Seen::default();
        let mut is_live = false;
        for day in days.keys().copied().chain(after).filter(|day| day > gone) {
            let (end, facts) = (calendar.end(day), days.get(&day).map_or(&[][..], Vec::as_slice));
            is_live |= now < end.0;
            // Nobody is told of a day without anything before it is over.
            if now >= end.0 || !facts.is_empty() {
                seen.days.insert(day, summary(user, day, end, facts, now));
            }
        }
        let mut periods =
            Periods { user, calendar, days: &days, gone: *gone, now, found: BTreeMap::new(), is_live };
        self.goals.iter().for_each(|(goal, said)| periods.look(*goal, said));
        seen.goals = periods.found;
        seen.until = periods.is_live.then(|| calendar.midnight(now)).flatten();
        seen
    }

    /// Looks at `now`; gives what was said before, and what is to be said from now on.
    pub(super) fn turn(&mut self, user: UserId, now: Micros) -> (Seen, &Seen) {
        let seen = self.look(user, now);
        let before = std::mem::replace(&mut self.said, seen);
        (before, &self.said)
    }

    /// When it is to be looked at again.
    pub(super) const fn until(&self) -> Option<Micros> {
        self.said.until
    }

    /// Whether nothing of it matters once nothing of it can change.
    pub(super) fn may_go(&self) -> bool {
        self.until().is_none() && self.goals.is_empty() && self.calendar.is_empty()
    }

    /// Lets everything leave but where they are: nothing that was heard can change any more.
    pub(super) fn settle(&mut self) {
        self.goals.clear();
        self.facts.clear();
        self.said = Seen::default();
        self.calendar.settle();
    }

    /// Lets leave what happened too long before `floor` to matter.
    pub(super) fn prune(&mut self, floor: Micros) {
        // Wherever the person is, the day after has begun by the floor.
        let gone = day_of(floor.saturating_sub(DAY / 2)) - 1;
        if gone <= self.gone {
            return;
        }
        self.gone = gone;
        let Self { calendar, goals, facts, said, .. } = self;
        facts.retain(|fact, _| calendar.day(fact.at) > gone - WEEK);
        goals.retain(|_, said| goal::prune(said, calendar, gone));
        said.days.retain(|day, _| *day > gone);
        said.goals.retain(|_, progress| progress.until() > gone);
        calendar.drop_before(gone - WEEK);
    }
}
