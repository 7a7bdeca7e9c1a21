//! Runs the program on a few recordings, kills it, and reads back everything it left.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Recordings of the test: one with an alert, one with ectopic beats, one clean.
const RECORDINGS: [&str; 3] = ["bidmc_13", "bidmc_33", "bidmc_07"];
/// Questions whose answers must not change: every table, every column but the offsets, in full.
const TABLES: [(&str, &str); 5] = [
    ("windows", "session_id, window_start"),
    ("vitals", "user_id, observed_at"),
    ("sessions", "session_id"),
    ("alerts", "alert_id"),
    ("dead_letters", "topic, partition, record_offset"),
];
/// Names of columns and JSON fields that tell where a record stood on the log.
#[cfg(feature = "real-kafka")]
const OFFSETS: [&str; 6] =
    ["partition", "first_offset", "last_offset", "event_offset", "offsets", "record_offset"];

pub(crate) enum Log {
    Embedded,
    #[cfg(feature = "real-kafka")]
    Kafka(String),
}

/// A data directory and the recordings to replay into it.
pub(crate) struct Run {
    dir: TempDir,
    log: Log,
}

/// Everything a run left.
#[derive(PartialEq)]
pub(crate) struct Outcome {
    report: Value,
    /// Rows of each table, as JSON lines.
    tables: BTreeMap<String, Vec<Value>>,
    /// Results of each topic by key, in their order: headers and value.
    topics: BTreeMap<String, Vec<Value>>,
}

impl Run {
    pub(crate) fn new(log: Log) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let recordings = dir.path().join("recordings");
        fs::create_dir(&recordings).unwrap();
        let shipped = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/recordings"));
        for entry in fs::read_dir(shipped).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if RECORDINGS.iter().any(|recording| name.starts_with(recording)) {
                fs::copy(entry.path(), recordings.join(&name)).unwrap();
            }
        }
        Self { dir, log }
    }

    /// Starts the demo, which must end at the step.
    #[cfg(feature = "planted")]
    pub(crate) fn stop_at(&self, step: model::planted::Step, passes: u32) {
        use std::os::unix::process::ExitStatusExt;
        const SIGABRT: i32 = 6;
        // Slow enough for the recordings to last, with a snapshot under way most of the time.
        let mut command = self.demo_command("12");
        command.args(["--set", "snapshot.interval_ms=100", "--set", "commit.lake.flush_interval_ms=60"]);
        command.env("PLANTED_STOP", format!("{step:?}:{passes}"));
        let output = command.output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(SIGABRT), "{step:?} was not passed {passes} times: {said}");
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_manpasik"));
        command.arg("--data-dir").arg(self.data()).args(["--listen", "127.0.0.1:0"]);
        // Small files and short waits, so that every step of a commit is hit.
        command.args(["--set", "commit.lake.flush_interval_ms=300", "--set", "epoch.tick_ms=30"]);
        #[cfg(feature = "real-kafka")]
        if let Log::Kafka(brokers) = &self.log {
            command.args(["--brokers", brokers]);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn demo(&self, speed: &str) -> Child {
        self.demo_command(speed).spawn().unwrap()
    }

    fn demo_command(&self, speed: &str) -> Command {
        let recordings = self.dir.path().join("recordings");
        let mut command = self.program();
        command.args(["demo", "--spoil", "--exit", "--report", "json", "--speed", speed, "--recordings"]);
        command.arg(recordings).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts and kills the demo `times` times; gives how many of them were still at work.
    pub(crate) fn kill(&self, times: u32, seed: u64) -> u32 {
        let mut random = seed;
        let mut hit = 0;
        for _ in 0..times {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut child = self.demo(super::SPEED);
            std::thread::sleep(Duration::from_millis(150 + (random >> 33) % self.longest()));
            hit += u32::from(child.try_wait().unwrap().is_none());
            // SIGKILL: nothing is flushed, nobody says goodbye.
            child.kill().unwrap();
            child.wait().unwrap();
        }
        hit
    }

    /// Milliseconds that a start may live beyond the shortest.
    fn longest(&self) -> u64 {
        match self.log {
            Log::Embedded => 800,
            #[cfg(feature = "real-kafka")]
            Log::Kafka(_) => 2_500,
        }
    }

    /// Lets the demo end by itself and reads back what it left.
    pub(crate) fn finish(&self) -> Outcome {
        let output = self.demo("max").wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "the demo failed: {said}{complaint}");
        let report = serde_json::from_str(&said).unwrap();
        let tables = TABLES.map(|(table, order)| (table.to_owned(), self.table(table, order))).into();
        Outcome { report, tables, topics: self.topics() }
    }

    /// Runs another command to its end: whether it ended well, and all it said.
    pub(crate) fn say(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.program().args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (output.status.success(), said.concat())
    }

    /// Writes a record that no epoch published to partition 0 of `topic`.
    pub(crate) fn intrude(&self, topic: &str) {
        let mut writer = self.open().writer("somebody else").unwrap();
        writer.begin().unwrap();
        let (key, value) = (Some(b"nobody".to_vec()), b"noise".to_vec());
        let (topic, headers) = (topic.into(), Vec::new());
        writer.send(eventlog::Draft { topic, partition: 0, timestamp_ms: 1, key, value, headers }).unwrap();
        writer.commit("", &[]).unwrap();
    }

    fn table(&self, table: &str, order: &str) -> Vec<Value> {
        let question = format!("SELECT * FROM {table} ORDER BY {order}");
        let output = self.program().args(["sql", "--format", "json", &question]).output().unwrap();
        assert!(output.status.success(), "{question}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn open(&self) -> eventlog::Shared {
        match &self.log {
            Log::Embedded => {
                let options = eventlog::embedded::Options {
                    dir: self.data().join("log"),
                    segment_bytes: 1 << 28,
                    max_record_bytes: 1 << 23,
                };
                std::sync::Arc::new(eventlog::embedded::Embedded::open(&options).unwrap())
            }
            #[cfg(feature = "real-kafka")]
            Log::Kafka(brokers) => {
                let brokers = brokers.clone();
                let options =
                    eventlog::kafka::Options { brokers, group_id: None, properties: BTreeMap::new() };
                std::sync::Arc::new(eventlog::kafka::Kafka::open(&options).unwrap())
            }
        }
    }

    fn topics(&self) -> BTreeMap<String, Vec<Value>> {
        let log = self.open();
        let mut topics = BTreeMap::new();
        for topic in sinks::topics::RESULTS {
            read(&log, topic, &mut topics);
        }
        topics
    }
}

/// Reads a topic to its end; the order of one key is kept, that of different keys means nothing.
fn read(log: &eventlog::Shared, topic: &str, into: &mut BTreeMap<String, Vec<Value>>) {
    for partition in 0..log.partitions(topic).unwrap() {
        let place = eventlog::TopicPartition::new(topic, partition);
        let range = log.range(&place).unwrap();
        let mut reader = log.reader().unwrap();
        reader.assign(&[(place, range.start)]).unwrap();
        let mut records = Vec::new();
        while reader.positions()[0].1 < range.end {
            let budget = eventlog::Budget { records: 10_000, bytes: 1 << 24 };
            reader.poll(budget, Duration::from_millis(200), &mut records).unwrap();
        }
        for record in records {
            let key = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
            let headers: Vec<_> = record
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value)))
                .collect();
            let value =
                serde_json::from_slice(&record.value).unwrap_or_else(|_| serde_json::json!(record.value));
            let result = serde_json::json!({ "headers": headers, "value": value, "at": record.timestamp_ms });
            into.entry(format!("{topic} {key}")).or_default().push(result);
        }
    }
}

impl Outcome {
    /// Nothing lost, nothing twice, and there is something to compare.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(
            (&self.report["lost"], &self.report["duplicate"]),
            (&0.into(), &0.into()),
            "{}",
            self.report
        );
        assert!(self.tables["windows"].len() > 200 && !self.tables["alerts"].is_empty(), "{}", self.report);
        assert!(!self.tables["dead_letters"].is_empty(), "{}", self.report);
    }

    pub(crate) fn assert_equals(&self, other: &Self) {
        for (table, rows) in &self.tables {
            compare(table, rows, &other.tables[table]);
        }
        let names = |outcome: &Self| outcome.topics.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(other));
        for (topic, results) in &self.topics {
            compare(topic, results, &other.topics[topic]);
        }
        for count in ["packets_in", "windows", "alerts", "dead_letters", "results", "hr_mae_bpm"] {
            assert_eq!(self.report[count], other.report[count], "{count}");
        }
    }

    /// Leaves the results of a topic and key out; whether there were any.
    pub(crate) fn forget(&mut self, topic_and_key: &str) -> bool {
        let Some(results) = self.topics.remove(topic_and_key) else { return false };
        self.report["results"] = (self.report["results"].as_u64().unwrap() - results.len() as u64).into();
        true
    }

    /// The same without the places of records on the log, for comparing two logs.
    #[cfg(feature = "real-kafka")]
    pub(crate) fn without_offsets(mut self) -> Self {
        for rows in self.tables.values_mut().chain(self.topics.values_mut()) {
            rows.iter_mut().for_each(strip);
            rows.sort_by_key(Value::to_string);
        }
        self
    }
}

fn compare(what: &str, ours: &[Value], theirs: &[Value]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!(ours == theirs, "{what}, row {place}:\n{ours}\n{theirs}");
    }
}

/// Removes places on the log from a value, at any depth, and from the headers of dead letters.
#[cfg(feature = "real-kafka")]
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OFFSETS.contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => {
            items.retain(|item| item[0].as_str() != Some("__connect.errors.offset"));
            items.iter_mut().for_each(strip);
        }
        _ => {}
    }
}
