//! `manpasik.v1.MeasurementPacket`, field by field as `proto/manpasik/v1/measurement.proto` has it.
//!
//! Derived by hand, so that no build needs protoc; a test below holds both against each other.

use prost::{Enumeration, Message};

/// What a gateway writes: a device packet as it arrived, or the end of its session.
#[derive(Clone, PartialEq, Message)]
// The derived `Debug` would print health data.
#[prost(skip_debug)]
pub struct MeasurementPacket {
    /// Session, a UUID in its hyphenated text form; also the key of the record.
    #[prost(string, tag = "1")]
    pub session_id: String,
    /// Device, as its maker names it.
    #[prost(string, tag = "2")]
    pub device_id: String,
    /// Person measured, a UUID in its hyphenated text form.
    #[prost(string, tag = "3")]
    pub user_id: String,
    /// The packet as the device sent it; empty when `end_of_session` is set.
    #[prost(bytes = "vec", tag = "4")]
    pub raw_packet: Vec<u8>,
    /// The packet's own sequence number; with `end_of_session`, one past the last packet.
    #[prost(uint32, tag = "5")]
    pub sequence_no: u32,
    /// When the gateway received it, milliseconds since 1970-01-01 UTC.
    #[prost(uint64, tag = "6")]
    pub timestamp_ms: u64,
    /// Kind of signal.
    #[prost(enumeration = "WireSignal", tag = "7")]
    pub signal: i32,
    /// Nominal time between two samples of one channel, microseconds; positive.
    #[prost(uint32, tag = "8")]
    pub sample_period_us: u32,
    /// The device ended the session.
    #[prost(bool, tag = "9")]
    pub end_of_session: bool,
}

impl std::fmt::Debug for MeasurementPacket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MeasurementPacket({} bytes)", self.raw_packet.len())
    }
}

/// `manpasik.v1.Signal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum WireSignal {
    /// Not said: the packet is refused.
    Unspecified = 0,
    /// Endpoint electrochemistry, impedance, gas and ion arrays.
    Channels = 1,
    /// Optical pulse.
    Pulse = 2,
    /// Electrocardiogram.
    Ecg = 3,
    /// Respiration.
    Respiration = 4,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTO: &str = include_str!("../../proto/manpasik/v1/measurement.proto");

    /// `(type, name, number)` of every field of the message in the file.
    fn fields() -> Vec<(&'static str, &'static str, u32)> {
        let message = PROTO.split_once("message MeasurementPacket {").unwrap().1.split_once('}').unwrap().0;
        let field = |line: &'static str| {
            let (declaration, number) = line.trim().strip_suffix(';')?.split_once(" = ")?;
            let (kind, name) = declaration.split_once(' ')?;
            Some((kind, name, number.parse().ok()?))
        };
        message.lines().filter(|line| !line.trim().starts_with("//")).filter_map(field).collect()
    }

    /// A message in which only field `name` is set.
    fn only(name: &str) -> MeasurementPacket {
        let mut packet = MeasurementPacket::default();
        match name {
            "session_id" => packet.session_id = "s".into(),
            "device_id" => packet.device_id = "d".into(),
            "user_id" => packet.user_id = "u".into(),
            "raw_packet" => packet.raw_packet = vec![1],
            "sequence_no" => packet.sequence_no = 1,
            "timestamp_ms" => packet.timestamp_ms = 1,
            "signal" => packet.signal = 1,
            "sample_period_us" => packet.sample_period_us = 1,
            "end_of_session" => packet.end_of_session = true,
            other => panic!("the struct has no field {other}"),
        }
        packet
    }

    #[test]
    fn the_struct_writes_what_the_file_says() {
        let fields = fields();
        assert_eq!(fields.len(), 9, "{fields:?}");
        for (kind, name, number) in fields {
            // A key on the wire is the number and the wire type: 2 for lengths, 0 for varints.
            let wire_type = if matches!(kind, "string" | "bytes") { 2 } else { 0 };
            assert_eq!(only(name).encode_to_vec()[0], (number << 3 | wire_type) as u8, "{name}");
        }
        for (name, value) in [
            ("SIGNAL_UNSPECIFIED", WireSignal::Unspecified),
            ("SIGNAL_CHANNELS", WireSignal::Channels),
            ("SIGNAL_PULSE", WireSignal::Pulse),
            ("SIGNAL_ECG", WireSignal::Ecg),
            ("SIGNAL_RESPIRATION", WireSignal::Respiration),
        ] {
            assert!(PROTO.contains(&format!("{name} = {};", value as i32)), "{name}");
        }
    }

    #[test]
    fn nothing_of_the_packet_prints() {
        let packet =
            MeasurementPacket { user_id: "someone".into(), raw_packet: vec![7; 3], ..Default::default() };
        assert_eq!(format!("{packet:?}"), "MeasurementPacket(3 bytes)");
    }
}
