//! Tells how far an electrocardiogram can be trusted, by four published indices of a window.
//!
//! Li, Mark, Clifford, "Robust heart rate estimation from multiple asynchronous noisy sources using signal quality indices and a
//! Kalman filter", Physiol. Meas. 29(1), 2008 (bSQI, kSQI); Clifford, Behar, Li, Rezek, "Signal quality indices and data fusion for
//! determining clinical acceptability of electrocardiograms", Physiol. Meas. 33(9), 2012 (pSQI, basSQI). The two detectors that should
//! agree are [`crate::qrs`] and that of Elgendi, "Fast QRS detection with an optimized knowledge-based method: evaluation on 11 standard
//! ECG databases", `PLoS ONE` 8(9), 2013, which share nothing but the samples.
//!
//! # Invariants
//! Indices are a pure function of the window's samples; all are finite. Nothing is allocated by [`EcgQuality::read`].

use crate::{
    Error,
    butterworth::{self, Band},
    cascade::Cascade,
    elgendi,
    qrs::{self, Beat},
    welch::Welch,
};

/// Lengths of a window, in seconds.
const WINDOWS_SECONDS: std::ops::RangeInclusive<f64> = 10.0..=120.0;
/// Two detectors mean the same beat up to this distance, in seconds (Li: 150 ms, as ANSI/AAMI EC57).
const SAME_SECONDS: f64 = 0.15;
/// Beats so near to an edge, in seconds, are not compared: a detector that streams has not reported the last ones.
const EDGE_SECONDS: f64 = 0.6;
/// The band of the second detector, in Hz (Elgendi), and the delay of its filter, in seconds: `4 / Δω` in the middle of a band of order 3.
const SECOND_BAND: Band = Band::Pass { low_hz: 8.0, high_hz: 20.0 };
const SECOND_DELAY_SECONDS: f64 = 0.053;
/// Segments of the spectrum, in seconds: resolves the 1 Hz below which the baseline wanders.
const SEGMENT_SECONDS: f64 = 4.0;
/// Bands of the indices, in Hz (Clifford): complexes over complexes and muscle, wander over everything.
const COMPLEX_HZ: (f64, f64) = (5.0, 15.0);
const MUSCLE_HZ: (f64, f64) = (5.0, 40.0);
const WANDER_HZ: (f64, f64) = (0.0, 1.0);
const ALL_HZ: (f64, f64) = (0.0, 40.0);
/// Bound of a sample, as in [`crate::qrs`].
const BOUND: f64 = 1e100;
/// A window whose samples, less their mean and scaled to a height of one, stay below this is constant.
const SILENCE: f64 = 1e-9;

/// What a window says about the quality of an electrocardiogram. All zeros for a constant.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quality {
    /// Share of the beats that both detectors find, of those that either finds, 0 to 1 (clean: above 0.9). 0 if there are none.
    pub bsqi: f64,
    /// Power from 5 to 15 Hz over that from 5 to 40 Hz, 0 to 1 (clean: 0.5 to 0.9; muscle: below).
    pub psqi: f64,
    /// Kurtosis `m4 / m2²` of the samples: 3 for noise of a normal distribution, 5 and more for a clean electrocardiogram.
    pub ksqi: f64,
    /// One less the power up to 1 Hz over that up to 40 Hz, 0 to 1 (clean: above 0.9; a wandering baseline: below).
    pub bassqi: f64,
}

/// A planned reader.
#[derive(Debug)]
pub struct EcgQuality {
    samples: usize,
    rate_hz: f64,
    first: qrs::Detector,
    band: Cascade<3>,
    second: elgendi::Detector,
    welch: Welch,
    wave: Vec<f64>,
    filtered: Vec<f64>,
    beats: Vec<Beat>,
    /// Beats of the two detectors, in seconds.
    times: [Vec<f64>; 2],
}

impl EcgQuality {
    /// Plans windows of `window_seconds` of one lead at `rate_hz`.
    ///
    /// # Errors
    /// [`Error::Rate`] outside 100 to 1,000 Hz, [`Error::Length`] for windows outside 10 to 120 s.
    ///
    /// # Examples
    /// ```
    /// use dsp::ecg_quality::EcgQuality;
    ///
    /// // A complex of 50 ms every second, at 250 Hz.
    /// let complex = |sample: u32| (-(f64::from(sample % 250) - 125.0).powi(2) / 18.0).exp();
    /// let ecg: Vec<f64> = (0..2_500).map(complex).collect();
    /// let quality = EcgQuality::new(250.0, 10.0)?.read(&ecg);
    /// assert!(quality.bsqi > 0.99 && quality.ksqi > 5.0);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn new(rate_hz: f64, window_seconds: f64) -> Result<Self, Error> {
        let first = qrs::Detector::new(rate_hz)?;
        let samples = (rate_hz * window_seconds).round() as usize;
        if !WINDOWS_SECONDS.contains(&window_seconds) {
            return Err(Error::Length { samples });
        }
        let second = elgendi::Detector::of_complexes(rate_hz, samples);
        let most = qrs::most_beats(rate_hz, samples).max(second.most_crests(samples));
        let segment = (SEGMENT_SECONDS * rate_hz).round() as usize;
        Ok(Self {
            samples,
            rate_hz,
            first,
            band: Cascade::new(butterworth::design::<3>(3, SECOND_BAND, rate_hz)?),
            second,
            welch: Welch::new(rate_hz, segment, segment)?,
            wave: Vec::with_capacity(samples),
            filtered: Vec::with_capacity(samples),
            beats: Vec::with_capacity(most),
            times: [Vec::with_capacity(most), Vec::with_capacity(most)],
        })
    }

    /// Samples of a full window.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Reads the indices off a window as it was measured, in any unit. At most [`Self::samples`] samples are read. A sample that is not
    /// finite or beyond ±1e100 counts as a repetition of the last one.
    pub fn read(&mut self, ecg: &[f64]) -> Quality {
        let mut last = ecg.iter().copied().find(|sample| sample.abs() <= BOUND).unwrap_or(0.0);
        self.wave.clear();
        self.wave.extend(ecg.iter().take(self.samples).map(|sample| {
            last = if sample.abs() <= BOUND { *sample } else { last };
            last
        }));
        // At a height of one, fourth powers of any wave are finite; relative to its level, a constant is zero.
        let size = self.wave.iter().fold(0.0_f64, |size, sample| size.max(sample.abs()));
        let count = self.wave.len().max(1) as f64;
        let scale = if size > f64::MIN_POSITIVE { 1.0 / size } else { 0.0 };
        self.wave.iter_mut().for_each(|sample| *sample *= scale);
        let mean = self.wave.iter().sum::<f64>() / count;
        self.wave.iter_mut().for_each(|sample| *sample -= mean);
        let top = self.wave.iter().fold(0.0_f64, |top, sample| top.max(sample.abs()));
        if top < SILENCE {
            return Quality::default();
        }
        self.wave.iter_mut().for_each(|sample| *sample /= top);
        self.detect();
        let (psqi, bassqi) = self.shares();
        Quality { bsqi: self.agreement(), psqi, ksqi: kurtosis(&self.wave), bassqi }
    }

    /// Finds the beats with both detectors.
    fn detect(&mut self) {
        self.beats.clear();
        self.first.restart();
        self.first.process(&self.wave, &mut self.beats);
        let rate_hz = self.rate_hz;
        let [first, second] = &mut self.times;
        first.clear();
        first.extend(self.beats.iter().map(|beat| beat.sample as f64 / rate_hz));
        // A complex may point either way.
        self.filtered.clear();
        self.band.settle(self.wave[0]);
        self.filtered.extend(self.wave.iter().map(|sample| self.band.step(*sample).abs()));
        let crests = self.second.detect(&self.filtered);
        second.clear();
        second.extend(crests.iter().map(|crest| *crest as f64 / rate_hz - SECOND_DELAY_SECONDS));
    }

    /// Share of the beats that both detectors found.
    fn agreement(&self) -> f64 {
        let [first, second] = &self.times;
        let core = EDGE_SECONDS..self.wave.len() as f64 / self.rate_hz - EDGE_SECONDS;
        let alone = |these: &[f64], others: &[f64]| {
            let within = these.iter().filter(|time| core.contains(time));
            let is_alone = |time: &&f64| !others.iter().any(|other| (other - **time).abs() <= SAME_SECONDS);
            (within.clone().count(), within.filter(is_alone).count())
        };
        let ((found, first_alone), (_, second_alone)) = (alone(first, second), alone(second, first));
        let both = found - first_alone;
        let either = both + first_alone + second_alone;
        if either > 0 { both as f64 / either as f64 } else { 0.0 }
    }

    /// pSQI and basSQI.
    fn shares(&mut self) -> (f64, f64) {
        let step_hz = self.welch.step_hz();
        let density = self.welch.density(&self.wave);
        let power = |(low_hz, high_hz): (f64, f64)| {
            let bins = (low_hz / step_hz).ceil() as usize..=(high_hz / step_hz).floor() as usize;
            density[bins].iter().sum::<f64>()
        };
        let share = |part: f64, whole: f64| if whole > f64::MIN_POSITIVE { part / whole } else { 0.0 };
        let (all, steady) = (power(ALL_HZ), power(ALL_HZ) - power(WANDER_HZ));
        (share(power(COMPLEX_HZ), power(MUSCLE_HZ)), share(steady, all))
    }
}

/// `m4 / m2²` of samples whose mean is zero.
fn kurtosis(samples: &[f64]) -> f64 {
    let count = samples.len() as f64;
    let second = samples.iter().map(|sample| sample.powi(2)).sum::<f64>() / count;
    let fourth = samples.iter().map(|sample| sample.powi(4)).sum::<f64>() / count;
    if second > f64::MIN_POSITIVE { fourth / (second * second) } else { 0.0 }
}
