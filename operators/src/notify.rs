//! Tells people what they are to hear of: what services ask for, risks, coaching, days that are over, goals; lists it, and
//! counts what is unread.
//!
//! [`wish`] is what is to be told, [`hold`] keeps it back in quiet hours and holds what is long past, [`read`] joins what was
//! read, [`unread`] counts.
//!
//! # Invariants
//! - One notification per wish; a wish that is said again, or revised without becoming another, notifies nobody again.
//! - In quiet hours nothing goes but what is CRITICAL; the rest goes in the first epoch whose now has reached their end.
//! - Nobody is told of what is long past, not even at CRITICAL: it is listed as expired.
//! - The settings that count are those of the moment of the wish, in event time.
//! - What this product tells by itself holds no value and no finding: it may stand on a locked screen.
//! - Nobody reads the notifications of another.
//!
//! # Retractions
//! Follow the risk, the coaching, the day and the goal, and settings that come late. What was not sent yet goes without a word.
//!
//! # Bound
//! What was asked for in the last 30 horizons, what expired in them, and what waits for the end of quiet hours; of a person who has settings,
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
use hold::Fate;
use model::{
    Coaching, DailySummary, DomainEvent, EventId, GoalProgress, Micros, Notification, NotificationEvent,
    NotificationListed, RiskDetected, Unread, UserId,
    notification::{NotificationChange, NotificationSettings, Priority},
    time::SECOND,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use wish::Wish;

/// What is too old to be told.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Nobody is told of what might have gone so long before it is known, seconds.
    pub max_age_s: u32,
}

/// What people are told of, besides what services ask for.
pub struct Causes<'scope> {
    /// Risks, with who is to hear of them.
    pub risks: Collection<'scope, RiskDetected>,
    /// What is said of measurements.
    pub coachings: Collection<'scope, Coaching>,
    /// Days; those that are over.
    pub summaries: Collection<'scope, DailySummary>,
    /// Periods of goals; those that were reached or missed.
    pub goals: Collection<'scope, GoalProgress>,
}

impl fmt::Debug for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Causes")
    }
}

/// What people are told.
pub struct Notified<'scope> {
    /// Every notification that went.
    pub sent: Collection<'scope, Notification>,
    /// The same and whether it was read, and what was too old to go.
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
    causes: Causes<'scope>,
    options: Options,
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
    let Causes { risks, coachings, summaries, goals } = causes;
    let of_risks = risks.flat_map(|risk| wish::of_risk(&risk).into_iter().map(Known::wished));
    let of_coachings = coachings.map(|coaching| Known::wished(wish::of_coaching(&coaching)));
    let of_days = summaries.flat_map(|day| wish::of_day(&day).map(Known::wished));
    let of_goals = goals.flat_map(|goal| wish::of_goal(&goal).map(Known::wished));
    let known = said.concat(of_risks).concat(of_coachings).concat(of_days).concat(of_goals);
    let told = known.fold_timeline("notifications", |user: &UserId| user.route(), Desk, memory);
    let max_age = Micros::from(options.max_age_s) * SECOND;
    let settled = hold::until_due(told.map(|(notification, _heard)| notification), max_age, memory);
    let listed = read::listed(settled.clone(), reads, memory);
    let sent = settled.flat_map(|(notification, fate)| (fate == Fate::Sent).then_some(notification));
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
