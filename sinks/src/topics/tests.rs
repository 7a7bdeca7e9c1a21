//! What readers of the topics rely on: ids and bytes that follow from the facts, headers that tools
//! know, and nothing said twice or left unsaid.

mod told;

use super::{
    ANALYSES, COACHINGS, DEAD_LETTERS, Letters, RESULTS, RISKS, SESSIONS_ENDED, SESSIONS_STARTED, Shape,
    WINDOWS, letters,
};
use crate::{Output, samples};
use eventlog::{Draft, partition_of};
use model::{AlertChange, ChangeKind, Fault, PulseWindow};
use serde_json::Value;

const SHAPE: Shape = Shape { partitions: [6, 4, 5, 5, 3, 3, 4, 4, 4, 1], dead_letter_bytes: 4_096 };

fn windows(windows: impl IntoIterator<Item = (PulseWindow, i64)>) -> Vec<Draft> {
    let output = Output { windows: windows.into_iter().collect(), ..Output::default() };
    letters(&Output::merge([output]), SHAPE).drafts
}

fn measurements(measurements: Vec<(model::Measurement, i64)>) -> Vec<Draft> {
    letters(&Output::merge([Output { measurements, ..Output::default() }]), SHAPE).drafts
}

fn alerts(changes: impl IntoIterator<Item = (AlertChange, i64)>) -> Vec<Draft> {
    let output = Output { changes: changes.into_iter().collect(), ..Output::default() };
    letters(&Output::merge([output]), SHAPE).drafts
}

fn dead_letter(fault: Fault, shape: Shape) -> Draft {
    let output = Output { faults: vec![(fault, 1)], ..Output::default() };
    letters(&output, shape).drafts.remove(0)
}

fn value(draft: &Draft) -> Value {
    serde_json::from_slice(&draft.value).unwrap()
}

fn header<'a>(draft: &'a Draft, name: &str) -> &'a str {
    let (_, value) = draft.headers.iter().find(|(header, _)| &**header == name).unwrap();
    std::str::from_utf8(value).unwrap()
}

#[test]
fn an_event_is_the_envelope_mirrored_in_cloud_events_headers() {
    let window = samples::window(1, 2);
    let draft = windows([(window.clone(), 1)]).remove(0);
    let key = window.user.to_string();
    assert_eq!((&*draft.topic, draft.key.as_deref()), (WINDOWS, Some(key.as_bytes())));
    assert_eq!(draft.partition, partition_of(key.as_bytes(), 6));
    assert_eq!(draft.timestamp_ms, window.end / 1_000);

    let value = value(&draft);
    let text = |field: &str| value[field].as_str().unwrap().to_owned();
    assert_eq!(text("timestamp"), "2023-11-14T22:13:55.000000Z");
    assert_eq!(text("event_type"), "manpasik.measurement.window.computed");
    let names: Vec<&str> = draft.headers.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        names,
        [
            "ce_specversion",
            "ce_id",
            "ce_type",
            "ce_source",
            "ce_subject",
            "ce_time",
            "ce_dataschema",
            "ce_partitionkey",
            "ce_sequence",
            "content-type"
        ]
    );
    assert_eq!(header(&draft, "ce_specversion"), "1.0");
    assert_eq!(header(&draft, "ce_id"), text("event_id"));
    assert_eq!(header(&draft, "ce_type"), text("event_type"));
    assert_eq!(header(&draft, "ce_source"), format!("/{}", text("source")));
    assert_eq!(header(&draft, "ce_subject"), window.session.to_string());
    assert_eq!(header(&draft, "ce_time"), text("timestamp"));
    assert!(header(&draft, "ce_dataschema").ends_with("manpasik.measurement.window.computed/1.0"));
    assert_eq!(header(&draft, "ce_partitionkey"), key);
    assert_eq!(header(&draft, "content-type"), "application/json");
    let json = String::from_utf8(draft.value).unwrap();
    assert!(json.contains(r#""hr_bpm":72.25,"beats_bpm":72.0,"spectrum_bpm":null,"beats":36"#), "{json}");
}

#[test]
fn what_is_published_does_not_depend_on_the_epochs() {
    let whole = Output {
        windows: (0..4).map(|n| (samples::window(n, 0), 1)).collect(),
        changes: (0..4).map(|n| (samples::change(n, ChangeKind::Raised, 0), 1)).collect(),
        faults: (0..4).map(|n| (samples::fault(n), 1)).collect(),
        measurements: (0..4).map(|n| (samples::measurement(n, 0), 1)).collect(),
        beginnings: (0..4).map(|n| (samples::beginning(n, 0), 1)).collect(),
        ends: (0..4).map(|n| (samples::end(n, 0), 1)).collect(),
        detected: (0..4).map(|n| (samples::detected(n, 1), 1)).collect(),
        analyses: (0..4).map(|n| (samples::analysis(n, 0), 1)).collect(),
        coachings: (0..4).map(|n| (samples::coaching(n, 0), 1)).collect(),
        summaries: (0..4).map(|n| (samples::summary(n, 1), 1)).collect(),
        goals: (0..4).map(|n| (samples::goal(n, 1), 1)).collect(),
        sent: (0..4).map(|n| (samples::notification(n), 1)).collect(),
        ..Output::default()
    };
    let whole = Output::merge([whole]);
    let part = |range: std::ops::Range<usize>| Output {
        windows: whole.windows[range.clone()].to_vec(),
        changes: whole.changes[range.clone()].to_vec(),
        measurements: whole.measurements[range.clone()].to_vec(),
        beginnings: whole.beginnings[range.clone()].to_vec(),
        ends: whole.ends[range.clone()].to_vec(),
        detected: whole.detected[range.clone()].to_vec(),
        analyses: whole.analyses[range.clone()].to_vec(),
        coachings: whole.coachings[range.clone()].to_vec(),
        summaries: whole.summaries[range.clone()].to_vec(),
        goals: whole.goals[range.clone()].to_vec(),
        sent: whole.sent[range.clone()].to_vec(),
        faults: whole.faults[range].to_vec(),
        ..Output::default()
    };
    // Kinds that share a topic keep their own order in it.
    let kinds = |topic: &str| if topic == COACHINGS { 3 } else { 1 };
    let by_kind = |mut drafts: Vec<Draft>| {
        if kinds(&drafts[0].topic) > 1 {
            drafts.sort_by(|one, other| header(one, "ce_type").cmp(header(other, "ce_type")));
        }
        drafts
    };
    let of = |letters: &Letters, topic: &str| {
        let drafts: Vec<Draft> =
            letters.drafts.iter().filter(|draft| &*draft.topic == topic).cloned().collect();
        drafts
    };
    let (once, first, second) =
        (letters(&whole, SHAPE), letters(&part(0..1), SHAPE), letters(&part(1..4), SHAPE));
    for topic in RESULTS {
        let twice = [of(&first, topic), of(&second, topic)].concat();
        assert_eq!(twice.len(), 4 * kinds(topic));
        assert!(by_kind(of(&once, topic)) == by_kind(twice), "{topic}");
    }
    let records = once.digests.iter().map(|digest| digest.records as usize);
    assert_eq!(records.collect::<Vec<_>>(), RESULTS.map(|topic| 4 * kinds(topic)));
    assert_ne!(once.digests[0].digest, second.digests[0].digest);
}

#[test]
fn a_revision_replaces_and_a_lonely_retraction_withdraws() {
    let (old, new) = (samples::window(1, 0), samples::window(1, 1));
    let computed = windows([(old.clone(), 1)]).remove(0);
    let revised = windows([(old.clone(), -1), (new, 1)]);
    assert_eq!(revised.len(), 1);
    assert_eq!(value(&revised[0])["payload"]["revision"], 1);
    assert_ne!(header(&revised[0], "ce_id"), header(&computed, "ce_id"));
    assert!(header(&revised[0], "ce_sequence") > header(&computed, "ce_sequence"));

    let withdrawn = windows([(old, -1), (samples::window(2, 0), 1)]);
    assert_eq!(withdrawn.len(), 2);
    assert_eq!(value(&withdrawn[0])["event_type"], "manpasik.measurement.window.withdrawn");
    assert_eq!(value(&withdrawn[0])["payload"]["withdraws"], header(&computed, "ce_id"));
    assert_ne!(header(&withdrawn[0], "ce_id"), header(&computed, "ce_id"));
}

#[test]
fn an_alert_tells_its_evidence_and_is_withdrawn_by_name() {
    let raised = samples::change(7, ChangeKind::Raised, 5);
    let told = alerts([(raised.clone(), 1)]).remove(0);
    let value_told = value(&told);
    assert_eq!(value_told["event_type"], "manpasik.ai.alert.raised");
    let payload = &value_told["payload"];
    assert_eq!((&payload["kind"], &payload["level"]), (&"raised".into(), &"HIGH".into()));
    assert_eq!((&payload["rule"], &payload["rule_version"]), (&"news2.lower_bound".into(), &"1.0".into()));
    assert_eq!(payload["findings"][0]["value"], 25.0);
    assert_eq!(payload["offsets"][0]["first_offset"], 5);

    let escalated = samples::change(7, ChangeKind::Escalated, 5);
    let corrected = alerts([(raised.clone(), -1), (escalated, 1)]);
    let kinds: Vec<_> = corrected.iter().map(|draft| header(draft, "ce_type")).collect();
    assert_eq!(kinds, ["manpasik.ai.alert.withdrawn", "manpasik.ai.alert.escalated"]);
    assert_eq!(value(&corrected[0])["payload"]["withdraws"], header(&told, "ce_id"));
    assert_eq!(value(&corrected[0])["payload"]["change"], "raised");
}

#[test]
fn an_alert_of_a_rule_set_tells_what_was_compared_with_what() {
    let of_set = AlertChange { rule: samples::rule_of_set(), ..samples::change(7, ChangeKind::Repeated, 5) };
    let told = value(&alerts([(of_set.clone(), 1)])[0]);
    assert_eq!(told["event_type"], "manpasik.ai.alert.repeated");
    let payload = &told["payload"];
    for (name, wanted) in [
        ("rule", serde_json::json!("glucose")),
        ("rule_set", "glucose".into()),
        ("rule_version", "1.0".into()),
        ("class", "hypoglycaemia level 2".into()),
        ("value", 50.0.into()),
        ("unit", "mg/dL".into()),
        ("limit_high", 54.0.into()),
        ("limits", "< 54".into()),
        ("needs_retest", true.into()),
    ] {
        assert_eq!(payload[name], wanted, "{name}");
    }
    assert!(payload.get("limit_low").is_none());
    let withdrawn = value(&alerts([(of_set, -1)])[0]);
    assert_eq!(withdrawn["payload"]["rule"], "glucose");
    // Alerts of the rules that were there before say nothing more, so that their ids are what they were.
    let before = value(&alerts([(samples::change(7, ChangeKind::Raised, 5), 1)])[0]);
    let names: Vec<_> = before["payload"].as_object().unwrap().keys().map(String::as_str).collect();
    for name in ["rule_set", "class", "value", "claim", "needs_retest"] {
        assert!(!names.contains(&name), "{names:?}");
    }
}

#[test]
fn the_same_alert_through_another_log_has_the_same_id() {
    let (here, there) =
        (samples::change(7, ChangeKind::Raised, 5), samples::change(7, ChangeKind::Raised, 900));
    let ids: Vec<Draft> =
        alerts([(here.clone(), 1)]).into_iter().chain(alerts([(there.clone(), 1)])).collect();
    assert_eq!(header(&ids[0], "ce_id"), header(&ids[1], "ce_id"));
    // Only the offsets changed: told again, not withdrawn, because readers know one id for both.
    let again = alerts([(here, -1), (there, 1)]);
    assert_eq!(again.len(), 1);
    assert_eq!(header(&again[0], "ce_type"), "manpasik.ai.alert.raised");
    let mut other = samples::change(7, ChangeKind::Raised, 5);
    other.evidence.score += 1;
    assert_ne!(header(&alerts([(other, 1)])[0], "ce_id"), header(&ids[0], "ce_id"));
}

#[test]
fn a_risk_is_told_to_whom_it_may_be_and_taken_back_from_whom_it_may_not() {
    let risks = |detected: Vec<(model::RiskDetected, i64)>| {
        letters(&Output::merge([Output { detected, ..Output::default() }]), SHAPE).drafts
    };
    let (shared, alone) = (samples::detected(3, 2), samples::detected(3, 0));
    let told = risks(vec![(shared.clone(), 1)]).remove(0);
    assert_eq!((&*told.topic, header(&told, "ce_type")), (RISKS, RISKS));
    assert_eq!(told.key, Some(shared.change.user.to_string().into_bytes()));
    let payload = &value(&told)["payload"];
    for (name, wanted) in [
        ("risk_id", serde_json::json!(shared.change.alert.to_string())),
        ("measurement_session_id", Value::Null),
        ("risk_level", "HIGH".into()),
        ("risk_score", 0.7.into()),
        ("risk_type", "news2.lower_bound".into()),
        ("biomarker", "resp".into()),
        ("measured_value", 25.0.into()),
        ("unit", "/min".into()),
        ("reference_range", serde_json::json!({"min": 12.0, "max": 20.0})),
        ("alert_targets", shared.recipients.iter().map(ToString::to_string).collect()),
    ] {
        assert_eq!(payload[name], wanted, "{name}");
    }
    assert!(payload["recommended_action"].as_str().unwrap().contains("not a diagnosis"));
    let corrected = risks(vec![(shared.clone(), -1), (alone, 1)]);
    assert_eq!(corrected.len(), 2);
    let taken_back = &value(&corrected[0])["payload"];
    assert_eq!(header(&corrected[0], "ce_type"), "manpasik.ai.risk.detected.withdrawn");
    assert_eq!(taken_back["withdraws"], header(&told, "ce_id"));
    assert_eq!(
        taken_back["alert_targets"].as_array().unwrap().len(),
        3,
        "whoever heard of it hears this, too"
    );
    assert_eq!(value(&corrected[1])["payload"]["alert_targets"].as_array().unwrap().len(), 1);
    // Who hears that it is taken back and then told again must take it for new.
    assert_ne!(header(&corrected[1], "ce_id"), header(&told, "ce_id"));
    let offsets_alone = |first| {
        let mut risk = shared.clone();
        risk.change.evidence.spans[0].last = first;
        risk
    };
    let again = risks(vec![(offsets_alone(1), -1), (offsets_alone(2), 1)]);
    assert_eq!((again.len(), header(&again[0], "ce_id")), (1, header(&told, "ce_id")));
}

#[test]
fn an_analysis_says_what_each_rule_says_and_a_revision_takes_back_the_one_before() {
    let analyses = |analyses: Vec<(model::Analysis, i64)>| {
        letters(&Output::merge([Output { analyses, ..Output::default() }]), SHAPE).drafts
    };
    let told = analyses(vec![(samples::analysis(2, 0), 1)]).remove(0);
    assert_eq!((&*told.topic, header(&told, "ce_type")), (ANALYSES, ANALYSES));
    let payload = &value(&told)["payload"];
    assert_eq!((&payload["risk_level"], &payload["risk_score"]), (&"HIGH".into(), &0.7.into()));
    assert_eq!((&payload["biomarker"], &payload["measured_value"]), (&"glucose".into(), &92.5.into()));
    assert_eq!(payload["judgements"][0]["limits"], "< 54");
    assert_eq!(payload["judgements"][1]["silence"], "age_unknown");
    let unasked = analyses(vec![(samples::analysis(1, 0), 1)]).remove(0);
    let payload = &value(&unasked)["payload"];
    assert_eq!((&payload["risk_level"], &payload["unasked"]), (&Value::Null, &"not_understood".into()));
    let revised = analyses(vec![(samples::analysis(2, 0), -1), (samples::analysis(2, 1), 1)]);
    let kinds: Vec<_> = revised.iter().map(|draft| header(draft, "ce_type")).collect();
    assert_eq!(kinds, ["manpasik.ai.analysis_completed.withdrawn", ANALYSES]);
    assert_eq!(value(&revised[0])["payload"]["withdraws"], header(&told, "ce_id"));
    // What stood before stands again under its id: a reader that forgot it hears it.
    let back = analyses(vec![(samples::analysis(2, 1), -1), (samples::analysis(2, 0), 1)]);
    assert_eq!(header(&back[1], "ce_id"), header(&told, "ce_id"));
}

#[test]
fn a_coaching_says_it_in_both_languages_and_a_revision_takes_back_the_one_before() {
    let coachings = |coachings: Vec<(model::Coaching, i64)>| {
        letters(&Output::merge([Output { coachings, ..Output::default() }]), SHAPE).drafts
    };
    let told = coachings(vec![(samples::coaching(2, 0), 1)]).remove(0);
    assert_eq!((&*told.topic, header(&told, "ce_type")), (COACHINGS, COACHINGS));
    let payload = &value(&told)["payload"];
    assert_eq!((&payload["risk_level"], &payload["biomarker"]), (&"HIGH".into(), &"glucose".into()));
    assert_eq!(payload["text"]["en"], "Glucose is low. Worse than before. Not a diagnosis.");
    assert_eq!(payload["text"]["ko"], "혈당이 낮습니다. 더 나빠졌습니다. 진단이 아닙니다.");
    let message = &payload["messages"][0];
    assert_eq!((&message["rule"], &message["trend"]), (&"glucose".into(), &"worse".into()));
    let revised = coachings(vec![(samples::coaching(2, 0), -1), (samples::coaching(2, 1), 1)]);
    let kinds: Vec<_> = revised.iter().map(|draft| header(draft, "ce_type")).collect();
    assert_eq!(kinds, ["manpasik.coaching.generated.withdrawn", COACHINGS]);
    assert_eq!(value(&revised[0])["payload"]["withdraws"], header(&told, "ce_id"));
}

#[test]
fn a_dead_letter_is_the_record_with_connects_headers() {
    let fault = samples::fault(9);
    let draft = dead_letter(fault.clone(), SHAPE);
    assert_eq!((draft.key.as_ref(), &draft.value), (fault.raw.key.as_ref(), &fault.raw.value));
    assert_eq!((&*draft.topic, draft.timestamp_ms), (DEAD_LETTERS, fault.raw.recorded_at / 1_000));
    let kept: Vec<_> =
        draft.headers[..2].iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    assert_eq!(kept, fault.raw.headers);
    let added: Vec<(&str, &str)> = draft.headers[2..]
        .iter()
        .map(|(name, value)| (&**name, std::str::from_utf8(value).unwrap()))
        .collect();
    assert_eq!(
        added,
        [
            ("__connect.errors.topic", "manpasik.measurement.packet"),
            ("__connect.errors.partition", "4"),
            ("__connect.errors.offset", "9"),
            ("__connect.errors.connector.name", "manpasik"),
            ("__connect.errors.task.id", "0"),
            ("__connect.errors.stage", "VALUE_CONVERTER"),
            ("__connect.errors.class.name", "manpasik.sources.decode"),
            ("__connect.errors.exception.class.name", "BAD_CHECKSUM"),
            ("__connect.errors.exception.message", "checksum does not match: send the packet again"),
        ]
    );
}

#[test]
fn a_dead_letter_too_large_for_the_log_goes_without_its_value() {
    let mut fault = samples::fault(1);
    fault.raw.value = vec![7; 5_000];
    let draft = dead_letter(fault.clone(), SHAPE);
    assert!(draft.value.is_empty());
    assert_eq!(header(&draft, "manpasik.value.omitted_bytes"), "5000");
    let draft = dead_letter(fault.clone(), Shape { dead_letter_bytes: 8_000, ..SHAPE });
    assert_eq!(draft.value, fault.raw.value);
}

#[test]
fn a_revised_measurement_replaces_the_one_before_and_a_lost_one_is_withdrawn() {
    let kinds = |drafts: &[Draft]| -> Vec<(String, String)> {
        let read = |draft: &Draft| serde_json::from_slice::<serde_json::Value>(&draft.value).unwrap();
        let kind = |value: serde_json::Value| {
            let withdraws = value["payload"]["withdraws"].as_str().unwrap_or_default().to_owned();
            (value["event_type"].as_str().unwrap().to_owned(), withdraws)
        };
        drafts.iter().map(read).map(kind).collect()
    };
    let first = measurements(vec![(samples::measurement(1, 0), 1)]);
    assert_eq!(kinds(&first), [("manpasik.measurement.completed".to_owned(), String::new())]);
    let value: serde_json::Value = serde_json::from_slice(&first[0].value).unwrap();
    // The keys that consumers of the platform read (events-background.md).
    let platform = |payload: &serde_json::Value| {
        let keys = [
            "session_id",
            "device_id",
            "cartridge_type",
            "cartridge_category",
            "primary_value",
            "unit",
            "confidence",
            "fingerprint_dimension",
            "fingerprint_vector_hash",
            "measurement_count",
            "duration_ms",
            "environment",
        ];
        serde_json::Value::from_iter(keys.map(|key| (key, payload[key].clone())))
    };
    let of_a_known_cartridge = samples::measurement(2, 0);
    let known = measurements(vec![(of_a_known_cartridge.clone(), 1)]);
    let known: serde_json::Value = serde_json::from_slice(&known[0].value).unwrap();
    let (_, hash) = of_a_known_cartridge.fingerprint.unwrap();
    assert_eq!(
        platform(&known["payload"]),
        serde_json::json!({
            "session_id": of_a_known_cartridge.session.to_string(), "device_id": "reader-1",
            "cartridge_type": "0x01", "cartridge_category": 1, "primary_value": 92.5, "unit": "mg/dL",
            "confidence": 0.9, "fingerprint_dimension": 896, "fingerprint_vector_hash": hash,
            "measurement_count": 750, "duration_ms": 15_000,
            "environment": {"temp_c": 24.5, "humidity_pct": 40.0, "pressure_kpa": null},
        })
    );
    let unknown = platform(&value["payload"]);
    assert_eq!(
        (&unknown["cartridge_type"], &unknown["fingerprint_vector_hash"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!(value["payload"]["warnings"].as_array().unwrap().len(), 2);
    let revised = measurements(vec![(samples::measurement(1, 0), -1), (samples::measurement(1, 1), 1)]);
    assert_eq!(kinds(&revised), [("manpasik.measurement.completed".to_owned(), String::new())]);
    assert_ne!(first[0].headers, revised[0].headers, "a revision is an event of its own");
    let gone = measurements(vec![(samples::measurement(1, 0), -1)]);
    let id = value["event_id"].as_str().unwrap().to_owned();
    assert_eq!(kinds(&gone), [("manpasik.measurement.completed.withdrawn".to_owned(), id)]);
}

fn sessions(output: Output) -> Vec<Draft> {
    letters(&Output::merge([output]), SHAPE).drafts
}

#[test]
fn a_session_is_told_to_begin_and_to_end_and_an_end_is_taken_back_when_it_goes_on() {
    let payload = |draft: &Draft| value(draft)["payload"].clone();
    let began = sessions(Output { beginnings: vec![(samples::beginning(2, 0), 1)], ..Output::default() });
    let [told] = &began[..] else { panic!("{} records", began.len()) };
    assert_eq!((&*told.topic, header(told, "ce_type")), (SESSIONS_STARTED, SESSIONS_STARTED));
    assert_eq!(told.partition, partition_of(samples::user(2).to_string().as_bytes(), 5));
    assert_eq!(header(told, "ce_time"), "2023-11-14T22:13:20.000000Z");
    let said = payload(told);
    assert_eq!((&said["device_id"], &said["signal"]), (&"reader-1".into(), &"channels".into()));
    assert_eq!((&said["first_sequence_no"], &said["measuring_s"]), (&7.into(), &Value::Null));
    let changes = vec![(samples::beginning(2, 0), -1), (samples::beginning(2, 1), 1)];
    let revised = sessions(Output { beginnings: changes, ..Output::default() });
    assert_eq!((revised.len(), &payload(&revised[0])["revision"]), (1, &1.into()));
    assert_eq!(payload(&revised[0])["cartridge_type"], "0x01");
    assert_eq!(header(&revised[0], "ce_subject"), header(told, "ce_subject"));
    assert_ne!(header(&revised[0], "ce_id"), header(told, "ce_id"));

    let ended = sessions(Output { ends: vec![(samples::end(2, 0), 1)], ..Output::default() });
    let [end] = &ended[..] else { panic!("{} records", ended.len()) };
    assert_eq!((&*end.topic, header(end, "ce_type")), (SESSIONS_ENDED, SESSIONS_ENDED));
    let said = payload(end);
    assert_eq!((&said["status"], &said["packets"]), (&"timeout".into(), &3_600.into()));
    assert_eq!((&said["duration_ms"], &said["revision"]), (&3_600_000.into(), &0.into()));
    let changes = vec![(samples::end(2, 0), -1), (samples::end(2, 1), 1)];
    let revised = sessions(Output { ends: changes, ..Output::default() });
    assert_eq!((revised.len(), &payload(&revised[0])["status"]), (1, &"completed".into()));
    let resumed = sessions(Output { ends: vec![(samples::end(2, 0), -1)], ..Output::default() });
    assert_eq!(header(&resumed[0], "ce_type"), "manpasik.measurement.session.resumed");
    assert_eq!(
        (&*resumed[0].topic, &payload(&resumed[0])["withdraws"]),
        (SESSIONS_ENDED, &header(end, "ce_id").into())
    );
}
