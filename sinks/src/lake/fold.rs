//! What the manifests up to one come to, as one file: so that opening reads few manifests after years.
//!
//! Before manifest n + 1 is prepared, for every n that is a multiple of [`super::Tuning::fold_every`], the files
//! that count after manifest n are written as `_manifests/folds/<n>-<digest>.json`. Manifest n + 1 names the
//! digest of that file, so a fold is as sure as the chain.
//!
//! # Invariants
//! - A fold is never needed: without it, or if it is damaged, an older one or all manifests are read.
//! - It follows from the manifests alone; they all stay.

use super::{
    FOLDS, INCOMING, Lake, durable,
    manifest::{self, Added, Manifest},
    names,
};
use crate::{
    Digest, Error,
    digest::{seal, unseal},
    disk::Disk,
};
use model::Epoch;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The files that count after a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fold {
    /// Number of the manifest.
    pub(super) sequence: u64,
    /// Digest of the manifest.
    pub(super) manifest: Digest,
    pub(super) through: Epoch,
    /// By table and path.
    pub(super) files: Vec<Added>,
}

impl Fold {
    /// The bytes of the file and the digest that names this fold.
    pub(super) fn encode(&self) -> (Vec<u8>, Digest) {
        seal(serde_json::to_vec(self).expect("a fold is text and integers"))
    }

    pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<(Self, Digest), Error> {
        let bytes = disk.read(path).map_err(Error::disk("read", path))?;
        let broken = "damaged fold: remove it, it is not needed";
        let (body, digest) = unseal(&bytes).ok_or_else(|| Error::damaged(path, broken))?;
        let fold = serde_json::from_slice(body).map_err(|_| Error::damaged(path, broken))?;
        Ok((fold, digest))
    }
}

/// Writes the fold of everything up to now, if one is due.
///
/// It is not needed: what stands in the way of it is said, and the next one is due soon.
pub(super) fn write_if_due(lake: &Lake) -> Option<Digest> {
    if !lake.chain.sequence().is_multiple_of(lake.tuning.fold_every) {
        return None;
    }
    let fold = lake.chain.fold()?;
    let (bytes, digest) = fold.encode();
    let path = lake.dir.join(FOLDS).join(names::numbered(fold.sequence, digest));
    let written = durable::write(&*lake.disk, &lake.dir.join(INCOMING), &path, &bytes)
        .and_then(|()| durable::sync_dir(&*lake.disk, &lake.dir.join(FOLDS)));
    match written {
        Ok(()) => Some(digest),
        Err(error) => {
            tracing::warn!(%error, "no fold of the manifests was written; opening the lake reads more of them");
            None
        }
    }
}

/// The newest fold that the chain vouches for, of manifests before `newest`.
pub(super) fn newest(disk: &dyn Disk, dir: &Path, newest: u64) -> Result<Option<Fold>, Error> {
    let folder = dir.join(FOLDS);
    for name in durable::names(disk, &folder)?.iter().rev() {
        if names::sequence_of(name).is_none_or(|sequence| sequence >= newest) {
            continue;
        }
        match Fold::read(disk, &folder.join(name)) {
            Ok((fold, digest)) => {
                if vouched(disk, dir, &fold, digest)? {
                    return Ok(Some(fold));
                }
            }
            Err(error) => tracing::warn!(%error, "a fold of the manifests is passed over"),
        }
    }
    Ok(None)
}

/// Whether the manifest after the fold names it; if the fold is one of an attempt that failed, none does.
fn vouched(disk: &dyn Disk, dir: &Path, fold: &Fold, digest: Digest) -> Result<bool, Error> {
    let (next, _) = Manifest::read(disk, &dir.join(manifest::path(fold.sequence + 1)))?;
    Ok(next.fold == Some(digest) && next.previous == Some(fold.manifest))
}
