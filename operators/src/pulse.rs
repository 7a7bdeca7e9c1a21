//! Optical pulse sessions: from packets in any order to one fact per 30 s window.
//!
//! ```text
//! packets ─► by session ─► Sequencer ─► Chain ─┬─► windows (+1, and −1/+1 where a late packet corrects)
//! ticks ───► each worker ──► silence ──────────┼─► faults
//!                                              └─► tallies
//! ```
//!
//! [`sessions`] holds what a worker knows of its sessions, [`chain`] is one session's signal, `history`
//! its recent samples, [`plan`] what sessions of one rate share. Only [`windows`] knows timely.
//!
//! # Frontier
//! Output of an epoch is produced once both inputs have passed it, so that a tick applies to whole epochs.
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
    state::Memory,
    turns::Turns,
};
use differential_dataflow::AsCollection;
use model::{Fault, Micros, Packet, PulseWindow};
use serde::{Deserialize, Serialize};
use sessions::Sessions;
use timely::dataflow::{
    channels::pact::{Exchange, Pipeline},
    operators::generic::{OutputBuilder, builder_rc::OperatorBuilder},
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
    /// One row per window, and when its session was last heard.
    pub windows: Collection<'scope, (PulseWindow, Micros)>,
    /// Packets that could not be used.
    pub faults: Stream<'scope, Fault>,
    /// What was counted, at most one tally per epoch and worker.
    pub tallies: Stream<'scope, Tally>,
}

/// Orders the packets of every session and reads a heart rate off every window of the optical ones.
pub fn windows<'scope>(
    packets: Stream<'scope, Packet>,
    options: &Options,
    memory: &Memory<'scope>,
) -> Found<'scope> {
    let mut builder = OperatorBuilder::new("PulseWindows".to_owned(), packets.scope());
    let mut packets = builder.new_input(packets, Exchange::new(|packet: &Packet| packet.session.route()));
    let mut ticks = builder.new_input(memory.ticks.clone(), Pipeline);
    let (windows, windows_stream) = builder.new_output();
    let (faults, faults_stream) = builder.new_output();
    let (tallies, tallies_stream) = builder.new_output();
    let mut windows = OutputBuilder::from(windows);
    let mut faults = OutputBuilder::from(faults);
    let mut tallies = OutputBuilder::from(tallies);
    let mut sessions = Sessions::new(options, &memory.states);
    builder.build(move |_| {
        let mut turns = Turns::<Vec<Packet>, 3>::new();
        move |frontiers| {
            // Not `for_each_time`: it sorts batches unstably, and order of arrival matters within an epoch.
            packets.for_each(|capability, batch| {
                turns.data(&capability, *capability.time()).push(std::mem::take(batch));
            });
            ticks.for_each(|capability, batch| turns.tick(&capability, batch));
            while let Some(turn) =
                turns.next(|epoch| frontiers.iter().all(|frontier| !frontier.less_equal(epoch)))
            {
                let [for_windows, for_faults, for_tallies] = &turn.capabilities;
                let epoch = *for_windows.time();
                let found = sessions.turn(turn.tick, turn.data.into_iter().flatten());
                let changes =
                    found.windows.into_iter().map(|(window, heard, diff)| ((window, heard), epoch, diff));
                windows.activate().session(for_windows).give_iterator(changes);
                faults.activate().session(for_faults).give_iterator(found.faults.into_iter());
                tallies.activate().session(for_tallies).give_iterator(found.tally.into_iter());
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
