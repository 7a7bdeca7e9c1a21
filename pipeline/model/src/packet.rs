//! A device packet as it was sent, decoded but not yet ordered.

use crate::{Cartridge, Origin, SessionId, UserId, fault::Raw};
use serde::{Deserialize, Serialize};

/// What kind of signal a session streams; decides its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Signal {
    /// Endpoint electrochemistry or impedance, gas and ion arrays (classes A and B).
    Channels,
    /// Optical pulse (class C); channel 0 is the photoplethysmogram.
    Pulse,
    /// Electrocardiogram (class D); channel 0 is the lead that is read.
    Ecg,
    /// Respiration (class E); channel 0 is the impedance of the chest, or another wave of breathing.
    Respiration,
}

impl Signal {
    /// Stable name, as events have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Channels => "channels",
            Self::Pulse => "pulse",
            Self::Ecg => "ecg",
            Self::Respiration => "respiration",
        }
    }
}

/// What the device said about itself and its surroundings when it sent the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Temperature, °C.
    pub temperature_c: f32,
    /// Relative humidity, %.
    pub humidity_percent: f32,
    /// Air pressure, kPa; 0 where the format has none (v1).
    pub pressure_kpa: f32,
    /// Battery, %.
    pub battery_percent: u8,
    /// Result code of the self test; 0 is passed or not reported.
    pub self_test: u8,
}

/// A packet of samples, or the end of its session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Packet {
    /// Session it belongs to.
    pub session: SessionId,
    /// Person measured.
    pub user: UserId,
    /// Where it stood on the log.
    pub origin: Origin,
    /// Kind of signal.
    pub signal: Signal,
    /// Nominal time between two samples of one channel, microseconds; positive.
    pub period_us: u32,
    /// Sequence number as sent.
    pub sequence: u32,
    /// Width of the sequence number in bits: 16 (v1) or 32 (v2); it wraps there.
    pub sequence_bits: u8,
    /// Device time of the first sample, microseconds since 1970-01-01 UTC.
    ///
    /// v2 sends all of it; v1 sends the low 32 bits of milliseconds and is completed from the
    /// gateway's time stamp.
    pub stamp_us: i64,
    /// Device, as its maker names it: of a cartridge's packets, whose results name it.
    pub device: Option<Box<str>>,
    /// What it says of the cartridge; only a session's first packets need to.
    pub cartridge: Option<Box<Cartridge>>,
    /// What the packet brings.
    pub arrival: Arrival,
    /// The record it came in, should it turn out to be too late.
    pub raw: Raw,
}

/// What a packet brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Arrival {
    /// Samples.
    Samples {
        /// Number of channels, C.
        channels: u16,
        /// Samples per channel, n.
        samples: u16,
        /// Detector values, finite, channel-major: `det[c * n + i]`.
        det: Vec<f32>,
        /// Reference values, same shape, or empty where the packet has none.
        reference: Vec<f32>,
        /// Device state.
        environment: Environment,
    },
    /// The session was ended by its device; `sequence` is one past its last packet.
    End,
}

/// The number congruent to `sequence`, of which `bits` bits were kept, that is nearest to `reference` (signals.md §4.1).
///
/// Where two are equally near, it is the later one: up to half a turn ahead is ahead.
pub fn nearest(sequence: u32, bits: u8, reference: i64) -> i64 {
    let modulus = 1_i64 << bits.clamp(1, 32);
    let ahead = (i64::from(sequence) - reference).rem_euclid(modulus);
    reference + if ahead > modulus / 2 { ahead - modulus } else { ahead }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn numbers_unwrap_next_to_the_expected_one() {
        assert_eq!(nearest(0, 16, 65_536), 65_536);
        assert_eq!(nearest(3, 16, 65_530), 65_539);
        assert_eq!(nearest(65_535, 16, 65_540), 65_535);
        assert_eq!(nearest(65_535, 16, 1), -1);
        assert_eq!(nearest(7, 32, 5_000_000_000), 4_294_967_303);
        assert_eq!((nearest(8, 4, 16), nearest(9, 4, 16)), (24, 9));
    }
}
