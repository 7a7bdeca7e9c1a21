//! How a session's time is cut: panes, the windows made of them, and what of them is kept.

use crate::sequence;
use model::{Micros, time::SECOND};

/// Length, distance and completeness of windows, as options have them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Length of a window, seconds.
    pub(crate) window_s: u32,
    /// Distance between the starts of two windows, seconds.
    pub(crate) hop_s: u32,
    /// Least share of real samples in a window that gets numbers, percent.
    pub(crate) real_percent: u32,
}

/// How time is cut; times in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// Nominal sample period.
    pub(crate) period: Micros,
    /// Length of a pane; panes are aligned to it.
    pub(crate) pane: Micros,
    /// Panes of a window.
    pub(crate) panes: i64,
    /// Panes between the starts of two windows.
    pub(crate) stride: i64,
    /// Panes a window waits behind its end before it leaves.
    pub(crate) lag: i64,
    /// Closed panes whose samples a late packet may change.
    pub(crate) open_to_change: i64,
    /// Longest hole that is interpolated, slots.
    pub(crate) short: usize,
    real_percent: u32,
}

impl Grid {
    /// A grid for sessions sampled every `period_us` microseconds, whose panes last `pane_s` seconds, a divisor of the
    /// hop, and whose windows wait `lag_s` seconds.
    pub(crate) fn new(
        shape: Shape,
        pane_s: u32,
        lag_s: u32,
        sequence: &sequence::Options,
        period_us: u32,
    ) -> Self {
        let pane = Micros::from(pane_s.max(1)) * SECOND;
        let stride = i64::from(shape.hop_s.max(1)) * SECOND / pane;
        // A late packet changes slots up to a short gap before its own.
        let correctable = sequence.lateness() + sequence.short_gap();
        Self {
            period: Micros::from(period_us),
            pane,
            panes: i64::from(shape.window_s / shape.hop_s.max(1)).max(1) * stride,
            stride,
            lag: (Micros::from(lag_s) * SECOND + pane - 1) / pane,
            open_to_change: (correctable + pane - 1) / pane,
            short: (sequence.short_gap() / Micros::from(period_us)) as usize,
            real_percent: shape.real_percent,
        }
    }

    /// Closed panes kept: those of a window that may still be corrected.
    pub(crate) fn kept(&self) -> i64 {
        self.panes + self.lag + self.open_to_change
    }

    /// Length of a window, seconds.
    pub(crate) fn window_seconds(&self) -> f64 {
        (self.panes * self.pane) as f64 / SECOND as f64
    }

    /// Number of the first pane of the window that leaves with pane `number`.
    pub(crate) fn first_of(&self, number: i64) -> i64 {
        number - self.lag - self.panes + 1
    }

    /// Whether `real` of `expected` samples are enough.
    pub(crate) fn is_enough(&self, real: u32, expected: u32) -> bool {
        u64::from(real) * 100 >= u64::from(self.real_percent) * u64::from(expected)
    }
}
