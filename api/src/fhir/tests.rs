//! Observations of made rows: each has the form of FHIR R4, the codes that were checked and no others, the unit in UCUM,
//! and says of a value what the rules say of it.

pub(crate) mod form;
mod signs;

use super::{codes, record, rows::Rows};
use form::conforms;
use model::{
    CalibrationStatus, CartridgeKind, Claim, Claimed, HealthRecord, Input, Number, RecordStatus, Risk,
    SessionId, Span, UserId, table::Row, time::SECOND,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// 2026-01-01.
const START: i64 = 1_767_225_600 * SECOND;

fn number(value: f64) -> Number {
    Number::finite(value).expect("finite")
}

fn claimed(rule: &str, level: Risk, unit: &str, (low, high): (Option<f64>, Option<f64>)) -> Claimed {
    let claim = Claim {
        class: format!("class of {rule}"),
        value: number(45.0),
        unit: unit.into(),
        at_least: false,
        low: low.map(number),
        high: high.map(number),
        limits: "limits".into(),
        source: "a source".into(),
        confidence: number(0.9),
        needs_retest: false,
    };
    Claimed { rule: rule.into(), level, claim }
}

/// Of a cartridge of this type that says `unit`.
fn health_record(kind: u8, unit: &str) -> HealthRecord {
    HealthRecord {
        at: START + 75 * SECOND,
        session: SessionId::derive(&["s"]),
        user: UserId::derive(&["u"]),
        device: Some("reader-1".into()),
        started_at: START + 60 * SECOND,
        revision: 0,
        status: RecordStatus::Final,
        cartridge: Some(CartridgeKind { category: 1, kind }),
        cartridge_name: format!("Cartridge{kind}"),
        lot: Some("LOT 42".into()),
        biomarker: Some("marker".into()),
        value: Some(number(45.0)),
        uncertainty: Some(number(1.5)),
        unit: unit.into(),
        confidence: number(0.9),
        calibration_status: CalibrationStatus::Needed,
        warnings: vec!["calibration_needed".into()],
        level: None,
        needs_retest: false,
        claims: Vec::new(),
        packets: Span { input: Input::Packets, partition: 0, first: 1, last: 2 },
    }
}

/// A health record whose rules say this of a glucose.
fn judged(claims: Vec<Claimed>) -> Value {
    let level = claims.iter().map(|claimed| claimed.level).max();
    of_record(&HealthRecord { level, claims, ..health_record(1, "mg/dL") })
}

fn of_record(record: &HealthRecord) -> Value {
    let rows = Rows::new(HealthRecord::batch(&[([0; 16], record)]));
    let made: Vec<_> = rows.iter().map(record::observation).collect();
    let observation = serde_json::to_value(&made[0]).expect("JSON");
    conforms(&observation);
    observation
}

fn interpretation(observation: &Value) -> Option<&str> {
    observation["interpretation"][0]["coding"][0]["code"].as_str()
}

#[test]
fn a_dangerous_glucose_is_told_whole() {
    let observation = judged(vec![claimed("glucose", Risk::Critical, "mg/dL", (None, Some(46.0)))]);
    let expected = json!({
        "resourceType": "Observation",
        "id": health_record(1, "").id().to_string(),
        "meta": { "versionId": "1" },
        "identifier": [{
            "type": { "text": "session" },
            "system": "urn:ietf:rfc:3986",
            "value": format!("urn:uuid:{}", SessionId::derive(&["s"])),
        }],
        "status": "final",
        "category": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "laboratory",
            "display": "Laboratory",
        }] }],
        "code": {
            "coding": [
                { "system": "http://loinc.org", "code": "2339-0", "display": "Glucose [Mass/volume] in Blood" },
                {
                    "system": "urn:iso:std:iso:11073:10101",
                    "code": "160184",
                    "display": "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD",
                },
            ],
            "text": "Cartridge1",
        },
        "subject": { "reference": format!("Patient/{}", UserId::derive(&["u"])), "type": "Patient" },
        "effectiveDateTime": "2026-01-01T00:01:15.000000Z",
        "valueQuantity": {
            "value": 45.0,
            "unit": "mg/dL",
            "system": "http://unitsofmeasure.org",
            "code": "mg/dL",
        },
        "interpretation": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
            "code": "LL",
            "display": "Critical low",
        }] }],
        "note": [
            { "text": "Expanded uncertainty (k = 2): 1.5 mg/dL" },
            { "text": "Confidence, 0 to 1, by this product's own definition: 0.9" },
            { "text": "Lot of the cartridge: LOT 42" },
            { "text": "Warnings: calibration_needed" },
            { "text": "Not a diagnosis" },
        ],
        "device": { "type": "Device", "identifier": { "value": "reader-1" } },
        "referenceRange": [{
            "high": { "value": 46.0, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL" },
            "type": { "text": "class of glucose" },
            "text": "limits mg/dL: class of glucose (a source)",
        }],
    });
    assert_eq!(observation, expected);
}

/// Type of the cartridge, its unit, LOINC and UCUM, as they were checked.
const CHECKED: [(u8, &str, Option<&str>, &str); 14] = [
    (0x01, "mg/dL", Some("2339-0"), "mg/dL"),
    (0x02, "mg/dL", None, "mg/dL"),
    (0x03, "%", Some("4548-4"), "%"),
    (0x04, "mg/dL", Some("3084-1"), "mg/dL"),
    (0x05, "mg/dL", Some("2160-0"), "mg/dL"),
    (0x06, "ng/mL", Some("1989-3"), "ng/mL"),
    (0x07, "pg/mL", Some("2132-9"), "pg/mL"),
    (0x08, "ng/mL", Some("2276-4"), "ng/mL"),
    (0x09, "mIU/L", Some("3016-3"), "m[IU]/L"),
    (0x0a, "µg/dL", Some("2143-6"), "ug/dL"),
    // Often swapped: testosterone is 2986-8, estradiol 2243-4.
    (0x0b, "ng/dL", Some("2986-8"), "ng/dL"),
    (0x0c, "pg/mL", Some("2243-4"), "pg/mL"),
    (0x0d, "mg/L", Some("1988-5"), "mg/L"),
    (0x0e, "µIU/mL", Some("20448-7"), "u[IU]/mL"),
];

#[test]
fn every_marker_has_its_own_code_and_its_unit_in_ucum() {
    assert_eq!(codes::ASSAYS.len(), CHECKED.len());
    let mut seen = BTreeSet::new();
    for (kind, unit, loinc, ucum) in CHECKED {
        let observation = of_record(&health_record(kind, unit));
        let coding = &observation["code"]["coding"];
        assert_eq!(coding[0]["code"].as_str(), loinc, "{kind}");
        assert!(loinc.is_none_or(|loinc| seen.insert(loinc)), "{loinc:?} stands twice");
        if loinc.is_some() {
            assert_eq!(coding[0]["system"], "http://loinc.org");
        }
        let quantity = &observation["valueQuantity"];
        assert_eq!(
            (quantity["unit"].as_str(), quantity["code"].as_str()),
            (Some(unit), Some(ucum)),
            "{kind}"
        );
        assert_eq!(quantity["system"], "http://unitsofmeasure.org");
        // The code of a body weight, with which whole exports were once labelled.
        assert!(!observation.to_string().contains("29463-7"));
    }
}

#[test]
fn what_has_no_code_that_was_checked_is_told_in_words_and_none_is_made_up() {
    let unknown = |change: fn(&mut HealthRecord)| {
        let mut record = health_record(1, "mg/dL");
        change(&mut record);
        of_record(&record)
    };
    for (observation, name, unit) in [
        (unknown(|it| it.unit = "mmol/L".into()), "Cartridge1", Some("mmol/L")),
        (
            unknown(|it| {
                it.cartridge = Some(CartridgeKind { category: 2, kind: 3 });
                it.cartridge_name = "Radon".into();
                it.unit = String::new();
            }),
            "Radon",
            None,
        ),
        (
            unknown(|it| {
                it.cartridge = Some(CartridgeKind { category: 9, kind: 3 });
                (it.cartridge_name, it.biomarker) = (String::new(), None);
            }),
            "result of a cartridge of category 9, type 3",
            Some("mg/dL"),
        ),
        (
            unknown(|it| {
                it.cartridge = None;
                (it.cartridge_name, it.biomarker) = (String::new(), None);
            }),
            "result of an unknown cartridge",
            Some("mg/dL"),
        ),
    ] {
        assert_eq!(observation["code"], json!({ "text": name }));
        let quantity = &observation["valueQuantity"];
        assert_eq!((quantity["value"].as_f64(), quantity["unit"].as_str()), (Some(45.0), unit), "{name}");
        assert!(quantity.get("code").is_none() && quantity.get("system").is_none(), "{quantity}");
    }
}

#[test]
fn a_revision_is_another_version_and_keeps_its_id() {
    let first = of_record(&health_record(1, "mg/dL"));
    let record = HealthRecord { revision: 1, status: RecordStatus::Amended, ..health_record(1, "mg/dL") };
    let second = of_record(&record);
    let told = |one: &Value| [&one["id"], &one["status"], &one["meta"]["versionId"]].map(Value::to_string);
    assert_eq!(told(&first)[0], told(&second)[0]);
    assert_eq!(
        [&told(&first)[1..], &told(&second)[1..]].concat(),
        [r#""final""#, r#""1""#, r#""amended""#, r#""2""#]
    );
}

#[test]
fn a_value_is_called_what_the_rules_about_it_say_and_normal_only_if_none_says_more() {
    let own = |level, limits| claimed("glucose", level, "mg/dL", limits);
    let (below, above, both) = ((None, Some(5.0)), (Some(5.0), None), (Some(1.0), Some(5.0)));
    let of_it = |level| claimed("egfr", level, "mL/min/{1.73_m2}", below);
    for (claims, code) in [
        (vec![], None),
        (vec![own(Risk::Low, both)], Some("N")),
        (vec![own(Risk::Low, both), of_it(Risk::Low)], Some("N")),
        (vec![own(Risk::Low, both), of_it(Risk::Moderate)], None),
        (vec![of_it(Risk::Critical)], None),
        (vec![own(Risk::Moderate, below)], Some("L")),
        (vec![own(Risk::High, above)], Some("H")),
        (vec![own(Risk::Critical, below)], Some("LL")),
        (vec![own(Risk::Critical, above), own(Risk::Low, below)], Some("HH")),
        (vec![own(Risk::High, both)], Some("A")),
        (vec![own(Risk::Critical, below), own(Risk::Critical, above)], Some("AA")),
    ] {
        let case = format!("{claims:?}");
        assert_eq!(interpretation(&judged(claims)), code, "{case}");
    }
}

#[test]
fn what_is_calculated_from_a_value_is_told_beside_it_and_is_no_range_of_it() {
    let observation = judged(vec![claimed("egfr", Risk::High, "mL/min/{1.73_m2}", (None, Some(30.0)))]);
    assert!(observation.get("referenceRange").is_none(), "{observation}");
    let note = observation["note"][0]["text"].as_str().expect("a note");
    assert!(note.contains("egfr") && note.contains("HIGH") && note.contains("mL/min/{1.73_m2}"), "{note}");
}

#[test]
fn what_was_not_measured_is_said_to_be_unknown_and_has_no_value() {
    let record = HealthRecord {
        value: None,
        uncertainty: None,
        needs_retest: true,
        status: RecordStatus::Preliminary,
        ..health_record(1, "mg/dL")
    };
    let observation = of_record(&record);
    assert_eq!(observation["dataAbsentReason"]["coding"][0]["code"], "unknown");
    assert!(observation.get("valueQuantity").is_none() && observation["status"] == "preliminary");
    assert_eq!(observation["note"][0]["text"], "Measure again");
}
