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

/// What a program says of itself, for whoever asks what an alert was found by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Version of the code, and the commit it was built from where that is known.
    pub code: String,
    /// Versions of the formats and steps behind results, each with its name.
    pub versions: Vec<(String, String)>,
    /// What rules were told.
    pub parameters: Vec<Parameter>,
}

/// One parameter in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The one rule that has it; `None` for every rule that has none of its own by that name.
    pub rule: Option<String>,
    /// Name, as the configuration has it.
    pub name: String,
    /// Value, as the configuration writes it.
    pub value: String,
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
    /// What found all this; empty where nobody runs.
    pub about: Arc<About>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            as_of_epoch: None,
            tables: BTreeMap::new(),
            progress: Vec::new(),
            similar: Arc::new(Nothing),
            about: Arc::default(),
        }
    }
}

/// The place where the newest snapshot lies: one writer swaps, any number of readers take.
#[derive(Debug, Default)]
pub struct Shelf {
    newest: RwLock<Arc<Snapshot>>,
    about: RwLock<Arc<About>>,
}

impl Shelf {
    /// The newest snapshot; it stays whole for as long as it is held.
    pub fn take(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says what finds what is put here.
    pub fn describe(&self, about: About) {
        let about = Arc::new(about);
        *self.about.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&about);
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        *newest = Arc::new(Snapshot { about, ..Snapshot::clone(&newest) });
    }

    /// Replaces the snapshot for all later readers.
    pub fn swap(&self, snapshot: Snapshot) {
        let about = Arc::clone(&self.about.read().unwrap_or_else(PoisonError::into_inner));
        let snapshot = Snapshot { about, ..snapshot };
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }
}
