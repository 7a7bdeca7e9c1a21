//! What all electrocardiograms of one sample period share: the detector, the reader of the rhythm, their scratch.

use super::{Options, normal::normal};
use crate::{
    sequence,
    wave::grid::{Grid, Shape},
};
use dsp::{
    hrv::{Estimate, Variability},
    qrs::{self, Detector},
};
use model::time::SECOND;

/// Longest pane, seconds: a late packet lets the detector run again over so much at most, besides what came since.
const LONGEST_PANE_S: u32 = 10;
/// How long a window waits behind its end, seconds: the detector reports a beat within 0.4 s, or within some 10 s where
/// it searches back (two beats' time, at most until it learns anew: 8 s and 2 s).
const LAG_S: u32 = 10;
/// The shortest time between two beats that the detector reports, seconds.
const SHORTEST_S: f64 = 0.2;

/// Everything that depends on the options and the sample period alone.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) grid: Grid,
    pub(super) detector: Detector,
    /// The memory of a detector that has seen nothing.
    pub(super) blank: Vec<f64>,
    /// Samples of a full window.
    pub(super) expected: u32,
    pub(super) samples: Vec<f64>,
    pub(super) beats: Vec<qrs::Beat>,
    variability: Variability,
    intervals: Vec<f64>,
    normal: Vec<f64>,
}

impl Plan {
    /// Plans for sessions sampled every `period_us` microseconds.
    pub(crate) fn new(
        options: &Options,
        sequence: &sequence::Options,
        period_us: u32,
    ) -> Result<Self, dsp::Error> {
        let rate_hz = SECOND as f64 / f64::from(period_us);
        let detector = Detector::new(rate_hz)?;
        let mut blank = Vec::new();
        detector.save(&mut blank);
        let Options { window_s, hop_s, real_percent } = *options;
        let shape = Shape { window_s, hop_s, real_percent };
        let pane_s = (1..=LONGEST_PANE_S).rev().find(|pane_s| hop_s.max(1) % pane_s == 0).unwrap_or(1);
        let grid = Grid::new(shape, pane_s, LAG_S, sequence, period_us);
        let seconds = grid.window_seconds();
        Ok(Self {
            grid,
            detector,
            blank,
            expected: (rate_hz * seconds).round() as u32,
            samples: Vec::new(),
            beats: Vec::new(),
            variability: Variability::new((seconds / SHORTEST_S) as usize + 2)?,
            intervals: Vec::new(),
            normal: Vec::new(),
        })
    }

    /// Reads the rhythm off the intervals between beats, ms; gives how many are normal, too.
    pub(super) fn rhythm(&mut self, intervals_ms: impl Iterator<Item = f64>) -> (u32, Option<Estimate>) {
        self.intervals.clear();
        self.intervals.extend(intervals_ms);
        self.normal.clear();
        normal(&mut self.intervals, &mut self.normal);
        (self.normal.len() as u32, self.variability.read(&self.normal))
    }
}
