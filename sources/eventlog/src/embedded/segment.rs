//! The data files: chunks of all partitions, one behind the other.
//!
//! A file holds no structure of its own; the index says where each committed chunk stands and what its checksum is.
//! Bytes no index entry names (an aborted transaction, a crash) are dead weight and never read.
//!
//! # Invariants
//! - A file is only appended to; a byte once written is not written again.
//! - After a failed fsync nothing more is accepted until the log is opened again: the kernel may have dropped pages of
//!   any transaction (<https://www.usenix.org/system/files/atc20-rebello.pdf>).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crossbeam_channel::{Sender, bounded};

use crate::{Error, Result};

/// So many files stay open for reading, fewer than the 1,024 descriptors a process gets by default.
const OPEN_FILES: usize = 64;

/// One data file.
#[derive(Debug)]
pub(super) struct Segment {
    /// Number of the file, growing.
    pub(super) id: u64,
    data: Arc<Data>,
}

/// What a file is made of: a sync under way holds this alone, so that it keeps no file that nobody needs.
#[derive(Debug)]
struct Data {
    path: PathBuf,
    file: File,
    syncing: Mutex<()>,
}

impl Segment {
    fn new(id: u64, path: PathBuf, file: File) -> Self {
        Self { id, data: Arc::new(Data { path, file, syncing: Mutex::default() }) }
    }

    /// Fills `into` from `position`.
    pub(super) fn read(&self, position: u64, into: &mut [u8]) -> Result<()> {
        self.data.file.read_exact_at(into, position).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                self.corrupt(format!("it ends before byte {position}+{}", into.len()))
            }
            _ => Error::Disk { doing: "read", path: self.data.path.clone(), source },
        })
    }

    /// The error that says this file is damaged.
    pub(super) fn corrupt(&self, detail: String) -> Error {
        Error::Corrupt { path: self.data.path.clone(), detail }
    }
}

/// All data files of a log.
#[derive(Debug)]
pub(super) struct Segments {
    dir: PathBuf,
    limit: u64,
    active: Mutex<Active>,
    open: Mutex<BTreeMap<u64, Arc<Segment>>>,
    failed: Arc<AtomicBool>,
    early: Sender<Arc<Data>>,
}

#[derive(Debug)]
struct Active {
    segment: Option<Arc<Segment>>,
    end: u64,
    next_id: u64,
    /// Files made since the log was opened: one that a writer holds may have chunks the index does not name yet.
    made: Vec<(u64, Weak<Segment>)>,
}

impl Segments {
    /// Opens the files in `dir`; a new file begins once one has `limit` bytes. Files after `last` were never committed
    /// to and are removed.
    pub(super) fn open(dir: PathBuf, limit: u64, last: Option<u64>) -> Result<Self> {
        fs::create_dir_all(&dir).map_err(disk("create", &dir))?;
        let mut next_id = last.map_or(0, |last| last + 1);
        for entry in fs::read_dir(&dir).map_err(disk("list", &dir))? {
            let path = entry.map_err(disk("list", &dir))?.path();
            match number(&path) {
                Some(id) if last.is_none_or(|last| id > last) => {
                    fs::remove_file(&path).map_err(disk("remove", &path))?;
                    next_id = next_id.max(id + 1);
                }
                _ => {}
            }
        }
        let active = Mutex::new(Active { segment: None, end: 0, next_id, made: Vec::new() });
        let failed = Arc::new(AtomicBool::new(false));
        let (early, written) = bounded::<Arc<Data>>(1);
        let thread = thread::Builder::new().name("eventlog-sync".into()).spawn({
            let failed = Arc::clone(&failed);
            move || written.iter().for_each(|data| sync(&data, &failed).unwrap_or_default())
        });
        thread.map_err(disk("start the sync thread for", &dir))?;
        Ok(Self { dir, limit, active, open: Mutex::default(), failed, early })
    }

    /// Lets the disk work on `segment` while its writer goes on; a commit then waits for less.
    pub(super) fn sync_early(&self, segment: &Arc<Segment>) {
        // A sync under way is enough; its failure stops the log.
        self.early.try_send(Arc::clone(&segment.data)).ok();
    }

    /// Appends `bytes`; they are durable after [`Segments::sync`].
    pub(super) fn append(&self, bytes: &[u8]) -> Result<(Arc<Segment>, u64)> {
        check(&self.failed)?;
        // 1. Take a range of the file; writers then write side by side.
        let (segment, position) = {
            let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
            let segment = match &active.segment {
                Some(segment) if active.end + bytes.len() as u64 <= self.limit => Arc::clone(segment),
                _ => {
                    let segment = self.create(active.next_id)?;
                    (active.next_id, active.end) = (active.next_id + 1, 0);
                    active.made.push((segment.id, Arc::downgrade(&segment)));
                    Arc::clone(active.segment.insert(segment))
                }
            };
            let position = active.end;
            active.end += bytes.len() as u64;
            (segment, position)
        };
        // 2. Write it. A hole left by a failure belongs to a transaction that cannot commit.
        let Data { file, path, .. } = &*segment.data;
        file.write_all_at(bytes, position).map_err(disk("write", path))?;
        Ok((segment, position))
    }

    /// Makes what was appended to `segment` durable.
    pub(super) fn sync(&self, segment: &Segment) -> Result<()> {
        sync(&segment.data, &self.failed)
    }

    /// The file `id`.
    pub(super) fn get(&self, id: u64) -> Result<Arc<Segment>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = open.get(&id) {
            return Ok(Arc::clone(segment));
        }
        let path = self.path(id);
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                Error::Corrupt { path: path.clone(), detail: "the file is missing".into() }
            }
            _ => disk("open", &path)(source),
        })?;
        if open.len() >= OPEN_FILES {
            open.pop_first();
        }
        let segment = Arc::new(Segment::new(id, path, file));
        open.insert(id, Arc::clone(&segment));
        Ok(segment)
    }

    /// Removes the files that are not among `named` and that no writer holds.
    ///
    /// Call it while nobody can commit: between its writer and the index a chunk is held by neither.
    pub(super) fn keep(&self, named: &BTreeSet<u64>) -> Result<()> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.made.retain(|(_, segment)| segment.strong_count() > 0);
        for entry in fs::read_dir(&self.dir).map_err(disk("list", &self.dir))? {
            let path = entry.map_err(disk("list", &self.dir))?.path();
            let Some(id) = number(&path) else { continue };
            if named.contains(&id) || active.made.iter().any(|(made, _)| *made == id) {
                continue;
            }
            // A reader in the middle of it reads on: the file is gone when it is closed.
            self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            fs::remove_file(&path).map_err(disk("remove", &path))?;
        }
        Ok(())
    }

    fn create(&self, id: u64) -> Result<Arc<Segment>> {
        let path = self.path(id);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(disk("create", &path))?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(disk("sync", &self.dir))?;
        Ok(Arc::new(Segment::new(id, path, file)))
    }

    fn path(&self, id: u64) -> PathBuf {
        self.dir.join(format!("{id:010}.log"))
    }
}

/// The number of the data file at `path`.
fn number(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

fn sync(data: &Data, failed: &AtomicBool) -> Result<()> {
    // The kernel tells a failure once per open file: whoever asks next must see the flag, not a success.
    let _one_at_a_time = data.syncing.lock().unwrap_or_else(PoisonError::into_inner);
    check(failed)?;
    data.file.sync_data().map_err(|source| {
        failed.store(true, Ordering::SeqCst);
        disk("sync", &data.path)(source)
    })
}

fn check(failed: &AtomicBool) -> Result<()> {
    if failed.load(Ordering::SeqCst) {
        return Err(Error::Failed { reason: "an earlier sync of its files failed".into() });
    }
    Ok(())
}

/// Names the file and what was attempted on it.
pub(super) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Disk { doing, path, source }
}
