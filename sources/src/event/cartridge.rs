//! Events about cartridges: calibrations that were completed, cartridges verified, depleted and replaced.
//!
//! ```text
//! manpasik.calibration.completed   calibration_id · device_id · cartridge_category · cartridge_type
//!                                  kind FACTORY 1, FIELD 2, AUTO 3 · alpha? (FACTORY only) · accuracy_score?
//!                                  reference_values? (FIELD: at least one) · coefficients_hash? · calibrated_at
//!                                  validity_days?
//! manpasik.cartridge.verified      cartridge_uid · device_id? · the label
//! manpasik.cartridge.depleted      cartridge_uid
//! manpasik.cartridge.replaced      cartridge_uid · device_id · the label
//! the label                        cartridge_category · cartridge_type · lot · expires_at · remaining_uses
//! ```
//! Category and type are numbers from 0 to 255, or texts like `"0x01"`. The catalogue names the events and leaves
//! their payloads open: the names are those that measurements and the storage format have (ours).
//!
//! # Invariants
//! - A field calibration that carries an α is refused: it would write a gain into the differential.

mod said;
#[cfg(test)]
mod tests;

pub(super) use said::{Said, kind};

use super::{attributes::Attributes, field};
use crate::refusal::Refusal;
use model::{
    CalibrationCompleted, CalibrationSource, CartridgeChange, CartridgeEvent, CartridgeKind, CartridgeLabel,
    CartridgeUid, DomainEvent, Number, Origin,
    Reason::{BadLength, MissingField, NotFinite, OutOfRange},
    cartridge::MOST_ALPHA,
};
use serde_json::{Map, Value};

/// Most bytes of an id or a lot: a name, not a document.
pub(crate) const MAX_NAME_BYTES: usize = 128;
/// Most reference values: a field calibration is a handful of known samples.
const MAX_REFERENCES: usize = 64;
/// Days a calibration may hold: the models ask for 30 to 120; more than ten years is a wrong unit.
const DAYS: (u16, u16) = (1, 3_650);
/// What a digest begins with; 64 hexadecimal digits follow.
const SHA_256: &str = "sha256:";

type Payload = Map<String, Value>;

pub(super) fn calibration(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    let source = source(payload)?;
    let alpha = field::optional_number(payload, "alpha", (0.0, MOST_ALPHA))?;
    if alpha.is_some() && source != CalibrationSource::Factory {
        return Err(Refusal::new(
            OutOfRange,
            "alpha stands in a calibration that is not FACTORY: send its gains, never an alpha",
        ));
    }
    let reference_values = reference_values(payload)?;
    if source == CalibrationSource::Field && reference_values.is_empty() {
        return Err(field::missing("reference_values", "a list with a number for a FIELD calibration"));
    }
    let calibrated_at = field::micros(field::text(payload, "calibrated_at")?, "calibrated_at")?;
    if calibrated_at > attributes.at {
        return Err(Refusal::new(
            OutOfRange,
            "calibrated_at is after timestamp, when it was completed: check the clocks of device and service",
        ));
    }
    Ok(DomainEvent::Calibration(CalibrationCompleted {
        event: attributes.id,
        device: field::name(payload, "device_id", MAX_NAME_BYTES)?.to_owned(),
        cartridge: cartridge_kind(payload)?,
        id: field::name(payload, "calibration_id", MAX_NAME_BYTES)?.to_owned(),
        source,
        alpha,
        score: field::optional_number(payload, "accuracy_score", (0.0, 1.0))?,
        reference_values,
        coefficients_hash: hash(payload)?,
        calibrated_at,
        validity_days: field::optional_whole(payload, "validity_days", DAYS)?,
        at: attributes.at,
        origin,
    }))
}

pub(super) fn verified(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    let is_named = payload.get("device_id").is_some_and(|device| !device.is_null());
    let device = is_named.then(|| field::name(payload, "device_id", MAX_NAME_BYTES)).transpose()?;
    let change = CartridgeChange::Verified { device: device.map(str::to_owned), label: label(payload)? };
    event(origin, attributes, payload, change)
}

pub(super) fn depleted(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    event(origin, attributes, payload, CartridgeChange::Depleted)
}

pub(super) fn replaced(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    let device = field::name(payload, "device_id", MAX_NAME_BYTES)?.to_owned();
    event(origin, attributes, payload, CartridgeChange::Replaced { device, label: label(payload)? })
}

fn event(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
    change: CartridgeChange,
) -> Result<DomainEvent, Refusal> {
    let uid = CartridgeUid::parse(field::text(payload, "cartridge_uid")?)
        .ok_or_else(|| field::missing("cartridge_uid", "of 16 hexadecimal digits"))?;
    Ok(DomainEvent::Cartridge(CartridgeEvent {
        at: attributes.at,
        event: attributes.id,
        uid,
        change,
        origin,
    }))
}

fn label(payload: &Payload) -> Result<CartridgeLabel, Refusal> {
    Ok(CartridgeLabel {
        kind: cartridge_kind(payload)?,
        lot: field::name(payload, "lot", MAX_NAME_BYTES)?.to_owned(),
        expires_at: field::micros(field::text(payload, "expires_at")?, "expires_at")?,
        uses_left: field::optional_whole(payload, "remaining_uses", (0, u16::MAX))?
            .ok_or_else(|| field::missing("remaining_uses", "a whole number"))?,
    })
}

fn cartridge_kind(payload: &Payload) -> Result<CartridgeKind, Refusal> {
    Ok(CartridgeKind {
        category: byte(payload, "cartridge_category")?,
        kind: byte(payload, "cartridge_type")?,
    })
}

/// A number from 0 to 255, as such or as `"0x00"` to `"0xff"`.
fn byte(payload: &Payload, name: &str) -> Result<u8, Refusal> {
    let byte = match payload.get(name) {
        Some(Value::String(text)) => text
            .strip_prefix("0x")
            .filter(|digits| !digits.starts_with('+'))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
        Some(Value::Number(number)) => {
            return number.as_u64().and_then(|byte| u8::try_from(byte).ok()).ok_or_else(|| {
                Refusal::new(
                    OutOfRange,
                    format!("{name} is no whole number from 0 to 255: check what sent it"),
                )
            });
        }
        _ => None,
    };
    byte.ok_or_else(|| field::missing(name, "a number or a text of the form 0x01"))
}

/// By name, or by the number the platform's protocol has for it.
fn source(payload: &Payload) -> Result<CalibrationSource, Refusal> {
    let place = match payload.get("kind") {
        Some(Value::String(text)) => CalibrationSource::ALL.iter().position(|source| source.name() == text),
        Some(Value::Number(number)) => number
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .and_then(|number| number.checked_sub(1)),
        _ => return Err(field::missing("kind", "FACTORY, FIELD or AUTO")),
    };
    place.and_then(|place| CalibrationSource::ALL.get(place).copied()).ok_or_else(|| {
        Refusal::new(OutOfRange, "kind is none that this version knows: send FACTORY, FIELD or AUTO")
    })
}

fn reference_values(payload: &Payload) -> Result<Vec<Number>, Refusal> {
    let values = match payload.get("reference_values") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(field::missing("reference_values", "a list of numbers")),
    };
    if values.len() > MAX_REFERENCES {
        return Err(Refusal::new(
            BadLength,
            format!("reference_values has more than {MAX_REFERENCES} numbers: send one per known sample"),
        ));
    }
    let number = |value: &Value| {
        let value = value.as_f64().ok_or_else(|| field::missing("reference_values", "a list of numbers"))?;
        Number::finite(value).ok_or_else(|| {
            Refusal::new(NotFinite, "reference_values holds a number that is not finite: calibrate again")
        })
    };
    values.iter().map(number).collect()
}

fn hash(payload: &Payload) -> Result<Option<String>, Refusal> {
    let Some(text) = field::optional_text(payload, "coefficients_hash")? else { return Ok(None) };
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digits =
        text.strip_prefix(SHA_256).filter(|digits| digits.len() == 64 && digits.bytes().all(is_digit));
    match digits {
        Some(_) => Ok(Some(text.to_owned())),
        None => Err(Refusal::new(
            MissingField,
            "coefficients_hash is not sha256: and 64 hexadecimal digits in lower case: send that, or leave it out",
        )),
    }
}
