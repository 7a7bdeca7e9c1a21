//! The lake: every row of every table that stands, as plain Parquet under a chain of manifests.
//!
//! # Layout
//! ```text
//! DIR/<table>/date=YYYY-MM-DD/<epoch>-<incarnation>-<digest>.parquet   rows of one day, ordered by time
//! DIR/_manifests/<sequence>.json                                      what was added, what was removed
//! DIR/_manifests/prepared/<sequence>-<digest>.json                    not yet committed, or orphan
//! DIR/_manifests/folds/<sequence>-<digest>.json                       what the manifests so far come to
//! DIR/_incarnations/<number>                                          one per start
//! DIR/_incoming/                                                      files being written
//! ```
//!
//! # Invariants
//! - A file counts if the chain of manifests adds it and does not remove it; anything else in the
//!   directory is an orphan. Files never change, names are never used again.
//! - A manifest appears whole and once: it is prepared and synced, committed by its digest in the log,
//!   and then linked under its number, which fails if the number is taken.
//! - A manifest names the digest of the one before, so none can be exchanged.
//! - Removed files stay on disk until they are collected, a day later: queries may hold them.
//! - Nothing but the chain decides: folds, joined files and the removal of garbage change what is read and
//!   where it lies, never which rows there are.

use crate::{
    Digest, Error,
    binding::Intent,
    disk::{self, Disk},
    views::Cut,
};
use bytes::Bytes;
use model::{
    Epoch,
    planted::{self, Step},
    similar::Follows,
    table::fingerprints,
    view::{LakeFile, Snapshot, TableView},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

mod chain;
mod compact;
mod durable;
mod file;
mod flush;
mod fold;
mod garbage;
mod incarnation;
mod manifest;
mod names;
mod verify;

use chain::Chain;
use compact::{Joined, Tuning};
use manifest::{Added, Manifest};

pub use garbage::Collected;
pub(crate) use garbage::Swept;
pub use verify::{Finding, Report, verify};

#[cfg(test)]
pub(crate) use file::identities;
pub(crate) use file::{drop_rows, join};

const MANIFESTS: &str = "_manifests";
const PREPARED: &str = "_manifests/prepared";
const FOLDS: &str = "_manifests/folds";
const INCARNATIONS: &str = "_incarnations";
const INCOMING: &str = "_incoming";

/// Identities of the rows of `batch`, for who compares what stands where.
#[cfg(feature = "sim")]
pub fn row_ids(batch: &arrow::array::RecordBatch) -> Vec<model::view::RowId> {
    crate::views::identities(batch)
}

/// Identities of the rows of a file of a lake.
///
/// # Errors
/// [`Error::Disk`] or [`Error::Damaged`].
#[cfg(feature = "sim")]
pub fn file_row_ids(disk: &dyn Disk, path: &Path) -> Result<Vec<model::view::RowId>, Error> {
    file::identities_in(path, &disk.read(path).map_err(Error::disk("read", path))?.into())
}

/// Where the lake lies and when it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Directory of the lake; created if missing.
    pub dir: PathBuf,
    /// The lake is written when so many rows wait for it …
    pub flush_rows: usize,
    /// … or so many bytes of them, in memory …
    pub flush_bytes: usize,
    /// … or when the last time was so many milliseconds ago.
    pub flush_interval_ms: u64,
    /// What no manifest names, and what was removed, is deleted once it is so old, seconds: queries may hold it.
    pub garbage_age_s: u32,
    /// While the lake cannot be written, so many bytes of rows may wait in memory before the process
    /// stops; 1 GiB at most.
    pub outbox_bytes: usize,
    /// Small files of up to so many bytes are joined by each flush; 0 for never.
    pub compact_bytes: u64,
}

/// The lake of one directory.
#[derive(Debug)]
pub struct Lake {
    disk: disk::Shared,
    dir: PathBuf,
    incarnation: u64,
    chain: Chain,
    tuning: Tuning,
    /// Flushes until small files are joined again.
    rest: u32,
    /// Files that are not joined: found damaged, or too large in memory.
    alone: BTreeSet<PathBuf>,
    /// Whether every commit of earlier starts is known.
    settled: bool,
}

/// A flush that is on disk and waits for its commit.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) intent: Intent,
    pub(crate) manifest: Manifest,
    joined: Joined,
}

impl Lake {
    /// What the lake of another process holds: the files of every table that has some, by name.
    ///
    /// Verifies the chain of manifests and that every file is there in its full length.
    ///
    /// # Errors
    /// [`Error::Disk`] or [`Error::Damaged`].
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<BTreeMap<String, Vec<LakeFile>>, Error> {
        let (dir, chain) = verified(disk, dir)?;
        Ok(chain.tables().map(|table| (table.to_owned(), chain.files(table, &dir))).collect())
    }

    /// Every table as the lake of another process holds it, for reading where no process runs.
    ///
    /// Shows the last epoch that wrote to the lake; after a clean stop that is the last one. `similar` is told of the
    /// fingerprints.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn snapshot(disk: &dyn Disk, dir: &Path, mut similar: Box<dyn Follows>) -> Result<Snapshot, Error> {
        let (dir, chain) = verified(disk, dir)?;
        let tables = model::table::all().into_iter().map(|table| {
            let files = Arc::new(chain.files(table.name, &dir));
            (table.name, TableView { files, ..TableView::default() })
        });
        tell_fingerprints(disk, &dir, &chain, &mut *similar)?;
        let (tables, similar) = (tables.collect(), similar.version());
        Ok(Snapshot { as_of_epoch: chain.through(), tables, similar, ..Snapshot::default() })
    }

    /// Opens the lake to write it, or creates it; takes the next incarnation.
    ///
    /// # Errors
    /// [`Error::Disk`] if the directory cannot be written, [`Error::Damaged`].
    pub(crate) fn open(disk: disk::Shared, dir: &Path) -> Result<Self, Error> {
        let new = !disk.is_dir(dir);
        for part in [PREPARED, FOLDS, INCARNATIONS, INCOMING] {
            durable::make_dir(&*disk, &dir.join(part))?;
        }
        let dir = disk.canonical(dir).map_err(Error::disk("open", dir))?;
        durable::sync_above(&*disk, &dir, new)?;
        // With these also the number of a manifest whose publisher died before it was durable.
        [&dir, &dir.join(MANIFESTS)].into_iter().try_for_each(|dir| durable::sync_dir(&*disk, dir))?;
        let incarnation = incarnation::take(&*disk, &dir)?;
        let chain = Chain::read(&*disk, &dir)?;
        let (tuning, rest, alone, settled) = (Tuning::default(), 0, BTreeSet::new(), false);
        Ok(Self { disk, dir, incarnation, chain, tuning, rest, alone, settled })
    }

    /// The same, joining small files of up to so many bytes with each flush; 0, as before, for never.
    pub(crate) fn compacting(mut self, bytes: u64) -> Self {
        self.tuning.compact_bytes = bytes;
        self
    }

    /// Number of this start.
    pub(crate) const fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// The last epoch whose rows the lake holds.
    pub(crate) const fn through(&self) -> Option<Epoch> {
        self.chain.through()
    }

    /// Tells `similar` of every fingerprint the lake holds.
    pub(crate) fn tell_fingerprints(&self, similar: &mut dyn Follows) -> Result<(), Error> {
        tell_fingerprints(&*self.disk, &self.dir, &self.chain, similar)
    }

    /// The files of a table.
    pub(crate) fn files(&self, table: &str) -> Vec<LakeFile> {
        self.chain.files(table, &self.dir)
    }

    /// Writes what was cut of `tables` at the end of `epoch`, and a manifest of it that does not count yet.
    ///
    /// Small files may be joined on the way; what stands in the way of that is said and changes nothing.
    pub(crate) fn prepare(&self, epoch: Epoch, tables: &[Cut]) -> Result<Prepared, Error> {
        let compact = self.tuning.compact_bytes > 0 && self.rest == 0;
        let (add, remove, joined) = flush::write(self, epoch, tables, compact)?;
        planted::reached(Step::FilesWritten);
        let manifest = Manifest {
            sequence: self.chain.sequence() + 1,
            previous: self.chain.digest(),
            incarnation: self.incarnation,
            first_epoch: self.chain.through().map_or(0, |through| through + 1),
            last_epoch: epoch,
            add,
            remove,
            fold: fold::write_if_due(self),
        };
        let (bytes, digest) = manifest.encode();
        let intent = Intent { sequence: manifest.sequence, digest, previous: manifest.previous };
        let disk = &*self.disk;
        durable::write(disk, &self.dir.join(INCOMING), &self.prepared(&intent), &bytes)
            .and_then(|()| durable::sync_dir(disk, &self.dir.join(PREPARED)))
            .inspect_err(|_| flush::discard(self, &manifest.add))?;
        Ok(Prepared { intent, manifest, joined })
    }

    /// Removes the files of a flush that will not be committed; what cannot be removed is an orphan.
    pub(crate) fn discard(&self, prepared: &Prepared) {
        flush::discard(self, &prepared.manifest.add);
        self.disk.remove(&self.prepared(&prepared.intent)).unwrap_or_default();
    }

    /// Counts a committed flush in, whether or not its manifest is published already.
    pub(crate) fn advance(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let path = self.published(prepared.intent.sequence);
        self.chain
            .append(&prepared.manifest, prepared.intent.digest)
            .map_err(|why| Error::damaged(&path, why))?;
        self.rest = if prepared.joined.refused { compact::REST } else { self.rest.saturating_sub(1) };
        self.alone.extend(prepared.joined.alone.iter().cloned());
        Ok(())
    }

    /// Gives a committed manifest its number; does nothing if it has it.
    pub(crate) fn publish(&self, intent: &Intent) -> Result<(), Error> {
        let disk = &*self.disk;
        let (from, to) = (self.prepared(intent), self.published(intent.sequence));
        // What it removes is old from now on, not from when it was prepared: readers found it until now. If it cannot be
        // said, it goes sooner.
        disk.touch(&from).unwrap_or_default();
        if durable::link_if_absent(disk, &from, &to)? {
            durable::sync_dir(disk, &self.dir.join(MANIFESTS))?;
            // A second name of the same file; if it stays it is an orphan.
            disk.remove(&from).unwrap_or_default();
            return Ok(());
        }
        if durable::length(disk, &to).map_err(Error::disk("publish", &to))?.is_none() {
            let gone = "the log committed this manifest and it is gone: put the lake of this log in place";
            return Err(Error::damaged(&to, gone));
        }
        let (_, digest) = Manifest::read(disk, &to)?;
        if digest == intent.digest {
            // Whoever named it may have stopped before the name was durable.
            return durable::sync_dir(disk, &self.dir.join(MANIFESTS));
        }
        Err(Error::damaged(&to, "another manifest has this number: a second pipeline writes here; stop it"))
    }

    /// Publishes every committed intent that has no manifest, and refuses a lake that is not this log's.
    pub(crate) fn roll_forward<'a>(
        &mut self,
        intents: impl Iterator<Item = &'a Intent>,
    ) -> Result<(), Error> {
        let foreign = "the log did not commit this manifest: the lake belongs to another log; set another \
                       lake.dir, or put the log of this lake in place";
        let (mut last, mut before) = (0, None);
        for intent in intents {
            if before.is_some_and(|before| (last + 1, Some(before)) != (intent.sequence, intent.previous)) {
                return Err(Error::damaged(&self.published(intent.sequence), foreign));
            }
            (last, before) = (intent.sequence, Some(intent.digest));
            if last > self.chain.sequence() {
                self.publish(intent)?;
                let path = self.published(last);
                let (manifest, digest) = Manifest::read(&*self.disk, &path)?;
                self.chain.append(&manifest, digest).map_err(|why| Error::damaged(&path, why))?;
            }
            // Of the folded ones no digest is known; each is named by the one after it.
            if last >= self.chain.first_known() && self.chain.digest_of(last) != Some(intent.digest) {
                return Err(Error::damaged(&self.published(last), foreign));
            }
        }
        if self.chain.sequence() > last {
            return Err(Error::damaged(&self.published(last + 1), foreign));
        }
        self.settled = true;
        self.chain.check_lengths(&*self.disk, &self.dir)
    }

    /// Path and content of a file as it was written; damage is not passed on.
    fn content(&self, file: &Added) -> Result<(PathBuf, Bytes), Error> {
        content(&*self.disk, &self.dir, file)
    }

    fn prepared(&self, intent: &Intent) -> PathBuf {
        self.dir.join(PREPARED).join(names::numbered(intent.sequence, intent.digest))
    }

    fn published(&self, sequence: u64) -> PathBuf {
        self.dir.join(manifest::path(sequence))
    }
}

/// The chain of a lake that somebody else writes: whole, and every file there in its full length.
fn verified(disk: &dyn Disk, dir: &Path) -> Result<(PathBuf, Chain), Error> {
    let dir = disk.canonical(dir).map_err(Error::disk("open", dir))?;
    let chain = Chain::read(disk, &dir)?;
    chain.check_lengths(disk, &dir)?;
    Ok((dir, chain))
}

/// Tells `similar` of every fingerprint in the lake in `dir`.
fn tell_fingerprints(
    disk: &dyn Disk,
    dir: &Path,
    chain: &Chain,
    similar: &mut dyn Follows,
) -> Result<(), Error> {
    for file in chain.entries(fingerprints::table().name) {
        let (path, bytes) = content(disk, dir, file)?;
        for batch in file::rows(&path, &bytes)? {
            let standing = fingerprints::read(&batch).into_iter().map(|row| (row, 1));
            similar.apply(&standing.collect::<Vec<_>>());
        }
    }
    Ok(())
}

/// Path and content of a file of the lake in `dir` as it was written; damage is not passed on.
fn content(disk: &dyn Disk, dir: &Path, file: &Added) -> Result<(PathBuf, Bytes), Error> {
    let path = dir.join(&file.path);
    let bytes = disk.read(&path).map_err(Error::disk("read", &path))?;
    if Digest::of(&bytes) == file.blake3 {
        return Ok((path, bytes.into()));
    }
    Err(Error::damaged(&path, "the content changed since it was written: restore it from a copy"))
}

#[cfg(test)]
pub(crate) mod tests;
