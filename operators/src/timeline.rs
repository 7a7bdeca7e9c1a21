//! Folds each key's facts in their own order and keeps the results true when facts change.
//!
//! Facts arrive, and are retracted, in any order. At every moment the outputs are exactly those of
//! one pass over the facts that stand, sorted. A fact at the end costs one step; a correction in
//! the past re-runs from the checkpoint before it and stops as soon as the state is what it was.
//!
//! What is older than a floor cannot change any more: it leaves, and the state after it stays as the base that
//! folding begins with. What it said stays said.
//!
//! Facts stand in runs, each with the state after it. A copy shares the runs, and a change copies the one it is in: an
//! export that keeps what a key was costs a load that touches every key next to nothing.
//!
//! # Invariants
//! - Outputs are a function of the set of facts, not of how or when they came (oracle test), as long as no fact
//!   below the floor changes.
//! - Runs follow each other in the order of facts; none is empty.
//!
//! # Bound
//! The facts above the floor, and as many below as are in one run.

mod form;
mod operator;
#[cfg(test)]
pub(crate) mod oracle;
mod run;
#[cfg(test)]
mod tests;
mod told;

pub use operator::FoldTimeline;
pub use told::{Names, Told, fold_told};

use crate::{Diff, state::Stored};
use differential_dataflow::consolidation::consolidate;
use model::Micros;
use run::{Changes, Run};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::VecDeque, fmt, rc::Rc};

/// A state machine over the facts of one key.
pub trait Fold: Clone + 'static {
    /// A fact; its order is the order of the fold, so it begins with its time.
    type Fact: Ord + Clone + Serialize + DeserializeOwned;
    /// What is remembered between two facts.
    type State: Clone + Eq + Default + Serialize + DeserializeOwned;
    /// What a step can say.
    type Output: Clone + Eq + Serialize + DeserializeOwned;

    /// Version of the form of facts, states and outputs.
    const VERSION: u32;

    /// Reads the timeline that `version`, the one before [`Self::VERSION`], wrote: see [`Timeline::read_as`].
    fn older(version: u32, bytes: &[u8]) -> Option<Timeline<Self>>
    where
        Self: Sized,
    {
        let _ = (version, bytes);
        None
    }

    /// Takes the next fact.
    fn step(&self, state: &mut Self::State, fact: &Self::Fact) -> Option<Self::Output>;

    /// When `fact` was; rises with the order of facts.
    fn at(fact: &Self::Fact) -> Micros;

    /// For so many horizons a fact can change.
    const HORIZONS: i64 = 1;

    /// Facts before this cannot change any more, when `newest` is the newest of the key.
    fn floor(newest: &Self::Fact, watermark: Micros, horizon: Micros) -> Micros {
        let _ = newest;
        watermark.saturating_sub(horizon.saturating_mul(Self::HORIZONS))
    }

    /// Whether `fact`, which just came, is older than what [`Fold::floor`] lets change: then it never was.
    fn is_too_old(fact: &Self::Fact, watermark: Micros, horizon: Micros) -> bool {
        let _ = (fact, watermark, horizon);
        false
    }

    /// How long after the first horizon a fact can change, or matters to later ones even in a state that
    /// [`Fold::may_go`].
    fn memory(&self, horizon: Micros) -> Micros {
        horizon.saturating_mul(Self::HORIZONS - 1)
    }

    /// Whether a key in this state may be forgotten once it was silent for the horizon and [`Fold::memory`].
    fn may_go(&self, state: &Self::State) -> bool;
}

/// The facts of one key and what they lead to.
#[derive(Clone)]
pub struct Timeline<F: Fold> {
    /// The state after the facts that left.
    base: Rc<F::State>,
    /// The facts, oldest first; the last run takes what comes at the end.
    runs: VecDeque<Rc<Run<F>>>,
}

impl<F: Fold> Stored for Timeline<F> {
    const VERSION: u32 = F::VERSION;

    fn older(version: u32, bytes: &[u8]) -> Option<Self> {
        F::older(version, bytes)
    }
}

impl<F: Fold> Default for Timeline<F> {
    fn default() -> Self {
        Self { base: Rc::default(), runs: VecDeque::new() }
    }
}

impl<F: Fold> Timeline<F> {
    /// Applies changes of facts and gives the changes of outputs to `emit`.
    ///
    /// A fact counts while its differences sum to more than zero; a second copy changes nothing.
    pub fn apply(
        &mut self,
        fold: &F,
        changes: impl IntoIterator<Item = (F::Fact, Diff)>,
        mut emit: impl FnMut(F::Output, Diff),
    ) {
        let mut changes: Vec<_> = changes.into_iter().collect();
        consolidate(&mut changes);
        let mut changes = changes.into_iter().peekable();
        // The run at hand, and how many from there on are folded again, because the state before them is another.
        let (mut at, mut due) = (0, 0);
        loop {
            if due == 0 {
                let Some((fact, _)) = changes.peek() else { return };
                at = self.place(fact);
            }
            due = self.turn(fold, at, due, &mut changes, &mut emit);
            if self.runs[at].facts.is_empty() {
                self.runs.remove(at);
            } else {
                at += 1;
            }
            due = due.min(self.runs.len() - at);
        }
    }

    /// The first run that does not end before `fact`.
    fn holding(&self, fact: &F::Fact) -> usize {
        self.runs.partition_point(|run| run.last().is_some_and(|last| last < fact))
    }

    /// The run that `fact` belongs to; the one after the last if that is closed.
    fn place(&self, fact: &F::Fact) -> usize {
        let at = self.holding(fact);
        match self.runs.back() {
            Some(last) if at == self.runs.len() && !last.is_full() => at - 1,
            _ => at,
        }
    }

    /// Takes the changes of the run at `at` and folds what they touch; all of it if it is among those that are `due`.
    ///
    /// Gives how many after it are due.
    fn turn(
        &mut self,
        fold: &F,
        at: usize,
        due: usize,
        changes: &mut Changes<F>,
        emit: &mut impl FnMut(F::Output, Diff),
    ) -> usize {
        if at == self.runs.len() {
            let after = self.tail().clone();
            self.runs.push_back(Rc::new(Run { facts: Vec::new(), after }));
        }
        let is_last = at + 1 == self.runs.len();
        let before = (due > 0 || !self.runs[at].goes_on(changes)).then(|| self.before(at).clone());
        // Copied if a copy of the timeline still has it.
        let run = Rc::make_mut(&mut self.runs[at]);
        let known = run.facts.len();
        let halves = run.take(changes, is_last, emit);
        let Some(before) = before else {
            let state = std::mem::take(&mut run.after);
            run.after = run.fold(fold, state, known, emit);
            return 0;
        };
        let state = run.fold(fold, before, 0, emit);
        let former = std::mem::replace(&mut run.after, state);
        let (split, moved) = (halves.len(), former != run.after);
        for facts in halves {
            // The last ends where the run ended; the others are due.
            self.runs.insert(at + 1, Rc::new(Run { facts, after: former.clone() }));
        }
        (due.saturating_sub(1) + split).max(usize::from(moved))
    }

    /// The state before the run at `at`.
    fn before(&self, at: usize) -> &F::State {
        at.checked_sub(1).map_or(&self.base, |before| &self.runs[before].after)
    }

    /// Drops the changes of facts that are too old to count and did not count before.
    pub fn refuse(&self, changes: &mut Vec<(F::Fact, Diff)>, watermark: Micros, horizon: Micros) {
        changes.retain(|(fact, _)| !F::is_too_old(fact, watermark, horizon) || self.is_known(fact));
    }

    fn is_known(&self, fact: &F::Fact) -> bool {
        self.runs.get(self.holding(fact)).is_some_and(|run| run.find(fact).is_ok())
    }

    /// Lets the runs leave that are closed and lie below the floor.
    ///
    /// Each fact leaves once and no fact is folded for it.
    pub fn compact(&mut self, watermark: Micros, horizon: Micros) {
        let Some(newest) = self.runs.back().and_then(|run| run.last()) else { return };
        let floor = F::floor(newest, watermark, horizon);
        while let Some(run) = self.runs.front()
            && (self.runs.len() > 1 || run.is_full())
            && run.last().is_some_and(|last| F::at(last) < floor)
            && let Some(run) = self.runs.pop_front()
        {
            self.base = Rc::new(Rc::try_unwrap(run).map_or_else(|run| run.after.clone(), |run| run.after));
        }
    }

    /// Lets all facts leave: nothing that was heard can change any more.
    pub fn settle(&mut self) {
        *self = Self { base: Rc::new(self.tail().clone()), runs: VecDeque::new() };
    }

    /// Whether there is nothing to settle.
    pub fn is_settled(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether this is what a key begins with.
    pub fn is_blank(&self) -> bool {
        self.runs.is_empty() && *self.base == F::State::default()
    }

    /// The state after the last fact.
    pub fn tail(&self) -> &F::State {
        self.before(self.runs.len())
    }
}

impl<F: Fold> fmt::Debug for Timeline<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeline({} runs)", self.runs.len())
    }
}
