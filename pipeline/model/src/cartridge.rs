//! What a session's first packet says of its cartridge: the tag as the device read it, and a calibration.
//!
//! # Invariants
//! Numbers are finite, and within the ranges their fields name: what decodes packets refuses others.

use crate::{CartridgeKind, Micros, Number};
use serde::{Deserialize, Serialize};

/// Largest share of a reference that may be taken off; ISO 14971 risk file of the cartridges (signals.md §1.3).
pub const MOST_ALPHA: f64 = 2.0;
/// Largest magnitude of a coefficient of temperature or humidity, per °C or per percent: a signal that doubles with
/// every degree is a broken tag, not a cartridge (our own).
pub const MOST_COEFFICIENT: f64 = 1.0;

/// What is known of the cartridge of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cartridge {
    /// Its tag, if it was read.
    pub tag: Option<Tag>,
    /// The calibration in use, if there is one.
    pub calibration: Option<Calibration>,
}

/// A tag, version 1 or 2 (signals.md §1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Identity of the chip.
    pub uid: [u8; 8],
    /// Category and type; version 1 has only `legacy`, and no document maps its codes.
    pub kind: Option<CartridgeKind>,
    /// Type code of version 1, also in version 2.
    pub legacy: u8,
    /// Lot, printable ASCII without the spaces around it.
    pub lot: String,
    /// End of the last day it may be used, UTC.
    pub expires_at: Micros,
    /// Uses left.
    pub uses_left: u16,
    /// Uses it was made for.
    pub uses: u16,
    /// Channels it asks for; 0 where the tag does not say (version 1).
    pub channels: u16,
    /// Length of a session, seconds; 0 where the tag does not say (version 1).
    pub seconds: u8,
    /// Whether it was authenticated.
    pub authentic: bool,
    /// Whether it must not be used without a calibration.
    pub needs_calibration: bool,
    /// Share of the reference to take off, 0 to [`MOST_ALPHA`].
    pub alpha: Number,
    /// Change of the gain per °C, within ±[`MOST_COEFFICIENT`].
    pub per_celsius: Number,
    /// Change of the gain per percent of relative humidity, within ±[`MOST_COEFFICIENT`].
    pub per_percent: Number,
}

/// Where a calibration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CalibrationSource {
    /// Made with the cartridge.
    Factory,
    /// Made with known samples where it is used.
    Field,
    /// Made by the device itself.
    Auto,
}

impl CalibrationSource {
    /// Every source, in the order in which one that holds is looked up (signals.md §1.3, which names factory before
    /// field; that a device's own comes last is ours).
    pub const ALL: [Self; 3] = [Self::Factory, Self::Field, Self::Auto];

    /// Stable name, as SQL and events have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Factory => "FACTORY",
            Self::Field => "FIELD",
            Self::Auto => "AUTO",
        }
    }
}

/// A calibration: per channel `(difference - offset) * gain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// Its id, as its maker names it.
    pub id: String,
    /// Where it comes from.
    pub source: CalibrationSource,
    /// Share of the reference to take off, 0 to [`MOST_ALPHA`], if it says so.
    pub alpha: Option<Number>,
    /// One per channel, in the unit of the difference; empty for zeros.
    pub offsets: Vec<Number>,
    /// One per channel, not zero; empty for ones.
    pub gains: Vec<Number>,
    /// Change of the gain per °C, within ±[`MOST_COEFFICIENT`].
    pub per_celsius: Number,
    /// Change of the gain per percent of relative humidity, within ±[`MOST_COEFFICIENT`].
    pub per_percent: Number,
    /// How well it fits, 0 to 1.
    pub score: Number,
    /// When it was made.
    pub calibrated_at: Micros,
    /// Until when it holds.
    pub valid_until: Micros,
    /// What each reference channel reads before exposure; empty where nobody measured it.
    pub reference_means: Vec<Number>,
    /// Standard deviation of what each reference channel reads from cartridge to cartridge; as many as means.
    pub reference_deviations: Vec<Number>,
}
