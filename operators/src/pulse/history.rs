//! The recent samples of one session: a slot for every sample index, whether or not its sample came.
//!
//! # Invariants
//! - What stands in a slot that no sample filled is a function of the samples around it alone, so a sample that
//!   comes late leaves the same slots as one that came in time.
//! - A missing stretch is zero in the filtered signal and restarts the filter behind it.

use dsp::cascade::Cascade;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Second-order sections of the band-pass: order 3 (signals.md §4.4).
pub(super) const SECTIONS: usize = 3;

/// What stands in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Mark {
    /// A sample.
    Real,
    /// A sample that begins a segment: nothing before it counts.
    First,
    /// A value interpolated over a short hole.
    Imputed,
    /// Nothing.
    Missing,
}

impl Mark {
    fn is_real(self) -> bool {
        matches!(self, Self::Real | Self::First)
    }
}

/// Recent samples, struct of arrays; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    /// Index of the oldest slot.
    base: i64,
    raw: Vec<f32>,
    marks: Vec<Mark>,
    /// Shorter than `raw` where the filter has not run yet.
    filtered: Vec<f64>,
    /// Longest hole that is interpolated, slots.
    short: usize,
    /// Slots imputed less slots healed since last asked.
    imputed: i64,
}

impl History {
    /// Empty; holes of up to `short` slots are interpolated.
    pub(super) fn new(short: usize) -> Self {
        Self { base: 0, raw: Vec::new(), marks: Vec::new(), filtered: Vec::new(), short, imputed: 0 }
    }

    /// Forgets everything and goes on at index `base`.
    pub(super) fn restart(&mut self, base: i64) {
        self.forget(self.next());
        self.base = base;
    }

    /// Index of the next slot.
    pub(super) fn next(&self) -> i64 {
        self.base + self.raw.len() as i64
    }

    /// Slots imputed since the last call, less those a late packet replaced.
    pub(super) fn imputed(&mut self) -> i64 {
        std::mem::take(&mut self.imputed)
    }

    /// Appends samples, which may begin a segment.
    pub(super) fn push(&mut self, values: &[f32], first: bool) {
        self.raw.extend_from_slice(values);
        let from = self.marks.len();
        self.marks.resize(self.raw.len(), Mark::Real);
        if first && let Some(mark) = self.marks.get_mut(from) {
            *mark = Mark::First;
        }
    }

    /// Appends the slots `done` up to `until` of a hole of `hole` slots; `after` is the sample behind it if it is of
    /// the same segment.
    pub(super) fn push_hole(&mut self, done: usize, until: usize, hole: usize, after: Option<f32>) {
        let start = self.raw.len() - done;
        let ends = start
            .checked_sub(1)
            .filter(|left| self.marks[*left].is_real())
            .map(|left| self.raw[left])
            .zip(after);
        for slot in done..until {
            let (value, mark) = self.patch(slot, hole, ends);
            self.imputed += i64::from(mark == Mark::Imputed);
            self.raw.push(value);
            self.marks.push(mark);
        }
    }

    /// What stands in slot `slot` of a hole of `hole` slots between two samples.
    fn patch(&self, slot: usize, hole: usize, ends: Option<(f32, f32)>) -> (f32, Mark) {
        match ends {
            Some((left, right)) if hole <= self.short => {
                let share = (slot + 1) as f32 / (hole + 1) as f32;
                (left + (right - left) * share, Mark::Imputed)
            }
            _ => (0.0, Mark::Missing),
        }
    }

    /// Puts late samples into the empty slots from `index` on; gives the index of the first slot that changed.
    pub(super) fn amend(&mut self, index: i64, values: &[f32]) -> Option<i64> {
        let mut filled: Option<Range<usize>> = None;
        for (slot, value) in (index..).zip(values) {
            let Ok(slot) = usize::try_from(slot - self.base) else { continue };
            if self.marks.get(slot).is_some_and(|mark| !mark.is_real()) {
                self.imputed -= i64::from(self.marks[slot] == Mark::Imputed);
                (self.raw[slot], self.marks[slot]) = (*value, Mark::Real);
                filled = Some(filled.map_or(slot, |range| range.start)..slot + 1);
            }
        }
        let filled = filled?;
        let before = (0..filled.start).rev().take_while(|slot| !self.marks[*slot].is_real()).last();
        let behind = (filled.end..self.marks.len()).take_while(|slot| !self.marks[*slot].is_real()).last();
        let mut changed = filled.start;
        let mut start = before.unwrap_or(filled.start);
        let end = behind.map_or(filled.end, |slot| slot + 1);
        while start < end {
            let hole = self.marks[start..end].iter().take_while(|mark| !mark.is_real()).count();
            if hole > 0 {
                changed = changed.min(self.patch_all(start..start + hole).unwrap_or(changed));
            }
            start += hole.max(1);
        }
        Some(self.base + changed as i64)
    }

    /// Fills a hole anew after its neighbours changed; gives the first slot that changed.
    fn patch_all(&mut self, hole: Range<usize>) -> Option<usize> {
        let left = hole.start.checked_sub(1).map(|left| self.raw[left]);
        let same_segment = self.marks.get(hole.end) == Some(&Mark::Real);
        let ends = left.zip(self.raw.get(hole.end).copied().filter(|_| same_segment));
        let mut changed = None;
        for slot in hole.clone() {
            let patch = self.patch(slot - hole.start, hole.len(), ends);
            if patch != (self.raw[slot], self.marks[slot]) {
                self.imputed +=
                    i64::from(patch.1 == Mark::Imputed) - i64::from(self.marks[slot] == Mark::Imputed);
                (self.raw[slot], self.marks[slot]) = patch;
                changed = changed.or(Some(slot));
            }
        }
        changed
    }

    /// Forgets the filtered signal from `index` on.
    pub(super) fn soil(&mut self, index: i64) {
        self.filtered.truncate(usize::try_from(index - self.base).unwrap_or(0));
    }

    /// Filters the slots from where the filter stands up to `until`; `fresh` says whether it begins with the next
    /// sample. Gives how many of them are real and how many imputed.
    pub(super) fn filter(
        &mut self,
        until: i64,
        cascade: &mut Cascade<SECTIONS>,
        fresh: &mut bool,
    ) -> (u32, u32) {
        let end = usize::try_from(until - self.base).unwrap_or(0).min(self.raw.len());
        let (mut real, mut imputed) = (0, 0);
        while self.filtered.len() < end {
            let start = self.filtered.len();
            if self.marks[start] == Mark::Missing {
                *fresh = true;
                self.filtered.push(0.0);
                continue;
            }
            // One run up to the next slot where the filter has to begin anew.
            let follows = |mark: &&Mark| matches!(mark, Mark::Real | Mark::Imputed);
            let run = 1 + self.marks[start + 1..end].iter().take_while(follows).count();
            let gaps = self.marks[start..start + run].iter().filter(|mark| **mark == Mark::Imputed).count();
            if *fresh || self.marks[start] == Mark::First {
                cascade.settle(f64::from(self.raw[start]));
                *fresh = false;
            }
            self.filtered.extend(self.raw[start..start + run].iter().copied().map(f64::from));
            cascade.process(&mut self.filtered[start..]);
            real += (run - gaps) as u32;
            imputed += gaps as u32;
        }
        (real, imputed)
    }

    /// The filtered signal between two indices, as far as it was filtered.
    pub(super) fn filtered(&self, slots: Range<i64>) -> &[f64] {
        &self.filtered[self.position(slots.start)..self.position(slots.end)]
    }

    /// Whether each slot between two indices holds no sample.
    pub(super) fn held(&self, slots: Range<i64>) -> impl Iterator<Item = bool> {
        self.marks[self.position(slots.start)..self.position(slots.end)].iter().map(|mark| !mark.is_real())
    }

    fn position(&self, index: i64) -> usize {
        usize::try_from(index - self.base).unwrap_or(0).min(self.filtered.len())
    }

    /// Forgets the slots before `index`.
    pub(super) fn forget(&mut self, index: i64) {
        let gone = usize::try_from(index - self.base).unwrap_or(0).min(self.raw.len());
        self.raw.drain(..gone);
        self.marks.drain(..gone);
        self.filtered.drain(..gone.min(self.filtered.len()));
        self.base += gone as i64;
    }
}
