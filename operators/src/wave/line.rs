//! One session's samples on the line of time: slots, cut into panes of event time that are aligned to multiples of
//! their length.
//!
//! # Invariants
//! - Every slot belongs to the pane in which its time lies; panes follow each other without a hole.
//! - A pane is told once when it is over, with all its slots made.
//!
//! # Bound
//! Samples and panes are kept until they are forgotten; holes longer than what is kept take no room.

use super::{grid::Grid, pane::Pane, slots::Slots};
use crate::sequence::clock::Placed;
use model::Micros;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Who is told what becomes of a line.
pub(crate) trait Follow<M> {
    /// Pane `number` is over; the next one is open behind it.
    fn closed(&mut self, number: i64, line: &mut Line<M>);

    /// A hole was too long: all slots and panes are about to be forgotten.
    fn cleared(&mut self);
}

/// Samples and panes; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line<M> {
    pub(crate) slots: Slots,
    /// The last one is open.
    pub(crate) panes: VecDeque<Pane<M>>,
    /// Panes that were read to their end.
    pub(crate) clean: usize,
    /// Time just after the newest sample.
    end: Micros,
}

impl<M: Default> Line<M> {
    /// Empty; holes of up to `short` slots are interpolated.
    pub(crate) fn new(short: usize) -> Self {
        Self { slots: Slots::new(short), panes: VecDeque::new(), clean: 0, end: 0 }
    }

    /// Begins with `placed`; gives the number of the first pane of which not one sample can have been missed.
    pub(crate) fn begin(&mut self, placed: &Placed, grid: &Grid) -> i64 {
        self.slots.restart(placed.index);
        self.end = placed.at;
        self.open(placed.at.div_euclid(grid.pane), placed.period_us);
        placed.at.saturating_sub(grid.period).div_euclid(grid.pane) + 1
    }

    /// Appends the samples `values` of the next packet in order.
    pub(crate) fn append(
        &mut self,
        placed: &Placed,
        values: &[f32],
        grid: &Grid,
        follow: &mut impl Follow<M>,
    ) {
        if placed.index > self.slots.next() {
            let after = values.first().copied().filter(|_| !placed.broken);
            self.skip(placed, after, grid, follow);
        }
        let mut from = 0;
        let mut broken = placed.broken;
        for index in 0..values.len() {
            let at = placed.at.saturating_add((placed.period_us * index as f64).round() as Micros);
            while at >= self.pane_end(grid) {
                self.push(&values[from..index], &mut broken, placed);
                from = index;
                self.roll(follow);
            }
        }
        self.push(&values[from..], &mut broken, placed);
        self.end = placed.at.saturating_add((placed.period_us * values.len() as f64).round() as Micros);
        while self.end >= self.pane_end(grid) {
            self.roll(follow);
        }
    }

    /// Fills the slots of a late packet; gives the first slot that changed and the pane that holds it, by its position.
    pub(crate) fn amend(&mut self, placed: &Placed, values: &[f32]) -> Option<(i64, usize)> {
        let changed = self.slots.amend(placed.index, values)?;
        let until = placed.index + values.len() as i64;
        for pane in self.position(placed.index)..=self.position(until - 1) {
            self.panes[pane].note(placed.packet.origin.offset);
        }
        Some((changed, self.position(changed)))
    }

    /// The session ended: a pane that lacks less than half a sample is over.
    pub(crate) fn finish(&mut self, grid: &Grid, follow: &mut impl Follow<M>) {
        if !self.panes.is_empty() && self.end.saturating_add(grid.period / 2) >= self.pane_end(grid) {
            self.roll(follow);
        }
    }

    /// Forgets all but where it stands.
    pub(crate) fn rest(&mut self) {
        self.slots.forget(self.slots.next());
        if let Some(open) = self.panes.pop_back() {
            self.panes.clear();
            self.panes.push_back(Pane::new(open.number, self.slots.next(), open.period_us));
        }
        self.clean = 0;
    }

    /// Forgets the panes before pane `kept`.
    pub(crate) fn forget_panes(&mut self, kept: i64) {
        while self.panes.front().is_some_and(|pane| pane.number < kept) {
            self.panes.pop_front();
            self.clean -= 1;
        }
    }

    /// The panes from number `first` to number `last`, if all are remembered, and the slot after them.
    pub(crate) fn between(&self, first: i64, last: i64) -> Option<(impl Iterator<Item = &Pane<M>>, i64)> {
        let oldest = self.panes.front()?.number;
        let first = usize::try_from(first - oldest).ok()?;
        let last = usize::try_from(last - oldest).ok()?;
        let next = self.panes.get(last + 1)?.slot;
        Some((self.panes.range(first..=last), next))
    }

    /// Position of the pane that holds slot `index`.
    pub(crate) fn position(&self, index: i64) -> usize {
        self.panes.partition_point(|pane| pane.slot <= index).saturating_sub(1)
    }

    fn open(&mut self, number: i64, period_us: f64) {
        self.panes.push_back(Pane::new(number, self.slots.next(), period_us));
    }

    fn push(&mut self, values: &[f32], broken: &mut bool, placed: &Placed) {
        if let Some(pane) = self.panes.back_mut()
            && !values.is_empty()
        {
            pane.note(placed.packet.origin.offset);
            pane.period_us = placed.period_us;
            self.slots.push(values, std::mem::take(broken));
        }
    }

    fn pane_end(&self, grid: &Grid) -> Micros {
        self.panes.back().map_or(Micros::MAX, |pane| (pane.number + 1).saturating_mul(grid.pane))
    }

    /// Closes the open pane and opens the next.
    fn roll(&mut self, follow: &mut impl Follow<M>) {
        let Some(pane) = self.panes.back() else { return };
        let (number, period_us) = (pane.number, pane.period_us);
        self.open(number + 1, period_us);
        follow.closed(number, self);
    }

    /// Makes the slots between the newest sample and `placed`.
    fn skip(&mut self, placed: &Placed, after: Option<f32>, grid: &Grid, follow: &mut impl Follow<M>) {
        let count = (placed.index - self.slots.next()) as usize;
        let span = placed.at.saturating_sub(self.end).max(0);
        let spacing = span as f64 / count as f64;
        let hole = Hole { start: self.end, spacing, count, after };
        if span <= grid.pane.saturating_mul(2 * grid.kept()) {
            return self.fill(count, &hole, grid, follow);
        }
        // Let every window leave that still holds a sample …
        let hole = Hole { after: None, ..hole };
        let tail = (grid.pane * (grid.panes + grid.lag)) as f64 / spacing;
        self.fill(tail as usize + 1, &hole, grid, follow);
        while self.panes.back().is_some_and(|pane| pane.offsets.is_some()) {
            self.roll(follow);
        }
        // … and go on with the first pane of the first window that will hold one again.
        follow.cleared();
        self.panes.clear();
        self.clean = 0;
        let number = placed.at.div_euclid(grid.pane) - grid.panes;
        let lead = ((placed.at - number * grid.pane) as f64 / spacing) as usize;
        self.slots.restart(placed.index - lead as i64);
        self.open(number, placed.period_us);
        let start = placed.at - (lead as f64 * spacing) as Micros;
        self.fill(lead, &Hole { start, ..hole }, grid, follow);
    }

    /// Appends the first `count` slots of `hole`.
    fn fill(&mut self, count: usize, hole: &Hole, grid: &Grid, follow: &mut impl Follow<M>) {
        let mut done = 0;
        for slot in 0..count {
            let at = hole.start.saturating_add((slot as f64 * hole.spacing).round() as Micros);
            while at >= self.pane_end(grid) {
                self.slots.push_hole(done, slot, hole.count, hole.after);
                done = slot;
                self.roll(follow);
            }
        }
        self.slots.push_hole(done, count, hole.count, hole.after);
    }
}

/// Slots that no sample came for.
#[derive(Clone, Copy, Debug)]
struct Hole {
    /// Time of the first one.
    start: Micros,
    /// How far they lie apart, microseconds.
    spacing: f64,
    /// Their number.
    count: usize,
    /// The sample behind them, if it is of the same segment.
    after: Option<f32>,
}
