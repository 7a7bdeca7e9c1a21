//! What the cases stand on: a log that can be opened again, topics of their own, and short hands.

use std::{
    cell::RefCell,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use eventlog::{Draft, Outcome, Record, Shared, TopicPartition, TopicSpec, Writer};

use crate::drafts::EVERYTHING;

/// How long the suite waits for what a broker does behind the caller's back.
const PATIENCE: Duration = Duration::from_secs(30);

/// A log under test.
pub(crate) struct Stage {
    open: Box<dyn Fn() -> Shared>,
    log: RefCell<Option<Shared>>,
    name: String,
}

impl Stage {
    /// A stage whose topics, groups and writers begin with `name`, unique on this log.
    pub(crate) fn new(name: String, open: impl Fn() -> Shared + 'static) -> Self {
        let log = RefCell::new(Some(open()));
        Self { open: Box::new(open), log, name }
    }

    pub(crate) fn log(&self) -> Shared {
        Arc::clone(self.log.borrow().as_ref().unwrap())
    }

    /// Closes the log and opens it again; readers, writers and handles of it must be gone.
    pub(crate) fn reopen(&self) {
        drop(self.log.take());
        self.log.replace(Some((self.open)()));
    }

    /// The name of something of this case.
    pub(crate) fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.name)
    }

    /// Creates a topic of this case.
    pub(crate) fn topic(&self, suffix: &str, partitions: u32) -> Arc<str> {
        let name: Arc<str> = self.name(suffix).into();
        self.log().ensure_topics(&[TopicSpec { name: Arc::clone(&name), partitions }]).unwrap();
        name
    }

    pub(crate) fn writer(&self, suffix: &str) -> Box<dyn Writer> {
        self.log().writer(&self.name(suffix)).unwrap()
    }

    /// Commits `drafts` in one transaction.
    pub(crate) fn commit(&self, drafts: impl IntoIterator<Item = Draft>) {
        let mut writer = self.writer("setup");
        writer.begin().unwrap();
        for draft in drafts {
            writer.send(draft).unwrap();
        }
        assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    }

    /// Reads `at` from the start until `expected` records were seen and the end of what is visible is reached.
    pub(crate) fn read(&self, at: &[TopicPartition], expected: usize) -> Vec<Record> {
        let log = self.log();
        let mut reader = log.reader().unwrap();
        let from: Vec<_> = at.iter().map(|at| (at.clone(), log.range(at).unwrap().start)).collect();
        reader.assign(&from).unwrap();
        let mut records = Vec::new();
        eventually(&format!("{expected} records and the end of {at:?}"), || {
            reader.poll(EVERYTHING, Duration::from_millis(20), &mut records).unwrap();
            let end = reader.positions().iter().all(|(at, next)| log.range(at).unwrap().end == *next);
            end && records.len() >= expected
        });
        assert_eq!(records.len(), expected);
        records
    }
}

/// Repeats `attempt` until it holds.
pub(crate) fn eventually(what: &str, mut attempt: impl FnMut() -> bool) {
    let start = Instant::now();
    while !attempt() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The values of `records` as text.
pub(crate) fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.value.clone()).unwrap()).collect()
}
