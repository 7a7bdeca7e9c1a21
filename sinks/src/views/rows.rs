//! What one table holds since the lake was last written: rows added, rows taken back, rows removed.
//!
//! A row is its identity, a digest of its content. Batches are appended and never changed; a live row
//! that is retracted is only hidden, and so is a row of the lake until the next flush rewrites its
//! file. A hidden row that comes back is shown again and not added a second time.
//!
//! # Flushes
//! [`Rows::cut`] is what a flush writes. Until it is committed the table is as if there were none; then
//! [`Rows::flushed`] leaves what changed since the cut.
//!
//! # Bound
//! At most [`MANY`] + 1 batches, whatever the number of epochs, and as many that are being flushed: small ones are
//! joined into larger ones so that a row is copied a logarithmic number of times.

use super::{
    cut::{Cut, Since},
    identities,
};
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
    standing: Arc<BTreeMap<RowId, Micros>>,
    /// Rows of the lake that do not stand any more, with the time that dates them.
    removed: Arc<BTreeMap<RowId, Micros>>,
    /// Rows in `live` that do not stand any more, and all of `removed`.
    hidden: Arc<HashSet<RowId>>,
    /// The flush under way.
    since: Option<Since>,
}

impl Rows {
    pub(super) fn new(table: Table) -> Self {
        let (live, standing, removed, hidden) = Default::default();
        Self { table, live, standing, removed, hidden, since: None }
    }

    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn live(&self) -> &[RecordBatch] {
        &self.live
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

    /// What a flush is to write now; one that was under way is given up.
    pub(super) fn cut(&mut self) -> Cut {
        let cut = Cut {
            table: self.table.clone(),
            live: self.live.clone(),
            standing: Arc::clone(&self.standing),
            removed: Arc::clone(&self.removed),
            hidden: Arc::clone(&self.hidden),
        };
        self.since = Some(Since::new(cut.clone()));
        cut
    }

    /// Whether a flush is under way.
    pub(super) const fn is_cut(&self) -> bool {
        self.since.is_some()
    }

    /// The flush under way came to nothing.
    pub(super) fn give_up(&mut self) {
        self.since = None;
    }

    /// The lake holds the cut now: leaves what changed since.
    pub(super) fn flushed(&mut self) {
        let Some(Since { cut, again }) = self.since.take() else { return };
        let hidden = std::mem::take(&mut self.hidden);
        self.live.drain(..cut.live.len());
        let fresh: HashSet<RowId> = self.live.iter().flat_map(identities).collect();
        // 1. What the flush wrote and does not stand any more has to be taken out of the lake again.
        let gone = cut.standing.iter().filter(|(id, _)| !self.standing.contains_key(*id));
        let removed = self.removed.iter().filter(|(id, _)| !cut.removed.contains_key(*id));
        let removed: BTreeMap<_, _> = removed.chain(gone).map(|(id, at)| (*id, *at)).collect();
        // 2. What stands and was not written, with what it dropped and came back.
        let standing = self.standing.iter().filter(|(id, _)| !cut.standing.contains_key(*id));
        let mut standing: BTreeMap<_, _> = standing.map(|(id, at)| (*id, *at)).collect();
        let (mut batches, mut dates) = (Vec::new(), Vec::new());
        for (id, (dated, batch)) in again.into_iter().filter(|(id, _)| !hidden.contains(id)) {
            batches.push(batch);
            dates.push((id, dated));
        }
        standing.extend(dates);
        if !batches.is_empty() {
            self.live.push(join(&self.table.schema, &batches));
        }
        // 3. What readers must not see of either.
        let unseen = hidden.iter().filter(|id| fresh.contains(*id)).chain(removed.keys());
        self.hidden = Arc::new(unseen.copied().collect());
        (self.standing, self.removed) = (Arc::new(standing), Arc::new(removed));
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
            if !self.restore(id, row) {
                Arc::make_mut(&mut self.standing).insert(id, row.dated());
                add.push((id, row));
            }
        }
        if !add.is_empty() {
            self.live.push(R::batch(&add));
        }
        if self.live.len() - self.being_flushed() > MANY {
            self.join_newest();
        }
        Ok(())
    }

    fn retract(&mut self, id: RowId, dated: Micros) -> Option<()> {
        if self.standing.contains_key(&id) {
            Arc::make_mut(&mut self.standing).remove(&id);
        } else {
            if self.hidden.contains(&id) {
                return None;
            }
            if !planted::is(Bug::KeepRetracted) {
                Arc::make_mut(&mut self.removed).insert(id, dated);
            }
        }
        Arc::make_mut(&mut self.hidden).insert(id);
        Some(())
    }

    /// Shows a hidden row again; false if there is none.
    fn restore<R: Row>(&mut self, id: RowId, row: &R) -> bool {
        if !self.hidden.contains(&id) {
            return false;
        }
        Arc::make_mut(&mut self.hidden).remove(&id);
        if self.removed.contains_key(&id) {
            Arc::make_mut(&mut self.removed).remove(&id);
        } else {
            Arc::make_mut(&mut self.standing).insert(id, row.dated());
        }
        if let Some(since) = self.since.as_mut().filter(|since| since.cut.hidden.contains(&id)) {
            since.again.entry(id).or_insert_with(|| (row.dated(), R::batch(&[(id, row)])));
        }
        true
    }

    /// Live batches that a flush under way writes.
    fn being_flushed(&self) -> usize {
        self.since.as_ref().map_or(0, Since::batches)
    }

    fn twice(&self, what: &str) -> Error {
        Error::Broken(format!("a row of table {} was {what} twice", self.table.name))
    }

    /// Joins the newest batches, and older ones that are not larger than what they join, into one.
    fn join_newest(&mut self) {
        let (mut first, mut rows, least) = (self.live.len(), 0, self.being_flushed());
        while first > least
            && (self.live.len() - first < MANY / 2 || self.live[first - 1].num_rows() <= 2 * rows)
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
