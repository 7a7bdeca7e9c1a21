//! A result of a cartridge as a health record has it: what was measured, and what the rules say of it. Not a diagnosis.

use crate::{
    CalibrationStatus, CartridgeKind, Claim, EventId, Micros, Number, Risk, SessionId, Span, UserId,
};
use serde::{Deserialize, Serialize};

/// How far a record may be relied on, by the names of HL7 FHIR R4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecordStatus {
    /// It is not verified: it was not analysed yet, or must be measured again before it counts.
    Preliminary,
    /// It counts, as it was first completed.
    Final,
    /// It counts, and late packets changed it after it was first completed.
    Amended,
}

impl RecordStatus {
    /// That of a record of this revision.
    ///
    /// # Examples
    /// ```
    /// use model::RecordStatus;
    /// assert_eq!([(0, true), (0, false)].map(|(n, sure)| RecordStatus::of(n, sure).name()), ["preliminary", "final"]);
    /// assert_eq!([(1, true), (1, false)].map(|(n, sure)| RecordStatus::of(n, sure).name()), ["preliminary", "amended"]);
    /// ```
    pub const fn of(revision: u32, is_unverified: bool) -> Self {
        match revision {
            _ if is_unverified => Self::Preliminary,
            0 => Self::Final,
            _ => Self::Amended,
        }
    }

    /// Name in FHIR and in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preliminary => "preliminary",
            Self::Final => "final",
            Self::Amended => "amended",
        }
    }
}

/// What one rule claims of a result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claimed {
    /// The rule.
    pub rule: String,
    /// How urgent the class is.
    pub level: Risk,
    /// What it claims.
    pub claim: Claim,
}

/// The record of one session of a cartridge, newest revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HealthRecord {
    // First, so that records are ordered by time.
    /// When the measurement was completed.
    pub at: Micros,
    /// Session measured: it has one record.
    pub session: SessionId,
    /// Person measured.
    pub user: UserId,
    /// Device, as its maker names it.
    pub device: Option<String>,
    /// When the measurement began.
    pub started_at: Micros,
    /// Revision of the measurement.
    pub revision: u32,
    /// How far it may be relied on.
    pub status: RecordStatus,
    /// Cartridge, if the device said which.
    pub cartridge: Option<CartridgeKind>,
    /// Name of that kind; empty if it is not registered.
    pub cartridge_name: String,
    /// Lot of the cartridge.
    pub lot: Option<String>,
    /// What was measured, as rules name it; none where no rule understands it.
    pub biomarker: Option<String>,
    /// The value.
    pub value: Option<Number>,
    /// Its expanded uncertainty (k = 2), same unit.
    pub uncertainty: Option<Number>,
    /// Unit as people read it; empty where it is not known.
    pub unit: String,
    /// How sure the value is, 0 to 1: this product's own definition.
    pub confidence: Number,
    /// How long the calibration held that was used.
    pub calibration_status: CalibrationStatus,
    /// Codes of what the operator should know.
    pub warnings: Vec<String>,
    /// The most urgent level any rule claims; none does not say that all is well.
    pub level: Option<Risk>,
    /// Whether it must be measured again before it counts.
    pub needs_retest: bool,
    /// What rules claim, in the order of the rule sets.
    pub claims: Vec<Claimed>,
    /// The packets it rests on.
    pub packets: Span,
}

impl HealthRecord {
    /// Its id: the same for every revision.
    pub fn id(&self) -> EventId {
        EventId::derive(&["health record", &self.session.to_string()])
    }
}
