//! Follows the topic of bindings as a consumer of committed records: what was committed, by which start, of how much input.

use eventlog::{Budget, Reader, Shared, TopicPartition};
use sinks::{Binding, topics::BINDINGS};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

const WAIT: Duration = Duration::from_millis(50);
/// Longer than the program takes to get over anything here.
const PATIENCE: Duration = Duration::from_mins(3);

/// Every binding so far.
pub(crate) struct Tail {
    log: Shared,
    /// Absent before the topic exists, and after a reader failed.
    reader: Option<Box<dyn Reader>>,
    next: u64,
    bindings: Vec<Binding>,
}

impl Tail {
    pub(crate) fn new(log: Shared) -> Self {
        Self { log, reader: None, next: 0, bindings: Vec::new() }
    }

    /// Reads what is there; a broker that is away has nothing.
    pub(crate) fn read(&mut self) {
        if self.reader.is_none() {
            self.reader = self.open();
        }
        let Some(reader) = &mut self.reader else { return std::thread::sleep(WAIT) };
        let mut records = Vec::new();
        if reader.poll(Budget { records: 100_000, bytes: 1 << 26 }, WAIT, &mut records).is_err() {
            self.reader = None;
        }
        for record in records {
            self.next = record.offset + 1;
            self.bindings.push(serde_json::from_slice(&record.value).unwrap());
        }
    }

    fn open(&self) -> Option<Box<dyn Reader>> {
        let mut reader = self.log.reader().ok()?;
        reader.assign(&[(TopicPartition::new(BINDINGS, 0), self.next)]).ok()?;
        Some(reader)
    }

    /// Reads until `done`, or until `given_up` says why that cannot come.
    pub(crate) fn until(
        &mut self,
        what: &str,
        done: impl Fn(&Self) -> bool,
        mut given_up: impl FnMut() -> Option<String>,
    ) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            self.read();
            if done(self) {
                return Ok(());
            }
            if let Some(why) = given_up() {
                return Err(why);
            }
            let (epoch, records) = (self.epoch(), self.records());
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: not in {PATIENCE:?}, epoch {epoch:?}, {records} records in"
            );
        }
    }

    /// The newest epoch.
    pub(crate) fn epoch(&self) -> Option<u64> {
        self.bindings.last().map(|binding| binding.epoch)
    }

    /// Records of input in all epochs.
    pub(crate) fn records(&self) -> u64 {
        self.bindings.iter().map(|binding| binding.n_in).sum()
    }

    /// The starts that committed input.
    pub(crate) fn starts(&self) -> BTreeSet<u64> {
        self.bindings.iter().filter(|binding| binding.n_in > 0).map(|binding| binding.incarnation).collect()
    }

    /// Epochs and starts grow, and each partition is read on from where it was left.
    pub(crate) fn check(&self) {
        let mut reached = BTreeMap::new();
        for pair in self.bindings.windows(2) {
            assert!(pair[0].epoch < pair[1].epoch, "epoch {} after {}", pair[1].epoch, pair[0].epoch);
            assert!(
                pair[0].incarnation <= pair[1].incarnation,
                "an earlier start went on at {}",
                pair[1].epoch
            );
        }
        for binding in &self.bindings {
            for range in &binding.inputs {
                let left = reached.insert((range.input, range.partition), range.hi).unwrap_or(0);
                let (lo, epoch) = (range.lo, binding.epoch);
                assert_eq!(lo, left, "epoch {epoch} of {}/{}", range.input.topic(), range.partition);
                assert!(
                    lo <= range.hi && range.hi <= range.end,
                    "epoch {epoch}: {lo}..{} {}",
                    range.hi,
                    range.end
                );
            }
        }
    }
}
