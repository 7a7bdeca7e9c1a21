//! What one worker knows of its sessions, and who has been silent for how long.
//!
//! # Invariants
//! - Sessions are looked up by id and never walked in an order of hashing.
//! - The work of an epoch is proportional to its packets and to the sessions whose time is up.

use super::{Options, chain::Chain, plan::Plan};
use crate::sequence::{Sequencer, Step, Tally};
use model::{Arrival, Fault, Micros, Packet, PulseWindow, Reason, SessionId, Signal, time::SECOND};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The plans by sample period; one that cannot be made says why.
type Plans = BTreeMap<u32, Result<Plan, dsp::Error>>;

/// What an epoch led to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Windows asserted (+1) and taken back (−1), each session's in order.
    pub windows: Vec<(PulseWindow, i64)>,
    /// Packets that could not be used, ordered by origin.
    pub faults: Vec<Fault>,
    /// What was counted; absent if nothing was.
    pub tally: Option<Tally>,
}

/// One session.
#[derive(Debug)]
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
    touched: bool,
}

/// All sessions of a worker.
#[derive(Debug)]
pub struct Sessions {
    options: Options,
    now: Micros,
    numbers: HashMap<SessionId, usize>,
    /// By number; a forgotten session leaves its number free.
    known: Vec<Option<Session>>,
    free: Vec<usize>,
    /// When to look whether a session is silent; one entry per session.
    deadlines: BTreeSet<(Micros, SessionId)>,
    plans: Plans,
    touched: Vec<usize>,
}

impl Sessions {
    /// No session yet.
    pub fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            now: Micros::MIN,
            numbers: HashMap::new(),
            known: Vec::new(),
            free: Vec::new(),
            deadlines: BTreeSet::new(),
            plans: BTreeMap::new(),
            touched: Vec::new(),
        }
    }

    /// Takes one epoch: its "now" and its packets in order of arrival.
    pub fn turn(&mut self, now: Option<Micros>, packets: impl Iterator<Item = Packet>) -> Outcome {
        self.now = self.now.max(now.unwrap_or(Micros::MIN));
        let mut outcome = Outcome::default();
        let mut tally = Tally::default();
        for packet in packets {
            self.take(packet, &mut outcome, &mut tally);
        }
        for number in std::mem::take(&mut self.touched) {
            if let Some(session) = &mut self.known[number] {
                session.touched = false;
                session.settle(&mut self.plans, &mut outcome, &mut tally);
            }
        }
        self.look_for_silence(&mut outcome, &mut tally);
        outcome.faults.sort_unstable_by_key(|fault| fault.origin);
        outcome.tally = (tally != Tally::default()).then_some(tally);
        outcome
    }

    fn take(&mut self, packet: Packet, outcome: &mut Outcome, tally: &mut Tally) {
        let number = match self.numbers.get(&packet.session) {
            Some(number) => *number,
            None => self.open(&packet),
        };
        let Self { known, plans, options, touched, .. } = self;
        let Some(session) = &mut known[number] else { return };
        session.heard = self.now;
        session.silent = false;
        if !session.touched {
            session.touched = true;
            touched.push(number);
        }
        if let Arrival::Samples { .. } = packet.arrival {
            let period_us = packet.period_us;
            let plan = (packet.signal == Signal::Pulse)
                .then(|| plans.entry(period_us).or_insert_with(|| Plan::new(options, period_us)));
            if let Err(detail) = session.admit(&packet, plan.as_deref()) {
                tally.packets += 1;
                let Packet { origin, raw, .. } = packet;
                outcome.faults.push(Fault { origin, reason: Reason::OutOfRange, detail, raw });
                return;
            }
        }
        let mut plan = session.plan(plans);
        let Session { sequencer, chain, .. } = session;
        sequencer.take(packet, &mut |step| follow(step, chain.as_mut().zip(plan.as_deref_mut()), outcome));
    }

    fn open(&mut self, packet: &Packet) -> usize {
        let session = Session {
            period_us: None,
            sequencer: Sequencer::new(&self.options.sequence, packet.period_us),
            chain: None,
            heard: self.now,
            silent: false,
            touched: false,
        };
        self.deadlines.insert((self.now.saturating_add(self.silence()), packet.session));
        let number = self.free.pop().unwrap_or_else(|| {
            self.known.push(None);
            self.known.len() - 1
        });
        self.known[number] = Some(session);
        self.numbers.insert(packet.session, number);
        number
    }

    fn silence(&self) -> Micros {
        Micros::from(self.options.sequence.silence_s) * SECOND
    }

    /// Ends the sessions that were not heard for `silence_s`, forgets those not heard for `forget_s`.
    fn look_for_silence(&mut self, outcome: &mut Outcome, tally: &mut Tally) {
        let forget = Micros::from(self.options.sequence.forget_s) * SECOND;
        while let Some(&(deadline, id)) = self.deadlines.first()
            && deadline <= self.now
        {
            self.deadlines.pop_first();
            let Some(&number) = self.numbers.get(&id) else { continue };
            let Some(session) = &mut self.known[number] else { continue };
            let silent_at =
                session.heard.saturating_add(Micros::from(self.options.sequence.silence_s) * SECOND);
            if silent_at > self.now {
                self.deadlines.insert((silent_at, id));
                continue;
            }
            if !session.silent {
                session.silent = true;
                session.time_out(&mut self.plans, outcome, tally);
            }
            let forgotten_at = session.heard.saturating_add(forget);
            if forgotten_at > self.now {
                self.deadlines.insert((forgotten_at, id));
            } else {
                self.known[number] = None;
                self.numbers.remove(&id);
                self.free.push(number);
            }
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
    fn settle(&mut self, plans: &mut Plans, outcome: &mut Outcome, tally: &mut Tally) {
        if let Some((chain, plan)) = {
            let plan = self.plan(plans);
            self.chain.as_mut().zip(plan)
        } {
            chain.settle(plan, &mut outcome.windows);
            tally.imputed += chain.imputed();
        }
        *tally += self.sequencer.tally();
    }

    fn time_out(&mut self, plans: &mut Plans, outcome: &mut Outcome, tally: &mut Tally) {
        let mut plan = self.plan(plans);
        let chain = &mut self.chain;
        self.sequencer.time_out(&mut |step| follow(step, chain.as_mut().zip(plan.as_deref_mut()), outcome));
        self.settle(plans, outcome, tally);
        // Nothing corrects a silent session any more: its samples can go.
        if let Some(chain) = &mut self.chain {
            chain.rest();
        }
    }
}

/// Lets a step have its effect.
fn follow(step: Step, signal: Option<(&mut Chain, &mut Plan)>, outcome: &mut Outcome) {
    match (step, signal) {
        (Step::TooLate(fault), _) => outcome.faults.push(fault),
        (Step::Next(placed), Some((chain, plan))) => chain.append(&placed, plan, &mut outcome.windows),
        (Step::Late(placed), Some((chain, _))) => chain.amend(&placed),
        (Step::End, Some((chain, plan))) => chain.finish(plan, &mut outcome.windows),
        (Step::Next(_) | Step::Late(_) | Step::End, None) => {}
    }
}
