//! The last values of a person that were measured in a sample: one of them may be corrected, or taken back.
//!
//! # Invariants
//! - What takes the place of a value that was taken back is the newest that was not; never one that something seen since took
//!   the place of.

use super::{Correction, Fact, Facts, Method, Parameter};
use serde::{Deserialize, Serialize};

/// So many of each parameter are known; an older one is not corrected any more.
const KNOWN: usize = 4;

/// Values by what they are of, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Assayed(Vec<(Parameter, Fact)>);

impl Assayed {
    /// Those that stand among `facts`.
    pub(super) fn among(facts: &Facts) -> Self {
        Self(facts.entries().filter(|(_, fact)| fact.method == Method::Assayed).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a fact, and has `facts` take it.
    pub(super) fn take(&mut self, facts: &mut Facts, parameter: Parameter, fact: Fact) {
        // What cannot be is no evidence; what brought it refused it already.
        if facts.take(parameter, fact).is_err() {
            return;
        }
        for slot in parameter.slots() {
            if fact.method == Method::Assayed {
                self.insert(slot, fact);
            } else {
                self.0.retain(|(known, before)| *known != slot || before.at > fact.at);
            }
        }
    }

    fn insert(&mut self, slot: Parameter, fact: Fact) {
        let place = self.0.partition_point(|known| *known < (slot, fact));
        self.0.insert(place, (slot, fact));
        let first = self.0.partition_point(|(known, _)| *known < slot);
        let count = self.0[first..].iter().take_while(|(known, _)| *known == slot).count();
        self.0.drain(first..first + count.saturating_sub(KNOWN));
    }

    /// Corrects a value; whether `facts` say anything else now.
    pub(super) fn correct(&mut self, facts: &mut Facts, correction: &Correction) -> bool {
        let taken: Vec<_> =
            correction.taken.into_iter().flat_map(|(parameter, _)| parameter.slots()).collect();
        let given: Vec<_> =
            correction.given.into_iter().flat_map(|(parameter, ..)| parameter.slots()).collect();
        let mut changed = false;
        for slot in Parameter::ALL.iter().map(|(slot, ..)| *slot) {
            if !taken.contains(&slot) && !given.contains(&slot) {
                continue;
            }
            let value = |facts: &Facts| facts.latest(slot).map(|fact| fact.value);
            let before = value(facts);
            let known = self.0.len();
            if let Some((_, span)) = correction.taken.filter(|_| taken.contains(&slot)) {
                self.0.retain(|(its, fact)| *its != slot || fact.span != span);
                facts.drop_if(slot, |fact| fact.span == span);
            }
            // Of a value that something took the place of it does not matter what it was.
            let mattered = !taken.contains(&slot) || self.0.len() < known;
            if let Some((_, fact)) = correction.fact().filter(|_| given.contains(&slot) && mattered) {
                self.insert(slot, fact);
            }
            if let Some((_, newest)) = self.0.iter().rfind(|(its, _)| *its == slot) {
                facts.keep(slot, *newest);
            }
            changed |= value(facts) != before;
        }
        changed
    }
}
