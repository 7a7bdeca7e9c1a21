//! What events about cartridges say, as this product writes it.

use super::super::{CARTRIDGE_DEPLETED, CARTRIDGE_REPLACED, CARTRIDGE_VERIFIED, encode::iso_8601};
use model::{CalibrationCompleted, CartridgeChange, CartridgeEvent, CartridgeLabel, Number};
use serde::Serialize;

/// A payload.
#[derive(Serialize)]
#[serde(untagged)]
pub(in super::super) enum Said<'a> {
    Calibration {
        calibration_id: &'a str,
        device_id: &'a str,
        cartridge_category: u8,
        cartridge_type: u8,
        kind: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        alpha: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        accuracy_score: Option<Number>,
        reference_values: &'a [Number],
        #[serde(skip_serializing_if = "Option::is_none")]
        coefficients_hash: Option<&'a str>,
        calibrated_at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        validity_days: Option<u16>,
    },
    Cartridge {
        cartridge_uid: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        device_id: Option<&'a str>,
        #[serde(flatten)]
        label: Option<Label<'a>>,
    },
}

/// What a tag says.
#[derive(Serialize)]
pub(in super::super) struct Label<'a> {
    cartridge_category: u8,
    cartridge_type: u8,
    lot: &'a str,
    expires_at: String,
    remaining_uses: u16,
}

impl<'a> Said<'a> {
    pub(in super::super) fn of_calibration(completed: &'a CalibrationCompleted) -> Self {
        Self::Calibration {
            calibration_id: &completed.id,
            device_id: &completed.device,
            cartridge_category: completed.cartridge.category,
            cartridge_type: completed.cartridge.kind,
            kind: completed.source.name(),
            alpha: completed.alpha,
            accuracy_score: completed.score,
            reference_values: &completed.reference_values,
            coefficients_hash: completed.coefficients_hash.as_deref(),
            calibrated_at: iso_8601(completed.calibrated_at),
            validity_days: completed.validity_days,
        }
    }

    pub(in super::super) fn of_cartridge(event: &'a CartridgeEvent) -> Self {
        let label = |label: &'a CartridgeLabel| Label {
            cartridge_category: label.kind.category,
            cartridge_type: label.kind.kind,
            lot: &label.lot,
            expires_at: iso_8601(label.expires_at),
            remaining_uses: label.uses_left,
        };
        Self::Cartridge {
            cartridge_uid: event.uid.to_string(),
            device_id: event.change.device(),
            label: event.change.label().map(label),
        }
    }
}

/// Type of the event that says `change`.
pub(in super::super) const fn kind(change: &CartridgeChange) -> &'static str {
    match change {
        CartridgeChange::Verified { .. } => CARTRIDGE_VERIFIED,
        CartridgeChange::Depleted => CARTRIDGE_DEPLETED,
        CartridgeChange::Replaced { .. } => CARTRIDGE_REPLACED,
    }
}
