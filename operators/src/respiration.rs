//! Respiration: a rate of breathing and its quality off every window of a minute.
//!
//! # Invariants
//! - What passes the gate of [`dsp::respiration`] is `good`; too few real samples, and there is no number at all.

use crate::{
    sequence,
    signals::Rows,
    wave::{Wave, Window, grid::Shape, plan::Plan, rounded},
};
use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    respiration::{BAND_HZ, Estimate, QUALITY_VERSION},
};
use model::Breathing;
use serde::{Deserialize, Serialize};

/// Second-order sections of the band-pass: order 2 (signals.md §4.4).
const SECTIONS: usize = 2;

/// Shape of windows. The filter is the one the estimator was made for, 0.1 to 0.7 Hz.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Length of a window, seconds, 30 to 180; a multiple of `hop_s`.
    pub window_s: u32,
    /// Distance between the starts of two windows, seconds; windows are aligned to it.
    pub hop_s: u32,
    /// Least share of real samples in a window that gets a rate, percent.
    pub real_percent: u32,
}

impl Options {
    /// The values of the specification (signals.md §4.5).
    pub const fn specified() -> Self {
        Self { window_s: 60, hop_s: 15, real_percent: 80 }
    }
}

/// A planned estimator.
#[derive(Debug)]
pub(crate) struct Respiration(dsp::respiration::Respiration);

/// Plans for sessions sampled every `period_us` microseconds.
pub(crate) fn plan(
    options: &Options,
    sequence: &sequence::Options,
    period_us: u32,
) -> Result<Plan<Respiration>, dsp::Error> {
    let Options { window_s, hop_s, real_percent } = *options;
    let band = Band::Pass { low_hz: BAND_HZ.0, high_hz: BAND_HZ.1 };
    Plan::new(Shape { window_s, hop_s, real_percent }, sequence, period_us, |rate_hz, window_seconds| {
        let respiration = Respiration(dsp::respiration::Respiration::new(rate_hz, window_seconds)?);
        Ok((respiration, Cascade::new(butterworth::design(SECTIONS, band, rate_hz)?)))
    })
}

impl Wave for Respiration {
    type Filter = Cascade<SECTIONS>;
    type Estimate = Estimate;
    type Row = Breathing;

    fn samples(&self) -> usize {
        self.0.samples()
    }

    fn estimate(&mut self, filtered: &[f64], held: &[bool]) -> Estimate {
        self.0.estimate(filtered, held)
    }

    fn faster(mut estimate: Estimate, factor: f64) -> Estimate {
        let rates = [&mut estimate.rate_bpm, &mut estimate.breaths_bpm, &mut estimate.spectrum_bpm];
        rates.into_iter().flatten().for_each(|rate| *rate *= factor);
        estimate
    }

    fn row(window: Window, estimate: Option<&Estimate>) -> Breathing {
        let read = |value: fn(&Estimate) -> Option<f64>| estimate.and_then(value).and_then(rounded);
        Breathing {
            session: window.session,
            start: window.start,
            end: window.end,
            revision: window.revision,
            user: window.user,
            n_expected: window.n_expected,
            n_real: window.n_real,
            n_imputed: window.n_imputed,
            rate_per_min: read(|estimate| estimate.rate_bpm),
            breaths_per_min: read(|estimate| estimate.breaths_bpm),
            spectrum_per_min: read(|estimate| estimate.spectrum_bpm),
            breaths: estimate.map_or(0, |estimate| estimate.breaths as u32),
            quality: read(|estimate| Some(estimate.quality)),
            quality_version: QUALITY_VERSION,
            good: estimate.is_some_and(|estimate| estimate.good),
            packets: window.packets,
        }
    }

    fn rows(rows: &mut Rows) -> &mut Vec<(Breathing, i64)> {
        &mut rows.breathings
    }
}
