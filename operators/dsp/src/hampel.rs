//! Replaces outliers by the median of their neighbours.
//!
//! Hampel, "The influence curve and its role in robust estimation", J. Am. Stat. Assoc. 69, 1974; as a filter:
//! Pearson, "Outliers in process modeling and identification", IEEE Trans. Control Syst. Technol. 10(1), 2002. A
//! sample is an outlier if it lies farther from the median of the window centred on it than `threshold` times the
//! spread of that window, which is 1.4826 times the median absolute deviation, or the floor if that is more. At the
//! ends of a recording the window is cut off.
//!
//! # Layout
//! [`clean`] for a recording of one channel, [`Bank`] for streams of many channels (or of one). Either sorts the windows of
//! several samples at once, `network`: the one of neighbours in time, the other of channels.
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
use network::{Comparison, LANES, Lanes, centre_and_deviation, comparisons, sort};

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
    let Options { side, .. } = options;
    let network = comparisons(2 * side + 1);
    let (mut window, mut windows) = ([0.0; MOST_WINDOW], [[0.0; LANES]; MOST_WINDOW]);
    let is_imputed = |index: usize| imputed.get(index).copied().unwrap_or(false);
    let mut index = 0;
    while index < samples.len() {
        // 1. The windows of the next samples at the same time, if all of them are whole: row by row they are the recording from
        // one sample later.
        let reach = index.checked_sub(side).map(|from| from..index + LANES + side);
        let whole = reach.clone().and_then(|reach| samples.get(reach));
        if let Some(whole) = whole.filter(|whole| whole.iter().all(|sample| sample.is_finite()))
            && !reach.into_iter().flatten().any(is_imputed)
        {
            for (row, samples) in windows.iter_mut().zip(whole.windows(LANES)) {
                *row = std::array::from_fn(|lane| samples[lane] + 0.0);
            }
            let judged = windows[side];
            let (values, flags) = judge_lanes(&options, &network, &mut windows[..=2 * side], judged);
            output[index..index + LANES].copy_from_slice(&values);
            outliers[index..index + LANES].copy_from_slice(&flags);
            index += LANES;
            continue;
        }
        // 2. Else one.
        let reach = index.saturating_sub(side)..(index + side + 1).min(samples.len());
        let measured = reach.filter(|index| !is_imputed(*index));
        let count = collect(measured.map(|index| samples[index]), &mut window);
        (output[index], outliers[index]) = judge(&options, samples[index], &mut window[..count]);
        index += 1;
    }
    Ok(())
}

/// What comes out for the sample of every lane, and whether it was an outlier, by windows that are equally long and hold
/// neither negative zeros nor what is not finite. They are sorted by it.
#[inline]
fn judge_lanes<S: Copy + PartialOrd + Into<f64>>(
    options: &Options,
    network: &[Comparison],
    windows: &mut [Lanes<S>],
    samples: Lanes,
) -> (Lanes, [bool; LANES]) {
    sort(windows, network);
    let (centre, deviation) = centre_and_deviation(windows);
    let (mut values, mut outliers) = (samples, [false; LANES]);
    for lane in 0..LANES {
        let limit = options.threshold * spread(deviation[lane], options.floor);
        let outlier = (samples[lane] - centre[lane]).abs() > limit;
        values[lane] = if outlier { centre[lane] } else { samples[lane] };
        outliers[lane] = outlier;
    }
    (values, outliers)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> impl Strategy<Value = f64> {
        prop_oneof![
            60 => (-4_i8..5).prop_map(|step| f64::from(step) / 2.0),
            30 => -1.0..1.0,
            1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, -0.0, 1e9]),
        ]
    }

    proptest! {
        #[test]
        fn samples_that_are_judged_together_are_judged_like_one(
            samples in prop::collection::vec(sample(), 0..200),
            imputed in prop::collection::vec(prop::bool::weighted(0.02), 0..200),
            side in 1_usize..12,
            floor in prop_oneof![Just(0.0), Just(0.4)],
        ) {
            let options = Options { side, threshold: 2.0, floor };
            let (mut output, mut outliers) = (vec![f64::NAN; samples.len()], vec![false; samples.len()]);
            clean(options, &samples, &imputed, &mut output, &mut outliers).expect("the options are sound");
            for (index, sample) in samples.iter().enumerate() {
                let mut window = [0.0; MOST_WINDOW];
                let reach = index.saturating_sub(side)..(index + side + 1).min(samples.len());
                let measured = reach.filter(|index| imputed.get(*index) != Some(&true)).map(|index| samples[index]);
                let count = collect(measured, &mut window);
                let (value, outlier) = judge(&options, *sample, &mut window[..count]);
                prop_assert_eq!((output[index].to_bits(), outliers[index]), (value.to_bits(), outlier));
            }
        }
    }
}
