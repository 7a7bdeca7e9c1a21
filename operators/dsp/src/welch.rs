//! Estimates the power spectral density of a stretch of signal by averaging overlapping periodograms.
//!
//! Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio Electroacoust. 15(2),
//! 1967. The conventions are the defaults of `scipy.signal.welch` 1.17.1: periodic Hann taper, 50 % overlap, the mean
//! of each segment removed, one-sided density, mean of the segments. A signal shorter than a segment is one
//! segment of its own length in scipy; here it is an error of the caller and gives zeros.
//!
//! Besides the mean of the segments there is their median ([`Welch::median`], `average='median'`), which a burst in a
//! few segments does not move. With a segment as long as the signal the density is the periodogram of the signal
//! (`scipy.signal.periodogram(window='hann')`).
//!
//! # Invariants
//! Planned once; nothing is allocated by [`Welch::density`], [`Welch::balanced`] and [`Welch::median`].

use rustfft::num_complex::Complex64;

use crate::{Error, detrend::Detrend, segment::Segment};

/// A planned spectrum.
#[derive(Debug)]
pub struct Welch {
    rate_hz: f64,
    segment: Segment,
    /// Turns squared magnitudes of one segment into a one-sided density.
    scale: f64,
    density: Vec<f64>,
    /// Squared magnitudes of each frequency, segment after segment: as many segments as were planned for the median.
    powers: Vec<f64>,
    most_segments: usize,
}

impl Welch {
    /// Plans segments of `segment` samples, each padded with zeros to `transform` samples (scipy's `nperseg`, `nfft`).
    ///
    /// # Errors
    /// [`Error::Length`] if the segment has less than two samples or is longer than the transform.
    pub fn new(rate_hz: f64, segment: usize, transform: usize) -> Result<Self, Error> {
        let segment = Segment::new(segment, transform, Detrend::Constant)?;
        Ok(Self {
            rate_hz,
            scale: 1.0 / (rate_hz * segment.power()),
            segment,
            density: vec![0.0; transform / 2 + 1],
            powers: Vec::new(),
            most_segments: 0,
        })
    }

    /// Takes `detrend` out of each segment instead of its mean.
    pub fn with_detrend(mut self, detrend: Detrend) -> Self {
        self.segment.set_detrend(detrend);
        self
    }

    /// Makes room for [`Welch::median`] of signals of up to `longest` samples.
    pub fn with_median(mut self, longest: usize) -> Self {
        self.most_segments = self.segments(longest);
        self.powers = vec![0.0; self.most_segments * self.density.len()];
        self
    }

    /// Distance between two neighbouring frequencies, in Hz.
    pub fn step_hz(&self) -> f64 {
        self.rate_hz / self.segment.padded() as f64
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

    /// Like [`Welch::density`], with the median of the segments in place of their mean, divided by the bias that the median
    /// of such powers has (scipy's `_median_bias`; Allen et al., "FINDCHIRP", Phys. Rev. D 85, 122006, 2012, appendix B).
    ///
    /// All zeros if the signal is shorter than a segment or longer than was planned by [`Welch::with_median`].
    pub fn median(&mut self, signal: &[f64]) -> &[f64] {
        self.density.fill(0.0);
        let count = self.segments(signal.len());
        if count == 0 || count > self.most_segments {
            return &self.density;
        }
        for number in 0..count {
            let start = number * self.hop();
            let bins = self.segment.transform(&signal[start..start + self.segment.samples()]);
            for (powers, bin) in self.powers.chunks_exact_mut(self.most_segments).zip(bins) {
                powers[number] = bin.norm_sqr();
            }
        }
        for (powers, power) in self.powers.chunks_exact_mut(self.most_segments).zip(&mut self.density) {
            *power = crate::shape::median(&mut powers[..count]);
        }
        self.one_sided(median_bias(count));
        &self.density
    }

    /// Distance between the beginnings of neighbouring segments, in samples.
    fn hop(&self) -> usize {
        self.segment.samples() - self.segment.samples() / 2
    }

    /// Whole segments in a signal.
    fn segments(&self, samples: usize) -> usize {
        samples.checked_sub(self.segment.samples()).map_or(0, |rest| rest / self.hop() + 1)
    }

    fn average(&mut self, signal: &[f64], weight: impl Fn(&[Complex64]) -> f64) {
        self.density.fill(0.0);
        let count = self.segments(signal.len());
        for number in 0..count {
            let start = number * self.hop();
            let bins = self.segment.transform(&signal[start..start + self.segment.samples()]);
            let weight = weight(bins);
            for (power, bin) in self.density.iter_mut().zip(bins) {
                *power += weight * bin.norm_sqr();
            }
        }
        if count > 0 {
            self.one_sided(count as f64);
        }
    }

    /// Scales squared magnitudes to a one-sided density, divided by `divisor`.
    fn one_sided(&mut self, divisor: f64) {
        let both_sides = 2.0 * self.scale / divisor;
        let last = self.density.len() - 1;
        let has_middle = self.segment.padded().is_multiple_of(2);
        for (index, power) in self.density.iter_mut().enumerate() {
            // Zero, and half the rate when there is such a frequency, have no mirror image to add.
            let alone = index == 0 || (has_middle && index == last);
            *power *= if alone { both_sides / 2.0 } else { both_sides };
        }
    }
}

/// Mean of the median of `count` exponentially distributed powers of mean one: `1 - 1/2 + 1/3 - … + 1/count` for an odd
/// count; an even count has that of the odd one below, as in scipy.
fn median_bias(count: usize) -> f64 {
    (1..=(count - 1) / 2)
        .map(|half| 2.0 * half as f64)
        .map(|even| 1.0 / (even + 1.0) - 1.0 / even)
        .sum::<f64>()
        + 1.0
}
