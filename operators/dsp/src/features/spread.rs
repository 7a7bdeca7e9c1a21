//! Moments and order statistics of a window.

use super::{lanes, ratio};
use crate::order::Sorted;

/// The standard deviation of a normal distribution over its median absolute deviation, `1 / Φ⁻¹(3/4)`, to the four digits in
/// which it is usually given (Rousseeuw & Croux, "Alternatives to the median absolute deviation", J. Am. Stat. Assoc. 88, 1993).
pub(crate) const MAD_TO_DEVIATION: f64 = 1.4826;
/// A deviation up to this share of the mean is rounding: `scipy.stats.skew`'s `np.finfo(float).resolution`.
const RESOLUTION: f64 = 1e-15;

/// How the samples of a window are spread. In units of the signal unless stated.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Population standard deviation.
    pub deviation: f64,
    /// Root of the mean square.
    pub root_mean_square: f64,
    /// Skewness `m3 / m2^1.5`, a number. 0 where the deviation is rounding.
    pub skewness: f64,
    /// Fisher's kurtosis `m4 / m2² - 3`, a number. 0 where the deviation is rounding.
    pub kurtosis: f64,
    /// Median.
    pub median: f64,
    /// 1.4826 times the median of the distances from the median.
    pub median_deviation: f64,
    /// Distance between the quartiles.
    pub quartile_range: f64,
    /// Distance between the extremes.
    pub peak_to_peak: f64,
}

impl Spread {
    /// Every number, in the order of the fields.
    pub const fn numbers(&self) -> [f64; 9] {
        let Self { mean, deviation, root_mean_square, skewness, kurtosis, median, .. } = *self;
        let Self { median_deviation, quartile_range, peak_to_peak, .. } = *self;
        [
            mean,
            deviation,
            root_mean_square,
            skewness,
            kurtosis,
            median,
            median_deviation,
            quartile_range,
            peak_to_peak,
        ]
    }
}

pub(super) fn read(window: &[f64], sorted: Sorted<'_>) -> Spread {
    let count = window.len() as f64;
    let [sum, squares] = lanes::sums(window, |value| [value, value * value]);
    let mean = sum / count;
    let [second, third, fourth] = lanes::sums(window, |value| {
        let distance = value - mean;
        let square = distance * distance;
        [square, square * distance, square * square]
    })
    .map(|sum| sum / count);
    let deviation = second.sqrt();
    let real = deviation > RESOLUTION * mean.abs();
    let (mut skewness, mut kurtosis) = (0.0, 0.0);
    if real {
        // Divided twice: the square of a small variance would vanish.
        skewness = ratio(ratio(third, second), deviation);
        kurtosis = ratio(ratio(fourth, second), second) - 3.0;
    }
    Spread {
        mean,
        deviation,
        root_mean_square: (squares / count).sqrt(),
        skewness,
        kurtosis,
        median: sorted.median(),
        median_deviation: MAD_TO_DEVIATION * sorted.median_deviation(),
        quartile_range: sorted.quantile(0.75) - sorted.quantile(0.25),
        peak_to_peak: sorted.quantile(1.0) - sorted.quantile(0.0),
    }
}
