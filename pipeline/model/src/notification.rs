//! What people are notified of: what asks for it, when they may be disturbed, and what they have read.

use crate::{EventId, Micros, Origin, UserId, time::DAY};
use serde::{Deserialize, Serialize};

/// How much a notification matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// It can wait.
    Low,
    /// As most do.
    Normal,
    /// Soon.
    High,
    /// At once, in quiet hours too.
    Critical,
}

impl Priority {
    /// Every priority, with its name in events and tables.
    pub const ALL: [(&'static str, Self); 4] =
        [("LOW", Self::Low), ("NORMAL", Self::Normal), ("HIGH", Self::High), ("CRITICAL", Self::Critical)];

    /// Name in events and tables.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// By which way a notification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Shown in the app.
    InApp,
    /// Pushed to the phone.
    Push,
    /// By mail.
    Email,
    /// By text message.
    Sms,
}

impl Channel {
    /// Every channel, with its name in events and tables.
    pub const ALL: [(&'static str, Self); 4] =
        [("IN_APP", Self::InApp), ("PUSH", Self::Push), ("EMAIL", Self::Email), ("SMS", Self::Sms)];

    /// Name in events and tables.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// A language this product speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Language {
    /// Korean: whoever says nothing is spoken to in it.
    #[default]
    Korean,
    /// English.
    English,
}

impl Language {
    /// Every language, with its name in events.
    pub const ALL: [(&'static str, Self); 2] = [("ko", Self::Korean), ("en", Self::English)];

    /// Name in events.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

const MINUTE: Micros = 60_000_000;
const MINUTES: Micros = 1_440;

/// Hours of each day in which a person is not to be disturbed; over midnight if they end before they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QuietHours {
    /// Minute of the local day at which they begin.
    pub from: u16,
    /// Minute of the local day at which they end; another than `from`.
    pub until: u16,
    /// Minutes by which local time is ahead of UTC. It stays the same all year: summer time is a change of it.
    pub offset: i16,
}

/// Minutes by which local time is ahead of UTC where nothing is known of a person: this product is used in Korea.
pub const HOME_OFFSET: i16 = 540;

impl QuietHours {
    /// The first moment from `at` on that is not quiet.
    ///
    /// # Examples
    /// ```
    /// # use model::notification::QuietHours;
    /// const HOUR: i64 = 3_600_000_000;
    /// // From ten in the evening to seven in the morning in Korea, nine hours ahead.
    /// let quiet = QuietHours { from: 22 * 60, until: 7 * 60, offset: 9 * 60 };
    /// assert_eq!(quiet.over(0), 0); // nine in the morning
    /// assert_eq!(quiet.over(13 * HOUR), 22 * HOUR); // ten in the evening
    /// assert_eq!(quiet.over(21 * HOUR), 22 * HOUR); // six in the morning
    /// assert_eq!(quiet.over(22 * HOUR), 22 * HOUR); // seven
    /// ```
    pub fn over(self, at: Micros) -> Micros {
        let ahead = Micros::from(self.offset) * MINUTE;
        let local = at.saturating_add(ahead);
        let (from, until) = (Micros::from(self.from), Micros::from(self.until));
        // Minutes since they began last, and how many they last.
        let since = (local.div_euclid(MINUTE) - from).rem_euclid(MINUTES);
        let length = (until - from).rem_euclid(MINUTES);
        if since >= length {
            return at;
        }
        let midnight = local.div_euclid(DAY) * DAY;
        let ends = midnight + until * MINUTE;
        let ends = if ends > local { ends } else { ends + DAY };
        ends - ahead
    }
}

/// What a person wants of notifications: the whole of it, so that what it leaves out is not wanted any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NotificationSettings {
    /// When they are not to be disturbed.
    pub quiet: Option<QuietHours>,
    /// How they are spoken to.
    pub language: Language,
}

impl NotificationSettings {
    /// Minutes by which the person's local time is ahead of UTC: as their quiet hours say, else [`HOME_OFFSET`].
    pub fn offset(&self) -> i16 {
        self.quiet.map_or(HOME_OFFSET, |quiet| quiet.offset)
    }
}

/// What an event about notifications says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NotificationChange {
    /// A service wants a person to be told something; the event's id is the notification's.
    Requested {
        /// What kind it is, as the service names it.
        kind: String,
        /// One line.
        title: String,
        /// What is told.
        body: String,
        /// How much it matters.
        priority: Priority,
        /// By which way it goes.
        channel: Channel,
    },
    /// The person read a notification.
    Read(EventId),
    /// What they want from now on.
    Settings(NotificationSettings),
}

/// An event about the notifications of one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NotificationEvent {
    // First, so that events are ordered by time; of two of one moment the greater id stands.
    /// When.
    pub at: Micros,
    /// Identity of the event.
    pub event: EventId,
    /// Person.
    pub user: UserId,
    /// What it says.
    pub change: NotificationChange,
    /// Where it stood on the log.
    pub origin: Origin,
}

/// What a person is told, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Notification {
    // First, so that notifications are ordered, and told, by time.
    /// When it was asked for.
    pub at: Micros,
    /// When it may go: then, or once it is not quiet any more.
    pub due: Micros,
    /// Its identity.
    pub id: EventId,
    /// Person.
    pub user: UserId,
    /// What kind it is.
    pub kind: String,
    /// One line.
    pub title: String,
    /// What is told.
    pub body: String,
    /// How much it matters.
    pub priority: Priority,
    /// By which way it goes.
    pub channel: Channel,
    /// The session, the alert, the day or the period of a goal it is about, by its id.
    pub about: Option<String>,
}

/// A notification that went, or was too old to go, and whether it was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NotificationListed {
    /// The notification.
    pub notification: Notification,
    /// Whether it was too old to be told when it became known: it did not go, and is not unread.
    pub is_expired: bool,
    /// When it was first read.
    pub read_at: Option<Micros>,
}

impl NotificationListed {
    /// What became of it, as tables name it: `sent` or `expired`.
    pub const fn state(&self) -> &'static str {
        if self.is_expired { "expired" } else { "sent" }
    }
}

/// How many notifications of the last 30 horizons a person has not read; of one who has read all there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unread {
    /// Person.
    pub user: UserId,
    /// How many, at least one.
    pub count: u64,
    /// When the oldest of them went.
    pub oldest: Micros,
    /// When the newest did.
    pub newest: Micros,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_enumerations() {
        for (name, priority) in Priority::ALL {
            assert_eq!(priority.name(), name);
        }
        for (name, channel) in Channel::ALL {
            assert_eq!(channel.name(), name);
        }
        for (name, language) in Language::ALL {
            assert_eq!(language.name(), name);
        }
    }

    /// Minute by minute over two days, for hours within a day and over midnight, east and west of UTC and before 1970.
    #[test]
    fn the_end_of_quiet_hours_is_the_first_minute_that_is_not_quiet() {
        for (from, until) in [(22 * 60, 7 * 60), (60, 5 * 60 + 30), (0, 1), (1, 0), (12 * 60, 0)] {
            for offset in [0, 540, -480, 345, 840, -720] {
                let quiet = QuietHours { from, until, offset };
                let is_quiet = |minute: i64| {
                    let of_day = (minute + i64::from(offset)).rem_euclid(MINUTES) as u16;
                    if from < until {
                        (from..until).contains(&of_day)
                    } else {
                        of_day >= from || of_day < until
                    }
                };
                for minute in -MINUTES..MINUTES {
                    let free = (minute..=minute + MINUTES).find(|minute| !is_quiet(*minute)).unwrap();
                    // The moment itself if it is free, else the minute's very beginning.
                    let at = minute * MINUTE + 17;
                    let due = if free == minute { at } else { free * MINUTE };
                    assert_eq!(quiet.over(at), due, "{quiet:?} {minute}");
                }
            }
        }
    }
}
