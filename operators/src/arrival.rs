//! Refuses what comes too late, so that everything behind may forget.
//!
//! Each input partition is a lane, and a lane's time is the newest time at which one of its records was
//! written. A datum older than that by more than the horizon is a fault. The date of an event is when it
//! happened; of a packet, when its record was written: a device's clock may be wrong, and has the sequencer.
//! An event that is sent again after it was a dead letter counts as old as its record, too: so it passes only
//! while its letter is known ([`crate::letters`]).
//!
//! # Invariants
//! - Judged record by record in the order of the lane, never by the batch: a tick's watermark is at most the
//!   time that every lane which is not idle had when the epoch began, so it speaks for idle lanes alone.
//! - What is older than a tick's watermark less the horizon does not pass in its epoch or later.
//!
//! # Bound
//! One number per partition, never forgotten.

use crate::{
    Stream,
    state::{Memory, Store, Stored},
    turns::Turns,
};
use model::{
    Again, Datum, DomainEvent, Fault, Input, Micros, Origin, Packet, Raw, Reason,
    time::{AHEAD, SECOND},
};
use serde::{Deserialize, Serialize};
use timely::dataflow::{
    channels::pact::Pipeline,
    operators::generic::{OutputBuilder, builder_rc::OperatorBuilder},
};

/// What arrived in time, by kind, each in the order of its lane.
pub struct Arrived<'scope> {
    /// Packets.
    pub packets: Stream<'scope, Packet>,
    /// Domain events.
    pub events: Stream<'scope, DomainEvent>,
    /// Records that cannot be used, or came too late.
    pub faults: Stream<'scope, Fault>,
    /// Records among the packets and events that were dead letters, and were sent again: each with its place and
    /// what it says of itself.
    pub again: Stream<'scope, (Origin, Again)>,
}

impl std::fmt::Debug for Arrived<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Arrived").finish_non_exhaustive()
    }
}

/// A partition of an input.
type Lane = (Input, u32);

/// The newest time at which a record of a lane was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Newest(Micros);

impl Stored for Newest {
    const VERSION: u32 = 1;
}

/// The worker that reads a lane, as the pipeline deals them out.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "what a store asks for")]
fn route(&(input, partition): &Lane) -> u64 {
    input.lane(partition)
}

/// Lets pass what came in time; a lane's records all come to the worker that reads it, in their order.
pub fn in_time<'scope>(data: Stream<'scope, Datum>, memory: &Memory<'scope>) -> Arrived<'scope> {
    let mut builder = OperatorBuilder::new("Arrival".to_owned(), data.scope());
    let mut data = builder.new_input(data, Pipeline);
    let mut ticks = builder.new_input(memory.ticks.clone(), Pipeline);
    let (packets, packets_stream) = builder.new_output();
    let (events, events_stream) = builder.new_output();
    let (faults, faults_stream) = builder.new_output();
    let (again, again_stream) = builder.new_output();
    let mut packets = OutputBuilder::from(packets);
    let mut events = OutputBuilder::from(events);
    let mut faults = OutputBuilder::from(faults);
    let mut again = OutputBuilder::from(again);
    let horizon = memory.horizon;
    let lanes = memory.states.store::<Lane, Newest>("arrival", route, Micros::MAX);
    builder.build(move |_| {
        let mut turns = Turns::<Vec<Datum>, 4>::new();
        move |frontiers| {
            // Not `for_each_time`: it sorts batches unstably, and the order of a lane matters.
            data.for_each(|capability, batch| {
                turns.data(&capability, *capability.time()).push(std::mem::take(batch));
            });
            ticks.for_each(|capability, batch| turns.tick(&capability, batch));
            while let Some(turn) =
                turns.next(|epoch| frontiers.iter().all(|frontier| !frontier.less_equal(epoch)))
            {
                let (mut packets, mut events) = (packets.activate(), events.activate());
                let (mut faults, mut again) = (faults.activate(), again.activate());
                let [for_packets, for_events, for_faults, for_again] = &turn.capabilities;
                let (mut packets, mut events) = (packets.session(for_packets), events.session(for_events));
                let (mut faults, mut again) = (faults.session(for_faults), again.session(for_again));
                let mut lanes = lanes.borrow_mut();
                let latest = turn.tick.now.saturating_add(AHEAD);
                let mut judge = Judge { horizon, watermark: turn.tick.watermark, latest, current: None };
                for datum in turn.data.into_iter().flatten() {
                    let datum = judge.judge(datum, &mut lanes);
                    if let Some(said) = sent_again(&datum) {
                        again.give((datum.origin(), said));
                    }
                    match datum {
                        Datum::Packet(packet) => packets.give(packet),
                        Datum::Event { event, .. } => events.give(event),
                        Datum::Fault(fault) => faults.give(fault),
                    }
                }
                judge.rest(&mut lanes);
            }
        }
    });
    Arrived { packets: packets_stream, events: events_stream, faults: faults_stream, again: again_stream }
}

/// What a datum that can be used says of itself, if it was a dead letter.
fn sent_again(datum: &Datum) -> Option<Again> {
    match datum {
        Datum::Packet(Packet { origin, raw, .. }) => Again::read(*origin, raw),
        Datum::Event { event, raw } => Again::read(event.origin(), raw),
        // It says so itself, wherever it goes.
        Datum::Fault(_) => None,
    }
}

/// When it was, for how late it is; what cannot be used is never too late.
pub fn dated(datum: &Datum) -> Option<Micros> {
    match datum {
        Datum::Packet(packet) => Some(packet.raw.recorded_at),
        Datum::Event { event, raw } => Some(match Again::read(event.origin(), raw) {
            Some(_) => event.at().min(raw.recorded_at),
            None => event.at(),
        }),
        Datum::Fault(_) => None,
    }
}

/// What is dated before this comes too late, behind a record of its lane that was written at `newest`.
pub fn oldest(newest: Micros, watermark: Micros, horizon: Micros) -> Micros {
    newest.max(watermark).saturating_sub(horizon)
}

/// Judges the data of one epoch.
struct Judge {
    horizon: Micros,
    watermark: Micros,
    /// Later times of writing are not believed.
    latest: Micros,
    /// The lane in hand: records of one lane come in runs, each is looked up once.
    current: Option<(Lane, Micros)>,
}

impl Judge {
    /// Gives the datum back, or the fault it is.
    fn judge(&mut self, datum: Datum, lanes: &mut Store<Lane, Newest>) -> Datum {
        let Origin { input, partition, .. } = datum.origin();
        if self.current.is_none_or(|(lane, _)| lane != (input, partition)) {
            self.rest(lanes);
            let newest = lanes.get(&(input, partition)).map_or(Micros::MIN, |newest| newest.0);
            self.current = Some(((input, partition), newest));
        }
        let (_, newest) = self.current.as_mut().expect("a lane was just taken in hand");
        *newest = (*newest).max(datum.recorded_at().min(self.latest));
        let oldest = oldest(*newest, self.watermark, self.horizon);
        if dated(&datum).is_none_or(|dated| dated >= oldest) {
            return datum;
        }
        match datum {
            Datum::Packet(packet) => Datum::Fault(self.refuse(packet.origin, packet.raw)),
            Datum::Event { event, raw } => Datum::Fault(self.refuse(event.origin(), raw)),
            fault @ Datum::Fault(_) => fault,
        }
    }

    fn refuse(&self, origin: Origin, raw: Raw) -> Fault {
        let detail = format!(
            "is older than the {} s that results are corrected for; send data sooner, check the clock that \
             dated it, or raise the horizon",
            self.horizon / SECOND
        );
        Fault { origin, reason: Reason::TooLate, detail, raw }
    }

    /// Puts the time of the lane in hand back.
    fn rest(&mut self, lanes: &mut Store<Lane, Newest>) {
        if let Some((lane, newest)) = self.current.take() {
            *lanes.entry(&lane, newest, || Newest(newest)) = Newest(newest);
        }
    }
}

#[cfg(test)]
mod tests;
