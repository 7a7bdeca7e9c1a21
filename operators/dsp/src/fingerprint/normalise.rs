//! Makes fingerprints comparable: robust standard scores, compressed, then length one.

use super::{Fingerprint, Layout, Mask};
use crate::{Error, lanes, range};

/// The distance between the quartiles of a normal distribution over its standard deviation, `2 Φ⁻¹(3/4)`, to four digits.
const RANGE_TO_DEVIATION: f64 = 1.349;

/// Frozen statistics of the fingerprints of one kind of cartridge in one layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Normaliser {
    layout: Layout,
    medians: Vec<f64>,
    /// Standard deviations as the quartiles tell them; 0 where there is no statistic.
    scales: Vec<f64>,
}

impl Normaliser {
    /// Takes the median and the distance between the quartiles of every number of the layout.
    ///
    /// A number whose median is not finite, or whose distance between the quartiles is not positive or so small that scores
    /// would not be finite, says nothing: it is missing in all normalised fingerprints.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many of either as the layout has numbers.
    pub fn new(layout: Layout, medians: &[f64], quartile_ranges: &[f64]) -> Result<Self, Error> {
        for samples in [medians.len(), quartile_ranges.len()] {
            if samples != layout.dimensions() {
                return Err(Error::Length { samples });
            }
        }
        let scale = |(median, quartile_range): (&f64, &f64)| {
            let scale = quartile_range / RANGE_TO_DEVIATION;
            if range::usable(*median) && range::usable(scale) && scale > range::SMALLEST {
                scale
            } else {
                0.0
            }
        };
        let scales = medians.iter().zip(quartile_ranges).map(scale).collect();
        Ok(Self { layout, medians: medians.to_vec(), scales })
    }

    /// Writes the normalised numbers `asinh((f - median) / (quartile range / 1.349))`, 0 for missing ones, and says which
    /// are missing.
    ///
    /// # Errors
    /// [`Error::Length`] if the fingerprint has another layout or `scores` not as many places as the layout has numbers.
    pub fn normalise(&self, fingerprint: &Fingerprint, scores: &mut [f64]) -> Result<Mask, Error> {
        if fingerprint.layout() != self.layout || scores.len() != self.scales.len() {
            return Err(Error::Length { samples: scores.len() });
        }
        let mut mask = *fingerprint.mask();
        for (index, score) in scores.iter_mut().enumerate() {
            let scale = self.scales[index];
            if scale > 0.0 && !mask.is_missing(index) {
                *score = asinh((fingerprint.values()[index] - self.medians[index]) / scale);
            } else {
                *score = 0.0;
                mask.set(index);
            }
        }
        Ok(mask)
    }
}

/// The inverse hyperbolic sine, within two roundings of the exact one and twice as fast as the standard library's.
fn asinh(value: f64) -> f64 {
    let magnitude = value.abs();
    // Values that can be calculated with, over a scale that can, have a square of 1e241 at most.
    let square = magnitude * magnitude;
    let result = (magnitude + square / (1.0 + (1.0 + square).sqrt())).ln_1p();
    result.copysign(value)
}

/// Why a vector has no direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its length is zero: all is missing, or nothing differs from the median.
    Zero,
    /// One of its numbers is not finite, or their squares overflow.
    NotFinite,
    /// Its result has another number of places.
    Length,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Zero => "vector of length zero has no direction",
            Self::NotFinite => "vector has a number that is not finite",
            Self::Length => "vector and result differ in dimensions",
        })
    }
}

impl std::error::Error for Refused {}

/// Writes the scores divided by their length (L2), as single-precision numbers.
///
/// # Errors
/// [`Refused`] if the scores have no direction; `direction` is left as it was then.
///
/// # Examples
/// ```
/// use dsp::fingerprint::{Refused, unit};
///
/// let mut direction = [0.0; 2];
/// unit(&[3.0, -4.0], &mut direction)?;
/// assert_eq!(direction, [0.6, -0.8]);
/// assert_eq!(unit(&[0.0, 0.0], &mut direction), Err(Refused::Zero));
/// # Ok::<(), Refused>(())
/// ```
pub fn unit(scores: &[f64], direction: &mut [f32]) -> Result<(), Refused> {
    if scores.len() != direction.len() {
        return Err(Refused::Length);
    }
    let length = lanes::sum(scores, |score| score * score).sqrt();
    if !length.is_finite() {
        return Err(Refused::NotFinite);
    }
    // Below this a square has lost digits or vanished.
    if length < range::SMALLEST {
        return Err(Refused::Zero);
    }
    for (direction, score) in direction.iter_mut().zip(scores) {
        *direction = (score / length) as f32;
    }
    Ok(())
}
