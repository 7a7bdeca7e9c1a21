//! Any bytes as a packet record, as a device packet, and as a device packet with the right checksum.
//!
//! `cargo +nightly fuzz run packet --fuzz-dir sources/fuzz --sanitizer none`
//!
//! The checksum is put right because a fuzzer cannot guess one, and the checks behind it must hold too.
#![no_main]

use eventlog::Record;
use libfuzzer_sys::fuzz_target;
use model::Arrival;
use prost::Message;
use sources::packet::{MAX_CHANNELS, MAX_SAMPLES, MeasurementPacket, decode};

const SESSION: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fuzz_target!(|data: &[u8]| {
    check(data.to_vec());
    check(enveloped(data.to_vec()));
    let mut sealed = data.to_vec();
    sealed.extend_from_slice(&crc32c::crc32c(data).to_le_bytes());
    check(enveloped(sealed));
});

fn enveloped(raw_packet: Vec<u8>) -> Vec<u8> {
    let packet = MeasurementPacket {
        session_id: SESSION.into(),
        user_id: SESSION.into(),
        raw_packet,
        timestamp_ms: 1_767_225_600_000,
        signal: 1,
        sample_period_us: 8_000,
        ..Default::default()
    };
    packet.encode_to_vec()
}

/// Decodes `value` and holds the result against what decoding promises.
fn check(value: Vec<u8>) {
    let record = Record {
        topic: model::Input::Packets.topic().into(),
        partition: 0,
        offset: 0,
        timestamp_ms: i64::MAX,
        key: Some(SESSION.into()),
        value: value.clone(),
        headers: vec![],
    };
    let packet = match decode(record) {
        Ok(packet) => packet,
        Err(fault) => return assert_eq!(fault.raw.value, value),
    };
    assert_eq!(packet.raw.value, value);
    assert!(packet.stamp_us >= 0 && packet.period_us > 0);
    if let Arrival::Samples { channels, samples, det, reference, .. } = packet.arrival {
        assert!((1..=MAX_CHANNELS).contains(&channels) && (1..=MAX_SAMPLES).contains(&samples));
        assert_eq!(det.len(), usize::from(channels) * usize::from(samples));
        assert!(reference.is_empty() || reference.len() == det.len());
        assert!(det.iter().chain(&reference).all(|value| value.is_finite()));
    }
}
