//! Folds each key's facts in their own order and keeps the results true when facts change.
//!
//! Facts arrive, and are retracted, in any order. At every moment the outputs are exactly those of
//! one pass over the facts that stand, sorted. A fact at the end costs one step; a correction in
//! the past re-runs from the checkpoint before it and stops as soon as the state is what it was.
//!
//! What is older than a floor cannot change any more: it leaves, and the state after it stays as the base that
//! folding begins with. What it said stays said.
//!
//! # Invariants
//! - Outputs are a function of the set of facts, not of how or when they came (oracle test), as long as no fact
//!   below the floor changes.
//! - `tail` is the state after the last fact; a checkpoint is the state after its fact.
//!
//! # Bound
//! The facts above the floor, and as many below as lie between two checkpoints.

mod operator;
#[cfg(test)]
mod tests;

pub use operator::FoldTimeline;

use crate::{Diff, state::Stored};
use model::Micros;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

/// Facts between two checkpoints: what a late fact costs at most before its own place is reached.
const STRIDE: usize = 32;

/// A state machine over the facts of one key.
pub trait Fold: 'static {
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

    /// Facts before this cannot change any more, when `newest` is the newest of the key.
    fn floor(newest: &Self::Fact, watermark: Micros, horizon: Micros) -> Micros;

    /// Whether `fact`, which just came, is older than what [`Fold::floor`] lets change: then it never was.
    fn is_too_old(fact: &Self::Fact, watermark: Micros, horizon: Micros) -> bool {
        let _ = (fact, watermark, horizon);
        false
    }

    /// How long a fact matters to later ones even in a state that [`Fold::may_go`].
    fn memory(&self) -> Micros {
        0
    }

    /// Whether a key in this state may be forgotten once it was silent for the horizon and [`Fold::memory`].
    fn may_go(&self, state: &Self::State) -> bool;
}

/// The facts of one key and what they lead to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "F: Fold", deserialize = "F: Fold"))]
pub struct Timeline<F: Fold> {
    /// The state after the facts that left.
    base: F::State,
    facts: BTreeMap<F::Fact, Diff>,
    checkpoints: BTreeMap<F::Fact, F::State>,
    outputs: BTreeMap<F::Fact, F::Output>,
    tail: F::State,
    /// Facts behind the newest checkpoint.
    behind: usize,
}

/// Where folding begins.
struct Start<F: Fold> {
    /// The last fact that needs no folding.
    after: Option<F::Fact>,
    /// The state after it.
    state: F::State,
    /// Facts since the checkpoint before.
    run: usize,
}

impl<F: Fold> Stored for Timeline<F> {
    const VERSION: u32 = F::VERSION;

    fn older(version: u32, bytes: &[u8]) -> Option<Self> {
        F::older(version, bytes)
    }
}

/// A timeline as it is written, of facts `A` and states `S` of another version.
#[derive(Deserialize)]
#[serde(bound(deserialize = "A: Ord + DeserializeOwned, S: DeserializeOwned, O: DeserializeOwned"))]
struct Former<A, S, O> {
    base: S,
    facts: BTreeMap<A, Diff>,
    checkpoints: BTreeMap<A, S>,
    outputs: BTreeMap<A, O>,
    tail: S,
    behind: usize,
}

impl<F: Fold> Default for Timeline<F> {
    fn default() -> Self {
        Self {
            base: F::State::default(),
            facts: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            outputs: BTreeMap::new(),
            tail: F::State::default(),
            behind: 0,
        }
    }
}

impl<F: Fold> Timeline<F> {
    /// Reads a timeline of other facts and states, each turned into one of this version; the order of facts and what
    /// they said must be the same.
    pub fn read_as<A, S>(
        bytes: &[u8],
        fact: impl Fn(A) -> F::Fact,
        state: impl Fn(S) -> F::State,
    ) -> Option<Self>
    where
        A: Ord + DeserializeOwned,
        S: DeserializeOwned,
    {
        let read: Former<A, S, F::Output> = postcard::from_bytes(bytes).ok()?;
        Some(Self {
            base: state(read.base),
            facts: read.facts.into_iter().map(|(of, count)| (fact(of), count)).collect(),
            checkpoints: read.checkpoints.into_iter().map(|(of, after)| (fact(of), state(after))).collect(),
            outputs: read.outputs.into_iter().map(|(of, output)| (fact(of), output)).collect(),
            tail: state(read.tail),
            behind: read.behind,
        })
    }

    /// Applies changes of facts and gives the changes of outputs to `emit`.
    ///
    /// A fact counts while its differences sum to more than zero; a second copy changes nothing.
    pub fn apply(
        &mut self,
        fold: &F,
        changes: impl IntoIterator<Item = (F::Fact, Diff)>,
        mut emit: impl FnMut(F::Output, Diff),
    ) {
        let last = self.facts.last_key_value().map(|(fact, _)| fact.clone());
        let mut touched: BTreeMap<F::Fact, bool> = BTreeMap::new();
        for (fact, diff) in changes {
            let count = self.facts.entry(fact.clone()).or_insert(0);
            let stood = *count > 0;
            *count += diff;
            touched.entry(fact).or_insert(stood);
        }
        // 1. What stood and stands no more takes its output and its checkpoint with it.
        touched.retain(|fact, stood| {
            let count = self.facts.get(fact).copied().unwrap_or(0);
            if count == 0 {
                self.facts.remove(fact);
            }
            let stands = count > 0;
            if !stands {
                self.checkpoints.remove(fact);
                if let Some(output) = self.outputs.remove(fact) {
                    emit(output, -1);
                }
            }
            *stood != stands
        });
        // 2. What changed in place is folded again.
        let (Some((low, _)), Some((high, _))) = (touched.first_key_value(), touched.last_key_value()) else {
            return;
        };
        let start = if last.as_ref().is_none_or(|last| last < low) {
            Start { after: last, state: std::mem::take(&mut self.tail), run: self.behind }
        } else {
            let checkpoint = self.checkpoints.range(..low).next_back();
            let (after, state) = checkpoint.map(|(fact, state)| (fact.clone(), state.clone())).unzip();
            Start { after, state: state.unwrap_or_else(|| self.base.clone()), run: 0 }
        };
        self.refold(fold, start, high, &mut emit);
    }

    /// Drops the changes of facts that are too old to count and did not count before.
    pub fn refuse(&self, changes: &mut Vec<(F::Fact, Diff)>, watermark: Micros, horizon: Micros) {
        changes.retain(|(fact, _)| !F::is_too_old(fact, watermark, horizon) || self.facts.contains_key(fact));
    }

    /// Lets the facts leave that lie before a checkpoint below the floor.
    ///
    /// Each fact leaves once and no fact is folded for it.
    pub fn compact(&mut self, watermark: Micros, horizon: Micros) {
        let Some((newest, _)) = self.facts.last_key_value() else { return };
        let floor = F::floor(newest, watermark, horizon);
        let mut last = None;
        while let Some(entry) = self.checkpoints.first_entry()
            && F::at(entry.key()) < floor
        {
            last = Some(entry.remove_entry());
        }
        let Some((last, state)) = last else { return };
        self.base = state;
        while self.facts.first_key_value().is_some_and(|(fact, _)| *fact <= last) {
            self.facts.pop_first();
        }
        while self.outputs.first_key_value().is_some_and(|(fact, _)| *fact <= last) {
            self.outputs.pop_first();
        }
    }

    /// Lets all facts leave: nothing that was heard can change any more.
    pub fn settle(&mut self) {
        *self = Self { base: self.tail.clone(), tail: self.tail.clone(), ..Self::default() };
    }

    /// Whether there is nothing to settle.
    pub fn is_settled(&self) -> bool {
        self.facts.is_empty()
    }

    /// Whether this is what a key begins with.
    pub fn is_blank(&self) -> bool {
        self.facts.is_empty() && self.tail == F::State::default()
    }

    /// The state after the last fact.
    pub const fn tail(&self) -> &F::State {
        &self.tail
    }

    /// Folds again from `start` until the state agrees with a checkpoint after `high`.
    fn refold(&mut self, fold: &F, start: Start<F>, high: &F::Fact, emit: &mut impl FnMut(F::Output, Diff)) {
        let Start { after, mut state, mut run } = start;
        let from = after.map_or(Unbounded, Excluded);
        for (fact, count) in self.facts.range((from, Unbounded)) {
            if *count <= 0 {
                continue;
            }
            let output = fold.step(&mut state, fact);
            let before = self.outputs.get(fact);
            if before != output.as_ref() {
                if let Some(before) = self.outputs.remove(fact) {
                    emit(before, -1);
                }
                if let Some(output) = output {
                    emit(output.clone(), 1);
                    self.outputs.insert(fact.clone(), output);
                }
            }
            run += 1;
            if let Some(checkpoint) = self.checkpoints.get_mut(fact) {
                if fact > high && *checkpoint == state {
                    // From here on everything is as it was, the tail included.
                    return;
                }
                *checkpoint = state.clone();
                run = 0;
            } else if run >= STRIDE {
                self.checkpoints.insert(fact.clone(), state.clone());
                run = 0;
            }
        }
        self.tail = state;
        self.behind = run;
    }
}
