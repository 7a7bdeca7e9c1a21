//! Joins small files: many flushes of one day leave many, and every query opens them all.
//!
//! Files of one table and day that are alike in size are joined once there are enough of them, by the manifest
//! of a flush, which removes them and adds the one with their rows. A row is thus written again once for every
//! size, not once for every flush.
//!
//! # Bound
//! The files joined by one flush come to [`Tuning::compact_bytes`] on disk, and those of one join to [`Tuning::memory`]
//! in memory.
//!
//! # Invariants
//! - The rows are the same before and after, in order of time and identity.
//! - A join that fails is left out of the flush and never stands in its way.

use super::{
    Lake,
    file::{self, dated},
    flush::Flush,
    manifest::{Added, Removed},
};
use crate::{Error, views::identities};
use arrow::{
    array::{RecordBatch, UInt64Array},
    compute::take_record_batch,
};
use model::{Micros, table::Table, view::RowId};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// After a disk refused a join, so many flushes go without.
pub(super) const REST: u32 = 32;

/// The sizes that decide what is joined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuning {
    /// Bytes of files that one flush may join; 0 for none.
    pub(super) compact_bytes: u64,
    /// No file is made larger than this …
    pub(super) target_bytes: u64,
    /// … or longer, and what has a quarter of either is left alone.
    pub(super) target_rows: u64,
    /// So many alike are joined.
    pub(super) alike: usize,
    /// Files below this are alike, above it those within a factor of eight.
    pub(super) smallest: u64,
    /// What the columns of one join may come to: offsets within a column of text have 31 bits.
    pub(super) memory: usize,
    /// Manifests between two folds.
    pub(super) fold_every: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            compact_bytes: 0,
            target_bytes: 64 << 20,
            target_rows: 1 << 20,
            alike: 8,
            smallest: 512 << 10,
            memory: 1 << 29,
            fold_every: 256,
        }
    }
}

impl Tuning {
    /// Files of one class are alike; `None` for those that are large enough.
    fn class(&self, file: &Added) -> Option<u32> {
        let small = file.bytes < self.target_bytes / 4 && file.rows < self.target_rows / 4;
        small.then(|| (file.bytes / self.smallest).checked_ilog2().map_or(0, |log| log / 3 + 1))
    }
}

/// What happened to the joins of a flush.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// Files to be left alone: not as they were written, or too large in memory.
    pub(super) alone: BTreeSet<PathBuf>,
    /// The disk refused.
    pub(super) refused: bool,
}

/// Joins what is due in `tables` and adds it to `flush`.
pub(super) fn run(flush: &mut Flush<'_>, tables: &[&Table]) -> Joined {
    let (lake, mut joined) = (flush.lake, Joined::default());
    let mut budget = lake.tuning.compact_bytes;
    for table in tables {
        for files in due(lake, flush, table, &mut budget) {
            match join(flush, table, &files) {
                Ok(alone) => joined.alone.extend(alone),
                Err(Error::Damaged { path, detail, .. }) => {
                    tracing::error!(path = %path.display(), detail, "a file of the lake is damaged");
                    joined.alone.insert(path);
                }
                Err(error) => {
                    tracing::warn!(%error, "small files of the lake are not joined for a while");
                    joined.refused = true;
                    return joined;
                }
            }
        }
    }
    joined
}

/// The files of `table` to be joined, a list for each join.
fn due(lake: &Lake, flush: &Flush<'_>, table: &Table, budget: &mut u64) -> Vec<Vec<Added>> {
    let gone: BTreeSet<&str> = flush.remove.iter().map(|removed| removed.path.as_str()).collect();
    let fit = |file: &&Added| {
        !gone.contains(file.path.as_str()) && !lake.alone.contains(&lake.dir.join(&file.path))
    };
    choose(lake.chain.entries(table.name).filter(fit), &lake.tuning, budget)
}

/// Which of `files` are joined, for what is left of `budget`.
fn choose<'a>(files: impl Iterator<Item = &'a Added>, tuning: &Tuning, budget: &mut u64) -> Vec<Vec<Added>> {
    let mut classes = BTreeMap::<(&str, u32), Vec<&Added>>::new();
    for file in files {
        if let Some(class) = tuning.class(file) {
            classes.entry((file.folder(), class)).or_default().push(file);
        }
    }
    let mut joins = Vec::new();
    for alike in classes.into_values().filter(|alike| alike.len() >= tuning.alike) {
        let (mut bytes, mut rows, mut files) = (0, 0, Vec::new());
        for file in alike {
            (bytes, rows) = (bytes + file.bytes, rows + file.rows);
            if bytes > tuning.target_bytes.min(*budget) || rows > tuning.target_rows {
                bytes -= file.bytes;
                break;
            }
            files.push(file.clone());
        }
        if files.len() > 1 {
            *budget -= bytes;
            joins.push(files);
        }
    }
    joins
}

/// Joins as many of `files` as memory allows; returns the first if it is too large by itself.
fn join(flush: &mut Flush<'_>, table: &Table, files: &[Added]) -> Result<Option<PathBuf>, Error> {
    // 1. Their rows, as many as fit.
    let (mut batches, mut memory, mut sources, mut large) = (Vec::new(), 0, Vec::new(), None);
    for file in files {
        let (path, bytes) = flush.lake.content(file)?;
        let rows = file::rows(&path, &bytes)?;
        memory += rows.iter().map(RecordBatch::get_array_memory_size).sum::<usize>();
        if memory > flush.lake.tuning.memory {
            // Too large by itself it is never joined; beside the others, the next time.
            large = sources.is_empty().then_some(path);
            break;
        }
        for rows in rows {
            let widened = file::widened(table, &rows);
            batches.push(widened.ok_or_else(|| {
                Error::damaged(&path, "has the columns of another version: it is not joined")
            })?);
        }
        sources.push(file);
    }
    let [first, _, ..] = sources[..] else { return Ok(large) };
    // 2. In order.
    let batch = file::join(&table.schema, &batches);
    drop(batches);
    let dates = dated(table, &batch);
    let mut order: Vec<(Micros, RowId, u64)> = identities(&batch)
        .into_iter()
        .zip(dates)
        .zip(0..)
        .map(|((id, dated), index)| (dated, id, index))
        .collect();
    order.sort_unstable();
    if order.windows(2).any(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
        let detail = "holds a row that another file holds, too: verify the lake and restore it from a copy";
        return Err(Error::damaged(&flush.lake.dir.join(&first.path), detail));
    }
    let picks = order.iter().map(|(_, _, index)| *index).collect::<UInt64Array>();
    let sorted = take_record_batch(&batch, &picks).expect("every pick is a row of the batch");
    // 3. One file instead of many; nothing may fail once it is added.
    let (start, end) = sources.iter().fold((Micros::MAX, Micros::MIN), |(start, end), file| {
        (start.min(file.time_min), end.max(file.time_max))
    });
    flush.put(table.name, first.folder(), &sorted, (start, end))?;
    let removed = |file: &&Added| Removed { table: table.name.to_owned(), path: file.path.clone() };
    flush.remove.extend(sources.iter().map(removed));
    Ok(None)
}

#[cfg(test)]
mod tests;
