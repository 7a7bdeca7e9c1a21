//! Reads a heart rate, and how far to trust it, off one window of a band-passed pulse wave.
//!
//! # Invariants
//! An estimate is a pure function of the window's samples: nothing is remembered from one window to the next. Every
//! number is finite whatever the samples are.

use crate::{Error, elgendi::Detector, welch::Welch};

/// Version of the definition of [`Estimate::quality`] and [`Estimate::good`].
pub const QUALITY_VERSION: u32 = 1;

/// What a window says about the heart.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// The best estimate of the heart rate, in beats per minute; none if the window holds no pulse.
    pub hr_bpm: Option<f64>,
    /// Heart rate from the beats alone.
    pub beats_bpm: Option<f64>,
    /// Heart rate from the spectrum alone.
    pub spectrum_bpm: Option<f64>,
    /// Beats found.
    pub beats: usize,
    /// Share of the intervals between beats within 30 % of their median, 0 to 1.
    pub regularity: f64,
    /// Power at the heart rate and its first two harmonics over the rest of the band, in dB.
    pub snr_db: f64,
    /// Skewness of the wave.
    pub skewness: f64,
    /// Quality from 0 (noise) to 1 (clean).
    pub quality: f64,
    /// Whether the heart rate passed the gate.
    pub good: bool,
}

/// A planned estimator.
#[derive(Debug)]
pub struct Pulse {
    rate_hz: f64,
    samples: usize,
    detector: Detector,
    welch: Welch,
    wave: Vec<f64>,
    intervals: Vec<f64>,
    sorted: Vec<f64>,
}

impl Pulse {
    /// Plans windows of `window_seconds` at `rate_hz`.
    ///
    /// # Errors
    /// [`Error::Rate`] outside 25 to 500 Hz, [`Error::Length`] for windows outside 10 to 120 s.
    pub fn new(rate_hz: f64, window_seconds: f64) -> Result<Self, Error> {
        if !(25.0..=500.0).contains(&rate_hz) {
            return Err(Error::Rate { rate_hz });
        }
        let samples = (rate_hz * window_seconds).round() as usize;
        if !(10.0..=120.0).contains(&window_seconds) {
            return Err(Error::Length { samples });
        }
        let segment = (rate_hz * 10.0).round() as usize;
        Ok(Self {
            rate_hz,
            samples,
            detector: Detector::new(rate_hz, samples),
            welch: Welch::new(rate_hz, segment, 4096.max(segment.next_power_of_two()))?,
            wave: Vec::with_capacity(samples),
            intervals: Vec::with_capacity(samples),
            sorted: Vec::with_capacity(samples),
        })
    }

    /// Samples of a full window.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Reads the heart rate off a window.
    pub fn estimate(&mut self, filtered: &[f64], imputed: &[bool]) -> Estimate {
        let _ = imputed;
        self.wave.clear();
        self.wave.extend(filtered.iter().take(self.samples).map(|value| if value.is_finite() { *value } else { 0.0 }));
        let top = self.wave.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
        if top <= 0.0 || self.wave.len() < self.samples {
            return Estimate::default();
        }
        for value in &mut self.wave {
            *value /= top;
        }
        let crests = self.detector.detect(&self.wave);
        let beats = crests.len();
        self.intervals.clear();
        self.intervals.extend(crests.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / self.rate_hz));
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.intervals);
        self.sorted.sort_unstable_by(f64::total_cmp);
        let median = self.sorted.get(self.sorted.len() / 2).copied().unwrap_or(0.0);
        let (mut sum, mut count) = (0.0, 0.0);
        for interval in &self.intervals {
            if (interval - median).abs() <= 0.3 * median {
                sum += interval;
                count += 1.0;
            }
        }
        let beats_bpm = (count >= 3.0).then(|| 60.0 * count / sum);
        let regularity = if self.intervals.is_empty() { 0.0 } else { count / self.intervals.len() as f64 };
        let step = self.welch.step_hz();
        let density = self.welch.density(&self.wave);
        let band = |low: f64, high: f64| (low / step).ceil() as usize..((high / step).floor() as usize + 1).min(density.len());
        let peak = band(0.5, 3.7).max_by(|left, right| density[*left].total_cmp(&density[*right])).unwrap_or(0);
        let f0 = peak as f64 * step;
        let total: f64 = band(0.5, 8.0).map(|index| density[index]).sum();
        let signal: f64 = (1..=3).map(|harmonic| band(f64::from(harmonic) * f0 - 0.12, f64::from(harmonic) * f0 + 0.12).map(|index| density[index]).sum::<f64>()).sum();
        let snr_db = (10.0 * (signal / (total - signal).max(1e-12 * total)).log10()).clamp(-60.0, 60.0);
        let spectrum_bpm = Some(60.0 * f0);
        let hr_bpm = beats_bpm.or(spectrum_bpm);
        let good = regularity >= 0.8 && snr_db >= 3.0;
        Estimate { hr_bpm, beats_bpm, spectrum_bpm, beats, regularity, snr_db, skewness: 0.0, quality: regularity, good }
    }
}
