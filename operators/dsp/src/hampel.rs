//! Replaces outliers by the median of their neighbours.
//!
//! Hampel, "The influence curve and its role in robust estimation", J. Am. Stat. Assoc. 69, 1974; as a filter:
//! Pearson, "Outliers in process modeling and identification", IEEE Trans. Control Syst. Technol. 10(1), 2002. A
//! sample is an outlier if it lies farther from the median of the window centred on it than `threshold` times the
//! spread of that window, which is 1.4826 times the median absolute deviation, or the floor if that is more. At the
//! ends of a recording the window is cut off.
//!
//! # Layout
//! [`clean`] for a recording of one channel, [`Bank`] for streams of many channels (or of one).
//!
//! # Invariants
//! * Samples are judged by the samples as they came, never by those that were replaced.
//! * An imputed sample, and one that is not finite, is judged but does not take part in the median or in the spread.
//! * The result is finite for any samples whatever; a sample that is not finite is an outlier. Negative zero comes out as zero.
//! * A bank gives the same bits as [`clean`], however the stream is cut.

mod bank;
mod network;

pub use bank::{Bank, Row, Sample, State};

use crate::Error;

/// Most samples on either side of the one that is judged.
pub const MOST_SIDE: usize = 31;
/// Longest window, in samples.
const MOST_WINDOW: usize = 2 * MOST_SIDE + 1;
/// Standard deviation of a normal distribution over its median absolute deviation, 1 / Φ⁻¹(3/4), rounded as R's `mad`
/// does.
const NORMAL: f64 = 1.4826;

/// What an outlier is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Samples on either side of the one that is judged; also the delay of a stream, in samples.
    pub side: usize,
    /// Distance from the median at which a sample becomes an outlier, in spreads of its window.
    pub threshold: f64,
    /// Least spread, in the unit of the samples: two steps of the converter, so that a still signal may flicker.
    pub floor: f64,
}

impl Options {
    fn check(&self) -> Result<(), Error> {
        let inside = |what, value: f64, least: f64, most: f64| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(Error::Outside { what, value, least, most })
            }
        };
        inside("side of an outlier window in samples", self.side as f64, 1.0, MOST_SIDE as f64)?;
        inside("outlier threshold in spreads", self.threshold, 0.0, f64::MAX)?;
        inside("least spread", self.floor, 0.0, f64::MAX)
    }
}

/// Writes the recording to `output` with its outliers replaced, and to `outliers` where they were.
///
/// `imputed` tells which samples were not measured but filled in; it may be shorter than the recording, whose other
/// samples were measured.
///
/// # Errors
/// [`Error::Outside`] if the side is not from 1 to [`MOST_SIDE`], or the threshold or the floor is negative or not
/// finite.
///
/// # Panics
/// If `output` or `outliers` is not as long as `samples`.
///
/// # Examples
/// ```
/// use dsp::hampel::{self, Options};
///
/// let samples = [1.0, 1.1, 0.9, 9.0, 1.0, 1.2, 1.1];
/// let (mut output, mut outliers) = ([0.0; 7], [false; 7]);
/// let options = Options { side: 3, threshold: 3.0, floor: 0.0 };
/// hampel::clean(options, &samples, &[], &mut output, &mut outliers)?;
/// assert_eq!(output, [1.0, 1.1, 0.9, 1.1, 1.0, 1.2, 1.1]);
/// assert_eq!(outliers, [false, false, false, true, false, false, false]);
/// # Ok::<(), dsp::Error>(())
/// ```
pub fn clean(
    options: Options,
    samples: &[f64],
    imputed: &[bool],
    output: &mut [f64],
    outliers: &mut [bool],
) -> Result<(), Error> {
    options.check()?;
    assert_eq!(samples.len(), output.len(), "there is one output for each sample");
    assert_eq!(samples.len(), outliers.len(), "there is one flag for each sample");
    let mut window = [0.0; MOST_WINDOW];
    for (index, sample) in samples.iter().enumerate() {
        let from = index.saturating_sub(options.side);
        let to = (index + options.side + 1).min(samples.len());
        let measured = (from..to).filter(|index| !imputed.get(*index).copied().unwrap_or(false));
        let count = collect(measured.map(|index| samples[index]), &mut window);
        (output[index], outliers[index]) = judge(&options, *sample, &mut window[..count]);
    }
    Ok(())
}

/// Puts the finite samples into the window and counts them.
fn collect(samples: impl Iterator<Item = f64>, window: &mut [f64; MOST_WINDOW]) -> usize {
    let mut count = 0;
    for (place, sample) in window.iter_mut().zip(samples.filter(|sample| sample.is_finite())) {
        *place = sample + 0.0;
        count += 1;
    }
    count
}

/// What comes out for a sample, and whether it was an outlier. The window is used up.
fn judge(options: &Options, sample: f64, window: &mut [f64]) -> (f64, bool) {
    if window.is_empty() {
        // Nothing to judge by; what is no number must not pass all the same.
        return if sample.is_finite() { (sample + 0.0, false) } else { (0.0, true) };
    }
    window.sort_unstable_by(f64::total_cmp);
    let centre = median(window);
    for value in &mut *window {
        *value = (*value - centre).abs();
    }
    window.sort_unstable_by(f64::total_cmp);
    let limit = options.threshold * spread(median(window), options.floor);
    let outlier = !sample.is_finite() || (sample - centre).abs() > limit;
    if outlier { (centre, true) } else { (sample + 0.0, false) }
}

/// Median of sorted values, of which there is at least one.
fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { middle(sorted[half - 1], sorted[half]) } else { sorted[half] }
}

/// The middle between two values: `numpy.median`, and within them even where their sum is not finite.
#[inline]
fn middle(low: f64, high: f64) -> f64 {
    let sum = low + high;
    if sum.is_finite() { sum * 0.5 } else { low * 0.5 + high * 0.5 }
}

/// Spread of a window whose median absolute deviation is given.
#[inline]
fn spread(deviation: f64, floor: f64) -> f64 {
    let scaled = NORMAL * deviation;
    if scaled > floor { scaled } else { floor }
}
