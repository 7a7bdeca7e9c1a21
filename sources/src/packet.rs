//! Device packets: one record of the log becomes one [`Packet`] or one fault.
//!
//! # Layout
//! [`MeasurementPacket`] is the gateway's envelope, [`Frame`] the bytes of the device inside it.
//! Both directions are here, so that replay and tests send exactly what a device sends. [`Counter`] is for gateways whose
//! devices number their packets in a few bits.
//!
//! # Faults
//! `BAD_ENVELOPE` no protobuf message, or ids that are no UUIDs or disagree with the key ·
//! `MISSING_FIELD` an envelope field that was not set · `BAD_LENGTH`, `BAD_VERSION`, `BAD_CHECKSUM`,
//! `NOT_FINITE`, `OUT_OF_RANGE` as [`Frame::decode`] says, or a tag or calibration that cannot be used.

mod calibration;
mod counter;
mod envelope;
mod frame;
mod tag;

pub use counter::Counter;
pub use envelope::{MeasurementPacket, WireCalibration, WireCalibrationKind, WireSignal};
pub use frame::{Frame, MAX_CHANNELS, MAX_FRAME_BYTES, MAX_SAMPLES, Version};

use crate::{
    event::MAX_NAME_BYTES,
    instant,
    refusal::{Refusal, origin, raw},
};
use eventlog::Record;
use model::{Arrival, Cartridge, Fault, Input, Origin, Packet, Raw, Reason, SessionId, Signal, UserId};
use prost::Message;
use uuid::Uuid;

/// Decodes a record of the packet topic.
///
/// The record's bytes move into the packet (`Packet::raw`) or into the fault.
///
/// # Errors
/// The fault that goes to the dead letters, whole.
///
/// # Examples
/// ```
/// use eventlog::Record;
/// let record = Record {
///     topic: "manpasik.measurement.packet".into(),
///     partition: 0,
///     offset: 7,
///     timestamp_ms: 0,
///     key: None,
///     value: b"not a packet".to_vec(),
///     headers: vec![],
/// };
/// let fault = sources::packet::decode(record).unwrap_err();
/// assert_eq!(fault.reason, model::Reason::BadEnvelope);
/// assert_eq!(fault.raw.value, b"not a packet");
/// ```
pub fn decode(record: Record) -> Result<Packet, Box<Fault>> {
    let origin = origin(Input::Packets, &record);
    match read(&record, origin) {
        Ok(packet) => Ok(Packet { origin, raw: raw(record), ..packet }),
        Err(refusal) => Err(Box::new(refusal.fault(origin, raw(record)))),
    }
}

/// The packet in `record`, still without its raw bytes.
fn read(record: &Record, origin: Origin) -> Result<Packet, Refusal> {
    let sent = MeasurementPacket::decode(record.value.as_slice()).map_err(|_| {
        Refusal::new(
            Reason::BadEnvelope,
            "the value is no manpasik.v1.MeasurementPacket: encode it as protobuf",
        )
    })?;
    if record.key.as_deref() != Some(sent.session_id.as_bytes()) {
        return Err(Refusal::new(
            Reason::BadEnvelope,
            "the key of the record and session_id differ: use session_id as the key",
        ));
    }
    let session = SessionId::new(uuid(&sent.session_id, "session_id")?);
    let user = UserId::new(uuid(&sent.user_id, "user_id")?);
    let signal = signal(sent.signal)?;
    if sent.sample_period_us == 0 {
        return Err(Refusal::new(
            Reason::MissingField,
            "sample_period_us is not set: send the nominal sample period in microseconds",
        ));
    }
    let (cartridge, device) = (cartridge(&sent)?, device(&sent, signal)?);
    let content = if sent.end_of_session { end(&sent)? } else { samples(&sent)? };
    if let Some(cartridge) = &cartridge {
        calibration::fits(cartridge, &content.arrival)?;
    }
    Ok(Packet {
        session,
        user,
        origin,
        signal,
        period_us: sent.sample_period_us,
        sequence: content.sequence,
        sequence_bits: content.sequence_bits,
        stamp_us: content.stamp_us,
        device,
        cartridge,
        arrival: content.arrival,
        raw: Raw::default(),
    })
}

/// The device that measures a cartridge; those of other signals are known by their sessions.
fn device(sent: &MeasurementPacket, signal: Signal) -> Result<Option<Box<str>>, Refusal> {
    let device = sent.device_id.as_str();
    if signal != Signal::Channels || device.is_empty() {
        return Ok(None);
    }
    if device.len() > MAX_NAME_BYTES {
        let length = device.len();
        return Err(Refusal::new(
            Reason::BadLength,
            format!("device_id has {length} bytes, more than {MAX_NAME_BYTES}: send the name the device has"),
        ));
    }
    Ok(Some(device.into()))
}

/// What the packet says of the cartridge, if anything.
fn cartridge(sent: &MeasurementPacket) -> Result<Option<Box<Cartridge>>, Refusal> {
    let tag = (!sent.cartridge_tag.is_empty()).then(|| tag::parse(&sent.cartridge_tag)).transpose()?;
    let calibration = sent.calibration.as_ref().map(calibration::read).transpose()?;
    let says_nothing = tag.is_none() && calibration.is_none();
    Ok((!says_nothing).then(|| Box::new(Cartridge { tag, calibration })))
}

/// The part of a packet that the device itself sent.
struct Content {
    sequence: u32,
    sequence_bits: u8,
    stamp_us: i64,
    arrival: Arrival,
}

fn samples(sent: &MeasurementPacket) -> Result<Content, Refusal> {
    let frame = Frame::decode(&sent.raw_packet, sent.timestamp_ms)?;
    Ok(Content {
        sequence: frame.sequence,
        sequence_bits: frame.version.sequence_bits(),
        stamp_us: frame.stamp_us,
        arrival: Arrival::Samples {
            channels: frame.channels,
            samples: frame.samples,
            det: frame.det,
            reference: frame.reference,
            environment: frame.environment,
        },
    })
}

/// The end of a session takes its place by the low 16 bits of its number.
///
/// The envelope does not say how wide the device counts. The low 16 bits are right for both widths
/// as long as fewer than 2^15 packets are missing before the end, which at 10 ms per packet is longer
/// than the 300 s of silence after which the session has ended anyway.
fn end(sent: &MeasurementPacket) -> Result<Content, Refusal> {
    if !sent.raw_packet.is_empty() {
        return Err(Refusal::new(
            Reason::BadLength,
            "raw_packet is not empty in an end_of_session: send the last packet in a record of its own",
        ));
    }
    let stamp_us = gateway_stamp(sent.timestamp_ms)?;
    Ok(Content {
        sequence: sent.sequence_no & 0xffff,
        sequence_bits: Version::One.sequence_bits(),
        stamp_us,
        arrival: Arrival::End,
    })
}

/// The gateway's time stamp in microseconds.
fn gateway_stamp(timestamp_ms: u64) -> Result<i64, Refusal> {
    if timestamp_ms == 0 {
        return Err(Refusal::new(
            Reason::MissingField,
            "timestamp_ms is not set: send when the gateway got it",
        ));
    }
    instant::from_millis(timestamp_ms).ok_or_else(|| {
        Refusal::new(Reason::OutOfRange, "timestamp_ms is after the year 2199: check the gateway's clock")
    })
}

fn signal(number: i32) -> Result<Signal, Refusal> {
    match WireSignal::try_from(number) {
        Ok(WireSignal::Channels) => Ok(Signal::Channels),
        Ok(WireSignal::Pulse) => Ok(Signal::Pulse),
        Ok(WireSignal::Ecg) => Ok(Signal::Ecg),
        Ok(WireSignal::Respiration) => Ok(Signal::Respiration),
        Ok(WireSignal::Unspecified) => Err(Refusal::new(
            Reason::MissingField,
            "signal is not set: send CHANNELS, PULSE, ECG or RESPIRATION",
        )),
        Err(_) => Err(Refusal::new(
            Reason::OutOfRange,
            "signal is none that this version knows: upgrade this product",
        )),
    }
}

/// The UUID in `text`, which must be its hyphenated form: `Uuid` reads three others, a key has one.
fn uuid(text: &str, field: &'static str) -> Result<Uuid, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new(Reason::MissingField, format!("{field} is not set: send a UUID")));
    }
    let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
    hyphenated.then(|| Uuid::try_parse(text).ok()).flatten().ok_or_else(|| {
        Refusal::new(Reason::BadEnvelope, format!("{field} is no UUID: send 8-4-4-4-12 hexadecimal digits"))
    })
}

#[cfg(test)]
mod tests;
