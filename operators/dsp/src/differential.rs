//! Takes the reference channels off the detection channels, calibrates the difference, and tells how sure it is.
//!
//! `corrected = ((detection - α·reference) - offset)·gain·(1 + k_T·(T - T_ref))·(1 + k_H·(H - H_ref))`, channel by
//! channel. The uncertainty follows the law of propagation for independent inputs: JCGM 100:2008 (GUM), 5.1.2, with
//! the coverage factor 2 of 6.2 and 6.3.3.
//!
//! # Layout
//! [`Differential`] for the rows of a stream; [`coupling`], [`common_mode_db`] and [`strangest`] to watch the
//! reference by; [`calibration`] to find gains and offsets in the field.
//!
//! # Invariants
//! `α` subtracts the reference and nothing else: a calibration writes gains and offsets, never `α`. Each channel
//! depends on its own numbers only. For inputs that are finite, and far from the largest number, the result is.

pub mod calibration;
mod diagnostics;

pub use diagnostics::{Coupling, MOST_DB, MOST_Z, common_mode_db, coupling, strangest};

use crate::Error;

/// Largest share of the reference that may be taken off; ISO 14971 risk file of the cartridges: reject others.
const MOST_ALPHA: f64 = 2.0;
/// Standard uncertainties in an expanded one: about 95 % of a normal distribution (GUM, 6.3.3).
const COVERAGE: f64 = 2.0;

/// What is the same for all channels of a cartridge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Share of the reference that is taken off, 0 to 2.
    pub alpha: f64,
    /// Change of the gain per degree Celsius, `k_T`.
    pub per_celsius: f64,
    /// Temperature of the calibration, in °C.
    pub reference_celsius: f64,
    /// Change of the gain per percent of relative humidity, `k_H`.
    pub per_percent: f64,
    /// Relative humidity of the calibration, in percent.
    pub reference_percent: f64,
}

impl Coefficients {
    /// Takes `alpha` of the reference off, and leaves temperature and humidity alone. Their references are 25 °C and
    /// 50 %: our choice, because no document of the cartridges names any.
    pub fn new(alpha: f64) -> Self {
        Self { alpha, per_celsius: 0.0, reference_celsius: 25.0, per_percent: 0.0, reference_percent: 50.0 }
    }
}

/// The surroundings of a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ambient {
    /// Temperature, in °C.
    pub celsius: f64,
    /// Relative humidity, in percent.
    pub humidity_percent: f64,
}

/// Standard uncertainties of the inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Of a detection channel, in its unit.
    pub detection: f64,
    /// Of a reference channel, in its unit.
    pub reference: f64,
    /// Of `α`.
    pub alpha: f64,
}

/// The correction of all channels of a cartridge.
#[derive(Debug, Clone, PartialEq)]
pub struct Differential {
    coefficients: Coefficients,
    offsets: Vec<f64>,
    gains: Vec<f64>,
}

impl Differential {
    /// Plans the correction of `channels` channels whose offsets are 0 and whose gains are 1.
    ///
    /// # Errors
    /// [`Error::Outside`] if `α` is not from 0 to 2, or another coefficient is not finite.
    pub fn new(coefficients: Coefficients, channels: usize) -> Result<Self, Error> {
        let Coefficients { alpha, per_celsius, reference_celsius, per_percent, reference_percent } =
            coefficients;
        if !(0.0..=MOST_ALPHA).contains(&alpha) {
            return Err(Error::Outside { what: "alpha", value: alpha, least: 0.0, most: MOST_ALPHA });
        }
        finite("coefficient of temperature or humidity", &[per_celsius, reference_celsius])?;
        finite("coefficient of temperature or humidity", &[per_percent, reference_percent])?;
        Ok(Self { coefficients, offsets: vec![0.0; channels], gains: vec![1.0; channels] })
    }

    /// Puts calibrated offsets, in the unit of the difference, and gains in place of the present ones.
    ///
    /// # Errors
    /// [`Error::Outside`] if an offset or a gain is not finite; the present ones stay.
    ///
    /// # Panics
    /// If there is not one offset and one gain per channel.
    pub fn calibrate(&mut self, offsets: &[f64], gains: &[f64]) -> Result<(), Error> {
        finite("offset", offsets)?;
        finite("gain", gains)?;
        self.offsets.copy_from_slice(offsets);
        self.gains.copy_from_slice(gains);
        Ok(())
    }

    /// Share of the reference that is taken off.
    pub fn alpha(&self) -> f64 {
        self.coefficients.alpha
    }

    /// Writes the corrected row.
    ///
    /// # Panics
    /// If a row does not hold one number per channel.
    ///
    /// # Examples
    /// ```
    /// use dsp::differential::{Ambient, Coefficients, Differential};
    ///
    /// let differential = Differential::new(Coefficients::new(0.95), 1)?;
    /// let mut corrected = [0.0];
    /// let ambient = Ambient { celsius: 25.0, humidity_percent: 50.0 };
    /// differential.apply(&[1.234], &[0.012], ambient, &mut corrected);
    /// assert!((corrected[0] - 1.2226).abs() < 1e-15);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn apply(&self, detection: &[f64], reference: &[f64], ambient: Ambient, corrected: &mut [f64]) {
        let channels = corrected.len();
        assert_eq!(
            [detection.len(), reference.len(), self.gains.len()],
            [channels; 3],
            "rows are equally long"
        );
        // Equal lengths that the compiler sees leave no check in the loop, so it takes several channels at a time.
        let (offsets, gains) = (&self.offsets[..channels], &self.gains[..channels]);
        let (detection, reference) = (&detection[..channels], &reference[..channels]);
        let alpha = self.coefficients.alpha;
        let (temperature, humidity) = self.factors(ambient);
        for channel in 0..channels {
            let difference = detection[channel] - alpha * reference[channel];
            corrected[channel] = (difference - offsets[channel]) * gains[channel] * temperature * humidity;
        }
    }

    /// Writes the squared standard uncertainty of each corrected channel, `u² = G²·(u_det² + α²·u_ref² +
    /// reference²·u_α²)`, where `G` is the gain with its factors of temperature and humidity: they scale an error as
    /// they scale the signal.
    ///
    /// The uncertainties of gain, offset, temperature and humidity are not in it.
    ///
    /// # Panics
    /// If a row does not hold one number per channel.
    ///
    /// # Examples
    /// ```
    /// use dsp::differential::{Ambient, Coefficients, Differential, Spread, expanded};
    ///
    /// let differential = Differential::new(Coefficients::new(0.5), 1)?;
    /// let spread = Spread { detection: 0.3, reference: 0.8, alpha: 0.0 };
    /// let mut variance = [0.0];
    /// let ambient = Ambient { celsius: 25.0, humidity_percent: 50.0 };
    /// differential.variance(&[1.0], spread, ambient, &mut variance);
    /// assert!((expanded(variance[0]) - 1.0).abs() < 1e-15);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn variance(&self, reference: &[f64], spread: Spread, ambient: Ambient, variance: &mut [f64]) {
        let channels = variance.len();
        assert_eq!([reference.len(), self.gains.len()], [channels; 2], "rows are equally long");
        let (reference, gains) = (&reference[..channels], &self.gains[..channels]);
        let (temperature, humidity) = self.factors(ambient);
        let taken = self.coefficients.alpha * spread.reference;
        let same = spread.detection * spread.detection + taken * taken;
        for channel in 0..channels {
            let gain = gains[channel] * temperature * humidity;
            let share = reference[channel] * spread.alpha;
            variance[channel] = gain * gain * (same + share * share);
        }
    }

    /// What temperature and humidity multiply the difference by.
    fn factors(&self, ambient: Ambient) -> (f64, f64) {
        let Coefficients { per_celsius, reference_celsius, per_percent, reference_percent, .. } =
            self.coefficients;
        (
            1.0 + per_celsius * (ambient.celsius - reference_celsius),
            1.0 + per_percent * (ambient.humidity_percent - reference_percent),
        )
    }
}

/// Expanded uncertainty `U = 2u` of a squared standard uncertainty, in the unit of the signal.
pub fn expanded(variance: f64) -> f64 {
    COVERAGE * variance.sqrt()
}

fn finite(what: &'static str, values: &[f64]) -> Result<(), Error> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::Outside { what, value: *value, least: f64::MIN, most: f64::MAX }),
        None => Ok(()),
    }
}
