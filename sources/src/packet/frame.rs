//! The bytes a device sends, in both versions, little-endian.
//!
//! ```text
//! v1   0 sequence u16 · 2 channels u16 · 4 temperature f32 · 8 humidity f32 · 12 battery u8
//!      13 low 32 bits of milliseconds u32 · 17 det f32[C]
//! v2   0 magic 0x504D u16 · 2 version = 2 u8 · 3 flags u8 · 4 sequence u32 · 8 microseconds u64
//!      16 channels u16 · 18 samples per channel u16 · 20 temperature f32 · 24 humidity f32
//!      28 pressure f32 · 32 battery u8 · 33 self test u8 · 34 reserved u16
//!      36 det f32[C·n] · reference f32[C·n] if flagged · CRC-32C u32 over all before
//! ```
//! Blocks are channel-major: sample `i` of channel `c` stands at `c·n + i`.
//!
//! # Invariants
//! - Every length is exact; a frame that decodes encodes to the same bytes, apart from reserved ones.
//! - The two versions cannot be confused: the third byte of a v2 frame is 2, and no channel count of
//!   v1 (8, 88, 448, 896) has 2 as its low byte, so a v1 sequence of 0x504D stays v1.

mod decode;
mod encode;

use model::Environment;

/// Channels a v1 frame may have.
const CHANNELS_V1: [u16; 4] = [8, 88, 448, 896];
/// Most channels of a frame: the largest fingerprint.
pub const MAX_CHANNELS: u16 = 896;
/// Most samples per channel of a frame.
pub const MAX_SAMPLES: u16 = 4096;
/// Most bytes of a frame. 896 channels at 100 Hz with reference need 7,208 bytes per 10 ms; this
/// leaves room for a third of a second of them, and bounds what one bad length can cost.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

const HEADER_V1: usize = 17;
const HEADER_V2: usize = 36;
const CHECKSUM: usize = 4;
const MAGIC: u16 = 0x504d;
const VERSION_2: u8 = 2;
/// Flag: a reference block follows the detector block.
const HAS_REFERENCE: u8 = 1;
/// Flag: several samples per channel.
const IS_WAVEFORM: u8 = 1 << 1;

/// Version of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One sample per channel, 16-bit sequence, no checksum.
    One,
    /// Several samples per channel, 32-bit sequence, CRC-32C.
    Two,
}

impl Version {
    /// Width of the sequence number in bits.
    pub const fn sequence_bits(self) -> u8 {
        match self {
            Self::One => 16,
            Self::Two => 32,
        }
    }
}

/// A frame: what one device packet says.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Version it was or will be written in.
    pub version: Version,
    /// Sequence number; v1 keeps the low 16 bits.
    pub sequence: u32,
    /// Device time of the first sample, microseconds since 1970-01-01 UTC; v1 keeps the low 32 bits
    /// of its milliseconds.
    pub stamp_us: i64,
    /// Channels, C.
    pub channels: u16,
    /// Samples per channel, n; 1 in v1.
    pub samples: u16,
    /// Detector values, `det[c * n + i]`.
    pub det: Vec<f32>,
    /// Reference values, same shape, or empty.
    pub reference: Vec<f32>,
    /// Device state; v1 has neither pressure nor self test.
    pub environment: Environment,
}

#[cfg(test)]
mod tests;
