//! Calibrations that were completed, and which of them a device uses with a cartridge as time passes.
//!
//! # Invariants
//! - Only a factory calibration names a share of the reference: a field calibration has gains and offsets, never α.
//! - A row says nothing of the time at which it was looked at: it is another only where its state is.

use crate::{CalibrationSource, CalibrationStatus, CartridgeKind, EventId, Micros, Number, Origin};
use serde::{Deserialize, Serialize};

/// A calibration of a device for a kind of cartridge was completed.
///
/// Gains and offsets stay with who made them and come with the packets of a session; here is what they hash to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CalibrationCompleted {
    /// Identity of the event.
    pub event: EventId,
    /// Device, as its maker names it.
    pub device: String,
    /// Kind of cartridge it is for.
    pub cartridge: CartridgeKind,
    /// Its id, as its maker names it; packets that use it carry the same.
    pub id: String,
    /// Where it comes from.
    pub source: CalibrationSource,
    /// Share of the reference to take off, 0 to [`crate::cartridge::MOST_ALPHA`]; of a factory calibration only.
    pub alpha: Option<Number>,
    /// How well it fits, 0 to 1.
    pub score: Option<Number>,
    /// What the samples it was made with are known to hold, in the unit of the cartridge.
    pub reference_values: Vec<Number>,
    /// `sha256:` and the digest of its gains and offsets.
    pub coefficients_hash: Option<String>,
    /// When it was made.
    pub calibrated_at: Micros,
    /// For how many days it holds; absent where its model says.
    pub validity_days: Option<u16>,
    /// When the event happened.
    pub at: Micros,
    /// Where it stood on the log.
    pub origin: Origin,
}

/// A calibration on record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CalibrationRecord {
    /// When it was made.
    pub calibrated_at: Micros,
    /// Event that said so.
    pub event: EventId,
    /// Its id, as its maker names it.
    pub id: String,
    /// Where it comes from.
    pub source: CalibrationSource,
    /// Share of the reference to take off.
    pub alpha: Option<Number>,
    /// How well it fits, 0 to 1.
    pub score: Option<Number>,
    /// What the samples it was made with are known to hold, in the unit of the cartridge.
    pub reference_values: Vec<Number>,
    /// `sha256:` and the digest of its gains and offsets.
    pub coefficients_hash: Option<String>,
    /// When it stops to hold: at this instant it has expired.
    pub valid_until: Micros,
    /// Where the event stood on the log.
    pub origin: Origin,
}

/// What a device measures a kind of cartridge with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceCalibration {
    /// Device, as its maker names it.
    pub device: String,
    /// Kind of cartridge.
    pub cartridge: CartridgeKind,
    /// How long its calibration still holds.
    pub status: CalibrationStatus,
    /// Since when that is so.
    pub since: Micros,
    /// The calibration in force; of those that expired, the newest. Absent if there is none at all.
    pub record: Option<CalibrationRecord>,
}
