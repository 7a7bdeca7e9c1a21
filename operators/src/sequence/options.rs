//! The limits of waiting, as the configuration spells them.

use model::{Micros, time::SECOND};
use serde::{Deserialize, Serialize};

/// How long to wait, and when to give up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Device time that packets wait for a missing sequence number, milliseconds.
    pub reorder_ms: u32,
    /// Packets that wait for a missing sequence number.
    pub reorder_packets: u32,
    /// How far behind the newest sample a packet may come and still correct results, seconds.
    pub lateness_s: u32,
    /// Silence after which a session counts as ended, seconds of the epoch's "now".
    pub silence_s: u32,
    /// Silence after which nothing is remembered of a session, seconds of the watermark.
    pub forget_s: u32,
    /// Longest hole that is interpolated, milliseconds; also the least jump of a clock that begins a segment.
    pub short_gap_ms: u32,
    /// Longest hole within one segment, milliseconds.
    pub long_gap_ms: u32,
    /// How far sequence number and stamp may disagree before they must be of different runs, seconds.
    pub restart_s: u32,
}

impl Options {
    /// The values of the specification (signals.md §4.1), and this product's own `forget_s` and `restart_s`:
    /// a day, and what no device needs to boot in.
    pub const fn specified() -> Self {
        Self {
            reorder_ms: 250,
            reorder_packets: 32,
            lateness_s: 5,
            silence_s: 300,
            forget_s: 86_400,
            short_gap_ms: 200,
            long_gap_ms: 2_000,
            restart_s: 1,
        }
    }

    pub(crate) fn lateness(&self) -> Micros {
        Micros::from(self.lateness_s) * SECOND
    }

    pub(crate) fn short_gap(&self) -> Micros {
        Micros::from(self.short_gap_ms) * 1_000
    }
}
