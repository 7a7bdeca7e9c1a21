//! Finds the gain, and the offset, of a channel from references that were measured in the field.
//!
//! # Invariants
//! A calibration is finite, or an error; `α` is never part of it.

use super::diagnostics::Moments;
use crate::Error;

/// A calibration of one channel: `reference = (measured - offset)·gain`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Gain, in units of the reference per unit of the measured difference.
    pub gain: f64,
    /// Offset, in the unit of the measured difference.
    pub offset: f64,
    /// Share of the references' variance about their mean that the calibration explains, `1 - SSE / SST`: at most 1,
    /// and below 0 where their mean alone would have served better. `None` if the references do not differ.
    pub score: Option<f64>,
}

/// Fits the gain alone, `Σmr / Σm²`: the least squares line through the origin, from one point on.
///
/// # Errors
/// [`Error::Degenerate`] if there is no point, nothing but zeros was measured, or every reference is zero; if numbers
/// are not finite, or too large to be squared.
///
/// # Panics
/// If there is not one reference per measured difference.
///
/// # Examples
/// ```
/// use dsp::differential::calibration;
///
/// let calibration = calibration::gain(&[1.0, 2.0], &[2.0, 4.0])?;
/// assert_eq!((calibration.gain, calibration.offset, calibration.score), (2.0, 0.0, Some(1.0)));
/// # Ok::<(), dsp::Error>(())
/// ```
pub fn gain(measured: &[f64], reference: &[f64]) -> Result<Calibration, Error> {
    assert_eq!(measured.len(), reference.len(), "there is one reference per measured difference");
    let product: f64 = measured.iter().zip(reference).map(|(measured, reference)| measured * reference).sum();
    let square: f64 = measured.iter().map(|measured| measured * measured).sum();
    let variance = Moments::of(reference, reference).map(|moments| moments.ordinate);
    judged(measured, reference, product / square, 0.0, variance)
}

/// Fits gain and offset: the least squares line of the references on the measured differences, from three points on.
///
/// # Errors
/// [`Error::Degenerate`] if there are less than three points, or the measured differences or the references do not
/// differ; if the line has no slope; if numbers are not finite, or too large to be squared.
///
/// # Panics
/// If there is not one reference per measured difference.
///
/// # Examples
/// ```
/// use dsp::differential::calibration;
///
/// let calibration = calibration::line(&[1.5, 2.5, 3.5], &[2.0, 4.0, 6.0])?;
/// assert_eq!((calibration.gain, calibration.offset, calibration.score), (2.0, 0.5, Some(1.0)));
/// # Ok::<(), dsp::Error>(())
/// ```
pub fn line(measured: &[f64], reference: &[f64]) -> Result<Calibration, Error> {
    assert_eq!(measured.len(), reference.len(), "there is one reference per measured difference");
    let points = measured.len();
    let moments =
        Moments::of(measured, reference).filter(|_| points >= 3).ok_or(Error::Degenerate { points })?;
    let gain = moments.both / moments.abscissa;
    let offset = moments.abscissa_mean - moments.ordinate_mean / gain;
    judged(measured, reference, gain, offset, Some(moments.ordinate))
}

fn judged(
    measured: &[f64],
    reference: &[f64],
    gain: f64,
    offset: f64,
    variance: Option<f64>,
) -> Result<Calibration, Error> {
    let error = |(measured, reference): (&f64, &f64)| (reference - (measured - offset) * gain).powi(2);
    let errors: f64 = measured.iter().zip(reference).map(error).sum();
    let score = variance.map(|variance| 1.0 - errors / variance);
    let sound = gain.is_finite() && gain != 0.0 && offset.is_finite() && errors.is_finite();
    if sound && score.is_none_or(f64::is_finite) {
        Ok(Calibration { gain, offset, score })
    } else {
        Err(Error::Degenerate { points: measured.len() })
    }
}
