//! What a flush writes: a table's changes as they stood when it began, while the table goes on changing.
//!
//! The table itself forgets nothing before the flush is committed, so a flush that comes to nothing changes
//! nothing. One that is committed is taken off: what it wrote is the lake's from then on.

use arrow::array::RecordBatch;
use model::{Micros, table::Table, view::RowId};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// Changes of one table since the last flush, for good as they are; sharing what the table holds.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    pub(super) table: Table,
    pub(super) live: Vec<RecordBatch>,
    pub(super) standing: Arc<BTreeMap<RowId, Micros>>,
    pub(super) removed: Arc<BTreeMap<RowId, Micros>>,
    pub(super) hidden: Arc<HashSet<RowId>>,
}

impl Cut {
    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }

    /// Batches with all new rows that stand, and some that do not.
    pub(crate) fn live(&self) -> &[RecordBatch] {
        &self.live
    }

    /// When the row was dated, if it stands and is not in the lake.
    pub(crate) fn standing(&self, id: &RowId) -> Option<Micros> {
        self.standing.get(id).copied()
    }

    /// Rows of the lake that do not stand any more, with the time that dates them.
    pub(crate) fn removed(&self) -> &BTreeMap<RowId, Micros> {
        &self.removed
    }
}

/// What a table remembers while a flush is under way.
#[derive(Debug)]
pub(super) struct Since {
    pub(super) cut: Cut,
    /// Rows that did not stand at the cut and stand again: the flush drops them, so here is a copy of each.
    pub(super) again: BTreeMap<RowId, (Micros, RecordBatch)>,
}

impl Since {
    pub(super) const fn new(cut: Cut) -> Self {
        Self { cut, again: BTreeMap::new() }
    }

    /// Batches of the table that the flush writes.
    pub(super) fn batches(&self) -> usize {
        self.cut.live.len()
    }
}
