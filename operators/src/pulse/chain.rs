//! One session's optical pulse: ordered samples in, windows and their corrections out.
//!
//! Samples fall into panes of one hop, aligned to multiples of the hop in event time. When a pane is over, its
//! samples run through the band-pass in one go, and the window that ends with it leaves. Each pane keeps the
//! state of the filter at its start: a late packet fills its slots, and the filter runs again from the start of its
//! pane.
//!
//! # Invariants
//! - A window is a function of its session's samples: the same whether a packet came in time or late.
//! - A window that would begin before the session's first sample never leaves; nor does one without a sample.
//!
//! # Bound
//! Samples are kept for one window, the lateness and a pane; holes longer than that take no room.

use super::{
    history::History,
    pane::{Content, Left, Pane},
    plan::Plan,
};
use crate::sequence::clock::Placed;
use dsp::pulse::{Estimate, QUALITY_VERSION};
use model::{Arrival, Micros, Number, Origin, Packet, PulseWindow, SessionId, Span, UserId};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Rows asserted (+1) and taken back (−1).
pub type Changes = Vec<(PulseWindow, i64)>;

/// One session's signal; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    session: SessionId,
    user: UserId,
    origin: Origin,
    history: History,
    /// The last one is open.
    panes: VecDeque<Pane>,
    /// Panes the filter has run through.
    clean: usize,
    /// Time just after the newest sample.
    end: Micros,
    /// Number of the first pane a window may begin with.
    first: i64,
    left: VecDeque<Left>,
}

impl Chain {
    /// A chain for the session of `packet`.
    pub fn new(plan: &Plan, packet: &Packet) -> Self {
        Self {
            session: packet.session,
            user: packet.user,
            origin: packet.origin,
            history: History::new(plan.short),
            panes: VecDeque::new(),
            clean: 0,
            end: 0,
            first: i64::MIN,
            left: VecDeque::new(),
        }
    }

    /// Appends the next packet in order; windows it completes go to `out`.
    pub fn append(&mut self, placed: &Placed, plan: &mut Plan, out: &mut Changes) {
        let values = channel(&placed.packet);
        let Some(&value) = values.first() else { return };
        if self.panes.is_empty() {
            self.begin(placed, plan);
        }
        if placed.index > self.history.next() {
            self.skip(placed, (!placed.broken).then_some(value), plan, out);
        }
        let mut from = 0;
        let mut broken = placed.broken;
        for index in 0..values.len() {
            let at = placed.at.saturating_add((placed.period_us * index as f64).round() as Micros);
            while at >= self.pane_end(plan) {
                self.push(&values[from..index], &mut broken, placed);
                from = index;
                self.roll(plan, out);
            }
        }
        self.push(&values[from..], &mut broken, placed);
        self.end = placed.at.saturating_add((placed.period_us * values.len() as f64).round() as Micros);
        while self.end >= self.pane_end(plan) {
            self.roll(plan, out);
        }
    }

    /// Fills the slots of a late packet; [`Chain::settle`] sends the corrections.
    pub fn amend(&mut self, placed: &Placed) {
        let values = channel(&placed.packet);
        let Some(changed) = self.history.amend(placed.index, values) else { return };
        let until = placed.index + values.len() as i64;
        for pane in self.position(placed.index)..=self.position(until - 1) {
            self.panes[pane].note(placed.packet.origin.offset);
        }
        let pane = self.position(changed);
        self.clean = self.clean.min(pane);
        self.history.soil(self.panes[self.clean].slot);
        let number = self.panes[pane].number;
        for window in self.left.iter_mut().filter(|window| window.pane >= number) {
            window.late += 1;
        }
    }

    /// Corrects the windows that late packets changed: each once, however many packets there were.
    pub fn settle(&mut self, plan: &mut Plan, out: &mut Changes) {
        if self.left.iter().all(|window| window.late == 0) {
            return;
        }
        self.filter(plan);
        let mut left = std::mem::take(&mut self.left);
        for window in left.iter_mut().filter(|window| window.late > 0) {
            window.revision += std::mem::take(&mut window.late);
            let row = self.row(window.pane, window.revision, plan);
            out.extend(window.row.take().map(|row| (row, -1)));
            out.extend(row.clone().map(|row| (row, 1)));
            window.row = row;
        }
        self.left = left;
    }

    /// The session ended: a window that lacks less than half a sample is complete.
    pub fn finish(&mut self, plan: &mut Plan, out: &mut Changes) {
        if !self.panes.is_empty() && self.end.saturating_add(plan.period / 2) >= self.pane_end(plan) {
            self.roll(plan, out);
        }
    }

    /// Forgets the samples of a session that is over; it may go on as after a long hole.
    pub fn rest(&mut self) {
        self.left.clear();
        self.history.forget(self.history.next());
        if let Some(open) = self.panes.pop_back() {
            self.panes.clear();
            self.panes.push_back(Pane { slot: self.history.next(), fresh: true, offsets: None, ..open });
        }
        self.clean = 0;
    }

    /// Samples imputed since the last call, less those a late packet replaced.
    pub fn imputed(&mut self) -> i64 {
        self.history.imputed()
    }

    fn begin(&mut self, placed: &Placed, plan: &Plan) {
        self.user = placed.packet.user;
        self.history.restart(placed.index);
        self.end = placed.at;
        self.open(placed.at.div_euclid(plan.hop), placed.period_us);
        // The first window begins where not one sample can have been missed.
        self.first = placed.at.saturating_sub(plan.period).div_euclid(plan.hop) + 1;
    }

    fn open(&mut self, number: i64, period_us: f64) {
        let pane = Pane::new(number, self.history.next(), period_us);
        self.panes.push_back(pane);
    }

    fn push(&mut self, values: &[f32], broken: &mut bool, placed: &Placed) {
        if let Some(pane) = self.panes.back_mut()
            && !values.is_empty()
        {
            pane.note(placed.packet.origin.offset);
            pane.period_us = placed.period_us;
            self.history.push(values, std::mem::take(broken));
        }
    }

    fn pane_end(&self, plan: &Plan) -> Micros {
        self.panes.back().map_or(Micros::MAX, |pane| (pane.number + 1).saturating_mul(plan.hop))
    }

    /// Position of the pane that holds slot `index`.
    fn position(&self, index: i64) -> usize {
        self.panes.partition_point(|pane| pane.slot <= index).saturating_sub(1)
    }

    /// Makes the slots between the newest sample and `placed`.
    fn skip(&mut self, placed: &Placed, after: Option<f32>, plan: &mut Plan, out: &mut Changes) {
        let hole = (placed.index - self.history.next()) as usize;
        let span = placed.at.saturating_sub(self.end).max(0);
        let spacing = span as f64 / hole as f64;
        let start = self.end;
        if span <= plan.hop.saturating_mul(2 * plan.kept) {
            return self.fill(hole, hole, start, spacing, after, plan, out);
        }
        // Let every window leave that still holds a sample …
        let tail = (plan.hop * plan.panes) as f64 / spacing;
        self.fill(tail as usize + 1, hole, start, spacing, None, plan, out);
        while self.panes.back().is_some_and(|pane| pane.offsets.is_some()) {
            self.roll(plan, out);
        }
        // … and go on with the first pane of the first window that will hold one again.
        self.left.clear();
        self.panes.clear();
        self.clean = 0;
        let number = placed.at.div_euclid(plan.hop) - plan.panes;
        let lead = ((placed.at - number * plan.hop) as f64 / spacing) as usize;
        self.history.restart(placed.index - lead as i64);
        self.open(number, placed.period_us);
        self.fill(lead, hole, placed.at - (lead as f64 * spacing) as Micros, spacing, None, plan, out);
    }

    /// Appends `count` slots of a hole of `hole` slots that lie `spacing` apart from `start` on.
    #[allow(clippy::too_many_arguments, reason = "two callers, both in `skip`")]
    fn fill(
        &mut self,
        count: usize,
        hole: usize,
        start: Micros,
        spacing: f64,
        after: Option<f32>,
        plan: &mut Plan,
        out: &mut Changes,
    ) {
        let mut done = 0;
        for slot in 0..count {
            while start.saturating_add((slot as f64 * spacing).round() as Micros) >= self.pane_end(plan) {
                self.history.push_hole(done, slot, hole, after);
                done = slot;
                self.roll(plan, out);
            }
        }
        self.history.push_hole(done, count, hole, after);
    }

    /// Closes the open pane and opens the next: the window that ends here leaves.
    fn roll(&mut self, plan: &mut Plan, out: &mut Changes) {
        let Some(pane) = self.panes.back() else { return };
        let (number, period_us) = (pane.number, pane.period_us);
        self.open(number + 1, period_us);
        self.filter(plan);
        if number - plan.panes + 1 >= self.first {
            let row = self.row(number, 0, plan);
            out.extend(row.clone().map(|row| (row, 1)));
            self.left.push_back(Left { pane: number, row, revision: 0, late: 0 });
        }
        // What is final now is corrected a last time before its samples go.
        self.settle(plan, out);
        let kept = number + 1 - plan.kept;
        while self.left.front().is_some_and(|window| window.pane - plan.panes + 1 < kept) {
            self.left.pop_front();
        }
        while self.panes.front().is_some_and(|pane| pane.number < kept) {
            self.panes.pop_front();
            self.clean -= 1;
        }
        if let Some(pane) = self.panes.front() {
            self.history.forget(pane.slot);
        }
    }

    /// Runs the filter over the closed panes it has not seen, or has to see again.
    fn filter(&mut self, plan: &mut Plan) {
        for position in self.clean..self.panes.len().saturating_sub(1) {
            let until = self.panes[position + 1].slot;
            let pane = &mut self.panes[position];
            let mut fresh = pane.fresh;
            plan.cascade.restore(pane.state);
            (pane.real, pane.imputed) = self.history.filter(until, &mut plan.cascade, &mut fresh);
            let next = &mut self.panes[position + 1];
            (next.state, next.fresh) = (plan.cascade.state(), fresh);
        }
        self.clean = self.panes.len().saturating_sub(1);
    }

    /// The row of the window that ends with pane `number`, unless it holds no sample.
    fn row(&self, number: i64, revision: u32, plan: &mut Plan) -> Option<PulseWindow> {
        let oldest = self.panes.front()?.number;
        let first = usize::try_from(number - plan.panes + 1 - oldest).ok()?;
        let last = usize::try_from(number - oldest).ok()?;
        let slots = self.panes[first].slot..self.panes.get(last + 1)?.slot;
        let content = Content::of(self.panes.range(first..=last))?;
        let estimate = plan.is_enough(content.real).then(|| {
            let (filtered, held) = (self.history.filtered(slots.clone()), self.history.held(slots));
            plan.estimate(filtered, held, self.panes[last].period_us)
        });
        let read = |value: fn(&Estimate) -> Option<f64>| estimate.as_ref().and_then(value).and_then(rounded);
        Some(PulseWindow {
            session: self.session,
            start: (number - plan.panes + 1) * plan.hop,
            end: (number + 1) * plan.hop,
            revision,
            user: self.user,
            n_expected: plan.expected,
            n_real: content.real,
            n_imputed: content.imputed,
            hr_bpm: read(|estimate| estimate.hr_bpm),
            beats_bpm: read(|estimate| estimate.beats_bpm),
            spectrum_bpm: read(|estimate| estimate.spectrum_bpm),
            beats: estimate.as_ref().map_or(0, |estimate| estimate.beats as u32),
            regularity: read(|estimate| Some(estimate.regularity)),
            snr_db: read(|estimate| Some(estimate.snr_db)),
            skewness: read(|estimate| Some(estimate.skewness)),
            quality: read(|estimate| Some(estimate.quality)),
            quality_version: QUALITY_VERSION,
            good: estimate.as_ref().is_some_and(|estimate| estimate.good),
            packets: Span { first: content.offsets.0, last: content.offsets.1, ..Span::from(self.origin) },
        })
    }
}

/// An estimate to six decimals: far below what it can mean, far above where mathematical libraries differ in
/// their last digit, so that a replay on another machine agrees.
fn rounded(value: f64) -> Option<Number> {
    Number::finite((value * 1e6).round() / 1e6)
}

/// The photoplethysmogram of a packet: its channel 0.
fn channel(packet: &Packet) -> &[f32] {
    match &packet.arrival {
        Arrival::Samples { samples, det, .. } => det.get(..usize::from(*samples)).unwrap_or(det),
        Arrival::End => &[],
    }
}
