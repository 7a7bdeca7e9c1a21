//! What all sessions of one wave and one sample period share: the filter's coefficients, the planned estimator, its
//! scratch.

use super::{
    Wave,
    grid::{Grid, Shape},
};
use crate::sequence;
use model::time::SECOND;

/// Everything that depends on the options and the sample period alone.
#[derive(Debug)]
pub(crate) struct Plan<W: Wave> {
    pub(crate) grid: Grid,
    pub(crate) filter: W::Filter,
    wave: W,
    /// Samples of a full window.
    pub(crate) expected: u32,
    scratch: Vec<f64>,
    held: Vec<bool>,
}

impl<W: Wave> Plan<W> {
    /// Plans windows of `shape` for sessions sampled every `period_us` microseconds; `make` plans the estimator and the
    /// filter for a rate in Hz and windows in seconds.
    pub(crate) fn new(
        shape: Shape,
        sequence: &sequence::Options,
        period_us: u32,
        make: impl FnOnce(f64, f64) -> Result<(W, W::Filter), dsp::Error>,
    ) -> Result<Self, dsp::Error> {
        let rate_hz = SECOND as f64 / f64::from(period_us);
        let grid = Grid::new(shape, shape.hop_s, 0, sequence, period_us);
        let (wave, filter) = make(rate_hz, grid.window_seconds())?;
        let samples = wave.samples();
        Ok(Self {
            grid,
            filter,
            expected: samples as u32,
            scratch: Vec::with_capacity(samples),
            held: Vec::with_capacity(samples),
            wave,
        })
    }

    /// Reads an estimate off a window whose samples lie `period_us` apart.
    pub(crate) fn estimate(
        &mut self,
        filtered: &[f64],
        held: impl Iterator<Item = bool>,
        period_us: f64,
    ) -> W::Estimate {
        let samples = self.expected as usize;
        self.held.clear();
        self.held.extend(held);
        let estimate = if filtered.len() == samples {
            self.wave.estimate(filtered, &self.held)
        } else {
            // A clock that runs fast or slow puts a few samples more or less into a window.
            self.scratch.clear();
            self.scratch.extend_from_slice(&filtered[..filtered.len().min(samples)]);
            self.scratch.resize(samples, 0.0);
            self.held.resize(samples, true);
            self.wave.estimate(&self.scratch, &self.held)
        };
        // The estimator counts samples; how long they take, the session's clock knows.
        W::faster(estimate, self.grid.period as f64 / period_us)
    }
}
