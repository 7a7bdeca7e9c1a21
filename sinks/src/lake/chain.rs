//! The fold of all manifests: which files count now.

use super::manifest::{self, Added, Manifest};
use crate::{Digest, Error};
use model::{Epoch, view::LakeFile};
use std::{collections::BTreeMap, fs, path::Path};

/// Manifests 1 to n, folded.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// By number; number 1 stands first.
    digests: Vec<Digest>,
    through: Option<Epoch>,
    /// By table and path.
    files: BTreeMap<String, BTreeMap<String, Added>>,
}

impl Chain {
    /// Reads and folds every manifest of `dir`.
    pub(super) fn read(dir: &Path) -> Result<Self, Error> {
        let mut chain = Self::default();
        for sequence in 1..=manifest::newest(dir)? {
            let path = dir.join(manifest::path(sequence));
            let (manifest, digest) = Manifest::read(&path)?;
            chain.append(&manifest, digest).map_err(|why| Error::damaged(&path, why))?;
        }
        Ok(chain)
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
        }
        for added in &manifest.add {
            self.files.entry(added.table.clone()).or_default().insert(added.path.clone(), added.clone());
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
        self.digests.len() as u64
    }

    pub(super) fn digest(&self) -> Option<Digest> {
        self.digests.last().copied()
    }

    pub(super) fn digest_of(&self, sequence: u64) -> Option<Digest> {
        self.digests.get(sequence.checked_sub(1)? as usize).copied()
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
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
    pub(super) fn check_lengths(&self, dir: &Path) -> Result<(), Error> {
        for added in self.files.values().flat_map(BTreeMap::values) {
            let path = dir.join(&added.path);
            let length = fs::metadata(&path).map_err(Error::disk("open", &path))?.len();
            if length != added.bytes {
                let detail =
                    format!("has {length} bytes, {} were written: restore it from a copy", added.bytes);
                return Err(Error::damaged(&path, detail));
            }
        }
        Ok(())
    }
}
