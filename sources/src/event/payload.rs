//! What each event type says: a payload and its attributes become a [`DomainEvent`].

use super::{
    CALIBRATION_COMPLETED, CARTRIDGE_DEPLETED, CARTRIDGE_REPLACED, CARTRIDGE_VERIFIED, CONSENT_GRANTED,
    CONSENT_REVOKED, DATA_SHARED, GLUCOSE, GOAL_REMOVED, GOAL_SET, LABORATORY_CANCELLED, LABORATORY_RESULTED,
    NOTIFICATION_READ, NOTIFICATION_SEND, NOTIFICATION_SETTINGS, PROFILE_UPDATED, RULES_PUBLISHED,
    SESSION_ENDED, SESSION_STARTED, VITALS, attributes::Attributes, cartridge, consent, field, glucose, goal,
    laboratory, notification, profile, rules,
};
use crate::refusal::Refusal;
use model::{
    Consciousness, DomainEvent, Input, Origin, Reason, SessionEnded, SessionId, SessionStarted, UserId,
    Vitals,
};
use serde_json::{Map, Value};

/// Rates, 1/min. This product's own bound, generous: more is a wrong unit or a broken sensor.
const RATE: (f64, f64) = (0.0, 400.0);
/// Saturation, %.
const SATURATION: (f64, f64) = (0.0, 100.0);
/// Blood pressures, mmHg, likewise generous.
const PRESSURE: (f64, f64) = (0.0, 400.0);
/// Temperatures of a body, °C: what is told in °F is outside.
const TEMPERATURE: (f64, f64) = (10.0, 50.0);

/// The event that `payload` of the topic of `origin` says.
pub(super) fn event(
    origin: Origin,
    attributes: &Attributes,
    payload: &Map<String, Value>,
) -> Result<DomainEvent, Refusal> {
    match (origin.input, attributes.kind.as_str()) {
        (Input::Sessions, SESSION_STARTED) => session_started(origin, attributes, payload),
        (Input::Sessions, SESSION_ENDED) => session_ended(origin, attributes, payload),
        (Input::Vitals, VITALS) => vitals(origin, attributes, payload),
        (Input::Cartridges, CALIBRATION_COMPLETED) => cartridge::calibration(origin, attributes, payload),
        (Input::Cartridges, CARTRIDGE_VERIFIED) => cartridge::verified(origin, attributes, payload),
        (Input::Cartridges, CARTRIDGE_DEPLETED) => cartridge::depleted(origin, attributes, payload),
        (Input::Cartridges, CARTRIDGE_REPLACED) => cartridge::replaced(origin, attributes, payload),
        (Input::Profiles, PROFILE_UPDATED) => profile::updated(origin, attributes, payload),
        (Input::Consents, CONSENT_GRANTED) => consent::granted(origin, attributes, payload),
        (Input::Consents, CONSENT_REVOKED) => consent::revoked(origin, attributes, payload),
        (Input::Consents, DATA_SHARED) => consent::shared(origin, attributes, payload),
        (Input::Notifications, NOTIFICATION_SEND) => notification::requested(origin, attributes, payload),
        (Input::Notifications, NOTIFICATION_READ) => notification::read(origin, attributes, payload),
        (Input::Notifications, NOTIFICATION_SETTINGS) => notification::settings(origin, attributes, payload),
        (Input::Rules, RULES_PUBLISHED) => rules::published(origin, attributes, payload),
        (Input::Goals, GOAL_SET) => goal::set(origin, attributes, payload),
        (Input::Goals, GOAL_REMOVED) => goal::removed(origin, attributes, payload),
        (Input::Glucose, GLUCOSE) => glucose::read(origin, attributes, payload),
        (Input::Laboratory, LABORATORY_RESULTED) => laboratory::resulted(origin, attributes, payload),
        (Input::Laboratory, LABORATORY_CANCELLED) => laboratory::cancelled(origin, attributes, payload),
        (input, _) => Err(Refusal::new(
            Reason::UnknownType,
            format!("{} does not carry events of this type: send it to the topic of its own", input.topic()),
        )),
    }
}

fn session_started(
    origin: Origin,
    attributes: &Attributes,
    payload: &Map<String, Value>,
) -> Result<DomainEvent, Refusal> {
    let user = UserId::new(field::uuid(field::text(payload, "user_id")?, "payload.user_id")?);
    if let Some(said) = attributes.user {
        field::same_person(payload, said)?;
    }
    Ok(DomainEvent::SessionStarted(SessionStarted {
        event: attributes.id,
        session: session(payload)?,
        user,
        device: field::text(payload, "device_id")?.to_owned(),
        at: attributes.at,
        origin,
    }))
}

fn session_ended(
    origin: Origin,
    attributes: &Attributes,
    payload: &Map<String, Value>,
) -> Result<DomainEvent, Refusal> {
    Ok(DomainEvent::SessionEnded(SessionEnded {
        event: attributes.id,
        session: session(payload)?,
        at: attributes.at,
        status: field::text(payload, "status")?.to_owned(),
        origin,
    }))
}

fn vitals(
    origin: Origin,
    attributes: &Attributes,
    payload: &Map<String, Value>,
) -> Result<DomainEvent, Refusal> {
    let user = attributes.user.ok_or_else(|| field::missing("user_id", "a UUID"))?;
    let vitals = Vitals {
        user,
        at: attributes.at,
        event: attributes.id,
        hr: field::optional_number(payload, "hr", RATE)?,
        pulse: field::optional_number(payload, "pulse", RATE)?,
        resp: field::optional_number(payload, "resp", RATE)?,
        spo2: field::optional_number(payload, "spo2", SATURATION)?,
        systolic: field::optional_number(payload, "systolic", PRESSURE)?,
        diastolic: field::optional_number(payload, "diastolic", PRESSURE)?,
        temperature: field::optional_number(payload, "temperature", TEMPERATURE)?,
        consciousness: field::optional_choice(payload, "consciousness", &Consciousness::ALL)?,
        oxygen: field::optional_truth(payload, "oxygen")?,
        origin,
    };
    let Vitals { hr, pulse, resp, spo2, systolic, diastolic, temperature, .. } = vitals;
    let numbers = [hr, pulse, resp, spo2, systolic, diastolic, temperature];
    if numbers.iter().all(Option::is_none) && vitals.consciousness.is_none() && vitals.oxygen.is_none() {
        return Err(field::missing(
            "payload",
            "with one of hr, pulse, resp, spo2, systolic, diastolic, temperature, consciousness, oxygen",
        ));
    }
    if systolic.zip(diastolic).is_some_and(|(systolic, diastolic)| systolic < diastolic) {
        return Err(Refusal::new(Reason::OutOfRange, "diastolic is above systolic: check what sent it"));
    }
    Ok(DomainEvent::Vitals(vitals))
}

fn session(payload: &Map<String, Value>) -> Result<SessionId, Refusal> {
    Ok(SessionId::new(field::uuid(field::text(payload, "session_id")?, "payload.session_id")?))
}
