//! The envelope of a packet: each refusal has a test, and nothing of the data leaves in a detail.

use super::*;
use eventlog::Record;
use model::Environment;
use proptest::prelude::*;

const SESSION: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const USER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const AT_MS: u64 = 1_767_225_600_000;

fn frame() -> Frame {
    Frame {
        version: Version::Two,
        sequence: 41,
        stamp_us: 1_767_225_600_000_000,
        channels: 1,
        samples: 5,
        det: vec![0.5, 0.25, -1.0, 3.5, 1e-9],
        reference: vec![],
        environment: Environment::default(),
    }
}

fn sent() -> MeasurementPacket {
    MeasurementPacket {
        session_id: SESSION.into(),
        device_id: "device".into(),
        user_id: USER.into(),
        raw_packet: frame().encode(),
        sequence_no: 41,
        timestamp_ms: AT_MS,
        signal: WireSignal::Pulse.into(),
        sample_period_us: 8_000,
        end_of_session: false,
        ..MeasurementPacket::default()
    }
}

fn record(value: Vec<u8>) -> Record {
    Record {
        topic: Input::Packets.topic().into(),
        partition: 3,
        offset: 99,
        timestamp_ms: 1_234,
        key: Some(SESSION.as_bytes().to_vec()),
        value,
        headers: vec![("trace".into(), vec![1])],
    }
}

/// What becomes of the packet after `change`.
fn after(change: impl FnOnce(&mut MeasurementPacket)) -> Result<Packet, Box<Fault>> {
    let mut packet = sent();
    change(&mut packet);
    decode(record(packet.encode_to_vec()))
}

#[track_caller]
fn refused(change: impl FnOnce(&mut MeasurementPacket), reason: Reason) {
    let fault = after(change).unwrap_err();
    assert_eq!(fault.reason, reason, "{}", fault.detail);
    assert!(!fault.detail.contains(USER) && !fault.detail.contains(SESSION), "{}", fault.detail);
}

#[test]
fn a_packet_keeps_its_place_and_its_bytes() {
    let expected = record(sent().encode_to_vec());
    let packet = decode(expected.clone()).unwrap();
    assert_eq!(packet.session.to_string(), SESSION);
    assert_eq!(packet.user.to_string(), USER);
    assert_eq!(packet.origin, Origin { input: Input::Packets, partition: 3, offset: 99 });
    assert_eq!((packet.signal, packet.period_us), (Signal::Pulse, 8_000));
    assert_eq!((packet.sequence, packet.sequence_bits, packet.stamp_us), (41, 32, frame().stamp_us));
    let Arrival::Samples { channels, samples, det, reference, .. } = packet.arrival else {
        panic!("samples")
    };
    assert_eq!((channels, samples, det, reference), (1, 5, frame().det, vec![]));
    assert_eq!(packet.raw.recorded_at, 1_234_000);
    assert_eq!((packet.raw.key, packet.raw.value), (expected.key, expected.value));
    assert_eq!(packet.raw.headers, vec![("trace".to_owned(), vec![1])]);
}

#[test]
fn the_record_bytes_move() {
    let record = record(sent().encode_to_vec());
    let before = record.value.as_ptr();
    assert_eq!(decode(record).unwrap().raw.value.as_ptr(), before);
}

#[test]
fn an_end_takes_the_place_after_the_last_packet() {
    let end = |sequence: u32| {
        after(move |packet| {
            packet.raw_packet.clear();
            packet.end_of_session = true;
            packet.sequence_no = sequence;
        })
    };
    let packet = end(42).unwrap();
    assert_eq!(packet.arrival, Arrival::End);
    assert_eq!((packet.sequence, packet.sequence_bits), (42, 16));
    assert_eq!(packet.stamp_us, AT_MS as i64 * 1_000);
    assert_eq!(end(0x0001_0005).unwrap().sequence, 5);
}

#[test]
fn envelopes_that_contradict_themselves_are_refused() {
    refused(|packet| packet.session_id = USER.into(), Reason::BadEnvelope);
    refused(|packet| packet.user_id = "someone".into(), Reason::BadEnvelope);
    refused(|packet| packet.user_id = USER.replace('-', ""), Reason::BadEnvelope);
    refused(|packet| packet.end_of_session = true, Reason::BadLength);
    let mut keyless = record(sent().encode_to_vec());
    keyless.key = None;
    assert_eq!(decode(keyless).unwrap_err().reason, Reason::BadEnvelope);
    let mut odd = sent();
    odd.session_id = "no-uuid".into();
    let mut odd = record(odd.encode_to_vec());
    odd.key = Some(b"no-uuid".to_vec());
    assert_eq!(decode(odd).unwrap_err().reason, Reason::BadEnvelope);
    assert_eq!(decode(record(vec![0xff; 40])).unwrap_err().reason, Reason::BadEnvelope);
}

#[test]
fn fields_that_were_not_set_are_refused() {
    refused(|packet| packet.user_id.clear(), Reason::MissingField);
    refused(|packet| packet.signal = 0, Reason::MissingField);
    refused(|packet| packet.sample_period_us = 0, Reason::MissingField);
    refused(|packet| packet.raw_packet.clear(), Reason::BadLength);
    let end = |packet: &mut MeasurementPacket, at| {
        packet.raw_packet.clear();
        packet.end_of_session = true;
        packet.timestamp_ms = at;
    };
    refused(|packet| end(packet, 0), Reason::MissingField);
    refused(|packet| end(packet, u64::MAX), Reason::OutOfRange);
    refused(|packet| packet.signal = 77, Reason::OutOfRange);
}

#[test]
fn fields_of_a_later_version_are_ignored() {
    let mut value = sent().encode_to_vec();
    value.extend_from_slice(&[15 << 3 | 2, 1, 7]);
    assert!(decode(record(value)).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..400)) {
        let refused = decode(record(value.clone())).unwrap_err();
        prop_assert_eq!(refused.raw.value, value);
    }

    #[test]
    fn no_raw_packet_panics(raw in proptest::collection::vec(any::<u8>(), 0..400), end in any::<bool>(), at in any::<u64>()) {
        // Whatever comes out, it was asked for: the call returns.
        let packet = after(|packet| {
            packet.raw_packet.clone_from(&raw);
            packet.end_of_session = end;
            packet.timestamp_ms = at;
        });
        prop_assert!(packet.is_err() || end && raw.is_empty());
    }

    #[test]
    fn damage_anywhere_in_a_record_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut value = sent().encode_to_vec();
        let at = at.index(value.len());
        value[at] = byte;
        let whole = value.clone();
        match decode(record(value)) {
            Ok(packet) => prop_assert_eq!(packet.raw.value, whole),
            Err(fault) => prop_assert_eq!(fault.raw.value, whole),
        }
    }
}

#[test]
fn what_a_packet_says_of_its_cartridge_is_kept_or_the_packet_is_refused() {
    assert_eq!(after(|_| ()).unwrap().cartridge, None);
    let calibration = WireCalibration {
        id: "c".into(),
        kind: WireCalibrationKind::Factory.into(),
        calibrated_at_ms: 1,
        valid_until_ms: 2,
        ..WireCalibration::default()
    };
    let sent = calibration.clone();
    let cartridge = after(|packet| packet.calibration = Some(sent)).unwrap().cartridge.unwrap();
    assert_eq!(cartridge.calibration.unwrap().id, "c");
    assert_eq!(cartridge.tag, None);
    refused(|packet| packet.cartridge_tag = vec![1; 10], Reason::BadLength);
    let of_cartridge = |device: &str| {
        let device = device.to_owned();
        move |packet: &mut MeasurementPacket| {
            (packet.signal, packet.device_id) = (WireSignal::Channels.into(), device);
        }
    };
    assert_eq!(after(|_| ()).unwrap().device, None, "a device of pulse is known by its session");
    assert_eq!(after(of_cartridge("")).unwrap().device, None);
    assert_eq!(after(of_cartridge("reader-1")).unwrap().device.as_deref(), Some("reader-1"));
    assert!(after(of_cartridge(&"d".repeat(128))).is_ok());
    refused(of_cartridge(&"d".repeat(129)), Reason::BadLength);
    let two = WireCalibration { gains: vec![1.0; 2], ..calibration.clone() };
    refused(|packet| packet.calibration = Some(two), Reason::BadLength);
    let zero = WireCalibration { gains: vec![0.0], ..calibration };
    refused(|packet| packet.calibration = Some(zero), Reason::OutOfRange);
}
