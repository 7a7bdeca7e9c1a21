//! Holds notifications back until they are due: a row stands from the first epoch whose now has reached its moment.
//!
//! Time is the epoch's now, as in [`crate::ageing`]: what waits goes though nobody sends anything.
//!
//! # Invariants
//! - What stands is a function of the notifications that stand and of the latest now.
//! - One that is taken back while it waits was never there.
//! - The work of an epoch is proportional to its changes and to what becomes due. Deadlines are derived.
//!
//! # Bound
//! What waits.

use crate::{
    Collection, Diff,
    deadlines::Deadlines,
    keyed::{Keyed, by_key},
    state::{Memory, Store, Stored},
};
use model::{EventId, Micros, Notification};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

const STEP: &str = "notifications held";

/// The notifications of one id that wait: revised ones may overlap within an epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Waiting(BTreeMap<Notification, Diff>);

impl Stored for Waiting {
    const VERSION: u32 = 1;
}

impl Waiting {
    fn put(self, id: EventId, store: &mut Store<EventId, Self>) {
        if let Some((last, _)) = self.0.last_key_value() {
            store.insert(id, last.due, self);
        }
    }
}

/// What is due of `notifications`.
pub(super) fn until_due<'scope>(
    notifications: Collection<'scope, Notification>,
    memory: &Memory<'scope>,
) -> Collection<'scope, Notification> {
    let route = |id: &EventId| id.as_u128() as u64;
    let store = memory.states.store(STEP, route, memory.horizon);
    let heard = notifications.map(|notification| {
        let (id, at) = (notification.id, notification.at);
        (id, notification, at)
    });
    by_key(heard, memory, STEP, route, Hold { store, deadlines: Deadlines::new(), fresh: Vec::new() })
}

struct Hold {
    store: Rc<RefCell<Store<EventId, Waiting>>>,
    /// When to look at an id that waits.
    deadlines: Deadlines<EventId>,
    /// What changed in this epoch and is not known to wait.
    fresh: Vec<(Notification, Diff)>,
}

impl Keyed<EventId, Notification, Notification> for Hold {
    fn take(
        &mut self,
        id: EventId,
        _heard: Micros,
        _watermark: Micros,
        changes: &mut Vec<(Notification, Diff)>,
        _emit: impl FnMut(Notification, Diff),
    ) {
        let mut store = self.store.borrow_mut();
        for (notification, diff) in changes.drain(..) {
            // Only what waits is remembered: of anything else it is known that it went.
            let Some(mut waiting) = store.remove(&id) else {
                self.fresh.push((notification, diff));
                continue;
            };
            if let Some(count) = waiting.0.get_mut(&notification) {
                *count += diff;
                waiting.0.retain(|_, count| *count != 0);
            } else {
                self.fresh.push((notification, diff));
            }
            waiting.put(id, &mut store);
        }
    }

    /// What waits stays until it is due.
    fn forget(&mut self, watermark: Micros) {
        self.store.borrow_mut().expire(watermark, |_, _| true);
    }

    fn pass(&mut self, now: Micros, mut emit: impl FnMut(Notification, Diff)) {
        let mut store = self.store.borrow_mut();
        self.deadlines
            .begin(|| store.iter().flat_map(|(id, waiting)| waiting.0.keys().map(move |one| (one.due, *id))));
        for (notification, diff) in self.fresh.drain(..) {
            // A retraction is of something that went: what waits was met above.
            if diff < 0 || notification.due <= now {
                emit(notification, diff);
                continue;
            }
            let (id, due) = (notification.id, notification.due);
            let mut waiting = store.remove(&id).unwrap_or_default();
            *waiting.0.entry(notification).or_default() += diff;
            waiting.put(id, &mut store);
            self.deadlines.set(due, id);
        }
        while let Some(id) = self.deadlines.pop(now) {
            // It may have been taken back, or moved, meanwhile.
            let Some(waiting) = store.remove(&id) else { continue };
            let (due, later): (BTreeMap<_, _>, BTreeMap<_, _>) =
                waiting.0.into_iter().partition(|(notification, _)| notification.due <= now);
            for (notification, diff) in due {
                emit(notification, diff);
            }
            Waiting(later).put(id, &mut store);
        }
    }
}
