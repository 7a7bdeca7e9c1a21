//! Frames against the layout of the specification, and every way to damage one.

use super::*;
use model::Reason;
use proptest::prelude::*;

const NOW_MS: u64 = 1_767_225_600_123;

fn decode(bytes: &[u8]) -> Result<Frame, Reason> {
    Frame::decode(bytes, NOW_MS).map_err(|refusal| refusal.reason)
}

fn pulse() -> Frame {
    Frame {
        version: Version::Two,
        sequence: 0xfedc_ba98,
        stamp_us: 1_767_225_600_008_000,
        channels: 2,
        samples: 3,
        det: vec![0.5, 0.25, -1.0, 3.5, 1e-9, -0.0],
        reference: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        environment: Environment {
            temperature_c: 24.5,
            humidity_percent: 41.0,
            pressure_kpa: 101.3,
            battery_percent: 88,
            self_test: 3,
        },
    }
}

fn channels(count: u16) -> Frame {
    Frame {
        version: Version::One,
        sequence: 7,
        stamp_us: NOW_MS as i64 * 1_000,
        channels: count,
        samples: 1,
        det: (0..count).map(f32::from).collect(),
        reference: vec![],
        environment: Environment { temperature_c: 24.5, battery_percent: 88, ..Environment::default() },
    }
}

/// `bytes` after `change`, with the checksum made right again.
fn sealed(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = pulse().encode();
    change(&mut bytes);
    let body = bytes.len() - CHECKSUM;
    let checksum = crc32c::crc32c(&bytes[..body]);
    bytes[body..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[test]
fn lengths_are_those_of_the_specification() {
    let lengths = CHANNELS_V1.map(|count| channels(count).encode().len());
    assert_eq!(lengths, [49, 369, 1_809, 3_601]);
    let with_reference = |count: u16| {
        let values = vec![0.0; usize::from(count)];
        Frame { channels: count, samples: 1, det: values.clone(), reference: values, ..pulse() }
            .encode()
            .len()
    };
    assert_eq!([with_reference(88), with_reference(896)], [744, 7_208]);
}

#[test]
fn bytes_stand_where_the_specification_puts_them() {
    let bytes = pulse().encode();
    assert_eq!(bytes[..8], [0x4d, 0x50, 2, 3, 0x98, 0xba, 0xdc, 0xfe]);
    assert_eq!(bytes[16..20], [2, 0, 3, 0]);
    assert_eq!(bytes[32..36], [88, 3, 0, 0]);
    assert_eq!(bytes[36..40], 0.5_f32.to_le_bytes());
    let bytes = channels(8).encode();
    assert_eq!(bytes[..4], [7, 0, 8, 0]);
    assert_eq!((bytes[12], &bytes[13..17]), (88, &(NOW_MS as u32).to_le_bytes()[..]));
    assert_eq!(bytes[21..25], 1.0_f32.to_le_bytes());
}

#[test]
fn a_v1_sequence_that_looks_like_the_magic_is_still_v1() {
    for count in CHANNELS_V1 {
        let frame = Frame { sequence: MAGIC.into(), ..channels(count) };
        assert_eq!(decode(&frame.encode()), Ok(frame));
    }
}

#[test]
fn a_v1_stamp_is_the_nearest_to_the_gateways() {
    const WRAP: i64 = 1 << 32;
    let near = |gateway_ms: i64, stamp_ms: i64| {
        let frame = Frame { stamp_us: stamp_ms * 1_000, ..channels(8) };
        Frame::decode(&frame.encode(), gateway_ms as u64).map(|frame| frame.stamp_us / 1_000)
    };
    for gateway in [NOW_MS as i64, 412 * WRAP, 412 * WRAP - 1, 412 * WRAP + 5] {
        for apart in [0, 1, -1, 60_000, -60_000, WRAP / 2 - 1, -(WRAP / 2)] {
            assert_eq!(near(gateway, gateway + apart), Ok(gateway + apart), "{gateway} {apart}");
        }
        assert_eq!(near(gateway, gateway + WRAP), Ok(gateway), "one wrap of the clock cannot be seen");
    }
    assert_eq!(near(1, -1).unwrap_err().reason, Reason::OutOfRange);
    assert_eq!(near(0, 0).unwrap_err().reason, Reason::MissingField);
    assert_eq!(near(i64::MAX, 0).unwrap_err().reason, Reason::OutOfRange);
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    for whole in [pulse().encode(), channels(8).encode(), channels(88).encode()] {
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length} of {}", whole.len());
        }
        let mut longer = whole.clone();
        for _ in 0..64 {
            longer.push(0);
            assert_eq!(decode(&longer), Err(Reason::BadLength));
        }
    }
    let whole = pulse().encode();
    assert_eq!(decode(&whole[..whole.len() - 1]), Err(Reason::BadLength));
    assert_eq!(decode(&channels(8).encode()[..16]), Err(Reason::BadLength));
    assert_eq!(decode(&vec![0; MAX_FRAME_BYTES + 1]), Err(Reason::BadLength));
    assert_eq!(decode(&[]), Err(Reason::BadLength));
}

#[test]
fn every_flipped_bit_of_v2_is_refused() {
    let whole = pulse().encode();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&damaged).is_err(), "bit {bit}");
    }
    let mut damaged = whole;
    damaged[40] ^= 1;
    assert_eq!(decode(&damaged), Err(Reason::BadChecksum));
}

#[test]
fn versions_this_product_does_not_read_are_refused() {
    assert_eq!(decode(&sealed(|bytes| bytes[2] = 3)), Err(Reason::BadVersion));
    assert_eq!(decode(&sealed(|bytes| bytes[0] = 0)), Err(Reason::BadVersion));
    assert_eq!(decode(&sealed(|bytes| bytes[3] |= 0x80)), Err(Reason::BadVersion));
    let mut thousand = channels(896).encode();
    thousand[2..4].copy_from_slice(&1_000_u16.to_le_bytes());
    assert_eq!(decode(&thousand), Err(Reason::BadVersion));
}

#[test]
fn reserved_bytes_are_ignored() {
    assert_eq!(decode(&sealed(|bytes| bytes[34] = 9)), Ok(pulse()));
}

#[test]
fn counts_and_stamps_out_of_range_are_refused() {
    let empty = |at: usize| {
        let mut bytes = pulse().encode()[..HEADER_V2 + CHECKSUM].to_vec();
        bytes[at] = 0;
        let checksum = crc32c::crc32c(&bytes[..HEADER_V2]);
        bytes[HEADER_V2..].copy_from_slice(&checksum.to_le_bytes());
        decode(&bytes)
    };
    assert_eq!(empty(16), Err(Reason::OutOfRange));
    assert_eq!(empty(18), Err(Reason::OutOfRange));
    let wide = Frame { channels: 897, samples: 1, det: vec![0.0; 897], reference: vec![], ..pulse() };
    assert_eq!(decode(&wide.encode()), Err(Reason::OutOfRange));
    let long = Frame { channels: 1, samples: 4_097, det: vec![0.0; 4_097], reference: vec![], ..pulse() };
    assert_eq!(decode(&long.encode()), Err(Reason::OutOfRange));
    assert_eq!(decode(&sealed(|bytes| bytes[8..16].fill(0xff))), Err(Reason::OutOfRange));
    assert_eq!(decode(&sealed(|bytes| bytes[15] = 0x7f)), Err(Reason::OutOfRange));
}

#[test]
fn no_value_that_is_not_finite_gets_in() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in [20, 24, 28, 36, 56, 60, 80] {
            let bytes = sealed(|bytes| bytes[at..at + 4].copy_from_slice(&bad.to_le_bytes()));
            assert_eq!(decode(&bytes), Err(Reason::NotFinite), "{bad} at {at}");
        }
        for at in [4, 8, 17, 45] {
            let mut bytes = channels(8).encode();
            bytes[at..at + 4].copy_from_slice(&bad.to_le_bytes());
            assert_eq!(decode(&bytes), Err(Reason::NotFinite), "{bad} at {at}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(
        (channels, samples, det) in (1_u16..20, 1_u16..20).prop_flat_map(|(channels, samples)| {
            let values = usize::from(channels) * usize::from(samples);
            (Just(channels), Just(samples), proptest::collection::vec(prop::num::f32::NORMAL, values))
        }),
        has_reference in any::<bool>(),
        sequence in any::<u32>(),
        stamp_us in 0..crate::instant::END,
    ) {
        let reference = if has_reference { det.iter().rev().copied().collect() } else { vec![] };
        let frame = Frame { sequence, stamp_us, channels, samples, det, reference, ..pulse() };
        prop_assert_eq!(decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn bytes_that_begin_like_v2_never_panic(rest in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [&[0x4d, 0x50, 2], rest.as_slice()].concat();
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 49..=49)) {
        bytes[2..4].copy_from_slice(&8_u16.to_le_bytes());
        if let Ok(frame) = decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes);
        }
    }
}
