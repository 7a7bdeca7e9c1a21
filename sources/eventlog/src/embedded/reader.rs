//! The reader of the embedded log: partitions in turn, a chunk at a time.
//!
//! # Bound
//! One chunk is held, and the places of the next few per partition.

use std::{collections::VecDeque, ops::Range, sync::Arc, time::Duration};

use super::{Inner, chunk::Decoder, index::Chunk, segment::Segment};
use crate::{Budget, Error, Reader, Record, Result, TopicPartition};

pub(super) struct EmbeddedReader {
    inner: Arc<Inner>,
    assigned: Vec<Assigned>,
    /// Whose turn it is.
    turn: usize,
    loaded: Option<Loaded>,
    /// The buffer of the last chunk, reused.
    spare: Vec<u8>,
    segment: Option<Arc<Segment>>,
}

struct Assigned {
    at: TopicPartition,
    slot: u32,
    next: u64,
    /// The offsets that can be read, as of this poll.
    range: Range<u64>,
    ahead: VecDeque<(u64, Chunk)>,
}

impl Assigned {
    fn gone(&self, range: Range<u64>) -> Error {
        Error::OutOfRange { at: self.at.clone(), offset: self.next, range }
    }
}

/// The chunk of the partition whose turn it is, from its next offset on.
struct Loaded {
    decoder: Decoder,
    past: u64,
}

impl EmbeddedReader {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, assigned: Vec::new(), turn: 0, loaded: None, spare: Vec::new(), segment: None }
    }

    /// Takes the ends of all partitions at one moment, after waiting at most `wait` for one to pass a next offset.
    fn look(&mut self, wait: Duration) -> bool {
        let Self { inner, assigned, .. } = self;
        let nothing_new =
            |visible: &mut super::Visible| assigned.iter().all(|one| visible.end(one.slot) <= one.next);
        let visible = inner.visible();
        let waited = inner.grown.wait_timeout_while(visible, wait, nothing_new);
        let (visible, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        for one in assigned.iter_mut() {
            one.range = visible.range(one.slot);
        }
        assigned.iter().any(|one| one.next < one.range.end)
    }

    /// Loads the chunk that holds the next offset of the partition whose turn it is.
    fn load(&mut self) -> Result<Loaded> {
        let one = &mut self.assigned[self.turn];
        if one.ahead.is_empty() {
            one.ahead = self.inner.index.chunks_from(one.slot, one.next)?.into();
        }
        let (base, chunk) = one.ahead.pop_front().expect("the index answers with at least one chunk");
        let segment = match &self.segment {
            Some(segment) if segment.id == chunk.segment => segment,
            _ => self.segment.insert(self.inner.segments.get(chunk.segment)?),
        };
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.resize(chunk.length as usize, 0);
        segment.read(chunk.position, &mut bytes)?;
        if crc32c::crc32c(&bytes) != chunk.checksum {
            return Err(
                segment.corrupt(format!("chunk at byte {} does not match its checksum", chunk.position))
            );
        }
        let past = base + u64::from(chunk.records);
        if !(base..past).contains(&one.next) {
            return Err(segment.corrupt(format!("offset {} of {} is missing", one.next, one.at)));
        }
        let mut decoder = Decoder::new(bytes);
        for _ in base..one.next {
            decoder
                .skip()
                .ok_or_else(|| segment.corrupt(format!("offset {} of {} is broken", one.next, one.at)))?;
        }
        Ok(Loaded { decoder, past })
    }

    /// What kept a chunk from being loaded: damage, or retention that moved the start meanwhile.
    fn explain(&mut self, error: Error) -> Error {
        let one = &mut self.assigned[self.turn];
        one.ahead.clear();
        let range = self.inner.visible().range(one.slot);
        if one.next < range.start { one.gone(range) } else { error }
    }

    /// Reads partitions in turn until the budget or what is committed ends.
    fn fill(&mut self, budget: Budget, into: &mut Vec<Record>) -> Result<()> {
        let (mut records, mut bytes, mut idle) = (0, 0, 0);
        while idle < self.assigned.len() {
            let one = &self.assigned[self.turn];
            if one.next < one.range.start {
                return Err(one.gone(one.range.clone()));
            }
            if one.next >= one.range.end {
                self.pass();
                idle += 1;
                continue;
            }
            idle = 0;
            let mut loaded = match self.loaded.take() {
                Some(loaded) => loaded,
                None => self.load().map_err(|error| self.explain(error))?,
            };
            let one = &mut self.assigned[self.turn];
            while one.next < loaded.past {
                let broken = || Error::Corrupt {
                    path: self.inner.options.dir.clone(),
                    detail: format!("offset {} of {} is broken", one.next, one.at),
                };
                let size = loaded.decoder.peek_bytes().ok_or_else(broken)?;
                if records >= budget.records || (records > 0 && bytes + size > budget.bytes) {
                    self.loaded = Some(loaded);
                    return Ok(());
                }
                into.push(loaded.decoder.next(&one.at, one.next).ok_or_else(broken)?);
                (records, bytes) = (records + 1, bytes + size);
                one.next += 1;
            }
            self.spare = loaded.decoder.into_bytes();
            self.pass();
        }
        Ok(())
    }

    fn pass(&mut self) {
        self.turn = (self.turn + 1) % self.assigned.len();
    }
}

impl Reader for EmbeddedReader {
    fn assign(&mut self, at: &[(TopicPartition, u64)]) -> Result<()> {
        let visible = self.inner.visible();
        let mut assigned = Vec::with_capacity(at.len());
        for (at, next) in at {
            let slot = visible.slot(&at.topic, at.partition)?;
            let range = visible.range(slot);
            let one = Assigned { at: at.clone(), slot, next: *next, range, ahead: VecDeque::new() };
            if *next < one.range.start || *next > one.range.end {
                return Err(one.gone(one.range.clone()));
            }
            assigned.push(one);
        }
        drop(visible);
        (self.assigned, self.turn, self.loaded) = (assigned, 0, None);
        Ok(())
    }

    fn poll(&mut self, budget: Budget, wait: Duration, into: &mut Vec<Record>) -> Result<()> {
        if !self.look(wait) {
            return Ok(());
        }
        let before = into.len();
        match self.fill(budget, into) {
            // The damage is met again by the next poll; what stands before it is good.
            Err(_) if into.len() > before => Ok(()),
            filled => filled,
        }
    }

    fn positions(&self) -> Vec<(TopicPartition, u64)> {
        self.assigned.iter().map(|one| (one.at.clone(), one.next)).collect()
    }
}
