//! Snapshots that are there: finding, verifying and reading them.

use super::{Chunk, Mark, Name, chunk, list, manifest::Manifest, refused};
use crate::{Digest, Error, disk::Shared};
use model::planted::{self, Bug};
use model::{
    Epoch,
    state::{Export, StepVersion},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A snapshot whose manifest is whole.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Where in the history it stands.
    pub mark: Mark,
    /// Every step and the version it was exported in.
    pub steps: Vec<StepVersion>,
    /// Digest of the state, as [`super::StateDigest`] gives it.
    pub state: Digest,
    /// Entries of all steps.
    pub entries: u64,
    /// Version of the program that wrote it.
    pub code_version: String,
    disk: Shared,
    dir: PathBuf,
    pub(super) name: Name,
    pub(super) chunks: Vec<Chunk>,
}

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The newest snapshot that can be used.
    pub stored: Option<Stored>,
    /// What was passed over because it is damaged, each with its path and the next step.
    pub refused: Vec<String>,
}

/// The epochs of which there are snapshots, newest first; whether they are whole is not looked at.
///
/// # Errors
/// [`Error::Disk`].
pub fn candidates(disk: &Shared, dir: &Path) -> Result<Vec<Epoch>, Error> {
    Ok(names(disk, dir)?.into_iter().map(|name| name.epoch).collect())
}

/// The newest snapshot that is whole to the last byte and whose mark is `at_most` what the caller can use.
///
/// What is damaged is logged as an error, left in place and passed over.
///
/// # Errors
/// [`Error::Disk`] if the directory cannot be listed or a file of it cannot be read: what is there must not be taken
/// for lost, or input that only it still holds would be missed.
pub fn newest(disk: &Shared, dir: &Path, at_most: impl Fn(&Mark) -> bool) -> Result<Found, Error> {
    let (snapshots, mut refused) = all(disk, dir)?;
    let mut usable = snapshots.into_iter().filter(|stored| at_most(&stored.mark));
    let stored = first_whole(&mut usable, &mut refused)?;
    Ok(Found { stored, refused })
}

/// The first snapshot that is whole; what is damaged is said loudly and added to `refused`.
pub(crate) fn first_whole(
    snapshots: &mut impl Iterator<Item = Stored>,
    refused: &mut Vec<String>,
) -> Result<Option<Stored>, Error> {
    for stored in snapshots {
        match stored.verify() {
            Err(error) if !planted::is(Bug::SnapshotUnchecked) => refused.push(pass_over(error)?),
            _ => return Ok(Some(stored)),
        }
    }
    Ok(None)
}

/// Every snapshot whose manifest is whole, newest first, and what was refused.
pub(crate) fn all(disk: &Shared, dir: &Path) -> Result<(Vec<Stored>, Vec<String>), Error> {
    let (mut snapshots, mut refused) = (Vec::new(), Vec::new());
    for name in names(disk, dir)? {
        match Stored::read(disk, dir, name) {
            Ok(stored) => snapshots.push(stored),
            Err(error) => refused.push(pass_over(error)?),
        }
    }
    Ok((snapshots, refused))
}

/// Says loudly that a snapshot is passed over, if it is damaged or a part of it is gone. A disk that fails to read what
/// is there says nothing of it: that is an error, and a later start may find it well.
fn pass_over(error: Error) -> Result<String, Error> {
    if matches!(&error, Error::Disk { cause, .. } if cause.kind() != io::ErrorKind::NotFound) {
        return Err(error);
    }
    let reason = error.to_string();
    tracing::error!(reason, "a snapshot cannot be used; the one before it is");
    Ok(reason)
}

/// What has a manifest, newest first.
fn names(disk: &Shared, dir: &Path) -> Result<Vec<Name>, Error> {
    let files = list(&**disk, dir)?;
    let named = |file: &String| Name::of(file).filter(|name| *file == name.manifest());
    let mut names: Vec<Name> = files.iter().filter_map(named).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

impl Stored {
    pub(super) fn read(disk: &Shared, dir: &Path, name: Name) -> Result<Self, Error> {
        let path = dir.join(name.manifest());
        let bytes = disk.read(&path).map_err(refused("read", &path))?;
        let damaged = |detail: String| Error::Damaged { what: "snapshot", path: path.clone(), detail };
        let Manifest { code_version, incarnation, mark, steps, entries, state, chunks, .. } =
            Manifest::decode(&bytes).map_err(damaged)?;
        if name != (Name { epoch: mark.binding.epoch, incarnation }) {
            return Err(damaged("belongs under another name: restore it from a copy or remove it".into()));
        }
        let (disk, dir) = (Shared::clone(disk), dir.to_owned());
        Ok(Self { mark, steps, state, entries, code_version, disk, dir, name, chunks })
    }

    /// The epoch at whose end it was taken.
    pub const fn epoch(&self) -> Epoch {
        self.mark.binding.epoch
    }

    /// The manifest.
    pub fn path(&self) -> PathBuf {
        self.dir.join(self.name.manifest())
    }

    /// Everything that was exported, chunk by chunk; each is verified before it is handed out.
    pub fn exports(&self) -> impl Iterator<Item = Result<Export, Error>> {
        self.chunks.iter().map(|chunk| self.export(chunk))
    }

    /// Reads every chunk and compares it with the manifest.
    ///
    /// # Errors
    /// [`Error::Disk`] or [`Error::Damaged`] with the first chunk that cannot be used.
    pub fn verify(&self) -> Result<(), Error> {
        self.chunks.iter().try_for_each(|chunk| self.bytes(chunk).map(drop))
    }

    fn export(&self, chunk: &Chunk) -> Result<Export, Error> {
        let pieces = chunk::decode(&self.bytes(chunk)?);
        let of = chunk.of.clone();
        let pieces = pieces.map_err(|error| {
            let detail = format!("is not what this version reads ({error}): start {}", self.code_version);
            self.damaged(chunk, detail)
        })?;
        Ok(Export { of, pieces })
    }

    fn bytes(&self, chunk: &Chunk) -> Result<Vec<u8>, Error> {
        let path = self.dir.join(&chunk.file);
        let bytes = self.disk.read(&path).map_err(refused("read", &path))?;
        if bytes.len() as u64 != chunk.bytes {
            let (found, written) = (bytes.len(), chunk.bytes);
            let detail = format!("has {found} bytes, {written} were written: restore it from a copy");
            return Err(self.damaged(chunk, detail));
        }
        if Digest::of(&bytes) != chunk.blake3 {
            let detail = "the content changed since it was written: restore it from a copy";
            return Err(self.damaged(chunk, detail.into()));
        }
        Ok(bytes)
    }

    fn damaged(&self, chunk: &Chunk, detail: String) -> Error {
        Error::Damaged { what: "snapshot", path: self.dir.join(&chunk.file), detail }
    }
}
