//! One partition as its leader keeps it: records, control markers, open transactions.
//!
//! # Invariants
//! - Records and markers each take one offset; offsets are dense over both.
//! - The last stable offset is the first offset of the first open transaction, or the end.
//! - A record of a transaction is visible once a commit marker of its producer follows it.

use std::{collections::BTreeMap, collections::VecDeque, ops::Range, sync::Arc};

use crate::{Draft, Record};

/// Who writes: the id of a producer and which incarnation of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) id: u64,
    pub(super) epoch: u32,
}

#[derive(Debug)]
enum Entry {
    Record { record: Record, fate: Fate },
    Marker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Of the open transaction of this producer id.
    Open(u64),
    Committed,
    Aborted,
}

/// What stands at an offset, for a reader of committed records.
#[derive(Debug)]
pub(super) enum Seen<'partition> {
    /// A record to hand out.
    Record(&'partition Record),
    /// A marker or an aborted record.
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct Partition {
    start: u64,
    entries: VecDeque<Entry>,
    /// First offset of the open transaction, by producer id.
    open: BTreeMap<u64, u64>,
    /// The latest epoch met, by producer id.
    epochs: BTreeMap<u64, u32>,
}

impl Partition {
    /// One past the last offset, open transactions included.
    pub(super) fn end(&self) -> u64 {
        self.start + self.entries.len() as u64
    }

    /// The offsets a reader of committed records may ask for; the end is the last stable offset.
    pub(super) fn range(&self) -> Range<u64> {
        self.start..self.open.values().copied().min().unwrap_or_else(|| self.end())
    }

    /// Appends a record of nobody's transaction.
    pub(super) fn append(&mut self, draft: Draft) -> u64 {
        self.push(draft, Fate::Committed)
    }

    /// Appends a record of the open transaction of `producer`, unless a later incarnation was here.
    pub(super) fn append_open(&mut self, draft: Draft, producer: Producer) -> Option<u64> {
        let latest = self.epochs.entry(producer.id).or_default();
        if producer.epoch < *latest {
            return None;
        }
        *latest = producer.epoch;
        let offset = self.push(draft, Fate::Open(producer.id));
        self.open.entry(producer.id).or_insert(offset);
        Some(offset)
    }

    /// Ends the transaction of `producer` in this partition.
    pub(super) fn mark(&mut self, producer: Producer, commits: bool) {
        let latest = self.epochs.entry(producer.id).or_default();
        *latest = producer.epoch.max(*latest);
        let fate = if commits { Fate::Committed } else { Fate::Aborted };
        if let Some(first) = self.open.remove(&producer.id) {
            let from = first.saturating_sub(self.start) as usize;
            for entry in self.entries.iter_mut().skip(from) {
                match entry {
                    Entry::Record { fate: of, .. } if *of == Fate::Open(producer.id) => *of = fate,
                    _ => {}
                }
            }
        }
        self.entries.push_back(Entry::Marker);
    }

    /// Drops what stands before `start`.
    pub(super) fn truncate(&mut self, start: u64) {
        let start = start.clamp(self.start, self.range().end);
        self.entries.drain(..(start - self.start) as usize);
        self.start = start;
    }

    /// Aborts committed records after all.
    pub(super) fn tear(&mut self, mut torn: impl FnMut(&Record) -> bool) -> usize {
        let mut count = 0;
        for entry in &mut self.entries {
            if let Entry::Record { record, fate: fate @ Fate::Committed } = entry
                && torn(record)
            {
                *fate = Fate::Aborted;
                count += 1;
            }
        }
        count
    }

    /// What stands at `offset`, which is inside the range.
    pub(super) fn at(&self, offset: u64) -> Seen<'_> {
        match &self.entries[(offset - self.start) as usize] {
            Entry::Record { record, fate: Fate::Committed } => Seen::Record(record),
            _ => Seen::Nothing,
        }
    }

    /// Everything a reader of committed records sees.
    pub(super) fn visible(&self) -> Vec<Record> {
        let seen = |offset| match self.at(offset) {
            Seen::Record(record) => Some(record.clone()),
            Seen::Nothing => None,
        };
        self.range().filter_map(seen).collect()
    }

    fn push(&mut self, draft: Draft, fate: Fate) -> u64 {
        let offset = self.end();
        let record = Record {
            topic: Arc::clone(&draft.topic),
            partition: draft.partition,
            offset,
            timestamp_ms: draft.timestamp_ms.max(1),
            key: draft.key,
            value: draft.value,
            headers: draft.headers,
        };
        self.entries.push_back(Entry::Record { record, fate });
        offset
    }
}
