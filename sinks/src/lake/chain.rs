//! What all manifests come to: which files count now.

use super::{
    fold::{self, Fold},
    manifest::{self, Added, Manifest},
};
use crate::{Digest, Error, disk::Disk};
use model::{Epoch, view::LakeFile};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Manifests 1 to n, as far as they are not folded one by one.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Number of the manifest before the first in `digests`.
    before: u64,
    /// By number.
    digests: Vec<Digest>,
    through: Option<Epoch>,
    /// By table and path.
    files: BTreeMap<String, BTreeMap<String, Added>>,
    /// Paths removed by the manifests in `digests` whose files may still be there.
    removed: BTreeSet<String>,
}

impl Chain {
    /// Reads the newest fold of `dir` and every manifest after it.
    pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let newest = manifest::newest(disk, dir)?;
        let mut chain = fold::newest(disk, dir, newest)?.map_or_else(Self::default, Self::unfold);
        for sequence in chain.sequence() + 1..=newest {
            let path = dir.join(manifest::path(sequence));
            let (manifest, digest) = Manifest::read(disk, &path)?;
            chain.append(&manifest, digest).map_err(|why| Error::damaged(&path, why))?;
        }
        Ok(chain)
    }

    fn unfold(fold: Fold) -> Self {
        let before = fold.sequence - 1;
        let mut chain = Self { before, through: Some(fold.through), ..Self::default() };
        chain.digests.push(fold.manifest);
        for file in fold.files {
            chain.files.entry(file.table.clone()).or_default().insert(file.path.clone(), file);
        }
        chain
    }

    /// What the manifests come to; `None` before the first.
    pub(super) fn fold(&self) -> Option<Fold> {
        let files = self.files.values().flat_map(BTreeMap::values).cloned().collect();
        let (sequence, manifest, through) = (self.sequence(), self.digest()?, self.through?);
        Some(Fold { sequence, manifest, through, files })
    }

    /// Takes one more step, if it is the next one.
    pub(super) fn append(&mut self, manifest: &Manifest, digest: Digest) -> Result<(), &'static str> {
        if manifest.sequence != self.sequence() + 1 || manifest.previous != self.digest() {
            return Err("the manifest does not follow the one before: restore _manifests from a copy");
        }
        for removed in &manifest.remove {
            let files = self.files.get_mut(&removed.table);
            if files.and_then(|files| files.remove(&removed.path)).is_none() {
                return Err(
                    "the manifest removes a file that was never added: restore _manifests from a copy",
                );
            }
            self.removed.insert(removed.path.clone());
        }
        for added in &manifest.add {
            let files = self.files.entry(added.table.clone()).or_default();
            if files.insert(added.path.clone(), added.clone()).is_some() {
                return Err("the manifest adds a file a second time: restore _manifests from a copy");
            }
        }
        self.digests.push(digest);
        self.through = Some(manifest.last_epoch);
        Ok(())
    }

    pub(super) const fn through(&self) -> Option<Epoch> {
        self.through
    }

    /// Number of the newest manifest, 0 before the first.
    pub(super) const fn sequence(&self) -> u64 {
        self.before + self.digests.len() as u64
    }

    /// Number of the first manifest whose digest is known; the ones before are vouched for by it.
    pub(super) const fn first_known(&self) -> u64 {
        self.before + 1
    }

    pub(super) fn digest(&self) -> Option<Digest> {
        self.digests.last().copied()
    }

    pub(super) fn digest_of(&self, sequence: u64) -> Option<Digest> {
        self.digests.get(sequence.checked_sub(self.first_known())? as usize).copied()
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Whether the file `path` counts.
    pub(super) fn counts(&self, path: &str) -> bool {
        let table = path.split('/').next().and_then(|table| self.files.get(table));
        table.is_some_and(|files| files.contains_key(path))
    }

    /// Whether a manifest read one by one removed `path`, and it was not forgotten.
    pub(super) fn removed(&self, path: &str) -> bool {
        self.removed.contains(path)
    }

    /// These files are not there any more.
    pub(super) fn forget(&mut self, paths: &[String]) {
        for path in paths {
            self.removed.remove(path);
        }
    }

    /// Whether a file of `table` lies in `folder`.
    pub(super) fn has_folder(&self, table: &str, folder: &str) -> bool {
        let prefix = format!("{table}/{folder}/");
        let files = self.files.get(table);
        let first = files.and_then(|files| files.range(prefix.clone()..).next());
        first.is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    /// The files of `table` as the manifests describe them.
    pub(super) fn entries(&self, table: &str) -> impl Iterator<Item = &Added> {
        self.files.get(table).into_iter().flat_map(BTreeMap::values)
    }

    /// The files of `table` as readers want them.
    pub(super) fn files(&self, table: &str, dir: &Path) -> Vec<LakeFile> {
        let file =
            |added: &Added| LakeFile { path: dir.join(&added.path), bytes: added.bytes, rows: added.rows };
        self.entries(table).map(file).collect()
    }

    /// Whether every file is there in its full length.
    pub(super) fn check_lengths(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        for added in self.files.values().flat_map(BTreeMap::values) {
            let path = dir.join(&added.path);
            let length = disk.len(&path).map_err(Error::disk("open", &path))?;
            if length != added.bytes {
                let detail =
                    format!("has {length} bytes, {} were written: restore it from a copy", added.bytes);
                return Err(Error::damaged(&path, detail));
            }
        }
        Ok(())
    }
}
