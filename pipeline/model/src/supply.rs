//! What happens to cartridges, and what is left of each.
//!
//! # Invariants
//! - Uses that are left never rise but by [`CartridgeChange::Replaced`].

use crate::{CartridgeKind, CartridgeUid, EventId, Micros, Origin};
use serde::{Deserialize, Serialize};

/// Something happened to a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CartridgeEvent {
    /// When.
    pub at: Micros,
    /// Identity of the event.
    pub event: EventId,
    /// Cartridge.
    pub uid: CartridgeUid,
    /// What happened.
    pub change: CartridgeChange,
    /// Where it stood on the log.
    pub origin: Origin,
}

/// What happened to a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CartridgeChange {
    /// Its tag was read and found good.
    Verified {
        /// Device that read it, if it was one.
        device: Option<String>,
        /// What the tag says.
        label: CartridgeLabel,
    },
    /// Nothing is left of it.
    Depleted,
    /// It was put into a device in place of another one, new or filled again: its uses count anew.
    Replaced {
        /// The device.
        device: String,
        /// What its tag says.
        label: CartridgeLabel,
    },
}

impl CartridgeChange {
    /// What the tag says, where it was read.
    pub const fn label(&self) -> Option<&CartridgeLabel> {
        match self {
            Self::Verified { label, .. } | Self::Replaced { label, .. } => Some(label),
            Self::Depleted => None,
        }
    }

    /// The device that holds the cartridge, as far as this says.
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Verified { device, .. } => device.as_deref(),
            Self::Replaced { device, .. } => Some(device),
            Self::Depleted => None,
        }
    }
}

/// What a tag says of its cartridge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CartridgeLabel {
    /// Kind.
    pub kind: CartridgeKind,
    /// Lot.
    pub lot: String,
    /// From when on it must not be used.
    pub expires_at: Micros,
    /// Uses left.
    pub uses_left: u16,
}

/// Whether a cartridge can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CartridgeState {
    /// It can.
    Ok,
    /// It is too old.
    Expired,
    /// No use is left, whether or not it is too old.
    Depleted,
}

impl CartridgeState {
    /// Stable name, as SQL has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Expired => "EXPIRED",
            Self::Depleted => "DEPLETED",
        }
    }
}

/// A cartridge as it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CartridgeSupply {
    /// Cartridge.
    pub uid: CartridgeUid,
    /// Kind; absent until its tag was read.
    pub kind: Option<CartridgeKind>,
    /// Lot; absent until its tag was read.
    pub lot: Option<String>,
    /// From when on it must not be used; absent until its tag was read.
    pub expires_at: Option<Micros>,
    /// Uses left, as events say.
    pub uses_left: u16,
    /// Whether it can be used.
    pub state: CartridgeState,
    /// When it was last heard of.
    pub heard_at: Micros,
    /// The event that was heard.
    pub event: EventId,
    /// Where that stood on the log.
    pub origin: Origin,
}
