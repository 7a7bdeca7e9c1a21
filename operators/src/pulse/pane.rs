//! Panes, and the windows made of them that can still be corrected.

use super::history::SECTIONS;
use dsp::cascade::State;
use model::PulseWindow;
use serde::{Deserialize, Serialize};

/// One hop of event time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pane {
    /// Start in hops since 1970.
    pub(super) number: i64,
    /// Index of its first slot.
    pub(super) slot: i64,
    /// State of the filter at its start.
    pub(super) state: State<SECTIONS>,
    /// Whether the filter begins with its first sample.
    pub(super) fresh: bool,
    /// Time between two samples as the clock has it, microseconds.
    pub(super) period_us: f64,
    /// Lowest and highest offset of its packets.
    pub(super) offsets: Option<(u64, u64)>,
    pub(super) real: u32,
    pub(super) imputed: u32,
}

impl Pane {
    /// An empty pane whose first slot will be `slot`.
    pub(super) fn new(number: i64, slot: i64, period_us: f64) -> Self {
        Self {
            number,
            slot,
            state: State::default(),
            fresh: true,
            period_us,
            offsets: None,
            real: 0,
            imputed: 0,
        }
    }

    /// Notes a packet.
    pub(super) fn note(&mut self, offset: u64) {
        self.offsets = union(self.offsets, Some((offset, offset)));
    }
}

/// A window whose time came and that is not final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Left {
    /// Number of its last pane.
    pub(super) pane: i64,
    /// The row as it left; absent if it held no sample.
    pub(super) row: Option<PulseWindow>,
    pub(super) revision: u32,
    /// Late packets that changed it since.
    pub(super) late: u32,
}

/// What the panes of a window hold together.
pub(super) struct Content {
    pub(super) real: u32,
    pub(super) imputed: u32,
    /// Lowest and highest offset of the packets.
    pub(super) offsets: (u64, u64),
}

impl Content {
    /// Adds up `panes`; none if no packet has a sample in them.
    pub(super) fn of<'panes>(panes: impl Iterator<Item = &'panes Pane>) -> Option<Self> {
        let (mut real, mut imputed, mut offsets) = (0, 0, None);
        for pane in panes {
            real += pane.real;
            imputed += pane.imputed;
            offsets = union(offsets, pane.offsets);
        }
        offsets.map(|offsets| Self { real, imputed, offsets })
    }
}

fn union(one: Option<(u64, u64)>, other: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (one, other) {
        (Some((low, high)), Some((lower, higher))) => Some((low.min(lower), high.max(higher))),
        (one, other) => one.or(other),
    }
}
