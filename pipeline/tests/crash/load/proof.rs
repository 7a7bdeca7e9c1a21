//! Reads back everything a run left on the topics, as a consumer of committed records, and brings topics, lake and views to
//! the same form.
//!
//! # Invariants
//! - A topic is folded as its documentation says: a newer revision replaces, a withdrawal takes back.
//! - Rows are compared whole: every column of the table, as JSON, in one order.

use eventlog::{Budget, Record, Shared, TopicPartition};
use serde_json::{Map, Value, json};
use sinks::topics::{ALERTS, DEAD_LETTERS, WINDOWS};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_mins(1);

/// Rows of a table, each as text, sorted.
pub(crate) type Rows = Vec<String>;

/// What the topics say.
pub(crate) struct Topics {
    /// Records whose id stands on its topic already.
    pub(crate) repeated: u64,
    /// By table.
    pub(crate) tables: BTreeMap<&'static str, Vec<Value>>,
    /// Changes of alerts that stand: the person, what changed, how often.
    pub(crate) changes: BTreeMap<(String, String), u32>,
    /// How often each dead letter stands: topic, partition and value of its record.
    pub(crate) letters: BTreeMap<(String, u32, Vec<u8>), u32>,
    /// Where the letters say their records stand, and the records.
    origins: Vec<(TopicPartition, u64, Vec<u8>)>,
}

impl Topics {
    pub(crate) fn read(log: &Shared) -> Self {
        let (windows, alerts, letters) = (all(log, WINDOWS), all(log, ALERTS), all(log, DEAD_LETTERS));
        let repeated = repeated(&windows, "ce_id") + repeated(&alerts, "ce_id") + repeated(&letters, ORIGIN);
        let (changes, alerts) = fold_alerts(alerts);
        let tables = [
            ("windows", fold_windows(windows)),
            ("alerts", alerts),
            ("dead_letters", letters.iter().map(letter).collect()),
        ];
        let (mut counted, mut origins) = (BTreeMap::new(), Vec::new());
        for record in letters {
            let (topic, partition) = (text(&record, "topic"), text(&record, "partition").parse().unwrap());
            let place = TopicPartition::new(topic.as_str(), partition);
            origins.push((place, text(&record, "offset").parse().unwrap(), record.value.clone()));
            *counted.entry((topic, partition, record.value)).or_insert(0) += 1;
        }
        Self { repeated, tables: tables.into(), changes, letters: counted, origins }
    }

    /// Reads the records that every tenth letter names: they are the ones in the letters.
    pub(crate) fn check_origins(&self, log: &Shared) {
        let mut reader = log.reader().unwrap();
        for (place, offset, value) in self.origins.iter().step_by(10) {
            reader.assign(&[(place.clone(), *offset)]).unwrap();
            let (begun, mut records) = (Instant::now(), Vec::new());
            while records.is_empty() {
                let one = Budget { records: 1, bytes: 1 << 20 };
                reader.poll(one, Duration::from_millis(200), &mut records).unwrap();
                assert!(begun.elapsed() < PATIENCE, "{place} delivers nothing at {offset}");
            }
            assert!(
                records[0].offset == *offset && records[0].value == *value,
                "letter of {place} at {offset}"
            );
        }
    }
}

/// What tells one dead letter from another, among Kafka Connect's headers.
const ORIGIN: &str = "__connect.errors.";

/// Every committed record of `topic`, partition by partition.
fn all(log: &Shared, topic: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for partition in 0..log.partitions(topic).unwrap() {
        let place = TopicPartition::new(topic, partition);
        let range = log.range(&place).unwrap();
        let mut reader = log.reader().unwrap();
        reader.assign(&[(place, range.start)]).unwrap();
        let begun = Instant::now();
        while reader.positions()[0].1 < range.end {
            let budget = Budget { records: 100_000, bytes: 1 << 26 };
            reader.poll(budget, Duration::from_millis(200), &mut records).unwrap();
            assert!(begun.elapsed() < PATIENCE, "{topic}/{partition} is not delivered to its end");
        }
    }
    records
}

/// Records that say in their headers what another said.
fn repeated(records: &[Record], name: &str) -> u64 {
    let mut seen = BTreeSet::new();
    let identity = |record: &Record| -> Vec<Vec<u8>> {
        let named = record.headers.iter().filter(|(header, _)| header.starts_with(name));
        named.map(|(_, value)| value.clone()).collect()
    };
    records.iter().filter(|record| !seen.insert(identity(record))).count() as u64
}

/// The header of a dead letter about its `what`.
fn text(record: &Record, what: &str) -> String {
    let name = format!("{ORIGIN}{what}");
    let header = record.headers.iter().find(|(header, _)| **header == *name);
    String::from_utf8(header.expect("the letter says where it came from").1.clone()).unwrap()
}

/// The event of a record: its id, the person, and what it says.
fn event(record: &Record) -> (String, String, Map<String, Value>) {
    let mut event: Value = serde_json::from_slice(&record.value).unwrap();
    let said = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    let (id, user) = (said(&event, "event_id"), said(&event, "user_id"));
    let Value::Object(payload) = event["payload"].take() else { panic!("an event without payload") };
    (id, user, payload)
}

fn fold_windows(records: Vec<Record>) -> Vec<Value> {
    let mut standing = BTreeMap::new();
    for record in records {
        let (_, user, mut payload) = event(&record);
        let key = (payload["session_id"].to_string(), payload["window_start"].to_string());
        if payload.contains_key("withdraws") {
            standing.remove(&key);
            continue;
        }
        let Some(Value::Array(mut spans)) = payload.remove("offsets") else {
            panic!("a window without offsets")
        };
        let Value::Object(mut span) = spans.remove(0) else { panic!("a span is an object") };
        span.remove("topic");
        payload.append(&mut span);
        payload.insert("user_id".into(), user.into());
        standing.insert(key, Value::Object(payload));
    }
    standing.into_values().collect()
}

/// Columns of `alerts` that not every alert has.
const SOMETIMES: [&str; 13] = [
    "session_id",
    "rule_set",
    "class",
    "value",
    "unit",
    "at_least",
    "limit_low",
    "limit_high",
    "limits",
    "source",
    "confidence",
    "needs_retest",
    "changed_by_version",
];

/// The changes that stand, counted, and the alerts they add up to.
fn fold_alerts(records: Vec<Record>) -> (BTreeMap<(String, String), u32>, Vec<Value>) {
    let mut standing: BTreeMap<String, (String, Map<String, Value>)> = BTreeMap::new();
    for record in records {
        let (id, user, payload) = event(&record);
        match payload.get("withdraws") {
            Some(withdrawn) => drop(standing.remove(withdrawn.as_str().unwrap())),
            None => drop(standing.insert(id, (user, payload))),
        }
    }
    let mut in_order: Vec<_> = standing.into_values().collect();
    in_order.sort_by_key(|(_, payload)| payload["changed_at"].to_string());
    let (mut changes, mut alerts) = (BTreeMap::new(), BTreeMap::<String, Map<String, Value>>::new());
    for (user, mut row) in in_order {
        let (kind, alert) = (row.remove("kind").unwrap(), row["alert_id"].to_string());
        let kind = kind.as_str().unwrap();
        *changes.entry((user.clone(), kind.to_owned())).or_insert(0) += 1;
        let (state, at) = (if kind == "cleared" { "cleared" } else { "open" }, row["changed_at"].clone());
        let raised = alerts.get(&alert).map_or_else(|| at.clone(), |before| before["raised_at"].clone());
        row.extend([
            ("user_id".to_owned(), json!(user)),
            ("state".to_owned(), json!(state)),
            ("raised_at".to_owned(), raised),
            ("cleared_at".to_owned(), if kind == "cleared" { at } else { Value::Null }),
        ]);
        // What an event has nothing to say about it leaves out.
        for column in SOMETIMES {
            row.entry(column).or_insert(Value::Null);
        }
        alerts.insert(alert, row);
    }
    (changes, alerts.into_values().map(Value::Object).collect())
}

fn letter(record: &Record) -> Value {
    let number = |what: &str| text(record, what).parse::<i64>().unwrap();
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap());
    let hex = |bytes: &[u8]| bytes.iter().flat_map(digits).collect::<String>();
    json!({
        "topic": text(record, "topic"),
        "partition": number("partition"),
        "record_offset": number("offset"),
        "recorded_at": record.timestamp_ms,
        "reason": text(record, "exception.class.name"),
        "detail": text(record, "exception.message"),
        "key": record.key.as_deref().map(hex),
        "value": hex(&record.value),
    })
}

/// Rows in the one form in which topics, lake and views are compared.
pub(crate) fn canonical(rows: &[Value]) -> Rows {
    let mut rows: Rows = rows.iter().map(|row| plain(row.clone()).to_string()).collect();
    rows.sort_unstable();
    rows
}

/// Times with as many digits as they need, and without a zone.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() >= 19 && text.as_bytes()[10] == b'T' => {
            let text = text.trim_end_matches('Z');
            let text =
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
            Value::String(text.to_owned())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, plain(value))).collect())
        }
        other => other,
    }
}

/// Panics at the first row that differs.
pub(crate) fn same(table: &str, ours: (&str, &Rows), theirs: (&str, &Rows)) {
    let digest = |rows: &Rows| blake3::hash(rows.join("\n").as_bytes());
    if digest(ours.1) == digest(theirs.1) {
        return;
    }
    let (name, other) = (ours.0, theirs.0);
    assert_eq!(ours.1.len(), theirs.1.len(), "rows of {table}: {name} and {other}");
    let differing = ours.1.iter().zip(theirs.1).find(|(ours, theirs)| ours != theirs);
    let (ours, theirs) = differing.expect("the digests differ, so a row does");
    panic!("{table}: {name} and {other} differ\n{ours}\n{theirs}");
}
