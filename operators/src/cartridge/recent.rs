//! The rows of a session that a late packet may still change: a slot for every sample index, whether or not it came.
//!
//! # Invariants
//! What stands in a slot that no packet filled is a function of the rows around it alone, so a packet that comes late leaves
//! the same slots as one that came in time.

use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, ops::Range};

/// What stands in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mark {
    /// A sample of every channel.
    Real,
    /// The same, and nothing before it counts.
    First,
    /// Values interpolated over a short hole.
    Imputed,
    /// Nothing.
    Missing,
}

impl Mark {
    pub(super) fn is_real(self) -> bool {
        matches!(self, Self::Real | Self::First)
    }
}

/// One sample of everything: detectors, references, temperature in °C, humidity in percent; empty where missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) mark: Mark,
    pub(super) values: Vec<f32>,
}

const MISSING: Row = Row { mark: Mark::Missing, values: Vec::new() };

/// Recent rows; plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent {
    /// Index of the oldest slot.
    base: i64,
    rows: VecDeque<Row>,
    /// Slots imputed less slots healed since last asked.
    imputed: i64,
}

impl Recent {
    /// Empty, to go on at index `base`.
    pub(super) fn starting(base: i64) -> Self {
        Self { base, ..Self::default() }
    }

    /// Index of the next slot.
    pub(super) fn next(&self) -> i64 {
        self.base + self.rows.len() as i64
    }

    /// Forgets all rows and goes on at index `base`.
    pub(super) fn restart(&mut self, base: i64) {
        self.rows.clear();
        self.base = base;
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Slots imputed since the last call, less those a late packet replaced.
    pub(super) fn take_imputed(&mut self) -> i64 {
        std::mem::take(&mut self.imputed)
    }

    pub(super) fn push(&mut self, row: Row) {
        self.rows.push_back(row);
    }

    /// Appends a hole of `hole` slots; `after` is the row behind it if it is of the same segment. Holes of up to `short`
    /// slots are interpolated.
    pub(super) fn push_hole(&mut self, hole: usize, after: Option<&[f32]>, short: usize) {
        let before = self.rows.back().filter(|row| row.mark.is_real()).map(|row| row.values.clone());
        for slot in 0..hole {
            let row = patch(slot, hole, before.as_deref().zip(after), short);
            self.imputed += i64::from(row.mark == Mark::Imputed);
            self.rows.push_back(row);
        }
    }

    /// Takes the oldest rows out, `count` of them.
    pub(super) fn take(&mut self, count: usize) -> impl Iterator<Item = Row> + '_ {
        let count = count.min(self.rows.len());
        self.base += count as i64;
        self.rows.drain(..count)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// Puts late rows into the empty slots from `index` on; says whether one was empty.
    pub(super) fn amend(&mut self, index: i64, late: impl Iterator<Item = Vec<f32>>, short: usize) -> bool {
        let mut filled: Option<Range<usize>> = None;
        for (slot, values) in (index..).zip(late) {
            let Ok(slot) = usize::try_from(slot - self.base) else { continue };
            if let Some(row) = self.rows.get_mut(slot).filter(|row| !row.mark.is_real()) {
                self.imputed -= i64::from(row.mark == Mark::Imputed);
                *row = Row { mark: Mark::Real, values };
                filled = Some(filled.map_or(slot, |range| range.start)..slot + 1);
            }
        }
        let Some(filled) = filled else { return false };
        let is_empty = |slot: &usize| !self.rows[*slot].mark.is_real();
        let before = (0..filled.start).rev().take_while(is_empty).last();
        let behind = (filled.end..self.rows.len()).take_while(is_empty).last();
        let mut start = before.unwrap_or(filled.start);
        let end = behind.map_or(filled.end, |slot| slot + 1);
        while start < end {
            let hole = self.rows.range(start..end).take_while(|row| !row.mark.is_real()).count();
            self.patch_all(start..start + hole, short);
            start += hole.max(1);
        }
        true
    }

    /// Fills a hole anew after its neighbours changed.
    fn patch_all(&mut self, hole: Range<usize>, short: usize) {
        let left = hole.start.checked_sub(1).map(|left| self.rows[left].values.clone());
        let right =
            self.rows.get(hole.end).filter(|row| row.mark == Mark::Real).map(|row| row.values.clone());
        for slot in hole.clone() {
            let row = patch(slot - hole.start, hole.len(), left.as_deref().zip(right.as_deref()), short);
            let before = self.rows[slot].mark;
            self.imputed += i64::from(row.mark == Mark::Imputed) - i64::from(before == Mark::Imputed);
            self.rows[slot] = row;
        }
    }
}

/// What stands in slot `slot` of a hole of `hole` slots between two rows.
fn patch(slot: usize, hole: usize, ends: Option<(&[f32], &[f32])>, short: usize) -> Row {
    match ends {
        Some((left, right)) if hole <= short => {
            let share = (slot + 1) as f32 / (hole + 1) as f32;
            // Two products: a difference of large numbers of opposite sign could overflow.
            let between = |(left, right): (&f32, &f32)| left * (1.0 - share) + right * share;
            Row { mark: Mark::Imputed, values: left.iter().zip(right).map(between).collect() }
        }
        _ => MISSING,
    }
}
