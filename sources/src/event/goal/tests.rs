//! Goals: round trips, each refusal, and no value in any detail.

use crate::event::{
    GOAL_REMOVED, VITALS, encode,
    tests::{decode_json, json_of},
};
use model::{
    Date, DomainEvent, EventId, Fault, GoalChange, GoalEvent, GoalId, GoalKind, GoalTerms, Input, Origin,
    Reason::{self, BadEnvelope, MissingField, OutOfRange, UnknownType},
    UserId,
    goal::BIOMARKERS,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn changed(change: GoalChange) -> DomainEvent {
    DomainEvent::Goal(GoalEvent {
        at: 1_767_225_600_000_000,
        event: EventId::derive(&["changed"]),
        user: UserId::derive(&["someone"]),
        goal: GoalId::derive(&["goal"]),
        change,
        origin: Origin { input: Input::Goals, partition: 2, offset: 11 },
    })
}

fn decoded(value: &Value) -> Result<DomainEvent, Box<Fault>> {
    decode_json(Input::Goals, value)
}

proptest! {
    #[test]
    fn goals_survive_the_log_and_their_key_is_the_person(
        kind in prop::sample::select(GoalKind::ALL.map(|(_, kind)| kind).to_vec()), share in 0_u16..100,
        biomarker in prop::sample::select(BIOMARKERS.to_vec()), named: bool, from in -7_i32..=366, length in 0_i32..=366,
    ) {
        let from = Date::new(2026, 1, 1).unwrap().number() + from;
        let until = from + length.max(kind.days() - 1);
        let target = 1 + (kind.most() - 1) * share / 99;
        let biomarker = Some(biomarker.to_owned()).filter(|_| named || kind != GoalKind::PerDay);
        for change in [GoalChange::Set(GoalTerms { kind, target, biomarker, from, until }), GoalChange::Removed] {
            let event = changed(change);
            prop_assert_eq!(encode(&event, "").key, UserId::derive(&["someone"]).to_string().into_bytes());
            prop_assert_eq!(decoded(&json_of(&event)), Ok(event));
        }
    }
}

#[test]
fn what_cannot_be_used_says_which_field_and_never_its_value() {
    let day = |text: &str| json!(text);
    let from = Date::new(2026, 1, 1).unwrap().number();
    let biomarker = Some("glucose".to_owned());
    let set = json_of(&changed(GoalChange::Set(GoalTerms {
        kind: GoalKind::InRange,
        target: 5,
        biomarker,
        from,
        until: from + 27,
    })));
    let refused = |path: &str, to: Value, reason: Reason, word: &str| {
        let mut value = set.clone();
        *value.pointer_mut(path).unwrap() = to;
        let fault = decoded(&value).unwrap_err();
        assert_eq!(fault.reason, reason, "{path}");
        assert!(fault.detail.contains(word) && !fault.detail.contains("SECRET"), "{}", fault.detail);
    };
    refused("/user_id", Value::Null, MissingField, "user_id");
    refused("/payload/goal_id", json!("SECRET"), MissingField, "goal_id");
    refused("/payload/goal_id", Value::Null, MissingField, "goal_id");
    refused("/payload/kind", Value::Null, MissingField, "kind");
    refused("/payload/kind", json!("SECRET"), OutOfRange, "DAYS_IN_RANGE_PER_WEEK");
    for target in [json!(0), json!(8), json!(-1), json!(1.5), json!(1e300), json!(u64::MAX)] {
        refused("/payload/target", target, OutOfRange, "target is no whole number from 1 to 7");
    }
    refused("/payload/target", json!("5"), MissingField, "target");
    refused("/payload/target", Value::Null, MissingField, "target");
    refused("/payload/biomarker", json!("SECRET"), OutOfRange, "glucose, hba1c");
    refused("/payload/biomarker", Value::Null, MissingField, "biomarker");
    refused("/payload/from", Value::Null, MissingField, "from");
    refused("/payload/from", day("SECRET"), MissingField, "from");
    refused("/payload/from", day("2025-12-24"), OutOfRange, "from is more than 7 days before");
    refused("/payload/from", day("2027-01-03"), OutOfRange, "366 after it");
    refused("/payload/until", day("2026-02-30"), MissingField, "until");
    refused("/payload/until", day("2026-01-06"), OutOfRange, "no whole period");
    refused("/payload/until", day("0001-01-01"), OutOfRange, "no whole period");
    refused("/payload/until", day("9999-12-31"), OutOfRange, "until is more than 366 days");
    refused("/event_type", json!(VITALS), UnknownType, "manpasik.coaching.goal");
    let mut other = set.clone();
    other["payload"]["user_id"] = json!(UserId::derive(&["another"]).to_string());
    assert_eq!(decoded(&other).unwrap_err().reason, BadEnvelope);
    let removed = json_of(&changed(GoalChange::Removed));
    assert_eq!(
        (&removed["event_type"], removed["payload"].as_object().unwrap().len()),
        (&json!(GOAL_REMOVED), 1)
    );
}
