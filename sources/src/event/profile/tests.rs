//! Profiles: round trips, what is left out, each refusal, and no value in any detail.

use crate::event::{
    PROFILE_UPDATED, VITALS, encode,
    tests::{decode_json, json_of},
};
use model::{
    Date, DomainEvent, EventId, Input, Origin, Profile, ProfileUpdated, Reason, Region, Sex, UserId,
};
use serde_json::{Value, json};

fn updated(profile: Profile) -> DomainEvent {
    DomainEvent::Profile(ProfileUpdated {
        at: 1_767_225_600_000_000,
        event: EventId::derive(&["updated"]),
        user: UserId::derive(&["someone"]),
        profile,
        origin: Origin { input: Input::Profiles, partition: 2, offset: 11 },
    })
}

fn whole() -> Profile {
    Profile {
        birth_date: Date::new(1950, 5, 1),
        sex: Some(Sex::Female),
        pregnant: Some(false),
        region: Some(Region::Europe),
        hypercapnic: true,
    }
}

#[test]
fn a_profile_survives_the_log_and_its_key_is_the_person() {
    for profile in [whole(), Profile::default()] {
        let event = updated(profile);
        let value = json_of(&event);
        assert_eq!(value["event_type"], json!(PROFILE_UPDATED));
        assert_eq!(decode_json(Input::Profiles, &value), Ok(event.clone()));
        assert_eq!(encode(&event, "").key, UserId::derive(&["someone"]).to_string().into_bytes());
    }
}

#[test]
fn what_is_left_out_is_not_known_and_unknown_fields_are_ignored() {
    let mut value = json_of(&updated(whole()));
    value["payload"] = json!({"sex": null, "nickname": "SECRET", "region": "KR"});
    let profile = Profile { region: Some(Region::Korea), ..Profile::default() };
    assert_eq!(decode_json(Input::Profiles, &value), Ok(updated(profile)));
}

#[test]
fn what_is_malformed_is_refused_by_its_name_and_never_its_value() {
    let refused = |change: &dyn Fn(&mut Value), reason: Reason, names: &str| {
        let mut value = json_of(&updated(whole()));
        change(&mut value);
        let fault = decode_json(Input::Profiles, &value).unwrap_err();
        assert_eq!(fault.reason, reason, "{}", fault.detail);
        assert!(fault.detail.contains(names) && !fault.detail.contains("SECRET"), "{}", fault.detail);
        assert!(!fault.detail.contains("1899") && !fault.detail.contains("JP"), "{}", fault.detail);
    };
    for (name, wrong, reason) in [
        ("birth_date", json!("SECRET"), Reason::MissingField),
        ("birth_date", json!("1950-02-30"), Reason::MissingField),
        ("birth_date", json!("1950-5-1"), Reason::MissingField),
        ("birth_date", json!(1950), Reason::MissingField),
        ("birth_date", json!("1899-12-31"), Reason::OutOfRange),
        ("birth_date", json!("2026-01-03"), Reason::OutOfRange),
        ("sex", json!("SECRET"), Reason::OutOfRange),
        ("sex", json!(1), Reason::MissingField),
        ("pregnant", json!("SECRET"), Reason::MissingField),
        ("region", json!("JP"), Reason::OutOfRange),
        ("hypercapnic", json!(1), Reason::MissingField),
        ("user_id", json!("SECRET"), Reason::MissingField),
    ] {
        refused(&|value| value["payload"][name] = wrong.clone(), reason, name);
    }
    let other = UserId::derive(&["another"]).to_string();
    refused(&|value| value["payload"]["user_id"] = json!(other), Reason::BadEnvelope, "payload.user_id");
    refused(&|value| drop(value.as_object_mut().unwrap().remove("user_id")), Reason::MissingField, "user_id");
    refused(&|value| value["event_type"] = json!(VITALS), Reason::UnknownType, Input::Profiles.topic());
}

#[test]
fn the_first_and_the_last_day_of_birth_are_taken() {
    for day in ["1900-01-01", "2026-01-02"] {
        let mut value = json_of(&updated(whole()));
        value["payload"]["birth_date"] = json!(day);
        assert!(decode_json(Input::Profiles, &value).is_ok(), "{day}");
    }
}

#[test]
fn another_topic_does_not_carry_it() {
    for input in [Input::Vitals, Input::Sessions, Input::Cartridges] {
        let fault = decode_json(input, &json_of(&updated(whole()))).unwrap_err();
        assert_eq!(fault.reason, Reason::UnknownType);
    }
}
