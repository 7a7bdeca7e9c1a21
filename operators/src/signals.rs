//! Sessions of every signal: from packets in any order to facts about breath, pulse and heart.
//!
//! ```text
//! packets ─► by session ─► Sequencer ─► Reader ─┬─► windows, breathings, beats, rhythms, measurements, fingerprints,
//! ticks ───► each worker ──► silence  └► Course ┤   features (+1, and −1/+1 where a late packet corrects)
//!                                               ├─► sessions as their packets show them
//!                                               ├─► faults
//!                                               └─► tallies
//! ```
//!
//! [`sessions`] holds what a worker knows of its sessions, `reader` is one session's signal: [`crate::pulse`],
//! [`crate::respiration`], [`crate::ecg`] or [`crate::cartridge`]. Only [`read`] knows timely.
//!
//! # Frontier
//! Output of an epoch is produced once both inputs have passed it, so that a tick applies to whole epochs.
//!
//! # Retractions
//! A window leaves once its session's own time has passed its end, a beat once it is found; both depend on their session
//! alone. A late packet takes back what it changes and asserts it anew, a window with the next revision. What lies
//! more than the lateness behind its session's newest sample is final.
//!
//! # Faults
//! Packets that come too late, packets at a rate their signal's chain was not made for, and packets of another signal or
//! rate than their session's.

mod course;
mod reader;
pub mod sessions;
#[cfg(test)]
mod tests;

use crate::{
    Collection, Stream, cartridge, ecg, pulse, respiration, sequence::Tally, state::Memory, turns::Turns,
};
use differential_dataflow::AsCollection;
use model::{
    Beat, Breathing, Epoch, Fault, FeatureWindow, Fingerprint, Measurement, Micros, Packet, PulseWindow,
    Rhythm, Streamed,
};
use serde::{Deserialize, Serialize};
use sessions::Sessions;
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        channels::pact::{Exchange, Pipeline},
        operators::generic::{OutputBuilder, builder_rc::OperatorBuilder},
    },
};

/// How each signal is read; how packets are ordered before stands with the pulse, for all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Optical pulse, and the order of packets.
    pub pulse: pulse::Options,
    /// Respiration.
    pub respiration: respiration::Options,
    /// Electrocardiogram.
    pub ecg: ecg::Options,
    /// Cartridges.
    pub cartridge: cartridge::Options,
}

impl Options {
    /// The values of the specification.
    pub const fn specified() -> Self {
        Self {
            pulse: pulse::Options::specified(),
            respiration: respiration::Options::specified(),
            ecg: ecg::Options::specified(),
            cartridge: cartridge::Options::specified(),
        }
    }
}

/// Rows asserted (+1) and taken back (−1), by kind.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) windows: Vec<(PulseWindow, i64)>,
    pub(crate) breathings: Vec<(Breathing, i64)>,
    pub(crate) beats: Vec<(Beat, i64)>,
    pub(crate) rhythms: Vec<(Rhythm, i64)>,
    pub(crate) cartridges: cartridge::Changes,
}

/// What packets turn into.
pub struct Found<'scope> {
    /// One row per window of optical pulse, and when its session was last heard.
    pub windows: Collection<'scope, (PulseWindow, Micros)>,
    /// One row per window of respiration.
    pub breathings: Collection<'scope, Breathing>,
    /// One row per beat of an electrocardiogram.
    pub beats: Collection<'scope, Beat>,
    /// One row per window of an electrocardiogram.
    pub rhythms: Collection<'scope, Rhythm>,
    /// One row per ended session of a cartridge.
    pub measurements: Collection<'scope, Measurement>,
    /// One row per ended session of a cartridge that can be compared.
    pub fingerprints: Collection<'scope, Fingerprint>,
    /// One row per window of a cartridge's session.
    pub features: Collection<'scope, FeatureWindow>,
    /// Sessions as their packets show them, and when each was last heard.
    pub streamed: Collection<'scope, (Streamed, Micros)>,
    /// Packets that could not be used.
    pub faults: Stream<'scope, Fault>,
    /// What was counted, at most one tally per epoch and worker.
    pub tallies: Stream<'scope, Tally>,
}

/// Orders the packets of every session and reads the signal off them.
pub fn read<'scope>(
    packets: Stream<'scope, Packet>,
    options: &Options,
    memory: &Memory<'scope>,
) -> Found<'scope> {
    let mut builder = OperatorBuilder::new("Signals".to_owned(), packets.scope());
    let mut packets = builder.new_input(packets, Exchange::new(|packet: &Packet| packet.session.route()));
    let mut ticks = builder.new_input(memory.ticks.clone(), Pipeline);
    let (mut windows, windows_stream) = output(&mut builder);
    let (mut breathings, breathings_stream) = output(&mut builder);
    let (mut beats, beats_stream) = output(&mut builder);
    let (mut rhythms, rhythms_stream) = output(&mut builder);
    let (mut measurements, measurements_stream) = output(&mut builder);
    let (mut fingerprints, fingerprints_stream) = output(&mut builder);
    let (mut features, features_stream) = output(&mut builder);
    let (mut streamed, streamed_stream) = output(&mut builder);
    let (mut faults, faults_stream) = output(&mut builder);
    let (mut tallies, tallies_stream) = output(&mut builder);
    let mut sessions = Sessions::new(options, &memory.states);
    builder.build(move |_| {
        let mut turns = Turns::<Vec<Packet>, 10>::new();
        move |frontiers| {
            // Not `for_each_time`: it sorts batches unstably, and order of arrival matters within an epoch.
            packets.for_each(|capability, batch| {
                turns.data(&capability, *capability.time()).push(std::mem::take(batch));
            });
            ticks.for_each(|capability, batch| turns.tick(&capability, batch));
            while let Some(turn) =
                turns.next(|epoch| frontiers.iter().all(|frontier| !frontier.less_equal(epoch)))
            {
                let [for_windows, for_breathings, for_beats, for_rhythms, rest @ ..] = &turn.capabilities;
                let [for_measurements, for_fingerprints, for_features, rest @ ..] = rest;
                let [for_streamed, for_faults, for_tallies] = rest;
                let epoch = *for_windows.time();
                let found = sessions.turn(turn.tick, turn.data.into_iter().flatten());
                windows.activate().session(for_windows).give_iterator(heard_at(epoch, found.windows));
                let changes = at(epoch, found.breathings);
                breathings.activate().session(for_breathings).give_iterator(changes);
                beats.activate().session(for_beats).give_iterator(at(epoch, found.beats));
                rhythms.activate().session(for_rhythms).give_iterator(at(epoch, found.rhythms));
                let changes = at(epoch, found.measurements);
                measurements.activate().session(for_measurements).give_iterator(changes);
                let changes = at(epoch, found.fingerprints);
                fingerprints.activate().session(for_fingerprints).give_iterator(changes);
                features.activate().session(for_features).give_iterator(at(epoch, found.features));
                let changes = heard_at(epoch, found.streamed);
                streamed.activate().session(for_streamed).give_iterator(changes);
                faults.activate().session(for_faults).give_iterator(found.faults.into_iter());
                tallies.activate().session(for_tallies).give_iterator(found.tally.into_iter());
            }
        }
    });
    Found {
        windows: windows_stream.as_collection(),
        breathings: breathings_stream.as_collection(),
        beats: beats_stream.as_collection(),
        rhythms: rhythms_stream.as_collection(),
        measurements: measurements_stream.as_collection(),
        fingerprints: fingerprints_stream.as_collection(),
        features: features_stream.as_collection(),
        streamed: streamed_stream.as_collection(),
        faults: faults_stream,
        tallies: tallies_stream,
    }
}

/// One more output of an operator, for rows of one kind.
fn output<'scope, D: 'static>(
    builder: &mut OperatorBuilder<'scope, Epoch>,
) -> (OutputBuilder<Epoch, CapacityContainerBuilder<Vec<D>>>, Stream<'scope, D>) {
    let (output, stream) = builder.new_output();
    (OutputBuilder::from(output), stream)
}

/// Changes as a collection has them.
fn at<R>(epoch: Epoch, changes: Vec<(R, i64)>) -> impl Iterator<Item = (R, Epoch, i64)> {
    changes.into_iter().map(move |(row, diff)| (row, epoch, diff))
}

/// The same, each row with when its session was last heard.
fn heard_at<R>(
    epoch: Epoch,
    changes: Vec<(R, Micros, i64)>,
) -> impl Iterator<Item = ((R, Micros), Epoch, i64)> {
    changes.into_iter().map(move |(row, heard, diff)| ((row, heard), epoch, diff))
}

impl std::fmt::Debug for Found<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Found").finish_non_exhaustive()
    }
}
