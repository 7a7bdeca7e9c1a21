//! Events as this product writes them: the envelope as the value, mirrored to CloudEvents headers.

use super::{
    SESSION_ENDED, SESSION_STARTED, VITALS, cartridge, consent, glucose, goal, laboratory, notification,
    profile, rules,
};
use chrono::{DateTime, SecondsFormat};
use eventlog::Header;
use model::{Consciousness, DomainEvent, Envelope, Micros, Number, UserId, Vitals};
use serde::Serialize;

/// Version of the payloads written here.
const VERSION: &str = "1.0";

/// An event ready for the log, without its place there.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Key: the session, the person for vital signs, readings of glucose, results of laboratories, profiles, consents, notifications and goals, the device for a calibration, the cartridge, or the rule set.
    pub key: Vec<u8>,
    /// The envelope as JSON.
    pub value: Vec<u8>,
    /// CloudEvents 1.0 headers that mirror the envelope, and the content type.
    pub headers: Vec<Header>,
}

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encoded({} bytes)", self.value.len())
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Started {
        session_id: String,
        device_id: &'a str,
        user_id: String,
    },
    Ended {
        session_id: String,
        status: &'a str,
    },
    Vitals {
        #[serde(skip_serializing_if = "Option::is_none")]
        hr: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pulse: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resp: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        spo2: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        systolic: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        diastolic: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        temperature: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        consciousness: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        oxygen: Option<bool>,
    },
    Cartridge(cartridge::Said<'a>),
    Profile(profile::Said),
    Sharing(consent::Said<'a>),
    Notification(notification::Said<'a>),
    Rules(rules::Said<'a>),
    Goal(goal::Said<'a>),
    Glucose(glucose::Said),
    Laboratory(laboratory::Said<'a>),
}

/// Encodes `event` as said by the service `source`; where it stood on the log is not part of it.
///
/// # Examples
/// ```
/// # use model::{DomainEvent, EventId, Input, Origin, SessionEnded, SessionId};
/// let ended = DomainEvent::SessionEnded(SessionEnded {
///     event: EventId::derive(&["the event"]),
///     session: SessionId::derive(&["the session"]),
///     at: 1_000_000,
///     status: "completed".into(),
///     origin: Origin { input: Input::Sessions, partition: 0, offset: 0 },
/// });
/// let encoded = sources::event::encode(&ended, "replay");
/// let text = String::from_utf8(encoded.value).unwrap();
/// assert!(text.contains(r#""timestamp":"1970-01-01T00:00:01Z""#), "{text}");
/// ```
pub fn encode(event: &DomainEvent, source: &str) -> Encoded {
    let Said { kind, subject, user, payload } = said(event);
    let envelope = Envelope {
        event_id: event.id().to_string(),
        event_type: kind.to_owned(),
        version: VERSION.to_owned(),
        timestamp: iso_8601(event.at()),
        source: source.to_owned(),
        correlation_id: subject.clone(),
        user_id: user.clone(),
        payload,
    };
    let key = subject.clone().or(user).expect("every event is about something or a person");
    Encoded {
        headers: headers(&envelope, subject, &key),
        value: serde_json::to_vec(&envelope).expect("texts and finite numbers are always JSON"),
        key: key.into_bytes(),
    }
}

/// What an event says, and of what.
struct Said<'a> {
    kind: &'static str,
    /// What it is about: a session, a device or a cartridge.
    subject: Option<String>,
    /// Who it is about.
    user: Option<String>,
    payload: Payload<'a>,
}

impl<'a> Said<'a> {
    fn of_person(kind: &'static str, user: UserId, payload: Payload<'a>) -> Self {
        Self { kind, subject: None, user: Some(user.to_string()), payload }
    }
}

fn said(event: &DomainEvent) -> Said<'_> {
    match event {
        DomainEvent::SessionStarted(started) => Said {
            kind: SESSION_STARTED,
            subject: Some(started.session.to_string()),
            user: Some(started.user.to_string()),
            payload: Payload::Started {
                session_id: started.session.to_string(),
                device_id: &started.device,
                user_id: started.user.to_string(),
            },
        },
        DomainEvent::SessionEnded(ended) => Said {
            kind: SESSION_ENDED,
            subject: Some(ended.session.to_string()),
            user: None,
            payload: Payload::Ended { session_id: ended.session.to_string(), status: &ended.status },
        },
        DomainEvent::Vitals(seen) => Said::of_person(VITALS, seen.user, vitals(seen)),
        DomainEvent::Calibration(completed) => Said {
            kind: super::CALIBRATION_COMPLETED,
            subject: Some(completed.device.clone()),
            user: None,
            payload: Payload::Cartridge(cartridge::Said::of_calibration(completed)),
        },
        DomainEvent::Cartridge(event) => Said {
            kind: cartridge::kind(&event.change),
            subject: Some(event.uid.to_string()),
            user: None,
            payload: Payload::Cartridge(cartridge::Said::of_cartridge(event)),
        },
        DomainEvent::Profile(updated) => Said::of_person(
            super::PROFILE_UPDATED,
            updated.user,
            Payload::Profile(profile::Said::from(&updated.profile)),
        ),
        DomainEvent::Sharing(changed) => Said::of_person(
            consent::kind(&changed.sharing),
            changed.user,
            Payload::Sharing(consent::Said::from(&changed.sharing)),
        ),
        DomainEvent::Notification(event) => Said::of_person(
            notification::kind(&event.change),
            event.user,
            Payload::Notification(notification::Said::from(&event.change)),
        ),
        DomainEvent::Rules(published) => Said {
            kind: super::RULES_PUBLISHED,
            subject: Some(published.set.clone()),
            user: None,
            payload: Payload::Rules(rules::Said::from(published)),
        },
        DomainEvent::Goal(event) => {
            Said::of_person(goal::kind(&event.change), event.user, Payload::Goal(goal::Said::of(event)))
        }
        DomainEvent::Glucose(reading) => {
            Said::of_person(super::GLUCOSE, reading.user, Payload::Glucose(glucose::Said::of(reading)))
        }
        DomainEvent::Laboratory(event) => Said::of_person(
            laboratory::kind(event),
            event.user,
            Payload::Laboratory(laboratory::Said::of(event)),
        ),
    }
}

fn vitals(vitals: &Vitals) -> Payload<'_> {
    Payload::Vitals {
        hr: vitals.hr,
        pulse: vitals.pulse,
        resp: vitals.resp,
        spo2: vitals.spo2,
        systolic: vitals.systolic,
        diastolic: vitals.diastolic,
        temperature: vitals.temperature,
        consciousness: vitals.consciousness.map(Consciousness::letter),
        oxygen: vitals.oxygen,
    }
}

fn headers<P>(envelope: &Envelope<P>, subject: Option<String>, key: &str) -> Vec<Header> {
    let schema = format!("/{}/{}", envelope.event_type, envelope.version);
    let mut headers = vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", envelope.event_id.clone()),
        ("ce_type", envelope.event_type.clone()),
        ("ce_source", format!("/{}", envelope.source)),
        ("ce_time", envelope.timestamp.clone()),
        ("ce_dataschema", schema),
        ("ce_partitionkey", key.to_owned()),
    ];
    headers.extend(subject.map(|subject| ("ce_subject", subject)));
    headers.push(("content-type", "application/json".to_owned()));
    headers.into_iter().map(|(name, value)| (name.into(), value.into_bytes())).collect()
}

/// `at` in ISO 8601, UTC, with as many digits as it needs.
pub(super) fn iso_8601(at: Micros) -> String {
    DateTime::from_timestamp_micros(at)
        .expect("instants inside the accepted range have a date")
        .to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
