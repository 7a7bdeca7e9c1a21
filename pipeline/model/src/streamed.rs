//! What the packets of a session show of it: that it began, how far it came, that it ended.
//!
//! # Invariants
//! - A beginning and an end are told again with the next revision when packets change what is known of them; a session
//!   that goes on takes its end back.
//! - How far a session came is told in steps, not with every packet: what it says of a step is the same however its
//!   packets were cut into epochs.

use crate::{CartridgeKind, Micros, SessionId, Signal, Span, UserId};
use serde::{Deserialize, Serialize};

/// A session as its packets show it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Streamed {
    /// How often it was told anew: of two of one session, the larger counts.
    pub told: u64,
    /// Session.
    pub session: SessionId,
    /// Person measured.
    pub user: UserId,
    /// Device, as its maker names it, where packets name it.
    pub device: Option<Box<str>>,
    /// That it began; absent for one that was under way when this was first counted.
    pub beginning: Option<SessionBeginning>,
    /// How far it came.
    pub stream: SessionStream,
    /// That it ended; absent while it is open.
    pub end: Option<SessionEnd>,
    /// Whether it has been silent for so long that nothing corrects it any more.
    pub silent: bool,
}

/// That a session began.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionBeginning {
    /// Session.
    pub session: SessionId,
    /// Time of its first sample.
    pub at: Micros,
    /// How often packets changed what is said here.
    pub revision: u32,
    /// Person measured.
    pub user: UserId,
    /// Device, as its maker names it, where packets name it.
    pub device: Option<Box<str>>,
    /// What it streams.
    pub signal: Signal,
    /// Number of its first packet.
    pub sequence: i64,
    /// Kind of the cartridge, where its tag was read.
    pub cartridge: Option<CartridgeKind>,
    /// How long the cartridge measures, seconds; absent where neither tag nor registry says.
    pub seconds: Option<u16>,
    /// The packet it was seen in.
    pub packets: Span,
}

/// How far a session came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionStream {
    /// Time of the first sample; absent for a session that was under way when this was first counted.
    pub from: Option<Micros>,
    /// Time just after the newest sample.
    pub until: Micros,
    /// Packets of samples that were used, each once.
    pub packets: u64,
    /// Number, counted on where the device's own wraps, up to which no packet is missing that could still be used: what
    /// the device goes on after when it comes back.
    pub last_sequence: i64,
    /// Share of the cartridge's measuring time that has passed since the first sample, whole percent, at most 100; absent
    /// where the measuring time is not known.
    pub progress_percent: Option<u8>,
    /// How often it went on after an end.
    pub resumed: u32,
    /// Its packets on the log.
    pub span: Span,
}

/// That a session ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionEnd {
    /// Session.
    pub session: SessionId,
    /// Time just after its last sample.
    pub at: Micros,
    /// How often packets changed what is said here, ends that were taken back included.
    pub revision: u32,
    /// Person measured.
    pub user: UserId,
    /// Device, as its maker names it, where packets name it.
    pub device: Option<Box<str>>,
    /// Who says so.
    pub status: EndStatus,
    /// Time of the first sample; absent for a session that was under way when this was first counted.
    pub from: Option<Micros>,
    /// Packets of samples that were used, each once.
    pub packets: u64,
    /// Share of the cartridge's measuring time that passed, as in [`SessionStream`].
    pub progress_percent: Option<u8>,
    /// How often it went on after an end.
    pub resumed: u32,
    /// Its packets on the log.
    pub span: Span,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EndStatus {
    /// Its device said so.
    Completed,
    /// Nothing was heard of it for too long.
    Timeout,
}

impl EndStatus {
    /// Stable name, as SQL and events have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Timeout => "timeout",
        }
    }
}
