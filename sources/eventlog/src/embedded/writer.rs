//! The writer of the embedded log: buffers a transaction, spills it to the data files, commits it in one batch.
//!
//! # Invariants
//! - Data files are synced before the index names them.
//! - A fenced writer writes nothing to the index: its generation is compared under the commit lock.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Inner,
    chunk::encode,
    index::{Chunk, Commit, TopicSlots},
    segment::Segment,
};
use crate::{Draft, Error, Outcome, Result, TopicPartition, Writer};

/// A chunk is closed at so many bytes: large enough to read fast, small enough to be a reader's only buffer.
const CHUNK_BYTES: usize = 256 * 1_024;
/// What a transaction holds in memory before it is written out, in open chunks and in closed ones.
pub(super) const BUFFER_BYTES: usize = 4 * 1_024 * 1_024;

/// Which writer of a transactional id this is.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) transactional_id: String,
    pub(super) generation: u64,
    pub(super) latest: Arc<AtomicU64>,
}

impl Ticket {
    fn check(&self) -> Result<()> {
        if self.latest.load(Ordering::SeqCst) == self.generation {
            return Ok(());
        }
        Err(Error::Fenced(self.transactional_id.clone()))
    }
}

pub(super) struct EmbeddedWriter {
    inner: Arc<Inner>,
    ticket: Ticket,
    /// Topics sent to before; few, so a scan is faster than hashing.
    topics: Vec<(Arc<str>, TopicSlots)>,
    open: Option<Transaction>,
    /// Buffers kept over transactions.
    spare: Vec<Vec<u8>>,
    closed: Vec<u8>,
}

#[derive(Default)]
struct Transaction {
    /// Chunks being filled, by slot.
    filling: BTreeMap<u32, Filling>,
    filling_bytes: usize,
    /// Chunks closed but not written out; positions count from the start of `closed`.
    waiting: Vec<(u32, Chunk)>,
    /// Chunks in the data files.
    written: Vec<(u32, Chunk)>,
    /// Files to be synced.
    dirty: BTreeMap<u64, Arc<Segment>>,
    /// An earlier failure; the transaction can only be aborted.
    failed: bool,
}

struct Filling {
    bytes: Vec<u8>,
    records: u32,
}

impl EmbeddedWriter {
    pub(super) fn new(inner: Arc<Inner>, ticket: Ticket) -> Self {
        Self { inner, ticket, topics: Vec::new(), open: None, spare: Vec::new(), closed: Vec::new() }
    }

    fn slot(&mut self, topic: &Arc<str>, partition: u32) -> Result<u32> {
        let known = self.topics.iter().find(|(name, _)| Arc::ptr_eq(name, topic) || name == topic);
        if let Some((_, slots)) = known
            && partition < slots.partitions
        {
            return Ok(slots.first + partition);
        }
        let visible = self.inner.visible();
        let slot = visible.slot(topic, partition)?;
        if let Some(slots) = visible.topics.get(topic) {
            self.topics.push((Arc::clone(topic), *slots));
        }
        Ok(slot)
    }

    fn add(&mut self, slot: u32, draft: &Draft) -> Result<()> {
        let transaction = self.open.as_mut().ok_or(Error::Order("send needs begin first"))?;
        let filling = transaction
            .filling
            .entry(slot)
            .or_insert_with(|| Filling { bytes: self.spare.pop().unwrap_or_default(), records: 0 });
        let before = filling.bytes.len();
        encode(draft, &mut filling.bytes);
        filling.records += 1;
        transaction.filling_bytes += filling.bytes.len() - before;
        if filling.bytes.len() >= CHUNK_BYTES {
            self.close(slot);
        } else if transaction.filling_bytes >= BUFFER_BYTES / 2 {
            self.close_all();
        }
        if self.closed.len() >= BUFFER_BYTES / 2 {
            self.write_out()?;
        }
        Ok(())
    }

    fn close_all(&mut self) {
        let slots: Vec<u32> =
            self.open.iter().flat_map(|transaction| transaction.filling.keys().copied()).collect();
        for slot in slots {
            self.close(slot);
        }
    }

    fn close(&mut self, slot: u32) {
        let Some(transaction) = self.open.as_mut() else { return };
        let Some(mut filling) = transaction.filling.remove(&slot) else { return };
        let chunk = Chunk {
            segment: 0,
            position: self.closed.len() as u64,
            length: filling.bytes.len() as u32,
            records: filling.records,
            checksum: crc32c::crc32c(&filling.bytes),
        };
        transaction.waiting.push((slot, chunk));
        transaction.filling_bytes -= filling.bytes.len();
        self.closed.extend_from_slice(&filling.bytes);
        filling.bytes.clear();
        self.spare.push(filling.bytes);
    }

    fn write_out(&mut self) -> Result<()> {
        let Some(transaction) = self.open.as_mut().filter(|transaction| !transaction.waiting.is_empty())
        else {
            return Ok(());
        };
        let (segment, position) =
            self.inner.segments.append(&self.closed).inspect_err(|_| transaction.failed = true)?;
        for (slot, chunk) in transaction.waiting.drain(..) {
            let chunk = Chunk { segment: segment.id, position: position + chunk.position, ..chunk };
            transaction.written.push((slot, chunk));
        }
        self.inner.segments.sync_early(&segment);
        transaction.dirty.insert(segment.id, segment);
        self.closed.clear();
        Ok(())
    }

    fn forget(&mut self) {
        if let Some(transaction) = self.open.take() {
            self.spare.extend(transaction.filling.into_values().map(|filling| {
                let mut bytes = filling.bytes;
                bytes.clear();
                bytes
            }));
        }
        self.closed.clear();
        // A burst over many partitions must not be held for ever.
        self.spare.truncate(BUFFER_BYTES / CHUNK_BYTES);
        self.closed.shrink_to(BUFFER_BYTES);
    }

    /// Everything up to the commit point; an error here means that nothing was committed.
    fn prepare(&mut self) -> Result<()> {
        self.close_all();
        self.write_out()?;
        let dirty = self.open.iter().flat_map(|transaction| transaction.dirty.values());
        dirty.into_iter().try_for_each(|segment| self.inner.segments.sync(segment))
    }

    fn publish(&mut self, group: &str, offsets: &[(u32, u64)]) -> Result<Outcome> {
        let written = self
            .open
            .as_mut()
            .map(|transaction| std::mem::take(&mut transaction.written))
            .unwrap_or_default();
        let mut commits = self.inner.commits.lock().unwrap_or_else(PoisonError::into_inner);
        self.ticket.check()?;
        // 1. Give offsets, slot by slot; only the holder of the commit lock moves ends.
        let mut ends = BTreeMap::<u32, u64>::new();
        let mut chunks = Vec::with_capacity(written.len());
        {
            let visible = self.inner.visible();
            for (slot, chunk) in written {
                let end = ends.entry(slot).or_insert_with(|| visible.end(slot));
                chunks.push((slot, *end, chunk));
                *end += u64::from(chunk.records);
            }
        }
        // 2. Commit.
        let named = chunks.iter().map(|(_, _, chunk)| chunk.segment).max();
        let last_segment = named.max(self.inner.index.last_segment()?);
        let commit = Commit { chunks: &chunks, group, offsets, number: *commits + 1, last_segment };
        match self.inner.index.commit(&commit) {
            Ok(()) => {}
            // It was not even tried. Nobody may wait for this to pass: no writer of this process can commit any more.
            Err(error @ Error::Failed { .. }) => return Err(error),
            Err(error) => {
                tracing::error!(%error, "a commit may or may not be durable; the log has to be opened again");
                return Ok(Outcome::Unknown);
            }
        }
        *commits += 1;
        // 3. Show it, all at once.
        let mut visible = self.inner.visible();
        for (slot, end) in ends {
            visible.ends[slot as usize] = end;
        }
        drop(visible);
        self.inner.grown.notify_all();
        Ok(Outcome::Committed)
    }
}

impl Writer for EmbeddedWriter {
    fn begin(&mut self) -> Result<()> {
        self.ticket.check()?;
        if self.open.is_some() {
            return Err(Error::Order("begin needs the open transaction committed or aborted first"));
        }
        self.open = Some(Transaction::default());
        Ok(())
    }

    fn send(&mut self, draft: Draft) -> Result<()> {
        self.ticket.check()?;
        if self.open.is_none() {
            return Err(Error::Order("send needs begin first"));
        }
        let slot = self.slot(&draft.topic, draft.partition)?;
        let bytes = draft.payload_bytes();
        let limit = self.inner.options.max_record_bytes;
        if bytes > limit {
            let at = TopicPartition { topic: draft.topic, partition: draft.partition };
            return Err(Error::TooLarge { at, bytes, setting: format!("max_record_bytes={limit}") });
        }
        self.add(slot, &draft)
    }

    fn commit(&mut self, group: &str, offsets: &[(TopicPartition, u64)]) -> Result<Outcome> {
        let transaction = self.open.as_ref().ok_or(Error::Order("commit needs begin first"))?;
        if transaction.failed {
            return Err(Error::Abort { reason: "an earlier send of it failed".into() });
        }
        let offsets: Result<Vec<(u32, u64)>> = {
            let visible = self.inner.visible();
            let slot =
                |(at, offset): &(TopicPartition, u64)| Ok((visible.slot(&at.topic, at.partition)?, *offset));
            offsets.iter().map(slot).collect()
        };
        if !offsets.as_ref().is_ok_and(Vec::is_empty) && (group.is_empty() || group.contains('\0')) {
            return Err(Error::Order("offsets need the name of a group"));
        }
        let outcome = offsets.and_then(|offsets| {
            self.prepare()?;
            self.publish(group, &offsets)
        });
        self.forget();
        outcome
    }

    fn abort(&mut self) -> Result<()> {
        self.forget();
        Ok(())
    }
}
