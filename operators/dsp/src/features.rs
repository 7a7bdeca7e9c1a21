//! Describes a window of signal in numbers: how it is spread, how it moves, where its power lies.
//!
//! The definitions are those of numpy 2.4 and scipy 1.17.1 where these have one: population moments (`ddof=0`), Fisher's
//! kurtosis, percentiles linear between neighbours, natural logarithms, [`crate::welch`] with segments of 1,024 samples (256
//! up to 50 Hz; the whole window if it is shorter). Hjorth, "EEG analysis based on time domain properties",
//! Electroencephalogr. Clin. Neurophysiol. 29, 1970, for mobility and complexity.
//!
//! # Invariants
//! Planned once; [`Features::read`] allocates nothing, and what it says depends on its window alone. Every number is finite
//! for any samples. The window is sorted once for all order statistics.

use crate::{
    Error, lanes,
    order::Order,
    range::{self, SMALLEST, ratio},
    theil_sen::TheilSen,
    wavelet::{LEVELS, Wavelet},
    welch::Welch,
};

mod motion;
mod power;
mod spread;

pub use motion::Motion;
pub use power::Power;
pub(crate) use spread::MAD_TO_DEVIATION;
pub use spread::Spread;

/// Up to this rate, in Hz, segments of the spectrum are short.
const SLOW_HZ: f64 = 50.0;
/// Samples of a segment of the spectrum up to [`SLOW_HZ`].
const SHORT_SEGMENT: usize = 256;
/// Samples of a segment of the spectrum above [`SLOW_HZ`].
const LONG_SEGMENT: usize = 1_024;

/// Samples of a segment of the spectrum of a signal at `rate_hz`.
pub(crate) fn segment(rate_hz: f64) -> usize {
    if rate_hz <= SLOW_HZ { SHORT_SEGMENT } else { LONG_SEGMENT }
}

/// The part of the spectrum that is described, both ends included, in Hz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Lowest frequency, in Hz; may be 0.
    pub low_hz: f64,
    /// Highest frequency, in Hz; at most half the rate.
    pub high_hz: f64,
}

/// Which features are worth their time: slope and wavelet are for a whole session rather than for every window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Spread, motion and power.
    Basic,
    /// The basic ones and the energies of the wavelet.
    Scales,
    /// All of them, with the slope, which costs several times the rest.
    All,
}

/// What was read off a window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Moments and order statistics.
    pub spread: Spread,
    /// How the signal moves from sample to sample.
    pub motion: Motion,
    /// Where the power lies within the band.
    pub power: Power,
    /// Median slope of all pairs of samples (Theil–Sen), in units of the signal per second; `None` if not asked for.
    pub slope_per_second: Option<f64>,
    /// Energies of the db4 decomposition `cA5, cD5, …, cD1`, in squared units of the signal; `None` if not asked for.
    pub energies: Option<[f64; LEVELS + 1]>,
}

/// A planned description of windows.
#[derive(Debug)]
pub struct Features {
    rate_hz: f64,
    samples: usize,
    band: power::Bins,
    welch: Welch,
    order: Order,
    differences: Vec<f64>,
    wavelet: Wavelet,
    slopes: TheilSen,
}

impl Features {
    /// Plans windows of up to `samples` at `rate_hz`, of whose spectrum `band` is described.
    ///
    /// # Errors
    /// [`Error::Rate`] if the rate is not between 0.001 Hz and 1 MHz, [`Error::Length`] if there are less than two samples,
    /// [`Error::Corner`] if the band does not rise within 0 to half the rate or no frequency of the spectrum lies in it.
    pub fn new(rate_hz: f64, samples: usize, band: Band) -> Result<Self, Error> {
        if !range::usable_rate(rate_hz) {
            return Err(Error::Rate { rate_hz });
        }
        let segment = segment(rate_hz).min(samples);
        Ok(Self {
            rate_hz,
            samples,
            band: power::Bins::new(band, rate_hz, segment)?,
            welch: Welch::new(rate_hz, segment, segment)?,
            order: Order::new(samples),
            differences: vec![0.0; samples],
            wavelet: Wavelet::new(samples),
            slopes: TheilSen::new(samples),
        })
    }

    /// Longest window that is read whole, in samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Describes a window; of one that is longer than planned, its end.
    ///
    /// * A window without samples, or with one that is not finite or larger than 1e60, has zeros throughout.
    /// * A constant window, one whose extremes are within 1e-60, or a single sample has its level as mean and root mean square
    ///   and zeros throughout otherwise.
    /// * A window shorter than a segment of the spectrum has zeros for [`Reading::power`].
    /// * A ratio whose denominator is zero is zero.
    ///
    /// # Examples
    /// ```
    /// use dsp::features::{Band, Features, Set};
    ///
    /// let mut features = Features::new(50.0, 500, Band { low_hz: 0.1, high_hz: 5.0 })?;
    /// let window: Vec<f64> =
    ///     (0..500).map(|sample| 3.0 + (std::f64::consts::TAU * 2.0 * f64::from(sample) / 50.0).sin()).collect();
    /// let reading = features.read(&window, Set::Basic);
    /// assert!((reading.spread.mean - 3.0).abs() < 1e-12);
    /// assert!((reading.power.peak_hz - 2.0).abs() < 0.1);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn read(&mut self, window: &[f64], set: Set) -> Reading {
        let window = &window[window.len().saturating_sub(self.samples)..];
        let mut reading = Reading {
            slope_per_second: (set == Set::All).then_some(0.0),
            energies: (set != Set::Basic).then_some([0.0; LEVELS + 1]),
            ..Reading::default()
        };
        if window.is_empty() || !range::all_usable(window) {
            return reading;
        }
        if let Some(energies) = &mut reading.energies {
            *energies = self.wavelet.energies(window);
        }
        let (least, most) = lanes::extremes(window);
        if most - least < SMALLEST {
            let level = window[0];
            reading.spread = Spread { mean: level, root_mean_square: level.abs(), ..Spread::default() };
            return reading;
        }
        reading.spread = spread::read(window, self.order.sort(window, least, most));
        reading.motion = motion::read(window, reading.spread.deviation, &mut self.differences);
        reading.power = self.band.read(self.welch.density(window));
        if let Some(slope) = &mut reading.slope_per_second {
            *slope = self.slopes.slope(window) * self.rate_hz;
        }
        reading
    }
}
