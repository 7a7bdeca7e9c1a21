//! Clears away an index that was never finished: the disk was full or the process ended while it was made.
//!
//! The store writes its version file last and refuses to be made where files of an earlier attempt lie, so
//! without this such a log could never be opened again.
//!
//! # Invariants
//! - Nothing is removed that a commit could depend on: without the version file the store was never opened,
//!   and without a witness nothing was ever acknowledged.
//! - Nothing is removed from under another process: the store's own lock is held meanwhile.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

use super::segment::disk;
use crate::{Error, Result};

/// Written by the store when everything else of it is there.
const VERSION: &str = "version";
/// Locked by the process that has the store open.
const LOCK: &str = "lock";

/// Clears `index`, the directory of the store in the log directory `dir`, if it was never finished.
///
/// # Errors
/// [`Error::Locked`] while another process makes it, [`Error::Disk`].
pub(super) fn clear(dir: &Path, index: &Path, witness: &Path) -> Result<()> {
    if exists(&index.join(VERSION))? || exists(witness)? || !exists(&index.join(LOCK))? {
        return Ok(());
    }
    let path = index.join(LOCK);
    let lock = File::options().write(true).open(&path).map_err(disk("open", &path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => return Err(disk("lock", &path)(error)),
    }
    // It may have been finished before the lock was free.
    if exists(&index.join(VERSION))? {
        return Ok(());
    }
    for entry in fs::read_dir(index).map_err(disk("read", index))? {
        let entry = entry.map_err(disk("read", index))?;
        if entry.file_name() != LOCK {
            remove(&entry).map_err(disk("remove", &entry.path()))?;
        }
    }
    Ok(())
}

fn exists(path: &Path) -> Result<bool> {
    path.try_exists().map_err(disk("find", path))
}

fn remove(entry: &fs::DirEntry) -> io::Result<()> {
    if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::{Embedded, Options};

    fn options(dir: &Path) -> Options {
        Options { dir: dir.to_owned(), segment_bytes: 1 << 20, max_record_bytes: 1 << 10 }
    }

    /// What a first start leaves behind that ended when the journal could not be made as large as it must be.
    fn interrupted(dir: &Path) {
        fs::create_dir_all(dir.join("index/keyspaces")).unwrap();
        fs::write(dir.join("index").join(LOCK), "").unwrap();
        fs::write(dir.join("index/0.jnl"), "").unwrap();
    }

    #[test]
    fn a_start_that_was_cut_short_is_made_good() {
        let dir = tempfile::tempdir().unwrap();
        interrupted(dir.path());
        drop(Embedded::open(&options(dir.path())).unwrap());
        Embedded::open(&options(dir.path())).unwrap();
    }

    #[test]
    fn another_process_that_makes_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        interrupted(dir.path());
        let lock = File::options().write(true).open(dir.path().join("index").join(LOCK)).unwrap();
        lock.try_lock().unwrap();
        let refusal = Embedded::open(&options(dir.path())).unwrap_err();
        assert!(matches!(refusal, Error::Locked(_)), "{refusal}");
        assert!(dir.path().join("index/0.jnl").exists());
    }

    #[test]
    fn an_index_that_lost_its_version_is_not_cleared() {
        let dir = tempfile::tempdir().unwrap();
        drop(Embedded::open(&options(dir.path())).unwrap());
        fs::remove_file(dir.path().join("index").join(VERSION)).unwrap();
        Embedded::open(&options(dir.path())).unwrap_err();
        assert!(dir.path().join("index/0.jnl").exists());
    }
}
