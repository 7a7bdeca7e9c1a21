//! An audit: does what stands on the topics come to what every committed epoch says it published?
//!
//! A log can break its word although it gave it: Kafka without the second part of KIP-890 may tear a
//! transaction whose end was delayed (Jepsen, "Bufstream 0.1.0", 2024), a disk may rot, a person may write to
//! a topic. A program that watches its own acknowledgements sees none of it; one that reads as consumers do,
//! does. What was lost can be published again: [`Mending`].
//!
//! # How
//! The records of an epoch stand together on each partition, in their order, and the epochs one behind the
//! other. Each binding says how many there are and what they come to, so one pass over a partition is enough.
//!
//! # Invariants
//! - Only what is committed is read, and nothing is changed; a pipeline may run meanwhile.
//! - Every epoch whose binding could be read before the topics were looked at has to be there in full. Later ones
//!   may be. What does not fit counts if it did not fit at two looks in a row: a commit shows on one partition after
//!   the other.
//! - What retention deleted is not missed: a partition is compared from the first whole run kept.

use crate::{
    Error,
    binding::{self, Placed},
    topics::{BINDINGS, RESULTS},
};
use eventlog::{Budget, Log, TopicPartition, read_range};
use model::Epoch;
use std::{collections::BTreeMap, fmt, ops::Range, thread, time::Duration};
use walk::Walk;

mod mending;
mod walk;

pub use mending::{Mended, Mending};

/// How much of a topic is read at once.
const BUDGET: Budget = Budget { records: 10_000, bytes: 8 << 20 };
/// A commit shows on one partition after the other: what does not fit is looked at so often, and so long after.
const LOOKS: u32 = 4;
const LOOK_AGAIN: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The partition.
    pub place: TopicPartition,
    /// The epoch from which on it does not fit; `None` if records follow that no epoch published.
    pub epoch: Option<Epoch>,
    /// Offset from which on it does not fit.
    pub from: u64,
    /// What is there instead, without content.
    pub detail: &'static str,
    /// Whether it can be known what is missing.
    pub mendable: bool,
}

/// What was looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Committed epochs.
    pub epochs: u64,
    /// Partitions of result topics.
    pub partitions: u64,
    /// Records on them.
    pub records: u64,
    /// At most one per partition: behind the first place that does not fit nothing can be told.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// Whether everything is as it was committed.
    pub const fn ok(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Compares every result topic of `log` with its bindings.
///
/// # Errors
/// [`Error::Log`] and [`Error::History`] if the log cannot be read.
pub fn audit(log: &dyn Log) -> Result<Audit, Error> {
    Auditor::of_everything(LOOK_AGAIN).look(log)
}

/// Compares, and goes on later where it was.
#[derive(Debug)]
pub struct Auditor {
    /// How long what does not fit is left alone before the next look.
    pause: Duration,
    /// The next binding to read.
    history: u64,
    epochs: u64,
    walks: BTreeMap<TopicPartition, Walk>,
}

impl Auditor {
    /// Begins with everything the log holds; what does not fit is looked at again after `pause`.
    pub const fn of_everything(pause: Duration) -> Self {
        Self { pause, history: 0, epochs: 0, walks: BTreeMap::new() }
    }

    /// Begins with what is committed after this; nobody may commit meanwhile.
    ///
    /// # Errors
    /// Those of the log.
    pub fn from_now_on(log: &dyn Log) -> Result<Self, Error> {
        let history = log.range(&binding::place())?.end;
        let mut auditor = Self { pause: LOOK_AGAIN, history, epochs: 0, walks: BTreeMap::new() };
        for (place, range) in auditor.places(log, &[])? {
            auditor.walks.insert(place.clone(), Walk::from(place, range.end, false));
        }
        Ok(auditor)
    }

    /// Compares what was committed since the last time, and gives everything found so far.
    ///
    /// # Errors
    /// [`Error::Log`] and [`Error::History`] if the log cannot be read.
    pub fn look(&mut self, log: &dyn Log) -> Result<Audit, Error> {
        if matches!(log.partitions(BINDINGS), Err(eventlog::Error::UnknownPartition(_))) {
            return Ok(Audit::default());
        }
        for look in 0..LOOKS {
            if look > 0 {
                thread::sleep(self.pause);
            }
            self.look_once(log)?;
            if !self.walks.values().any(Walk::is_open) {
                break;
            }
        }
        Ok(Audit {
            epochs: self.epochs,
            partitions: self.walks.len() as u64,
            records: self.walks.values().map(|walk| walk.records).sum(),
            findings: self.walks.values().filter_map(Walk::finding).collect(),
        })
    }

    fn look_once(&mut self, log: &dyn Log) -> Result<(), Error> {
        let (before, end) = binding::read(log, self.history)?;
        let repaired = |bindings: &[Placed]| bindings.iter().any(|(_, binding)| !binding.repairs.is_empty());
        if self.history > 0 && repaired(&before) {
            // What was compared stands otherwise now.
            *self = Self::of_everything(self.pause);
            return self.look_once(log);
        }
        let places = self.places(log, &before)?;
        let (mut after, mut next) = binding::read(log, end)?;
        if repaired(&after) {
            (after, next) = (Vec::new(), end);
        }
        self.history = next;
        self.epochs += (before.len() + after.len()) as u64;
        let mut reader = log.reader()?;
        for (place, range) in places {
            let (start, cut) = (range.start, range.start > 0);
            let walk =
                self.walks.entry(place.clone()).or_insert_with(|| Walk::from(place.clone(), start, cut));
            walk.begin_at(start);
            walk.learn(&before, true);
            walk.learn(&after, false);
            if let Some(next) = walk.next().filter(|next| *next < range.end) {
                read_range(&mut *reader, &place, next..range.end, BUDGET, |record| {
                    if record.offset < range.end {
                        walk.step(&record);
                    }
                })?;
            }
            walk.rest(range.end);
        }
        Ok(())
    }

    /// Every partition of every result topic, and what can be read of it: nothing where one is gone that `bindings` know
    /// of, or an earlier look.
    fn places(&self, log: &dyn Log, bindings: &[Placed]) -> Result<Vec<(TopicPartition, Range<u64>)>, Error> {
        let mut places = Vec::new();
        for topic in RESULTS {
            let there = match log.partitions(topic) {
                Err(eventlog::Error::UnknownPartition(_)) => 0,
                partitions => partitions?,
            };
            let outputs = bindings.iter().flat_map(|(_, binding)| &binding.outputs);
            let runs = outputs.filter(|output| output.topic == topic).flat_map(|output| &output.runs);
            let known = self.walks.keys().filter(|place| &*place.topic == topic).map(|place| place.partition);
            let were = runs.map(|run| run.partition).chain(known).max().map_or(0, |last| last + 1);
            for partition in 0..there.max(were) {
                let place = TopicPartition::new(topic, partition);
                let range = if partition < there { log.range(&place)? } else { 0..0 };
                places.push((place, range));
            }
        }
        Ok(places)
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epochs, partitions, records, findings } = self;
        let state = if self.ok() { "as committed" } else { "NOT as committed" };
        write!(f, "topics: {state}; {records} records on {partitions} partitions by {epochs} epochs")?;
        for finding in findings {
            write!(f, "\n{finding}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, epoch, from, detail, .. } = self;
        let epoch = epoch.map_or_else(String::new, |epoch| format!("epoch {epoch}: "));
        write!(f, "{place} from offset {from} on: {epoch}{detail}")
    }
}
