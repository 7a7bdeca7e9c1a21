//! Optical pulse sessions: from packets in any order to one fact per 30 s window.
//!
//! ```text
//! packets ─► by session ─► Sequencer ─► Chain ─┬─► windows (+1, and −1/+1 where a late packet corrects)
//! now ─────► every worker ─► silence ──────────┼─► faults
//!                                              └─► tallies
//! ```
//!
//! [`sessions`] holds what a worker knows of its sessions, [`chain`] is one session's signal, `history`
//! its recent samples, [`plan`] what sessions of one rate share. Only [`windows`] knows timely.
//!
//! # Frontier
//! Output of an epoch is produced once both inputs have passed it, so that "now" applies to whole epochs.
//!
//! # Retractions
//! A window leaves once its session's own time has passed its end; it depends on its session alone. A late
//! packet takes the window back and asserts it with the next revision. A window whose end lies more than the
//! lateness behind its session's newest sample is final.
//!
//! # Faults
//! Packets that come too late, and pulse packets at a rate the chain was not made for.

pub mod chain;
mod history;
mod pane;
pub mod plan;
pub mod sessions;
#[cfg(test)]
mod tests;

use crate::{
    Collection, Stream,
    sequence::{self, Tally},
};
use differential_dataflow::AsCollection;
use model::{Epoch, Fault, Micros, Packet, PulseWindow};
use serde::{Deserialize, Serialize};
use sessions::Sessions;
use std::collections::BTreeMap;
use timely::dataflow::{
    channels::pact::{Exchange, Pipeline},
    operators::{
        generic::{OutputBuilder, builder_rc::OperatorBuilder},
        vec::Broadcast,
    },
};

/// Shape of windows and filter, and how packets are ordered before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How packets are ordered.
    pub sequence: sequence::Options,
    /// Length of a window, seconds; a multiple of `hop_s`.
    pub window_s: u32,
    /// Distance between the starts of two windows, seconds; windows are aligned to it.
    pub hop_s: u32,
    /// Lower corner of the band-pass, Hz.
    pub low_hz: f64,
    /// Upper corner of the band-pass, Hz.
    pub high_hz: f64,
    /// Least share of real samples in a window that gets a heart rate, percent.
    pub real_percent: u32,
}

impl Options {
    /// The values of the specification (signals.md §4.4, §4.5).
    pub const fn specified() -> Self {
        Self {
            sequence: sequence::Options::specified(),
            window_s: 30,
            hop_s: 5,
            low_hz: 0.5,
            high_hz: 8.0,
            real_percent: 80,
        }
    }
}

/// What packets turn into.
pub struct Found<'scope> {
    /// One row per window.
    pub windows: Collection<'scope, PulseWindow>,
    /// Packets that could not be used.
    pub faults: Stream<'scope, Fault>,
    /// What was counted, at most one tally per epoch and worker.
    pub tallies: Stream<'scope, Tally>,
}

/// Orders the packets of every session and reads a heart rate off every window of the optical ones.
///
/// `now` is a value per epoch, from any worker; the largest so far counts.
pub fn windows<'scope>(
    packets: Stream<'scope, Packet>,
    now: Stream<'scope, Micros>,
    options: &Options,
) -> Found<'scope> {
    let mut builder = OperatorBuilder::new("PulseWindows".to_owned(), packets.scope());
    let mut packets = builder.new_input(packets, Exchange::new(|packet: &Packet| packet.session.route()));
    let mut now = builder.new_input(now.broadcast(), Pipeline);
    let (windows, windows_stream) = builder.new_output();
    let (faults, faults_stream) = builder.new_output();
    let (tallies, tallies_stream) = builder.new_output();
    let mut windows = OutputBuilder::from(windows);
    let mut faults = OutputBuilder::from(faults);
    let mut tallies = OutputBuilder::from(tallies);
    let mut sessions = Sessions::new(options);
    builder.build(move |_| {
        // Per open epoch: the capabilities for the three outputs, its "now", its packets in order of arrival.
        let mut open = BTreeMap::<Epoch, (_, Option<Micros>, Vec<Vec<Packet>>)>::new();
        move |frontiers| {
            // Not `for_each_time`: it sorts batches unstably, and order of arrival matters within an epoch.
            packets.for_each(|capability, batch| {
                let held =
                    || (std::array::from_fn::<_, 3, _>(|output| capability.retain(output)), None, Vec::new());
                open.entry(*capability.time()).or_insert_with(held).2.push(std::mem::take(batch));
            });
            now.for_each(|capability, batch| {
                let held =
                    || (std::array::from_fn::<_, 3, _>(|output| capability.retain(output)), None, Vec::new());
                let latest = &mut open.entry(*capability.time()).or_insert_with(held).1;
                *latest = (*latest).max(batch.iter().copied().max());
            });
            while let Some(entry) = open.first_entry()
                && frontiers.iter().all(|frontier| !frontier.less_equal(entry.key()))
            {
                let (epoch, ([for_windows, for_faults, for_tallies], now, batches)) = entry.remove_entry();
                let found = sessions.turn(now, batches.into_iter().flatten());
                let changes = found.windows.into_iter().map(|(window, diff)| (window, epoch, diff));
                windows.activate().session(&for_windows).give_iterator(changes);
                faults.activate().session(&for_faults).give_iterator(found.faults.into_iter());
                tallies.activate().session(&for_tallies).give_iterator(found.tally.into_iter());
            }
        }
    });
    Found { windows: windows_stream.as_collection(), faults: faults_stream, tallies: tallies_stream }
}

impl std::fmt::Debug for Found<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Found").finish_non_exhaustive()
    }
}
