//! Readings: round trips, each refusal, and no value in any detail.

use crate::event::{
    VITALS, encode,
    tests::{decode_json, json_of},
};
use model::{
    Comparator, DomainEvent, EventId, GlucoseReading, Input, Number, Origin,
    Reason::{self, BadEnvelope, MissingField, OutOfRange, UnknownType},
    UserId,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn reading(glucose: f64, comparator: Option<Comparator>) -> DomainEvent {
    DomainEvent::Glucose(GlucoseReading {
        at: 1_767_225_600_000_000,
        user: UserId::derive(&["someone"]),
        event: EventId::derive(&["reading"]),
        glucose: Number::finite(glucose).unwrap(),
        comparator,
        origin: Origin { input: Input::Glucose, partition: 2, offset: 11 },
    })
}

proptest! {
    #[test]
    fn readings_survive_the_log_and_their_key_is_the_person(tenths in 100_u32..=20_000) {
        let glucose = f64::from(tenths) / 10.0;
        let below = (glucose <= 54.0).then_some(Comparator::Below);
        let above = (glucose >= 250.0).then_some(Comparator::Above);
        for comparator in [None, below.or(above)] {
            let event = reading(glucose, comparator);
            prop_assert_eq!(encode(&event, "").key, UserId::derive(&["someone"]).to_string().into_bytes());
            prop_assert_eq!(decode_json(Input::Glucose, &json_of(&event)), Ok(event));
        }
    }
}

#[test]
fn what_cannot_be_used_says_which_field_and_never_its_value() {
    let sound = json_of(&reading(40.0, Some(Comparator::Below)));
    let refused = |path: &str, to: Value, reason: Reason, word: &str| {
        let mut value = sound.clone();
        *value.pointer_mut(path).unwrap() = to;
        let fault = decode_json(Input::Glucose, &value).unwrap_err();
        assert_eq!(fault.reason, reason, "{path}");
        let told = ["SECRET", "9.99", "55.5"].into_iter().find(|told| fault.detail.contains(told));
        assert!(fault.detail.contains(word) && told.is_none(), "{}", fault.detail);
    };
    refused("/user_id", Value::Null, MissingField, "user_id");
    refused("/payload/glucose", Value::Null, MissingField, "glucose");
    refused("/payload/glucose", json!("SECRET"), MissingField, "glucose");
    for glucose in [json!(9.99), json!(2_000.5), json!(-1), json!(1e300)] {
        refused("/payload/glucose", glucose, OutOfRange, "glucose is outside 10 to 2000");
    }
    refused("/payload/comparator", json!("SECRET"), OutOfRange, "comparator is none of <, >");
    refused("/payload/comparator", json!(">"), OutOfRange, "> at least 250");
    refused("/payload/glucose", json!(55.5), OutOfRange, "< needs at most 54");
    refused("/event_type", json!(VITALS), UnknownType, "manpasik.measurement.glucose");
    let mut other = sound.clone();
    other["payload"]["user_id"] = json!(UserId::derive(&["another"]).to_string());
    assert_eq!(decode_json(Input::Glucose, &other).unwrap_err().reason, BadEnvelope);
}
