//! Dead letters that stand: one for each record that could not be used, until it can.
//!
//! ```text
//! refused ────► new letter: +1, remembered by place and digest
//! sent again ─► its letter is known? ─┬─ usable: −1, forgotten
//!                                     └─ refused: −1 with the old reason, +1 with the new
//! ```
//!
//! A record that is sent again says which letter it was ([`Again`]). What it says is believed only if exactly that
//! letter is remembered; otherwise it is a record like any other, and a letter of its own if it is refused. So
//! is a repaired record that is refused: it is not what the letter was made of.
//!
//! # Retractions
//! Only what was asserted and stands is taken back, whatever records say: what is remembered is a digest of the
//! whole letter.
//!
//! # Why forgetting is safe
//! A letter that was forgotten stays. [`crate::arrival`] refuses a record that is sent again after that.
//!
//! # Bound
//! Remembers 16 bytes and a place for each letter of a horizon.

use crate::{
    Collection, Diff, Stream,
    state::{Memory, Store, Stored},
    turns::Turns,
};
use differential_dataflow::AsCollection;
use model::{Again, Fault, Origin, Tick};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use timely::dataflow::{
    channels::pact::{Exchange, Pipeline},
    operators::{Concat, generic::operator::Operator, vec::Map},
};

/// A digest of a letter that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Letter([u8; 16]);

impl Stored for Letter {
    const VERSION: u32 = 1;
}

impl Letter {
    fn of(fault: &Fault) -> Self {
        let bytes = postcard::to_allocvec(fault).expect("a fault is plain data, which always has a form");
        let digest = blake3::hash(&bytes);
        Self(*digest.as_bytes().first_chunk().expect("a digest has 32 bytes"))
    }
}

/// What became of a record.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Fate {
    Refused(Fault),
    /// It was a letter and can be used, as far as arrival knows.
    Passed(Again),
}

/// By partition: a record that is sent again stands in that of its letter.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "what a store asks for")]
fn route(&Origin { input, partition, .. }: &Origin) -> u64 {
    input.lane(partition)
}

/// The letters that `refused` records leave, less those that were sent `again` and can be used now.
pub fn standing<'scope>(
    refused: Stream<'scope, Fault>,
    again: Stream<'scope, (Origin, Again)>,
    memory: &Memory<'scope>,
) -> Collection<'scope, Fault> {
    let refused = refused.map(|fault| (fault.origin, Fate::Refused(fault)));
    let fates = refused.concat(again.map(|(at, again)| (at, Fate::Passed(again))));
    let by_partition = Exchange::new(|(at, _): &(Origin, Fate)| route(at));
    let letters = memory.states.store::<Origin, Letter>("letters", route, memory.horizon);
    fates
        .binary_frontier(memory.ticks.clone(), by_partition, Pipeline, "Letters", |_capability, _info| {
            let mut turns = Turns::<(Origin, Fate), 1>::new();
            move |(fates, fates_frontier), (ticks, ticks_frontier), output| {
                fates.for_each(|capability, batch| {
                    turns.data(&capability, *capability.time()).append(batch);
                });
                ticks.for_each(|capability, batch| turns.tick(&capability, batch));
                while let Some(turn) =
                    turns.next(|epoch| !fates_frontier.less_equal(epoch) && !ticks_frontier.less_equal(epoch))
                {
                    let epoch = *turn.capabilities[0].time();
                    let mut ledger = Ledger { known: &mut letters.borrow_mut(), tick: turn.tick };
                    let mut session = output.session(&turn.capabilities[0]);
                    ledger.known.expire(turn.tick.watermark, |_, _| false);
                    for (at, fate) in settled(turn.data) {
                        ledger.enter(at, fate, &mut |fault, diff| session.give((fault, epoch, diff)));
                    }
                }
            }
        })
        .as_collection()
}

/// One fate for each record, in the order of the log; what passed arrival may have been refused behind it, which
/// happens in the same epoch.
fn settled(fates: Vec<(Origin, Fate)>) -> BTreeMap<Origin, Fate> {
    let mut settled = BTreeMap::new();
    for (at, fate) in fates {
        match fate {
            Fate::Refused(_) => drop(settled.insert(at, fate)),
            Fate::Passed(_) => drop(settled.entry(at).or_insert(fate)),
        }
    }
    settled
}

/// The letters of a worker in one epoch.
struct Ledger<'a> {
    known: &'a mut Store<Origin, Letter>,
    tick: Tick,
}

impl Ledger<'_> {
    fn enter(&mut self, at: Origin, fate: Fate, emit: &mut impl FnMut(Fault, Diff)) {
        match fate {
            Fate::Passed(again) => {
                if self.stands(&again.letter) {
                    self.known.remove(&again.letter.origin);
                    emit(again.letter, -1);
                }
            }
            Fate::Refused(fault) => match Again::read(at, &fault.raw) {
                Some(Again { letter, repaired: false }) if self.stands(&letter) => {
                    let anew = Fault { reason: fault.reason, detail: fault.detail, ..letter.clone() };
                    if anew != letter {
                        emit(letter, -1);
                        self.add(anew, emit);
                    }
                }
                _ => self.add(fault, emit),
            },
        }
    }

    fn stands(&self, letter: &Fault) -> bool {
        self.known.get(&letter.origin).is_some_and(|known| *known == Letter::of(letter))
    }

    fn add(&mut self, fault: Fault, emit: &mut impl FnMut(Fault, Diff)) {
        // A producer whose clock is ahead is not remembered for longer.
        let dated = fault.raw.recorded_at.min(self.tick.now).max(self.tick.watermark);
        self.known.insert(fault.origin, dated, Letter::of(&fault));
        emit(fault, 1);
    }
}

#[cfg(test)]
mod tests;
