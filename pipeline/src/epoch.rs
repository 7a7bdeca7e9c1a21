//! Cuts what the log delivers into epochs.
//!
//! An epoch is what lies between two offset vectors. Live, it is whatever is buffered when the tick
//! comes; during recovery, exactly what its binding says.
//!
//! # Invariants
//! - Each partition's records leave in offset order, each once.
//! - The records of an epoch are those of its ranges; `digest_in` is over them in the order of the
//!   ranges.

use eventlog::{Budget, Reader, Record, TopicPartition};
use model::{Epoch, Input, Micros};
use serde::Deserialize;
use sinks::{Binding, Digest, InputRange};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::Arc,
    time::Duration,
};

/// When an epoch is cut.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// At least so often while there is input, milliseconds.
    pub tick_ms: u64,
    /// When so many records are buffered.
    pub max_records: usize,
    /// When so many bytes are buffered.
    pub max_bytes: usize,
    /// Without input, so often, milliseconds.
    pub idle_ms: u64,
}

/// One input partition.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Record>,
    /// First offset that no epoch has.
    next: u64,
    watermark: Option<Micros>,
}

/// The input of the pipeline, buffered by partition.
pub struct Intake {
    log: eventlog::Shared,
    reader: Box<dyn Reader>,
    lanes: BTreeMap<(Input, u32), Lane>,
    /// One past the last offset that could be read when the log was last asked.
    ends: BTreeMap<TopicPartition, u64>,
    topics: BTreeMap<Arc<str>, Input>,
    buffered: Budget,
    arrivals: Vec<Record>,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Intake({} partitions, {} records)", self.lanes.len(), self.buffered.records)
    }
}

/// The records of an epoch, by partition.
pub type Records = Vec<((Input, u32), Vec<Record>)>;

impl Intake {
    /// Reads every partition of every input from its start.
    pub fn open(log: eventlog::Shared) -> eventlog::Result<Self> {
        let mut lanes = BTreeMap::new();
        let (mut assignment, mut ends) = (Vec::new(), BTreeMap::new());
        for input in Input::ALL {
            for partition in 0..log.partitions(input.topic())? {
                let place = TopicPartition::new(input.topic(), partition);
                let Range { start: next, end } = log.range(&place)?;
                ends.insert(place.clone(), end);
                lanes.insert((input, partition), Lane { next, ..Lane::default() });
                assignment.push((place, next));
            }
        }
        let mut reader = log.reader()?;
        reader.assign(&assignment)?;
        let topics = Input::ALL.map(|input| (Arc::from(input.topic()), input)).into();
        let buffered = Budget { records: 0, bytes: 0 };
        Ok(Self { log, reader, lanes, ends, topics, buffered, arrivals: Vec::new() })
    }

    /// Buffers what arrives within `wait`; gives the number of records that did.
    pub fn poll(&mut self, options: &Options, wait: Duration) -> eventlog::Result<usize> {
        let budget = Budget {
            records: options.max_records.saturating_sub(self.buffered.records),
            bytes: options.max_bytes.saturating_sub(self.buffered.bytes),
        };
        if budget.records == 0 || budget.bytes == 0 {
            return Ok(0);
        }
        self.fetch(budget, wait)
    }

    /// Whether the caps of an epoch are reached.
    pub fn is_full(&self, options: &Options) -> bool {
        self.buffered.records >= options.max_records || self.buffered.bytes >= options.max_bytes
    }

    fn fetch(&mut self, budget: Budget, wait: Duration) -> eventlog::Result<usize> {
        self.reader.poll(budget, wait, &mut self.arrivals)?;
        let count = self.arrivals.len();
        for record in self.arrivals.drain(..) {
            let input = self.topics[&record.topic];
            self.buffered.records += 1;
            self.buffered.bytes += size(&record);
            let lane = self.lanes.get_mut(&(input, record.partition));
            lane.expect("only assigned partitions deliver").waiting.push_back(record);
        }
        Ok(count)
    }

    /// Asks the log how far each partition can be read, for the lag that bindings tell.
    pub fn look_ahead(&mut self) -> eventlog::Result<()> {
        for (place, end) in &mut self.ends {
            *end = self.log.range(place)?.end;
        }
        Ok(())
    }

    /// Everything buffered, as the epoch `epoch` at `now_us`.
    pub fn cut(&mut self, epoch: Epoch, now_us: Micros) -> (Binding, Records) {
        let mut ranges = Vec::with_capacity(self.lanes.len());
        for (place, position) in self.reader.positions() {
            let input = self.topics[&place.topic];
            let lane = &self.lanes[&(input, place.partition)];
            // A position can lie behind the last record, because control records take offsets too; a
            // partition without records stays where it is, so an epoch without records moves nothing.
            let hi = if lane.waiting.is_empty() { lane.next } else { position };
            ranges.push((input, place.partition, hi, self.ends[&place].max(position)));
        }
        ranges.sort_unstable();
        let records = ranges.iter().map(|(input, partition, hi, _)| self.take(*input, *partition, *hi));
        let (lows, records): (Vec<u64>, Records) = records.collect::<Vec<_>>().into_iter().unzip();
        let inputs = ranges.iter().zip(lows).map(|((input, partition, hi, end), lo)| InputRange {
            input: *input,
            partition: *partition,
            lo,
            hi: *hi,
            end: *end,
            watermark: self.lanes[&(*input, *partition)].watermark,
        });
        let binding = Binding {
            epoch,
            incarnation: 0,
            now_us,
            inputs: inputs.collect(),
            n_in: count(&records),
            digest_in: digest(&records),
            outputs: Vec::new(),
            intent: None,
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        (binding, records)
    }

    /// The records of a committed epoch, read again.
    ///
    /// # Errors
    /// Those of the log; [`crate::Error::Diverged`] if the log holds something else now.
    pub fn recut(&mut self, binding: &Binding) -> Result<Records, crate::Error> {
        const PATIENCE: u32 = 300;
        let mut waits = 0;
        while !self.reached(binding) {
            let budget = Budget { records: 50_000, bytes: 32 << 20 };
            let arrived = self.fetch(budget, Duration::from_millis(100))?;
            waits = if arrived == 0 { waits + 1 } else { 0 };
            if waits == PATIENCE {
                return Err(crate::Error::Diverged {
                    epoch: binding.epoch,
                    what: "the log delivers no more of its input; check the broker and the retention".into(),
                });
            }
        }
        let inputs = &binding.inputs;
        let records: Records =
            inputs.iter().map(|range| self.take(range.input, range.partition, range.hi).1).collect();
        if count(&records) != binding.n_in || digest(&records) != binding.digest_in {
            let what = "its input is not what was read the first time; restore the log".into();
            return Err(crate::Error::Diverged { epoch: binding.epoch, what });
        }
        Ok(records)
    }

    fn reached(&self, binding: &Binding) -> bool {
        let positions: BTreeMap<_, _> = self.reader.positions().into_iter().collect();
        binding.inputs.iter().all(|range| {
            let place = TopicPartition::new(range.input.topic(), range.partition);
            positions.get(&place).is_none_or(|position| *position >= range.hi)
        })
    }

    /// Takes the records below `hi`; gives the first offset of the range with them.
    fn take(&mut self, input: Input, partition: u32, hi: u64) -> (u64, ((Input, u32), Vec<Record>)) {
        let lane = self.lanes.entry((input, partition)).or_default();
        let until = lane.waiting.partition_point(|record| record.offset < hi);
        let records: Vec<Record> = lane.waiting.drain(..until).collect();
        let newest = records.iter().map(|record| record.timestamp_ms * 1_000).max();
        lane.watermark = lane.watermark.max(newest);
        let lo = std::mem::replace(&mut lane.next, hi);
        self.buffered.records -= records.len();
        self.buffered.bytes -= records.iter().map(size).sum::<usize>();
        (lo, ((input, partition), records))
    }
}

fn size(record: &Record) -> usize {
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    record.key.as_ref().map_or(0, Vec::len) + record.value.len() + headers
}

fn count(records: &Records) -> u64 {
    records.iter().map(|(_, records)| records.len() as u64).sum()
}

/// Digest over every record: place, key and value.
fn digest(records: &Records) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for ((input, partition), records) in records {
        for record in records {
            let key = record.key.as_deref().unwrap_or_default();
            hasher.update(input.topic().as_bytes());
            hasher.update(&partition.to_le_bytes());
            hasher.update(&record.offset.to_le_bytes());
            hasher.update(&(key.len() as u64).to_le_bytes());
            hasher.update(key);
            hasher.update(&(record.value.len() as u64).to_le_bytes());
            hasher.update(&record.value);
        }
    }
    Digest::from(*hasher.finalize().as_bytes())
}
