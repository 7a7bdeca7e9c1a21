//! Panes: stretches of event time, and what a window's panes hold together.

use model::{Origin, Span};
use serde::{Deserialize, Serialize};

/// One pane of event time; `M` is what its reader remembers at its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pane<M> {
    /// Start in panes since 1970.
    pub(crate) number: i64,
    /// Index of its first slot.
    pub(crate) slot: i64,
    /// What the reader remembers.
    pub(crate) memory: M,
    /// Time between two samples as the clock has it, microseconds.
    pub(crate) period_us: f64,
    /// Lowest and highest offset of its packets.
    pub(crate) offsets: Option<(u64, u64)>,
    pub(crate) real: u32,
    pub(crate) imputed: u32,
}

impl<M: Default> Pane<M> {
    /// An empty pane whose first slot will be `slot`.
    pub(crate) fn new(number: i64, slot: i64, period_us: f64) -> Self {
        Self { number, slot, memory: M::default(), period_us, offsets: None, real: 0, imputed: 0 }
    }
}

impl<M> Pane<M> {
    /// Notes a packet.
    pub(crate) fn note(&mut self, offset: u64) {
        self.offsets = union(self.offsets, Some((offset, offset)));
    }
}

/// What the panes of a window hold together.
pub(crate) struct Content {
    pub(crate) real: u32,
    pub(crate) imputed: u32,
    /// Lowest and highest offset of the packets.
    offsets: (u64, u64),
}

impl Content {
    /// Adds up `panes`; none if no packet has a sample in them.
    pub(crate) fn of<'panes, M: 'panes>(panes: impl Iterator<Item = &'panes Pane<M>>) -> Option<Self> {
        let (mut real, mut imputed, mut offsets) = (0, 0, None);
        for pane in panes {
            real += pane.real;
            imputed += pane.imputed;
            offsets = union(offsets, pane.offsets);
        }
        offsets.map(|offsets| Self { real, imputed, offsets })
    }

    /// The packets, of the session that began with the one at `origin`.
    pub(crate) fn span(&self, origin: Origin) -> Span {
        Span { first: self.offsets.0, last: self.offsets.1, ..Span::from(origin) }
    }
}

fn union(one: Option<(u64, u64)>, other: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (one, other) {
        (Some((low, high)), Some((lower, higher))) => Some((low.min(lower), high.max(higher))),
        (one, other) => one.or(other),
    }
}
