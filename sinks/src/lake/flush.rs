//! Writes what changed since the last flush: new rows as new files, removals as rewritten files.
//!
//! New rows go to one file per table and day, ordered by time and identity. A row that does not stand
//! any more is looked for in the files whose times enclose its own; the file that holds it is written
//! again without it.

use super::{
    INCOMING, Lake,
    compact::{self, Joined},
    durable, file,
    manifest::{Added, Removed},
    names,
};
use crate::{
    Digest, Error,
    views::{Cut, identities},
};
use arrow::{
    array::{RecordBatch, UInt64Array},
    compute::take_record_batch,
};
use chrono::{DateTime, NaiveDate};
use model::{Epoch, Micros, view::RowId};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// One flush under way.
pub(super) struct Flush<'a> {
    pub(super) lake: &'a Lake,
    epoch: Epoch,
    pub(super) add: Vec<Added>,
    pub(super) remove: Vec<Removed>,
    /// Directories with new names, synced once at the end.
    touched: BTreeSet<PathBuf>,
}

/// Writes and syncs the files of one flush; they count once a manifest that names them does.
///
/// What was written before a failure is removed: on a full disk orphans would stand in the way of the
/// next attempt.
pub(super) fn write(
    lake: &Lake,
    epoch: Epoch,
    tables: &[Cut],
    compact: bool,
) -> Result<(Vec<Added>, Vec<Removed>, Joined), Error> {
    let (add, remove, touched) = Default::default();
    let mut flush = Flush { lake, epoch, add, remove, touched };
    match flush.write(tables, compact) {
        Ok(joined) => Ok((flush.add, flush.remove, joined)),
        Err(error) => {
            discard(lake, &flush.add);
            Err(error)
        }
    }
}

/// Removes files that no manifest will name; what cannot be removed is an orphan.
pub(super) fn discard(lake: &Lake, files: &[Added]) {
    for file in files {
        lake.disk.remove(&lake.dir.join(&file.path)).unwrap_or_default();
    }
}

impl Flush<'_> {
    fn write(&mut self, tables: &[Cut], compact: bool) -> Result<Joined, Error> {
        for rows in tables {
            self.add_new(rows)?;
            self.rewrite(rows)?;
        }
        let mut joined = Joined::default();
        if compact {
            let tables: Vec<_> = tables.iter().map(Cut::table).collect();
            joined = compact::run(self, &tables);
        }
        self.touched.iter().try_for_each(|dir| durable::sync_dir(&*self.lake.disk, dir))?;
        Ok(joined)
    }

    fn add_new(&mut self, rows: &Cut) -> Result<(), Error> {
        if rows.live().is_empty() {
            return Ok(());
        }
        let batch = file::join(&rows.table().schema, rows.live());
        // 1. The rows that stand, by day, in the order of the file.
        let mut days = BTreeMap::<String, Vec<(Micros, RowId, u64)>>::new();
        for (index, id) in identities(&batch).into_iter().enumerate() {
            if let Some(dated) = rows.standing(&id) {
                days.entry(day(dated)).or_default().push((dated, id, index as u64));
            }
        }
        // 2. A file for each day.
        for (day, mut order) in days {
            order.sort_unstable();
            let times = (order[0].0, order[order.len() - 1].0);
            let picks = order.iter().map(|(_, _, index)| *index).collect::<UInt64Array>();
            let sorted = take_record_batch(&batch, &picks).expect("every pick is a row of the batch");
            self.put(rows.table().name, &names::folder(&day), &sorted, times)?;
        }
        Ok(())
    }

    fn rewrite(&mut self, rows: &Cut) -> Result<(), Error> {
        let table = rows.table().name;
        let mut wanted: BTreeSet<(Micros, RowId)> =
            rows.removed().iter().map(|(id, at)| (*at, *id)).collect();
        for old in self.lake.chain.entries(table) {
            let between = (old.time_min, RowId::default())..=(old.time_max, [u8::MAX; 16]);
            let candidates: BTreeSet<RowId> = wanted.range(between).map(|(_, id)| *id).collect();
            if candidates.is_empty() {
                continue;
            }
            let (path, bytes) = self.lake.content(old)?;
            let held = file::identities_in(&path, &bytes)?.into_iter().filter(|id| candidates.contains(id));
            let gone: BTreeSet<RowId> = held.collect();
            if gone.is_empty() {
                continue;
            }
            let kept = file::without(&path, &bytes, &gone)?;
            if kept.num_rows() > 0 {
                self.put(table, old.folder(), &kept, (old.time_min, old.time_max))?;
            }
            self.remove.push(Removed { table: table.to_owned(), path: old.path.clone() });
            wanted.retain(|(_, id)| !gone.contains(id));
        }
        match wanted.len() {
            0 => Ok(()),
            missing => {
                Err(Error::Broken(format!("{missing} rows of table {table} were retracted that never stood")))
            }
        }
    }

    /// Writes a file of `table` into the folder of a day.
    pub(super) fn put(
        &mut self,
        table: &str,
        folder: &str,
        batch: &RecordBatch,
        (time_min, time_max): (Micros, Micros),
    ) -> Result<(), Error> {
        let bytes = file::encode(batch);
        let blake3 = Digest::of(&bytes);
        let name = names::data(self.epoch, self.lake.incarnation, blake3);
        let (root, path) = (&self.lake.dir, format!("{table}/{folder}/{name}"));
        let dir = root.join(table).join(folder);
        durable::make_dir(&*self.lake.disk, &dir)?;
        durable::write(&*self.lake.disk, &root.join(INCOMING), &root.join(&path), &bytes)?;
        // A folder that committed files lie in was named durably before they were.
        if !self.lake.chain.has_folder(table, folder) {
            let above = dir.ancestors().skip(1).take_while(|above| above.starts_with(root));
            self.touched.extend(above.map(Path::to_owned));
        }
        self.touched.insert(dir);
        let (rows, bytes) = (batch.num_rows() as u64, bytes.len() as u64);
        self.add.push(Added { table: table.to_owned(), path, rows, bytes, blake3, time_min, time_max });
        Ok(())
    }
}

/// The day of an instant in UTC; what no calendar holds falls on its first or last day.
pub(super) fn day(at: Micros) -> String {
    let bound = if at < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
    DateTime::from_timestamp_micros(at).map_or(bound, |instant| instant.date_naive()).to_string()
}
