//! A cartridge measures a dangerous glucose: what is said of it, and who hears of it, through the whole program.

use crate::program::Place;
use eventlog::{
    Budget, Draft, Log, TopicPartition, TopicSpec, embedded, partition_of, read_range, write_all,
};
use model::{
    Date, DomainEvent, EventId, Input, NotificationEvent, Origin, Profile, ProfileUpdated, SessionId,
    Sharing, SharingChanged, UserId,
    consent::{ALERTS, FAMILY_SHARING},
    notification::{Channel, Language, NotificationChange, NotificationSettings, Priority, QuietHours},
    packet::Environment,
};
use prost::Message;
use serde_json::{Value, json};
use sources::packet::{Frame, MeasurementPacket, Version, WireSignal};
use std::time::{SystemTime, UNIX_EPOCH};

/// 2026-01-01.
pub(crate) const START: i64 = 1_767_225_600_000_000;

/// Microseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64
}

/// The person lives where it is noon now, so that no midnight comes between; they want no quiet but a minute of the night.
fn at_noon(at: i64, now: i64) -> Draft {
    let offset = 720 - now.div_euclid(MINUTE).rem_euclid(1_440);
    let quiet = Some(QuietHours { from: 0, until: 1, offset: offset as i16 });
    let settings = NotificationSettings { quiet, language: Language::Korean };
    event(&DomainEvent::Notification(NotificationEvent {
        at,
        event: EventId::derive(&["settings"]),
        user: user("person"),
        change: NotificationChange::Settings(settings),
        origin: Origin { input: Input::Notifications, partition: 0, offset: 0 },
    }))
}

pub(crate) const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const CHANNELS: u16 = 88;
/// Samples of a packet, which is of a second.
const RATE: u16 = 20;

pub(crate) fn user(name: &str) -> UserId {
    UserId::derive(&[name])
}

pub(crate) fn open(place: &Place) -> embedded::Embedded {
    let dir = place.data().join("log");
    embedded::Embedded::open(&embedded::Options { dir, segment_bytes: 1 << 28, max_record_bytes: 1 << 23 })
        .unwrap()
}

pub(crate) fn draft(
    input: Input,
    at: i64,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<eventlog::Header>,
) -> Draft {
    let partition = partition_of(&key, 6);
    Draft { topic: input.topic().into(), partition, timestamp_ms: at / 1_000, key: Some(key), value, headers }
}

pub(crate) fn event(event: &DomainEvent) -> Draft {
    let encoded = sources::event::encode(event, "test");
    draft(event.input(), event.at(), encoded.key, encoded.value, encoded.headers)
}

fn sharing(at: i64, number: u32, sharing: Sharing) -> Draft {
    event(&DomainEvent::Sharing(SharingChanged {
        at,
        event: EventId::derive(&["sharing", &number.to_string()]),
        user: user("person"),
        sharing,
        origin: Origin { input: Input::Consents, partition: 0, offset: 0 },
    }))
}

/// Everything known of the person before they measure: they share alerts with their mother.
pub(crate) fn person(start: i64) -> Vec<Draft> {
    let profile = Profile { birth_date: Date::new(1950, 5, 1), ..Profile::default() };
    let updated = ProfileUpdated {
        at: start,
        event: EventId::derive(&["profile"]),
        user: user("person"),
        profile,
        origin: Origin { input: Input::Profiles, partition: 0, offset: 0 },
    };
    vec![
        event(&DomainEvent::Profile(updated)),
        at_noon(start, now()),
        sharing(start + 1, 1, Sharing::Granted(FAMILY_SHARING.into())),
        sharing(start + 2, 2, Sharing::Shared { member: user("mother"), data: vec![ALERTS.into()] }),
    ]
}

/// A tag of version 2 of a glucose cartridge, good until 2040.
fn tag() -> Vec<u8> {
    let mut bytes = b"UIDUIDUI\x01\x01\x01\x02LOT 42  20401231".to_vec();
    bytes.extend(7_u16.to_le_bytes());
    bytes.extend(9_u16.to_le_bytes());
    bytes.extend(CHANNELS.to_be_bytes());
    bytes.extend([15, 1]);
    bytes.extend([0.5_f64, 0.0, 0.0].iter().flat_map(|value| value.to_le_bytes()));
    let mut register = u32::MAX;
    for byte in &bytes {
        register ^= u32::from(*byte);
        (0..8).for_each(|_| register = register >> 1 ^ if register & 1 == 1 { 0xedb8_8320 } else { 0 });
    }
    bytes.extend((!register).to_le_bytes());
    bytes.resize(80, 0);
    bytes
}

/// Fifteen seconds of a glucose of 45 mg/dL, and their end.
pub(crate) fn session(name: &str, start: i64) -> Vec<Draft> {
    let packet = |number: u32| {
        let values = usize::from(CHANNELS) * usize::from(RATE);
        // It nears its plateau, a little noisily: what never moves is no measurement.
        let rise = |value: usize| {
            let sample = number as usize * usize::from(RATE) + value / usize::from(CHANNELS);
            let seconds = sample as f64 / f64::from(RATE);
            let noise = ((value * 37 + sample * 11) % 23) as f64 * 1e-3;
            (45.0 * (1.0 - (-seconds / 2.0).exp()) + 0.5 * 0.25 + noise) as f32
        };
        let stamp_us = start + MINUTE + i64::from(number) * SECOND;
        let frame = Frame {
            version: Version::Two,
            sequence: number,
            stamp_us,
            channels: CHANNELS,
            samples: RATE,
            det: (0..values).map(rise).collect(),
            reference: vec![0.25; values],
            environment: Environment { temperature_c: 25.0, battery_percent: 90, ..Environment::default() },
        };
        let ends = number == 15;
        let packet = MeasurementPacket {
            session_id: SessionId::derive(&[name]).to_string(),
            device_id: "reader-1".into(),
            user_id: user("person").to_string(),
            raw_packet: if ends { Vec::new() } else { frame.encode() },
            sequence_no: number,
            timestamp_ms: (stamp_us / 1_000) as u64,
            signal: WireSignal::Channels.into(),
            sample_period_us: 1_000_000 / u32::from(RATE),
            end_of_session: ends,
            cartridge_tag: if number == 0 { tag() } else { Vec::new() },
            calibration: None,
        };
        let key = packet.session_id.clone().into_bytes();
        draft(Input::Packets, stamp_us, key, packet.encode_to_vec(), Vec::new())
    };
    (0..=15).map(packet).collect()
}

/// Publishes, runs the program until `answer` is what it says to `question`, and stops it.
pub(crate) fn follow(place: &Place, drafts: Vec<Draft>, question: &str, answer: &Value) {
    let log = open(place);
    let topics = Input::ALL.map(|input| TopicSpec { name: input.topic().into(), partitions: 6 });
    log.ensure_topics(&topics).unwrap();
    write_all(&mut *log.writer("test").unwrap(), "", drafts).unwrap();
    drop(log);
    let running = place.start(&["run"]);
    running.until("the answer", || {
        let told = place.say(&["--listen", &running.door, "sql", "--format", "json", question]).fine();
        let rows = told.lines().filter(|line| !line.is_empty());
        rows.map(|row| serde_json::from_str::<Value>(row).unwrap()).eq([answer.clone()]).then_some(())
    });
    assert_eq!(running.signal("TERM").code, Some(0));
}

/// The events of a topic of results, each its type and its payload, in order.
pub(crate) fn told(place: &Place, topic: &str) -> Vec<(String, Value)> {
    let log = open(place);
    let (mut reader, mut told) = (log.reader().unwrap(), Vec::new());
    for partition in 0..log.partitions(topic).unwrap() {
        let at = TopicPartition { topic: topic.into(), partition };
        let range = log.range(&at).unwrap();
        let budget = Budget { records: 1_000, bytes: 1 << 24 };
        let end = range.end;
        read_range(&mut *reader, &at, range.start..end, budget, |record| {
            let mut value: Value = serde_json::from_slice(&record.value).unwrap();
            told.push((value["event_type"].as_str().unwrap().to_owned(), value["payload"].take()));
        })
        .unwrap();
    }
    told
}

/// A notification as the topic has it: type of the event, id, kind, priority.
type Told = (String, Value, Value, Value);

pub(crate) const ALERT: &str = "NOTIFICATION_TYPE_HEALTH_ALERT";
pub(crate) const COACHING: &str = "NOTIFICATION_TYPE_COACHING";

/// The person is told what their result means, and the lake has it.
fn coached(place: &Place) {
    let coachings = told(place, "manpasik.coaching.generated");
    let [(kind, coaching)] = &coachings[..] else { panic!("{coachings:?}") };
    assert_eq!(kind, "manpasik.coaching.generated");
    let text = coaching["text"]["en"].as_str().unwrap();
    assert!(
        text.starts_with("Your glucose is dangerously low.") && text.ends_with("not a diagnosis."),
        "{text}"
    );
    assert_eq!(
        (&coaching["messages"][0]["rule"], &coaching["messages"][0]["trend"]),
        (&json!("glucose"), &json!("first"))
    );
    let kept = "SELECT text_ko, risk_level FROM coachings";
    let kept = place.ask_the_lake(kept);
    assert_eq!((&kept["text_ko"], &kept["risk_level"]), (&coaching["text"]["ko"], &json!("CRITICAL")));
}

/// What people were notified of, each in order.
fn notified(place: &Place) -> Vec<Told> {
    let of = |(kind, payload): (String, Value)| {
        let kind = kind.strip_prefix("manpasik.notification.").unwrap().to_owned();
        (kind, payload["notification_id"].clone(), payload["type"].clone(), payload["priority"].clone())
    };
    told(place, "manpasik.notification.sent").into_iter().map(of).collect()
}

/// Somebody writes to the mother: the only thing she has not read, for what she heard of the risk was taken back.
fn counted(place: &Place) {
    let today = now();
    let change = NotificationChange::Requested {
        kind: "A_KIND".into(),
        title: "a title".into(),
        body: "a body".into(),
        priority: Priority::Low,
        channel: Channel::InApp,
    };
    let (id, user) = (EventId::derive(&["asked"]), user("mother"));
    let origin = Origin { input: Input::Notifications, partition: 0, offset: 0 };
    let asked =
        event(&DomainEvent::Notification(NotificationEvent { at: today, event: id, user, change, origin }));
    let question = "SELECT u.user_id, unread, notification_id FROM unread_notifications u \
                    JOIN notifications n ON u.newest_at = n.sent_at AND u.user_id = n.user_id \
                    WHERE channel = 'IN_APP'";
    let answer = json!({"user_id": user.to_string(), "unread": 1, "notification_id": id.to_string()});
    follow(place, vec![asked], question, &answer);
}

/// The person hears of the risk and of coaching, and their mother of the risk; gives the id of what the person heard of
/// the risk.
fn told_of_a_risk(place: &Place, told: &[Told], person: &str) -> String {
    let types = told.iter().filter_map(|(_, _, kind, priority)| Some((kind.as_str()?, priority.as_str()?)));
    let mut types: Vec<_> = types.collect();
    types.sort_unstable();
    assert_eq!(types, [(COACHING, "NORMAL"), (ALERT, "CRITICAL"), (ALERT, "CRITICAL")]);
    let unread = place.ask_the_lake("SELECT count(*) AS unread FROM notifications WHERE read_at IS NULL");
    assert_eq!(unread["unread"], json!(3));
    let own = format!(
        "SELECT notification_id AS id FROM notifications WHERE type = '{ALERT}' AND user_id = '{person}'"
    );
    place.ask_the_lake(&own)["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_dangerous_result_is_analysed_and_told_to_whom_it_may_be_and_taken_back_from_whom_it_may_not() {
    let (place, start) = (Place::new(), now() - 10 * MINUTE);
    let question = "SELECT biomarker, risk_level, (SELECT string_agg(level, ' ') FROM alerts WHERE rule = 'glucose') AS alert, \
                    (SELECT count(*) FROM dead_letters) AS letters FROM analyses";
    let answer = json!({"biomarker": "glucose", "risk_level": "CRITICAL", "alert": "CRITICAL", "letters": 0});
    follow(&place, [person(start), session("measured", start)].concat(), question, &answer);

    let analyses = told(&place, "manpasik.ai.analysis_completed");
    let [(kind, analysis)] = &analyses[..] else { panic!("{analyses:?}") };
    assert_eq!(
        (kind.as_str(), &analysis["risk_level"]),
        ("manpasik.ai.analysis_completed", &json!("CRITICAL"))
    );
    assert!((analysis["measured_value"].as_f64().unwrap() - 45.0).abs() < 0.5, "{analysis}");
    let glucose = analysis["judgements"].as_array().unwrap().iter().find(|one| one["rule"] == "glucose");
    assert_eq!(glucose.unwrap()["limits"], "≤ 46");

    coached(&place);
    let day = "SELECT kind, is_over, measurements, alerts_critical, biomarkers[1]['biomarker'] AS what FROM daily_summaries";
    let due = json!({"kind": "urgent", "is_over": false, "measurements": 1, "alerts_critical": 1, "what": "glucose"});
    assert_eq!(place.ask_the_lake(day), due);

    let risks = told(&place, "manpasik.ai.risk.detected");
    let [(_, risk)] = &risks[..] else { panic!("{risks:?}") };
    assert_eq!((&risk["biomarker"], &risk["risk_level"]), (&json!("glucose"), &json!("CRITICAL")));
    let (person, mother) = (user("person").to_string(), user("mother").to_string());
    assert_eq!(risk["alert_targets"], json!([person, mother]));

    let first = notified(&place);
    let own = told_of_a_risk(&place, &first, &person);

    // They had revoked their consent before they measured; the event comes late.
    let revoked = sharing(start + 3, 3, Sharing::Revoked(FAMILY_SHARING.into()));
    // The engine has read both once their topics' partitions are one record on.
    let read = "SELECT CAST(sum(next_offset) AS BIGINT) AS read FROM system.progress WHERE topic IN ('manpasik.user.consent', 'manpasik.notification.send')";
    // The person reads of the risk.
    let seen = NotificationEvent {
        at: start + 100 * SECOND,
        event: EventId::derive(&["seen"]),
        user: user("person"),
        change: NotificationChange::Read(own.parse().unwrap()),
        origin: Origin { input: Input::Notifications, partition: 0, offset: 0 },
    };
    let seen = event(&DomainEvent::Notification(seen));
    follow(&place, vec![revoked, seen], read, &json!({"read": 5}));
    let later: Vec<_> = notified(&place).into_iter().filter(|one| !first.contains(one)).collect();
    let [(kind, id, ..)] = &later[..] else { panic!("{later:?}") };
    // The mother's alone is taken back: the person is not told again.
    assert_eq!(kind, "sent.withdrawn");
    assert_ne!(*id, json!(own));
    let left = place.ask_the_lake("SELECT user_id, type FROM notifications WHERE read_at IS NULL");
    assert_eq!(left, json!({"user_id": person, "type": COACHING}));
    let risks = told(&place, "manpasik.ai.risk.detected");
    let [_, (withdrawn, back), (again, risk)] = &risks[..] else { panic!("{risks:?}") };
    assert_eq!(withdrawn, "manpasik.ai.risk.detected.withdrawn");
    assert_eq!(back["alert_targets"], json!([person, mother]), "whoever heard hears that it is taken back");
    assert_eq!((again.as_str(), &risk["alert_targets"]), ("manpasik.ai.risk.detected", &json!([person])));
    counted(&place);
}
