//! Windows of ten seconds, described channel by channel, and what each is worth.
//!
//! Quality is our own, versioned: the geometric mean of the marks for signal over noise and for loss. The confidence is that
//! of a measurement ([`super::outcome`]) with what the window itself shows: its noise, loss and drift, the temperatures and
//! unusable values up to its end.
//!
//! # Invariants
//! - A window is a function of the rows up to its end, and of what the session's beginning said. A self-test that failed in
//!   passing therefore takes confidence from the measurement and not from windows: which of them came after it would depend
//!   on how late it was heard of.
//! - Windows without a single sample do not leave, those below 80 % leave without values.

use super::{
    chain::Session,
    correction::Correction,
    course::Course,
    outcome::{CONFIDENCE_VERSION, MOST_DRIFT, calibrated, middle, rounded, worst},
    plan::{Lengths, Shape, Tools},
    recent::Mark,
    registry::Profile,
    warning::Warnings,
};
use dsp::{
    confidence::{Evidence, confidence, geometric_mean, loss_ramp, snr_ramp},
    features::{Reading, Set},
};
use model::{FeatureWindow, Vector, feature::FEATURES};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Version of the definition of the quality of a window.
const QUALITY_VERSION: u32 = 1;
/// Least share of real rows in a window that is described, percent (signals.md §4.5).
const REAL_PERCENT: usize = 80;

/// How often windows are described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Seconds between two windows; 0 for none at all.
    pub hop_s: u32,
}

impl Options {
    /// A window every 10 s: each row is described once.
    ///
    /// The specification has one every second (signals.md §4.5). Of 88 channels each window takes 9 KB as a row: a thousand
    /// sessions would keep 9 MB a second, a quarter of what they send, to say everything ten times.
    pub const fn specified() -> Self {
        Self { hop_s: 10 }
    }
}

/// A described window.
#[derive(Debug)]
pub(super) struct Described {
    /// Slots before its end, counted from the session's first.
    end: i64,
    real: usize,
    imputed: usize,
    /// Lowest and highest temperature up to its end, °C.
    celsius: Option<(f32, f32)>,
    /// Whether a value up to its end was too large.
    unusable: bool,
    snr_db: Option<f64>,
    drift: Option<f64>,
    values: Option<Vector>,
}

impl Described {
    /// Describes the window that ends with the newest row of `course`, if anything of it arrived.
    pub(super) fn read(
        course: &Course,
        (lengths, tools, shape): (&Lengths, &mut Tools, &mut Shape),
    ) -> Option<Self> {
        let count =
            |counts: fn(Mark) -> bool| course.ring.marks(lengths.window).filter(|mark| counts(*mark)).count();
        let (real, imputed) = (count(Mark::is_real), count(|mark| mark == Mark::Imputed));
        if real == 0 {
            return None;
        }
        let mut described = Self {
            end: course.counts.slots,
            real,
            imputed,
            celsius: course.celsius,
            unusable: course.counts.unusable > 0,
            snr_db: None,
            drift: None,
            values: None,
        };
        if real * 100 < REAL_PERCENT * lengths.window {
            return Some(described);
        }
        let rows = course.ring.columns(lengths.window, &mut shape.columns);
        let mut values = vec![0.0; FEATURES.len() * course.channels];
        let (mut snrs_db, mut drifts) = (Vec::new(), Vec::new());
        for (channel, column) in shape.columns.chunks_exact(rows).enumerate() {
            let reading = tools.features.read(column, Set::Scales);
            for (place, number) in flat(&reading).enumerate() {
                values[place * course.channels + channel] = narrow(number);
            }
            if let Some(baseline) = course.baseline.level(channel) {
                let level = reading.spread.median;
                snrs_db.push(tools.noise.snr_db(column, level, baseline));
                drifts.push(drift(column, level - baseline));
            }
        }
        (described.snr_db, described.drift) = (middle(&snrs_db), middle(&drifts));
        described.values = Vector::finite(values);
        Some(described)
    }

    /// The window as a row of the session that `course` belongs to.
    pub(super) fn row(
        self,
        session: &Session,
        revision: u32,
        course: &Course,
        (correction, profile): (&Correction, &Profile),
        lengths: &Lengths,
    ) -> FeatureWindow {
        let at = |slots: i64| session.started_at.saturating_add(lengths.period.saturating_mul(slots));
        let loss = 1.0 - self.real as f64 / lengths.window as f64;
        let snr_db = self.snr_db.and_then(rounded);
        let quality = snr_db.map(|snr_db| geometric_mean(&[snr_ramp(snr_db.get()), loss_ramp(loss)]));
        let drift = self.drift.and_then(rounded);
        let grave = self.unusable || Warnings::standing(session, course, correction, profile, lengths).grave;
        let trust = match (snr_db, drift) {
            (Some(snr_db), Some(drift)) if !grave => confidence(&Evidence {
                snr_db: snr_db.get(),
                loss,
                drift: drift.get(),
                ambient_celsius: worst(self.celsius),
                ..calibrated(session)
            }),
            _ => 0.0,
        };
        FeatureWindow {
            session: session.id,
            start: at(self.end - lengths.window as i64),
            end: at(self.end),
            revision,
            user: session.user,
            device: session.device.as_deref().map(str::to_owned),
            cartridge: session.identity.tag().and_then(|tag| tag.kind),
            channels: course.channels as u32,
            n_expected: lengths.window as u32,
            n_real: self.real as u32,
            n_imputed: self.imputed as u32,
            snr_db,
            drift,
            quality: quality.and_then(rounded),
            quality_version: QUALITY_VERSION,
            confidence: rounded(trust).unwrap_or_default(),
            confidence_version: CONFIDENCE_VERSION,
            values: self.values,
        }
    }
}

/// How far the mean of the second half of a window is from that of the first, over the whole window, relative to `signal`.
fn drift(column: &[f64], signal: f64) -> f64 {
    let (first, second) = column.split_at(column.len() / 2);
    let mean = |half: &[f64]| half.iter().sum::<f64>() / half.len().max(1) as f64;
    let change = 2.0 * (mean(second) - mean(first)).abs();
    if change == 0.0 { 0.0 } else { (change / signal.abs()).min(MOST_DRIFT) }
}

/// A number as 32 bits hold it; one beyond their range stands at its end.
fn narrow(value: f64) -> f32 {
    value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

/// A reading in the order of [`FEATURES`].
fn flat(reading: &Reading) -> impl Iterator<Item = f64> {
    let Reading { spread, motion, power, energies, .. } = reading;
    let numbers = spread.numbers().into_iter().chain(motion.numbers()).chain(power.numbers());
    numbers.chain(energies.unwrap_or_default())
}

/// Where the former form of a course kept its newest window: read past, and written as if there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Gone;

/// A window as the former form kept it: where it ended, and its numbers.
type Former = (i64, Vec<[f64; FEATURES.len()]>);

impl Serialize for Gone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl<'de> Deserialize<'de> for Gone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Former>::deserialize(deserializer).map(|_| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_former_course_kept_is_read_past() {
        let former: Option<Former> = Some((500, vec![[0.5; FEATURES.len()]; 3]));
        for written in [former, None] {
            let bytes = postcard::to_stdvec(&(7_u8, written, 9_u32)).unwrap();
            assert_eq!(postcard::from_bytes::<(u8, Gone, u32)>(&bytes).unwrap(), (7, Gone, 9));
        }
        assert_eq!(postcard::to_stdvec(&Gone).unwrap(), postcard::to_stdvec(&None::<Former>).unwrap());
    }
}
