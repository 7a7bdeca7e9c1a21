//! Retention: where each partition starts, and which data files are still named.
//!
//! A partition starts at an offset, not at a chunk: the chunk around it stays, and what stands in it before the start is no
//! longer read. Chunks that lie before the start leave the index in the batch that moves it; their files go after that.
//!
//! # Invariants
//! - The batch is the only point at which a start moves: before it everything is kept, after it only files are left over.
//! - An index with a start is of a format that a version without retention refuses.

use std::collections::BTreeSet;

use fjall::PersistMode;

use super::{Index, TRUNCATED, chunk_key, store};
use crate::Result;

impl Index {
    /// The first offset kept of `slot`.
    pub(in crate::embedded) fn start(&self, slot: u32) -> Result<u64> {
        let value = self.log.get(start_key(slot)).map_err(store(&self.dir))?;
        value.map_or(Ok(0), |value| self.exactly(&value).map(u64::from_le_bytes))
    }

    /// Moves the start of `slot` to `start`, durably; true if a chunk is no longer named.
    pub(in crate::embedded) fn truncate(&self, slot: u32, start: u64) -> Result<bool> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        let mut removed = false;
        for item in self.chunks.range(chunk_key(slot, 0)..chunk_key(slot, start)) {
            let (base, chunk) = self.chunk(item)?;
            if base + u64::from(chunk.records) <= start {
                batch.remove(&self.chunks, chunk_key(slot, base));
                removed = true;
            }
        }
        batch.insert(&self.log, start_key(slot), start.to_le_bytes());
        batch.insert(&self.log, "format", TRUNCATED.to_le_bytes());
        batch.commit().map_err(store(&self.dir))?;
        Ok(removed)
    }

    /// The data files that chunks are in. Walks over all chunks.
    pub(in crate::embedded) fn segments(&self) -> Result<BTreeSet<u64>> {
        self.chunks.iter().map(|item| self.chunk(item).map(|(_, chunk)| chunk.segment)).collect()
    }
}

fn start_key(slot: u32) -> Vec<u8> {
    [b"start".as_slice(), &slot.to_be_bytes()].concat()
}
