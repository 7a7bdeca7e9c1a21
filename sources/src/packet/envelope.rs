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
    /// The NFC tag of the cartridge as the device read it; needed only with the first packet of a session.
    #[prost(bytes = "vec", tag = "10")]
    pub cartridge_tag: Vec<u8>,
    /// The calibration of the cartridge; needed only with the first packet of a session.
    #[prost(message, optional, tag = "11")]
    pub calibration: Option<WireCalibration>,
}

/// `manpasik.v1.Calibration`.
#[derive(Clone, PartialEq, Message)]
pub struct WireCalibration {
    /// Its id, as its maker names it.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Where it comes from.
    #[prost(enumeration = "WireCalibrationKind", tag = "2")]
    pub kind: i32,
    /// Share of the reference that is taken off, 0 to 2.
    #[prost(double, optional, tag = "3")]
    pub alpha: Option<f64>,
    /// One per channel, in the unit of the difference; none for zeros.
    #[prost(float, repeated, tag = "4")]
    pub offsets: Vec<f32>,
    /// One per channel, not zero; none for ones.
    #[prost(float, repeated, tag = "5")]
    pub gains: Vec<f32>,
    /// Change of the gain per °C, from -1 to 1.
    #[prost(double, tag = "6")]
    pub temperature_coefficient: f64,
    /// Change of the gain per percent of relative humidity, from -1 to 1.
    #[prost(double, tag = "7")]
    pub humidity_coefficient: f64,
    /// How well it fits, 0 to 1.
    #[prost(double, tag = "8")]
    pub accuracy_score: f64,
    /// When it was made, milliseconds since 1970-01-01 UTC.
    #[prost(uint64, tag = "9")]
    pub calibrated_at_ms: u64,
    /// Until when it holds, milliseconds since 1970-01-01 UTC.
    #[prost(uint64, tag = "10")]
    pub valid_until_ms: u64,
    /// What each reference channel reads before exposure; none where nobody measured it.
    #[prost(float, repeated, tag = "11")]
    pub reference_means: Vec<f32>,
    /// Standard deviations of these from cartridge to cartridge, positive; as many as means.
    #[prost(float, repeated, tag = "12")]
    pub reference_deviations: Vec<f32>,
}

/// `manpasik.v1.CalibrationKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum WireCalibrationKind {
    /// Not said: the packet is refused.
    Unspecified = 0,
    /// Made with the cartridge.
    Factory = 1,
    /// Made with known samples where it is used.
    Field = 2,
    /// Made by the device itself.
    Auto = 3,
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

    /// `(type, name, number)` of every field of a message in the file.
    fn fields(message: &str) -> Vec<(&'static str, &'static str, u32)> {
        let start = format!("message {message} {{");
        let message = PROTO.split_once(start.as_str()).unwrap().1.split_once('}').unwrap().0;
        let field = |line: &'static str| {
            let (declaration, number) = line.trim().strip_suffix(';')?.split_once(" = ")?;
            let (kind, name) = declaration.rsplit_once(' ')?;
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
            "cartridge_tag" => packet.cartridge_tag = vec![1],
            "calibration" => packet.calibration = Some(WireCalibration::default()),
            other => panic!("the struct has no field {other}"),
        }
        packet
    }

    /// A calibration in which only field `name` is set.
    fn only_of_calibration(name: &str) -> WireCalibration {
        let mut calibration = WireCalibration::default();
        match name {
            "id" => calibration.id = "c".into(),
            "kind" => calibration.kind = 1,
            "alpha" => calibration.alpha = Some(0.0),
            "offsets" => calibration.offsets = vec![1.0],
            "gains" => calibration.gains = vec![1.0],
            "temperature_coefficient" => calibration.temperature_coefficient = 1.0,
            "humidity_coefficient" => calibration.humidity_coefficient = 1.0,
            "accuracy_score" => calibration.accuracy_score = 1.0,
            "calibrated_at_ms" => calibration.calibrated_at_ms = 1,
            "valid_until_ms" => calibration.valid_until_ms = 1,
            "reference_means" => calibration.reference_means = vec![1.0],
            "reference_deviations" => calibration.reference_deviations = vec![1.0],
            other => panic!("the struct has no field {other}"),
        }
        calibration
    }

    /// Wire type of a field: 1 for doubles, 2 for whatever has a length, packed floats too, 0 for varints.
    fn wire_type(kind: &str) -> u32 {
        match kind {
            "string" | "bytes" | "Calibration" | "repeated float" => 2,
            "double" | "optional double" => 1,
            _ => 0,
        }
    }

    #[test]
    fn the_struct_writes_what_the_file_says() {
        let packet = fields("MeasurementPacket");
        assert_eq!(packet.len(), 11, "{packet:?}");
        for (kind, name, number) in packet {
            // A key on the wire is the number and the wire type.
            assert_eq!(only(name).encode_to_vec()[0], (number << 3 | wire_type(kind)) as u8, "{name}");
        }
        let calibration = fields("Calibration");
        assert_eq!(calibration.len(), 12, "{calibration:?}");
        for (kind, name, number) in calibration {
            let first = only_of_calibration(name).encode_to_vec()[0];
            assert_eq!(first, (number << 3 | wire_type(kind)) as u8, "{name}");
        }
        for (name, value) in [
            ("CALIBRATION_KIND_UNSPECIFIED", WireCalibrationKind::Unspecified),
            ("CALIBRATION_KIND_FACTORY", WireCalibrationKind::Factory),
            ("CALIBRATION_KIND_FIELD", WireCalibrationKind::Field),
            ("CALIBRATION_KIND_AUTO", WireCalibrationKind::Auto),
        ] {
            assert!(PROTO.contains(&format!("{name} = {};", value as i32)), "{name}");
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
