//! The calibration in a packet's envelope: checked once here, so that nothing behind has to.
//!
//! # Invariants
//! - A calibration of the field or of the device itself that carries an α is refused, as an event that tells of one is: it
//!   was made against known samples, which says something of gains and offsets and nothing of the reference.

use super::{MAX_CHANNELS, WireCalibration, WireCalibrationKind};
use crate::{instant, refusal::Refusal};
use model::{
    Arrival, Calibration, CalibrationSource, Cartridge, Micros, Number,
    Reason::{BadLength, MissingField, NotFinite, OutOfRange},
    cartridge::{MOST_ALPHA, MOST_COEFFICIENT},
};

/// Most bytes of an id: a name, not a document.
const MAX_ID_BYTES: usize = 128;

/// Takes a calibration that can be calculated with.
pub(super) fn read(sent: &WireCalibration) -> Result<Calibration, Refusal> {
    if !(1..=MAX_ID_BYTES).contains(&sent.id.len()) {
        return Err(Refusal::new(
            MissingField,
            "calibration.id is empty or longer than 128 bytes: send its id",
        ));
    }
    let gains = numbers("gains", &sent.gains)?;
    if gains.iter().any(|gain| gain.get() == 0.0) {
        return Err(Refusal::new(OutOfRange, "calibration.gains holds a zero: calibrate that channel again"));
    }
    let reference_means = numbers("reference_means", &sent.reference_means)?;
    let reference_deviations = numbers("reference_deviations", &sent.reference_deviations)?;
    if reference_means.len() != reference_deviations.len() {
        return Err(Refusal::new(
            BadLength,
            "calibration.reference_means and reference_deviations differ in length: send one of each per channel",
        ));
    }
    if reference_deviations.iter().any(|deviation| deviation.get() <= 0.0) {
        return Err(Refusal::new(
            OutOfRange,
            "calibration.reference_deviations must be positive: leave both lists out where nobody measured them",
        ));
    }
    let (calibrated_at, valid_until) =
        (at("calibrated_at_ms", sent.calibrated_at_ms)?, at("valid_until_ms", sent.valid_until_ms)?);
    if valid_until < calibrated_at {
        return Err(Refusal::new(
            OutOfRange,
            "calibration.valid_until_ms is before calibrated_at_ms: check the clock of who made it",
        ));
    }
    let source = source(sent.kind)?;
    if sent.alpha.is_some() && source != CalibrationSource::Factory {
        return Err(Refusal::new(
            OutOfRange,
            "calibration.alpha stands in a calibration that is not FACTORY: send its gains, never an alpha",
        ));
    }
    Ok(Calibration {
        id: sent.id.clone(),
        source,
        alpha: sent.alpha.map(|alpha| within("alpha", alpha, 0.0, MOST_ALPHA)).transpose()?,
        offsets: numbers("offsets", &sent.offsets)?,
        gains,
        per_celsius: coefficient("temperature_coefficient", sent.temperature_coefficient)?,
        per_percent: coefficient("humidity_coefficient", sent.humidity_coefficient)?,
        score: within("accuracy_score", sent.accuracy_score, 0.0, 1.0)?,
        calibrated_at,
        valid_until,
        reference_means,
        reference_deviations,
    })
}

/// Refuses a calibration of another number of channels than the samples it came with.
pub(super) fn fits(cartridge: &Cartridge, arrival: &Arrival) -> Result<(), Refusal> {
    let (Some(calibration), Arrival::Samples { channels, .. }) = (&cartridge.calibration, arrival) else {
        return Ok(());
    };
    let lists = [&calibration.offsets, &calibration.gains, &calibration.reference_means];
    if lists.iter().all(|list| list.is_empty() || list.len() == usize::from(*channels)) {
        return Ok(());
    }
    Err(Refusal::new(
        BadLength,
        format!(
            "a list in calibration has not {channels} numbers, one per channel: send that of this cartridge"
        ),
    ))
}

fn source(kind: i32) -> Result<CalibrationSource, Refusal> {
    match WireCalibrationKind::try_from(kind) {
        Ok(WireCalibrationKind::Factory) => Ok(CalibrationSource::Factory),
        Ok(WireCalibrationKind::Field) => Ok(CalibrationSource::Field),
        Ok(WireCalibrationKind::Auto) => Ok(CalibrationSource::Auto),
        Ok(WireCalibrationKind::Unspecified) => {
            Err(Refusal::new(MissingField, "calibration.kind is not set: send FACTORY, FIELD or AUTO"))
        }
        Err(_) => Err(Refusal::new(
            OutOfRange,
            "calibration.kind is none that this version knows: upgrade this product",
        )),
    }
}

fn at(field: &'static str, millis: u64) -> Result<Micros, Refusal> {
    if millis == 0 {
        return Err(Refusal::new(MissingField, format!("calibration.{field} is not set: send it")));
    }
    instant::from_millis(millis).ok_or_else(|| {
        Refusal::new(OutOfRange, format!("calibration.{field} is after the year 2199: check the clock"))
    })
}

/// Finite numbers, at most one per channel.
fn numbers(field: &'static str, values: &[f32]) -> Result<Vec<Number>, Refusal> {
    if values.len() > usize::from(MAX_CHANNELS) {
        return Err(Refusal::new(
            BadLength,
            format!("calibration.{field} has more than {MAX_CHANNELS} numbers: send one per channel"),
        ));
    }
    values.iter().map(|value| finite(field, f64::from(*value))).collect()
}

fn coefficient(field: &'static str, value: f64) -> Result<Number, Refusal> {
    within(field, value, -MOST_COEFFICIENT, MOST_COEFFICIENT)
}

fn within(field: &'static str, value: f64, least: f64, most: f64) -> Result<Number, Refusal> {
    let number = finite(field, value)?;
    if (least..=most).contains(&value) {
        return Ok(number);
    }
    Err(Refusal::new(
        OutOfRange,
        format!("calibration.{field} is not from {least} to {most}: calibrate again, or leave it out"),
    ))
}

fn finite(field: &'static str, value: f64) -> Result<Number, Refusal> {
    Number::finite(value).ok_or_else(|| {
        Refusal::new(NotFinite, format!("calibration.{field} is NaN or infinite: calibrate again"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Reason;

    fn sent() -> WireCalibration {
        WireCalibration {
            id: "c-7".into(),
            kind: WireCalibrationKind::Factory.into(),
            alpha: Some(0.9),
            offsets: vec![0.5; 8],
            gains: vec![2.0; 8],
            temperature_coefficient: 0.01,
            humidity_coefficient: -0.002,
            accuracy_score: 0.97,
            calibrated_at_ms: 1_000,
            valid_until_ms: 2_000,
            reference_means: vec![0.1; 8],
            reference_deviations: vec![0.2; 8],
        }
    }

    #[track_caller]
    fn refused(reason: Reason, change: impl FnOnce(&mut WireCalibration)) {
        let mut sent = sent();
        change(&mut sent);
        let refusal = read(&sent).unwrap_err();
        assert_eq!(refusal.reason, reason, "{}", refusal.detail);
        assert!(refusal.detail.contains(':') && !refusal.detail.contains("c-7"), "{}", refusal.detail);
    }

    #[test]
    fn a_calibration_keeps_its_numbers() {
        let read = read(&sent()).unwrap();
        assert_eq!((read.id.as_str(), read.source), ("c-7", CalibrationSource::Factory));
        assert_eq!((read.alpha.map(Number::get), read.score.get()), (Some(0.9), 0.97));
        assert_eq!((read.gains[7].get(), read.offsets[0].get()), (2.0, 0.5));
        assert_eq!((read.per_celsius.get(), read.per_percent.get()), (0.01, -0.002));
        assert_eq!((read.calibrated_at, read.valid_until), (1_000_000, 2_000_000));
        assert_eq!((read.reference_means.len(), read.reference_deviations.len()), (8, 8));
    }

    #[test]
    fn only_a_factory_may_say_what_share_of_the_reference_to_take_off() {
        for kind in [WireCalibrationKind::Field, WireCalibrationKind::Auto] {
            refused(OutOfRange, |sent| sent.kind = kind.into());
            let read = read(&WireCalibration { kind: kind.into(), alpha: None, ..sent() }).unwrap();
            assert_eq!((read.alpha, read.gains.len()), (None, 8));
        }
    }

    #[test]
    fn what_cannot_be_calculated_with_is_refused() {
        refused(MissingField, |sent| sent.id.clear());
        refused(MissingField, |sent| sent.id = "c-7".repeat(50));
        refused(MissingField, |sent| sent.kind = 0);
        refused(OutOfRange, |sent| sent.kind = 9);
        for alpha in [-0.01, 2.01] {
            refused(OutOfRange, |sent| sent.alpha = Some(alpha));
        }
        refused(NotFinite, |sent| sent.alpha = Some(f64::NAN));
        refused(NotFinite, |sent| sent.offsets[3] = f32::INFINITY);
        refused(OutOfRange, |sent| sent.gains[3] = 0.0);
        refused(BadLength, |sent| sent.gains = vec![1.0; 897]);
        refused(OutOfRange, |sent| sent.temperature_coefficient = 1.5);
        refused(OutOfRange, |sent| sent.humidity_coefficient = -1.5);
        refused(OutOfRange, |sent| sent.accuracy_score = 1.1);
        refused(MissingField, |sent| sent.valid_until_ms = 0);
        refused(OutOfRange, |sent| sent.valid_until_ms = u64::MAX);
        refused(OutOfRange, |sent| sent.valid_until_ms = 999);
        refused(BadLength, |sent| sent.reference_means.clear());
        refused(OutOfRange, |sent| sent.reference_deviations[0] = 0.0);
    }
}
