//! Domain events: one record of an event topic becomes one [`DomainEvent`] or one fault.
//!
//! The value is the JSON envelope of `model::Envelope`. A record with `ce_` headers is a CloudEvents
//! 1.0 event in Kafka's binary mode: its attributes come from the headers, and its value is either the
//! payload alone or the whole envelope, which then must say the same.
//!
//! # Layout
//! `attributes` reads and checks what surrounds a payload, `cloud` the headers, `payload` what each
//! type says, `cartridge` what those about cartridges say, `profile` what those about people say, `consent` who may see what of them, `notification` what they are told, `rules` what is told of rules, `goal` what they set out to do, `glucose` what a
//! continuous monitor reads, `laboratory` what a laboratory found, `encode` writes events as this product does.
//!
//! # Faults
//! `BAD_LENGTH` larger than [`MAX_EVENT_BYTES`] · `BAD_ENVELOPE` no JSON object, or two parts that
//! contradict each other · `MISSING_FIELD` a required field is absent or of the wrong type; the detail
//! names it · `BAD_VERSION` of another major version · `UNKNOWN_TYPE` not a type of this topic ·
//! `OUT_OF_RANGE` a value no living person, running clock or sound cartridge has.

mod attributes;
mod cartridge;
mod cloud;
mod consent;
mod encode;
mod field;
mod glucose;
mod goal;
mod laboratory;
mod notification;
mod payload;
mod profile;
mod rules;

pub(crate) use cartridge::MAX_NAME_BYTES;
pub use encode::{Encoded, encode};

use crate::refusal::{Refusal, origin, raw};
use eventlog::Record;
use model::{DomainEvent, Fault, Input, Raw, Reason};
use serde_json::{Map, Value};

/// Most bytes of an event. The largest payload read here is a rule set of 10 KiB; producers may add fields.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;

/// Type of [`DomainEvent::SessionStarted`].
pub const SESSION_STARTED: &str = "manpasik.measurement.session.started";
/// Type of [`DomainEvent::SessionEnded`].
pub const SESSION_ENDED: &str = "manpasik.measurement.session.ended";
/// Type of [`DomainEvent::Vitals`].
pub const VITALS: &str = "manpasik.measurement.vitals";

/// Type of [`DomainEvent::Calibration`].
pub const CALIBRATION_COMPLETED: &str = "manpasik.calibration.completed";
/// Type of [`DomainEvent::Cartridge`] whose tag was read and found good.
pub const CARTRIDGE_VERIFIED: &str = "manpasik.cartridge.verified";
/// Type of [`DomainEvent::Cartridge`] with no use left.
pub const CARTRIDGE_DEPLETED: &str = "manpasik.cartridge.depleted";
/// Type of [`DomainEvent::Cartridge`] that was put in place of another.
pub const CARTRIDGE_REPLACED: &str = "manpasik.cartridge.replaced";

/// Type of [`DomainEvent::Profile`].
pub const PROFILE_UPDATED: &str = "manpasik.user.profile.updated";

/// Type of [`DomainEvent::Sharing`] that grants a consent.
pub const CONSENT_GRANTED: &str = "manpasik.consent.granted";
/// Type of [`DomainEvent::Sharing`] that takes one back.
pub const CONSENT_REVOKED: &str = "manpasik.consent.revoked";
/// Type of [`DomainEvent::Sharing`] that says what a member of the family sees.
pub const DATA_SHARED: &str = "manpasik.family.data_shared";

/// Type of [`DomainEvent::Notification`] that asks for one.
pub const NOTIFICATION_SEND: &str = "manpasik.notification.send";
/// Type of [`DomainEvent::Notification`] that says one was read.
pub const NOTIFICATION_READ: &str = "manpasik.notification.read";
/// Type of [`DomainEvent::Notification`] that says when nobody is to be disturbed.
pub const NOTIFICATION_SETTINGS: &str = "manpasik.notification.settings.updated";

/// Type of [`DomainEvent::Rules`].
pub const RULES_PUBLISHED: &str = "manpasik.rules.published";

/// Type of [`DomainEvent::Goal`] that sets one.
pub const GOAL_SET: &str = "manpasik.goal.set";
/// Type of [`DomainEvent::Goal`] that removes one.
pub const GOAL_REMOVED: &str = "manpasik.goal.removed";

/// Type of [`DomainEvent::Glucose`].
pub const GLUCOSE: &str = "manpasik.measurement.glucose";

/// Type of [`DomainEvent::Laboratory`] that gives or corrects a result.
pub const LABORATORY_RESULTED: &str = "manpasik.laboratory.resulted";
/// Type of [`DomainEvent::Laboratory`] that takes one back.
pub const LABORATORY_CANCELLED: &str = "manpasik.laboratory.cancelled";

/// Decodes a record of the event topic `input`.
///
/// # Errors
/// The fault that goes to the dead letters, whole.
///
/// # Examples
/// ```
/// use eventlog::Record;
/// let record = Record {
///     topic: "manpasik.measurement.vitals".into(),
///     partition: 0,
///     offset: 7,
///     timestamp_ms: 0,
///     key: None,
///     value: br#"{"event_id": "not an id"}"#.to_vec(),
///     headers: vec![],
/// };
/// let fault = sources::event::decode(model::Input::Vitals, record).unwrap_err();
/// assert_eq!(fault.reason, model::Reason::MissingField);
/// assert!(fault.detail.starts_with("event_id "));
/// ```
pub fn decode(input: Input, record: Record) -> Result<DomainEvent, Box<Fault>> {
    with_raw(input, record).map(|(event, _)| event)
}

/// As [`decode`], with the record itself: what is too late goes to the dead letters whole, too.
pub(crate) fn with_raw(input: Input, record: Record) -> Result<(DomainEvent, Raw), Box<Fault>> {
    let origin = origin(input, &record);
    let event = read(&record).and_then(|(attributes, payload)| payload::event(origin, &attributes, &payload));
    match event {
        Ok(event) => Ok((event, raw(record))),
        Err(refusal) => Err(Box::new(refusal.fault(origin, raw(record)))),
    }
}

/// The attributes and the payload of `record`.
fn read(record: &Record) -> Result<(attributes::Attributes, Map<String, Value>), Refusal> {
    if record.value.len() > MAX_EVENT_BYTES {
        return Err(Refusal::new(
            Reason::BadLength,
            format!(
                "the event has {} bytes, at most {MAX_EVENT_BYTES} are read: send less",
                record.value.len()
            ),
        ));
    }
    // The parser stops at 128 levels; its own message may quote the input and is dropped.
    let Ok(Value::Object(value)) = serde_json::from_slice(&record.value) else {
        return Err(Refusal::new(
            Reason::BadEnvelope,
            "the value is no JSON object: send the envelope as JSON",
        ));
    };
    if cloud::is_binary(&record.headers) {
        cloud::read(&record.headers, value)
    } else {
        attributes::read(value)
    }
}

#[cfg(test)]
mod tests;
