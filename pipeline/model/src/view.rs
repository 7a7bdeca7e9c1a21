//! What a reader holds: every table at one committed epoch.
//!
//! A table is what the lake keeps plus what lives in memory since the lake was last written, minus
//! the rows that were retracted since. All tables are swapped in one step, so a query over any
//! number of them sees one epoch.

use crate::{
    Epoch, Micros,
    similar::{Nothing, Similar},
};
use arrow::array::RecordBatch;
use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

/// Identity of a row: the first 16 bytes of a digest of its content.
pub type RowId = [u8; 16];

/// A file of the lake; never changed after it was named here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Length in bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
}

/// One table.
#[derive(Clone, Debug, Default)]
pub struct TableView {
    /// Rows that live in memory, in the table's schema.
    pub live: Vec<RecordBatch>,
    /// Rows, live or in the lake, that do not count any more; usually empty.
    pub hidden: Arc<HashSet<RowId>>,
    /// Files of the lake.
    pub files: Arc<Vec<LakeFile>>,
}

/// How far one input partition was processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// Offset that will be read next.
    pub next_offset: u64,
    /// One past the last offset that could be read when this epoch was bound.
    pub end_offset: u64,
    /// Highest event time seen.
    pub watermark: Option<Micros>,
}

/// All tables at one committed epoch.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The last epoch this shows; `None` before the first commit.
    pub as_of_epoch: Option<Epoch>,
    /// Tables by name; see [`crate::table::ALL`].
    pub tables: BTreeMap<&'static str, TableView>,
    /// Input progress, ordered by topic and partition.
    pub progress: Vec<Progress>,
    /// Which fingerprints are alike.
    pub similar: Arc<dyn Similar>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { as_of_epoch: None, tables: BTreeMap::new(), progress: Vec::new(), similar: Arc::new(Nothing) }
    }
}

/// The place where the newest snapshot lies: one writer swaps, any number of readers take.
#[derive(Debug, Default)]
pub struct Shelf {
    newest: RwLock<Arc<Snapshot>>,
}

impl Shelf {
    /// The newest snapshot; it stays whole for as long as it is held.
    pub fn take(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the snapshot for all later readers.
    pub fn swap(&self, snapshot: Snapshot) {
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }
}
