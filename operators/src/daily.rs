//! Sums up each day of each person, and follows their goals; corrected by what comes late, closed by time alone.
//!
//! A day is the person's own, by the offset from UTC of their quiet hours; of who has none it is Korea's. [`calendar`] cuts
//! days, [`fact`] is what counts of what happened, [`summary`] and [`goal`] say what it comes to, [`person`] keeps it.
//!
//! # Invariants
//! - What stands is a function of the facts that stand, of what events said, and of the epoch's now: not of their order,
//!   not of copies, not of the epochs before.
//! - A day is over in the first epoch whose now has reached its end, whether or not anybody sends anything.
//! - A day on which nothing was measured is told of once it is over, and only after one on which something was: who stops
//!   is asked once, not every day.
//! - Numbers are counted or measured: lowest, highest and last are values as they were, and nothing is averaged.
//! - Words come from the templates of [`crate::coaching`] and hold no number.
//!
//! # Retractions
//! Follow the analysis, the alert, and settings and goals that come late.
//!
//! # Why forgetting does not show
//! What happened more than 30 horizons ago changes nothing here any more, whether it comes or goes: an analysis can be
//! revised for so long. Days older than that leave, and what was said of them stays said. A person leaves who was silent
//! for as long and some days more, so that no day they were told of is begun again; not before their last day is over, nor
//! while they have goals or an offset of their own.
//!
//! # Bound
//! Of each person the measurements and the rises of alerts of 30 horizons and a week, with the days they make up; their
//! goals until these are over; for good the offset of who said one. A change costs a look at all of that person, and so
//! does each of their midnights that ends something.

mod calendar;
mod fact;
mod goal;
mod person;
mod summary;
#[cfg(test)]
mod tests;

use crate::{
    Collection, Diff,
    coaching::Templates,
    deadlines::Deadlines,
    keyed::{Keyed, by_key, replace},
    session::UNENDED,
    state::{Memory, Store, Stored},
};
use fact::Known;
use model::{AlertChange, Analysis, DailySummary, DomainEvent, GoalProgress, Micros, UserId, time::DAY};
use person::{Person, Seen};
use std::{cell::RefCell, collections::BTreeMap, fmt, rc::Rc};

/// How much longer than a fact can change a person is remembered: the rest of their day, and the day after, wherever they
/// are.
const REST: Micros = 4 * DAY;

/// Days and goals.
pub struct Days<'scope> {
    /// Each day of each person on which something happened, and the first after those on which nothing did.
    pub summaries: Collection<'scope, DailySummary>,
    /// Each period of each goal that began.
    pub goals: Collection<'scope, GoalProgress>,
}

impl fmt::Debug for Days<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Days")
    }
}

/// Sums up days and follows goals.
pub fn days<'scope>(
    events: Collection<'scope, DomainEvent>,
    analyses: Collection<'scope, Analysis>,
    changes: Collection<'scope, (AlertChange, Micros)>,
    memory: &Memory<'scope>,
) -> Days<'scope> {
    let said = events.flat_map(fact::said);
    let happened =
        analyses.map(fact::measured).concat(changes.flat_map(|(change, _heard)| fact::rose(&change)));
    let known = said.concat(happened).map(|(user, known)| {
        let heard = known.at();
        (user, known, heard)
    });
    let (step, route) = ("days", |user: &UserId| user.route());
    let keep = memory.horizon.saturating_mul(UNENDED);
    let store = memory.states.store(step, route, keep.saturating_add(REST));
    let days =
        Following { store, keep, watermark: Micros::MIN, deadlines: Deadlines::new(), settled: Vec::new() };
    let rows = by_key(known, memory, step, route, days);
    let templates = Templates::shipped();
    Days {
        summaries: rows.clone().flat_map(move |row| match row {
            Row::Day(mut day) => {
                day.text = templates.day(day.kind, day.to_repeat > 0);
                templates.version().clone_into(&mut day.version);
                Some(*day)
            }
            Row::Goal(_) => None,
        }),
        goals: rows.flat_map(move |row| match row {
            Row::Goal(mut goal) => {
                goal.text = templates.goal(goal.kind, goal.state);
                templates.version().clone_into(&mut goal.version);
                Some(*goal)
            }
            Row::Day(_) => None,
        }),
    }
}

/// What there is to say, before it is put into words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Day(Box<DailySummary>),
    Goal(Box<GoalProgress>),
}

impl Stored for Person {
    const VERSION: u32 = 1;
}

struct Following {
    store: Rc<RefCell<Store<UserId, Person>>>,
    /// For so long what happened can change.
    keep: Micros,
    watermark: Micros,
    /// When to look at a person.
    deadlines: Deadlines<UserId>,
    /// People who were silent for long and stay.
    settled: Vec<UserId>,
}

impl Keyed<UserId, Known, Row> for Following {
    fn take(
        &mut self,
        user: UserId,
        heard: Micros,
        watermark: Micros,
        changes: &mut Vec<(Known, Diff)>,
        _emit: impl FnMut(Row, Diff),
    ) {
        let mut store = self.store.borrow_mut();
        let person = store.entry(&user, heard, Person::default);
        let floor = watermark.saturating_sub(self.keep);
        changes.drain(..).for_each(|(known, diff)| person.learn(known, diff, floor));
        self.deadlines.set_now(user);
    }

    fn forget(&mut self, watermark: Micros) {
        self.watermark = watermark;
        let (mut store, settled) = (self.store.borrow_mut(), &mut self.settled);
        store.expire(watermark, |user, person| {
            let stays = !person.may_go();
            if stays {
                settled.push(*user);
            }
            stays
        });
        for user in settled.drain(..) {
            // What is still to be said is said first.
            if store.get(&user).is_some_and(|person| person.until().is_none()) {
                store.entry(&user, Micros::MIN, Person::default).settle();
            }
        }
    }

    fn pass(&mut self, now: Micros, mut emit: impl FnMut(Row, Diff)) {
        let (mut store, floor) = (self.store.borrow_mut(), self.watermark.saturating_sub(self.keep));
        self.deadlines.begin(|| store.iter().filter_map(|(user, person)| Some((person.until()?, *user))));
        while let Some(user) = self.deadlines.pop(now) {
            let Some(place) = store.find(&user) else { continue };
            let dated = store.dated(place);
            let Some(mut person) = store.remove(&user) else { continue };
            let (before, after) = person.turn(user, now);
            if let Some(until) = before.until {
                self.deadlines.unset(until, user);
            }
            if let Some(until) = after.until {
                self.deadlines.set(until, user);
            }
            tell(before, after, &mut emit);
            person.prune(floor);
            // Anew, so that it is looked at by its date alone when it may go.
            store.insert(user, dated, person);
        }
    }
}

/// Emits what is another.
fn tell(before: Seen, after: &Seen, mut emit: impl FnMut(Row, Diff)) {
    fn each<K: Ord, R: Clone + PartialEq>(
        mut before: BTreeMap<K, R>,
        after: &BTreeMap<K, R>,
        mut emit: impl FnMut(R, Diff),
    ) {
        for (key, row) in after {
            replace(before.remove(key), Some(row.clone()), &mut emit);
        }
        for row in before.into_values() {
            emit(row, -1);
        }
    }
    each(before.days, &after.days, |row, diff| emit(Row::Day(Box::new(row)), diff));
    each(before.goals, &after.goals, |row, diff| emit(Row::Goal(Box::new(row)), diff));
}
