//! A cartridge measures a glucose: its health record and its FHIR Observation, and how both follow a profile and a packet
//! that come late, through the whole program.

use crate::{
    heard::{open, person, session, user},
    program::{Place, Running},
};
use eventlog::{Draft, Log, TopicSpec, partition_of, write_all};
use model::{Input, SessionId};
use prost::Message;
use serde_json::{Value, json};
use sources::packet::{Frame, MeasurementPacket, Version, WireSignal};

/// Publishes while no program runs, and starts one.
fn after(place: &Place, drafts: Vec<Draft>) -> Running {
    let log = open(place);
    let topics = Input::ALL.map(|input| TopicSpec { name: input.topic().into(), partitions: 6 });
    log.ensure_topics(&topics).unwrap();
    write_all(&mut *log.writer("test").unwrap(), "", drafts).unwrap();
    drop(log);
    place.start(&["run"])
}

/// The only row that answers `question`.
fn row(place: &Place, running: &Running, question: &str) -> Option<Value> {
    let told = place.say(&["--listen", &running.door, "sql", "--format", "json", question]).fine();
    let rows: Vec<_> = told.lines().filter(|line| !line.is_empty()).collect();
    assert!(rows.len() <= 1, "{told}");
    rows.first().map(|row| serde_json::from_str(row).unwrap())
}

/// The answer over HTTP, which must be `code`.
fn get(running: &Running, path: &str, code: u16) -> Value {
    let (found, body) = running.get(path).unwrap();
    assert_eq!(found, code, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The record once it has this revision and this level, and its Observation, which SQL and HTTP tell alike.
fn told(place: &Place, running: &Running, revision: u32, level: &Value) -> (Value, Value) {
    let question =
        "SELECT record_id, status, revision, risk_level, value, biomarker, needs_retest FROM health_records";
    let record = running.until("the record", || {
        let record = row(place, running, question)?;
        (record["revision"] == json!(revision) && record["risk_level"] == *level).then_some(record)
    });
    let person = user("person");
    let question =
        format!("SELECT resource_id, status, version_id, code, resource FROM fhir_observations('{person}')");
    let observed = row(place, running, &question).unwrap();
    assert_eq!((&observed["resource_id"], &observed["code"]), (&record["record_id"], &json!("2339-0")));
    assert_eq!((&observed["status"], &observed["version_id"]), (&record["status"], &json!(revision + 1)));
    let observation: Value = serde_json::from_str(observed["resource"].as_str().unwrap()).unwrap();

    let bundle = get(running, &format!("/fhir/Observation?patient={person}"), 200);
    let [entry] = &bundle["entry"].as_array().unwrap()[..] else { panic!("{bundle}") };
    assert_eq!((&bundle["type"], &entry["resource"]), (&json!("searchset"), &observation));
    let id = record["record_id"].as_str().unwrap();
    let address = format!("/fhir/Observation/{id}");
    assert_eq!(entry["fullUrl"], json!(format!("http://{}{address}", running.door)));
    assert_eq!(get(running, &address, 200), observation);
    (record, observation)
}

/// What an Observation says of itself.
fn says(observation: &Value) -> [&Value; 3] {
    let interpretation = &observation["interpretation"][0]["coding"][0]["code"];
    [&observation["status"], &observation["meta"]["versionId"], interpretation]
}

#[test]
fn a_result_is_a_record_and_an_observation_that_follow_whatever_comes_late() {
    let place = Place::new();
    let mut packets = session("measured", START);
    let late = packets.remove(12);
    // Of somebody whose age nobody knows: no rule judges them.
    let running = after(&place, packets);
    let (record, observation) = told(&place, &running, 0, &Value::Null);
    assert_eq!((&record["biomarker"], &record["needs_retest"]), (&json!("glucose"), &json!(false)));
    assert!((record["value"].as_f64().unwrap() - 45.0).abs() < 0.5, "{record}");
    assert_eq!(says(&observation), [&json!("final"), &json!("1"), &Value::Null]);
    let quantity = &observation["valueQuantity"];
    assert_eq!((&quantity["value"], &quantity["code"]), (&record["value"], &json!("mg/dL")));
    assert_eq!(get(&running, "/fhir/Observation/nobody", 404)["resourceType"], "OperationOutcome");
    assert_eq!(running.signal("TERM").code, Some(0));

    // Their profile, of before they measured.
    let running = after(&place, person(START));
    let (_, judged) = told(&place, &running, 0, &json!("CRITICAL"));
    assert_eq!(says(&judged)[1..], [&json!("1"), &json!("LL")]);
    assert_eq!(judged["referenceRange"][0]["high"]["value"], 46.0);
    assert_eq!(running.signal("TERM").code, Some(0));

    // The packet that was missing.
    let running = after(&place, vec![late]);
    let (amended, observation) = told(&place, &running, 1, &json!("CRITICAL"));
    assert_eq!(amended["record_id"], record["record_id"]);
    assert_eq!(says(&observation), [&json!("amended"), &json!("2"), &json!("LL")]);
    assert_eq!(running.signal("TERM").code, Some(0));
}

/// 2026-01-01.
const START: i64 = 1_767_225_600_000_000;
/// Samples of a packet, which is of a second.
const RATE: u16 = 125;

/// Forty seconds of an optical pulse, whose samples are their own numbers and a quarter, without packet 7.
fn pulse() -> Vec<Draft> {
    let packet = |number: u32| {
        let stamp_us = START + i64::from(number) * 1_000_000;
        let first = number * u32::from(RATE);
        let frame = Frame {
            version: Version::Two,
            sequence: number,
            stamp_us,
            channels: 1,
            samples: RATE,
            det: (0..u32::from(RATE)).map(|sample| (first + sample) as f32 + 0.25).collect(),
            reference: Vec::new(),
            environment: model::packet::Environment { battery_percent: 90, ..Default::default() },
        };
        let packet = MeasurementPacket {
            session_id: SessionId::derive(&["pulse"]).to_string(),
            device_id: "ring-1".into(),
            user_id: user("person").to_string(),
            raw_packet: frame.encode(),
            sequence_no: number,
            timestamp_ms: (stamp_us / 1_000) as u64,
            signal: WireSignal::Pulse.into(),
            sample_period_us: 1_000_000 / u32::from(RATE),
            end_of_session: false,
            cartridge_tag: Vec::new(),
            calibration: None,
        };
        let (key, topic) = (packet.session_id.clone().into_bytes(), Input::Packets.topic().into());
        let (partition, value) = (partition_of(&key, 6), packet.encode_to_vec());
        Draft { topic, partition, timestamp_ms: stamp_us / 1_000, key: Some(key), value, headers: Vec::new() }
    };
    (0..40).filter(|number| *number != 7).map(packet).collect()
}

#[test]
fn a_signal_is_read_from_the_log_as_it_was_sent_with_its_gap() {
    let place = Place::new();
    let running = after(&place, pulse());
    let session = SessionId::derive(&["pulse"]);
    running.until("windows", || {
        let counted = row(&place, &running, "SELECT count(*) AS n FROM windows")?;
        (counted["n"].as_u64() > Some(0)).then_some(())
    });
    let path = |session: SessionId, from: &str, until: &str| {
        format!(
            "/fhir/Observation/{session}/$waveform?date=ge2026-01-01T00:00:{from}Z&date=lt2026-01-01T00:00:{until}Z"
        )
    };
    let wave = get(&running, &path(session, "06.5", "09.004"), 200);
    assert_eq!(wave["effectivePeriod"]["start"], "2026-01-01T00:00:06.504000Z");
    let sampled = &wave["valueSampledData"];
    assert_eq!(
        [&sampled["period"], &sampled["factor"], &sampled["origin"]["value"]],
        [&json!(8.0), &json!(1.0), &json!(0.0)]
    );
    let due = (813..=1_125).map(|number| match number {
        875..1_000 => "E".to_owned(),
        _ => format!("{number}.25"),
    });
    assert_eq!(sampled["data"].as_str().unwrap(), due.collect::<Vec<_>>().join(" "));

    let told =
        |path: &str, code: u16| get(&running, path, code)["issue"][0]["code"].as_str().unwrap().to_owned();
    assert_eq!(told(&path(session, "50", "59"), 404), "not-found");
    assert_eq!(told(&path(SessionId::derive(&["nobody"]), "00", "09"), 404), "not-found");
    assert_eq!(told(&format!("/fhir/Observation/{session}/$waveform"), 400), "invalid");
    assert_eq!(running.signal("TERM").code, Some(0));
}
