//! Removes what no reader can need any more: orphans, and files that a manifest removed long ago.
//!
//! # What goes
//! - Data files that the chain does not name, once nobody can name them: those of earlier starts, whose writers
//!   the log has fenced and whose commits were all settled by [`Lake::roll_forward`], and those that a manifest
//!   removed. Of this start and of later ones, which a process that was suspended for a day may meet, only what
//!   a manifest removed.
//! - What was on its way: `_incoming/`, and prepared manifests that were published or never will be.
//! - Folds, but for the newest ones.
//!
//! All of it only after some time, counted from the file and from the manifest that removed it: queries may hold
//! older lists of files.
//!
//! # Invariants
//! - Nothing that the chain names, no manifest, and nothing with a name that is not the lake's own.
//! - A stop at any point leaves less garbage, and nothing else.

use super::{FOLDS, INCOMING, Lake, MANIFESTS, PREPARED, durable, manifest::Manifest, names};
use crate::Error;
use model::Micros;
use model::planted::{self, Bug};
use std::{collections::BTreeSet, io::ErrorKind, path::Path};

/// Folds that stay: the newest may be one that no manifest names.
const FOLDS_KEPT: usize = 3;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was removed, and which data files.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    pub(crate) collected: Collected,
    data: Vec<String>,
}

/// One collection under way.
struct Collection<'a> {
    lake: &'a Lake,
    /// What was written after this stays.
    before: Micros,
    collected: Collected,
}

impl Lake {
    /// Removes what was written, or removed by a manifest, more than `min_age` microseconds before `now`.
    ///
    /// While a committed manifest is not published nothing is removed. No flush may be under way.
    ///
    /// # Errors
    /// [`Error::Disk`] or [`Error::Damaged`]; the rest is removed the next time.
    pub(crate) fn sweep(&self, now: Micros, min_age: Micros) -> Result<Swept, Error> {
        if !self.settled {
            return Err(Error::Broken("garbage collected before the lake was rolled forward".to_owned()));
        }
        let before = if planted::is(Bug::ClearEarly) { Micros::MAX } else { now.saturating_sub(min_age) };
        let newest = self.published(self.chain.sequence());
        let known = durable::length(&*self.disk, &newest).map_err(Error::disk("open", &newest))?;
        if known.is_none() && self.chain.sequence() > 0 {
            return Ok(Swept::default());
        }
        // A prepared manifest may only go once its number is durable.
        durable::sync_dir(&*self.disk, &self.dir.join(MANIFESTS))?;
        let mut collection = Collection { lake: self, before, collected: Collected::default() };
        let data = collection.data()?;
        collection.incoming()?;
        collection.prepared()?;
        collection.folds()?;
        Ok(Swept { collected: collection.collected, data })
    }

    /// Forgets the data files that are gone.
    pub(crate) fn forget(&mut self, swept: &Swept) {
        self.chain.forget(&swept.data);
    }
}

impl Collection<'_> {
    /// Removes data files; returns which.
    fn data(&mut self) -> Result<Vec<String>, Error> {
        let (lake, recent) = (self.lake, self.recently_removed()?);
        let mut gone = Vec::new();
        for path in names::data_files(&*lake.disk, &lake.dir)? {
            let name = path.rsplit('/').next().unwrap_or_default();
            let of_earlier = names::incarnation_of(name).is_some_and(|start| start < lake.incarnation);
            let nameless = of_earlier || lake.chain.removed(&path);
            if nameless
                && !lake.chain.counts(&path)
                && !recent.contains(&path)
                && self.remove_old(&lake.dir.join(&path))?
            {
                gone.push(path);
            }
        }
        Ok(gone)
    }

    /// Files removed by manifests that are not old enough.
    fn recently_removed(&self) -> Result<BTreeSet<String>, Error> {
        let mut recent = BTreeSet::new();
        for sequence in (1..=self.lake.chain.sequence()).rev() {
            let path = self.lake.published(sequence);
            if self.is_old(&path)? {
                break;
            }
            let (manifest, _) = Manifest::read(&*self.lake.disk, &path)?;
            recent.extend(manifest.remove.into_iter().map(|removed| removed.path));
        }
        Ok(recent)
    }

    fn incoming(&mut self) -> Result<(), Error> {
        let folder = self.lake.dir.join(INCOMING);
        for name in durable::names(&*self.lake.disk, &folder)? {
            let later = names::incarnation_of(&name).is_some_and(|start| start > self.lake.incarnation);
            if (names::incarnation_of(&name).is_some() || names::sequence_of(&name).is_some()) && !later {
                self.remove_old(&folder.join(name))?;
            }
        }
        Ok(())
    }

    fn prepared(&mut self) -> Result<(), Error> {
        let folder = self.lake.dir.join(PREPARED);
        for name in durable::names(&*self.lake.disk, &folder)? {
            let Some(sequence) = names::sequence_of(&name) else { continue };
            let path = folder.join(name);
            // The number is taken and durable, or the attempt was one of an earlier start.
            if sequence <= self.lake.chain.sequence() || self.of_earlier(&path)? {
                self.remove_old(&path)?;
            }
        }
        Ok(())
    }

    /// Whether an earlier start prepared this manifest; what is torn was never committed.
    fn of_earlier(&self, path: &Path) -> Result<bool, Error> {
        match Manifest::read(&*self.lake.disk, path) {
            Ok((manifest, _)) => Ok(manifest.incarnation < self.lake.incarnation),
            Err(Error::Damaged { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn folds(&mut self) -> Result<(), Error> {
        let folder = self.lake.dir.join(FOLDS);
        let mut names = durable::names(&*self.lake.disk, &folder)?;
        names.retain(|name| names::sequence_of(name).is_some());
        for name in names.iter().rev().skip(FOLDS_KEPT) {
            self.remove_old(&folder.join(name))?;
        }
        Ok(())
    }

    /// Removes a file if it is old enough; false if it is not.
    fn remove_old(&mut self, path: &Path) -> Result<bool, Error> {
        if !self.is_old(path)? {
            return Ok(false);
        }
        let disk = &*self.lake.disk;
        let bytes = disk.len(path).map_err(Error::disk("open", path))?;
        match disk.remove(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::disk("remove", path)(error)),
            _ => {
                self.collected.files += 1;
                self.collected.bytes += bytes;
                Ok(true)
            }
        }
    }

    fn is_old(&self, path: &Path) -> Result<bool, Error> {
        let modified = self.lake.disk.modified(path).map_err(Error::disk("open", path))?;
        Ok(modified <= self.before)
    }
}
