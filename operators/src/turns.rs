//! Holds what arrives until its epoch is complete and its tick is known.
//!
//! # Frontier
//! An epoch has its turn once both the input and the ticks have passed it; until then its capabilities are
//! held. Epochs have their turns in order, each that had a tick or data exactly once.
//!
//! # Invariants
//! - Nothing is held once the frontiers have passed: between two epochs a step has no state but its store.
//! - What is held is in the order in which it came.

use model::{Epoch, Micros, Tick};
use std::collections::BTreeMap;
use timely::dataflow::operators::{Capability, InputCapability};

/// One complete epoch.
pub(crate) struct Turn<D, const OUTPUTS: usize> {
    pub(crate) capabilities: [Capability<Epoch>; OUTPUTS],
    /// The newest so far.
    pub(crate) tick: Tick,
    pub(crate) data: Vec<D>,
}

/// Epochs that are not complete; one capability each for every output.
pub(crate) struct Turns<D, const OUTPUTS: usize> {
    open: BTreeMap<Epoch, Turn<D, OUTPUTS>>,
    tick: Tick,
}

impl<D, const OUTPUTS: usize> Turns<D, OUTPUTS> {
    pub(crate) fn new() -> Self {
        Self { open: BTreeMap::new(), tick: Tick { now: Micros::MIN, watermark: Micros::MIN } }
    }

    /// Where the data of `epoch` go, which is not before that of `capability`.
    pub(crate) fn data(&mut self, capability: &InputCapability<Epoch>, epoch: Epoch) -> &mut Vec<D> {
        &mut self.turn(capability, epoch).data
    }

    /// Takes ticks.
    pub(crate) fn tick(&mut self, capability: &InputCapability<Epoch>, ticks: &[Tick]) {
        let turn = self.turn(capability, *capability.time());
        turn.tick = ticks.iter().copied().fold(turn.tick, newer);
    }

    /// The oldest epoch, if the frontiers have passed it.
    pub(crate) fn next(&mut self, passed: impl Fn(&Epoch) -> bool) -> Option<Turn<D, OUTPUTS>> {
        let entry = self.open.first_entry().filter(|entry| passed(entry.key()))?;
        let turn = entry.remove();
        self.tick = newer(self.tick, turn.tick);
        Some(Turn { tick: self.tick, ..turn })
    }

    fn turn(&mut self, capability: &InputCapability<Epoch>, epoch: Epoch) -> &mut Turn<D, OUTPUTS> {
        self.open.entry(epoch).or_insert_with(|| Turn {
            capabilities: std::array::from_fn(|output| capability.delayed(&epoch, output)),
            tick: Tick { now: Micros::MIN, watermark: Micros::MIN },
            data: Vec::new(),
        })
    }
}

fn newer(one: Tick, other: Tick) -> Tick {
    Tick { now: one.now.max(other.now), watermark: one.watermark.max(other.watermark) }
}
