//! Smooths and differentiates by fitting polynomials to short windows.
//!
//! Savitzky and Golay, "Smoothing and differentiation of data by simplified least squares procedures", Anal. Chem.
//! 36(8), 1964, with the conventions of `scipy.signal.savgol_coeffs` and `savgol_filter` 1.17.1. The fit is expanded
//! in the polynomials that are orthogonal over the samples of the window (Gram's, Stieltjes' three-term recurrence;
//! Gorry, Anal. Chem. 62(6), 1990), so no system of equations is solved and long windows stay accurate.
//!
//! # Layout
//! [`weights`] for one position in a window, [`Centred`] for whole recordings, [`Causal`] for streams.
//!
//! # Invariants
//! Sums are taken from the oldest sample to the newest, so the same samples give the same bits however they were cut.
//! For samples that are finite, and far from the largest number, the result is.

mod causal;

pub use causal::{Causal, State};

use crate::Error;

/// Longest window, in samples.
pub const MOST_WINDOW: usize = 1_023;
/// Highest order: beyond, the polynomials of a long window are no longer told apart by numbers of 53 bits.
pub const MOST_ORDER: usize = 20;
/// Samples that are filtered side by side: their sums fill a quarter of the registers of an x86-64.
const LANES: usize = 8;

/// What is fitted, and what is read off the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Length of the window, in samples.
    pub window: usize,
    /// Order of the polynomial, less than the window.
    pub order: usize,
    /// Derivative that is read off: 0 smooths, 1 is the slope per second.
    pub derivative: usize,
    /// The sampling rate, in Hz.
    pub rate_hz: f64,
}

impl Fit {
    fn check(&self) -> Result<(), Error> {
        let inside = |what, value: usize, least: usize, most: usize| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(Error::Outside { what, value: value as f64, least: least as f64, most: most as f64 })
        };
        inside("window of a polynomial in samples", self.window, 1, MOST_WINDOW)?;
        inside("order of a polynomial", self.order, 0, MOST_ORDER.min(self.window - 1))?;
        inside("derivative of a polynomial", self.derivative, 0, MOST_ORDER)?;
        if self.rate_hz > 0.0 && self.rate_hz.is_finite() {
            Ok(())
        } else {
            Err(Error::Rate { rate_hz: self.rate_hz })
        }
    }
}

/// Weights of the samples of a window, oldest first, whose sum of products with the samples is the derivative of the
/// fitted polynomial at sample `position`, counted from 0 at the oldest.
///
/// `scipy.signal.savgol_coeffs(…, use='dot')`, whose default is the reverse. All zeros if the derivative is higher
/// than the order.
///
/// # Errors
/// [`Error::Outside`] if the window is not from 1 to [`MOST_WINDOW`], the order not less than the window or above
/// [`MOST_ORDER`], the derivative above [`MOST_ORDER`], or the position not in the window; [`Error::Rate`] if the
/// rate is not above zero.
///
/// # Examples
/// ```
/// use dsp::savgol::{self, Fit};
///
/// // The classic table of 1964: -3, 12, 17, 12, -3 over 35.
/// let fit = Fit { window: 5, order: 2, derivative: 0, rate_hz: 1.0 };
/// let weights = savgol::weights(fit, 2)?;
/// assert!((weights[2] - 17.0 / 35.0).abs() < 1e-15);
/// # Ok::<(), dsp::Error>(())
/// ```
pub fn weights(fit: Fit, position: usize) -> Result<Vec<f64>, Error> {
    fit.check()?;
    let last = fit.window - 1;
    if position > last {
        return Err(Error::Outside {
            what: "position in a window",
            value: position as f64,
            least: 0.0,
            most: last as f64,
        });
    }
    // The window lies from -1 to 1, so that the polynomials stay of moderate size.
    let half = (last as f64 / 2.0).max(0.5);
    let place = |index: usize| (index as f64 - last as f64 / 2.0) / half;
    let places: Vec<f64> = (0..fit.window).map(place).collect();
    let mut result = vec![0.0; fit.window];

    // `now` and `before` are the polynomials of degree k and k - 1 at the samples; `now_at[d]` and `before_at[d]` are their d-th
    // derivatives at the position.
    let (mut now, mut before) = (vec![1.0; fit.window], vec![0.0; fit.window]);
    let (mut now_at, mut before_at) = ([0.0; MOST_ORDER + 1], [0.0; MOST_ORDER + 1]);
    now_at[0] = 1.0;
    let mut norm_before = 1.0;
    for degree in 0..=fit.order {
        let norm: f64 = now.iter().map(|value| value * value).sum();
        for (weight, value) in result.iter_mut().zip(&now) {
            *weight += value / norm * now_at[fit.derivative];
        }
        // p(k+1) = x p(k) - β p(k-1); the window is symmetric, so there is no constant beside x.
        let beta = if degree == 0 { 0.0 } else { norm / norm_before };
        for ((value, past), place) in now.iter_mut().zip(&mut before).zip(&places) {
            (*value, *past) = (place * *value - beta * *past, *value);
        }
        let mut next_at = [0.0; MOST_ORDER + 1];
        for (order, next) in next_at.iter_mut().enumerate() {
            let lower = if order == 0 { 0.0 } else { order as f64 * now_at[order - 1] };
            *next = places[position] * now_at[order] + lower - beta * before_at[order];
        }
        (before_at, now_at) = (now_at, next_at);
        norm_before = norm;
    }
    // From half windows to seconds.
    let scale = (fit.rate_hz / half).powi(fit.derivative as i32);
    for weight in &mut result {
        *weight *= scale;
    }
    Ok(result)
}

/// Sum of products, oldest first.
fn sum<'a>(weights: &[f64], samples: impl Iterator<Item = &'a f64>) -> f64 {
    weights.iter().zip(samples).fold(0.0, |sum, (weight, sample)| sum + weight * sample)
}

/// A planned filter for whole recordings: each sample is read off the middle of its window, and the ends are read off
/// the polynomials of the first and of the last whole window (`savgol_filter` with its default `mode='interp'`).
#[derive(Debug, Clone, PartialEq)]
pub struct Centred {
    /// The weights for each position in the window.
    weights: Vec<Vec<f64>>,
}

impl Centred {
    /// Plans the filter.
    ///
    /// # Errors
    /// As [`weights`], and [`Error::Outside`] if the window is even: it has no middle sample.
    pub fn new(fit: Fit) -> Result<Self, Error> {
        if fit.window.is_multiple_of(2) {
            return Err(Error::Outside {
                what: "window with a middle sample, in samples,",
                value: fit.window as f64,
                least: (fit.window + 1) as f64,
                most: MOST_WINDOW as f64,
            });
        }
        Ok(Self {
            weights: (0..fit.window).map(|position| weights(fit, position)).collect::<Result<_, _>>()?,
        })
    }

    /// Writes the filtered recording to `output`.
    ///
    /// # Errors
    /// [`Error::Outside`] if the recording is shorter than the window; `output` is left as it was.
    ///
    /// # Panics
    /// If `output` is not as long as `samples`.
    ///
    /// # Examples
    /// ```
    /// use dsp::savgol::{Centred, Fit};
    ///
    /// let slope = Centred::new(Fit { window: 11, order: 3, derivative: 1, rate_hz: 10.0 })?;
    /// let parabola: Vec<f64> = (0..50).map(|sample| (f64::from(sample) / 10.0).powi(2)).collect();
    /// let mut output = vec![0.0; 50];
    /// slope.apply(&parabola, &mut output)?;
    /// // At 4.9 s the slope is 9.8 per second, at the very end, too.
    /// assert!((output[49] - 9.8).abs() < 1e-9);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn apply(&self, samples: &[f64], output: &mut [f64]) -> Result<(), Error> {
        assert_eq!(samples.len(), output.len(), "there is one output for each sample");
        let window = self.weights.len();
        if samples.len() < window {
            return Err(Error::Outside {
                what: "length of a recording in samples",
                value: samples.len() as f64,
                least: window as f64,
                most: f64::INFINITY,
            });
        }
        let half = window / 2;
        let last = samples.len() - window;
        // 1. The ends.
        let ends = (0..half).chain(half + last + 1..samples.len());
        for index in ends {
            let start = index.saturating_sub(half).min(last);
            output[index] = sum(&self.weights[index - start], samples[start..start + window].iter());
        }
        // 2. Between them, samples side by side: the additions of one wait for each other, those of several do not.
        let weights = &self.weights[half];
        let (blocks, rest) = output[half..=half + last].as_chunks_mut::<LANES>();
        for (number, block) in blocks.iter_mut().enumerate() {
            let mut sums = [0.0; LANES];
            for (weight, samples) in weights.iter().zip(samples[number * LANES..].windows(LANES)) {
                for (sum, sample) in sums.iter_mut().zip(samples) {
                    *sum += weight * sample;
                }
            }
            *block = sums;
        }
        let start = blocks.len() * LANES;
        for (value, window) in rest.iter_mut().zip(samples[start..].windows(window)) {
            *value = sum(weights, window.iter());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_sample_has_the_bits_of_its_window(
            samples in prop::collection::vec(-1e3..1e3, 1..120), half in 0_usize..20, derivative in 0_usize..3,
        ) {
            let window = 2 * half + 1;
            let fit = Fit { window, order: 3.min(window - 1), derivative, rate_hz: 125.0 };
            let filter = Centred::new(fit).expect("the window is odd");
            let mut output = vec![f64::NAN; samples.len()];
            prop_assert_eq!(filter.apply(&samples, &mut output).is_ok(), samples.len() >= window);
            for (index, value) in output.iter().enumerate().filter(|_| samples.len() >= window) {
                let start = index.saturating_sub(half).min(samples.len() - window);
                let weights = weights(fit, index - start).expect("the position is in the window");
                prop_assert_eq!(value.to_bits(), sum(&weights, samples[start..].iter()).to_bits());
            }
        }
    }
}
