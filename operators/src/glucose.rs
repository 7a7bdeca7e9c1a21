//! Sums up what continuous glucose monitors read, and follows episodes of low glucose; both corrected by what comes late.
//!
//! [`worn`] keeps what one person's sensor read, [`episode`] follows their lows.
//!
//! # Invariants
//! - What stands is a function of the readings and of the epoch's now: not of their order, not of copies, not of the epochs
//!   before.
//! - A slot of five minutes holds one reading, the last; of two of one moment the lower. A sensor that reads every minute, or
//!   sends everything twice under another name, weighs no more than one that reads every five.
//! - A window stands from the first epoch whose now has reached its end, whether or not anything comes after it; what comes
//!   later of it revises it.
//!
//! # Why forgetting does not show
//! A reading comes at most a horizon behind the watermark, so what it can change are windows that end after that, and
//! those hold 14 days more: so long a person is remembered, and longer while a window is still to be told.
//!
//! # Bound
//! Of each person the slots of a horizon and of what is dated ahead of now, the sums of each hour of that and a day more, of
//! each day of that and 14 more. A reading that comes in time costs three sums; one that comes late the windows it lies in, 38
//! at most.

mod episode;
#[cfg(test)]
mod tests;
mod worn;

pub use episode::episodes;

use crate::{
    Collection, Diff,
    deadlines::Deadlines,
    keyed::{Keyed, by_key, replace},
    state::{Memory, Store, Stored},
};
use model::{DomainEvent, GlucoseReading, GlucoseWindow, Micros, UserId, Wear};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};
use worn::{Taken, Worn};

/// The readings among events.
pub fn readings(events: Collection<'_, DomainEvent>) -> Collection<'_, GlucoseReading> {
    events.flat_map(|event| match event {
        DomainEvent::Glucose(reading) => Some(reading),
        _ => None,
    })
}

/// Sums up each day and each fortnight that is over.
pub fn windows<'scope>(
    readings: Collection<'scope, GlucoseReading>,
    memory: &Memory<'scope>,
) -> Collection<'scope, GlucoseWindow> {
    let (step, route) = ("glucose", |user: &UserId| user.route());
    let taken = readings.map(|reading| (reading.user, Taken::from(&reading), reading.at));
    let horizon = memory.horizon;
    let store = memory.states.store(step, route, horizon.saturating_add(Wear::Fortnight.length()));
    let (deadlines, watermark) = (Deadlines::new(), Micros::MIN);
    by_key(taken, memory, step, route, Windows { store, horizon, watermark, deadlines })
}

impl Stored for Worn {
    const VERSION: u32 = 1;
}

struct Windows {
    store: Rc<RefCell<Store<UserId, Worn>>>,
    horizon: Micros,
    watermark: Micros,
    /// When the next window of each person ends.
    deadlines: Deadlines<UserId>,
}

impl Keyed<UserId, Taken, GlucoseWindow> for Windows {
    fn take(
        &mut self,
        user: UserId,
        heard: Micros,
        _watermark: Micros,
        changes: &mut Vec<(Taken, Diff)>,
        mut emit: impl FnMut(GlucoseWindow, Diff),
    ) {
        let mut store = self.store.borrow_mut();
        let worn = store.entry(&user, heard, Worn::default);
        if let Some(until) = worn.until() {
            self.deadlines.unset(until, user);
        }
        // An event that was said stays said.
        let taken = || changes.iter().map(|(taken, _)| taken);
        let touched: BTreeSet<_> = taken().flat_map(|taken| worn.standing_around(taken.at)).collect();
        let rows = |worn: &Worn| -> BTreeMap<_, _> {
            touched.iter().map(|place| (*place, worn.window(user, *place))).collect()
        };
        let before = rows(worn);
        taken().for_each(|taken| worn.take(*taken));
        for (place, after) in rows(worn) {
            replace(before[&place].clone(), after, &mut emit);
        }
        self.deadlines.set_now(user);
    }

    fn forget(&mut self, watermark: Micros) {
        self.watermark = watermark;
        // What is still to be told is told first.
        self.store.borrow_mut().expire(watermark, |_, worn| worn.until().is_some());
    }

    fn pass(&mut self, now: Micros, mut emit: impl FnMut(GlucoseWindow, Diff)) {
        let mut store = self.store.borrow_mut();
        self.deadlines.begin(|| store.iter().filter_map(|(user, worn)| Some((worn.until()?, *user))));
        while let Some(user) = self.deadlines.pop(now) {
            let Some(place) = store.find(&user) else { continue };
            let worn = store.at(place, Micros::MIN);
            for place in worn.tell(now) {
                worn.window(user, place).into_iter().for_each(|row| emit(row, 1));
            }
            worn.prune(self.watermark.saturating_sub(self.horizon).min(now));
            if let Some(until) = worn.until() {
                self.deadlines.set(until, user);
            }
        }
    }
}
