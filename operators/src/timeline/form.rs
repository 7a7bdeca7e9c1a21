//! The form in which a timeline is kept: maps by fact of what stands, of what was said and of the states between.
//!
//! Runs are in it as the states after their last facts, so that they can be cut in another way without another form.

use super::{
    Fold, Timeline,
    run::{Counted, Run},
};
use crate::Diff;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::DeserializeOwned,
    ser::{SerializeMap, SerializeStruct},
};
use std::{collections::BTreeMap, rc::Rc};

/// A timeline as it is written, of facts `A`, states `S` and outputs `O`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "A: Ord + DeserializeOwned, S: DeserializeOwned, O: DeserializeOwned"))]
struct Written<A, S, O> {
    base: S,
    facts: BTreeMap<A, Diff>,
    /// The states after closed runs.
    checkpoints: BTreeMap<A, S>,
    outputs: BTreeMap<A, O>,
    tail: S,
    /// Facts of the open run; those after the last checkpoint are as many.
    behind: usize,
}

/// A map that is written as it is walked.
struct Pairs<I>(usize, I);

impl<K: Serialize, V: Serialize, I: Iterator<Item = (K, V)> + Clone> Serialize for Pairs<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0))?;
        self.1.clone().try_for_each(|(key, value)| map.serialize_entry(&key, &value))?;
        map.end()
    }
}

impl<F: Fold> Serialize for Timeline<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = || self.runs.iter().flat_map(|run| &run.facts);
        let said = || known().filter_map(|known| Some((&known.fact, known.said.as_ref()?)));
        let open = self.runs.back().filter(|run| !run.is_full()).map_or(0, |run| run.facts.len());
        let closed = self.runs.len() - usize::from(open > 0);
        let ends = self.runs.iter().take(closed).filter_map(|run| Some((run.last()?, &run.after)));
        let mut form = serializer.serialize_struct("Timeline", 6)?;
        form.serialize_field("base", &*self.base)?;
        let facts = known().map(|known| (&known.fact, known.count));
        form.serialize_field("facts", &Pairs(known().count(), facts))?;
        form.serialize_field("checkpoints", &Pairs(closed, ends))?;
        form.serialize_field("outputs", &Pairs(said().count(), said()))?;
        form.serialize_field("tail", self.tail())?;
        form.serialize_field("behind", &open)?;
        form.end()
    }
}

impl<'de, F: Fold> Deserialize<'de> for Timeline<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::<F::Fact, F::State, F::Output>::deserialize(deserializer).map(Self::from)
    }
}

impl<F: Fold> From<Written<F::Fact, F::State, F::Output>> for Timeline<F> {
    fn from(written: Written<F::Fact, F::State, F::Output>) -> Self {
        let Written { base, facts, mut checkpoints, mut outputs, tail, behind: _ } = written;
        let mut timeline = Self { base: Rc::new(base), ..Self::default() };
        let mut run = Vec::new();
        for (fact, count) in facts {
            let said = outputs.remove(&fact).map(Box::new);
            let after = checkpoints.remove(&fact);
            run.push(Counted { fact, count, said });
            if let Some(after) = after {
                timeline.runs.push_back(Rc::new(Run { facts: std::mem::take(&mut run), after }));
            }
        }
        if !run.is_empty() {
            timeline.runs.push_back(Rc::new(Run { facts: run, after: tail }));
        }
        timeline
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
        let read: Written<A, S, F::Output> = postcard::from_bytes(bytes).ok()?;
        let written = Written {
            base: state(read.base),
            facts: read.facts.into_iter().map(|(of, count)| (fact(of), count)).collect(),
            checkpoints: read.checkpoints.into_iter().map(|(of, after)| (fact(of), state(after))).collect(),
            outputs: read.outputs.into_iter().map(|(of, output)| (fact(of), output)).collect(),
            tail: state(read.tail),
            behind: read.behind,
        };
        Some(Self::from(written))
    }
}
