//! Says how far a measurement by an electrode is to be trusted: signal over noise, and one number for all the doubts.
//!
//! The confidence is our own definition, versioned by [`VERSION`], and validated against nothing yet: the geometric mean of
//! ramps from 0 to 1, so that one grave doubt is not outweighed by the absence of others, and 0 if any of them is 0. The
//! pulse has a quality of its own ([`crate::pulse`]).
//!
//! # Invariants
//! Every number is finite, and every ramp and confidence is from 0 to 1, whatever the evidence. Evidence that is not a number
//! counts as the worst.

use crate::{features::MAD_TO_DEVIATION, lanes, order::Order, range};

/// Version of the ramps and of their mean, stored with every confidence.
pub const VERSION: &str = "confidence-1";

/// Bound of the signal over noise where there is no noise or no signal, in dB (our own).
pub const MOST_SNR_DB: f64 = 120.0;

/// State of the calibration a result rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calibration {
    /// Valid.
    Valid,
    /// Valid for a few days more.
    Expiring,
    /// No longer valid.
    Expired,
}

/// What speaks for or against a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Signal over noise, in dB ([`Noise::snr_db`]).
    pub snr_db: f64,
    /// Share of the samples that is missing, 0 to 1.
    pub loss: f64,
    /// Drift as a share of the signal, 0 or more.
    pub drift: f64,
    /// Score of the calibration, 0 to 1.
    pub calibration_score: f64,
    /// State of the calibration.
    pub calibration: Calibration,
    /// Temperature around the device, in °C.
    pub ambient_celsius: f64,
}

/// Full marks from 20 dB on, none up to 5 dB.
pub fn snr_ramp(snr_db: f64) -> f64 {
    unit((snr_db - 5.0) / 15.0)
}

/// Full marks without loss, none from a tenth on.
pub fn loss_ramp(loss: f64) -> f64 {
    unit(1.0 - loss.max(0.0) / 0.10)
}

/// Full marks without drift, none from 3 % of the signal on.
pub fn drift_ramp(drift: f64) -> f64 {
    unit(1.0 - drift.abs() / 0.03)
}

/// The score of the calibration; four fifths of it shortly before it expires, nothing afterwards.
pub fn calibration_ramp(score: f64, calibration: Calibration) -> f64 {
    let share = match calibration {
        Calibration::Valid => 1.0,
        Calibration::Expiring => 0.8,
        Calibration::Expired => 0.0,
    };
    unit(score) * share
}

/// Full marks from 15 to 40 °C, none up to 5 and from 45 °C on.
pub fn ambient_ramp(celsius: f64) -> f64 {
    unit((celsius - 5.0) / 10.0).min(unit((45.0 - celsius) / 5.0))
}

/// The confidence in a measurement, 0 to 1.
///
/// # Examples
/// ```
/// use dsp::confidence::{Calibration, Evidence, confidence};
///
/// let good = Evidence {
///     snr_db: 32.0,
///     loss: 0.0,
///     drift: 0.0,
///     calibration_score: 1.0,
///     calibration: Calibration::Valid,
///     ambient_celsius: 22.0,
/// };
/// assert_eq!(confidence(&good), 1.0);
/// assert_eq!(confidence(&Evidence { calibration: Calibration::Expired, ..good }), 0.0);
/// ```
pub fn confidence(evidence: &Evidence) -> f64 {
    geometric_mean(&[
        snr_ramp(evidence.snr_db),
        loss_ramp(evidence.loss),
        drift_ramp(evidence.drift),
        calibration_ramp(evidence.calibration_score, evidence.calibration),
        ambient_ramp(evidence.ambient_celsius),
    ])
}

/// The geometric mean of marks from 0 to 1; 0 if any is 0 or not a number, and for none.
pub fn geometric_mean(marks: &[f64]) -> f64 {
    if marks.is_empty() {
        return 0.0;
    }
    let share = 1.0 / marks.len() as f64;
    // Roots first: the product of many small marks would vanish.
    unit(marks.iter().map(|mark| unit(*mark).powf(share)).product())
}

/// The number within 0 to 1; 0 if it is none.
fn unit(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

/// Scratch for measuring the noise of windows.
#[derive(Debug)]
pub struct Noise {
    differences: Vec<f64>,
    order: Order,
}

impl Noise {
    /// Makes room for windows of up to `most_samples`.
    pub fn new(most_samples: usize) -> Self {
        Self { differences: vec![0.0; most_samples], order: Order::new(most_samples) }
    }

    /// Standard deviation of white noise in a signal, in its units: `1.4826 · MAD(Δx) / √2`, which neither a slow course nor
    /// spikes move. Of a signal longer than was planned only the end is read.
    ///
    /// 0 for less than two samples, and if a sample is not finite or larger than 1e60.
    pub fn deviation(&mut self, signal: &[f64]) -> f64 {
        let signal = &signal[signal.len().saturating_sub(self.differences.len())..];
        if signal.len() < 2 || !range::all_usable(signal) {
            return 0.0;
        }
        for ((difference, first), second) in self.differences.iter_mut().zip(signal).zip(&signal[1..]) {
            *difference = second - first;
        }
        let differences = &self.differences[..signal.len() - 1];
        let (least, most) = lanes::extremes(differences);
        let distance = self.order.sort(differences, least, most).median_deviation();
        MAD_TO_DEVIATION * distance / std::f64::consts::SQRT_2
    }

    /// Signal over noise, in dB: how far `plateau` is from `baseline` over the deviation of the noise in `signal`.
    ///
    /// Within ±120 dB: the upper bound stands for a signal without noise, the lower one for noise without a signal, or for
    /// neither, and for samples that cannot be calculated with.
    pub fn snr_db(&mut self, signal: &[f64], plateau: f64, baseline: f64) -> f64 {
        let step = (plateau - baseline).abs();
        if signal.len() < 2 || !range::all_usable(signal) || !range::usable(step) || step == 0.0 {
            return -MOST_SNR_DB;
        }
        let noise = self.deviation(signal);
        if noise == 0.0 {
            MOST_SNR_DB
        } else {
            (20.0 * (step / noise).log10()).clamp(-MOST_SNR_DB, MOST_SNR_DB)
        }
    }
}
