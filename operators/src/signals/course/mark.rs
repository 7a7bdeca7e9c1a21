//! How far a session came, as of one of its packets.
//!
//! # Invariants
//! A mark is the same whether the packets up to it came in time or late.

use crate::sequence::clock::Placed;
use model::{Micros, Span};
use serde::{Deserialize, Serialize};

/// How far a session came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Packets used up to here, those that came late included.
    pub(super) packets: u64,
    /// Number of the last packet.
    pub(super) sequence: i64,
    /// Index after its last sample.
    pub(super) index: i64,
    /// Time just after its last sample.
    pub(super) until: Micros,
    /// The packets before it on the log.
    pub(super) before: Option<Span>,
    /// The last packet on the log.
    pub(super) own: Span,
    /// A packet before this one that reaches this time would have been told in its place.
    pub(super) since: Micros,
}

impl Mark {
    pub(super) fn of(placed: &Placed, samples: u16, sequence: i64) -> Self {
        let long = (placed.period_us * f64::from(samples)).round() as Micros;
        Self {
            packets: 1,
            sequence,
            index: placed.index + i64::from(samples),
            until: placed.at.saturating_add(long),
            before: None,
            own: placed.packet.origin.into(),
            since: Micros::MAX,
        }
    }

    /// All packets on the log.
    pub(super) fn span(&self) -> Span {
        self.before.map_or(self.own, |before| joined(before, self.own))
    }

    /// Takes a packet of before that came late.
    pub(super) fn heal(&mut self, late: &Self) {
        if late.until >= self.since {
            let Self { sequence, index, until, own, .. } = *late;
            *self = Self { sequence, index, until, own, ..*self };
        } else {
            self.before = Some(self.before.map_or(late.own, |before| joined(before, late.own)));
            self.packets += 1;
        }
    }
}

/// Both, and what lies between: the packets of a session stand on one partition.
fn joined(one: Span, other: Span) -> Span {
    Span { first: one.first.min(other.first), last: one.last.max(other.last), ..one }
}
