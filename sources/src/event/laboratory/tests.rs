//! Results: round trips, each refusal, and no value in any detail.

use crate::event::{
    LABORATORY_CANCELLED, VITALS, encode,
    tests::{decode_json, json_of},
};
use model::{
    DomainEvent, EventId, Input, LaboratoryEvent, LaboratoryValue, Number, Origin,
    Reason::{self, BadEnvelope, MissingField, OutOfRange, UnknownType},
    ResultId, UserId,
    laboratory::ANALYTES,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn event(value: Option<LaboratoryValue>) -> DomainEvent {
    DomainEvent::Laboratory(LaboratoryEvent {
        at: 1_767_225_600_000_000,
        event: EventId::derive(&["resulted"]),
        user: UserId::derive(&["someone"]),
        result: ResultId::derive(&["result"]),
        value,
        origin: Origin { input: Input::Laboratory, partition: 2, offset: 11 },
    })
}

fn resulted(code: &str, value: f64, unit: &str) -> DomainEvent {
    let (code, value, unit) = (code.to_owned(), Number::finite(value).unwrap(), unit.to_owned());
    event(Some(LaboratoryValue { code, value, unit }))
}

proptest! {
    #[test]
    fn results_survive_the_log_and_their_key_is_the_person(
        analyte in prop::sample::select(ANALYTES.to_vec()), code: prop::sample::Index, unit: prop::sample::Index,
        hundredths in 0_u32..=10_000,
    ) {
        // With so few digits a number is read as it was written.
        let value = f64::from(hundredths.min(100 * analyte.most)) / 100.0;
        let (code, unit) = (code.get(analyte.codes), unit.get(analyte.units));
        // Sodium is of no rule.
        for event in [resulted(code, value, unit), resulted("2951-2", -value, unit), event(None)]
        {
            prop_assert_eq!(encode(&event, "").key, UserId::derive(&["someone"]).to_string().into_bytes());
            prop_assert_eq!(decode_json(Input::Laboratory, &json_of(&event)), Ok(event));
        }
    }
}

#[test]
fn what_cannot_be_used_says_which_field_and_never_its_value() {
    let sound = json_of(&resulted("2524-7", 3.25, "mmol/L"));
    let refused = |path: &str, to: Value, reason: Reason, word: &str| {
        let mut value = sound.clone();
        *value.pointer_mut(path).unwrap() = to;
        let fault = decode_json(Input::Laboratory, &value).unwrap_err();
        assert_eq!(fault.reason, reason, "{path}");
        let told =
            ["SECRET", "3.25", "50.5", "2524", "mmol"].into_iter().find(|told| fault.detail.contains(told));
        assert!(fault.detail.contains(word) && told.is_none(), "{}", fault.detail);
    };
    refused("/user_id", Value::Null, MissingField, "user_id");
    refused("/payload/result_id", Value::Null, MissingField, "result_id");
    refused("/payload/result_id", json!("SECRET"), MissingField, "result_id");
    for code in ["SECRET", "2524-8", "25247", "12345678-1", "2524-71", "²524-7", "-0"] {
        refused("/payload/code", json!(code), OutOfRange, "code is no LOINC code");
    }
    refused("/payload/code", json!(2524), MissingField, "code");
    refused("/payload/unit", json!("mg/dL"), OutOfRange, "unit is none");
    refused("/payload/unit", json!("SECRET".repeat(6)), OutOfRange, "unit is longer than 32 bytes");
    refused("/payload/unit", Value::Null, MissingField, "unit");
    for value in [json!(-0.1), json!(50.5), json!(1e300)] {
        refused("/payload/value", value, OutOfRange, "value is more or less");
    }
    refused("/payload/value", json!("> 3.25"), MissingField, "value");
    refused("/payload/value", Value::Null, MissingField, "value");
    refused("/event_type", json!(VITALS), UnknownType, "manpasik.measurement.laboratory");
    let mut other = sound.clone();
    other["payload"]["user_id"] = json!(UserId::derive(&["another"]).to_string());
    assert_eq!(decode_json(Input::Laboratory, &other).unwrap_err().reason, BadEnvelope);
    let taken_back = json_of(&event(None));
    assert_eq!(
        (&taken_back["event_type"], taken_back["payload"].as_object().unwrap().len()),
        (&json!(LABORATORY_CANCELLED), 1)
    );
}
