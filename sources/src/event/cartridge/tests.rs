//! Events about cartridges: round trips, what may be left out, every field that is refused, and no value in a detail.

use super::super::{decode, encode};
use eventlog::{Header, Record};
use model::{
    CalibrationCompleted, CalibrationSource, CartridgeChange, CartridgeEvent, CartridgeKind, CartridgeLabel,
    CartridgeUid, DomainEvent, EventId, Fault, Input, Number, Origin, Reason,
};
use serde_json::{Value, json};

const AT: i64 = 1_767_225_601_250_000;
const ORIGIN: Origin = Origin { input: Input::Cartridges, partition: 2, offset: 11 };
const GLUCOSE: CartridgeKind = CartridgeKind { category: 1, kind: 1 };

fn calibration(source: CalibrationSource) -> DomainEvent {
    DomainEvent::Calibration(CalibrationCompleted {
        event: EventId::derive(&["calibration", source.name()]),
        device: "device".into(),
        cartridge: GLUCOSE,
        id: "c-7".into(),
        source,
        alpha: Number::finite(0.93).filter(|_| source == CalibrationSource::Factory),
        score: Number::finite(0.5),
        reference_values: vec![Number::from(5), Number::from(10)],
        coefficients_hash: Some(format!("sha256:{}", "0a".repeat(32))),
        calibrated_at: AT - 1_000_000,
        validity_days: Some(30),
        at: AT,
        origin: ORIGIN,
    })
}

fn cartridge(change: CartridgeChange) -> DomainEvent {
    DomainEvent::Cartridge(CartridgeEvent {
        at: AT,
        event: EventId::derive(&["cartridge"]),
        uid: CartridgeUid::new(*b"\x04uid\x00\xff!!"),
        change,
        origin: ORIGIN,
    })
}

fn verified(device: Option<&str>) -> DomainEvent {
    cartridge(CartridgeChange::Verified { device: device.map(str::to_owned), label: label() })
}

fn replaced() -> DomainEvent {
    cartridge(CartridgeChange::Replaced { device: "device".into(), label: label() })
}

fn label() -> CartridgeLabel {
    CartridgeLabel { kind: GLUCOSE, lot: "LOT 1".into(), expires_at: AT + 9_000_000, uses_left: 25 }
}

fn every() -> Vec<DomainEvent> {
    let calibrations = CalibrationSource::ALL.map(calibration);
    let cartridges =
        [verified(None), verified(Some("device")), cartridge(CartridgeChange::Depleted), replaced()];
    calibrations.into_iter().chain(cartridges).collect()
}

fn record(input: Input, value: Vec<u8>, headers: Vec<Header>) -> Record {
    let topic = input.topic().into();
    Record { topic, partition: 2, offset: 11, timestamp_ms: 5, key: None, value, headers }
}

fn json_of(event: &DomainEvent) -> Value {
    serde_json::from_slice(&encode(event, "service").value).unwrap()
}

fn decode_json(value: &Value) -> Result<DomainEvent, Box<Fault>> {
    decode(Input::Cartridges, record(Input::Cartridges, value.to_string().into_bytes(), vec![]))
}

/// What becomes of `event` with `wrong` as `name` in its payload; without it for null.
#[track_caller]
fn refused(event: &DomainEvent, name: &str, wrong: Value, reason: Reason) {
    let mut value = json_of(event);
    let payload = value["payload"].as_object_mut().unwrap();
    if wrong.is_null() {
        assert!(payload.remove(name).is_some(), "there is no {name}");
    } else {
        payload.insert(name.to_owned(), wrong);
    }
    let fault = decode_json(&value).unwrap_err();
    assert_eq!(fault.reason, reason, "{}", fault.detail);
    assert!(fault.detail.contains(name) && fault.detail.contains(':'), "{} names {name}", fault.detail);
    assert!(!fault.detail.contains("SECRET"), "{}", fault.detail);
}

#[test]
fn events_survive_the_log_with_and_without_headers_and_as_a_payload_alone() {
    for event in every() {
        let encoded = encode(&event, "service");
        let payload = json_of(&event)["payload"].to_string().into_bytes();
        let bodies = [
            (encoded.value.clone(), encoded.headers.clone()),
            (encoded.value, vec![]),
            (payload, encoded.headers),
        ];
        for (value, headers) in bodies {
            assert_eq!(
                decode(Input::Cartridges, record(Input::Cartridges, value, headers)).as_ref(),
                Ok(&event)
            );
        }
    }
    assert_eq!(encode(&calibration(CalibrationSource::Auto), "service").key, b"device");
    assert_eq!(encode(&replaced(), "service").key, b"0475696400ff2121");
}

#[test]
fn they_stand_on_the_topic_of_cartridges_only() {
    for event in every() {
        for input in [Input::Sessions, Input::Vitals] {
            let fault = decode(input, record(input, encode(&event, "service").value, vec![])).unwrap_err();
            assert_eq!(fault.reason, Reason::UnknownType);
        }
    }
    let mut value = json_of(&replaced());
    value["event_type"] = json!("manpasik.cartridge.eaten");
    assert_eq!(decode_json(&value).unwrap_err().reason, Reason::UnknownType);
}

#[test]
fn kinds_and_codes_are_read_in_both_forms_and_what_may_be_absent_is() {
    let event = calibration(CalibrationSource::Auto);
    let mut value = json_of(&event);
    let payload = value["payload"].as_object_mut().unwrap();
    payload.extend([("kind".into(), json!(3)), ("cartridge_category".into(), json!("0x01"))]);
    payload.extend([("cartridge_type".into(), json!("0x01")), ("channel_gains".into(), json!([1.0]))]);
    assert_eq!(decode_json(&value), Ok(event.clone()));
    let DomainEvent::Calibration(mut bare) = event else { unreachable!() };
    let optional = ["accuracy_score", "reference_values", "coefficients_hash", "validity_days"];
    for name in optional {
        value["payload"][name] = Value::Null;
    }
    (bare.score, bare.coefficients_hash, bare.validity_days) = (None, None, None);
    bare.reference_values.clear();
    assert_eq!(decode_json(&value), Ok(DomainEvent::Calibration(bare)));
}

/// Else a gain would be written into the differential.
#[test]
fn only_a_factory_calibration_may_name_an_alpha() {
    for source in [CalibrationSource::Field, CalibrationSource::Auto] {
        for alpha in [json!(0.95), json!(0)] {
            refused(&calibration(source), "alpha", alpha, Reason::OutOfRange);
        }
    }
    let mut value = json_of(&calibration(CalibrationSource::Factory));
    value["payload"]["alpha"] = Value::Null;
    assert!(decode_json(&value).is_ok());
    refused(&calibration(CalibrationSource::Field), "reference_values", json!([]), Reason::MissingField);
    refused(&calibration(CalibrationSource::Field), "reference_values", Value::Null, Reason::MissingField);
}

#[test]
fn wrong_fields_of_a_calibration_are_named() {
    use Reason::{BadLength, MissingField, OutOfRange};
    let event = calibration(CalibrationSource::Factory);
    let long = json!("SECRET".repeat(30));
    for (name, wrong, reason) in [
        ("calibration_id", json!(7), MissingField),
        ("calibration_id", json!(""), MissingField),
        ("calibration_id", long.clone(), OutOfRange),
        ("device_id", Value::Null, MissingField),
        ("device_id", long, OutOfRange),
        ("cartridge_category", Value::Null, MissingField),
        ("cartridge_category", json!(256), OutOfRange),
        ("cartridge_category", json!(-1), OutOfRange),
        ("cartridge_type", json!(1.5), OutOfRange),
        ("cartridge_type", json!("SECRET"), MissingField),
        ("cartridge_type", json!("0x+1"), MissingField),
        ("cartridge_type", json!("0x100"), MissingField),
        ("kind", Value::Null, MissingField),
        ("kind", json!("SECRET"), OutOfRange),
        ("kind", json!(0), OutOfRange),
        ("kind", json!(4), OutOfRange),
        ("alpha", json!(2.01), OutOfRange),
        ("alpha", json!(-0.01), OutOfRange),
        ("alpha", json!("SECRET"), MissingField),
        ("accuracy_score", json!(1.01), OutOfRange),
        ("reference_values", json!("SECRET"), MissingField),
        ("reference_values", json!([1, "SECRET"]), MissingField),
        ("reference_values", json!(vec![0; 65]), BadLength),
        ("coefficients_hash", json!("SECRET"), MissingField),
        ("coefficients_hash", json!(format!("sha256:{}", "0A".repeat(32))), MissingField),
        ("coefficients_hash", json!(format!("sha256:{}", "0a".repeat(31))), MissingField),
        ("calibrated_at", Value::Null, MissingField),
        ("calibrated_at", json!("SECRET"), MissingField),
        ("calibrated_at", json!("1969-12-31T23:59:59Z"), OutOfRange),
        ("calibrated_at", json!("2026-01-01T00:00:01.250001Z"), OutOfRange),
        ("validity_days", json!(0), OutOfRange),
        ("validity_days", json!(3_651), OutOfRange),
        ("validity_days", json!(1.5), OutOfRange),
        ("validity_days", json!("SECRET"), MissingField),
    ] {
        refused(&event, name, wrong, reason);
    }
    let mut value = json_of(&event);
    value["payload"]["calibrated_at"] = json!("2026-01-01T00:00:01.25Z");
    assert!(decode_json(&value).is_ok(), "made at the very instant");
}

#[test]
fn wrong_fields_of_a_cartridge_are_named() {
    use Reason::{MissingField, OutOfRange};
    for uid in [json!("04a1"), json!("SECRETSECRETSECR"), json!("+475696400ff2121"), json!(4)] {
        refused(&cartridge(CartridgeChange::Depleted), "cartridge_uid", uid, MissingField);
    }
    for event in [verified(Some("device")), replaced()] {
        for (name, wrong, reason) in [
            ("cartridge_uid", Value::Null, MissingField),
            ("device_id", json!(7), MissingField),
            ("device_id", json!("SECRET".repeat(30)), OutOfRange),
            ("cartridge_type", Value::Null, MissingField),
            ("lot", Value::Null, MissingField),
            ("lot", json!("SECRET".repeat(30)), OutOfRange),
            ("expires_at", json!("SECRET"), MissingField),
            ("expires_at", json!("2200-01-01T00:00:00Z"), OutOfRange),
            ("remaining_uses", Value::Null, MissingField),
            ("remaining_uses", json!("SECRET"), MissingField),
            ("remaining_uses", json!(-1), OutOfRange),
            ("remaining_uses", json!(65_536), OutOfRange),
        ] {
            refused(&event, name, wrong, reason);
        }
    }
    refused(&replaced(), "device_id", Value::Null, MissingField);
}
