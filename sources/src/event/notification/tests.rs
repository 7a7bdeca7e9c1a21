//! Notifications: round trips, what is left out, each refusal, and no value in any detail.

use crate::event::{
    NOTIFICATION_READ, NOTIFICATION_SETTINGS, VITALS, encode,
    tests::{decode_json, json_of},
};
use model::{
    DomainEvent, EventId, Fault, Input, NotificationEvent, Origin,
    Reason::{self, BadEnvelope, MissingField, OutOfRange, UnknownType},
    UserId,
    notification::{Channel, Language, NotificationChange, NotificationSettings, Priority, QuietHours},
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn changed(change: NotificationChange) -> DomainEvent {
    DomainEvent::Notification(NotificationEvent {
        at: 1_767_225_600_000_000,
        event: EventId::derive(&["changed"]),
        user: UserId::derive(&["someone"]),
        change,
        origin: Origin { input: Input::Notifications, partition: 2, offset: 11 },
    })
}

fn requested(priority: Priority, channel: Channel) -> DomainEvent {
    let (kind, title, body) = ("NOTIFICATION_TYPE_HEALTH_ALERT".into(), "건강 경고".into(), "SECRET".into());
    changed(NotificationChange::Requested { kind, title, body, priority, channel })
}

fn settings(quiet: Option<QuietHours>, language: Language) -> DomainEvent {
    changed(NotificationChange::Settings(NotificationSettings { quiet, language }))
}

fn decoded(value: &Value) -> Result<DomainEvent, Box<Fault>> {
    decode_json(Input::Notifications, value)
}

#[test]
fn requests_and_reads_survive_the_log_and_their_key_is_the_person() {
    let requests = Priority::ALL
        .into_iter()
        .zip(Channel::ALL)
        .map(|((_, priority), (_, channel))| requested(priority, channel));
    for event in requests.chain([changed(NotificationChange::Read(EventId::derive(&["read"])))]) {
        assert_eq!(decoded(&json_of(&event)), Ok(event.clone()));
        assert_eq!(encode(&event, "").key, UserId::derive(&["someone"]).to_string().into_bytes());
    }
}

#[test]
fn who_names_no_priority_and_no_channel_means_an_ordinary_one_in_the_app() {
    let mut value = json_of(&requested(Priority::Critical, Channel::Sms));
    for name in ["priority", "channel"] {
        value["payload"][name].take();
    }
    value["payload"]["note"] = json!("SECRET");
    assert_eq!(decoded(&value), Ok(requested(Priority::Normal, Channel::InApp)));
    let mut nothing = json_of(&settings(None, Language::Korean));
    nothing["payload"] = json!({});
    assert_eq!(decoded(&nothing), Ok(settings(None, Language::Korean)));
}

proptest! {
    #[test]
    fn quiet_hours_survive_the_log(from in 0_u16..1_440, until in 0_u16..1_440, offset in -720_i16..=840, english: bool) {
        prop_assume!(from != until);
        let language = if english { Language::English } else { Language::Korean };
        let event = settings(Some(QuietHours { from, until, offset }), language);
        prop_assert_eq!(decoded(&json_of(&event)), Ok(event));
    }

    #[test]
    fn no_text_is_taken_for_a_time_that_it_is_not(text in "\\PC{0,7}") {
        let is_time = text.len() == 5 && text.is_ascii() && text.as_bytes()[2] == b':'
            && text[..2].parse::<u8>().is_ok_and(|hours| hours < 24) && text[3..].parse::<u8>().is_ok_and(|minutes| minutes < 60)
            && !text.contains('+');
        let mut value = json_of(&settings(None, Language::Korean));
        value["payload"] = json!({"quiet_from": text, "quiet_until": "07:00", "utc_offset": "+09:00"});
        prop_assert_eq!(decoded(&value).is_ok(), is_time && text != "07:00");
    }
}

#[test]
fn what_cannot_be_used_says_which_field_and_never_its_value() {
    let request = json_of(&requested(Priority::High, Channel::Push));
    let quiet = Some(QuietHours { from: 1_320, until: 420, offset: 540 });
    let (read, hours) = (
        json_of(&changed(NotificationChange::Read(EventId::derive(&["read"])))),
        json_of(&settings(quiet, Language::English)),
    );
    let refused = |mut value: Value, path: &str, to: Value, reason: Reason, word: &str| {
        *value.pointer_mut(path).unwrap() = to;
        let fault = decoded(&value).unwrap_err();
        assert_eq!(fault.reason, reason, "{path}");
        assert!(fault.detail.contains(word) && !fault.detail.contains("SECRET"), "{}", fault.detail);
    };
    refused(request.clone(), "/user_id", Value::Null, MissingField, "user_id");
    refused(request.clone(), "/payload/type", json!(1), MissingField, "type");
    refused(request.clone(), "/payload/title", json!(""), MissingField, "title");
    refused(request.clone(), "/payload/title", json!("SECRET".repeat(50)), OutOfRange, "title");
    refused(request.clone(), "/payload/body", json!("SECRET".repeat(1_000)), OutOfRange, "body");
    refused(request.clone(), "/payload/priority", json!("SECRET"), OutOfRange, "LOW, NORMAL, HIGH, CRITICAL");
    refused(request.clone(), "/payload/channel", json!("SECRET"), OutOfRange, "IN_APP, PUSH, EMAIL, SMS");
    refused(request.clone(), "/event_type", json!(VITALS), UnknownType, "manpasik.notification.send");
    refused(read.clone(), "/payload/notification_id", json!("SECRET"), MissingField, "notification_id");
    refused(hours.clone(), "/payload/quiet_from", Value::Null, MissingField, "all three");
    refused(hours.clone(), "/payload/quiet_from", json!("25:00"), MissingField, "quiet_from");
    refused(hours.clone(), "/payload/quiet_until", json!("22:00"), OutOfRange, "leave all three out");
    refused(hours.clone(), "/payload/utc_offset", json!("+15:00"), MissingField, "+09:00");
    refused(hours.clone(), "/payload/utc_offset", json!("Asia/Seoul"), MissingField, "+09:00");
    refused(hours, "/payload/language", json!("SECRET"), OutOfRange, "ko, en");
    let mut other = request;
    other["payload"]["user_id"] = json!(UserId::derive(&["another"]).to_string());
    assert_eq!(decoded(&other).unwrap_err().reason, BadEnvelope);
    assert_eq!(
        (read["event_type"].as_str(), NOTIFICATION_SETTINGS),
        (Some(NOTIFICATION_READ), "manpasik.notification.settings.updated")
    );
}
