//! What an operator should know of a measurement, and which of it takes all confidence away (signals.md §1.3, §4.3, §4.7).
//!
//! # Invariants
//! A warning never hides a value: it stands beside it.

use super::{chain::Session, correction::Correction, course::Course, plan::Lengths, registry::Profile};
use dsp::differential::strangest;
use model::CalibrationStatus;
use std::collections::BTreeSet;

/// Least charge of a battery at the start, % (FMEA control).
const LEAST_BATTERY_PERCENT: u8 = 15;
/// Temperatures a measurement is made at, °C (FMEA control).
pub(crate) const AMBIENT_CELSIUS: std::ops::RangeInclusive<f64> = 5.0..=45.0;
/// Most standard deviations a reference may be off (FMEA control).
pub(crate) const MOST_Z: f64 = 3.0;
/// Numbers of channels there are cartridges of (FMEA control, and the arrays of eight).
const CHANNELS: [usize; 4] = [8, 88, 448, 896];

/// Warnings, and whether one of them leaves no confidence.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    codes: BTreeSet<&'static str>,
    pub(super) grave: bool,
}

impl Warnings {
    /// The codes in alphabetical order.
    pub(super) fn codes(&self) -> Vec<String> {
        self.codes.iter().map(|code| (*code).to_owned()).collect()
    }

    fn warn(&mut self, code: &'static str, applies: bool) {
        if applies {
            self.codes.insert(code);
        }
    }

    fn fail(&mut self, code: &'static str, applies: bool) {
        self.warn(code, applies);
        self.grave |= applies;
    }

    /// Looks at everything there is a rule for.
    pub(super) fn of(
        session: &Session,
        course: &Course,
        correction: &Correction,
        profile: &Profile,
        lengths: &Lengths,
    ) -> Self {
        let mut warnings = Self::standing(session, course, correction, profile, lengths);
        warnings.fail("self_test_failed", session.self_test_failed);
        let outside =
            |(low, high): (f32, f32)| ![low, high].iter().all(|at| AMBIENT_CELSIUS.contains(&f64::from(*at)));
        warnings.fail("ambient_outside", course.celsius.is_some_and(outside));
        warnings.warn("packets_differ", session.strange > 0);
        warnings.fail("value_too_large", course.counts.unusable > 0);
        warnings
    }

    /// Looks at what stands once the window before exposure is over, whatever comes after it.
    pub(super) fn standing(
        session: &Session,
        course: &Course,
        correction: &Correction,
        profile: &Profile,
        lengths: &Lengths,
    ) -> Self {
        let mut warnings = Self::default();
        let (tag, calibration) = (session.identity.tag(), session.identity.calibration());
        let status = session.identity.status(session.started_at);
        warnings.fail("battery_low", session.battery_percent < LEAST_BATTERY_PERCENT);
        warnings.fail("channels_unknown", !CHANNELS.contains(&course.channels));
        let expected =
            tag.map(|tag| tag.channels).filter(|channels| *channels > 0).unwrap_or(profile.channels);
        // 1,792 channels come as two snapshots of 896.
        let differs = (1..=896).contains(&expected) && usize::from(expected) != course.channels;
        warnings.warn("channels_differ", differs);
        let coupled = course.baseline.coupling();
        let contradicts = coupled.is_some_and(|coupling| coupling.contradicts(correction.alpha));
        warnings.warn("alpha_differs", course.referenced && contradicts);
        let strange = calibration.is_some_and(|calibration| {
            let numbers =
                |list: &[model::Number]| list.iter().map(|number| number.get()).collect::<Vec<f64>>();
            let means = numbers(&calibration.reference_means);
            let known = course.referenced && means.len() == course.channels && course.baseline.has_rows();
            let deviations = numbers(&calibration.reference_deviations);
            known
                && strangest(&course.baseline.references(), &means, &deviations)
                    .is_some_and(|(_, z)| z.abs() > MOST_Z)
        });
        warnings.fail("reference_strange", strange);
        // 60 Hz at 16, 17, 32 to 35 or 48 to 50 ms. Devices that average over whole periods of the mains have none left: this
        // alone proves nothing. Where they do not, what is left stands in the value, as slow as the signal, and no noise
        // tells of it; onto less than 1 Hz the plan is refused.
        warnings.warn("mains_alias", lengths.mains_folded);
        warnings.grave |= lengths.mains_folded && !lengths.mains_averaged;
        warnings.warn("calibration_needed", status == CalibrationStatus::Needed);
        warnings.warn("calibration_expiring", status == CalibrationStatus::Expiring);
        warnings.fail("calibration_expired", status == CalibrationStatus::Expired);
        let demanded = tag.is_some_and(|tag| tag.needs_calibration) && calibration.is_none();
        warnings.fail("calibration_demanded", demanded);
        warnings.fail("cartridge_expired", tag.is_some_and(|tag| tag.expires_at <= session.started_at));
        warnings
    }
}
