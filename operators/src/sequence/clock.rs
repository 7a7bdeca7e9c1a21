//! Gives every sample an index and a time: the device's own clock, straightened.
//!
//! Samples lie on a line `time = anchor + period · index`, fitted to the packets' stamps by least squares
//! with exponential forgetting, so that a stamp taken late by a busy device moves no sample. The fit is of the
//! *deviation* from the nominal period: a device whose stamps are exact has exact sample times.
//!
//! A stamp that strays by more than five times the usual stray (a running median of absolute residuals),
//! and by more than one sample, does not move the line. One that strays by more than `short_gap` too is in
//! doubt: its packet waits until the next ones show whether it was a slip (it stays on the line) or whether
//! the clock was set or the device paused ([`DOUBT`] packets that agree: a new line begins with the first of them).
//!
//! # Invariants
//! - Times rise strictly. A new line begins at its first stamp, or where the last line ended, whichever is
//!   later: a clock set back neither repeats nor reorders time. The session then runs ahead of the device's
//!   clock until a pause lets the clock catch up.
//! - The index of a new line is ahead by as many samples as would have fitted between: an index is a place.

use model::{Micros, Packet};
use serde::{Deserialize, Serialize};

/// Weight of the past after one more packet (signals.md §4.1).
const FORGETTING: f64 = 0.9995;
/// Strays beyond this many medians are rejected (signals.md §4.1).
const REJECTED_MEDIANS: f64 = 5.0;
/// Step of the running median, as a share of itself: a changed jitter is learned in about a hundred packets.
const MEDIAN_STEP: f64 = 0.05;
/// Samples over which the nominal period is believed before stamps outweigh it.
const PRIOR_SAMPLES: f64 = 1_000.0;
/// Packets that must agree before the clock counts as set: one or two can be slips.
const DOUBT: usize = 3;

/// A packet with the index and time of its first sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// The packet.
    pub packet: Packet,
    /// Index of its first sample.
    pub index: i64,
    /// Time of its first sample, microseconds since 1970-01-01 UTC.
    pub at: Micros,
    /// Time between two samples as fitted, microseconds.
    pub period_us: f64,
    /// Whether a new line begins here, so that nothing is known of the samples between.
    pub broken: bool,
}

/// Straightens one session's clock; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Clock {
    nominal_us: f64,
    /// Residuals up to this never begin a new line, microseconds.
    tolerance_us: f64,
    /// Absent before the first packet and after an end: the next stamp is believed.
    line: Option<Line>,
    /// Index of the next sample.
    index: i64,
    /// Where the samples placed so far end, once there are some.
    end: Option<End>,
    /// Running median of the absolute residuals, microseconds.
    stray_us: f64,
    /// Packets in doubt: index, samples, residual.
    doubted: Vec<(Packet, i64, u16, f64)>,
    breaks: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct End {
    /// Index after the last sample.
    index: i64,
    /// Time of the last sample.
    last: Micros,
    /// Time just after it: one period later.
    at: Micros,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    anchor: Micros,
    /// Added to stamps: how far the session runs ahead of the device's clock.
    offset: Micros,
    /// Index at the anchor.
    first: i64,
    fit: Fit,
    /// Whether a packet was placed on it.
    used: bool,
}

impl Clock {
    pub(super) fn new(period_us: u32, short_gap: Micros) -> Self {
        let nominal_us = f64::from(period_us.max(1));
        Self {
            nominal_us,
            tolerance_us: short_gap as f64,
            line: None,
            index: 0,
            end: None,
            stray_us: nominal_us,
            doubted: Vec::new(),
            breaks: 0,
        }
    }

    /// Takes `period_us` for the nominal period, as long as no sample was placed.
    pub(super) fn claim(&mut self, period_us: u32) {
        if self.line.is_none() && self.end.is_none() {
            self.nominal_us = f64::from(period_us.max(1));
            self.stray_us = self.nominal_us;
        }
    }

    /// Whether samples were placed.
    pub(super) fn has_begun(&self) -> bool {
        self.end.is_some()
    }

    /// The period the device claims, microseconds.
    pub(super) fn nominal_us(&self) -> f64 {
        self.nominal_us
    }

    /// Time just after the newest sample.
    pub(super) fn newest(&self) -> Micros {
        self.end.map_or(0, |end| end.at)
    }

    /// Lines begun since the last call, the session's first not counted.
    pub(super) fn breaks(&mut self) -> i64 {
        std::mem::take(&mut self.breaks)
    }

    /// Places the next packet of `samples` samples, unless its stamp is in doubt.
    pub(super) fn place(&mut self, packet: Packet, samples: u16, emit: &mut impl FnMut(Placed)) {
        let index = self.index;
        self.index += i64::from(samples);
        let Some(line) = &mut self.line else {
            let index = self.begin(index, packet.stamp_us);
            self.index = index + i64::from(samples);
            return self.put(packet, index, samples, emit);
        };
        let deviation = line.deviation(index, packet.stamp_us, self.nominal_us);
        let residual = deviation - line.fit.at(index);
        let stray = residual.abs();
        let usual = REJECTED_MEDIANS * self.stray_us;
        if stray <= usual.max(self.tolerance_us) {
            if stray <= usual.max(self.nominal_us) {
                line.fit.update(index, deviation);
            }
            self.learn(stray);
            self.release(emit);
            return self.put(packet, index, samples, emit);
        }
        if self.doubted.first().is_some_and(|first| (first.3 - residual).abs() > usual.max(self.tolerance_us))
        {
            self.release(emit);
        }
        self.doubted.push((packet, index, samples, residual));
        if self.doubted.len() == DOUBT {
            self.believe(emit);
        }
    }

    /// Leaves room for `samples` samples that did not come; `room` gets the time and the index of the first.
    pub(super) fn skip(
        &mut self,
        samples: i64,
        emit: &mut impl FnMut(Placed),
        room: impl FnOnce(Micros, i64),
    ) {
        self.release(emit);
        let at = self.line.as_ref().map_or(self.newest(), |line| line.time(self.index, self.nominal_us));
        room(at, self.index);
        self.index = self.index.saturating_add(samples);
    }

    /// Ends the line: whatever the device's clock says next is believed.
    pub(super) fn pause(&mut self, emit: &mut impl FnMut(Placed)) {
        self.release(emit);
        self.line = None;
    }

    /// The clock was set: the packets in doubt begin a new line.
    fn believe(&mut self, emit: &mut impl FnMut(Placed)) {
        let doubted = std::mem::take(&mut self.doubted);
        let mut index = self.begin(doubted[0].1, doubted[0].0.stamp_us);
        for (packet, _, samples, _) in doubted {
            self.put(packet, index, samples, emit);
            index += i64::from(samples);
        }
        self.index = index;
    }

    /// The packets in doubt were slips: they stay on the line.
    fn release(&mut self, emit: &mut impl FnMut(Placed)) {
        if !self.doubted.is_empty() {
            for (packet, index, samples, residual) in std::mem::take(&mut self.doubted) {
                self.learn(residual.abs());
                self.put(packet, index, samples, emit);
            }
        }
    }

    /// Begins a line at `stamp_us` for the sample that would be `index` on the old one; gives its index.
    fn begin(&mut self, index: i64, stamp_us: Micros) -> i64 {
        let (mut first, mut anchor) = (index, stamp_us);
        if let Some(end) = self.end {
            self.breaks += 1;
            anchor = stamp_us.max(end.at);
            let between = (anchor.saturating_sub(end.at) as f64 / self.nominal_us).round() as i64;
            first = end.index.saturating_add(between);
            // Where more packets are missing than the time holds, the numbers are believed.
            if index > first {
                first = index;
                anchor = end.at.saturating_add(((index - end.index) as f64 * self.nominal_us) as Micros);
            }
        }
        let offset = anchor.saturating_sub(stamp_us);
        self.stray_us = self.nominal_us;
        self.line = Some(Line { anchor, offset, first, fit: Fit::new(first), used: false });
        first
    }

    fn put(&mut self, packet: Packet, index: i64, samples: u16, emit: &mut impl FnMut(Placed)) {
        let Some(line) = &mut self.line else { return };
        let period_us = self.nominal_us + line.fit.slope;
        let broken = !line.used && self.end.is_some();
        line.used = true;
        // A line that is being corrected may dip; time does not.
        let earliest = self.end.map_or(Micros::MIN, |end| end.last.saturating_add(1));
        let at = line.time(index, self.nominal_us).max(earliest);
        let after = |samples: u16| at.saturating_add((period_us * f64::from(samples)).round() as Micros);
        self.end = Some(End {
            index: index + i64::from(samples),
            last: after(samples.saturating_sub(1)),
            at: after(samples),
        });
        emit(Placed { packet, index, at, period_us, broken });
    }

    /// Follows the median of the absolute residuals.
    fn learn(&mut self, stray: f64) {
        let step = MEDIAN_STEP * self.stray_us.max(1.0);
        self.stray_us += (stray - self.stray_us).clamp(-step, step);
    }
}

impl Line {
    /// How far a stamp is off the nominal line, microseconds.
    fn deviation(&self, index: i64, stamp_us: Micros, nominal_us: f64) -> f64 {
        let since = stamp_us.saturating_add(self.offset).saturating_sub(self.anchor);
        since as f64 - nominal_us * (index - self.first) as f64
    }

    fn time(&self, index: i64, nominal_us: f64) -> Micros {
        let since = nominal_us * (index - self.first) as f64 + self.fit.at(index);
        self.anchor.saturating_add(since.round() as Micros)
    }
}

/// A line through deviations, with exponential forgetting; sums are about the newest index, where the
/// recursion of the weighted normal equations is well conditioned however long the session is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fit {
    origin: i64,
    /// Σw, Σwx, Σwx², Σwy, Σwxy with x the index less the origin.
    sums: [f64; 5],
    level: f64,
    slope: f64,
}

impl Fit {
    /// The nominal line through its anchor.
    fn new(origin: i64) -> Self {
        Self { origin, sums: [1.0, 0.0, 0.0, 0.0, 0.0], level: 0.0, slope: 0.0 }
    }

    fn at(&self, index: i64) -> f64 {
        self.level + self.slope * (index - self.origin) as f64
    }

    fn update(&mut self, index: i64, deviation: f64) {
        let shift = (index - self.origin) as f64;
        let [w, x, xx, y, xy] = self.sums;
        let moved = [w, x - shift * w, xx + shift * (shift * w - 2.0 * x), y, xy - shift * y];
        let [w, x, xx, y, xy] = moved.map(|sum| FORGETTING * sum);
        let (w, y) = (w + 1.0, y + deviation);
        self.origin = index;
        self.sums = [w, x, xx, y, xy];
        let squares = xx + PRIOR_SAMPLES * PRIOR_SAMPLES;
        let determinant = w * squares - x * x;
        self.level = (y * squares - x * xy) / determinant;
        self.slope = (w * xy - x * y) / determinant;
    }
}
