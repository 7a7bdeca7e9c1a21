//! The recent samples of one session: a slot for every sample index, whether or not its sample came.
//!
//! # Invariants
//! - What stands in a slot that no sample filled is a function of the samples around it alone, so a sample that
//!   comes late leaves the same slots as one that came in time.

use serde::{Deserialize, Serialize};
use std::ops::Range;

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

/// Slots of one kind that follow each other.
#[derive(Debug)]
pub(crate) enum Stretch<'slots> {
    /// So many slots that hold nothing.
    Missing(usize),
    /// Values of one segment.
    Samples {
        /// Whether the segment begins here.
        first: bool,
        /// The values.
        values: &'slots [f32],
        /// How many of them were interpolated.
        imputed: usize,
    },
}

/// Recent samples, struct of arrays; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slots {
    /// Index of the oldest slot.
    base: i64,
    raw: Vec<f32>,
    marks: Vec<Mark>,
    /// Longest hole that is interpolated, slots.
    short: usize,
    /// Slots imputed less slots healed since last asked.
    imputed: i64,
}

impl Slots {
    /// Empty; holes of up to `short` slots are interpolated.
    pub(crate) fn new(short: usize) -> Self {
        Self { base: 0, raw: Vec::new(), marks: Vec::new(), short, imputed: 0 }
    }

    /// Forgets everything and goes on at index `base`.
    pub(crate) fn restart(&mut self, base: i64) {
        self.forget(self.next());
        self.base = base;
    }

    /// Index of the next slot.
    pub(crate) fn next(&self) -> i64 {
        self.base + self.raw.len() as i64
    }

    /// Slots imputed since the last call, less those a late packet replaced.
    pub(crate) fn imputed(&mut self) -> i64 {
        std::mem::take(&mut self.imputed)
    }

    /// Appends samples, which may begin a segment.
    pub(crate) fn push(&mut self, values: &[f32], first: bool) {
        self.raw.extend_from_slice(values);
        let from = self.marks.len();
        self.marks.resize(self.raw.len(), Mark::Real);
        if first && let Some(mark) = self.marks.get_mut(from) {
            *mark = Mark::First;
        }
    }

    /// Appends the slots `done` up to `until` of a hole of `hole` slots; `after` is the sample behind it if it is of
    /// the same segment.
    pub(crate) fn push_hole(&mut self, done: usize, until: usize, hole: usize, after: Option<f32>) {
        // Of a hole that is longer than what is remembered, its left end is forgotten.
        let ends = self
            .raw
            .len()
            .checked_sub(done + 1)
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
    pub(crate) fn amend(&mut self, index: i64, values: &[f32]) -> Option<i64> {
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

    /// The longest stretch of one kind from slot `index` on, before slot `until`; none if there is no such slot.
    pub(crate) fn stretch(&self, index: i64, until: i64) -> Option<Stretch<'_>> {
        let start = usize::try_from(index - self.base).ok()?;
        let end = usize::try_from(until - self.base).ok()?.min(self.raw.len());
        let marks = self.marks.get(start..end).filter(|marks| !marks.is_empty())?;
        if marks[0] == Mark::Missing {
            return Some(Stretch::Missing(marks.iter().take_while(|mark| **mark == Mark::Missing).count()));
        }
        let follows = |mark: &&Mark| matches!(mark, Mark::Real | Mark::Imputed);
        let length = 1 + marks[1..].iter().take_while(follows).count();
        Some(Stretch::Samples {
            first: marks[0] == Mark::First,
            values: &self.raw[start..start + length],
            imputed: marks[..length].iter().filter(|mark| **mark == Mark::Imputed).count(),
        })
    }

    /// Whether each slot between two indices holds no sample.
    pub(crate) fn held(&self, slots: Range<i64>) -> impl Iterator<Item = bool> {
        self.marks[self.position(slots.start)..self.position(slots.end)].iter().map(|mark| !mark.is_real())
    }

    /// Where slot `index` stands among those remembered.
    pub(crate) fn position(&self, index: i64) -> usize {
        usize::try_from(index - self.base).unwrap_or(0).min(self.raw.len())
    }

    /// Forgets the slots before `index`; gives their number.
    pub(crate) fn forget(&mut self, index: i64) -> usize {
        let gone = self.position(index);
        self.raw.drain(..gone);
        self.marks.drain(..gone);
        self.base += gone as i64;
        gone
    }
}
