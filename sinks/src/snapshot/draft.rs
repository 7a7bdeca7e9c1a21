//! A snapshot being written: entries come in slices and leave as chunks, at last the manifest makes it count.

use super::{
    Chunk, Mark, Name, Options, StateDigest, Stored, chunk, list, manifest::Manifest, prune, refused,
};
use crate::{Digest, Error, disk::Shared};
use model::planted::{self, Bug, Step};
use model::{
    Epoch,
    state::{Export, Pieces, StepVersion},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// A chunk is closed at so many bytes of keys and values: large enough to be read at the speed of the disk,
/// small enough to be held beside the running pipeline.
const CHUNK_BYTES: usize = 8 << 20;

/// A snapshot that does not count yet.
#[derive(Debug)]
pub struct Draft {
    disk: Shared,
    dir: PathBuf,
    keep: usize,
    name: Name,
    /// What is not in a chunk yet, by step.
    open: BTreeMap<StepVersion, Pieces>,
    chunks: Vec<Chunk>,
    bytes: u64,
    state: StateDigest,
}

/// A snapshot that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The epoch at whose end it was taken.
    pub epoch: Epoch,
    /// Entries of all steps.
    pub entries: u64,
    /// Bytes of all chunks.
    pub bytes: u64,
    /// Digest of the state.
    pub state: Digest,
}

impl Draft {
    /// Begins the snapshot of `epoch`; `incarnation` is the number of this start.
    ///
    /// # Errors
    /// [`Error::Disk`] if the directory cannot be made.
    pub fn begin(disk: &Shared, options: &Options, epoch: Epoch, incarnation: u64) -> Result<Self, Error> {
        let (disk, dir) = (Shared::clone(disk), options.dir.clone());
        let missing: Vec<&Path> = dir.ancestors().take_while(|part| !disk.is_dir(part)).collect();
        disk.make_dir(&dir).map_err(refused("create", &dir))?;
        for above in missing.iter().filter_map(|part| part.parent()).filter(|above| disk.is_dir(above)) {
            disk.sync_dir(above).map_err(refused("sync", above))?;
        }
        let (name, keep) = (Name { epoch, incarnation }, options.keep);
        let (open, chunks, bytes, state) = Default::default();
        Ok(Self { disk, dir, keep, name, open, chunks, bytes, state })
    }

    /// Takes what workers exported, in any order; full chunks are written and synced.
    ///
    /// # Errors
    /// [`Error::Disk`], or [`Error::Broken`] if a step comes in two versions; [`Self::abandon`] it then.
    pub fn add(&mut self, exports: Vec<Export>) -> Result<(), Error> {
        for Export { of, pieces } in exports {
            let known = self.open.keys().chain(self.chunks.iter().map(|chunk| &chunk.of));
            if known.into_iter().any(|known| known.step == of.step && known.version != of.version) {
                return Err(Error::Broken(format!("step {} exports in two versions", of.step)));
            }
            let mut open = self.open.remove(&of).unwrap_or_default();
            for (key, value) in pieces.iter() {
                self.state.add(&of.step, key, value);
                open.push(key, value);
                if open.bytes() >= CHUNK_BYTES {
                    self.write(&of, &std::mem::take(&mut open))?;
                }
            }
            self.open.insert(of, open);
        }
        Ok(())
    }

    /// Makes it count, then removes what is older and no longer needed.
    ///
    /// If the same snapshot is there already it stays and all is well.
    ///
    /// # Errors
    /// [`Error::Disk`]; [`Error::Damaged`] if another state stands under the name; [`Error::Broken`] if
    /// `mark` or `steps` are not of what was added. Nothing of it stays then, unless the manifest stands and
    /// only its name could not be synced: that snapshot may count, and is whole if it does.
    pub fn finish(mut self, mark: &Mark, steps: &[StepVersion]) -> Result<Summary, Error> {
        if let Err(error) = self.publish(mark, steps) {
            self.abandon();
            return Err(error);
        }
        // It counts whether or not there is room for it.
        if let Err(error) = prune(&self.disk, &self.dir, self.keep, self.name, mark.through) {
            tracing::warn!(reason = error.to_string(), "old snapshots could not be removed");
        }
        let (epoch, entries, state) = (self.name.epoch, self.state.entries(), self.state.finish());
        Ok(Summary { epoch, entries, bytes: self.bytes, state })
    }

    /// Removes what was written of it; what cannot be removed goes with a later pruning.
    pub fn abandon(self) {
        let manifest = self.name.manifest();
        let files = list(&*self.disk, &self.dir).unwrap_or_default();
        // Under the name of a snapshot that counts nothing is touched: chunks may be its own.
        if files.contains(&manifest) {
            return;
        }
        for file in files.iter().filter(|file| Name::of(file) == Some(self.name)) {
            self.disk.remove(&self.dir.join(file)).unwrap_or_default();
        }
    }

    fn publish(&mut self, mark: &Mark, steps: &[StepVersion]) -> Result<(), Error> {
        let (epoch, of) = (self.name.epoch, mark.binding.epoch);
        if epoch != of {
            return Err(Error::Broken(format!("a snapshot of epoch {epoch} was given the mark of {of}")));
        }
        for (of, pieces) in std::mem::take(&mut self.open) {
            if !steps.contains(&of) {
                return Err(Error::Broken(format!("step {} exports and is not named", of.step)));
            }
            if !pieces.is_empty() {
                self.write(&of, &pieces)?;
            }
        }
        planted::reached(Step::SnapshotWhole);
        self.check_lengths()?;
        self.sync_names()?;
        let manifest = Manifest {
            format: Manifest::format(),
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            incarnation: self.name.incarnation,
            mark: mark.clone(),
            steps: steps.to_vec(),
            entries: self.state.entries(),
            state: self.state.finish(),
            chunks: self.chunks.clone(),
        };
        self.put(&manifest)?;
        self.sync_names()?;
        planted::reached(Step::SnapshotNamed);
        Ok(())
    }

    /// Gives the manifest its name if that is free.
    fn put(&self, manifest: &Manifest) -> Result<(), Error> {
        let path = self.dir.join(self.name.manifest());
        let temporary = self.temporary(&self.name.manifest(), &manifest.encode())?;
        let linked = self.disk.link(&temporary, &path);
        // A second name of the same file; if it stays it goes with a later prune.
        self.disk.remove(&temporary).unwrap_or_default();
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = Stored::read(&self.disk, &self.dir, self.name)?;
                if there.state == manifest.state && there.mark.binding == manifest.mark.binding {
                    return Ok(());
                }
                let detail = "another state stands under this name: a second pipeline writes here; stop it";
                Err(Error::Damaged { what: "snapshot", path, detail: detail.into() })
            }
            linked => linked.map_err(refused("publish", &path)),
        }
    }

    /// Somebody who believes in a newer snapshot may have cleared this one away.
    fn check_lengths(&self) -> Result<(), Error> {
        self.chunks.iter().try_for_each(|chunk| {
            let path = self.dir.join(&chunk.file);
            self.disk.len(&path).map(drop).map_err(refused("find", &path))
        })
    }

    fn write(&mut self, of: &StepVersion, pieces: &Pieces) -> Result<(), Error> {
        let encoded = chunk::encode(pieces);
        let blake3 = Digest::of(&encoded);
        let file = self.name.chunk(self.chunks.len(), blake3);
        let (path, temporary) = (self.dir.join(&file), self.temporary(&file, &encoded)?);
        self.disk.rename(&temporary, &path).map_err(refused("write", &path))?;
        let (entries, bytes) = (pieces.len() as u64, encoded.len() as u64);
        self.bytes += bytes;
        planted::reached(Step::SnapshotWritten);
        self.chunks.push(Chunk { file, of: of.clone(), entries, bytes, blake3 });
        Ok(())
    }

    /// Writes and syncs what is to become `file`.
    fn temporary(&self, file: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.dir.join(format!("{file}.tmp"));
        let written = self
            .disk
            .write(&path, bytes)
            .and_then(|()| if planted::is(Bug::SnapshotUnsynced) { Ok(()) } else { self.disk.sync(&path) });
        written.map_err(refused("write", &path)).map(|()| path)
    }

    fn sync_names(&self) -> Result<(), Error> {
        let dir: &Path = &self.dir;
        self.disk.sync_dir(dir).map_err(refused("sync", dir))
    }
}
