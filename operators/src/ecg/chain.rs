//! One session's electrocardiogram: ordered samples in, beats, windows of their rhythm, and corrections out.
//!
//! # Invariants
//! - Beats and windows are a function of the session's samples: the same whether a packet came in time or late.
//! - A beat leaves with the epoch in which the detector reports it; a window once no beat of it can still be reported.
//!
//! # Bound
//! Samples and memories of the detector are kept for the lateness and two panes, beats and counts for one window more;
//! holes longer than twice a window take no room.

use super::{
    plan::Plan,
    reading::{Heart, Reading},
};
use crate::{
    sequence::clock::Placed,
    signals::Rows,
    wave::{
        channel,
        line::{Follow, Line},
    },
};
use model::Packet;
use serde::{Deserialize, Serialize};

/// One session's signal; plain data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Chain {
    line: Line<Heart>,
    reading: Reading,
}

/// Takes the panes of a line as they close.
struct Follower<'a> {
    reading: &'a mut Reading,
    plan: &'a mut Plan,
    out: &'a mut Rows,
}

impl Chain {
    /// A chain for the session of `packet`.
    pub(crate) fn new(plan: &Plan, packet: &Packet) -> Self {
        Self { line: Line::new(plan.grid.short), reading: Reading::new(packet) }
    }

    /// Appends the next packet in order; [`Chain::settle`] sends the beats.
    pub(crate) fn append(&mut self, placed: &Placed, plan: &mut Plan, out: &mut Rows) {
        let values = channel(&placed.packet);
        if values.is_empty() {
            return;
        }
        let (Self { line, reading }, grid) = (self, plan.grid);
        if line.panes.is_empty() {
            reading.begin(placed.packet.user, line.begin(placed, &grid));
        }
        reading.instants.note(placed);
        line.append(placed, values, &grid, &mut Follower { reading, plan, out });
    }

    /// Fills the slots of a late packet; [`Chain::settle`] sends the corrections.
    pub(crate) fn amend(&mut self, placed: &Placed) {
        let Self { line, reading } = self;
        if let Some((changed, pane)) = line.amend(placed, channel(&placed.packet)) {
            reading.late(line, changed, pane);
        }
    }

    /// Sends the beats found since, and corrects what late packets changed: each window once, however many there were.
    pub(crate) fn settle(&mut self, plan: &mut Plan, out: &mut Rows) {
        self.reading.read(&mut self.line, plan, out);
        self.reading.settle(&self.line, plan, out);
    }

    /// The session ended: a window that lacks less than half a sample is complete, and waits for no beat any more.
    pub(crate) fn finish(&mut self, plan: &mut Plan, out: &mut Rows) {
        let (Self { line, reading }, grid) = (self, plan.grid);
        line.finish(&grid, &mut Follower { reading, plan, out });
        reading.read(line, plan, out);
        if let Some(open) = line.panes.back().map(|pane| pane.number) {
            (open..open + grid.lag).for_each(|number| reading.leave(number, line, plan, out));
        }
    }

    /// Forgets the samples of a session that is over; it may go on as after a long hole.
    pub(crate) fn rest(&mut self) {
        self.line.rest();
        self.reading.clear();
    }

    /// Samples imputed since the last call, less those a late packet replaced.
    pub(crate) fn imputed(&mut self) -> i64 {
        self.line.slots.imputed()
    }
}

impl Follow<Heart> for Follower<'_> {
    fn closed(&mut self, number: i64, line: &mut Line<Heart>) {
        let Self { reading, plan, out } = self;
        reading.read(line, plan, out);
        reading.leave(number, line, plan, out);
        // What is final now is corrected a last time before its samples go.
        reading.settle(line, plan, out);
        reading.forget(number, line, &plan.grid);
    }

    fn cleared(&mut self) {
        self.reading.clear();
    }
}
