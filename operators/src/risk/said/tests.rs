//! What is understood is said as it is, and what is not understood is not said.

mod others;

use super::{ASSAYS, Said, Values, What, measured, observed, updated};
use crate::{
    cartridge::registry,
    risk::{
        facts::{Facts, Method},
        parameter::Parameter,
    },
};
use model::{
    CalibrationStatus, CartridgeKind, Consciousness, DomainEvent, EventId, Input, Measurement, Number,
    Origin, Profile, ProfileUpdated, SessionId, Sex, Span, UserId, Vitals,
};

const SPAN: Span = Span { input: Input::Packets, partition: 1, first: 10, last: 20 };

fn number(value: f64) -> Number {
    Number::finite(value).unwrap()
}

fn measurement(kind: u8, unit: &str, value: f64) -> Measurement {
    Measurement {
        session: SessionId::derive(&["s"]),
        started_at: 0,
        completed_at: 15_000_000,
        revision: 0,
        user: UserId::derive(&["a"]),
        device: None,
        cartridge: Some(CartridgeKind { category: 1, kind }),
        lot: None,
        calibration: None,
        calibration_status: CalibrationStatus::Valid,
        alpha: number(0.95),
        alpha_applied: true,
        channels: 88,
        n_expected: 300,
        n_real: 300,
        n_imputed: 0,
        outliers: 0,
        value: Number::finite(value),
        uncertainty: None,
        unit: unit.to_owned(),
        snr_db: None,
        drift: None,
        alpha_seen: None,
        confidence: number(0.9),
        confidence_version: 1,
        temperature_c: None,
        humidity_percent: None,
        pressure_kpa: None,
        fingerprint: None,
        warnings: Vec::new(),
        transform_log: [String::new(), String::new(), String::new()],
        packets: SPAN,
    }
}

fn values(said: Option<Said>) -> Option<Values> {
    match said?.what {
        What::Values(values) => Some(values),
        What::Profile(..) | What::Rules(..) | What::Corrected(_) => None,
    }
}

#[test]
fn a_result_says_its_parameter_when_it_was_complete() {
    let said = measured(&measurement(1, "mg/dL", 45.0)).unwrap();
    assert_eq!((said.at, said.user), (15_000_000, UserId::derive(&["a"])));
    let values = values(Some(said)).unwrap();
    assert_eq!(values.values, [(Parameter::Glucose, number(45.0))]);
    assert_eq!((values.confidence, values.method, values.span), (number(0.9), Method::Assayed, SPAN));
}

#[test]
fn what_is_not_understood_is_not_said() {
    let glucose = measurement(1, "mg/dL", 45.0);
    let unknown = [
        measurement(1, "mmol/L", 2.5),
        measurement(1, "", 45.0),
        measurement(2, "mg/dL", 150.0),
        measurement(0x0a, "µg/dL", 2.0),
        Measurement { cartridge: Some(CartridgeKind { category: 2, kind: 1 }), ..glucose.clone() },
        Measurement { cartridge: None, ..glucose.clone() },
        Measurement { value: None, ..glucose.clone() },
        measurement(1, "mg/dL", -1.0),
        Measurement { confidence: number(0.29), ..glucose.clone() },
    ];
    for measurement in unknown {
        assert_eq!(measured(&measurement), None, "{measurement:?}");
    }
    assert!(measured(&Measurement { confidence: number(0.3), ..glucose }).is_some());
}

/// The registry names units as documents do: what it calls them and what is understood must not drift apart.
#[test]
fn every_cartridge_that_is_understood_has_the_unit_of_the_registry() {
    for (category, kind, unit, parameter) in ASSAYS {
        let profile = registry::profile(Some(CartridgeKind { category, kind }));
        assert_eq!(profile.unit, unit, "{}", parameter.name());
    }
}

#[test]
fn vital_signs_are_said_together_and_what_was_not_observed_is_not() {
    let vitals = Vitals {
        user: UserId::derive(&["a"]),
        at: 7,
        event: EventId::derive(&["v"]),
        hr: Some(Number::from(71)),
        pulse: None,
        resp: Some(Number::from(16)),
        spo2: Some(Number::from(97)),
        systolic: Some(Number::from(120)),
        diastolic: Some(Number::from(80)),
        temperature: Some(Number::from(37)),
        consciousness: Some(Consciousness::Pain),
        oxygen: Some(true),
        origin: Origin { input: Input::Vitals, partition: 0, offset: 3 },
    };
    let all = values(Some(observed(&vitals))).unwrap();
    let named: Vec<_> =
        all.values.iter().map(|(parameter, value)| (*parameter, value.get() as u32)).collect();
    let wanted = [16, 97, 1, 120, 80, 71, 3, 37];
    assert_eq!(named, Parameter::VITAL.into_iter().zip(wanted).collect::<Vec<_>>());
    let mut facts = Facts::default();
    all.facts(7).for_each(|(parameter, fact)| facts.take(parameter, fact).unwrap());
    assert_eq!(facts.latest(Parameter::Pulse).unwrap().span, Span::from(vitals.origin));
    let bare = Vitals { hr: None, resp: None, spo2: None, diastolic: None, temperature: None, ..vitals };
    let bare = Vitals { systolic: None, consciousness: None, ..bare };
    assert_eq!(values(Some(observed(&bare))).unwrap().values, [(Parameter::Oxygen, Number::from(1))]);
}

#[test]
fn a_profile_comes_before_what_was_observed_at_the_same_moment() {
    let profile = Profile { sex: Some(Sex::Male), ..Profile::default() };
    let origin = Origin { input: Input::Profiles, partition: 0, offset: 3 };
    let event = |name| ProfileUpdated {
        at: 15_000_000,
        event: EventId::derive(&[name]),
        user: UserId::derive(&["a"]),
        profile,
        origin,
    };
    let said = updated(&DomainEvent::Profile(event("p"))).unwrap();
    assert_eq!(said.what, What::Profile(EventId::derive(&["p"]), profile, Span::from(origin)));
    assert!(said < measured(&measurement(1, "mg/dL", 45.0)).unwrap());
    let mut two = [event("p"), event("q")];
    two.sort_by_key(|event| event.event);
    let [lesser, greater] = two.map(|event| updated(&DomainEvent::Profile(event)).unwrap());
    assert!(lesser < greater, "the greater event stands");
}
