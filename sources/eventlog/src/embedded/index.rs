//! The index: topics, where each chunk stands, consumer offsets; one atomic, fsynced batch per commit.
//!
//! # Layout
//! Four keyspaces. `topics`: name → first slot and number of partitions. `chunks`: slot, base offset → [`Chunk`].
//! `offsets`: group, NUL, slot → next offset. `log`: format, number of commits, last data file,
//! `start` and slot → first offset kept.
//! Numbers in keys are big endian (so keys sort by them), in values little endian. A *slot* numbers all partitions of
//! all topics, from 0.
//!
//! # Invariants
//! - The batch is the only commit point: what it does not name does not exist.
//! - The witness file holds a number of commits that were acknowledged, never more than are durable; an index that
//!   knows fewer has lost some and is refused.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, UserValue,
    config::CompressionPolicy,
};

mod retention;

use super::{segment::disk, unfinished};
use crate::{Error, Result};

/// Written into new logs; a number not known here is refused.
const FORMAT: u64 = 1;
/// Written by the first truncation.
const TRUNCATED: u64 = 2;
/// An entry has about 60 bytes: 2 MiB hold more of them than a second of commits makes.
const MEMTABLE_BYTES: u64 = 2 * 1_024 * 1_024;
/// Readers walk forward and ask the index once per [`PREFETCH`] chunks; a larger cache gained nothing.
const CACHE_BYTES: u64 = 2 * 1_024 * 1_024;
/// The least the store allows.
const JOURNAL_BYTES: u64 = 64 * 1_024 * 1_024;
/// So many chunks are looked up at once.
const PREFETCH: usize = 64;

/// Where a chunk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Number of the data file.
    pub(super) segment: u64,
    /// First byte in it.
    pub(super) position: u64,
    /// Number of bytes.
    pub(super) length: u32,
    /// Number of records.
    pub(super) records: u32,
    /// CRC-32C of the bytes.
    pub(super) checksum: u32,
}

/// A topic as the index knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TopicSlots {
    /// Slot of partition 0; the others follow.
    pub(super) first: u32,
    /// Number of partitions.
    pub(super) partitions: u32,
}

/// What one commit writes.
#[derive(Debug)]
pub(super) struct Commit<'commit> {
    /// Slot, base offset, chunk.
    pub(super) chunks: &'commit [(u32, u64, Chunk)],
    /// Consumer group.
    pub(super) group: &'commit str,
    /// Slot, next offset.
    pub(super) offsets: &'commit [(u32, u64)],
    /// Number of this commit, from 1.
    pub(super) number: u64,
    /// The last data file named by any commit.
    pub(super) last_segment: Option<u64>,
}

/// The index of one log.
pub(super) struct Index {
    dir: PathBuf,
    database: Database,
    topics: Keyspace,
    chunks: Keyspace,
    offsets: Keyspace,
    log: Keyspace,
    witness: File,
}

impl Index {
    /// Opens or creates the index in `dir`.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).map_err(disk("create", dir))?;
        let (path, witness) = (dir.join("index"), dir.join("witness"));
        unfinished::clear(dir, &path, &witness)?;
        let store = store(dir);
        let database = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .max_cached_files(Some(64))
            .max_journaling_size(JOURNAL_BYTES)
            .journal_compression(CompressionType::None)
            .open()
            .map_err(&store)?;
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .data_block_compression_policy(CompressionPolicy::disabled())
        };
        let keyspace = |name| database.keyspace(name, options).map_err(&store);
        let (topics, chunks) = (keyspace("topics")?, keyspace("chunks")?);
        let (offsets, log) = (keyspace("offsets")?, keyspace("log")?);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&witness);
        let witness = file.and_then(|file| file.sync_all().map(|()| file)).map_err(disk("open", &witness))?;
        let index = Self { dir: dir.to_owned(), database, topics, chunks, offsets, log, witness };
        index.check()?;
        Ok(index)
    }

    fn check(&self) -> Result<()> {
        match self.number("format")? {
            Some(FORMAT | TRUNCATED) => {}
            Some(format) => return Err(self.corrupt(format!("format {format} is not known to this version"))),
            None => self.log.insert("format", FORMAT.to_le_bytes()).map_err(store(&self.dir))?,
        }
        let mut seen = [0; 12];
        match self.witness.read_exact_at(&mut seen, 0) {
            Ok(()) => {}
            // Empty: nothing was acknowledged since it was made.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(disk("read", &self.dir)(error)),
        }
        let (number, checksum) = seen.split_at(8);
        if crc32c::crc32c(number).to_le_bytes() != checksum {
            return Err(self.corrupt("the witness of commits does not match its checksum".into()));
        }
        let acknowledged = u64::from_le_bytes(number.try_into().expect("split at 8"));
        let found = self.commits()?;
        if acknowledged > found {
            return Err(self.corrupt(format!("{acknowledged} commits were acknowledged, {found} are there")));
        }
        Ok(())
    }

    /// Number of commits so far.
    pub(super) fn commits(&self) -> Result<u64> {
        Ok(self.number("commits")?.unwrap_or(0))
    }

    /// The last data file named by any commit.
    pub(super) fn last_segment(&self) -> Result<Option<u64>> {
        self.number("last_segment")
    }

    /// All topics.
    pub(super) fn topics(&self) -> Result<Vec<(String, TopicSlots)>> {
        let mut topics = Vec::new();
        for item in self.topics.iter() {
            let (name, value) = item.into_inner().map_err(store(&self.dir))?;
            let name =
                std::str::from_utf8(&name).map_err(|_| self.corrupt("a topic name is not UTF-8".into()))?;
            let slots: [u8; 8] = self.exactly(&value)?;
            let (first, partitions) = (u32_at(&slots, 0), u32_at(&slots, 4));
            topics.push((name.to_owned(), TopicSlots { first, partitions }));
        }
        Ok(topics)
    }

    /// Adds topics, durably.
    pub(super) fn add_topics<'name>(
        &self,
        topics: impl Iterator<Item = (&'name str, TopicSlots)>,
    ) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (name, slots) in topics {
            let value = [slots.first.to_le_bytes(), slots.partitions.to_le_bytes()].concat();
            batch.insert(&self.topics, name, value);
        }
        batch.commit().map_err(store(&self.dir))
    }

    /// One past the last offset of `slot`.
    pub(super) fn end(&self, slot: u32) -> Result<u64> {
        match self.chunks.prefix(slot.to_be_bytes()).next_back() {
            Some(item) => self.chunk(item).map(|(base, chunk)| base + u64::from(chunk.records)),
            None => self.start(slot),
        }
    }

    /// The chunk that holds `offset` of `slot`, and some that follow, each with its base offset.
    pub(super) fn chunks_from(&self, slot: u32, offset: u64) -> Result<Vec<(u64, Chunk)>> {
        let Some(first) = self.chunks.range(chunk_key(slot, 0)..=chunk_key(slot, offset)).next_back() else {
            return Err(self.corrupt(format!("offset {offset} of partition slot {slot} is missing")));
        };
        let (base, _) = self.chunk(first)?;
        let all = self.chunks.range(chunk_key(slot, base)..=chunk_key(slot, u64::MAX));
        all.take(PREFETCH).map(|item| self.chunk(item)).collect()
    }

    /// The offset `group` committed for `slot`.
    pub(super) fn offset(&self, group: &str, slot: u32) -> Result<Option<u64>> {
        let value = self.offsets.get(offset_key(group, slot)).map_err(store(&self.dir))?;
        value.map(|value| self.exactly(&value).map(u64::from_le_bytes)).transpose()
    }

    /// Writes `commit`; it is durable when this returns. After an error it may or may not be, but for
    /// [`Error::Failed`]: an earlier one failed, and this one was not tried.
    pub(super) fn commit(&self, commit: &Commit<'_>) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (slot, base, chunk) in commit.chunks {
            batch.insert(&self.chunks, chunk_key(*slot, *base), chunk_value(chunk));
        }
        for (slot, offset) in commit.offsets {
            batch.insert(&self.offsets, offset_key(commit.group, *slot), offset.to_le_bytes());
        }
        batch.insert(&self.log, "commits", commit.number.to_le_bytes());
        if let Some(segment) = commit.last_segment {
            batch.insert(&self.log, "last_segment", segment.to_le_bytes());
        }
        batch.commit().map_err(store(&self.dir))?;
        // Not synced: it may lag behind after a power cut, and must never run ahead.
        let number = commit.number.to_le_bytes();
        let witness = [number.as_slice(), &crc32c::crc32c(&number).to_le_bytes()].concat();
        if let Err(error) = self.witness.write_all_at(&witness, 0) {
            tracing::warn!(%error, "could not note a commit in the witness file; a lost index entry may go unseen");
        }
        Ok(())
    }

    fn chunk(&self, item: fjall::Guard) -> Result<(u64, Chunk)> {
        let (key, value) = item.into_inner().map_err(store(&self.dir))?;
        let (key, value): ([u8; 12], [u8; 28]) = (self.exactly(&key)?, self.exactly(&value)?);
        let base = u64::from_be_bytes(key[4..].try_into().expect("12 bytes"));
        let chunk = Chunk {
            segment: u64_at(&value, 0),
            position: u64_at(&value, 8),
            length: u32_at(&value, 16),
            records: u32_at(&value, 20),
            checksum: u32_at(&value, 24),
        };
        Ok((base, chunk))
    }

    fn number(&self, name: &str) -> Result<Option<u64>> {
        let value = self.log.get(name).map_err(store(&self.dir))?;
        value.map(|value: UserValue| self.exactly(&value).map(u64::from_le_bytes)).transpose()
    }

    fn exactly<const N: usize>(&self, bytes: &[u8]) -> Result<[u8; N]> {
        bytes
            .try_into()
            .map_err(|_| self.corrupt(format!("an index entry has {} bytes, not {N}", bytes.len())))
    }

    fn corrupt(&self, detail: String) -> Error {
        Error::Corrupt { path: self.dir.clone(), detail }
    }
}

fn chunk_key(slot: u32, base: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&slot.to_be_bytes());
    key[4..].copy_from_slice(&base.to_be_bytes());
    key
}

fn chunk_value(chunk: &Chunk) -> [u8; 28] {
    let mut value = [0; 28];
    value[..8].copy_from_slice(&chunk.segment.to_le_bytes());
    value[8..16].copy_from_slice(&chunk.position.to_le_bytes());
    value[16..20].copy_from_slice(&chunk.length.to_le_bytes());
    value[20..24].copy_from_slice(&chunk.records.to_le_bytes());
    value[24..].copy_from_slice(&chunk.checksum.to_le_bytes());
    value
}

fn offset_key(group: &str, slot: u32) -> Vec<u8> {
    [group.as_bytes(), &[0], &slot.to_be_bytes()].concat()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

/// Says what an error of the store means for who runs the log.
fn store(dir: &Path) -> impl Fn(fjall::Error) -> Error + use<> {
    let dir = dir.to_owned();
    move |error| match error {
        fjall::Error::Locked => Error::Locked(dir.clone()),
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
            Error::Disk { doing: "use the index in", path: dir.clone(), source }
        }
        fjall::Error::Poisoned => Error::Failed { reason: "an earlier write of its index failed".into() },
        other => Error::Corrupt { path: dir.clone(), detail: other.to_string() },
    }
}
