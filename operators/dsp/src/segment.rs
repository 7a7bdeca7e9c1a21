//! Transforms one tapered segment of signal: what [`crate::welch`] averages and [`crate::stft`] shows.
//!
//! The taper is Hann's in its periodic form, `scipy.signal.get_window('hann', n)`, which is zero at the first sample and
//! would be zero again one sample after the last.
//!
//! # Invariants
//! Planned once; [`Segment::transform`] allocates nothing.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex64;

use crate::{
    Error,
    detrend::{Detrend, Line},
};

/// A planned transform of segments.
pub(crate) struct Segment {
    taper: Vec<f64>,
    detrend: Detrend,
    plan: Arc<dyn RealToComplex<f64>>,
    input: Vec<f64>,
    output: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Segment {
    /// Plans segments of `samples`, each padded with zeros to `transform` samples.
    ///
    /// # Errors
    /// [`Error::Length`] if the segment has less than two samples or is longer than the transform.
    pub(crate) fn new(samples: usize, transform: usize, detrend: Detrend) -> Result<Self, Error> {
        if samples < 2 || samples > transform {
            return Err(Error::Length { samples });
        }
        let taper = (0..samples)
            .map(|index| 0.5 - 0.5 * (std::f64::consts::TAU * index as f64 / samples as f64).cos())
            .collect();
        let plan = RealFftPlanner::new().plan_fft_forward(transform);
        Ok(Self {
            taper,
            detrend,
            input: plan.make_input_vec(),
            output: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            plan,
        })
    }

    pub(crate) fn set_detrend(&mut self, detrend: Detrend) {
        self.detrend = detrend;
    }

    /// Samples of a segment.
    pub(crate) fn samples(&self) -> usize {
        self.taper.len()
    }

    /// Samples of the transform.
    pub(crate) fn padded(&self) -> usize {
        self.input.len()
    }

    /// Sum of the squares of the taper.
    pub(crate) fn power(&self) -> f64 {
        self.taper.iter().map(|weight| weight * weight).sum()
    }

    /// The transform of the samples, as many as a segment has, at the frequencies from 0 to half the rate.
    pub(crate) fn transform(&mut self, samples: &[f64]) -> &[Complex64] {
        let (tapered, padding) = self.input.split_at_mut(self.taper.len());
        let line = Line::of(samples, self.detrend);
        if self.detrend == Detrend::Linear {
            for (index, value) in tapered.iter_mut().enumerate() {
                *value = (samples[index] - line.at(index)) * self.taper[index];
            }
        } else {
            let level = line.at(0);
            for ((value, sample), weight) in tapered.iter_mut().zip(samples).zip(&self.taper) {
                *value = (sample - level) * weight;
            }
        }
        padding.fill(0.0);
        self.plan
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .expect("the buffers were made by this plan");
        &self.output
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Segment")
            .field("samples", &self.taper.len())
            .field("transform", &self.input.len())
            .field("detrend", &self.detrend)
            .finish_non_exhaustive()
    }
}
