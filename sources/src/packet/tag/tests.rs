//! Tags of both versions byte by byte, and any bytes at all.

use super::{CHECKSUM_AT, parse};
use model::{CartridgeKind, Number, Reason};
use proptest::prelude::*;

fn v2() -> Vec<u8> {
    let mut bytes = b"UIDUIDUI\x01\x02\x07\x02LOT 42  20260228".to_vec();
    bytes.extend(7_u16.to_le_bytes());
    bytes.extend(9_u16.to_le_bytes());
    bytes.extend(88_u16.to_be_bytes());
    bytes.extend([15, 3]);
    for value in [0.93_f64, 0.01, -0.002] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 20]);
    sign(bytes)
}

/// Puts the checksum in, computed bit by bit: a second implementation.
fn sign(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut register = u32::MAX;
    for byte in &bytes[..CHECKSUM_AT] {
        register ^= u32::from(*byte);
        for _ in 0..8 {
            register = if register & 1 == 1 { register >> 1 ^ 0xedb8_8320 } else { register >> 1 };
        }
    }
    bytes[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&(!register).to_le_bytes());
    bytes
}

fn v1() -> Vec<u8> {
    let mut bytes = b"UIDUIDUI\x07LOT-43\0\x0020280229".to_vec();
    bytes.extend(7_u16.to_le_bytes());
    bytes.extend(9_u16.to_le_bytes());
    for value in [0.5_f64, 0.25, 0.125] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.resize(64, 0);
    bytes
}

fn micros(text: &str) -> i64 {
    text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros()
}

fn numbers(values: [f64; 3]) -> Option<[Number; 3]> {
    let [Some(first), Some(second), Some(third)] = values.map(Number::finite) else { return None };
    Some([first, second, third])
}

#[track_caller]
fn refused(bytes: &[u8], reason: Reason) {
    let refusal = parse(bytes).unwrap_err();
    assert_eq!(refusal.reason, reason, "{}", refusal.detail);
    assert!(!refusal.detail.contains("LOT") && !refusal.detail.contains("2026"), "{}", refusal.detail);
}

#[test]
fn the_second_version_says_everything() {
    let tag = parse(&v2()).unwrap();
    assert_eq!((tag.kind, tag.legacy), (Some(CartridgeKind { category: 1, kind: 2 }), 7));
    assert_eq!((&tag.uid, tag.lot.as_str()), (b"UIDUIDUI", "LOT 42"));
    assert_eq!(tag.expires_at, micros("2026-03-01T00:00:00Z"), "the last day counts");
    assert_eq!((tag.uses_left, tag.uses, tag.channels, tag.seconds), (7, 9, 88, 15));
    assert!(tag.authentic && tag.needs_calibration);
    assert_eq!(Some([tag.alpha, tag.per_celsius, tag.per_percent]), numbers([0.93, 0.01, -0.002]));
}

#[test]
fn the_first_version_knows_no_category() {
    let tag = parse(&v1()).unwrap();
    assert_eq!((tag.kind, tag.legacy, tag.lot.as_str()), (None, 7, "LOT-43"));
    assert_eq!(tag.expires_at, micros("2028-03-01T00:00:00Z"));
    assert_eq!((tag.uses_left, tag.uses, tag.channels), (7, 9, 0));
    assert_eq!(Some([tag.alpha, tag.per_celsius, tag.per_percent]), numbers([0.5, 0.25, 0.125]));
}

#[test]
fn every_broken_tag_says_why() {
    refused(&v2()[..79], Reason::BadLength);
    refused(&v1()[..63], Reason::BadLength);
    refused(&[v2(), vec![0; 1_000]].concat(), Reason::BadLength);
    refused(&[], Reason::BadLength);
    for at in (0..CHECKSUM_AT + 4).filter(|at| *at != super::VERSION_AT) {
        let mut flipped = v2();
        flipped[at] ^= 0x10;
        refused(&flipped, Reason::BadChecksum);
    }
    let with = |at: usize, field: &[u8]| {
        let mut bytes = v2();
        bytes[at..at + field.len()].copy_from_slice(field);
        sign(bytes)
    };
    refused(&with(12, b"\xc3\x28"), Reason::OutOfRange);
    refused(&with(13, b"\n"), Reason::OutOfRange);
    refused(&with(20, b"20260229"), Reason::OutOfRange);
    refused(&with(20, b"2026 228"), Reason::OutOfRange);
    refused(&with(36, &2.01_f64.to_le_bytes()), Reason::OutOfRange);
    refused(&with(36, &(-0.01_f64).to_le_bytes()), Reason::OutOfRange);
    refused(&with(36, &f64::NAN.to_le_bytes()), Reason::NotFinite);
    refused(&with(44, &f64::INFINITY.to_le_bytes()), Reason::NotFinite);
    refused(&with(52, &1.01_f64.to_le_bytes()), Reason::OutOfRange);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..200_usize, byte: u8, signed: bool) {
        drop(parse(&bytes));
        for mut near in [v2(), v1()] {
            let at = at % near.len();
            near[at] = byte;
            // Signed, the bytes reach every check behind the checksum.
            if let Ok(tag) = parse(&if signed { sign(near) } else { near }) {
                prop_assert!((0.0..=2.0).contains(&tag.alpha.get()) && tag.lot.is_ascii());
            }
        }
    }
}
