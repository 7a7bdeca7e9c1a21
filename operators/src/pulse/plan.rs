//! What all sessions of one sample period share: the filter's coefficients, the planned estimator, its scratch.

use super::{Options, history::SECTIONS};
use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    pulse::{Estimate, Pulse},
};
use model::{Micros, time::SECOND};

/// Everything that depends on the options and the sample period alone.
#[derive(Debug)]
pub struct Plan {
    pub(super) cascade: Cascade<SECTIONS>,
    estimator: Pulse,
    /// Nominal sample period, microseconds.
    pub(super) period: Micros,
    /// Length of a pane, microseconds.
    pub(super) hop: Micros,
    /// Panes of a window.
    pub(super) panes: i64,
    /// Panes kept: those of a window that may still be corrected, and the open one.
    pub(super) kept: i64,
    /// Longest hole that is interpolated, slots.
    pub(super) short: usize,
    /// Samples of a full window.
    pub(super) expected: u32,
    real_percent: u32,
    wave: Vec<f64>,
    held: Vec<bool>,
}

impl Plan {
    /// Plans for sessions sampled every `period_us` microseconds.
    ///
    /// # Errors
    /// [`dsp::Error`] if the filter or the window does not fit the rate.
    pub fn new(options: &Options, period_us: u32) -> Result<Self, dsp::Error> {
        let rate_hz = SECOND as f64 / f64::from(period_us);
        let band = Band::Pass { low_hz: options.low_hz, high_hz: options.high_hz };
        let hop = Micros::from(options.hop_s.max(1)) * SECOND;
        let panes = i64::from(options.window_s / options.hop_s.max(1)).max(1);
        let estimator = Pulse::new(rate_hz, (panes * hop) as f64 / SECOND as f64)?;
        // A late packet changes slots up to a short gap before its own.
        let correctable = options.sequence.lateness() + options.sequence.short_gap();
        Ok(Self {
            cascade: Cascade::new(butterworth::design(SECTIONS, band, rate_hz)?),
            period: Micros::from(period_us),
            hop,
            panes,
            kept: panes + (correctable + hop - 1) / hop,
            short: (options.sequence.short_gap() / Micros::from(period_us)) as usize,
            expected: estimator.samples() as u32,
            real_percent: options.real_percent,
            wave: Vec::with_capacity(estimator.samples()),
            held: Vec::with_capacity(estimator.samples()),
            estimator,
        })
    }

    /// Whether `real` samples are enough for a heart rate.
    pub(super) fn is_enough(&self, real: u32) -> bool {
        u64::from(real) * 100 >= u64::from(self.real_percent) * u64::from(self.expected)
    }

    /// Reads the heart rate off a window whose samples lie `period_us` apart.
    pub(super) fn estimate(
        &mut self,
        filtered: &[f64],
        held: impl Iterator<Item = bool>,
        period_us: f64,
    ) -> Estimate {
        let samples = self.expected as usize;
        self.held.clear();
        self.held.extend(held);
        let mut estimate = if filtered.len() == samples {
            self.estimator.estimate(filtered, &self.held)
        } else {
            // A clock that runs fast or slow puts a few samples more or less into a window.
            self.wave.clear();
            self.wave.extend_from_slice(&filtered[..filtered.len().min(samples)]);
            self.wave.resize(samples, 0.0);
            self.held.resize(samples, true);
            self.estimator.estimate(&self.wave, &self.held)
        };
        // The estimator counts samples; how long they take, the session's clock knows.
        let faster = self.period as f64 / period_us;
        for rate in
            [&mut estimate.hr_bpm, &mut estimate.beats_bpm, &mut estimate.spectrum_bpm].into_iter().flatten()
        {
            *rate *= faster;
        }
        estimate
    }
}
