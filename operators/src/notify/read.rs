//! Which notifications were read, and when first: by the person they were for.
//!
//! # Invariants
//! - A notification that was read stays read, whatever comes later; one that is read twice was read the first time.
//! - What is read before it was asked for, by somebody else, or 30 horizons after it went, is not read.

use crate::{
    Collection,
    gather::{Sum, gather},
    keyed::Heard,
    session::UNENDED,
    state::Memory,
};
use model::{EventId, Micros, Notification, NotificationListed, UserId};
use serde::{Deserialize, Serialize};

/// Who reads, and what.
pub(super) type Key = (UserId, EventId);

/// What is known of a notification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Fact {
    /// It went.
    Went(Box<Notification>),
    /// It was read then.
    Read(Micros),
}

/// Every notification of `sent`, and whether it was read.
pub(super) fn listed<'scope>(
    sent: Collection<'scope, Notification>,
    reads: Collection<'scope, Heard<Key, Fact>>,
    memory: &Memory<'scope>,
) -> Collection<'scope, NotificationListed> {
    let sent = sent.map(|notification| {
        let (key, due) = ((notification.user, notification.id), notification.due);
        (key, Fact::Went(Box::new(notification)), due)
    });
    gather::<Reading>(sent.concat(reads), memory).flat_map(|listed| listed)
}

#[derive(Clone)]
struct Reading;

impl Sum for Reading {
    type Key = Key;
    type Fact = Fact;
    /// None of what never went.
    type Row = Option<NotificationListed>;

    const STEP: &'static str = "notifications read";
    const VERSION: u32 = 1;

    fn route((user, _): &Key) -> u64 {
        user.route()
    }

    fn row<'facts>(_key: &Key, facts: impl Iterator<Item = &'facts Fact>) -> Option<NotificationListed> {
        let mut went: Option<&Notification> = None;
        let mut reads = Vec::new();
        for fact in facts {
            match fact {
                // Facts come in order; of two versions within one epoch the later counts.
                Fact::Went(notification) => went = Some(notification),
                Fact::Read(at) => reads.push(*at),
            }
        }
        let notification = went?.clone();
        let read_at = reads.into_iter().find(|at| *at >= notification.at);
        Some(NotificationListed { notification, read_at })
    }

    /// What is read later than that stays said as unread.
    fn horizons(_row: &Option<NotificationListed>) -> Option<u32> {
        Some(UNENDED as u32)
    }
}
