//! Makes a field calibration from samples whose content is known: gains and offsets, never α (signals.md §4.3).
//!
//! Channel by channel, the known content is regressed on the difference of detector and reference: from three samples on a
//! line, its slope the gain, with an offset; from one or two the gain alone. Temperature and humidity are taken into account as
//! a measurement takes them, so that measuring the same samples again gives what they hold.
//!
//! # Invariants
//! - A function of the samples; what was not refused is finite, and every gain is one that can be calculated with.
//! - Numbers are those of 32-bit floats, as packets carry them: the digest on record is that of what devices send.
//! - No text of a refusal holds a value that was measured.

use super::validity_days;
use crate::cartridge::{AMBIENT_CELSIUS, LARGEST, MOST_Z, hash};
use dsp::differential::{Ambient, Coefficients, Differential, calibration, strangest};
use model::{
    Calibration, CalibrationCompleted, CalibrationSource, CartridgeKind, EventId, Input, Micros, Number,
    Origin, time::DAY,
};
use std::ops::RangeInclusive;

/// Most samples: what an event of the kind can tell.
const MOST_SAMPLES: usize = 64;
/// From so many samples on an offset is determined, too (signals.md §4.3).
const LEAST_FOR_OFFSET: usize = 3;
/// Relative humidity, percent.
const HUMIDITY_PERCENT: RangeInclusive<f64> = 0.0..=100.0;

/// A sample whose content is known, as it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What it holds, in the unit of the cartridge.
    pub known: f64,
    /// Level of every detector.
    pub detection: Vec<f64>,
    /// Level of every reference; empty if there is none.
    pub reference: Vec<f64>,
    /// What surrounded the device.
    pub ambient: Ambient,
}

/// What references are usually like, by channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Usual {
    /// Means.
    pub means: Vec<f64>,
    /// Standard deviations.
    pub deviations: Vec<f64>,
}

/// Why samples make no calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are none, or more than an event can tell.
    #[error("{samples} samples make no field calibration: measure 1 to {MOST_SAMPLES}")]
    Count {
        /// How many there are.
        samples: usize,
    },
    /// A sample has another number of channels than the first, or than what is usual.
    #[error("sample {sample} has other channels than the first: measure all with one cartridge")]
    Channels {
        /// Its place among the samples.
        sample: usize,
    },
    /// A number of it is not finite, or too large to be calculated with.
    #[error("sample {sample} holds a number that is out of range: measure it again")]
    OutOfRange {
        /// Its place among the samples.
        sample: usize,
    },
    /// It was measured where a device must not be.
    #[error(
        "sample {sample} was measured outside 5 to 45 degrees Celsius or 0 to 100 percent: measure it again"
    )]
    Ambient {
        /// Its place among the samples.
        sample: usize,
    },
    /// A reference is more than three standard deviations from what is usual.
    #[error("the reference of channel {channel} is strange in sample {sample}: take another cartridge")]
    Strange {
        /// Its place among the samples.
        sample: usize,
        /// The channel.
        channel: usize,
    },
    /// The coefficients that differences are taken with cannot be used.
    #[error("the coefficients of the cartridge are out of range: read its tag again")]
    Coefficients,
    /// The samples do not say how a channel answers.
    #[error("channel {channel} is not determined: measure samples that differ")]
    Undetermined {
        /// The channel.
        channel: usize,
    },
    /// A channel follows the content worse than a constant would.
    #[error("channel {channel} does not follow what the samples hold: take another cartridge")]
    Contradictory {
        /// The channel.
        channel: usize,
    },
}

/// Gains and offsets that were found in the field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    offsets: Vec<Number>,
    gains: Vec<Number>,
    score: Option<Number>,
    reference_values: Vec<Number>,
    coefficients: Coefficients,
    usual: Option<Usual>,
}

/// Who made a calibration, when and for what.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Identity of the event that tells of it.
    pub event: EventId,
    /// Its id, as its maker names it.
    pub id: String,
    /// Device, as its maker names it.
    pub device: String,
    /// Kind of cartridge it is for.
    pub cartridge: CartridgeKind,
    /// When.
    pub at: Micros,
    /// For how many days it holds; absent for a third of what the model's factory calibration holds.
    pub validity_days: Option<u16>,
}

impl Field {
    /// Fits gains and offsets to `samples`, differences taken with `coefficients`; `usual` guards the references.
    ///
    /// # Errors
    /// Says which sample or channel stands against it.
    ///
    /// # Examples
    /// ```
    /// use dsp::differential::{Ambient, Coefficients};
    /// use operators::calibration::field::{Field, Sample};
    ///
    /// let ambient = Ambient { celsius: 25.0, humidity_percent: 50.0 };
    /// let sample = |known: f64| Sample {
    ///     known,
    ///     detection: vec![known / 2.0 + 1.5],
    ///     reference: vec![1.0],
    ///     ambient,
    /// };
    /// let field = Field::fit(&[80.0, 100.0, 120.0].map(sample), Coefficients::new(0.5), None)?;
    /// assert_eq!((field.gains()[0].get(), field.offsets()[0].get()), (2.0, 1.0));
    /// # Ok::<(), operators::calibration::field::Refusal>(())
    /// ```
    pub fn fit(
        samples: &[Sample],
        coefficients: Coefficients,
        usual: Option<Usual>,
    ) -> Result<Self, Refusal> {
        let first = samples.first().filter(|_| samples.len() <= MOST_SAMPLES);
        let first = first.ok_or(Refusal::Count { samples: samples.len() })?;
        let channels = first.detection.len();
        let differential = Differential::new(coefficients, channels).map_err(|_| Refusal::Coefficients)?;
        let one = Differential::new(coefficients, 1).map_err(|_| Refusal::Coefficients)?;
        let mut measured = vec![Vec::with_capacity(samples.len()); channels];
        let mut known = Vec::with_capacity(samples.len());
        for (place, sample) in samples.iter().enumerate() {
            check(place, sample, first, usual.as_ref())?;
            // What surrounded it multiplies the difference: the content is divided by it instead.
            let mut factor = [0.0];
            one.apply(&[1.0], &[0.0], sample.ambient, &mut factor);
            known.push(sample.known / factor[0]);
            let mut differences = vec![0.0; channels];
            let still = Ambient {
                celsius: coefficients.reference_celsius,
                humidity_percent: coefficients.reference_percent,
            };
            let none = vec![0.0; channels];
            let reference = if sample.reference.is_empty() { &none } else { &sample.reference };
            differential.apply(&sample.detection, reference, still, &mut differences);
            measured.iter_mut().zip(differences).for_each(|(measured, difference)| measured.push(difference));
        }
        let (mut offsets, mut gains, mut worst) = (Vec::new(), Vec::new(), Some(1.0_f64));
        for (channel, measured) in measured.iter().enumerate() {
            let (gain, offset, score) = fit_channel(measured, &known, channel)?;
            gains.push(gain);
            offsets.push(offset);
            worst = worst.zip(score).map(|(worst, score)| worst.min(score));
        }
        Ok(Self {
            offsets,
            gains,
            score: worst.and_then(Number::finite),
            reference_values: samples.iter().filter_map(|sample| Number::finite(sample.known)).collect(),
            coefficients,
            usual,
        })
    }

    /// Offset of every channel, in the unit of the difference.
    pub fn offsets(&self) -> &[Number] {
        &self.offsets
    }

    /// Gain of every channel, unit of the cartridge per unit of the difference.
    pub fn gains(&self) -> &[Number] {
        &self.gains
    }

    /// How well the channel fits that fits worst, 0 to 1; none if the samples all hold the same.
    pub fn score(&self) -> Option<Number> {
        self.score
    }

    /// `sha256:` and the digest of the gains, then the offsets: 32-bit floats, little-endian.
    pub fn coefficients_hash(&self) -> String {
        let numbers: Vec<f32> =
            self.gains.iter().chain(&self.offsets).map(|number| number.get() as f32).collect();
        hash(&numbers)
    }

    /// The event that tells of it, `manpasik.calibration.completed`; it has no place on the log yet.
    pub fn completed(&self, made: &Made) -> CalibrationCompleted {
        CalibrationCompleted {
            event: made.event,
            device: made.device.clone(),
            cartridge: made.cartridge,
            id: made.id.clone(),
            source: CalibrationSource::Field,
            alpha: None,
            score: self.score,
            reference_values: self.reference_values.clone(),
            coefficients_hash: Some(self.coefficients_hash()),
            calibrated_at: made.at,
            validity_days: made.validity_days,
            at: made.at,
            origin: Origin { input: Input::Cartridges, partition: 0, offset: 0 },
        }
    }

    /// What the first packet of a session carries of it. A fit of which nobody knows how good it is has score 0, and gives
    /// results no confidence.
    pub fn calibration(&self, made: &Made) -> Calibration {
        let numbers = |list: fn(&Usual) -> &Vec<f64>| {
            let list = self.usual.as_ref().map(list).into_iter().flatten();
            list.filter_map(|value| Number::finite(*value)).collect()
        };
        let days = validity_days(CalibrationSource::Field, made.cartridge, made.validity_days);
        let coefficient = |value: f64| Number::finite(value).unwrap_or_default();
        Calibration {
            id: made.id.clone(),
            source: CalibrationSource::Field,
            alpha: None,
            offsets: self.offsets.clone(),
            gains: self.gains.clone(),
            per_celsius: coefficient(self.coefficients.per_celsius),
            per_percent: coefficient(self.coefficients.per_percent),
            score: self.score.unwrap_or_default(),
            calibrated_at: made.at,
            valid_until: made.at.saturating_add(Micros::from(days).saturating_mul(DAY)),
            reference_means: numbers(|usual| &usual.means),
            reference_deviations: numbers(|usual| &usual.deviations),
        }
    }
}

/// Refuses a sample that must not be calculated with.
fn check(place: usize, sample: &Sample, first: &Sample, usual: Option<&Usual>) -> Result<(), Refusal> {
    let lengths = |sample: &Sample| (sample.detection.len(), sample.reference.len());
    let (channels, references) = lengths(sample);
    let whole = channels > 0 && (references == 0 || references == channels);
    let known = usual.is_none_or(|usual| [usual.means.len(), usual.deviations.len()] == [channels; 2]);
    if !whole || !known || lengths(sample) != lengths(first) {
        return Err(Refusal::Channels { sample: place });
    }
    let Ambient { celsius, humidity_percent } = sample.ambient;
    if !AMBIENT_CELSIUS.contains(&celsius) || !HUMIDITY_PERCENT.contains(&humidity_percent) {
        return Err(Refusal::Ambient { sample: place });
    }
    let mut numbers = sample.detection.iter().chain(&sample.reference).chain([&sample.known]);
    // Not a number is not less either.
    if !numbers.all(|number| number.abs() <= LARGEST) {
        return Err(Refusal::OutOfRange { sample: place });
    }
    if let Some(usual) = usual.filter(|_| references > 0)
        && let Some((channel, z)) = strangest(&sample.reference, &usual.means, &usual.deviations)
        && z.abs() > MOST_Z
    {
        return Err(Refusal::Strange { sample: place, channel });
    }
    Ok(())
}

/// Gain, offset and score of a channel.
fn fit_channel(
    measured: &[f64],
    known: &[f64],
    channel: usize,
) -> Result<(Number, Number, Option<f64>), Refusal> {
    let fit = if measured.len() < LEAST_FOR_OFFSET { calibration::gain } else { calibration::line };
    let undetermined = Refusal::Undetermined { channel };
    let calibration = fit(measured, known).map_err(|_| undetermined)?;
    if calibration.score.is_some_and(|score| score < 0.0) {
        return Err(Refusal::Contradictory { channel });
    }
    let narrow = |value: f64| Number::finite(f64::from(value as f32));
    let gain = narrow(calibration.gain).filter(|gain| gain.get() != 0.0).ok_or(undetermined)?;
    let offset = narrow(calibration.offset).ok_or(undetermined)?;
    Ok((gain, offset, calibration.score))
}

#[cfg(test)]
mod tests;
