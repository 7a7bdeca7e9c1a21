//! Which notifications were read, and when first: by the person they were for; and which expired, which nobody reads.
//!
//! # Invariants
//! - A notification that was read stays read, whatever comes later; one that is read twice was read the first time.
//! - What is read before it was asked for, by somebody else, or 30 horizons after it went, is not read.

use super::hold::Fate;
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
    /// It was too old to go.
    Expired(Box<Notification>),
}

/// Every notification of `settled`, and whether it was read.
pub(super) fn listed<'scope>(
    settled: Collection<'scope, (Notification, Fate)>,
    reads: Collection<'scope, Heard<Key, Fact>>,
    memory: &Memory<'scope>,
) -> Collection<'scope, NotificationListed> {
    let settled = settled.map(|(notification, fate)| {
        let (key, due) = ((notification.user, notification.id), notification.due);
        let notification = Box::new(notification);
        let fact = match fate {
            Fate::Sent => Fact::Went(notification),
            Fate::Expired => Fact::Expired(notification),
        };
        (key, fact, due)
    });
    gather::<Reading>(settled.concat(reads), memory).flat_map(|listed| listed)
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
        let (mut went, mut expired): (Option<&Notification>, Option<&Notification>) = (None, None);
        let mut reads = Vec::new();
        for fact in facts {
            match fact {
                // Facts come in order; of two versions within one epoch the later counts.
                Fact::Went(notification) => went = Some(notification),
                Fact::Read(at) => reads.push(*at),
                Fact::Expired(notification) => expired = Some(notification),
            }
        }
        let is_expired = went.is_none();
        let notification = went.or(expired)?.clone();
        let read_at = reads.into_iter().find(|at| !is_expired && *at >= notification.at);
        Some(NotificationListed { notification, is_expired, read_at })
    }

    /// What is read later than that stays said as unread.
    fn horizons(_row: &Option<NotificationListed>) -> Option<u32> {
        Some(UNENDED as u32)
    }
}
