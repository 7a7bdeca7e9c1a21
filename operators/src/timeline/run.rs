//! A run of a timeline: facts that follow each other, and the state after them.

use super::Fold;
use crate::Diff;
use std::{iter::Peekable, vec};

/// Facts of a run that was closed, twice as many at most after late ones came: what a late fact costs at most before its
/// own place is reached.
pub(super) const STRIDE: usize = 32;

/// Facts that follow each other.
#[derive(Clone)]
pub(super) struct Run<F: Fold> {
    /// At least one, in order.
    pub(super) facts: Vec<Counted<F>>,
    /// The state after them.
    pub(super) after: F::State,
}

/// A fact; it stands while its differences sum to more than zero.
#[derive(Clone)]
pub(super) struct Counted<F: Fold> {
    pub(super) fact: F::Fact,
    /// Not zero.
    pub(super) count: Diff,
    /// What it said.
    pub(super) said: Option<Box<F::Output>>,
}

/// Changes in the order of facts.
pub(super) type Changes<F> = Peekable<vec::IntoIter<(<F as Fold>::Fact, Diff)>>;

impl<F: Fold> Run<F> {
    /// The last fact.
    pub(super) fn last(&self) -> Option<&F::Fact> {
        self.facts.last().map(|last| &last.fact)
    }

    /// Whether a fact after its last one begins another run.
    pub(super) fn is_full(&self) -> bool {
        self.facts.len() >= STRIDE
    }

    pub(super) fn find(&self, fact: &F::Fact) -> Result<usize, usize> {
        // Most come at the end.
        if self.last().is_none_or(|last| last < fact) {
            return Err(self.facts.len());
        }
        self.facts.binary_search_by(|known| known.fact.cmp(fact))
    }

    /// Whether the next of `changes` comes after its last fact.
    pub(super) fn goes_on(&self, changes: &mut Changes<F>) -> bool {
        self.last().is_none_or(|last| changes.peek().is_some_and(|(first, _)| last < first))
    }

    /// Takes the changes up to its last fact, and beyond it while it `is_last` and not full.
    ///
    /// What stands no more takes back what it said. Whenever the run grew too long its second half leaves: given are
    /// all that left, the last first.
    pub(super) fn take(
        &mut self,
        changes: &mut Changes<F>,
        is_last: bool,
        emit: &mut impl FnMut(F::Output, Diff),
    ) -> Vec<Vec<Counted<F>>> {
        let mut end = self.last().cloned();
        let mut halves = Vec::new();
        loop {
            let open = is_last && halves.is_empty() && !self.is_full();
            let next = changes.next_if(|(fact, _)| open || end.as_ref().is_some_and(|end| fact <= end));
            let Some((fact, diff)) = next else { return halves };
            match self.find(&fact) {
                Ok(at) => {
                    let known = &mut self.facts[at];
                    known.count += diff;
                    if let Some(said) = known.said.take_if(|_| known.count <= 0) {
                        emit(*said, -1);
                    }
                    if known.count == 0 {
                        self.facts.remove(at);
                    }
                }
                Err(at) => self.facts.insert(at, Counted { fact, count: diff, said: None }),
            }
            if self.facts.len() >= 2 * STRIDE {
                halves.push(self.facts.split_off(STRIDE));
                end = self.last().cloned();
            }
        }
    }

    /// Folds the facts from the one at `from` and gives the state after them.
    pub(super) fn fold(
        &mut self,
        fold: &F,
        mut state: F::State,
        from: usize,
        emit: &mut impl FnMut(F::Output, Diff),
    ) -> F::State {
        for known in self.facts.iter_mut().skip(from).filter(|known| known.count > 0) {
            let says = fold.step(&mut state, &known.fact);
            if known.said.as_deref() == says.as_ref() {
                continue;
            }
            if let Some(said) = known.said.take() {
                emit(*said, -1);
            }
            known.said = says.map(|says| {
                emit(says.clone(), 1);
                Box::new(says)
            });
        }
        state
    }
}
