//! How many notifications of the last 30 horizons each person has not read.
//!
//! # Invariants
//! - A row is a function of the notifications that stand and of the epoch's now; who has read all has none.
//! - What is older is not counted any more, whether or not anybody sends anything: who never reads is not remembered for
//!   ever.
//! - A change costs the logarithm of what is unread.
//!
//! # Bound
//! A number for each moment of the last 30 horizons at which something unread went.

use crate::{
    Collection, Diff,
    deadlines::Deadlines,
    keyed::{Keyed, by_key, replace},
    session::UNENDED,
    state::{Memory, Store, Stored},
};
use model::{Micros, NotificationListed, Unread, UserId};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// What a person has not read: how many went at each moment, and in all; and what was said of it last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Waiting {
    went: BTreeMap<Micros, Diff>,
    total: Diff,
    row: Option<Unread>,
}

impl Stored for Waiting {
    const VERSION: u32 = 1;
}

impl Waiting {
    fn take(&mut self, due: Micros, diff: Diff) {
        let count = self.went.entry(due).or_default();
        *count += diff;
        if *count == 0 {
            self.went.remove(&due);
        }
        self.total += diff;
    }

    /// Drops what went at `oldest` or before.
    fn drop_until(&mut self, oldest: Micros) {
        while let Some(first) = self.went.first_entry().filter(|first| *first.key() <= oldest) {
            self.total -= first.remove();
        }
    }

    /// When the oldest does not count any more, if what is unread counts for `keep`.
    fn until(&self, keep: Micros) -> Option<Micros> {
        let (oldest, _) = self.went.first_key_value()?;
        Some(oldest.saturating_add(keep))
    }

    fn said(&self, user: UserId) -> Option<Unread> {
        let ((oldest, _), (newest, _)) = (self.went.first_key_value()?, self.went.last_key_value()?);
        let count = u64::try_from(self.total).ok().filter(|count| *count > 0)?;
        Some(Unread { user, count, oldest: *oldest, newest: *newest })
    }
}

/// Counts what of `listed` is unread.
pub(super) fn count<'scope>(
    listed: Collection<'scope, NotificationListed>,
    memory: &Memory<'scope>,
) -> Collection<'scope, Unread> {
    let unread = listed.flat_map(|NotificationListed { notification, is_expired, read_at }| {
        let (user, due) = (notification.user, notification.due);
        (read_at.is_none() && !is_expired).then_some((user, due, due))
    });
    let (step, route) = ("notifications unread", |user: &UserId| user.route());
    let store = memory.states.store(step, route, memory.horizon);
    let keep = memory.horizon.saturating_mul(UNENDED);
    by_key(unread, memory, step, route, Count { store, keep, deadlines: Deadlines::new() })
}

struct Count {
    store: Rc<RefCell<Store<UserId, Waiting>>>,
    /// How long what is unread counts.
    keep: Micros,
    /// When to look at a person.
    deadlines: Deadlines<UserId>,
}

impl Keyed<UserId, Micros, Unread> for Count {
    fn take(
        &mut self,
        user: UserId,
        heard: Micros,
        _watermark: Micros,
        changes: &mut Vec<(Micros, Diff)>,
        _emit: impl FnMut(Unread, Diff),
    ) {
        let mut store = self.store.borrow_mut();
        let waiting = store.entry(&user, heard, Waiting::default);
        changes.drain(..).for_each(|(due, diff)| waiting.take(due, diff));
        self.deadlines.set_now(user);
    }

    fn forget(&mut self, watermark: Micros) {
        self.store.borrow_mut().expire(watermark, |_, _| true);
    }

    fn pass(&mut self, now: Micros, mut emit: impl FnMut(Unread, Diff)) {
        let (mut store, keep) = (self.store.borrow_mut(), self.keep);
        let until = |(user, waiting): (&UserId, &Waiting)| Some((waiting.until(keep)?, *user));
        self.deadlines.begin(|| store.iter().filter_map(until));
        while let Some(user) = self.deadlines.pop(now) {
            // What was read meanwhile left its deadline behind.
            let Some(place) = store.find(&user) else { continue };
            let dated = store.dated(place);
            let waiting = store.at(place, dated);
            waiting.drop_until(now.saturating_sub(keep));
            let said = waiting.said(user);
            replace(std::mem::replace(&mut waiting.row, said), said, &mut emit);
            match waiting.until(keep) {
                Some(until) => self.deadlines.set(until, user),
                None => drop(store.remove(&user)),
            }
        }
    }
}
