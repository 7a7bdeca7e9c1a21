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

use super::{Options, chain::Chain, plan::Plan};
use crate::{
    sequence::{Sequencer, Step, Tally},
    state::{Place, States, Store, Stored},
};
use model::{Arrival, Fault, Micros, Packet, PulseWindow, Reason, SessionId, Signal, Tick, time::SECOND};
use serde::{Deserialize, Serialize};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// The plans by sample period; one that cannot be made says why.
type Plans = BTreeMap<u32, Result<Plan, dsp::Error>>;

/// What an epoch led to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Windows asserted (+1) and taken back (−1), each session's in order, and when it was last heard.
    pub windows: Vec<(PulseWindow, Micros, i64)>,
    /// Packets that could not be used, ordered by origin.
    pub faults: Vec<Fault>,
    /// What was counted; absent if nothing was.
    pub tally: Option<Tally>,
}

/// What sessions say in the course of an epoch.
#[derive(Default)]
struct Said {
    windows: Vec<(PulseWindow, i64)>,
    faults: Vec<Fault>,
    tally: Tally,
}

/// One session; plain data.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    /// Sample period; absent while only ends have come.
    period_us: Option<u32>,
    sequencer: Sequencer,
    /// Present while the session streams an optical pulse.
    chain: Option<Chain>,
    /// "Now" of the last epoch that brought a packet.
    heard: Micros,
    silent: bool,
    /// Whether the epoch in progress brought a packet.
    #[serde(skip)]
    touched: bool,
}

impl Stored for Session {
    const VERSION: u32 = 1;
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
        let forget = Micros::from(options.sequence.forget_s) * SECOND;
        Self {
            options: options.clone(),
            now: Micros::MIN,
            watermark: Micros::MIN,
            known: states.store("pulse", |session: &SessionId| session.route(), forget),
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
        }
        self.look_for_silence(&mut known, &mut said);
        let mut outcome = Outcome { faults: said.faults, ..Outcome::default() };
        outcome.windows.reserve(said.windows.len());
        for (window, diff) in said.windows {
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
            if let (Some(period_us), Some(_)) = (session.period_us, &session.chain) {
                self.plans.entry(period_us).or_insert_with(|| Plan::new(&self.options, period_us));
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
                let silence = Micros::from(options.sequence.silence_s) * SECOND;
                self.deadlines.insert((self.now.saturating_add(silence), packet.session));
            }
        }
        if let Arrival::Samples { .. } = packet.arrival {
            let period_us = packet.period_us;
            let plan = (packet.signal == Signal::Pulse)
                .then(|| plans.entry(period_us).or_insert_with(|| Plan::new(options, period_us)));
            if let Err(detail) = session.admit(&packet, plan.as_deref()) {
                said.tally.packets += 1;
                let Packet { origin, raw, .. } = packet;
                said.faults.push(Fault { origin, reason: Reason::OutOfRange, detail, raw });
                return;
            }
        }
        let mut plan = session.plan(plans);
        let Session { sequencer, chain, .. } = session;
        sequencer.take(packet, &mut |step| follow(step, chain.as_mut().zip(plan.as_deref_mut()), said));
    }

    fn open(&mut self, packet: &Packet, dated: Micros, known: &mut Store<SessionId, Session>) -> Place {
        let session = Session {
            period_us: None,
            sequencer: Sequencer::new(&self.options.sequence, packet.period_us),
            chain: None,
            heard: self.now,
            silent: false,
            touched: false,
        };
        self.deadlines.insert((self.now.saturating_add(self.silence()), packet.session));
        known.insert(packet.session, dated, session)
    }

    fn silence(&self) -> Micros {
        Micros::from(self.options.sequence.silence_s) * SECOND
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
            session.time_out(&mut self.plans, said);
        }
    }
}

impl Session {
    /// Takes note of the first packet of samples; says what is wrong with one the session cannot take.
    fn admit(&mut self, packet: &Packet, plan: Option<&Result<Plan, dsp::Error>>) -> Result<(), String> {
        let period_us = packet.period_us;
        if let Some(Err(error)) = plan {
            return Err(error.to_string());
        }
        let expected_us = *self.period_us.get_or_insert_with(|| {
            self.sequencer.claim(period_us);
            period_us
        });
        if period_us != expected_us {
            return Err(format!(
                "sample period of {period_us} us in a session of {expected_us} us; start a new session"
            ));
        }
        if let Some(Ok(plan)) = plan {
            self.chain.get_or_insert_with(|| Chain::new(plan, packet));
        }
        Ok(())
    }

    fn plan<'plans>(&self, plans: &'plans mut Plans) -> Option<&'plans mut Plan> {
        plans.get_mut(&self.period_us?)?.as_mut().ok()
    }

    /// Sends the corrections that the epoch's late packets led to.
    fn settle(&mut self, plans: &mut Plans, said: &mut Said) {
        if let Some((chain, plan)) = {
            let plan = self.plan(plans);
            self.chain.as_mut().zip(plan)
        } {
            chain.settle(plan, &mut said.windows);
            said.tally.imputed += chain.imputed();
        }
        said.tally += self.sequencer.tally();
    }

    fn time_out(&mut self, plans: &mut Plans, said: &mut Said) {
        let mut plan = self.plan(plans);
        let chain = &mut self.chain;
        self.sequencer.time_out(&mut |step| follow(step, chain.as_mut().zip(plan.as_deref_mut()), said));
        self.settle(plans, said);
        // Nothing corrects a silent session any more: its samples can go.
        if let Some(chain) = &mut self.chain {
            chain.rest();
        }
    }
}

/// Lets a step have its effect.
fn follow(step: Step, signal: Option<(&mut Chain, &mut Plan)>, said: &mut Said) {
    match (step, signal) {
        (Step::TooLate(fault), _) => said.faults.push(fault),
        (Step::Next(placed), Some((chain, plan))) => chain.append(&placed, plan, &mut said.windows),
        (Step::Late(placed), Some((chain, _))) => chain.amend(&placed),
        (Step::End, Some((chain, plan))) => chain.finish(plan, &mut said.windows),
        (Step::Next(_) | Step::Late(_) | Step::End, None) => {}
    }
}
