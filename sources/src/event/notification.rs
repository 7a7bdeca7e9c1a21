//! Events about notifications: who is to be told what, what was read, and when nobody is to be disturbed.
//!
//! ```text
//! manpasik.notification.send               type · title · body · priority? LOW, NORMAL, HIGH, CRITICAL
//!                                          channel? IN_APP, PUSH, EMAIL, SMS
//! manpasik.notification.read               notification_id
//! manpasik.notification.settings.updated   quiet_from? 22:00 · quiet_until? 07:00 · utc_offset? +09:00 · language? ko, en
//! ```
//! All three are about the person of `user_id`. The id of a `notification.send` is the id of the notification. Settings
//! are the whole of them: what is left out, or `null`, is not wanted any more. What the platform names is `type`, `title`,
//! `body`, `priority` and `channel`; the rest, and both other events, are this product's own.

use super::{attributes::Attributes, field};
use crate::refusal::Refusal;
use model::{
    DomainEvent, EventId, NotificationEvent, Origin, Reason,
    notification::{Channel, Language, NotificationChange, NotificationSettings, Priority, QuietHours},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Most bytes of a type, of a title and of a body. This product's own bounds: a notification is no document.
const MAX_TYPE_BYTES: usize = 64;
const MAX_TITLE_BYTES: usize = 256;
const MAX_BODY_BYTES: usize = 4_096;
/// Furthest a clock is from UTC, minutes: -12:00 to +14:00 are in use.
const OFFSETS: std::ops::RangeInclusive<i16> = -720..=840;

type Payload = Map<String, Value>;

pub(super) fn requested(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    changed(origin, attributes, payload, || {
        Ok(NotificationChange::Requested {
            kind: field::name(payload, "type", MAX_TYPE_BYTES)?.to_owned(),
            title: field::name(payload, "title", MAX_TITLE_BYTES)?.to_owned(),
            body: field::name(payload, "body", MAX_BODY_BYTES)?.to_owned(),
            priority: field::optional_choice(payload, "priority", &Priority::ALL)?
                .unwrap_or(Priority::Normal),
            channel: field::optional_choice(payload, "channel", &Channel::ALL)?.unwrap_or(Channel::InApp),
        })
    })
}

pub(super) fn read(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    changed(origin, attributes, payload, || {
        let id = field::uuid(field::text(payload, "notification_id")?, "payload.notification_id")?;
        Ok(NotificationChange::Read(EventId::new(id)))
    })
}

pub(super) fn settings(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    changed(origin, attributes, payload, || {
        let language = field::optional_choice(payload, "language", &Language::ALL)?.unwrap_or_default();
        Ok(NotificationChange::Settings(NotificationSettings { quiet: quiet(payload)?, language }))
    })
}

fn changed(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
    change: impl FnOnce() -> Result<NotificationChange, Refusal>,
) -> Result<DomainEvent, Refusal> {
    let user = field::person(attributes.user, payload)?;
    let (at, event, change) = (attributes.at, attributes.id, change()?);
    Ok(DomainEvent::Notification(NotificationEvent { at, event, user, change, origin }))
}

/// The quiet hours, if all that makes them is said.
fn quiet(payload: &Payload) -> Result<Option<QuietHours>, Refusal> {
    let names = ["quiet_from", "quiet_until", "utc_offset"];
    let [from, until, offset] = names.map(|name| field::optional_text(payload, name));
    let (Some(from), Some(until), Some(offset)) = (from?, until?, offset?) else {
        if names.iter().all(|name| payload.get(*name).is_none_or(Value::is_null)) {
            return Ok(None);
        }
        return Err(field::missing(
            "quiet_from, quiet_until or utc_offset",
            "a text: quiet hours need all three",
        ));
    };
    let minute = |text: &str, name| {
        let minutes = minutes(text).filter(|minutes| *minutes < 1_440);
        minutes
            .map(|minutes| minutes as u16)
            .ok_or_else(|| field::missing(name, "a time of day of the form 22:00"))
    };
    let (from, until) = (minute(from, "quiet_from")?, minute(until, "quiet_until")?);
    if from == until {
        let detail = "quiet_from and quiet_until are one time: leave all three out if nothing is to be quiet";
        return Err(Refusal::new(Reason::OutOfRange, detail));
    }
    let offset = signed(offset).filter(|minutes| OFFSETS.contains(minutes));
    let offset = offset.ok_or_else(|| field::missing("utc_offset", "an offset of the form +09:00"))?;
    Ok(Some(QuietHours { from, until, offset }))
}

/// `07:30` in minutes.
fn minutes(text: &str) -> Option<i16> {
    let part =
        |from, to| text.get(from..to).filter(|part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()));
    let (hours, minutes) = (part(0, 2)?.parse::<i16>().ok()?, part(3, 5)?.parse::<i16>().ok()?);
    (text.len() == 5 && text.get(2..3) == Some(":") && hours < 24 && minutes < 60)
        .then_some(hours * 60 + minutes)
}

/// `+09:00` in minutes.
fn signed(text: &str) -> Option<i16> {
    match text.split_at_checked(1)? {
        ("+", rest) => minutes(rest),
        ("-", rest) => minutes(rest).map(|minutes| -minutes),
        _ => None,
    }
}

/// Type of the event that says `change`.
pub(super) const fn kind(change: &NotificationChange) -> &'static str {
    match change {
        NotificationChange::Requested { .. } => super::NOTIFICATION_SEND,
        NotificationChange::Read(_) => super::NOTIFICATION_READ,
        NotificationChange::Settings(_) => super::NOTIFICATION_SETTINGS,
    }
}

/// A change as an event says it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Said<'a> {
    Requested {
        #[serde(rename = "type")]
        kind: &'a str,
        title: &'a str,
        body: &'a str,
        priority: &'static str,
        channel: &'static str,
    },
    Read {
        notification_id: String,
    },
    Settings {
        #[serde(skip_serializing_if = "Option::is_none")]
        quiet_from: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        quiet_until: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        utc_offset: Option<String>,
        language: &'static str,
    },
}

impl<'a> From<&'a NotificationChange> for Said<'a> {
    fn from(change: &'a NotificationChange) -> Self {
        match change {
            NotificationChange::Requested { kind, title, body, priority, channel } => {
                Self::Requested { kind, title, body, priority: priority.name(), channel: channel.name() }
            }
            NotificationChange::Read(id) => Self::Read { notification_id: id.to_string() },
            NotificationChange::Settings(NotificationSettings { quiet, language }) => Self::Settings {
                quiet_from: quiet.map(|quiet| clock(quiet.from)),
                quiet_until: quiet.map(|quiet| clock(quiet.until)),
                utc_offset: quiet.map(|quiet| {
                    let sign = if quiet.offset < 0 { '-' } else { '+' };
                    format!("{sign}{}", clock(quiet.offset.unsigned_abs()))
                }),
                language: language.name(),
            },
        }
    }
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests;
