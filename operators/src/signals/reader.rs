//! The chain that reads a session, whatever its signal, and the plan that goes with it.
//!
//! A signal is added by a variant of [`Plan`] and of [`Reader`], and an arm of each `match` here; nothing else knows how
//! many there are.
//!
//! # Invariants
//! - A reader only ever meets the plan of its own signal and sample period; with another it does nothing.

use super::{Options, Rows};
use crate::{
    cartridge, ecg, pulse, pulse::Pulse, respiration, respiration::Respiration, sequence::clock::Placed, wave,
};
use model::{Packet, Signal};
use serde::{Deserialize, Serialize};

/// What all sessions of one signal and one sample period share.
#[derive(Debug)]
pub(super) enum Plan {
    Pulse(Box<wave::plan::Plan<Pulse>>),
    Respiration(Box<wave::plan::Plan<Respiration>>),
    Ecg(Box<ecg::plan::Plan>),
    Cartridge(Box<cartridge::plan::Plan>),
}

impl Plan {
    /// Plans for sessions of `signal` sampled every `period_us` microseconds.
    pub(super) fn new(options: &Options, signal: Signal, period_us: u32) -> Result<Self, dsp::Error> {
        let sequence = &options.pulse.sequence;
        match signal {
            Signal::Channels => {
                let options = cartridge::Options { sequence: sequence.clone(), ..options.cartridge.clone() };
                cartridge::plan::Plan::new(&options, period_us).map(|plan| Self::Cartridge(Box::new(plan)))
            }
            Signal::Pulse => pulse::plan(&options.pulse, period_us).map(|plan| Self::Pulse(Box::new(plan))),
            Signal::Respiration => respiration::plan(&options.respiration, sequence, period_us)
                .map(|plan| Self::Respiration(Box::new(plan))),
            Signal::Ecg => {
                ecg::plan::Plan::new(&options.ecg, sequence, period_us).map(|plan| Self::Ecg(Box::new(plan)))
            }
        }
    }

    /// A reader for the session of `packet`.
    pub(super) fn reader(&self, packet: &Packet) -> Reader {
        match self {
            Self::Pulse(plan) => Reader::Pulse(wave::chain::Chain::new(plan, packet)),
            Self::Respiration(plan) => Reader::Respiration(wave::chain::Chain::new(plan, packet)),
            Self::Ecg(plan) => Reader::Ecg(Box::new(ecg::chain::Chain::new(plan, packet))),
            Self::Cartridge(plan) => Reader::Cartridge(Box::new(cartridge::chain::Chain::new(plan, packet))),
        }
    }
}

/// One session's signal; plain data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Reader {
    Pulse(wave::chain::Chain<Pulse>),
    Respiration(wave::chain::Chain<Respiration>),
    Ecg(Box<ecg::chain::Chain>),
    Cartridge(Box<cartridge::chain::Chain>),
}

impl Reader {
    /// Takes the next packet in order.
    pub(super) fn append(&mut self, placed: &Placed, plan: &mut Plan, out: &mut Rows) {
        match (self, plan) {
            (Self::Pulse(chain), Plan::Pulse(plan)) => chain.append(placed, plan, out),
            (Self::Respiration(chain), Plan::Respiration(plan)) => chain.append(placed, plan, out),
            (Self::Ecg(chain), Plan::Ecg(plan)) => chain.append(placed, plan, out),
            (Self::Cartridge(chain), Plan::Cartridge(plan)) => {
                chain.append(placed, plan, &mut out.cartridges);
            }
            _ => {}
        }
    }

    /// Takes a late packet; the next [`Reader::settle`] sends the corrections.
    pub(super) fn amend(&mut self, placed: &Placed) {
        match self {
            Self::Pulse(chain) => chain.amend(placed),
            Self::Respiration(chain) => chain.amend(placed),
            Self::Ecg(chain) => chain.amend(placed),
            Self::Cartridge(chain) => chain.amend(placed),
        }
    }

    /// The epoch is over: sends what is owed.
    pub(super) fn settle(&mut self, plan: &mut Plan, out: &mut Rows) {
        match (self, plan) {
            (Self::Pulse(chain), Plan::Pulse(plan)) => chain.settle(plan, out),
            (Self::Respiration(chain), Plan::Respiration(plan)) => chain.settle(plan, out),
            (Self::Ecg(chain), Plan::Ecg(plan)) => chain.settle(plan, out),
            (Self::Cartridge(chain), Plan::Cartridge(plan)) => chain.settle(plan, &mut out.cartridges),
            _ => {}
        }
    }

    /// The session ended, by its own word or by silence.
    pub(super) fn finish(&mut self, plan: &mut Plan, out: &mut Rows) {
        match (self, plan) {
            (Self::Pulse(chain), Plan::Pulse(plan)) => chain.finish(plan, out),
            (Self::Respiration(chain), Plan::Respiration(plan)) => chain.finish(plan, out),
            (Self::Ecg(chain), Plan::Ecg(plan)) => chain.finish(plan, out),
            (Self::Cartridge(chain), Plan::Cartridge(plan)) => chain.finish(plan, &mut out.cartridges),
            _ => {}
        }
    }

    /// Nothing corrects the session any more: its samples can go.
    pub(super) fn rest(&mut self) {
        match self {
            Self::Pulse(chain) => chain.rest(),
            Self::Respiration(chain) => chain.rest(),
            Self::Ecg(chain) => chain.rest(),
            Self::Cartridge(chain) => chain.rest(),
        }
    }

    /// Samples imputed since the last call, less those a late packet replaced.
    pub(super) fn imputed(&mut self) -> i64 {
        match self {
            Self::Pulse(chain) => chain.imputed(),
            Self::Respiration(chain) => chain.imputed(),
            Self::Ecg(chain) => chain.imputed(),
            Self::Cartridge(chain) => chain.imputed(),
        }
    }

    /// The signal it reads.
    pub(super) const fn signal(&self) -> Signal {
        match self {
            Self::Pulse(_) => Signal::Pulse,
            Self::Respiration(_) => Signal::Respiration,
            Self::Ecg(_) => Signal::Ecg,
            Self::Cartridge(_) => Signal::Channels,
        }
    }
}
