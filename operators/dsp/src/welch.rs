//! Estimates the power spectral density of a stretch of signal by averaging overlapping periodograms.
//!
//! Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio Electroacoust. 15(2),
//! 1967. The conventions are the defaults of `scipy.signal.welch` 1.17.1: periodic Hann taper, 50 % overlap, the mean
//! of each segment removed, one-sided density, mean of the segments. A signal shorter than a segment is one
//! segment of its own length in scipy; here it is an error of the caller and gives zeros.
//!
//! # Invariants
//! Planned once; nothing is allocated by [`Welch::density`].

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex64;

use crate::Error;

/// A planned spectrum.
pub struct Welch {
    rate_hz: f64,
    taper: Vec<f64>,
    /// Turns squared magnitudes of one segment into a one-sided density.
    scale: f64,
    plan: Arc<dyn RealToComplex<f64>>,
    input: Vec<f64>,
    output: Vec<Complex64>,
    scratch: Vec<Complex64>,
    density: Vec<f64>,
}

impl std::fmt::Debug for Welch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Welch")
            .field("rate_hz", &self.rate_hz)
            .field("segment", &self.taper.len())
            .finish_non_exhaustive()
    }
}

impl Welch {
    /// Plans segments of `segment` samples, each padded with zeros to `transform` samples (scipy's `nperseg`, `nfft`).
    ///
    /// # Errors
    /// [`Error::Length`] if the segment has less than two samples or is longer than the transform.
    pub fn new(rate_hz: f64, segment: usize, transform: usize) -> Result<Self, Error> {
        if segment < 2 || segment > transform {
            return Err(Error::Length { samples: segment });
        }
        let taper: Vec<f64> = (0..segment)
            .map(|index| 0.5 - 0.5 * (std::f64::consts::TAU * index as f64 / segment as f64).cos())
            .collect();
        let plan = RealFftPlanner::new().plan_fft_forward(transform);
        let power: f64 = taper.iter().map(|weight| weight * weight).sum();
        Ok(Self {
            rate_hz,
            scale: 1.0 / (rate_hz * power),
            taper,
            input: plan.make_input_vec(),
            output: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            density: vec![0.0; transform / 2 + 1],
            plan,
        })
    }

    /// Distance between two neighbouring frequencies, in Hz.
    pub fn step_hz(&self) -> f64 {
        self.rate_hz / self.input.len() as f64
    }

    /// Power per Hz at the frequencies `0, step_hz, …, rate_hz / 2`, in squared units of the signal per Hz.
    ///
    /// All zeros if the signal is shorter than a segment.
    pub fn density(&mut self, signal: &[f64]) -> &[f64] {
        self.average(signal, |_| 1.0);
        &self.density
    }

    /// Like [`Welch::density`], with every segment scaled to the same total first, so that a burst in one segment does not
    /// drown the others. The unit is lost; where the power lies is kept.
    pub fn balanced(&mut self, signal: &[f64]) -> &[f64] {
        self.average(signal, |bins| {
            let total: f64 = bins.iter().map(Complex64::norm_sqr).sum();
            if total > f64::MIN_POSITIVE { 1.0 / total } else { 0.0 }
        });
        &self.density
    }

    fn average(&mut self, signal: &[f64], weight: impl Fn(&[Complex64]) -> f64) {
        let segment = self.taper.len();
        self.density.fill(0.0);
        let mut segments = 0.0;
        let mut start = 0;
        while start + segment <= signal.len() {
            self.transform(&signal[start..start + segment]);
            let weight = weight(&self.output);
            for (power, bin) in self.density.iter_mut().zip(&self.output) {
                *power += weight * bin.norm_sqr();
            }
            segments += 1.0;
            start += segment - segment / 2;
        }
        if segments > 0.0 {
            let both_sides = 2.0 * self.scale / segments;
            let last = self.density.len() - 1;
            let has_middle = self.input.len().is_multiple_of(2);
            for (index, power) in self.density.iter_mut().enumerate() {
                // Zero, and half the rate when there is such a frequency, have no mirror image to add.
                let alone = index == 0 || (has_middle && index == last);
                *power *= if alone { both_sides / 2.0 } else { both_sides };
            }
        }
    }

    fn transform(&mut self, samples: &[f64]) {
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        let (tapered, padding) = self.input.split_at_mut(samples.len());
        for ((value, sample), weight) in tapered.iter_mut().zip(samples).zip(&self.taper) {
            *value = (sample - mean) * weight;
        }
        padding.fill(0.0);
        self.plan
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .expect("the buffers were made by this plan");
    }
}
