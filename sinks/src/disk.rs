//! The seam to the file system: what lake and snapshots ask of a disk, and nothing else.
//!
//! A simulated disk stands behind the same trait, so that what a power cut, a full disk or a failed sync
//! leaves behind can be tried out by the thousand.
//!
//! # Invariants
//! - Content is durable after [`Disk::sync`], a name after [`Disk::sync_dir`] of its directory; before, a power
//!   cut may take either.
//! - An error is the system's own; callers add the path and what they were doing.

use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

#[cfg(any(test, feature = "sim"))]
pub mod sim;

/// A file system.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes `dir` and what is missing above it.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// Writes a file, replacing what it held; not yet durable.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Writes a file that must not exist; not yet durable.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content of a file durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Gives a file another name; what had it is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name, which must be free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Everything a file holds.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Length of a file.
    fn len(&self, path: &Path) -> io::Result<u64>;
    /// Names in a directory, in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Whether `path` is a directory.
    fn is_dir(&self, path: &Path) -> bool;
    /// When a file was last written, as microseconds since 1970-01-01 UTC: for the age of orphans.
    fn modified(&self, path: &Path) -> io::Result<model::Micros>;
    /// Dates a file as if it were written now.
    fn touch(&self, path: &Path) -> io::Result<()>;
    /// Bytes free to this user on the file system that holds `path`.
    fn space(&self, path: &Path) -> io::Result<u64>;
    /// The path without links and detours.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
}

/// A disk shared by the threads of a process.
pub type Shared = Arc<dyn Disk>;

/// The disk of the machine, to be shared.
pub fn machine() -> Shared {
    Arc::new(Machine)
}

/// The disk of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Disk for Machine {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::File::create(path)?.write_all(bytes)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::File::create_new(path)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        fs::metadata(path).map(|metadata| metadata.len())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(dir)?
            .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn modified(&self, path: &Path) -> io::Result<model::Micros> {
        let since = fs::metadata(path)?.modified()?.duration_since(std::time::UNIX_EPOCH);
        Ok(model::Micros::try_from(since.unwrap_or_default().as_micros()).unwrap_or(model::Micros::MAX))
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        fs::File::options().append(true).open(path)?.set_modified(std::time::SystemTime::now())
    }

    fn space(&self, path: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(path)?;
        Ok(space.f_bavail * space.f_frsize)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }
}
