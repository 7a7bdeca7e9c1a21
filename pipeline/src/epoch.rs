//! Cuts what the log delivers into epochs.
//!
//! An epoch is what lies between two offset vectors. Live, it is whatever is buffered when the tick
//! comes; during recovery, exactly what its binding says.
//!
//! # Invariants
//! - Each partition's records leave in offset order, each once.
//! - The records of an epoch are those of its ranges; `digest_in` is over them in the order of the
//!   ranges.
//! - The watermark of an epoch never goes back. A partition holds it back unless it is idle: nothing came for
//!   `partition_idle_ms`, and everything it has was read.
//! - Nothing is skipped: records that were deleted before they were read stop the pipeline, unless
//!   `skip_deleted` lets it go on; what is computed again has to be there in any case.

mod again;
mod records;

use crate::Error;
use eventlog::{Budget, Reader, Record, TopicPartition};
use model::{Epoch, Input, Micros, time::AHEAD};
pub(crate) use records::bytes_of;
pub use records::{Records, bytes};
use records::{count, digest, size};
use serde::Deserialize;
use sinks::{Binding, InputRange};
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
    /// A partition that brought nothing for so long, and has nothing left to read, does not hold the watermark
    /// back, milliseconds.
    pub partition_idle_ms: u64,
    /// How far behind the newest record of its partition, or behind the watermark, a record still counts, seconds;
    /// what is needed to correct results is kept as long.
    pub horizon_s: u32,
    /// Go on although records were deleted before they were read.
    pub skip_deleted: bool,
    /// The process stops itself if an epoch is computed for longer than this, seconds.
    pub stall_s: u64,
}

/// One input partition.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Record>,
    /// First offset that no epoch has.
    next: u64,
    watermark: Option<Micros>,
    /// "Now" of the last epoch that had records of it, or of the first it could have had.
    heard: Option<Micros>,
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
    /// That of the newest epoch.
    watermark: Option<Micros>,
    idle_after: Micros,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unread = self.reader.positions().into_iter().filter_map(|(place, position)| {
            let end = *self.ends.get(&place)?;
            (position < end).then(|| format!(", {place} read to {position} of {end}"))
        });
        let unread: String = unread.collect();
        write!(f, "Intake({} partitions, {} records{unread})", self.lanes.len(), self.buffered.records)
    }
}

impl Intake {
    /// Reads every partition of every input from where `from` left it, or from its start; `replay` is read first.
    ///
    /// # Errors
    /// Those of the log; [`Error::Overtaken`] if records that were not read, or that `replay` needs, are gone.
    pub fn open(
        log: eventlog::Shared,
        options: &Options,
        from: Option<&Binding>,
        replay: &[Binding],
    ) -> Result<Self, Error> {
        let mut begins = BTreeMap::new();
        for range in replay.iter().flat_map(|binding| &binding.inputs) {
            begins.entry((range.input, range.partition)).or_insert((range.lo, None));
        }
        for range in from.iter().flat_map(|binding| &binding.inputs) {
            begins.insert((range.input, range.partition), (range.hi, range.watermark));
        }
        let (mut lanes, mut assignment, mut ends) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for input in Input::ALL {
            for partition in 0..log.partitions(input.topic())? {
                let place = TopicPartition::new(input.topic(), partition);
                let Range { start, end } = log.range(&place)?;
                let (next, watermark) = begins.get(&(input, partition)).copied().unwrap_or((start, None));
                if next < start {
                    if !options.skip_deleted {
                        return Err(Error::Overtaken { place, wanted: next, start });
                    }
                    tracing::error!(%place, from = next, until = start, "records were deleted unread; going on");
                }
                ends.insert(place.clone(), end);
                lanes.insert((input, partition), Lane { next, watermark, ..Lane::default() });
                assignment.push((place, next.max(start)));
            }
        }
        let mut reader = log.reader()?;
        reader.assign(&assignment)?;
        Ok(Self {
            log,
            reader,
            lanes,
            ends,
            topics: Input::ALL.map(|input| (Arc::from(input.topic()), input)).into(),
            buffered: Budget { records: 0, bytes: 0 },
            arrivals: Vec::new(),
            watermark: from.and_then(|binding| binding.watermark),
            idle_after: i64::try_from(options.partition_idle_ms).unwrap_or(i64::MAX / 1_000) * 1_000,
        })
    }

    /// Takes up partitions that were added since; gives their number.
    ///
    /// A log that does not answer has none for now: reading and committing say soon enough that it is away.
    pub fn grow(&mut self) -> eventlog::Result<usize> {
        let mut added = Vec::new();
        for input in Input::ALL {
            let partitions = match self.log.partitions(input.topic()) {
                Err(eventlog::Error::Unreachable { .. }) => return Ok(0),
                partitions => partitions?,
            };
            for partition in 0..partitions {
                if !self.lanes.contains_key(&(input, partition)) {
                    let place = TopicPartition::new(input.topic(), partition);
                    added.push((input, partition, self.log.range(&place)?, place));
                }
            }
        }
        if added.is_empty() {
            return Ok(0);
        }
        let mut assignment = self.reader.positions();
        assignment.extend(added.iter().map(|(_, _, range, place)| (place.clone(), range.start)));
        self.reader.assign(&assignment)?;
        let count = added.len();
        for (input, partition, range, place) in added {
            tracing::warn!(%place, "a new partition is read from its start");
            self.lanes.insert((input, partition), Lane { next: range.start, ..Lane::default() });
            self.ends.insert(place, range.end);
        }
        Ok(count)
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

    /// Whether everything was read that was there when the log was last asked, and nothing waits.
    pub fn is_read(&self) -> bool {
        let read = |(place, position): (TopicPartition, u64)| {
            self.ends.get(&place).is_none_or(|end| position >= *end)
        };
        self.buffered.records == 0 && self.reader.positions().into_iter().all(read)
    }

    /// Asks the log how far each partition can be read, for the lag that bindings tell.
    ///
    /// A log that does not answer leaves what is known: reading and committing say soon enough that it is away.
    pub fn look_ahead(&mut self) -> eventlog::Result<()> {
        let places: Vec<_> = self.ends.keys().cloned().collect();
        let ends = match self.log.ends(&places) {
            Err(eventlog::Error::Unreachable { .. }) => return Ok(()),
            ends => ends?,
        };
        self.ends = places.into_iter().zip(ends).collect();
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
        // Before this epoch's records: those of a partition are judged by what came before them in it.
        self.watermark = self.combined(now_us);
        let records = ranges.iter().map(|(input, partition, hi, _)| self.take(*input, *partition, *hi));
        let (lows, records): (Vec<u64>, Records) = records.collect::<Vec<_>>().into_iter().unzip();
        for (lane, _) in records.iter().filter(|(_, records)| !records.is_empty()) {
            self.lanes.entry(*lane).or_default().heard = Some(now_us);
        }
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
            watermark: self.watermark,
            inputs: inputs.collect(),
            n_in: count(&records),
            digest_in: digest(&records),
            outputs: Vec::new(),
            intent: None,
            repairs: Vec::new(),
            code_version: crate::VERSION.to_owned(),
        };
        (binding, records)
    }

    /// The watermark of an epoch that begins now: the least of the partitions that are not idle, and not ahead of
    /// the time, whatever records say about theirs.
    fn combined(&mut self, now_us: Micros) -> Option<Micros> {
        let positions: BTreeMap<_, _> = self.reader.positions().into_iter().collect();
        let mut least: Option<Option<Micros>> = None;
        for ((input, partition), lane) in &mut self.lanes {
            let heard = *lane.heard.get_or_insert(now_us);
            let place = TopicPartition::new(input.topic(), *partition);
            let read = positions.get(&place).copied() >= self.ends.get(&place).copied();
            let idle = lane.waiting.is_empty() && read && now_us.saturating_sub(heard) >= self.idle_after;
            if !idle {
                let reached = lane.watermark.map(|reached| reached.min(now_us.saturating_add(AHEAD)));
                least = Some(least.map_or(reached, |least| least.min(reached)));
            }
        }
        self.watermark.max(least.flatten())
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

#[cfg(test)]
mod tests;
