//! Reads a heart rate, and how far to trust it, off one window of a band-passed pulse wave.
//!
//! # Invariants
//! An estimate is a pure function of the window's samples: nothing is remembered from one window to the next. Every
//! number is finite, whatever the samples are. Nothing is allocated by [`Pulse::estimate`].

use crate::{Error, elgendi::Detector, quality, rhythm::Rhythm, shape, shape::Shape, spectrum, welch::Welch};

/// Version of the definition of [`Estimate::quality`] and [`Estimate::good`].
pub const QUALITY_VERSION: u32 = 1;

/// Rates a wave filtered to 0.5 to 8 Hz is read at, in Hz: 25 to 500, and one percent for a clock that is off.
const RATES_HZ: std::ops::RangeInclusive<f64> = 24.75..=505.0;
/// Lengths of a window, in seconds.
const WINDOWS_SECONDS: std::ops::RangeInclusive<f64> = 10.0..=120.0;
/// The wave is thinned to no less than this rate, in Hz: six times the upper corner of the filter.
const THINNED_HZ: f64 = 50.0;
/// Segments of the spectrum, in seconds: resolves 0.1 Hz and bends with a rate that drifts within the window.
const SEGMENT_SECONDS: f64 = 10.0;
/// Shortest transform of the spectrum, in seconds: bins of 0.06 Hz, which the parabola refines.
const TRANSFORM_SECONDS: f64 = 16.0;
/// A wave that stays below this is silence: the rounding errors of a filter fed with a constant.
const SILENCE: f64 = 1e-9;

/// What a window says about the heart.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// The best estimate of the heart rate, in beats per minute; none if the window holds no pulse. It is the one of the
    /// beats, or of the spectrum where too few beats were found or the spectrum contradicts them clearly.
    pub hr_bpm: Option<f64>,
    /// Heart rate from the beats alone, in beats per minute.
    pub beats_bpm: Option<f64>,
    /// Heart rate from the spectrum alone, in beats per minute: its highest line, which may be a harmonic.
    pub spectrum_bpm: Option<f64>,
    /// Beats found.
    pub beats: usize,
    /// Share of the intervals between beats within 30 % of their median, 0 to 1.
    pub regularity: f64,
    /// Mean correlation of the beats with the window's template, -1 to 1.
    pub similarity: f64,
    /// Share of the beats between half and double the median height, 0 to 1.
    pub evenness: f64,
    /// Power at the heart rate and its first two harmonics over the rest of 0.5 to 8 Hz, in dB, within ±60.
    pub snr_db: f64,
    /// Skewness of the wave.
    pub skewness: f64,
    /// Quality from 0 (noise) to 1 (clean), by the definition [`QUALITY_VERSION`].
    pub quality: f64,
    /// Whether the heart rate passed the gate: enough quality, and at least 80 % of the window measured.
    pub good: bool,
}

/// A planned estimator.
#[derive(Debug)]
pub struct Pulse {
    samples: usize,
    /// Samples averaged into one.
    thinning: usize,
    detector: Detector,
    rhythm: Rhythm,
    shape: Shape,
    welch: Welch,
    wave: Vec<f64>,
    missing: Vec<bool>,
    crests: Vec<usize>,
}

impl Pulse {
    /// Plans windows of `window_seconds` at `rate_hz`.
    ///
    /// # Errors
    /// [`Error::Rate`] outside 25 to 500 Hz, [`Error::Length`] for windows outside 10 to 120 s.
    pub fn new(rate_hz: f64, window_seconds: f64) -> Result<Self, Error> {
        if !RATES_HZ.contains(&rate_hz) {
            return Err(Error::Rate { rate_hz });
        }
        let samples = (rate_hz * window_seconds).round() as usize;
        if !WINDOWS_SECONDS.contains(&window_seconds) {
            return Err(Error::Length { samples });
        }
        let thinning = ((rate_hz / THINNED_HZ).floor() as usize).max(1);
        let (rate_hz, thinned) = (rate_hz / thinning as f64, samples / thinning);
        let detector = Detector::new(rate_hz, thinned);
        let most_crests = detector.most_crests(thinned);
        // Rounding must not make the segment longer than the shortest window.
        let segment = ((SEGMENT_SECONDS * rate_hz).floor() as usize).min(thinned);
        let transform = ((TRANSFORM_SECONDS * rate_hz).ceil() as usize).next_power_of_two();
        Ok(Self {
            samples,
            thinning,
            rhythm: Rhythm::new(rate_hz, most_crests),
            shape: Shape::new(rate_hz, most_crests),
            welch: Welch::new(rate_hz, segment, transform)?,
            wave: Vec::with_capacity(thinned),
            missing: Vec::with_capacity(thinned),
            crests: Vec::with_capacity(most_crests),
            detector,
        })
    }

    /// Samples of a full window.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Reads the heart rate off a window of the causally filtered wave (0.5 to 8 Hz, order 3).
    ///
    /// `imputed` marks the samples that were not measured, whatever stands in their place; an empty slice means that all
    /// were. Samples that are not finite count as not measured. At most [`Self::samples`] samples are read; a shorter
    /// window is read as it is, and never passes the gate if it is shorter than 80 % of a full one.
    pub fn estimate(&mut self, filtered: &[f64], imputed: &[bool]) -> Estimate {
        let filtered = &filtered[..filtered.len().min(self.samples)];
        let measured = shape::thin(filtered, imputed, self.thinning, &mut self.wave, &mut self.missing);
        let top = self.wave.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
        if top < SILENCE {
            return Estimate::default();
        }
        // At a height of one, squares and cubes of any wave are finite.
        self.wave.iter_mut().for_each(|value| *value /= top);

        self.crests.clear();
        self.crests.extend_from_slice(self.detector.detect(&self.wave));
        self.rhythm.drop_dicrotic(&self.wave, &mut self.crests);
        let evenness = self.shape.evenness(&self.wave, &self.crests);
        let similarity = self.shape.compare(&self.wave, &self.crests);
        let reading = self.rhythm.read(self.wave.len(), &self.crests, similarity, &self.missing);

        let step_hz = self.welch.step_hz();
        let density = self.welch.balanced(&self.wave);
        let clarity = |bpm: Option<f64>| {
            bpm.map_or(-spectrum::MOST_DB, |bpm| spectrum::clarity(density, step_hz, bpm / 60.0))
        };
        let mut estimate = Estimate {
            beats_bpm: reading.bpm,
            spectrum_bpm: spectrum::strongest(density, step_hz).map(|rate_hz| 60.0 * rate_hz),
            beats: self.crests.len(),
            regularity: reading.regularity,
            similarity: similarity.iter().sum::<f64>() / similarity.len().max(1) as f64,
            evenness,
            skewness: shape::skewness(&self.wave),
            ..Estimate::default()
        };
        let (spectrum_db, beats_db) = (clarity(estimate.spectrum_bpm), clarity(estimate.beats_bpm));
        (estimate.hr_bpm, estimate.snr_db) = if quality::prefers_spectrum(&estimate, spectrum_db - beats_db) {
            (estimate.spectrum_bpm, spectrum_db)
        } else {
            (estimate.beats_bpm, beats_db)
        };
        estimate.quality = quality::quality(&estimate, spectrum_db - beats_db);
        estimate.good = quality::passes(&estimate, measured as f64 / self.samples as f64);
        estimate
    }
}
