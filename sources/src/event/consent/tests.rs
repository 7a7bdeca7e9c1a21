//! Consents and sharings: round trips, each refusal, and no value in any detail.

use crate::event::{
    DATA_SHARED, VITALS, encode,
    tests::{decode_json, json_of},
};
use model::{
    DomainEvent, EventId, Fault, Input, Origin,
    Reason::{self, BadEnvelope, MissingField, OutOfRange, UnknownType},
    Sharing, SharingChanged, UserId,
};
use serde_json::{Value, json};

fn changed(sharing: Sharing) -> DomainEvent {
    DomainEvent::Sharing(SharingChanged {
        at: 1_767_225_600_000_000,
        event: EventId::derive(&["changed"]),
        user: UserId::derive(&["someone"]),
        sharing,
        origin: Origin { input: Input::Consents, partition: 2, offset: 11 },
    })
}

fn shared(data: &[&str]) -> DomainEvent {
    let data = data.iter().map(|name| (*name).to_owned()).collect();
    changed(Sharing::Shared { member: UserId::derive(&["member"]), data })
}

fn decoded(value: &Value) -> Result<DomainEvent, Box<Fault>> {
    decode_json(Input::Consents, value)
}

#[test]
fn consents_and_sharings_survive_the_log_and_their_key_is_the_person() {
    let consents = [Sharing::Granted("family_sharing".into()), Sharing::Revoked("marketing".into())];
    for event in consents.map(changed).into_iter().chain([shared(&[]), shared(&["alerts", "trends"])]) {
        assert_eq!(decoded(&json_of(&event)), Ok(event.clone()));
        assert_eq!(encode(&event, "").key, UserId::derive(&["someone"]).to_string().into_bytes());
    }
}

#[test]
fn data_are_a_set_and_unknown_fields_are_ignored() {
    let mut value = json_of(&shared(&[]));
    value["payload"]["data"] = json!(["trends", "alerts", "trends"]);
    value["payload"]["note"] = json!("SECRET");
    assert_eq!(decoded(&value), Ok(shared(&["alerts", "trends"])));
}

#[test]
fn what_is_malformed_is_refused_by_its_name_and_never_its_value() {
    let refused = |change: &dyn Fn(&mut Value), reason: Reason, names: &str| {
        let mut value = json_of(&shared(&["alerts"]));
        change(&mut value);
        let fault = decoded(&value).unwrap_err();
        assert_eq!(fault.reason, reason, "{}", fault.detail);
        assert!(fault.detail.contains(names), "{}", fault.detail);
        assert!(!fault.detail.contains("SECRET"), "{}", fault.detail);
    };
    let long = "SECRET".repeat(11);
    refused(&|value| value["user_id"] = Value::Null, MissingField, "user_id");
    refused(
        &|value| value["payload"]["user_id"] = value["payload"]["member_id"].clone(),
        BadEnvelope,
        "user_id",
    );
    refused(&|value| value["payload"]["member_id"] = json!("SECRET"), MissingField, "member_id");
    refused(&|value| value["payload"]["member_id"] = value["user_id"].clone(), OutOfRange, "member_id");
    refused(&|value| value["payload"]["data"] = json!("SECRET"), MissingField, "data");
    refused(&|value| value["payload"]["data"] = json!([1]), MissingField, "data");
    refused(&|value| value["payload"]["data"] = json!([""]), MissingField, "data");
    refused(&|value| value["payload"]["data"] = json!([long]), OutOfRange, "data");
    refused(&|value| value["payload"]["data"] = json!(vec!["SECRET"; 65]), OutOfRange, "data");
    refused(&|value| value["event_type"] = json!(VITALS), UnknownType, Input::Consents.topic());
    let mut value = json_of(&changed(Sharing::Granted("SECRET".into())));
    value["payload"]["consent"] = Value::Null;
    assert_eq!(decoded(&value).unwrap_err().reason, MissingField);
    value["event_type"] = json!(DATA_SHARED);
    assert_eq!(decoded(&value).unwrap_err().reason, MissingField);
}
