//! What a cartridge measured in one session, and the fingerprint it leaves.

use crate::{Micros, Number, SessionId, Span, UserId, time::DAY};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Category and type of a cartridge (Specification §1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CartridgeKind {
    /// Category, e.g. 1 for health biomarkers.
    pub category: u8,
    /// Type within the category, e.g. 1 for glucose.
    pub kind: u8,
}

/// How long a calibration still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CalibrationStatus {
    /// For a week and longer.
    Valid,
    /// For less than a week.
    Expiring,
    /// No longer.
    Expired,
    /// There is none: the tag's or the model's coefficients were used.
    Needed,
}

impl CalibrationStatus {
    /// A calibration that holds for less than this is expiring: a week (signals.md §1.3).
    pub const SOON: Micros = 7 * DAY;

    /// That, at `now`, of a calibration that holds until just before `valid_until`.
    ///
    /// # Examples
    /// ```
    /// use model::CalibrationStatus;
    /// let week = CalibrationStatus::SOON;
    /// let status = |left| CalibrationStatus::of(100 * week + left, 100 * week);
    /// assert_eq!(status(week), CalibrationStatus::Valid);
    /// assert_eq!((status(week - 1), status(1)), (CalibrationStatus::Expiring, CalibrationStatus::Expiring));
    /// assert_eq!(status(0), CalibrationStatus::Expired);
    /// ```
    pub const fn of(valid_until: Micros, now: Micros) -> Self {
        match valid_until.saturating_sub(now) {
            ..=0 => Self::Expired,
            left if left < Self::SOON => Self::Expiring,
            _ => Self::Valid,
        }
    }

    /// Stable name, as SQL and topics have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Expiring => "EXPIRING",
            Self::Expired => "EXPIRED",
            Self::Needed => "NEEDED",
        }
    }
}

/// The result of one session of a cartridge; late packets replace it by the next revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Measurement {
    /// Session.
    pub session: SessionId,
    /// Time of the first sample.
    pub started_at: Micros,
    /// Time just after the last sample.
    pub completed_at: Micros,
    /// How often late packets amended it since it first left.
    pub revision: u32,
    /// Person measured.
    pub user: UserId,
    /// Device, as its maker names it.
    pub device: Option<String>,
    /// Cartridge, if the device said which.
    pub cartridge: Option<CartridgeKind>,
    /// Lot of the cartridge, as its tag has it.
    pub lot: Option<String>,
    /// Calibration used.
    pub calibration: Option<String>,
    /// How long that held when the session began.
    pub calibration_status: CalibrationStatus,
    /// Share of the reference that was taken off.
    pub alpha: Number,
    /// Whether there was a reference to take off.
    pub alpha_applied: bool,
    /// Channels.
    pub channels: u32,
    /// Samples per channel that a session without loss would have had.
    pub n_expected: u32,
    /// Samples per channel that arrived.
    pub n_real: u32,
    /// Samples per channel filled in by interpolation.
    pub n_imputed: u32,
    /// Outliers replaced, over all channels, detector and reference.
    pub outliers: u32,
    /// The plateau: mean over the channels of the median of the last two seconds, corrected, in the cartridge's unit.
    pub value: Option<Number>,
    /// Its expanded uncertainty, twice the standard uncertainty (JCGM 100), same unit.
    pub uncertainty: Option<Number>,
    /// Unit of the value; empty where the cartridge is unknown.
    pub unit: String,
    /// Plateau over noise, dB.
    pub snr_db: Option<Number>,
    /// Drift over the session relative to the plateau.
    pub drift: Option<Number>,
    /// Coupling of detector and reference before exposure, if they vary together.
    pub alpha_seen: Option<Number>,
    /// Confidence, 0 to 1: this product's own definition, see `confidence_version`.
    pub confidence: Number,
    /// Version of the definition of `confidence`.
    pub confidence_version: u32,
    /// Mean temperature, °C, of the samples that arrived.
    pub temperature_c: Option<Number>,
    /// Mean relative humidity, %, likewise.
    pub humidity_percent: Option<Number>,
    /// Mean air pressure, kPa, likewise; absent where the device has no barometer.
    pub pressure_kpa: Option<Number>,
    /// Length and digest of its fingerprint, if there is one: see [`Fingerprint::hash`].
    pub fingerprint: Option<(u32, String)>,
    /// What the operator should know, as codes in alphabetical order, e.g. `alpha_differs`, `reference_strange`.
    pub warnings: Vec<String>,
    /// SHA-256 over the samples after outliers were replaced, after correction, and over the result, each with the one
    /// before: `raw_to_filtered`, `filtered_to_corrected`, `corrected_to_result`.
    pub transform_log: [String; 3],
    /// The packets it rests on.
    pub packets: Span,
}

/// Finite 32-bit values in a fixed order; compared by their bits' total order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Vector(Vec<f32>);

impl Vector {
    /// Takes `values` if all are finite; negative zero becomes zero.
    pub fn finite(values: Vec<f32>) -> Option<Self> {
        let clean = |value: f32| value + 0.0;
        values.iter().all(|value| value.is_finite()).then(|| Self(values.into_iter().map(clean).collect()))
    }

    /// The values.
    pub fn values(&self) -> &[f32] {
        &self.0
    }
}

impl Ord for Vector {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.0.iter().zip(&other.0);
        let differing = pairs.map(|(left, right)| left.total_cmp(right)).find(|order| order.is_ne());
        differing.unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Vector {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Vector {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Vector {}

impl std::hash::Hash for Vector {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|value| value.to_bits().hash(state));
    }
}

/// The fingerprint of one session: a unit vector that can be compared with those of its partition.
///
/// Only fingerprints of one layout, normaliser and cartridge are comparable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Session.
    pub session: SessionId,
    /// When the session was completed.
    pub measured_at: Micros,
    /// Revision of the measurement it belongs to.
    pub revision: u32,
    /// Person measured.
    pub user: UserId,
    /// Cartridge.
    pub cartridge: CartridgeKind,
    /// What stands where, e.g. `v1-896`; never mixed.
    pub layout: String,
    /// Medians and scales it was normalised with.
    pub normaliser: String,
    /// Calibration used.
    pub calibration: Option<String>,
    /// Until when that holds.
    pub calibrated_until: Option<Micros>,
    /// One bit per value, lowest first: set where the value is missing and stands as zero.
    pub mask: Vec<u8>,
    /// 88, 448 or 896 values of length one together.
    pub vector: Vector,
    /// `sha256:` and the digest of the vector's bytes, 32-bit floats, little-endian.
    pub hash: String,
}

#[cfg(test)]
mod tests {
    use super::Vector;

    #[test]
    fn a_vector_is_finite_and_knows_no_negative_zero() {
        assert!(
            Vector::finite(vec![1.0, f32::NAN]).is_none() && Vector::finite(vec![f32::INFINITY]).is_none()
        );
        let vector = |values: &[f32]| Vector::finite(values.to_vec()).expect("finite");
        assert_eq!(vector(&[-0.0, 1.0]), vector(&[0.0, 1.0]));
        assert!(vector(&[0.0]) < vector(&[0.0, 1.0]) && vector(&[-1.0, 9.0]) < vector(&[0.0, 1.0]));
    }
}
