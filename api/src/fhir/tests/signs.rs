//! Observations of vital signs and of heart rates.

use super::{START, form::conforms, number};
use crate::fhir::{rows::Rows, vital, window};
use model::{
    Consciousness, EventId, Input, Origin, PulseWindow, SessionId, Span, UserId, Vitals, table::Row,
    time::SECOND,
};
use serde_json::{Value, json};

fn every_sign() -> Vitals {
    Vitals {
        user: UserId::derive(&["u"]),
        at: START,
        event: EventId::derive(&["e"]),
        hr: Some(number(71.0)),
        pulse: Some(number(72.0)),
        resp: Some(number(14.0)),
        spo2: Some(number(97.0)),
        systolic: Some(number(121.0)),
        diastolic: Some(number(79.0)),
        temperature: Some(number(36.6)),
        consciousness: Some(Consciousness::Voice),
        oxygen: Some(false),
        origin: Origin { input: Input::Vitals, partition: 0, offset: 1 },
    }
}

fn of_vitals(vitals: &Vitals) -> Vec<Value> {
    let rows = Rows::new(Vitals::batch(&[([0; 16], vitals)]));
    let made: Vec<_> = rows.iter().flat_map(vital::observations).collect();
    let made: Vec<_> = made.iter().map(|one| serde_json::to_value(one).expect("JSON")).collect();
    made.iter().for_each(conforms);
    made
}

#[test]
fn every_vital_sign_is_one_observation_with_its_codes() {
    let made = of_vitals(&every_sign());
    let found: Vec<_> = made
        .iter()
        .map(|one| {
            let ending = one["id"].as_str().and_then(|id| id.get(37..)).expect("an ending");
            let codings = one["code"]["coding"].as_array().cloned().unwrap_or_default();
            let codes: Vec<_> = codings.iter().filter_map(|coding| coding["code"].as_str()).collect();
            let value = &one["valueQuantity"];
            let unit = value["code"].as_str().unwrap_or_default();
            (ending.to_owned(), codes.join(" "), value["value"].as_f64(), unit.to_owned())
        })
        .collect();
    let row = |ending: &str, codes: &str, value, unit: &str| {
        (ending.to_owned(), codes.to_owned(), value, unit.to_owned())
    };
    let expected = [
        row("hr", "8867-4 147842", Some(71.0), "/min"),
        row("pulse", "8867-4 149530", Some(72.0), "/min"),
        row("resp", "9279-1 151562", Some(14.0), "/min"),
        row("spo2", "2708-6 59408-5 150456", Some(97.0), "%"),
        row("temperature", "8310-5 150364", Some(36.6), "Cel"),
        row("bp", "85354-9 150020", None, ""),
        row("consciousness", "", None, ""),
        row("oxygen", "", None, ""),
    ];
    assert_eq!(found, expected);
    assert_eq!(made[6]["valueCodeableConcept"]["text"], "Answers to voice");
    assert_eq!(made[7]["valueBoolean"], false);
    let nothing = Vitals { hr: None, pulse: None, resp: None, spo2: None, temperature: None, ..every_sign() };
    assert_eq!(of_vitals(&nothing).len(), 3);
}

#[test]
fn blood_pressures_stand_together_and_one_that_is_missing_says_so() {
    let both = of_vitals(&every_sign());
    let parts = both[5]["component"].as_array().expect("components");
    let told =
        |part: &Value| (part["code"]["coding"][0]["code"].clone(), part["valueQuantity"]["code"].clone());
    assert_eq!(
        parts.iter().map(told).collect::<Vec<_>>(),
        [(json!("8480-6"), json!("mm[Hg]")), (json!("8462-4"), json!("mm[Hg]"))]
    );
    let one = of_vitals(&Vitals { diastolic: None, ..every_sign() });
    let parts = &one[5]["component"];
    assert_eq!(parts[0]["valueQuantity"]["value"], 121.0);
    assert_eq!(parts[1]["dataAbsentReason"]["coding"][0]["code"], "unknown");
    let none = of_vitals(&Vitals { systolic: None, diastolic: None, ..every_sign() });
    assert!(none.iter().all(|one| one["code"]["coding"][0]["code"] != "85354-9"));
}

#[test]
fn a_window_is_a_heart_rate_of_its_period_with_the_session_it_comes_from() {
    let window = |revision, hr_bpm: Option<f64>| PulseWindow {
        session: SessionId::derive(&["s"]),
        start: START,
        end: START + 30 * SECOND,
        revision,
        user: UserId::derive(&["u"]),
        n_expected: 1,
        n_real: 1,
        n_imputed: 0,
        hr_bpm: hr_bpm.map(number),
        beats_bpm: None,
        spectrum_bpm: None,
        beats: 1,
        regularity: None,
        snr_db: None,
        skewness: None,
        quality: None,
        quality_version: 1,
        good: true,
        packets: Span { input: Input::Packets, partition: 0, first: 1, last: 2 },
    };
    let made = |window: &PulseWindow| {
        let rows = Rows::new(PulseWindow::batch(&[([0; 16], window)]));
        rows.iter()
            .filter_map(window::observation)
            .map(|one| serde_json::to_value(one).expect("JSON"))
            .collect::<Vec<_>>()
    };
    let observation = &made(&window(2, Some(72.5)))[0];
    conforms(observation);
    assert_eq!((&observation["status"], &observation["meta"]["versionId"]), (&json!("amended"), &json!("3")));
    assert_eq!(
        observation["effectivePeriod"],
        json!({"start": "2026-01-01T00:00:00.000000Z", "end": "2026-01-01T00:00:30.000000Z"})
    );
    assert_eq!(observation["valueQuantity"]["value"], 72.5);
    let session = format!("urn:uuid:{}", SessionId::derive(&["s"]));
    assert_eq!(observation["derivedFrom"][0]["identifier"]["value"], session.as_str());
    assert_eq!(made(&window(0, Some(60.0)))[0]["status"], "final");
    assert!(made(&window(0, None)).is_empty());
}
