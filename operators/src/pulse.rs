//! Optical pulse: a heart rate and its quality off every window of 30 s.
//!
//! # Invariants
//! - What passes the gate of [`dsp::pulse`] is `good`; too few real samples, and there is no number at all.

use crate::{
    sequence,
    signals::Rows,
    wave::{Wave, Window, grid::Shape, plan::Plan, rounded},
};
use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    pulse::{Estimate, QUALITY_VERSION},
};
use model::PulseWindow;
use serde::{Deserialize, Serialize};

/// Second-order sections of the band-pass: order 3 (signals.md §4.4).
const SECTIONS: usize = 3;

/// Shape of windows and filter, and how packets of every signal are ordered before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How packets are ordered, whatever their signal.
    pub sequence: sequence::Options,
    /// Length of a window, seconds; a multiple of `hop_s`.
    pub window_s: u32,
    /// Distance between the starts of two windows, seconds; windows are aligned to it.
    pub hop_s: u32,
    /// Lower corner of the band-pass, Hz.
    pub low_hz: f64,
    /// Upper corner of the band-pass, Hz.
    pub high_hz: f64,
    /// Least share of real samples in a window that gets a heart rate, percent.
    pub real_percent: u32,
}

impl Options {
    /// The values of the specification (signals.md §4.4, §4.5).
    pub const fn specified() -> Self {
        Self {
            sequence: sequence::Options::specified(),
            window_s: 30,
            hop_s: 5,
            low_hz: 0.5,
            high_hz: 8.0,
            real_percent: 80,
        }
    }
}

/// A planned estimator.
#[derive(Debug)]
pub(crate) struct Pulse(dsp::pulse::Pulse);

/// Plans for sessions sampled every `period_us` microseconds.
pub(crate) fn plan(options: &Options, period_us: u32) -> Result<Plan<Pulse>, dsp::Error> {
    let Options { window_s, hop_s, real_percent, .. } = *options;
    let shape = Shape { window_s, hop_s, real_percent };
    let band = Band::Pass { low_hz: options.low_hz, high_hz: options.high_hz };
    Plan::new(shape, &options.sequence, period_us, |rate_hz, window_seconds| {
        let pulse = Pulse(dsp::pulse::Pulse::new(rate_hz, window_seconds)?);
        Ok((pulse, Cascade::new(butterworth::design(SECTIONS, band, rate_hz)?)))
    })
}

impl Wave for Pulse {
    type Filter = Cascade<SECTIONS>;
    type Estimate = Estimate;
    type Row = PulseWindow;

    fn samples(&self) -> usize {
        self.0.samples()
    }

    fn estimate(&mut self, filtered: &[f64], held: &[bool]) -> Estimate {
        self.0.estimate(filtered, held)
    }

    fn faster(mut estimate: Estimate, factor: f64) -> Estimate {
        for rate in
            [&mut estimate.hr_bpm, &mut estimate.beats_bpm, &mut estimate.spectrum_bpm].into_iter().flatten()
        {
            *rate *= factor;
        }
        estimate
    }

    fn row(window: Window, estimate: Option<&Estimate>) -> PulseWindow {
        let read = |value: fn(&Estimate) -> Option<f64>| estimate.and_then(value).and_then(rounded);
        PulseWindow {
            session: window.session,
            start: window.start,
            end: window.end,
            revision: window.revision,
            user: window.user,
            n_expected: window.n_expected,
            n_real: window.n_real,
            n_imputed: window.n_imputed,
            hr_bpm: read(|estimate| estimate.hr_bpm),
            beats_bpm: read(|estimate| estimate.beats_bpm),
            spectrum_bpm: read(|estimate| estimate.spectrum_bpm),
            beats: estimate.map_or(0, |estimate| estimate.beats as u32),
            regularity: read(|estimate| Some(estimate.regularity)),
            snr_db: read(|estimate| Some(estimate.snr_db)),
            skewness: read(|estimate| Some(estimate.skewness)),
            quality: read(|estimate| Some(estimate.quality)),
            quality_version: QUALITY_VERSION,
            good: estimate.is_some_and(|estimate| estimate.good),
            packets: window.packets,
        }
    }

    fn rows(rows: &mut Rows) -> &mut Vec<(PulseWindow, i64)> {
        &mut rows.windows
    }
}
