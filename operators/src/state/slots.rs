//! Where entries stand: slots that are numbered, and an index that knows the number by key.
//!
//! A store of millions grows while epochs wait for it. Slots stand in chunks and are never moved; the index is many
//! tables, each of which grows alone and at its own time, because keys spread over them by chance.
//!
//! # Invariants
//! - Looked up, never walked in the order of hashing.

use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash, RandomState};

/// Slots of a chunk.
const CHUNK: usize = 1 << 10;
/// Tables of an index: growing one of them moves one in so many of the keys.
const TABLES: usize = 256;

/// Numbered slots; a number is given again once its slot was emptied.
pub(super) struct Slots<T> {
    /// All full but the last.
    chunks: Vec<Vec<Option<T>>>,
    free: Vec<usize>,
}

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new() }
    }

    /// Slots that are not empty.
    pub(super) fn len(&self) -> usize {
        self.end() - self.free.len()
    }

    /// The first number that was never given.
    pub(super) fn end(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Puts `value` into an empty slot and gives its number.
    pub(super) fn put(&mut self, value: T) -> usize {
        if let Some(at) = self.free.pop() {
            self.chunks[at / CHUNK][at % CHUNK] = Some(value);
            return at;
        }
        let at = self.end();
        if at.is_multiple_of(CHUNK) {
            // The first grows with its store, which may stay small.
            let capacity = if at == 0 { 0 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(capacity));
        }
        self.chunks[at / CHUNK].push(Some(value));
        at
    }

    /// Empties a slot that is not empty.
    pub(super) fn take(&mut self, at: usize) -> Option<T> {
        self.free.push(at);
        self.chunks[at / CHUNK][at % CHUNK].take()
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.chunks[at / CHUNK][at % CHUNK].as_ref()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.chunks[at / CHUNK][at % CHUNK].as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten().flatten()
    }
}

/// Numbers of slots, by the keys in them.
pub(super) struct Index {
    hasher: RandomState,
    tables: Vec<HashTable<usize>>,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), tables: (0..TABLES).map(|_| HashTable::new()).collect() }
    }

    /// The table of a hash: by bits that the table itself does not look at.
    const fn table(hash: u64) -> usize {
        (hash >> 40) as usize % TABLES
    }

    /// The slot of `key`; `key_of` gives the key in a slot.
    pub(super) fn find<'k, K: Hash + Eq + 'k>(
        &self,
        key: &K,
        key_of: impl Fn(usize) -> &'k K,
    ) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        self.tables[Self::table(hash)].find(hash, |at| key_of(*at) == key).copied()
    }

    /// Adds the slot `at`, whose key is in no other.
    pub(super) fn insert<'k, K: Hash + 'k>(&mut self, at: usize, key_of: impl Fn(usize) -> &'k K) {
        let Self { hasher, tables } = self;
        let hash = hasher.hash_one(key_of(at));
        tables[Self::table(hash)].insert_unique(hash, at, |at| hasher.hash_one(key_of(*at)));
    }

    /// Removes the slot `at`, whose key is still in it.
    pub(super) fn remove<K: Hash>(&mut self, at: usize, key: &K) {
        let hash = self.hasher.hash_one(key);
        if let Ok(entry) = self.tables[Self::table(hash)].find_entry(hash, |other| *other == at) {
            entry.remove();
        }
    }
}
