//! The conformance suite on real Kafka brokers, and what only brokers can do wrong.
//!
//! `deploy/kafka/suite.sh` starts the brokers and names them: `MANPASIK_KAFKA_BROKERS` (open to all) and
//! `MANPASIK_KAFKA_AUTH_BROKERS` (SASL PLAIN with the users of `kafka.sh --auth`).

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "suite/drafts.rs"]
mod drafts;
#[path = "suite/reading.rs"]
mod reading;
#[path = "suite/stage.rs"]
mod stage;
#[path = "suite/writing.rs"]
mod writing;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use drafts::{EVERYTHING, at, draft};
use eventlog::{
    Error, Log, Outcome, Shared, TopicSpec,
    kafka::{Kafka, Options},
};
use stage::{Stage, eventually, texts};

fn brokers(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no broker: run deploy/kafka/suite.sh"))
}

fn options(brokers: &str, properties: &[(&str, &str)]) -> Options {
    let properties: BTreeMap<_, _> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Options { brokers: brokers.to_owned(), group_id: None, properties }
}

/// Topics outlive a run of the suite; the time keeps runs apart.
fn unique(case: &str) -> String {
    format!("{case}-{}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos())
}

fn kafka(case: &str) -> Stage {
    let brokers = brokers("MANPASIK_KAFKA_BROKERS");
    Stage::new(unique(case), move || -> Shared { Arc::new(Kafka::open(&options(&brokers, &[])).unwrap()) })
}

reading::run_reading!(kafka);
reading::run_waiting!(kafka);
writing::run_writing!(kafka);

fn user(name: &str, password: &str) -> Result<Kafka, Error> {
    let properties = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", name),
        ("sasl.password", password),
    ];
    Kafka::open(&options(&brokers("MANPASIK_KAFKA_AUTH_BROKERS"), &properties))
}

fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Unauthorised { .. }) && !error.to_string().contains("secret")
}

#[test]
fn a_broker_that_is_down_is_named_in_time() {
    let start = Instant::now();
    // Port 1 (tcpmux) is closed on any machine this runs on.
    let error = Kafka::open(&options("127.0.0.1:1", &[])).unwrap_err();
    assert!(matches!(&error, Error::Unreachable { brokers, .. } if brokers == "127.0.0.1:1"), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
}

#[test]
fn a_wrong_password_is_refused() {
    let error = user("observer", "wrong").unwrap_err();
    assert!(is_refused(&error), "{error:?}");
}

#[test]
fn a_user_without_rights_is_refused_everything() {
    let topic: Arc<str> = unique("auth").into();
    let spec = TopicSpec { name: Arc::clone(&topic), partitions: 1 };
    user("admin", "admin-secret").unwrap().ensure_topics(std::slice::from_ref(&spec)).unwrap();
    let guest = user("guest", "guest-secret").unwrap();
    let place = at(&topic, 0);
    let refused = [
        guest.ensure_topics(&[spec]).unwrap_err(),
        guest.partitions(&topic).unwrap_err(),
        guest.range(&place).unwrap_err(),
        guest.committed("group", std::slice::from_ref(&place)).unwrap_err(),
        guest.reader().unwrap().assign(&[(place, 0)]).unwrap_err(),
        guest.writer("id").map(drop).unwrap_err(),
    ];
    for error in refused {
        assert!(is_refused(&error), "{error:?}");
    }
}

#[test]
fn a_user_who_may_only_read_is_refused_writing() {
    let name = unique("observed");
    let open = || -> Shared { Arc::new(user("admin", "admin-secret").unwrap()) };
    let stage = Stage::new(name, open);
    let topic = stage.topic("t", 1);
    stage.commit([draft(&topic, 0, "a")]);
    stage.read(&[at(&topic, 0)], 1);

    let observer = user("observer", "observer-secret").unwrap();
    let mut reader = observer.reader().unwrap();
    reader.assign(&[(at(&topic, 0), 0)]).unwrap();
    let mut records = Vec::new();
    eventually("the record", || {
        reader.poll(EVERYTHING, Duration::from_millis(50), &mut records).unwrap();
        records.len() == 1
    });
    for _ in 0..2 {
        let mut writer = observer.writer(&stage.name("observer")).unwrap();
        writer.begin().unwrap();
        let outcome = writer.send(draft(&topic, 0, "b")).and_then(|()| writer.commit("", &[]));
        assert!(is_refused(outcome.as_ref().unwrap_err()), "{outcome:?}");
        writer.abort().unwrap();
    }
    let error =
        observer.ensure_topics(&[TopicSpec { name: stage.name("new").into(), partitions: 1 }]).unwrap_err();
    assert!(is_refused(&error), "{error:?}");
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 1)), ["a"]);
}

#[test]
fn a_record_the_broker_finds_too_large_is_named() {
    let stage = kafka("broker-limit");
    let topic = stage.topic("t", 1);
    // The client lets it pass, the broker's own limit of 1 MiB does not.
    let raised = options(
        &brokers("MANPASIK_KAFKA_BROKERS"),
        &[("message.max.bytes", "4000000"), ("compression.type", "none")],
    );
    let log = Kafka::open(&raised).unwrap();
    let mut writer = log.writer(&stage.name("w")).unwrap();
    writer.begin().unwrap();
    let outcome =
        writer.send(draft(&topic, 0, vec![7; 2_000_000])).and_then(|()| writer.commit("", &[])).unwrap_err();
    assert!(matches!(outcome, Error::TooLarge { bytes: 2_000_003, .. }), "{outcome:?}");
    writer.abort().unwrap();
    // The client had sent it: only a new producer is in step with the broker again.
    assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
    let mut writer = log.writer(&stage.name("w")).unwrap();
    writer.begin().unwrap();
    writer.send(draft(&topic, 0, "fits")).unwrap();
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 1)), ["fits"]);
}
