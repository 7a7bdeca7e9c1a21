//! The records that alerts rest on, read from the log in one pass and cut into the epochs that were bound.
//!
//! Whether a record came too late was decided by all records of its partition. They are all seen here, and what the
//! graph refused then is left out, for it would not know now.
//!
//! # Invariants
//! - A partition's records leave in their order, in the epoch whose binding has them.
//! - Only wanted records are held, and of the others when they were written, until their epoch is taken.

use super::wanted::{Need, Wanted, Whose};
use crate::Error;
use eventlog::{Budget, Log, Patience, Reader, Record, TopicPartition};
use model::{Input, Micros, time::AHEAD};
use operators::arrival;
use sinks::{Binding, InputRange};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// How much is read at once.
const BUDGET: Budget = Budget { records: 50_000, bytes: 32 << 20 };

/// Records of one partition that were used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Topic.
    pub input: Input,
    /// Partition.
    pub partition: u32,
    /// The first offset.
    pub first: u64,
    /// The last offset.
    pub last: u64,
    /// Records between them that were used.
    pub records: u64,
    /// Their keys, values and headers.
    pub bytes: u64,
}

/// A record in its place.
struct Placed {
    offset: u64,
    written_at: Micros,
    /// The record, when it is dated, and whose it is, if it is wanted.
    wanted: Option<(Record, Micros, Vec<Whose>)>,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Placed>,
    /// Where what is kept of the partition begins.
    start: u64,
    /// The newest time at which a record was written, as far as it is believed.
    newest: Option<Micros>,
}

/// The partitions that are read.
pub(super) struct Lanes {
    reader: Box<dyn Reader>,
    topics: BTreeMap<Arc<str>, Input>,
    all: BTreeMap<(Input, u32), Lane>,
    horizon: Micros,
    arrivals: Vec<Record>,
    used: BTreeMap<(Whose, Input, u32), Used>,
}

impl Lanes {
    pub(super) fn open(log: &dyn Log, wanted: &Wanted, horizon: Micros) -> Result<Self, Error> {
        let (mut lanes, mut assignment, mut topics) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for input in Input::ALL.into_iter().filter(|input| wanted.reads(*input)) {
            topics.insert(Arc::from(input.topic()), input);
            for partition in 0..log.partitions(input.topic())? {
                let place = TopicPartition::new(input.topic(), partition);
                let start = log.range(&place)?.start;
                lanes.insert((input, partition), Lane { start, ..Lane::default() });
                assignment.push((place, start));
            }
        }
        let mut reader = log.reader()?;
        reader.assign(&assignment)?;
        Ok(Self { reader, topics, all: lanes, horizon, arrivals: Vec::new(), used: BTreeMap::new() })
    }

    /// The wanted records of the epoch of `binding`.
    pub(super) fn take(
        &mut self,
        wanted: &Wanted,
        binding: &Binding,
    ) -> Result<crate::epoch::Records, Error> {
        let is_read = |range: &&InputRange| self.all.contains_key(&(range.input, range.partition));
        let ranges: Vec<InputRange> = binding.inputs.iter().filter(is_read).copied().collect();
        let mut patience = Patience::default();
        while !self.reached(&ranges) {
            patience.poll(&mut *self.reader, BUDGET, &mut self.arrivals, || {
                format!("it delivers no more of the input of epoch {}", binding.epoch)
            })?;
            self.place(wanted);
        }
        Ok(ranges.iter().map(|range| self.cut(binding, range)).collect())
    }

    fn reached(&self, ranges: &[InputRange]) -> bool {
        let positions: BTreeMap<_, _> = self.reader.positions().into_iter().collect();
        ranges.iter().all(|range| {
            let place = TopicPartition::new(range.input.topic(), range.partition);
            positions.get(&place).is_none_or(|position| *position >= range.hi)
        })
    }

    /// Puts what arrived into its lanes.
    fn place(&mut self, wanted: &Wanted) {
        for record in self.arrivals.drain(..) {
            let input = self.topics[&record.topic];
            let lane = self.all.get_mut(&(input, record.partition));
            let lane = lane.expect("only assigned partitions deliver");
            let (offset, written_at) = (record.offset, record.timestamp_ms.saturating_mul(1_000));
            let found = wanted.look(input, &record);
            let wanted =
                found.map(|(datum, whose)| (record, arrival::dated(&datum).unwrap_or(Micros::MAX), whose));
            lane.waiting.push_back(Placed { offset, written_at, wanted });
        }
    }

    fn cut(&mut self, binding: &Binding, range: &InputRange) -> ((Input, u32), Vec<Record>) {
        let InputRange { input, partition, lo, hi, .. } = *range;
        let lane = self.all.get_mut(&(input, partition)).expect("only what is read is cut");
        let latest = binding.now_us.saturating_add(AHEAD);
        let watermark = binding.watermark.unwrap_or(Micros::MIN);
        let until = lane.waiting.partition_point(|placed| placed.offset < hi);
        let mut records = Vec::new();
        // What lies before was read by no epoch.
        for Placed { written_at, wanted, .. } in
            lane.waiting.drain(..until).filter(|placed| placed.offset >= lo)
        {
            let newest = lane.newest.unwrap_or(Micros::MIN).max(written_at.min(latest));
            lane.newest = Some(newest);
            let Some((record, dated, whose)) = wanted else { continue };
            if dated < arrival::oldest(newest, watermark, self.horizon) {
                continue;
            }
            for whose in whose {
                let (first, bytes) = (record.offset, crate::epoch::bytes_of(&record));
                let used = self.used.entry((whose, input, partition)).or_insert(Used {
                    input,
                    partition,
                    first,
                    last: first,
                    records: 0,
                    bytes: 0,
                });
                (used.last, used.records, used.bytes) = (first, used.records + 1, used.bytes + bytes);
            }
            records.push(record);
        }
        ((input, partition), records)
    }

    /// What was used for an alert.
    pub(super) fn used(&self, need: &Need<'_>) -> Vec<Used> {
        let of_it = self.used.iter().filter(|((whose, input, _), _)| need.is_met(*input, *whose));
        of_it.map(|(_, used)| *used).collect()
    }

    /// Partitions that an alert may need and whose beginning was deleted: from where on they are kept, and the first
    /// offset that it names, or 0.
    pub(super) fn gone(&self, need: &Need<'_>) -> Vec<Used> {
        let cut = self.all.iter().filter(|((input, _), lane)| lane.start > 0 && need.reads(*input));
        let gone = cut.map(|((input, partition), lane)| {
            let named = need.alert.iter().filter(|span| (span.input, span.partition) == (*input, *partition));
            let first = named.map(|span| span.first).min().unwrap_or(0).min(lane.start);
            Used { input: *input, partition: *partition, first, last: lane.start - 1, records: 0, bytes: 0 }
        });
        gone.collect()
    }
}
