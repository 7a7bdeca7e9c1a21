//! Reads the variability of the heart rate off the intervals between normal beats.
//!
//! Task Force of the European Society of Cardiology and the North American Society of Pacing and Electrophysiology, "Heart
//! rate variability: standards of measurement, physiological interpretation, and clinical use", Circulation 93(5), 1996. The
//! powers are those of the intervals on a grid of 4 Hz, by a cubic spline through them (`scipy.interpolate.CubicSpline`
//! 1.17.1), and `scipy.signal.welch` with segments of 256 and overlap 128, summed by the trapezoid rule.
//!
//! # Invariants
//! A pure function of the intervals; every number is finite. Nothing is allocated after `new`.

mod spline;

use crate::{Error, welch::Welch};
use spline::Spline;

/// Intervals between two beats of a heart, in ms (300 to 20 beats per minute); others are a fault of the detection.
const PLAUSIBLE_MS: std::ops::RangeInclusive<f64> = 200.0..=3_000.0;
/// Neighbouring intervals that differ by more count for pNN50, in ms (Task Force).
const STEP_MS: f64 = 50.0;
/// Rate of the grid, in Hz, and segment of the spectrum, in samples.
const GRID_HZ: f64 = 4.0;
const SEGMENT: usize = 256;
/// Low and high frequencies, in Hz; the upper end does not belong to the band (Task Force, table 2).
const LOW_HZ: (f64, f64) = (0.04, 0.15);
const HIGH_HZ: (f64, f64) = (0.15, 0.4);
/// Shortest stretch the powers are read off, in seconds: the two minutes that the Task Force calls needed to address the low
/// frequencies.
const SHORTEST_SECONDS: f64 = 120.0;

/// Powers of the variability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Powers {
    /// Power from 0.04 to 0.15 Hz, in ms².
    pub low_ms2: f64,
    /// Power from 0.15 to 0.4 Hz, in ms².
    pub high_ms2: f64,
}

impl Powers {
    /// Low over high; none if there is no power in the high frequencies.
    pub fn ratio(&self) -> Option<f64> {
        (self.high_ms2 > 0.0).then(|| self.low_ms2 / self.high_ms2).filter(|ratio| ratio.is_finite())
    }
}

/// What a stretch of intervals says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Intervals between two normal beats that were read.
    pub intervals: usize,
    /// Their mean, in ms.
    pub mean_ms: f64,
    /// Their standard deviation (of a sample, n - 1), in ms: SDNN.
    pub sdnn_ms: f64,
    /// Root of the mean squared difference of neighbours, in ms: RMSSD.
    pub rmssd_ms: f64,
    /// Share of neighbours that differ by more than 50 ms, in percent: pNN50. Whether a difference of exactly 50 ms counts hangs
    /// on the rounding of the two intervals, as in numpy; on a grid of samples (18 at 360 Hz) there are such differences.
    pub pnn50_percent: f64,
    /// Powers; none below 120 s, where they say nothing.
    pub powers: Option<Powers>,
}

/// A planned reader.
#[derive(Debug)]
pub struct Variability {
    most: usize,
    intervals: Vec<f64>,
    spline: Spline,
    grid: Vec<f64>,
    welch: Welch,
}

impl Variability {
    /// Plans stretches of up to `most` intervals.
    ///
    /// # Errors
    /// [`Error::Length`] if `most` is less than 2 or more than a million.
    ///
    /// # Examples
    /// ```
    /// use dsp::hrv::Variability;
    ///
    /// // Breathing every four seconds lengthens and shortens the intervals about 800 ms by 40 ms.
    /// let mut seconds = 0.0;
    /// let intervals: Vec<f64> = (0..400)
    ///     .map(|_| {
    ///         let interval = 800.0 + 40.0 * (std::f64::consts::TAU * 0.25 * seconds).sin();
    ///         seconds += interval / 1e3;
    ///         interval
    ///     })
    ///     .collect();
    /// let estimate = Variability::new(1_000)?.read(&intervals).expect("there are enough intervals");
    /// let powers = estimate.powers.expect("five minutes are long enough");
    /// assert!((powers.high_ms2 - 800.0).abs() < 30.0 && powers.low_ms2 < 1.0);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn new(most: usize) -> Result<Self, Error> {
        if !(2..=1_000_000).contains(&most) {
            return Err(Error::Length { samples: most });
        }
        let longest = (most as f64 * PLAUSIBLE_MS.end() / 1e3 * GRID_HZ).ceil() as usize + 1;
        Ok(Self {
            most,
            intervals: Vec::with_capacity(most),
            spline: Spline::new(most),
            grid: Vec::with_capacity(longest),
            welch: Welch::new(GRID_HZ, SEGMENT, SEGMENT)?,
        })
    }

    /// Reads the intervals between normal beats, in ms, in the order they came.
    ///
    /// Intervals outside 200 to 3,000 ms or not finite are left out; what lies on both sides of a gap counts as neighbours,
    /// and time is the sum of the intervals, as is usual. At most `most` intervals are read, the first ones. None for fewer than two.
    pub fn read(&mut self, intervals_ms: &[f64]) -> Option<Estimate> {
        self.intervals.clear();
        let plausible = intervals_ms.iter().copied().filter(|interval| PLAUSIBLE_MS.contains(interval));
        self.intervals.extend(plausible.take(self.most));
        self.estimate()
    }

    /// Reads beats given by the samples of their R waves at `rate_hz`, and by which of them are normal (of sinus origin): an
    /// interval counts if the beats at both its ends are normal. An empty `normal` means that all are.
    pub fn read_beats(&mut self, samples: &[u64], rate_hz: f64, normal: &[bool]) -> Option<Estimate> {
        self.intervals.clear();
        let is_normal = |index: usize| normal.is_empty() || normal.get(index) == Some(&true);
        let plausible = samples
            .windows(2)
            .enumerate()
            .filter(|(index, _)| is_normal(*index) && is_normal(index + 1))
            .map(|(_, ends)| ends[1].saturating_sub(ends[0]) as f64 / rate_hz * 1e3)
            .filter(|interval| PLAUSIBLE_MS.contains(interval));
        self.intervals.extend(plausible.take(self.most));
        self.estimate()
    }

    fn estimate(&mut self) -> Option<Estimate> {
        let intervals = &self.intervals;
        if intervals.len() < 2 {
            return None;
        }
        let count = intervals.len() as f64;
        let mean_ms = intervals.iter().sum::<f64>() / count;
        let squares: f64 = intervals.iter().map(|interval| (interval - mean_ms).powi(2)).sum();
        let steps = || intervals.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        Some(Estimate {
            intervals: intervals.len(),
            mean_ms,
            sdnn_ms: (squares / (count - 1.0)).sqrt(),
            rmssd_ms: (steps().map(|step| step * step).sum::<f64>() / (count - 1.0)).sqrt(),
            pnn50_percent: 100.0 * steps().filter(|step| *step > STEP_MS).count() as f64 / (count - 1.0),
            powers: self.powers(),
        })
    }

    fn powers(&mut self) -> Option<Powers> {
        // The first interval ends at time zero.
        self.spline.fit(&self.intervals);
        let seconds = self.spline.seconds();
        if seconds < SHORTEST_SECONDS {
            return None;
        }
        self.grid.clear();
        self.spline.sample(GRID_HZ, (seconds * GRID_HZ).ceil() as usize, &mut self.grid);
        let step_hz = self.welch.step_hz();
        let density = self.welch.density(&self.grid);
        let power = |(low_hz, high_hz): (f64, f64)| {
            let bins = (low_hz / step_hz).ceil() as usize..(high_hz / step_hz).ceil() as usize;
            density[bins].windows(2).map(|pair| f64::midpoint(pair[0], pair[1]) * step_hz).sum()
        };
        Some(Powers { low_ms2: power(LOW_HZ), high_ms2: power(HIGH_HZ) })
    }
}
