//! Events: round trips, both modes of CloudEvents, each refusal, and no value in any detail.

use super::*;
use model::{
    Consciousness, EventId, Number, Origin, RulesPublished, SessionEnded, SessionId, SessionStarted, UserId,
    Vitals,
};
use proptest::prelude::*;
use serde_json::json;

fn origin(input: Input) -> Origin {
    Origin { input, partition: 2, offset: 11 }
}

fn vitals() -> DomainEvent {
    DomainEvent::Vitals(Vitals {
        user: UserId::derive(&["someone"]),
        at: 1_767_225_601_250_000,
        event: EventId::derive(&["vitals"]),
        hr: Number::finite(71.5),
        pulse: None,
        resp: Some(Number::from(16)),
        spo2: Some(Number::from(97)),
        systolic: Some(Number::from(120)),
        diastolic: Some(Number::from(80)),
        temperature: Number::finite(36.6),
        consciousness: Some(Consciousness::Confusion),
        oxygen: Some(true),
        origin: origin(Input::Vitals),
    })
}

fn started() -> DomainEvent {
    DomainEvent::SessionStarted(SessionStarted {
        event: EventId::derive(&["started"]),
        session: SessionId::derive(&["session"]),
        user: UserId::derive(&["someone"]),
        device: "a device".into(),
        at: 1_767_225_600_000_000,
        origin: origin(Input::Sessions),
    })
}

fn ended() -> DomainEvent {
    DomainEvent::SessionEnded(SessionEnded {
        event: EventId::derive(&["ended"]),
        session: SessionId::derive(&["session"]),
        at: 1_767_225_600_000_001,
        status: "completed".into(),
        origin: origin(Input::Sessions),
    })
}

fn rules() -> DomainEvent {
    DomainEvent::Rules(RulesPublished {
        at: 1_767_225_600_000_002,
        event: EventId::derive(&["rules"]),
        set: "glucose".into(),
        text: "id = \"glucose\"\n".into(),
        origin: origin(Input::Rules),
    })
}

fn input_of(event: &DomainEvent) -> Input {
    match event {
        DomainEvent::Vitals(_) => Input::Vitals,
        DomainEvent::SessionStarted(_) | DomainEvent::SessionEnded(_) => Input::Sessions,
        DomainEvent::Calibration(_) | DomainEvent::Cartridge(_) => Input::Cartridges,
        DomainEvent::Profile(_) => Input::Profiles,
        DomainEvent::Sharing(_) => Input::Consents,
        DomainEvent::Notification(_) => Input::Notifications,
        DomainEvent::Rules(_) => Input::Rules,
        DomainEvent::Goal(_) => Input::Goals,
        DomainEvent::Glucose(_) => Input::Glucose,
        DomainEvent::Laboratory(_) => Input::Laboratory,
    }
}

fn record(input: Input, value: Vec<u8>, headers: Vec<eventlog::Header>) -> Record {
    Record {
        topic: input.topic().into(),
        partition: 2,
        offset: 11,
        timestamp_ms: 5,
        key: Some(b"key".to_vec()),
        value,
        headers,
    }
}

/// The envelope of `event` as JSON.
pub(super) fn json_of(event: &DomainEvent) -> Value {
    serde_json::from_slice(&encode(event, "service").value).unwrap()
}

pub(super) fn decode_json(input: Input, value: &Value) -> Result<DomainEvent, Box<Fault>> {
    decode(input, record(input, value.to_string().into_bytes(), vec![]))
}

/// What becomes of `event` after `change` of its envelope.
#[track_caller]
fn refused(event: &DomainEvent, change: impl FnOnce(&mut Value), reason: Reason, names: &str) {
    let mut value = json_of(event);
    change(&mut value);
    let fault = decode_json(input_of(event), &value).unwrap_err();
    assert_eq!(fault.reason, reason, "{}", fault.detail);
    assert!(fault.detail.contains(names), "{} names {names}", fault.detail);
    assert!(!fault.detail.contains("SECRET"), "{}", fault.detail);
}

#[test]
fn events_survive_the_log_with_and_without_headers() {
    for event in [vitals(), started(), ended(), rules()] {
        let encoded = encode(&event, "service");
        let input = input_of(&event);
        assert_eq!(decode(input, record(input, encoded.value.clone(), encoded.headers)).as_ref(), Ok(&event));
        assert_eq!(decode(input, record(input, encoded.value, vec![])), Ok(event));
    }
}

#[test]
fn a_payload_alone_takes_its_attributes_from_the_headers() {
    for event in [vitals(), started(), ended(), rules()] {
        let payload = json_of(&event)["payload"].to_string().into_bytes();
        let input = input_of(&event);
        assert_eq!(decode(input, record(input, payload, encode(&event, "service").headers)), Ok(event));
    }
}

#[test]
fn a_rule_set_without_its_name_or_its_text_is_refused() {
    for field in ["set_id", "text"] {
        let remove = |value: &mut Value| drop(value["payload"].as_object_mut().unwrap().remove(field));
        refused(&rules(), remove, Reason::MissingField, field);
        refused(&rules(), |value| value["payload"][field] = json!(7), Reason::MissingField, field);
    }
}

#[test]
fn unknown_fields_are_ignored_and_absent_signs_are_absent() {
    let mut value = json_of(&vitals());
    value["priority"] = json!({"deep": [1, 2, {"er": null}]});
    value["payload"]["glucose"] = json!(5.5);
    value["payload"]["pulse"] = Value::Null;
    value["correlation_id"] = Value::Null;
    value["version"] = json!("1.7");
    assert_eq!(decode_json(Input::Vitals, &value), Ok(vitals()));
}

#[test]
fn an_event_of_the_four_signs_alone_says_nothing_of_the_others() {
    let mut value = json_of(&vitals());
    value["payload"] = json!({"hr": 71.5, "resp": 16, "spo2": 97});
    let DomainEvent::Vitals(all) = vitals() else { unreachable!() };
    let (systolic, diastolic, temperature, consciousness, oxygen) = (None, None, None, None, None);
    let four = Vitals { systolic, diastolic, temperature, consciousness, oxygen, ..all };
    assert_eq!(decode_json(Input::Vitals, &value), Ok(DomainEvent::Vitals(four)));
    for alone in [json!({"consciousness": "U"}), json!({"oxygen": false}), json!({"temperature": 36})] {
        value["payload"] = alone;
        assert!(decode_json(Input::Vitals, &value).is_ok());
    }
}

#[test]
fn offsets_from_utc_are_understood() {
    let mut value = json_of(&vitals());
    value["timestamp"] = json!("2026-01-01T09:00:01.25+09:00");
    assert_eq!(decode_json(Input::Vitals, &value), Ok(vitals()));
}

#[test]
fn missing_or_wrong_fields_are_named() {
    for name in ["event_id", "event_type", "version", "timestamp", "source", "payload"] {
        refused(
            &vitals(),
            |value| drop(value.as_object_mut().unwrap().remove(name)),
            Reason::MissingField,
            name,
        );
        for wrong in [json!(7), json!(["SECRET"]), json!(""), Value::Null] {
            refused(&vitals(), |value| value[name] = wrong, Reason::MissingField, name);
        }
    }
    for (name, wrong) in [
        ("event_id", "SECRET"),
        ("event_type", "manpasik.SECRET"),
        ("event_type", "manpasik.vitals"),
        ("event_type", "manpasik.a.b.c.d"),
        ("event_type", "manpasik..vitals"),
        ("event_type", "other.measurement.vitals"),
        ("version", "1"),
        ("version", "1.SECRET"),
        ("version", "+1.0"),
        ("timestamp", "2026-01-01 SECRET"),
        ("timestamp", "2026-01-01T00:00:00"),
        ("user_id", "SECRET"),
        ("payload", "SECRET"),
    ] {
        refused(&vitals(), |value| value[name] = json!(wrong), Reason::MissingField, name);
    }
    refused(
        &vitals(),
        |value| drop(value.as_object_mut().unwrap().remove("user_id")),
        Reason::MissingField,
        "user_id",
    );
    refused(&vitals(), |value| value["payload"]["hr"] = json!("SECRET"), Reason::MissingField, "hr");
    refused(&vitals(), |value| value["payload"] = json!({}), Reason::MissingField, "hr, pulse, resp, spo2");
    refused(&started(), |value| value["payload"]["device_id"] = json!(1), Reason::MissingField, "device_id");
    refused(
        &started(),
        |value| value["payload"]["user_id"] = json!("SECRET"),
        Reason::MissingField,
        "payload.user_id",
    );
    refused(
        &started(),
        |value| value["payload"]["session_id"] = json!("SECRET"),
        Reason::MissingField,
        "session_id",
    );
    refused(&ended(), |value| value["payload"]["status"] = json!(""), Reason::MissingField, "status");
}

#[test]
fn other_major_versions_and_other_types_are_refused() {
    refused(&vitals(), |value| value["version"] = json!("2.0"), Reason::BadVersion, "version");
    let other = json!("manpasik.payment.completed");
    refused(
        &vitals(),
        |value| value["event_type"] = other,
        Reason::UnknownType,
        "manpasik.measurement.vitals",
    );
    let fault = decode_json(Input::Sessions, &json_of(&vitals())).unwrap_err();
    assert_eq!(fault.reason, Reason::UnknownType);
}

#[test]
fn values_nobody_can_have_are_refused() {
    for (name, wrong) in [
        ("hr", 401.0),
        ("pulse", -1.0),
        ("resp", 1e300),
        ("spo2", 100.1),
        ("systolic", 400.1),
        ("diastolic", -0.1),
        ("temperature", 98.6),
    ] {
        refused(&vitals(), |value| value["payload"][name] = json!(wrong), Reason::OutOfRange, name);
    }
    refused(&vitals(), |value| value["payload"]["diastolic"] = json!(120.5), Reason::OutOfRange, "diastolic");
    for wrong in ["a", "SECRET"] {
        refused(
            &vitals(),
            |value| value["payload"]["consciousness"] = json!(wrong),
            Reason::OutOfRange,
            "consciousness",
        );
    }
    refused(&vitals(), |value| value["payload"]["oxygen"] = json!(1), Reason::MissingField, "oxygen");
    for (name, bound) in
        [("hr", 0.0), ("resp", 400.0), ("spo2", 100.0), ("systolic", 400.0), ("temperature", 50.0)]
    {
        let mut value = json_of(&vitals());
        value["payload"][name] = json!(bound);
        assert!(decode_json(Input::Vitals, &value).is_ok(), "{name}");
    }
    for wrong in ["1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z"] {
        refused(&vitals(), |value| value["timestamp"] = json!(wrong), Reason::OutOfRange, "timestamp");
    }
}

#[test]
fn what_is_no_object_is_refused() {
    let nested = [b"[".repeat(100_000), b"{\"a\":".repeat(1_000)];
    let broken =
        [&b""[..], b"null", b"[]", b"{", b"\"SECRET\"", b"{\"hr\": NaN}", b"{\"hr\": 1e999}", b"\xff\xfe"];
    for value in broken.map(<[u8]>::to_vec).into_iter().chain(nested) {
        let too_long = value.len() > MAX_EVENT_BYTES;
        let fault = decode(Input::Vitals, record(Input::Vitals, value, vec![])).unwrap_err();
        assert_eq!(fault.reason, if too_long { Reason::BadLength } else { Reason::BadEnvelope });
        assert!(!fault.detail.contains("SECRET"));
    }
}

#[test]
fn an_event_about_two_people_is_refused() {
    let other = json!(UserId::derive(&["another"]).to_string());
    refused(&started(), |value| value["user_id"] = other, Reason::BadEnvelope, "payload.user_id");
}

#[test]
fn headers_that_contradict_the_envelope_are_refused() {
    for (name, other) in [
        ("ce_id", EventId::derive(&["other"]).to_string()),
        ("ce_type", "manpasik.measurement.other".into()),
        ("ce_time", "2026-01-01T00:00:00Z".into()),
        ("ce_source", "/other".into()),
        ("ce_partitionkey", UserId::derive(&["other"]).to_string()),
    ] {
        let encoded = encode(&vitals(), "service");
        let mut headers = encoded.headers;
        headers.iter_mut().find(|(header, _)| header.as_ref() == name).unwrap().1 = other.into_bytes();
        let fault = decode(Input::Vitals, record(Input::Vitals, encoded.value, headers)).unwrap_err();
        assert_eq!(fault.reason, Reason::BadEnvelope);
        assert!(fault.detail.contains(name), "{}", fault.detail);
    }
}

#[test]
fn headers_are_checked_like_fields() {
    let refused = |name: &str, value: Option<&[u8]>| {
        let payload = json_of(&vitals())["payload"].to_string().into_bytes();
        let mut headers = encode(&vitals(), "service").headers;
        headers.retain(|(header, _)| header.as_ref() != name);
        headers.extend(value.map(|value| (name.into(), value.to_vec())));
        let fault = decode(Input::Vitals, record(Input::Vitals, payload, headers)).unwrap_err();
        assert!(fault.detail.contains(name) || name == "ce_partitionkey", "{}", fault.detail);
        fault.reason
    };
    for name in ["ce_specversion", "ce_id", "ce_type", "ce_time", "ce_source"] {
        assert_eq!(refused(name, None), Reason::MissingField, "{name}");
        assert_eq!(refused(name, Some(b"\xff")), Reason::MissingField, "{name}");
        assert_eq!(refused(name, Some(b"")), Reason::MissingField, "{name}");
    }
    assert_eq!(refused("ce_partitionkey", None), Reason::MissingField);
    assert_eq!(refused("ce_partitionkey", Some(b"someone")), Reason::MissingField);
    assert_eq!(refused("ce_specversion", Some(b"0.3")), Reason::BadVersion);
    assert_eq!(refused("ce_dataschema", Some(b"/manpasik.measurement.vitals/2.0")), Reason::BadVersion);
    assert_eq!(refused("ce_dataschema", Some(b"/manpasik.measurement.vitals")), Reason::MissingField);
}

/// Any JSON, with the field names of an envelope more often than not.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!(VITALS)),
        Just(json!("2026-01-01T00:00:00Z")),
        Just(json!(EventId::derive(&["x"]).to_string())),
    ];
    let names = prop::sample::select(vec![
        "event_id",
        "event_type",
        "version",
        "timestamp",
        "source",
        "user_id",
        "payload",
        "hr",
        "spo2",
        "x",
    ]);
    leaf.prop_recursive(3, 40, 10, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..10)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..200)) {
        let fault = decode(Input::Sessions, record(Input::Sessions, value.clone(), vec![])).unwrap_err();
        prop_assert_eq!(fault.raw.value, value);
    }

    #[test]
    fn no_json_panics(value in any_json(), in_headers in any::<bool>()) {
        let headers = if in_headers { encode(&vitals(), "service").headers } else { vec![] };
        let bytes = value.to_string().into_bytes();
        match decode(Input::Vitals, record(Input::Vitals, bytes.clone(), headers)) {
            Ok(event) => prop_assert_eq!(event.origin().offset, 11),
            Err(fault) => prop_assert_eq!(fault.raw.value, bytes),
        }
    }

    #[test]
    fn no_header_panics(name in "ce_[a-z]{2,12}|ce_id|ce_type|ce_time", value in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut headers = encode(&vitals(), "service").headers;
        headers.insert(0, (name.as_str().into(), value));
        let encoded = encode(&vitals(), "service").value;
        if let Ok(event) = decode(Input::Vitals, record(Input::Vitals, encoded, headers)) {
            prop_assert_eq!(event, vitals());
        }
    }
}
