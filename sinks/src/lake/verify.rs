//! Looks at every byte that counts: whether the lake is what was written.
//!
//! Reads all manifests from the first, not the folds, and every file they name. Nothing is changed, and damage
//! ends nothing: what can be looked at is.
//!
//! # Bound
//! One file and the identities of one table and day are in memory at a time: equal rows are of one day.

use super::{
    FOLDS, INCOMING, PREPARED, chain::Chain, durable, file, flush::day, fold::Fold, manifest,
    manifest::Added, manifest::Manifest, names,
};
use crate::{Digest, Error, disk::Disk, views::identities};
use arrow::array::RecordBatch;
use model::{Micros, table::Table, view::RowId};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::{Path, PathBuf},
};

mod report;

pub use report::{Finding, Report};

/// Verifies the lake in `dir`: the chain of manifests, and every file's length, content, rows and place.
pub fn verify(disk: &dyn Disk, dir: &Path) -> Report {
    let mut look = Look { disk, dir, chain: History::default(), report: Report::default() };
    match disk.canonical(dir) {
        Ok(dir) => {
            let mut look = Look { dir: &dir, ..look };
            look.report.dir.clone_from(&dir);
            look.all().unwrap_or_else(|error| look.error(&dir, &error));
            look.report
        }
        Err(cause) => {
            dir.clone_into(&mut look.report.dir);
            look.error(dir, &Error::disk("open", dir)(cause));
            look.report
        }
    }
}

/// What the manifests say.
#[derive(Default)]
struct History {
    chain: Chain,
    /// Whether the chain was whole so far; what follows a gap is not looked at as a chain.
    broken: bool,
    removed: BTreeSet<String>,
}

/// A fold and the file it stands in.
struct Stored {
    path: PathBuf,
    fold: Fold,
    digest: Digest,
}

/// One verification under way.
struct Look<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    chain: History,
    report: Report,
}

impl Look<'_> {
    fn all(&mut self) -> Result<(), Error> {
        let folds = self.folds()?;
        self.manifests(folds)?;
        let tables = model::table::all();
        for table in &tables {
            self.table(table);
        }
        let known: BTreeSet<&str> = tables.iter().map(|table| table.name).collect();
        let named: BTreeSet<String> = self.chain.chain.tables().map(str::to_owned).collect();
        for table in named.iter().filter(|table| !known.contains(table.as_str())) {
            let unknown = "a table this version does not know: verify it with the version that wrote it";
            self.find(&self.dir.join(table), unknown);
        }
        self.garbage()
    }

    /// Reads the chain from its first manifest, and compares the folds with it.
    fn manifests(&mut self, mut folds: BTreeMap<u64, Vec<Stored>>) -> Result<(), Error> {
        let newest = manifest::newest(self.disk, self.dir)?;
        for sequence in 1..=newest {
            let path = self.dir.join(manifest::path(sequence));
            match Manifest::read(self.disk, &path) {
                Ok((manifest, digest)) => self.manifest(&path, &manifest, digest),
                Err(error) => {
                    self.chain.broken = true;
                    self.error(&path, &error);
                }
            }
            for fold in folds.remove(&sequence).into_iter().flatten() {
                self.fold(&fold);
            }
        }
        let ahead = "a fold of manifests that are not there: put the lake of this log in place";
        for fold in folds.into_values().flatten() {
            self.find(&fold.path, ahead);
        }
        Ok(())
    }

    fn manifest(&mut self, path: &Path, manifest: &Manifest, digest: Digest) {
        self.report.manifests += 1;
        self.chain.removed.extend(manifest.remove.iter().map(|removed| removed.path.clone()));
        if !self.chain.broken
            && let Err(why) = self.chain.chain.append(manifest, digest)
        {
            self.chain.broken = true;
            self.find(path, why);
        }
    }

    /// Every fold by the number of its manifest.
    fn folds(&mut self) -> Result<BTreeMap<u64, Vec<Stored>>, Error> {
        let folder = self.dir.join(FOLDS);
        let mut folds = BTreeMap::<u64, Vec<_>>::new();
        for name in durable::names(self.disk, &folder)? {
            let path = folder.join(&name);
            if names::sequence_of(&name).is_none() {
                continue;
            }
            match Fold::read(self.disk, &path) {
                Ok((fold, digest)) => {
                    folds.entry(fold.sequence).or_default().push(Stored { path, fold, digest });
                }
                Err(error) => self.error(&path, &error),
            }
        }
        Ok(folds)
    }

    fn fold(&mut self, Stored { path, fold, digest }: &Stored) {
        self.report.folds += 1;
        if !self.chain.broken && self.chain.chain.fold().as_ref() != Some(fold) {
            self.find(path, "is not what the manifests come to: remove it, it is not needed");
        }
        let name = names::numbered(fold.sequence, *digest);
        if path.file_name().is_none_or(|named| named != name.as_str()) {
            self.find(path, "has the name of another: remove it, it is not needed");
        }
    }

    fn table(&mut self, table: &Table) {
        let files: Vec<Added> = self.chain.chain.entries(table.name).cloned().collect();
        let (mut folder, mut seen) = (String::new(), HashSet::new());
        // Ordered by path, so by day.
        for file in files {
            if file.folder() != folder {
                file.folder().clone_into(&mut folder);
                seen.clear();
            }
            let path = self.dir.join(&file.path);
            (self.report.files, self.report.bytes) = (self.report.files + 1, self.report.bytes + file.bytes);
            match self.content(&path, &file) {
                Ok(batches) => self.rows(table, &path, &file, &batches, &mut seen),
                Err(error) => self.error(&path, &error),
            }
        }
    }

    /// The rows of a file, if it has the bytes that were written.
    fn content(&self, path: &Path, file: &Added) -> Result<Vec<RecordBatch>, Error> {
        let bytes = self.disk.read(path).map_err(Error::disk("read", path))?;
        let (length, written) = (bytes.len() as u64, file.bytes);
        if length != written {
            let detail = format!("has {length} bytes, {written} were written: restore it from a copy");
            return Err(Error::damaged(path, detail));
        }
        if Digest::of(&bytes) != file.blake3 {
            let detail = "the content changed since it was written: restore it from a copy";
            return Err(Error::damaged(path, detail));
        }
        file::rows(path, &bytes.into())
    }

    fn rows(
        &mut self,
        table: &Table,
        path: &Path,
        file: &Added,
        batches: &[RecordBatch],
        seen: &mut HashSet<RowId>,
    ) {
        let report = "report it with this file's manifest";
        let (mut rows, mut twice, mut misplaced, mut ordered) = (0, 0, 0, true);
        let mut last: Option<(Micros, RowId)> = None;
        for batch in batches {
            for (id, at) in identities(batch).into_iter().zip(file::dated(table, batch)) {
                rows += 1;
                twice += u64::from(!seen.insert(id));
                let inside = (file.time_min..=file.time_max).contains(&at);
                misplaced += u64::from(!inside || names::folder(&day(at)) != file.folder());
                ordered &= last.is_none_or(|last| last <= (at, id));
                last = Some((at, id));
            }
        }
        self.report.rows += rows;
        if rows != file.rows {
            self.find(path, format!("has {rows} rows, the manifest says {}: {report}", file.rows));
        }
        if twice > 0 {
            self.find(path, format!("{twice} of its rows stand twice in table {}: {report}", table.name));
        }
        if misplaced > 0 {
            self.find(path, format!("{misplaced} of its rows are of another day or time: {report}"));
        }
        if !ordered {
            self.find(path, format!("its rows are not in order of time: {report}"));
        }
    }

    /// Counts what is there and does not count.
    fn garbage(&mut self) -> Result<(), Error> {
        for path in names::data_files(self.disk, self.dir)? {
            if !self.chain.chain.counts(&path) {
                let removed = self.chain.removed.contains(&path);
                self.nameless(&self.dir.join(&path), removed);
            }
        }
        for folder in [PREPARED, INCOMING] {
            let folder = self.dir.join(folder);
            for name in durable::names(self.disk, &folder)? {
                if !self.disk.is_dir(&folder.join(&name)) {
                    self.nameless(&folder.join(name), false);
                }
            }
        }
        Ok(())
    }

    fn nameless(&mut self, path: &Path, removed: bool) {
        if removed {
            self.report.removed += 1;
        } else {
            self.report.orphans += 1;
        }
        // It may have been collected in the meantime.
        self.report.garbage_bytes += self.disk.len(path).unwrap_or_default();
    }

    fn find(&mut self, path: &Path, detail: impl Into<String>) {
        self.report.findings.push(Finding { path: path.to_owned(), detail: detail.into() });
    }

    fn error(&mut self, path: &Path, error: &Error) {
        match error {
            Error::Damaged { path, detail, .. } => self.find(path, detail),
            error => self.find(path, error.to_string()),
        }
    }
}
