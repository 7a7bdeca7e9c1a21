//! The lake: every row of every table that stands, as plain Parquet under a chain of manifests.
//!
//! # Layout
//! ```text
//! DIR/<table>/date=YYYY-MM-DD/<epoch>-<incarnation>-<digest>.parquet   rows of one day, ordered by time
//! DIR/_manifests/<sequence>.json                                      what was added, what was removed
//! DIR/_manifests/prepared/<sequence>-<digest>.json                    not yet committed, or orphan
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
//! - Removed files stay on disk: queries may hold them.

use crate::{Digest, Error, binding::Intent, views::Rows};
use model::{
    Epoch,
    view::{LakeFile, Snapshot, TableView},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

mod chain;
mod durable;
mod file;
mod flush;
mod manifest;

use chain::Chain;
use manifest::Manifest;

#[cfg(test)]
pub(crate) use file::identities;
pub(crate) use file::{drop_rows, join};

const MANIFESTS: &str = "_manifests";
const PREPARED: &str = "_manifests/prepared";
const INCARNATIONS: &str = "_incarnations";
const INCOMING: &str = "_incoming";

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
    /// While the lake cannot be written, so many bytes of rows may wait in memory before the process
    /// stops; 1 GiB at most.
    pub outbox_bytes: usize,
}

/// The lake of one directory.
#[derive(Debug)]
pub struct Lake {
    dir: PathBuf,
    incarnation: u64,
    chain: Chain,
}

/// A flush that is on disk and waits for its commit.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) intent: Intent,
    pub(crate) manifest: Manifest,
}

impl Lake {
    /// What the lake of another process holds: the files of every table that has some, by name.
    ///
    /// Verifies the chain of manifests and that every file is there in its full length.
    ///
    /// # Errors
    /// [`Error::Disk`] or [`Error::Damaged`].
    pub fn read(dir: &Path) -> Result<BTreeMap<String, Vec<LakeFile>>, Error> {
        let (dir, chain) = verified(dir)?;
        Ok(chain.tables().map(|table| (table.to_owned(), chain.files(table, &dir))).collect())
    }

    /// Every table as the lake of another process holds it, for reading where no process runs.
    ///
    /// Shows the last epoch that wrote to the lake; after a clean stop that is the last one.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn snapshot(dir: &Path) -> Result<Snapshot, Error> {
        let (dir, chain) = verified(dir)?;
        let tables = model::table::all().into_iter().map(|table| {
            let files = Arc::new(chain.files(table.name, &dir));
            (table.name, TableView { files, ..TableView::default() })
        });
        Ok(Snapshot { as_of_epoch: chain.through(), tables: tables.collect(), progress: Vec::new() })
    }

    /// Opens the lake to write it, or creates it; takes the next incarnation.
    ///
    /// # Errors
    /// [`Error::Disk`] if the directory cannot be written, [`Error::Damaged`].
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        for part in [PREPARED, INCARNATIONS, INCOMING] {
            durable::make_dir(&dir.join(part), dir)?;
        }
        let dir = fs::canonicalize(dir).map_err(Error::disk("open", dir))?;
        let incarnation = take_incarnation(&dir)?;
        let chain = Chain::read(&dir)?;
        Ok(Self { dir, incarnation, chain })
    }

    /// Number of this start.
    pub(crate) const fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// The last epoch whose rows the lake holds.
    pub(crate) const fn through(&self) -> Option<Epoch> {
        self.chain.through()
    }

    /// The files of a table.
    pub(crate) fn files(&self, table: &str) -> Vec<LakeFile> {
        self.chain.files(table, &self.dir)
    }

    /// Writes what `tables` hold since the last flush, and a manifest of it that does not count yet.
    pub(crate) fn prepare(&self, epoch: Epoch, tables: &[Rows]) -> Result<Prepared, Error> {
        let (add, remove) = flush::write(self, epoch, tables)?;
        let manifest = Manifest {
            sequence: self.chain.sequence() + 1,
            previous: self.chain.digest(),
            incarnation: self.incarnation,
            first_epoch: self.chain.through().map_or(0, |through| through + 1),
            last_epoch: epoch,
            add,
            remove,
        };
        let (bytes, digest) = manifest.encode();
        let intent = Intent { sequence: manifest.sequence, digest, previous: manifest.previous };
        durable::write(&self.dir.join(INCOMING), &self.prepared(&intent), &bytes)
            .and_then(|()| durable::sync_dir(&self.dir.join(PREPARED)))
            .inspect_err(|_| flush::discard(self, &manifest.add))?;
        Ok(Prepared { intent, manifest })
    }

    /// Counts a committed flush in, whether or not its manifest is published already.
    pub(crate) fn advance(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let path = self.published(prepared.intent.sequence);
        self.chain
            .append(&prepared.manifest, prepared.intent.digest)
            .map_err(|why| Error::damaged(&path, why))
    }

    /// Gives a committed manifest its number; does nothing if it has it.
    pub(crate) fn publish(&self, intent: &Intent) -> Result<(), Error> {
        let (from, to) = (self.prepared(intent), self.published(intent.sequence));
        if durable::link_if_absent(&from, &to)? {
            durable::sync_dir(&self.dir.join(MANIFESTS))?;
            // A second name of the same file; if it stays it is an orphan.
            fs::remove_file(&from).unwrap_or_default();
            return Ok(());
        }
        if !to.exists() {
            let gone = "the log committed this manifest and it is gone: put the lake of this log in place";
            return Err(Error::damaged(&to, gone));
        }
        let (_, digest) = Manifest::read(&to)?;
        if digest == intent.digest {
            return Ok(());
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
        let mut last = 0;
        for intent in intents {
            last = intent.sequence;
            if last > self.chain.sequence() {
                self.publish(intent)?;
                let path = self.published(last);
                let (manifest, digest) = Manifest::read(&path)?;
                self.chain.append(&manifest, digest).map_err(|why| Error::damaged(&path, why))?;
            }
            if self.chain.digest_of(last) != Some(intent.digest) {
                return Err(Error::damaged(&self.published(last), foreign));
            }
        }
        if self.chain.sequence() > last {
            return Err(Error::damaged(&self.published(last + 1), foreign));
        }
        self.chain.check_lengths(&self.dir)
    }

    fn prepared(&self, intent: &Intent) -> PathBuf {
        self.dir.join(format!("{PREPARED}/{:020}-{}.json", intent.sequence, intent.digest.short()))
    }

    fn published(&self, sequence: u64) -> PathBuf {
        self.dir.join(manifest::path(sequence))
    }
}

/// The chain of a lake that somebody else writes: whole, and every file there in its full length.
fn verified(dir: &Path) -> Result<(PathBuf, Chain), Error> {
    let dir = fs::canonicalize(dir).map_err(Error::disk("open", dir))?;
    let chain = Chain::read(&dir)?;
    chain.check_lengths(&dir)?;
    Ok((dir, chain))
}

/// Takes the next free number by creating its file, which also proves that the directory is writable.
fn take_incarnation(dir: &Path) -> Result<u64, Error> {
    let folder = dir.join(INCARNATIONS);
    let taken = durable::numbers(&folder, "")?.last().copied().unwrap_or(0);
    for number in taken + 1.. {
        let path = folder.join(format!("{number:020}"));
        match fs::File::create_new(&path).and_then(|file| file.sync_all()) {
            Ok(()) => {
                durable::sync_dir(&folder)?;
                return Ok(number);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::disk("write", &path)(error)),
        }
    }
    unreachable!("there are more numbers than starts")
}

/// The first bytes of a digest, for a name.
fn name(epoch: Epoch, incarnation: u64, digest: Digest) -> String {
    format!("{epoch:012}-{incarnation:06}-{}.parquet", digest.short())
}

#[cfg(test)]
pub(crate) mod tests;
