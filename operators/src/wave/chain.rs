//! One session's wave: ordered samples in, windows and their corrections out.
//!
//! When a pane of one hop is over, its samples run through the filter in one go, and the window that ends with it
//! leaves. Each pane keeps the state of the filter at its start: a late packet fills its slots, and the filter runs again
//! from the start of its pane.
//!
//! # Invariants
//! - A window is a function of its session's samples: the same whether a packet came in time or late.
//! - A window that would begin before the session's first sample never leaves; nor does one without a sample.
//! - A missing stretch is zero in the filtered signal and restarts the filter behind it.
//!
//! # Bound
//! Samples are kept for one window, the lateness and a pane; holes longer than that take no room.

use super::{
    Filter, Wave, Window, channel,
    line::{Follow, Line},
    pane::Content,
    plan::Plan,
    slots::Stretch,
    windows::Windows,
};
use crate::{sequence::clock::Placed, signals::Rows};
use model::{Origin, Packet, SessionId, UserId};
use serde::{Deserialize, Serialize};

/// The filter's state at the start of a pane, and whether it begins with the next sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Memory<S> {
    state: S,
    fresh: bool,
}

impl<S: Default> Default for Memory<S> {
    fn default() -> Self {
        Self { state: S::default(), fresh: true }
    }
}

/// What a pane of a wave remembers.
type Remembered<W> = Memory<<<W as Wave>::Filter as Filter>::State>;

/// One session's signal; plain data.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Chain<W: Wave> {
    line: Line<Remembered<W>>,
    reading: Reading<W>,
}

/// What is made of the samples.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
struct Reading<W: Wave> {
    session: SessionId,
    user: UserId,
    origin: Origin,
    /// Shorter than the slots where the filter has not run yet.
    filtered: Vec<f64>,
    windows: Windows<W::Row>,
}

// Not derived: that would ask for planned estimators that can be cloned.
impl<W: Wave> Clone for Chain<W> {
    fn clone(&self) -> Self {
        Self { line: self.line.clone(), reading: self.reading.clone() }
    }
}

impl<W: Wave> Clone for Reading<W> {
    fn clone(&self) -> Self {
        let Self { session, user, origin, filtered, windows } = self;
        let (filtered, windows) = (filtered.clone(), windows.clone());
        Self { session: *session, user: *user, origin: *origin, filtered, windows }
    }
}

/// Takes the panes of a line as they close.
struct Follower<'a, W: Wave> {
    reading: &'a mut Reading<W>,
    plan: &'a mut Plan<W>,
    out: &'a mut Rows,
}

impl<W: Wave> Chain<W> {
    /// A chain for the session of `packet`.
    pub(crate) fn new(plan: &Plan<W>, packet: &Packet) -> Self {
        let reading = Reading {
            session: packet.session,
            user: packet.user,
            origin: packet.origin,
            filtered: Vec::new(),
            windows: Windows::new(),
        };
        Self { line: Line::new(plan.grid.short), reading }
    }

    /// Appends the next packet in order; windows it completes go to `out`.
    pub(crate) fn append(&mut self, placed: &Placed, plan: &mut Plan<W>, out: &mut Rows) {
        let values = channel(&placed.packet);
        if values.is_empty() {
            return;
        }
        let (Self { line, reading }, grid) = (self, plan.grid);
        if line.panes.is_empty() {
            reading.user = placed.packet.user;
            reading.windows.begin(line.begin(placed, &grid));
        }
        line.append(placed, values, &grid, &mut Follower { reading, plan, out });
    }

    /// Fills the slots of a late packet; [`Chain::settle`] sends the corrections.
    pub(crate) fn amend(&mut self, placed: &Placed) {
        let Self { line, reading } = self;
        let Some((_, pane)) = line.amend(placed, channel(&placed.packet)) else { return };
        line.clean = line.clean.min(pane);
        reading.filtered.truncate(line.slots.position(line.panes[line.clean].slot));
        reading.windows.late(line.panes[pane].number);
    }

    /// Corrects the windows that late packets changed: each once, however many packets there were.
    pub(crate) fn settle(&mut self, plan: &mut Plan<W>, out: &mut Rows) {
        self.reading.settle(&mut self.line, plan, out);
    }

    /// The session ended: a window that lacks less than half a sample is complete.
    pub(crate) fn finish(&mut self, plan: &mut Plan<W>, out: &mut Rows) {
        let (Self { line, reading }, grid) = (self, plan.grid);
        line.finish(&grid, &mut Follower { reading, plan, out });
    }

    /// Forgets the samples of a session that is over; it may go on as after a long hole.
    pub(crate) fn rest(&mut self) {
        self.reading.windows.clear();
        self.reading.filtered.clear();
        self.line.rest();
    }

    /// Samples imputed since the last call, less those a late packet replaced.
    pub(crate) fn imputed(&mut self) -> i64 {
        self.line.slots.imputed()
    }
}

impl<W: Wave> Follow<Remembered<W>> for Follower<'_, W> {
    fn closed(&mut self, number: i64, line: &mut Line<Remembered<W>>) {
        let Self { reading, plan, out } = self;
        reading.filter(line, plan);
        if reading.windows.is_due(number, &plan.grid) {
            let row = reading.row(line, number, 0, plan);
            reading.windows.leave(number, row, W::rows(out));
        }
        // What is final now is corrected a last time before its samples go.
        reading.settle(line, plan, out);
        let kept = number + 1 - plan.grid.kept();
        reading.windows.forget(kept, &plan.grid);
        line.forget_panes(kept);
        if let Some(pane) = line.panes.front() {
            let gone = line.slots.forget(pane.slot);
            reading.filtered.drain(..gone.min(reading.filtered.len()));
        }
    }

    fn cleared(&mut self) {
        self.reading.windows.clear();
        self.reading.filtered.clear();
    }
}

impl<W: Wave> Reading<W> {
    fn settle(&mut self, line: &mut Line<Remembered<W>>, plan: &mut Plan<W>, out: &mut Rows) {
        if !self.windows.is_wrong() {
            return;
        }
        self.filter(line, plan);
        let mut windows = std::mem::replace(&mut self.windows, Windows::new());
        windows.settle(W::rows(out), |number, revision| self.row(line, number, revision, plan));
        self.windows = windows;
    }

    /// Runs the filter over the closed panes it has not seen, or has to see again.
    fn filter(&mut self, line: &mut Line<Remembered<W>>, plan: &mut Plan<W>) {
        for position in line.clean..line.panes.len().saturating_sub(1) {
            let (from, until) = (line.panes[position].slot, line.panes[position + 1].slot);
            let Memory { state, mut fresh } = line.panes[position].memory.clone();
            plan.filter.restore(state);
            let (mut next, mut real, mut imputed) = (from, 0, 0);
            while let Some(stretch) = line.slots.stretch(next, until) {
                let start = self.filtered.len();
                match stretch {
                    Stretch::Missing(count) => {
                        fresh = true;
                        self.filtered.resize(start + count, 0.0);
                    }
                    Stretch::Samples { first, values, imputed: gaps } => {
                        if first || fresh {
                            plan.filter.settle(f64::from(values[0]));
                            fresh = false;
                        }
                        self.filtered.extend(values.iter().copied().map(f64::from));
                        plan.filter.process(&mut self.filtered[start..]);
                        real += (values.len() - gaps) as u32;
                        imputed += gaps as u32;
                    }
                }
                next += (self.filtered.len() - start) as i64;
            }
            (line.panes[position].real, line.panes[position].imputed) = (real, imputed);
            line.panes[position + 1].memory = Memory { state: plan.filter.state(), fresh };
        }
        line.clean = line.panes.len().saturating_sub(1);
    }

    /// The row of the window that ends with pane `number`, unless it holds no sample.
    fn row(
        &self,
        line: &Line<Remembered<W>>,
        number: i64,
        revision: u32,
        plan: &mut Plan<W>,
    ) -> Option<W::Row> {
        let grid = plan.grid;
        let first = grid.first_of(number);
        let (mut panes, until) = line.between(first, number)?;
        let content = Content::of(line.between(first, number)?.0)?;
        let slots = panes.next()?.slot..until;
        let period_us = line.between(number, number)?.0.next()?.period_us;
        let estimate = grid.is_enough(content.real, plan.expected).then(|| {
            let known = |slot| line.slots.position(slot).min(self.filtered.len());
            let filtered = &self.filtered[known(slots.start)..known(slots.end)];
            plan.estimate(filtered, line.slots.held(slots.clone()), period_us)
        });
        let window = Window {
            session: self.session,
            start: first * grid.pane,
            end: (number + 1) * grid.pane,
            revision,
            user: self.user,
            n_expected: plan.expected,
            n_real: content.real,
            n_imputed: content.imputed,
            packets: content.span(self.origin),
        };
        Some(W::row(window, estimate.as_ref()))
    }
}
