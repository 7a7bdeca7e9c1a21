//! The windows of a session that left and can still be corrected.
//!
//! # Retractions
//! A late packet takes a window back and asserts it with the next revision: each window once, however many packets
//! there were since the last correction. The revision counts them all.

use super::grid::Grid;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A window whose time came and that is not final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Left<R> {
    /// Number of the pane it left with.
    pane: i64,
    /// The row as it left; absent if it held no sample.
    row: Option<R>,
    revision: u32,
    /// Late packets that changed it since.
    late: u32,
}

/// Windows of one session; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Windows<R> {
    /// Number of the first pane a window may begin with.
    first: i64,
    left: VecDeque<Left<R>>,
}

impl<R: Clone> Windows<R> {
    /// No window has left.
    pub(crate) fn new() -> Self {
        Self { first: i64::MIN, left: VecDeque::new() }
    }

    /// No window begins before pane `first`.
    pub(crate) fn begin(&mut self, first: i64) {
        self.first = first;
    }

    /// Whether a window leaves with pane `number`, unless it left before.
    pub(crate) fn is_due(&self, number: i64, grid: &Grid) -> bool {
        let first = grid.first_of(number);
        first >= self.first
            && first.rem_euclid(grid.stride) == 0
            && self.left.back().is_none_or(|window| window.pane < number)
    }

    /// The window of pane `number` leaves.
    pub(crate) fn leave(&mut self, number: i64, row: Option<R>, out: &mut Vec<(R, i64)>) {
        out.extend(row.clone().map(|row| (row, 1)));
        self.left.push_back(Left { pane: number, row, revision: 0, late: 0 });
    }

    /// Notes a late packet that changed pane `number`.
    pub(crate) fn late(&mut self, number: i64) {
        for window in self.left.iter_mut().filter(|window| window.pane >= number) {
            window.late += 1;
        }
    }

    /// Whether a window has to be corrected.
    pub(crate) fn is_wrong(&self) -> bool {
        self.left.iter().any(|window| window.late > 0)
    }

    /// Corrects the windows that late packets changed; `read` gives the row of a pane and a revision.
    pub(crate) fn settle(&mut self, out: &mut Vec<(R, i64)>, mut read: impl FnMut(i64, u32) -> Option<R>) {
        for window in self.left.iter_mut().filter(|window| window.late > 0) {
            window.revision += std::mem::take(&mut window.late);
            let row = read(window.pane, window.revision);
            out.extend(window.row.take().map(|row| (row, -1)));
            out.extend(row.clone().map(|row| (row, 1)));
            window.row = row;
        }
    }

    /// The windows that begin before pane `kept` are final.
    pub(crate) fn forget(&mut self, kept: i64, grid: &Grid) {
        while self.left.front().is_some_and(|window| grid.first_of(window.pane) < kept) {
            self.left.pop_front();
        }
    }

    /// All windows are final.
    pub(crate) fn clear(&mut self) {
        self.left.clear();
    }
}
