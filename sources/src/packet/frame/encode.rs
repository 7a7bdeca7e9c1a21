//! Frame to bytes, as a device writes them.

use super::{CHANNELS_V1, Frame, HAS_REFERENCE, IS_WAVEFORM, MAGIC, VERSION_2, Version};

impl Frame {
    /// The bytes of this frame in its version.
    ///
    /// # Panics
    /// If the blocks do not have the shape the counts say, or if v1 is asked for what it cannot carry.
    pub fn encode(&self) -> Vec<u8> {
        match self.version {
            Version::One => encode_v1(self),
            Version::Two => encode_v2(self),
        }
    }
}

fn encode_v1(frame: &Frame) -> Vec<u8> {
    assert!(CHANNELS_V1.contains(&frame.channels), "v1 has 8, 88, 448 or 896 channels");
    assert!(
        frame.samples == 1 && frame.reference.is_empty(),
        "v1 has one sample per channel and no reference"
    );
    assert_eq!(frame.det.len(), usize::from(frame.channels), "one value per channel");
    let mut bytes = Vec::with_capacity(super::HEADER_V1 + 4 * frame.det.len());
    bytes.extend_from_slice(&(frame.sequence as u16).to_le_bytes());
    bytes.extend_from_slice(&frame.channels.to_le_bytes());
    bytes.extend_from_slice(&frame.environment.temperature_c.to_le_bytes());
    bytes.extend_from_slice(&frame.environment.humidity_percent.to_le_bytes());
    bytes.push(frame.environment.battery_percent);
    bytes.extend_from_slice(&((frame.stamp_us / 1_000) as u32).to_le_bytes());
    put(&mut bytes, &frame.det);
    bytes
}

fn encode_v2(frame: &Frame) -> Vec<u8> {
    let values = usize::from(frame.channels) * usize::from(frame.samples);
    assert_eq!(frame.det.len(), values, "channels times samples values");
    assert!(
        frame.reference.is_empty() || frame.reference.len() == values,
        "the reference has the same shape"
    );
    let has_reference = if frame.reference.is_empty() { 0 } else { HAS_REFERENCE };
    let is_waveform = if frame.samples > 1 { IS_WAVEFORM } else { 0 };
    let length = super::HEADER_V2 + 4 * (frame.det.len() + frame.reference.len()) + super::CHECKSUM;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&MAGIC.to_le_bytes());
    bytes.extend_from_slice(&[VERSION_2, has_reference | is_waveform]);
    bytes.extend_from_slice(&frame.sequence.to_le_bytes());
    bytes.extend_from_slice(&frame.stamp_us.to_le_bytes());
    bytes.extend_from_slice(&frame.channels.to_le_bytes());
    bytes.extend_from_slice(&frame.samples.to_le_bytes());
    bytes.extend_from_slice(&frame.environment.temperature_c.to_le_bytes());
    bytes.extend_from_slice(&frame.environment.humidity_percent.to_le_bytes());
    bytes.extend_from_slice(&frame.environment.pressure_kpa.to_le_bytes());
    bytes.extend_from_slice(&[frame.environment.battery_percent, frame.environment.self_test, 0, 0]);
    put(&mut bytes, &frame.det);
    put(&mut bytes, &frame.reference);
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn put(bytes: &mut Vec<u8>, values: &[f32]) {
    for value in values {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
}
