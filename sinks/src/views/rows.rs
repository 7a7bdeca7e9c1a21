//! What one table holds since the lake was last written: rows added, rows taken back, rows removed.
//!
//! A row is its identity, a digest of its content. Batches are appended and never changed; a live row
//! that is retracted is only hidden, and so is a row of the lake until the next flush rewrites its
//! file. A hidden row that comes back is shown again and not added a second time.
//!
//! # Bound
//! At most [`MANY`] + 1 batches, whatever the number of epochs: small ones are joined into larger ones
//! so that a row is copied a logarithmic number of times.

use super::identities;
use crate::{
    Error,
    lake::{drop_rows, join},
};
use arrow::array::RecordBatch;
use model::planted::{self, Bug};
use model::{
    Micros,
    table::{Row, Table},
    view::RowId,
};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// So many live batches are joined.
const MANY: usize = 64;

/// One table since the last flush.
#[derive(Debug)]
pub(crate) struct Rows {
    table: Table,
    live: Vec<RecordBatch>,
    /// Rows in `live` that stand, with the time that dates them.
    standing: BTreeMap<RowId, Micros>,
    /// Rows of the lake that do not stand any more, with the time that dates them.
    removed: BTreeMap<RowId, Micros>,
    /// Rows in `live` that do not stand any more, and all of `removed`.
    hidden: Arc<HashSet<RowId>>,
}

impl Rows {
    pub(super) fn new(table: Table) -> Self {
        let (live, standing, removed, hidden) = Default::default();
        Self { table, live, standing, removed, hidden }
    }

    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn live(&self) -> &[RecordBatch] {
        &self.live
    }

    /// When the row was dated, if it stands and is not in the lake.
    pub(crate) fn standing(&self, id: &RowId) -> Option<Micros> {
        self.standing.get(id).copied()
    }

    pub(crate) const fn removed(&self) -> &BTreeMap<RowId, Micros> {
        &self.removed
    }

    pub(super) fn hidden(&self) -> Arc<HashSet<RowId>> {
        Arc::clone(&self.hidden)
    }

    pub(super) fn pending(&self) -> usize {
        self.standing.len() + self.removed.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.live.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    pub(super) fn clear(&mut self) {
        self.live.clear();
        self.standing.clear();
        self.removed.clear();
        self.hidden = Arc::default();
    }

    /// Takes consolidated changes: retractions first, so that what is taken back can come again.
    pub(super) fn apply<R: Row>(&mut self, changes: &[(R, i64)]) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut add = Vec::new();
        let mut scratch = Vec::new();
        let rows = changes
            .iter()
            .map(|(row, difference)| (identity(self.table.name, row, &mut scratch), row, *difference));
        let (asserted, retracted): (Vec<_>, Vec<_>) = rows.partition(|(_, _, difference)| *difference > 0);
        for (id, row, difference) in retracted {
            self.retract(id, row.dated())
                .filter(|()| difference == -1)
                .ok_or_else(|| self.twice("retracted"))?;
        }
        for (id, row, difference) in asserted {
            if difference != 1 || self.standing.contains_key(&id) {
                return Err(self.twice("asserted"));
            }
            if !self.restore(&id, row.dated()) {
                self.standing.insert(id, row.dated());
                add.push((id, row));
            }
        }
        if !add.is_empty() {
            self.live.push(R::batch(&add));
        }
        if self.live.len() > MANY {
            self.join_newest();
        }
        Ok(())
    }

    fn retract(&mut self, id: RowId, dated: Micros) -> Option<()> {
        if self.standing.remove(&id).is_none() {
            if self.hidden.contains(&id) {
                return None;
            }
            if !planted::is(Bug::KeepRetracted) {
                self.removed.insert(id, dated);
            }
        }
        Arc::make_mut(&mut self.hidden).insert(id);
        Some(())
    }

    /// Shows a hidden row again; false if there is none.
    fn restore(&mut self, id: &RowId, dated: Micros) -> bool {
        if !self.hidden.contains(id) {
            return false;
        }
        Arc::make_mut(&mut self.hidden).remove(id);
        if self.removed.remove(id).is_none() {
            self.standing.insert(*id, dated);
        }
        true
    }

    fn twice(&self, what: &str) -> Error {
        Error::Broken(format!("a row of table {} was {what} twice", self.table.name))
    }

    /// Joins the newest batches, and older ones that are not larger than what they join, into one.
    fn join_newest(&mut self) {
        let (mut first, mut rows) = (self.live.len(), 0);
        while first > 0 && (self.live.len() - first < MANY / 2 || self.live[first - 1].num_rows() <= 2 * rows)
        {
            first -= 1;
            rows += self.live[first].num_rows();
        }
        let newest = self.live.split_off(first);
        let joined = join(&self.table.schema, &newest);
        let hidden = Arc::make_mut(&mut self.hidden);
        let whole = drop_rows(&joined, |id| hidden.contains(id));
        for id in identities(&joined) {
            hidden.remove(&id);
        }
        if whole.num_rows() > 0 {
            self.live.push(whole);
        }
    }
}

/// The first half of a digest of the name of the table and the row as JSON.
fn identity<R: Row>(table: &str, row: &R, scratch: &mut Vec<u8>) -> RowId {
    scratch.clear();
    scratch.extend_from_slice(table.as_bytes());
    scratch.push(0);
    serde_json::to_writer(&mut *scratch, row).expect("rows are text, integers, bytes and finite numbers");
    let hash = blake3::hash(scratch);
    *hash.as_bytes().first_chunk().expect("a digest has 32 bytes")
}
