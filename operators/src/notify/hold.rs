//! Holds notifications back until they are due: a row stands from the first epoch whose now has reached its moment.
//!
//! Time is the epoch's now, as in [`crate::ageing`]: what waits goes though nobody sends anything. What might have gone
//! longer ago than the longest age, when it becomes known or when it is its turn, expires: it does not go. A backfill of
//! old data tells nobody of what is long past.
//!
//! # Invariants
//! - What stands is a function of the notifications that stand and of the now of the epoch that brought each.
//! - One that is taken back while it waits was never there.
//! - What replaces a notification that went goes, however old it is: who was told is not told that they were not.
//! - The work of an epoch is proportional to its changes and to what becomes due. Deadlines are derived.
//!
//! # Bound
//! What waits; and of what expired that it did, for as long as it can be taken back: 30 horizons from when it came.

use crate::{
    Collection, Diff,
    deadlines::Deadlines,
    keyed::{Keyed, by_key},
    session::UNENDED,
    state::{Memory, Store, Stored},
};
use model::{EventId, Micros, Notification};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

const STEP: &str = "notifications held";

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Fate {
    /// It went.
    Sent,
    /// It was too old.
    Expired,
}

/// What is remembered of an id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Held {
    /// What waits: revised ones may overlap within an epoch.
    waiting: BTreeMap<Notification, Diff>,
    /// When the one that stands expired, if it did; of anything else that stands and does not wait, it is known that it went.
    expired: Option<Micros>,
}

impl Stored for Held {
    // 2: with what expired.
    const VERSION: u32 = 2;

    fn older(version: u32, bytes: &[u8]) -> Option<Self> {
        let read = || postcard::from_bytes(bytes).ok();
        let waiting = (version == 1).then(read).flatten()?;
        Some(Self { waiting, expired: None })
    }
}

/// What is due of `notifications`, and what became of it; `max_age` after it was due it expires.
pub(super) fn until_due<'scope>(
    notifications: Collection<'scope, Notification>,
    max_age: Micros,
    memory: &Memory<'scope>,
) -> Collection<'scope, (Notification, Fate)> {
    let route = |id: &EventId| id.as_u128() as u64;
    let store = memory.states.store(STEP, route, memory.horizon);
    let heard = notifications.map(|notification| {
        let (id, at) = (notification.id, notification.at);
        (id, notification, at)
    });
    // One horizon is the store's own.
    let keep = memory.horizon.saturating_mul(UNENDED - 1);
    by_key(
        heard,
        memory,
        STEP,
        route,
        Hold { store, max_age, keep, deadlines: Deadlines::new(), fresh: Vec::new() },
    )
}

struct Hold {
    store: Rc<RefCell<Store<EventId, Held>>>,
    max_age: Micros,
    /// For how much longer than a horizon it is known what expired.
    keep: Micros,
    /// When to look at an id that waits.
    deadlines: Deadlines<EventId>,
    /// What changed in this epoch: all of an id.
    fresh: Vec<(EventId, Vec<(Notification, Diff)>)>,
}

impl Keyed<EventId, Notification, (Notification, Fate)> for Hold {
    fn take(
        &mut self,
        id: EventId,
        _heard: Micros,
        _watermark: Micros,
        changes: &mut Vec<(Notification, Diff)>,
        _emit: impl FnMut((Notification, Fate), Diff),
    ) {
        // Only with the epoch's now it is known what becomes of them.
        self.fresh.push((id, std::mem::take(changes)));
    }

    /// What waits stays until it is due.
    fn forget(&mut self, watermark: Micros) {
        self.store.borrow_mut().expire(watermark, |_, held| !held.waiting.is_empty());
    }

    fn pass(&mut self, now: Micros, mut emit: impl FnMut((Notification, Fate), Diff)) {
        let mut store = self.store.borrow_mut();
        let due =
            |(id, held): (&EventId, &Held)| held.waiting.keys().map(|one| (one.due, *id)).collect::<Vec<_>>();
        self.deadlines.begin(|| store.iter().flat_map(due));
        let oldest = now.saturating_sub(self.max_age);
        for (id, changes) in self.fresh.drain(..) {
            let mut held = store.remove(&id).unwrap_or_default();
            let (gone, come): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(_, diff)| *diff < 0);
            let went = gone
                .into_iter()
                .fold(false, |went, (one, diff)| held.take_back(one, diff, &mut emit) || went);
            for (one, diff) in come {
                if one.due > now {
                    self.deadlines.set(one.due, id);
                    *held.waiting.entry(one).or_default() += diff;
                } else if went || one.due >= oldest {
                    emit((one, Fate::Sent), diff);
                } else {
                    held.expired = Some(now);
                    emit((one, Fate::Expired), diff);
                }
            }
            held.put(id, self.keep, &mut store);
        }
        while let Some(id) = self.deadlines.pop(now) {
            // It may have been taken back, or moved, meanwhile.
            let Some(mut held) = store.remove(&id) else { continue };
            let later = |(one, _): &(Notification, Diff)| one.due > now;
            let (later, due): (BTreeMap<_, _>, BTreeMap<_, _>) = held.waiting.into_iter().partition(later);
            held.waiting = later;
            for (one, diff) in due {
                let is_past = one.due < oldest;
                held.expired = held.expired.or(is_past.then_some(now));
                emit((one, if is_past { Fate::Expired } else { Fate::Sent }), diff);
            }
            held.put(id, self.keep, &mut store);
        }
    }
}

impl Held {
    /// Takes `one` back, whatever became of it; says whether it went.
    fn take_back(
        &mut self,
        one: Notification,
        diff: Diff,
        emit: &mut impl FnMut((Notification, Fate), Diff),
    ) -> bool {
        if let Some(count) = self.waiting.get_mut(&one) {
            *count += diff;
            self.waiting.retain(|_, count| *count != 0);
            return false;
        }
        let fate = if self.expired.take().is_some() { Fate::Expired } else { Fate::Sent };
        emit((one, fate), diff);
        fate == Fate::Sent
    }

    /// Keeps what must be known.
    fn put(self, id: EventId, keep: Micros, store: &mut Store<EventId, Self>) {
        let due = self.waiting.last_key_value().map(|(last, _)| last.due);
        let expired = self.expired.map(|at| at.saturating_add(keep));
        if let Some(dated) = due.max(expired) {
            store.insert(id, dated, self);
        }
    }
}
