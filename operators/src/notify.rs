//! Tells people what they are to hear of: what services ask for, risks, coaching; lists it, and counts what is unread.
//!
//! [`wish`] is what is to be told, [`hold`] keeps it back in quiet hours, [`read`] joins what was read, [`unread`] counts.
//!
//! # Invariants
//! - One notification per wish; a wish that is said again, or revised without becoming another, notifies nobody again.
//! - In quiet hours nothing goes but what is CRITICAL; the rest goes in the first epoch whose now has reached their end.
//! - The settings that count are those of the moment of the wish, in event time.
//! - What this product tells by itself holds no value and no finding: it may stand on a locked screen.
//! - Nobody reads the notifications of another.
//!
//! # Retractions
//! Follow the risk and the coaching, and settings that come late. What was not sent yet goes without a word.
//!
//! # Bound
//! What was asked for in the last 30 horizons, and what waits for the end of quiet hours; of a person who has settings,
//! these for good.

mod hold;
mod read;
mod unread;
mod wish;

use crate::{
    Collection,
    session::UNENDED,
    state::Memory,
    timeline::{Fold, FoldTimeline},
};
use model::{
    Coaching, DomainEvent, EventId, Micros, Notification, NotificationEvent, NotificationListed,
    RiskDetected, Unread, UserId,
    notification::{NotificationChange, NotificationSettings, Priority},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use wish::Wish;

/// What people are told.
pub struct Notified<'scope> {
    /// Every notification that went.
    pub sent: Collection<'scope, Notification>,
    /// The same, and whether it was read.
    pub listed: Collection<'scope, NotificationListed>,
    /// How many of them each person has not read.
    pub unread: Collection<'scope, Unread>,
}

impl fmt::Debug for Notified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notified")
    }
}

/// Notifies people.
pub fn notify<'scope>(
    events: Collection<'scope, DomainEvent>,
    risks: Collection<'scope, RiskDetected>,
    coachings: Collection<'scope, Coaching>,
    memory: &Memory<'scope>,
) -> Notified<'scope> {
    let said = events.clone().flat_map(|event| match event {
        DomainEvent::Notification(event) => said(event),
        _ => None,
    });
    let reads = events.flat_map(|event| match event {
        DomainEvent::Notification(NotificationEvent {
            at,
            user,
            change: NotificationChange::Read(id),
            ..
        }) => Some(((user, id), read::Fact::Read(at), at)),
        _ => None,
    });
    let of_risks = risks.flat_map(|risk| wish::of_risk(&risk).into_iter().map(Known::wished));
    let of_coachings = coachings.map(|coaching| Known::wished(wish::of_coaching(&coaching)));
    let known = said.concat(of_risks).concat(of_coachings);
    let told = known.fold_timeline("notifications", |user: &UserId| user.route(), Desk, memory);
    let sent = hold::until_due(told.map(|(notification, _heard)| notification), memory);
    let listed = read::listed(sent.clone(), reads, memory);
    let unread = unread::count(listed.clone(), memory);
    Notified { sent, listed, unread }
}

/// Something known of a person from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Known {
    // First, so that what is known is ordered by time.
    at: Micros,
    what: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Kind {
    // First: they hold for wishes of the same moment. Of two of one moment the greater event stands.
    Settings(EventId, NotificationSettings),
    Wish(Box<Wish>),
}

impl Known {
    fn wished((user, at, wish): (UserId, Micros, Wish)) -> (UserId, Self, Micros) {
        (user, Self { at, what: Kind::Wish(Box::new(wish)) }, at)
    }
}

/// What an event says that the desk must know.
fn said(
    NotificationEvent { at, event, user, change, .. }: NotificationEvent,
) -> Option<(UserId, Known, Micros)> {
    match change {
        NotificationChange::Settings(settings) => {
            Some((user, Known { at, what: Kind::Settings(event, settings) }, at))
        }
        NotificationChange::Requested { kind, title, body, priority, channel } => {
            let words = wish::Words::Given { kind, title, body };
            Some(Known::wished((user, at, Wish { id: event, user, words, priority, channel, about: None })))
        }
        NotificationChange::Read(_) => None,
    }
}

/// Makes wishes notifications, by the settings of their moment.
#[derive(Clone)]
struct Desk;

impl Fold for Desk {
    type Fact = Known;
    type State = NotificationSettings;
    type Output = Notification;

    const VERSION: u32 = 1;
    /// A coaching can be revised for so long.
    const HORIZONS: i64 = UNENDED;

    fn step(&self, settings: &mut NotificationSettings, Known { at, what }: &Known) -> Option<Notification> {
        match what {
            Kind::Settings(_, new) => {
                *settings = *new;
                None
            }
            Kind::Wish(wish) => {
                let quiet = settings.quiet.filter(|_| wish.priority != Priority::Critical);
                let due = quiet.map_or(*at, |quiet| quiet.over(*at));
                Some(wish.told(*at, due, settings.language))
            }
        }
    }

    fn at(known: &Known) -> Micros {
        known.at
    }

    /// Settings only: whatever is to be told is told.
    fn is_too_old(known: &Known, watermark: Micros, horizon: Micros) -> bool {
        matches!(known.what, Kind::Settings(..)) && known.at < watermark.saturating_sub(horizon)
    }

    fn may_go(&self, settings: &NotificationSettings) -> bool {
        *settings == NotificationSettings::default()
    }
}

#[cfg(test)]
mod tests;
