//! Puts each session's packets back into the order in which its device took the samples.
//!
//! ```text
//! packet ─► Run (number, copy, restart?) ─► waiting room ─► gap or drain ─► Clock (index, time) ─► Step
//! ```
//!
//! A [`Sequencer`] serves one session and knows no timely. In-order data passes without delay; only while a
//! sequence number is missing do its followers wait, for `reorder_ms` of device time or `reorder_packets`
//! packets. Then the missing numbers are declared a gap. A packet of a gap that comes within `lateness_s`
//! is handed on as [`Step::Late`]; one that comes later still is a fault.
//!
//! # Invariants
//! - What leaves is a pure function of the order in which the session's packets came in: it does not depend
//!   on batches, and neither shuffling within the horizon nor copies change it.
//! - Sample indices rise without holes of unknown size: a sample that never came has an index too. Sample
//!   times rise strictly, whatever the device's clock does.
//! - Every packet is handed on once, counted as a copy, or becomes a fault: none disappears.
//!
//! # Rules where devices misbehave
//! - *Start.* A session whose first number is 0 starts at once. Any other start waits one horizon, because
//!   what was sent first may not come first.
//! - *End* takes the place before the packet with its number and uses up no number: a session that resumes
//!   continues with it. An end whose predecessors are missing waits for them like any packet; silence flushes.
//! - *Restart.* A number at odds with the time that passed (more than `restart_s` off) while the stamp is
//!   newer than the last one belongs to a new run of the device, not to a copy: the old run is flushed, the
//!   new one begins like a session. Stragglers of the old run are told by their stamps and become faults.
//! - *Clock.* See [`clock`].
//!
//! # Bound
//! At most `reorder_packets` packets wait, three are in doubt; `REMEMBERED_GAPS` gaps and `REMEMBERED_ERAS`
//! eras of the device's clock are remembered.

pub mod clock;
mod options;
mod run;
mod step;
mod tally;
#[cfg(test)]
mod tests;

pub use options::Options;
pub use step::{Ending, Step};
pub use tally::Tally;

use clock::{Clock, Placed};
use model::{Arrival, Fault, Micros, Packet, Reason};
use run::{Gap, Run, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use step::in_order;

/// A place in the order: an end stands before the packet with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    sequence: i64,
    samples: bool,
}

/// Orders the packets of one session; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequencer {
    options: Options,
    /// The run of the device in progress.
    run: Run,
    /// The run before the last restart: tells its stragglers from the packets of this one.
    former: Option<Run>,
    waiting: BTreeMap<Place, Packet>,
    clock: Clock,
    /// Samples of the last packet: what a missing packet is taken to have held.
    samples: u16,
    /// Sequence number of the last end, until the session resumes.
    ended: Option<i64>,
    tally: Tally,
}

impl Sequencer {
    /// A sequencer for a session whose channels are sampled every `period_us` microseconds.
    pub fn new(options: &Options, period_us: u32) -> Self {
        Self {
            run: Run::default(),
            former: None,
            waiting: BTreeMap::new(),
            clock: Clock::new(period_us, options.short_gap()),
            samples: 0,
            ended: None,
            tally: Tally::default(),
            options: options.clone(),
        }
    }

    /// Corrects the sample period before the first samples are placed: an end that came first need not know it.
    pub fn claim(&mut self, period_us: u32) {
        self.clock.claim(period_us);
    }

    /// Takes the next packet in order of arrival and hands on whatever has its place now.
    pub fn take(&mut self, packet: Packet, emit: &mut impl FnMut(Step)) {
        self.tally.packets += 1;
        let packet_us = self.packet_us();
        let tolerance = Micros::from(self.options.restart_s) * model::time::SECOND;
        let verdict = match (self.run.judge(&packet, packet_us, tolerance), &self.former) {
            // What does not fit this run may be a straggler of the one before.
            (Verdict::Restart, Some(former)) => match former.judge(&packet, packet_us, tolerance) {
                Verdict::Restart => Verdict::Restart,
                Verdict::Copy => Verdict::Copy,
                Verdict::Ahead(_) | Verdict::Missing(_) | Verdict::Unknown => Verdict::Unknown,
            },
            (verdict, _) => verdict,
        };
        match verdict {
            Verdict::Ahead(sequence) => self.wait(sequence, packet, emit),
            Verdict::Missing(sequence) => self.heal(sequence, packet, emit),
            Verdict::Copy => self.tally.duplicates += 1,
            Verdict::Unknown => self.refuse(packet, emit),
            Verdict::Restart => self.restart(packet, emit),
        }
    }

    /// Gives up waiting, because the session fell silent: from here on no gap heals.
    pub fn time_out(&mut self, emit: &mut impl FnMut(Step)) {
        self.flush(emit);
        self.tally.rested += 1;
        if self.ended.is_none() {
            self.tally.timed_out += 1;
            self.pause(emit);
            emit(Step::End(Ending::Silent));
        }
        self.run.seal();
    }

    /// Whether samples were placed.
    pub fn has_begun(&self) -> bool {
        self.clock.has_begun()
    }

    /// The largest number up to `sequence` before which nothing is missing that could still be used when samples up to
    /// `newest` were placed: what a device that comes back has to go on after.
    pub fn complete(&self, sequence: i64, newest: Micros) -> i64 {
        let oldest = newest.saturating_sub(self.options.lateness());
        self.run.open(oldest, self.clock.nominal_us()).map_or(sequence, |open| sequence.min(open - 1))
    }

    /// What was counted since the last call.
    pub fn tally(&mut self) -> Tally {
        self.tally.breaks += self.clock.breaks();
        std::mem::take(&mut self.tally)
    }

    /// Time that a packet like the last one spans, microseconds.
    fn packet_us(&self) -> f64 {
        self.clock.nominal_us() * f64::from(self.samples.max(1))
    }

    fn wait(&mut self, sequence: i64, packet: Packet, emit: &mut impl FnMut(Step)) {
        let samples = matches!(packet.arrival, Arrival::Samples { .. });
        if !samples && self.ended == Some(sequence) {
            self.tally.duplicates += 1;
            return;
        }
        // In order and nobody waits: no detour.
        if self.waiting.is_empty() && self.run.next() == Some(sequence) {
            return self.pass(sequence, packet, emit);
        }
        if self.samples == 0
            && let Arrival::Samples { samples, .. } = packet.arrival
        {
            self.samples = samples;
        }
        if samples && self.run.is_blank() {
            self.run.expect(sequence, packet.stamp_us);
            self.place_ends(sequence);
        }
        let place = Place { sequence, samples };
        if self.waiting.contains_key(&place) {
            self.tally.duplicates += 1;
            return;
        }
        let first_of_all = packet.sequence == 0;
        self.waiting.insert(place, packet);
        if first_of_all
            && self.run.next().is_none()
            && self.waiting.first_key_value().is_some_and(|(at, _)| *at == place)
        {
            self.run.begin(sequence);
        }
        self.drain(emit);
        while self.is_overdue() {
            self.give_up(emit);
        }
    }

    /// Places the ends that came before any samples, now that samples say where the numbers are.
    fn place_ends(&mut self, reference: i64) {
        let ends = std::mem::take(&mut self.waiting).into_values();
        let placed = |end: Packet| (Place { sequence: run::unwrap(&end, reference), samples: false }, end);
        self.waiting = ends.map(placed).collect();
    }

    fn is_overdue(&self) -> bool {
        // An end has its stamp from elsewhere.
        let stamps =
            || self.waiting.iter().filter(|(place, _)| place.samples).map(|(_, packet)| packet.stamp_us);
        let span = stamps().max().unwrap_or(0).saturating_sub(stamps().min().unwrap_or(0));
        self.waiting.len() > self.options.reorder_packets as usize
            || span >= Micros::from(self.options.reorder_ms) * 1_000
    }

    /// Declares what is missing before the first packet that waits, and goes on from there.
    fn give_up(&mut self, emit: &mut impl FnMut(Step)) {
        let Some((&Place { sequence, .. }, _)) = self.waiting.first_key_value() else { return };
        match self.run.next() {
            None => self.run.begin(sequence),
            Some(next) => {
                let packets = sequence - next;
                let held = packets.saturating_mul(i64::from(self.samples));
                self.clock.skip(held, &mut |placed| emit(in_order(placed, Some(next))), |at, index| {
                    self.run.declare(Gap { from: next, until: sequence, samples: self.samples, at, index });
                });
                self.tally.lost += packets;
                let hole_us = held as f64 * self.clock.nominal_us();
                self.tally.breaks += i64::from(hole_us > f64::from(self.options.long_gap_ms) * 1e3);
            }
        }
        self.drain(emit);
    }

    fn drain(&mut self, emit: &mut impl FnMut(Step)) {
        while let Some(entry) = self.waiting.first_entry()
            && self.run.next() == Some(entry.key().sequence)
        {
            let (place, packet) = entry.remove_entry();
            self.pass(place.sequence, packet, emit);
        }
    }

    fn flush(&mut self, emit: &mut impl FnMut(Step)) {
        while !self.waiting.is_empty() {
            self.give_up(emit);
        }
    }

    /// Hands on the packet whose turn it is.
    fn pass(&mut self, sequence: i64, packet: Packet, emit: &mut impl FnMut(Step)) {
        let next = Some(sequence);
        let hand_on = &mut |placed| emit(in_order(placed, next));
        match packet.arrival {
            Arrival::Samples { samples, .. } => {
                self.run.pass(sequence, packet.stamp_us, self.packet_us());
                self.samples = samples;
                self.ended = None;
                self.clock.place(packet, samples, hand_on);
            }
            Arrival::End => {
                self.clock.pause(hand_on);
                self.tally.ended += 1;
                self.ended = Some(sequence);
                if self.run.is_blank() {
                    // A session without samples: its number says nothing about those that may follow.
                    self.run = Run::default();
                }
                emit(Step::End(Ending::Said));
            }
        }
    }

    fn pause(&mut self, emit: &mut impl FnMut(Step)) {
        let next = self.run.next();
        self.clock.pause(&mut |placed| emit(in_order(placed, next)));
    }

    /// Uses or refuses a packet of a gap.
    fn heal(&mut self, sequence: i64, packet: Packet, emit: &mut impl FnMut(Step)) {
        let period_us = self.clock.nominal_us();
        let Some((index, at)) = self.run.place(sequence, period_us) else { return self.refuse(packet, emit) };
        if self.clock.newest().saturating_sub(at) > self.options.lateness() {
            return self.refuse(packet, emit);
        }
        self.run.heal(sequence, period_us);
        self.tally.late += 1;
        self.tally.lost -= 1;
        emit(Step::Late(Placed { packet, index, at, period_us, broken: false }, sequence));
    }

    fn refuse(&mut self, packet: Packet, emit: &mut impl FnMut(Step)) {
        self.tally.too_late += 1;
        emit(Step::TooLate(Fault {
            origin: packet.origin,
            reason: Reason::TooLate,
            detail: format!(
                "came more than {} s after its place in the session, or after the device restarted; \
                 send packets sooner, or measure again",
                self.options.lateness_s
            ),
            raw: packet.raw,
        }));
    }

    fn restart(&mut self, packet: Packet, emit: &mut impl FnMut(Step)) {
        self.flush(emit);
        self.pause(emit);
        self.former = Some(std::mem::take(&mut self.run));
        self.ended = None;
        self.wait(i64::from(packet.sequence), packet, emit);
    }
}
