//! Bytes to frame: every refusal says what was wrong without any of the values.

use super::{
    CHANNELS_V1, CHECKSUM, Frame, HAS_REFERENCE, HEADER_V1, HEADER_V2, IS_WAVEFORM, MAGIC, MAX_CHANNELS,
    MAX_FRAME_BYTES, MAX_SAMPLES, VERSION_2, Version,
};
use crate::{instant, packet::gateway_stamp, refusal::Refusal};
use model::{
    Environment,
    Reason::{BadChecksum, BadLength, BadVersion, NotFinite, OutOfRange},
};

impl Frame {
    /// Decodes the bytes of one device packet; no byte string panics.
    ///
    /// `gateway_ms` is when the gateway received it, milliseconds since 1970-01-01 UTC: it completes
    /// the stamp of v1 to the nearest instant with the same low 32 bits, and v2 does not look at it.
    pub(crate) fn decode(bytes: &[u8], gateway_ms: u64) -> Result<Self, Refusal> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(Refusal::new(
                BadLength,
                format!(
                    "raw_packet has {} bytes, at most {MAX_FRAME_BYTES} are read: send smaller packets",
                    bytes.len()
                ),
            ));
        }
        match *bytes {
            [low, high, VERSION_2, ..] if u16::from_le_bytes([low, high]) == MAGIC => decode_v2(bytes),
            _ => decode_v1(bytes, gateway_ms),
        }
    }
}

fn decode_v1(bytes: &[u8], gateway_ms: u64) -> Result<Frame, Refusal> {
    if bytes.len() < HEADER_V1 {
        return Err(too_short(bytes.len(), HEADER_V1));
    }
    let channels = u16::from_le_bytes(take(bytes, 2));
    if !CHANNELS_V1.contains(&channels) {
        return Err(Refusal::new(
            BadVersion,
            "raw_packet starts like no version this product reads: send version 2 (magic 0x504D), \
             or version 1 with 8, 88, 448 or 896 channels",
        ));
    }
    exact(bytes.len(), HEADER_V1 + 4 * usize::from(channels))?;
    let sent_at = gateway_stamp(gateway_ms)? / 1_000;
    let frame = Frame {
        version: Version::One,
        sequence: u16::from_le_bytes(take(bytes, 0)).into(),
        stamp_us: complete(u32::from_le_bytes(take(bytes, 13)), sent_at)?,
        channels,
        samples: 1,
        det: values(&bytes[HEADER_V1..]),
        reference: Vec::new(),
        environment: Environment {
            temperature_c: f32::from_le_bytes(take(bytes, 4)),
            humidity_percent: f32::from_le_bytes(take(bytes, 8)),
            battery_percent: bytes[12],
            ..Environment::default()
        },
    };
    finite(frame)
}

fn decode_v2(bytes: &[u8]) -> Result<Frame, Refusal> {
    if bytes.len() < HEADER_V2 + CHECKSUM {
        return Err(too_short(bytes.len(), HEADER_V2 + CHECKSUM));
    }
    let flags = bytes[3];
    let channels = u16::from_le_bytes(take(bytes, 16));
    let samples = u16::from_le_bytes(take(bytes, 18));
    let block = 4 * usize::from(channels) * usize::from(samples);
    let blocks = if flags & HAS_REFERENCE == 0 { 1 } else { 2 };
    exact(bytes.len(), HEADER_V2 + blocks * block + CHECKSUM)?;
    let body = &bytes[..bytes.len() - CHECKSUM];
    if crc32c::crc32c(body) != u32::from_le_bytes(take(bytes, body.len())) {
        return Err(Refusal::new(
            BadChecksum,
            "the CRC-32C of raw_packet does not match: it was damaged on its way, send it again",
        ));
    }
    // From here on the bytes are what the device meant to send.
    if flags & !(HAS_REFERENCE | IS_WAVEFORM) != 0 {
        return Err(Refusal::new(BadVersion, "raw_packet sets flags this product does not know: upgrade it"));
    }
    if !(1..=MAX_CHANNELS).contains(&channels) || !(1..=MAX_SAMPLES).contains(&samples) {
        return Err(Refusal::new(
            OutOfRange,
            format!("raw_packet must have 1 to {MAX_CHANNELS} channels of 1 to {MAX_SAMPLES} samples"),
        ));
    }
    let stamp_us = instant::from_micros(u64::from_le_bytes(take(bytes, 8))).ok_or_else(|| {
        Refusal::new(OutOfRange, "the stamp of raw_packet is after the year 2199: check the device's clock")
    })?;
    let (det, reference) = body[HEADER_V2..].split_at(block);
    finite(Frame {
        version: Version::Two,
        sequence: u32::from_le_bytes(take(bytes, 4)),
        stamp_us,
        channels,
        samples,
        det: values(det),
        reference: values(reference),
        environment: Environment {
            temperature_c: f32::from_le_bytes(take(bytes, 20)),
            humidity_percent: f32::from_le_bytes(take(bytes, 24)),
            pressure_kpa: f32::from_le_bytes(take(bytes, 28)),
            battery_percent: bytes[32],
            self_test: bytes[33],
        },
    })
}

/// The instant nearest to `near_ms` whose milliseconds end in `low`, in microseconds.
fn complete(low: u32, near_ms: i64) -> Result<i64, Refusal> {
    // The signed distance modulo 2^32 is the shortest way from the gateway's stamp to the device's.
    let distance = low.wrapping_sub(near_ms as u32).cast_signed();
    u64::try_from(near_ms + i64::from(distance)).ok().and_then(instant::from_millis).ok_or_else(|| {
        Refusal::new(
            OutOfRange,
            "the stamp of raw_packet is before 1970 or after 2199: check the device's clock",
        )
    })
}

fn finite(frame: Frame) -> Result<Frame, Refusal> {
    let Environment { temperature_c, humidity_percent, pressure_kpa, .. } = frame.environment;
    let all = |values: &[f32]| values.iter().all(|value| value.is_finite());
    if all(&[temperature_c, humidity_percent, pressure_kpa]) && all(&frame.det) && all(&frame.reference) {
        return Ok(frame);
    }
    Err(Refusal::new(NotFinite, "raw_packet holds a NaN or infinite value: leave out what was not measured"))
}

fn exact(found: usize, needed: usize) -> Result<(), Refusal> {
    if found == needed {
        return Ok(());
    }
    Err(Refusal::new(
        BadLength,
        format!(
            "raw_packet has {found} bytes where its header asks for {needed}: send whole packets, one per record"
        ),
    ))
}

fn too_short(found: usize, needed: usize) -> Refusal {
    Refusal::new(
        BadLength,
        format!(
            "raw_packet has {found} bytes, its header alone needs {needed}: send whole packets, one per record"
        ),
    )
}

fn values(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

/// The `N` bytes at `at`; the caller has checked the length.
fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("the length was checked before the header is read")
}
