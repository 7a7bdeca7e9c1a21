//! What one worker knows of its sessions, and who has been silent for how long.
//!
//! # Invariants
//! - Sessions are looked up by id and never walked in an order of hashing.
//! - The work of an epoch is proportional to its packets and to the sessions whose time is up.
//! - Deadlines and plans are derived: made again from the sessions before the first epoch.
//!
//! # Bound
//! A session that fell silent goes once the watermark has moved on by `forget_s` since it did, and since it was
//! last heard. (Dated anew when it falls silent, so that when it goes is a function of its date alone.)

mod stored;
#[cfg(test)]
mod tests;

use super::{
    Options, Rows,
    course::Course,
    reader::{Plan, Reader},
};
use crate::{
    cartridge,
    sequence::{Sequencer, Step, Tally},
    state::{Place, States, Store},
};
use model::{
    Arrival, Beat, Breathing, Fault, FeatureWindow, Fingerprint, Measurement, Micros, Packet, PulseWindow,
    Reason, Rhythm, SessionId, Signal, Streamed, Tick, time::SECOND,
};
use serde::{Deserialize, Serialize};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// The plans by signal and sample period; one that cannot be made says why.
type Plans = BTreeMap<(Signal, u32), Result<Plan, dsp::Error>>;

/// What an epoch led to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Windows asserted (+1) and taken back (−1), each session's in order, and when it was last heard.
    pub windows: Vec<(PulseWindow, Micros, i64)>,
    /// Windows of respiration asserted and taken back.
    pub breathings: Vec<(Breathing, i64)>,
    /// Beats asserted and taken back.
    pub beats: Vec<(Beat, i64)>,
    /// Windows of electrocardiograms asserted and taken back.
    pub rhythms: Vec<(Rhythm, i64)>,
    /// Results of cartridges asserted and taken back.
    pub measurements: Vec<(Measurement, i64)>,
    /// Their fingerprints.
    pub fingerprints: Vec<(Fingerprint, i64)>,
    /// Windows of their sessions.
    pub features: Vec<(FeatureWindow, i64)>,
    /// Sessions as their packets show them, asserted and taken back, and when each was last heard.
    pub streamed: Vec<(Streamed, Micros, i64)>,
    /// Packets that could not be used, ordered by origin.
    pub faults: Vec<Fault>,
    /// What was counted; absent if nothing was.
    pub tally: Option<Tally>,
}

/// What sessions say in the course of an epoch.
#[derive(Default)]
struct Said {
    rows: Rows,
    streamed: Vec<(Streamed, Micros, i64)>,
    faults: Vec<Fault>,
    tally: Tally,
}

/// One session; plain data.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session {
    /// Sample period; absent while only ends have come.
    period_us: Option<u32>,
    sequencer: Sequencer,
    /// Present once the session streams a signal that is read.
    reader: Option<Reader>,
    /// "Now" of the last epoch that brought a packet.
    heard: Micros,
    silent: bool,
    /// What its packets show of it.
    course: Course,
    /// Whether the epoch in progress brought a packet.
    #[serde(skip)]
    touched: bool,
}

/// All sessions of a worker.
#[derive(Debug)]
pub struct Sessions {
    options: Options,
    now: Micros,
    watermark: Micros,
    /// Dated by when the records of their packets were written.
    known: Rc<RefCell<Store<SessionId, Session>>>,
    /// When to look whether a session is silent; at least one entry per session that is not.
    deadlines: BTreeSet<(Micros, SessionId)>,
    plans: Plans,
    touched: Vec<Place>,
    /// Whether an epoch was taken: from then on nothing is imported.
    begun: bool,
}

impl Sessions {
    /// No session yet, but for those that are imported before the first epoch.
    pub fn new(options: &Options, states: &States) -> Self {
        let forget = Micros::from(options.pulse.sequence.forget_s) * SECOND;
        Self {
            options: options.clone(),
            now: Micros::MIN,
            watermark: Micros::MIN,
            known: states.store("signals", |session: &SessionId| session.route(), forget),
            deadlines: BTreeSet::new(),
            plans: BTreeMap::new(),
            touched: Vec::new(),
            begun: false,
        }
    }

    /// Takes one epoch: its tick and its packets in order of arrival.
    pub fn turn(&mut self, tick: Tick, packets: impl Iterator<Item = Packet>) -> Outcome {
        self.now = self.now.max(tick.now);
        self.watermark = self.watermark.max(tick.watermark);
        let known = Rc::clone(&self.known);
        let mut known = known.borrow_mut();
        if !std::mem::replace(&mut self.begun, true) {
            self.derive(&known);
        }
        // First: an epoch without data may not be bound, so what an epoch with data finds must follow from its own tick.
        known.expire(self.watermark, |_, session| !session.silent);
        let mut said = Said::default();
        for packet in packets {
            self.take(packet, &mut known, &mut said);
        }
        for place in std::mem::take(&mut self.touched) {
            let session = known.at(place, self.watermark);
            session.touched = false;
            session.settle(&mut self.plans, &mut said);
            tell(place, &mut known, &mut said);
        }
        self.look_for_silence(&mut known, &mut said);
        let Rows { windows, breathings, beats, rhythms, cartridges } = said.rows;
        let cartridge::Changes { measurements, fingerprints, features } = cartridges;
        let mut outcome = Outcome {
            breathings,
            beats,
            rhythms,
            measurements,
            fingerprints,
            features,
            streamed: said.streamed,
            faults: said.faults,
            ..Outcome::default()
        };
        outcome.windows.reserve(windows.len());
        for (window, diff) in windows {
            let heard = known.find(&window.session).map_or(self.watermark, |place| known.dated(place));
            outcome.windows.push((window, heard, diff));
        }
        outcome.faults.sort_unstable_by_key(|fault| fault.origin);
        outcome.tally = (said.tally != Tally::default()).then_some(said.tally);
        outcome
    }

    /// Makes what is derived from the sessions that were imported.
    fn derive(&mut self, known: &Store<SessionId, Session>) {
        for (id, session) in known.iter() {
            if !session.silent {
                self.deadlines.insert((session.heard.saturating_add(self.silence()), *id));
            }
            if let Some((signal, period_us)) = session.reads() {
                let plan = || Plan::new(&self.options, signal, period_us);
                self.plans.entry((signal, period_us)).or_insert_with(plan);
            }
        }
    }

    fn take(&mut self, packet: Packet, known: &mut Store<SessionId, Session>, said: &mut Said) {
        let dated = packet.raw.recorded_at.max(self.watermark);
        let place = known.find(&packet.session).unwrap_or_else(|| self.open(&packet, dated, known));
        let session = known.at(place, dated);
        let Self { plans, options, touched, .. } = self;
        if !session.touched {
            session.touched = true;
            touched.push(place);
            session.heard = self.now;
            if std::mem::take(&mut session.silent) {
                let silence = Micros::from(options.pulse.sequence.silence_s) * SECOND;
                self.deadlines.insert((self.now.saturating_add(silence), packet.session));
            }
        }
        if let Arrival::Samples { .. } = packet.arrival {
            let (signal, period_us) = (packet.signal, packet.period_us);
            let plan =
                plans.entry((signal, period_us)).or_insert_with(|| Plan::new(options, signal, period_us));
            if let Err(detail) = session.admit(&packet, plan) {
                said.tally.packets += 1;
                let Packet { origin, raw, .. } = packet;
                said.faults.push(Fault { origin, reason: Reason::OutOfRange, detail, raw });
                return;
            }
        }
        let mut plan = session.plan(plans);
        let Session { sequencer, reader, course, .. } = session;
        let short_us = options.pulse.sequence.short_gap();
        sequencer.take(packet, &mut |step| {
            count(&step, course, short_us);
            follow(step, reader.as_mut().zip(plan.as_deref_mut()), said);
        });
    }

    fn open(&mut self, packet: &Packet, dated: Micros, known: &mut Store<SessionId, Session>) -> Place {
        let session = Session {
            period_us: None,
            sequencer: Sequencer::new(&self.options.pulse.sequence, packet.period_us),
            reader: None,
            heard: self.now,
            silent: false,
            course: Course::default(),
            touched: false,
        };
        self.deadlines.insert((self.now.saturating_add(self.silence()), packet.session));
        known.insert(packet.session, dated, session)
    }

    fn silence(&self) -> Micros {
        Micros::from(self.options.pulse.sequence.silence_s) * SECOND
    }

    /// Ends the sessions that were not heard for `silence_s`.
    fn look_for_silence(&mut self, known: &mut Store<SessionId, Session>, said: &mut Said) {
        while let Some(&(deadline, id)) = self.deadlines.first()
            && deadline <= self.now
        {
            self.deadlines.pop_first();
            let Some(place) = known.find(&id) else { continue };
            let Some(session) = known.get(&id).filter(|session| !session.silent) else { continue };
            let silent_at = session.heard.saturating_add(self.silence());
            if silent_at > self.now {
                self.deadlines.insert((silent_at, id));
                continue;
            }
            let session = known.at(place, self.watermark);
            session.silent = true;
            session.time_out(&mut self.plans, self.options.pulse.sequence.short_gap(), said);
            tell(place, known, said);
        }
    }
}

impl Session {
    /// Takes note of the first packet of samples; says what is wrong with one the session cannot take.
    fn admit(&mut self, packet: &Packet, plan: &Result<Plan, dsp::Error>) -> Result<(), String> {
        let period_us = packet.period_us;
        let plan = plan.as_ref().map_err(ToString::to_string)?;
        let expected_us = *self.period_us.get_or_insert_with(|| {
            self.sequencer.claim(period_us);
            period_us
        });
        if period_us != expected_us {
            return Err(format!(
                "sample period of {period_us} us in a session of {expected_us} us; start a new session"
            ));
        }
        if let Some(reader) = &self.reader
            && reader.signal() != packet.signal
        {
            return Err(format!(
                "packet of {:?} in a session of {:?}; start a new session",
                packet.signal,
                reader.signal()
            ));
        }
        self.reader.get_or_insert_with(|| plan.reader(packet));
        Ok(())
    }

    /// The signal and the sample period that are read, if one is.
    fn reads(&self) -> Option<(Signal, u32)> {
        self.reader.as_ref().map(Reader::signal).zip(self.period_us)
    }

    fn plan<'plans>(&self, plans: &'plans mut Plans) -> Option<&'plans mut Plan> {
        plans.get_mut(&self.reads()?)?.as_mut().ok()
    }

    /// Sends the corrections that the epoch's late packets led to.
    fn settle(&mut self, plans: &mut Plans, said: &mut Said) {
        let plan = self.plan(plans);
        if let Some((reader, plan)) = self.reader.as_mut().zip(plan) {
            reader.settle(plan, &mut said.rows);
            said.tally.imputed += reader.imputed();
        }
        said.tally += self.sequencer.tally();
    }

    fn time_out(&mut self, plans: &mut Plans, short_us: Micros, said: &mut Said) {
        let mut plan = self.plan(plans);
        let Self { sequencer, reader, course, .. } = self;
        sequencer.time_out(&mut |step| {
            count(&step, course, short_us);
            follow(step, reader.as_mut().zip(plan.as_deref_mut()), said);
        });
        self.settle(plans, said);
        // Nothing corrects a silent session any more: its samples can go.
        if let Some(reader) = &mut self.reader {
            reader.rest();
        }
    }
}

/// Tells what packets show of the session at `place`, if it is another than before.
fn tell(place: Place, known: &mut Store<SessionId, Session>, said: &mut Said) {
    let Session { sequencer, silent, course, .. } = known.at(place, Micros::MIN);
    let Some((before, now)) = course.tell(sequencer, *silent) else { return };
    let heard = known.dated(place);
    said.streamed.extend(before.map(|before| (before, heard, -1)));
    said.streamed.push((now, heard, 1));
}

/// Counts what a step shows of its session.
fn count(step: &Step, course: &mut Course, short_us: Micros) {
    match step {
        Step::Next(placed, sequence) => course.next(placed, *sequence, short_us),
        Step::Late(placed, sequence) => course.late(placed, *sequence, short_us),
        Step::End(ending) => course.end(*ending),
        Step::TooLate(_) => {}
    }
}

/// Lets a step have its effect on its signal.
fn follow(step: Step, signal: Option<(&mut Reader, &mut Plan)>, said: &mut Said) {
    match (step, signal) {
        (Step::TooLate(fault), _) => said.faults.push(fault),
        (Step::Next(placed, _), Some((reader, plan))) => reader.append(&placed, plan, &mut said.rows),
        (Step::Late(placed, _), Some((reader, _))) => reader.amend(&placed),
        (Step::End(_), Some((reader, plan))) => reader.finish(plan, &mut said.rows),
        (Step::Next(..) | Step::Late(..) | Step::End(_), None) => {}
    }
}
