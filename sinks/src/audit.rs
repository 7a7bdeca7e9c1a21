//! An audit: does what stands on the topics come to what every committed epoch says it published?
//!
//! A log can break its word although it gave it: Kafka without the second part of KIP-890 may tear a
//! transaction whose end was delayed (Jepsen, "Bufstream 0.1.0", 2024), a disk may rot, a person may write to
//! a topic. A program that watches its own acknowledgements sees none of it; one that reads as consumers do,
//! does.
//!
//! # How
//! The records of an epoch stand together on each partition, in their order, and the epochs one behind the
//! other. Each binding says how many there are and what they come to, so one pass over a partition is enough.
//!
//! # Invariants
//! - Only what is committed is read, and nothing is changed; a pipeline may run meanwhile.
//! - Every epoch whose binding could be read before the topics were looked at has to be there in full. Later ones
//!   may be.

use crate::{
    Check, Error,
    binding::{self, Placed, Run},
    topics::{BINDINGS, Borrowed, RESULTS},
};
use eventlog::{Budget, Log, Record, TopicPartition, read_range};
use model::Epoch;
use std::{fmt, thread, time::Duration};

/// How much of a topic is read at once.
const BUDGET: Budget = Budget { records: 10_000, bytes: 8 << 20 };
/// A commit shows on one partition after the other: what does not fit is looked at so often, and so long after.
const LOOKS: u32 = 4;
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The partition.
    pub place: TopicPartition,
    /// The epoch from which on it does not fit; `None` if records follow that no epoch published.
    pub epoch: Option<Epoch>,
    /// What is there instead, without content.
    pub detail: &'static str,
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
    let mut looks = 1;
    loop {
        let audit = look(log)?;
        if audit.ok() || looks == LOOKS {
            return Ok(audit);
        }
        looks += 1;
        thread::sleep(LOOK_AGAIN);
    }
}

fn look(log: &dyn Log) -> Result<Audit, Error> {
    if matches!(log.partitions(BINDINGS), Err(eventlog::Error::UnknownPartition(_))) {
        return Ok(Audit::default());
    }
    let (before, end) = binding::read(log, 0)?;
    let mut partitions = Vec::new();
    for topic in RESULTS {
        for partition in 0..log.partitions(topic)? {
            let place = TopicPartition::new(topic, partition);
            let range = log.range(&place)?;
            partitions.push((place, range));
        }
    }
    let (after, _) = binding::read(log, end)?;
    let mut audit = Audit { epochs: before.len() as u64, ..Audit::default() };
    for (place, range) in partitions {
        let runs = Runs::of(&place, &before, &after);
        let (records, finding) = runs.compare(log, &place, range)?;
        audit.partitions += 1;
        audit.records += records;
        audit.findings.extend(finding.map(|(epoch, detail)| Finding { place, epoch, detail }));
    }
    Ok(audit)
}

/// What the epochs say stands on one partition.
struct Runs {
    list: Vec<(Epoch, Run)>,
    /// So many of them have to be there.
    due: usize,
    /// The first epoch that does not say on which partitions its records stand.
    silent: Option<Epoch>,
}

impl Runs {
    fn of(place: &TopicPartition, before: &[Placed], after: &[Placed]) -> Self {
        let mut runs = Self { list: Vec::new(), due: 0, silent: None };
        for (number, (_, binding)) in before.iter().chain(after).enumerate() {
            for output in binding.outputs.iter().filter(|output| *output.topic == *place.topic) {
                if output.runs.is_empty() && output.records > 0 {
                    runs.silent.get_or_insert(binding.epoch);
                }
                let here = output.runs.iter().filter(|run| run.partition == place.partition);
                runs.list.extend(here.map(|run| (binding.epoch, *run)));
            }
            if number < before.len() {
                runs.due = runs.list.len();
            }
        }
        runs
    }

    /// Reads the partition; gives its records, and where and how it differs.
    fn compare(
        self,
        log: &dyn Log,
        place: &TopicPartition,
        range: std::ops::Range<u64>,
    ) -> Result<(u64, Option<Found>), Error> {
        if self.silent.is_some() {
            let why = "was committed by a version whose epochs do not say where their records stand";
            return Ok((0, Some((self.silent, why))));
        }
        let (mut walk, end) = (Walk::over(&self.list), range.end);
        read_range(&mut *log.reader()?, place, range, BUDGET, |record| {
            if record.offset < end {
                walk.step(&record);
            }
        })?;
        Ok((walk.records, walk.end(self.due)))
    }
}

/// From which epoch on a partition differs, and how.
type Found = (Option<Epoch>, &'static str);

/// A walk over the records of a partition.
struct Walk<'a> {
    runs: &'a [(Epoch, Run)],
    /// The run under way, and how many of its records were met.
    at: usize,
    met: u64,
    hasher: blake3::Hasher,
    records: u64,
    found: Option<Found>,
}

impl<'a> Walk<'a> {
    fn over(runs: &'a [(Epoch, Run)]) -> Self {
        Self { runs, at: 0, met: 0, hasher: blake3::Hasher::new(), records: 0, found: None }
    }

    fn step(&mut self, record: &Record) {
        self.records += 1;
        if self.found.is_some() {
            return;
        }
        let Some((epoch, run)) = self.runs.get(self.at) else {
            self.found = Some((None, "records follow that no epoch published"));
            return;
        };
        Borrowed::from(record).update(&mut self.hasher);
        self.met += 1;
        if self.met == run.records {
            let hasher = std::mem::take(&mut self.hasher);
            if Check::from(hasher.finalize()) != run.check {
                self.found =
                    Some((Some(*epoch), "its records are not those committed: lost, torn, or twice"));
            }
            (self.at, self.met) = (self.at + 1, 0);
        }
    }

    /// What is wrong, if `due` runs have to be there.
    fn end(self, due: usize) -> Option<Found> {
        let epoch = self.runs.get(self.at).map(|(epoch, _)| *epoch);
        self.found.or(match self.met {
            0 if self.at >= due => None,
            0 => Some((epoch, "its records are missing")),
            _ => Some((epoch, "some of its records are missing")),
        })
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epochs, partitions, records, findings } = self;
        let state = if self.ok() { "as committed" } else { "NOT as committed" };
        write!(f, "topics: {state}; {records} records on {partitions} partitions by {epochs} epochs")?;
        for Finding { place, epoch, detail } in findings {
            let from = epoch.map_or_else(String::new, |epoch| format!("epoch {epoch}: "));
            write!(f, "\n{place}: {from}{detail}")?;
        }
        Ok(())
    }
}
