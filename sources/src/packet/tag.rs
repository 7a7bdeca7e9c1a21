//! The tag of a cartridge as its chip holds it, in both versions (signals.md §1.3).
//!
//! ```text
//! v2   0 uid [8] · 8 category u8 · 9 type u8 · 10 code of version 1 u8 · 11 version = 2 u8 · 12 lot ASCII [8]
//!      20 expiry YYYYMMDD · 28 uses left u16 · 30 uses u16 · 32 channels u16 big-endian · 34 seconds u8 · 35 flags u8
//!      36 alpha f64 · 44 per °C f64 · 52 per percent f64 · 60 CRC-32 u32 · 64 more, not read; at least 80 bytes
//! v1   0 uid [8] · 8 code u8 · 9 lot ASCII [8] · 17 expiry YYYYMMDD · 25 uses left u16 · 27 uses u16
//!      29 alpha f64 · 37 per °C f64 · 45 per percent f64; at least 64 bytes
//! ```
//! Little-endian but for the channels. The document names neither the polynomial nor the bytes of the checksum: we read it
//! as CRC-32 of IEEE 802.3 (that of zip and Ethernet) over the 60 bytes before it, little-endian.
//!
//! # Invariants
//! - No byte string panics, and none of its bytes is in a refusal.
//! - The versions cannot be confused: byte 11 is the third character of the lot in version 1, and no printable
//!   character is 2.

use crate::refusal::Refusal;
use chrono::NaiveDate;
use model::{
    CartridgeKind, Micros, Number,
    Reason::{BadChecksum, BadLength, NotFinite, OutOfRange},
    Tag,
    cartridge::{MOST_ALPHA, MOST_COEFFICIENT},
};

/// Least bytes of a tag of version 1.
const LEAST_V1: usize = 64;
/// Least bytes of a tag of version 2.
const LEAST_V2: usize = 80;
/// Most bytes of a tag: the largest chip of its family (NTAG216) holds 888.
const MAX_TAG_BYTES: usize = 1_024;
const VERSION_AT: usize = 11;
const VERSION_2: u8 = 2;
const CHECKSUM_AT: usize = 60;
/// Flag: the tag was authenticated.
const IS_AUTHENTIC: u8 = 1;
/// Flag: not to be used without a calibration.
const NEEDS_CALIBRATION: u8 = 1 << 1;

/// Reads a tag.
pub(super) fn parse(bytes: &[u8]) -> Result<Tag, Refusal> {
    let is_v2 = bytes.get(VERSION_AT) == Some(&VERSION_2);
    let least = if is_v2 { LEAST_V2 } else { LEAST_V1 };
    if !(least..=MAX_TAG_BYTES).contains(&bytes.len()) {
        return Err(Refusal::new(
            BadLength,
            format!(
                "cartridge_tag has {} bytes, not from {least} to {MAX_TAG_BYTES}: read the whole tag again",
                bytes.len()
            ),
        ));
    }
    if is_v2 { parse_v2(bytes) } else { parse_v1(bytes) }
}

fn parse_v2(bytes: &[u8]) -> Result<Tag, Refusal> {
    let mut checksum = flate2::Crc::new();
    checksum.update(&bytes[..CHECKSUM_AT]);
    if checksum.sum() != u32::from_le_bytes(take(bytes, CHECKSUM_AT)) {
        return Err(Refusal::new(
            BadChecksum,
            "the CRC-32 of cartridge_tag does not match its first 60 bytes: read the tag again",
        ));
    }
    let flags = bytes[35];
    Ok(Tag {
        uid: take(bytes, 0),
        kind: Some(CartridgeKind { category: bytes[8], kind: bytes[9] }),
        legacy: bytes[10],
        lot: lot(take(bytes, 12))?,
        expires_at: expiry(take(bytes, 20))?,
        uses_left: u16::from_le_bytes(take(bytes, 28)),
        uses: u16::from_le_bytes(take(bytes, 30)),
        channels: u16::from_be_bytes(take(bytes, 32)),
        seconds: bytes[34],
        authentic: flags & IS_AUTHENTIC != 0,
        needs_calibration: flags & NEEDS_CALIBRATION != 0,
        alpha: number("alpha", take(bytes, 36), 0.0, MOST_ALPHA)?,
        per_celsius: number("temperature coefficient", take(bytes, 44), -MOST_COEFFICIENT, MOST_COEFFICIENT)?,
        per_percent: number("humidity coefficient", take(bytes, 52), -MOST_COEFFICIENT, MOST_COEFFICIENT)?,
    })
}

fn parse_v1(bytes: &[u8]) -> Result<Tag, Refusal> {
    Ok(Tag {
        uid: take(bytes, 0),
        kind: None,
        legacy: bytes[8],
        lot: lot(take(bytes, 9))?,
        expires_at: expiry(take(bytes, 17))?,
        uses_left: u16::from_le_bytes(take(bytes, 25)),
        uses: u16::from_le_bytes(take(bytes, 27)),
        channels: 0,
        seconds: 0,
        authentic: false,
        needs_calibration: false,
        alpha: number("alpha", take(bytes, 29), 0.0, MOST_ALPHA)?,
        per_celsius: number("temperature coefficient", take(bytes, 37), -MOST_COEFFICIENT, MOST_COEFFICIENT)?,
        per_percent: number("humidity coefficient", take(bytes, 45), -MOST_COEFFICIENT, MOST_COEFFICIENT)?,
    })
}

/// The lot without the spaces and zeros that fill it up.
fn lot(bytes: [u8; 8]) -> Result<String, Refusal> {
    let refused =
        || Refusal::new(OutOfRange, "the lot in cartridge_tag is no printable ASCII: read the tag again");
    let text = str::from_utf8(&bytes).map_err(|_| refused())?.trim_matches([' ', '\0']);
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if printable { Ok(text.to_owned()) } else { Err(refused()) }
}

/// The end of the day `YYYYMMDD`, UTC.
fn expiry(digits: [u8; 8]) -> Result<Micros, Refusal> {
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    let value = |places: &[u8]| places.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    all_digits
        .then(|| {
            NaiveDate::from_ymd_opt(
                value(&digits[..4]).cast_signed(),
                value(&digits[4..6]),
                value(&digits[6..]),
            )
        })
        .flatten()
        .and_then(|day| day.succ_opt())
        .and_then(|next| next.and_hms_opt(0, 0, 0))
        .map(|midnight| midnight.and_utc().timestamp_micros())
        .ok_or_else(|| {
            Refusal::new(OutOfRange, "the expiry in cartridge_tag is no date YYYYMMDD: read the tag again")
        })
}

fn number(what: &'static str, bytes: [u8; 8], least: f64, most: f64) -> Result<Number, Refusal> {
    let value = f64::from_le_bytes(bytes);
    let number = Number::finite(value).ok_or_else(|| {
        Refusal::new(NotFinite, format!("the {what} in cartridge_tag is NaN or infinite: read the tag again"))
    })?;
    if (least..=most).contains(&value) {
        return Ok(number);
    }
    Err(Refusal::new(
        OutOfRange,
        format!("the {what} in cartridge_tag is not from {least} to {most}: do not use this cartridge"),
    ))
}

/// The `N` bytes at `at`; the caller has checked the length.
fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("the length was checked before a field is read")
}

#[cfg(test)]
mod tests;
