//! Runs one [`Timeline`](super::Timeline) per key of a fold that is told what concerns every key.
//!
//! ```text
//! facts ──by key────────┐
//! news ──to every worker┴─► learn, then a fact of it for each key that is known
//! ```
//!
//! # Invariants
//! - News of an epoch are learned before its facts are folded, on every worker.
//! - A key has the same facts of news whether it was known before or came later: one that comes is given all there are.
//!
//! # Bound
//! All news, on every worker, for good.

use super::{Fold, operator::Timelines};
use crate::{
    Collection, Diff,
    keyed::{Heard, Keyed, by_key},
    state::{Key, Memory, Store, Stored},
};
use differential_dataflow::ExchangeData;
use model::Micros;
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, rc::Rc};

/// A fold that is told things that concern every key.
pub trait Told<K>: Fold {
    /// What it is told; its order is the order in which it is learned.
    type News: ExchangeData + Stored;

    /// Learns what is told: every later step may use it.
    fn learn(&self, news: &Self::News);

    /// The fact that it is for a key, if it can change what the key's facts lead to.
    fn fact(&self, key: &K, news: &Self::News) -> Option<Self::Fact>;
}

/// Whom something is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum To<K> {
    // First: it is known before facts of the same epoch are folded.
    /// Every key of this worker.
    Every(u64),
    /// A key.
    One(K),
}

/// What is for them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Word<N, D> {
    News(N),
    Fact(D),
}

/// Names of the two things such a step remembers, for good.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The timelines.
    pub step: &'static str,
    /// The news.
    pub news: &'static str,
}

/// As [`super::FoldTimeline::fold_timeline`], of a fold that is told `news`, each of which counts from its epoch on for good.
pub fn fold_told<'scope, K, F>(
    facts: Collection<'scope, Heard<K, F::Fact>>,
    news: Collection<'scope, F::News>,
    names: Names,
    route: fn(&K) -> u64,
    fold: F,
    memory: &Memory<'scope>,
) -> Collection<'scope, (F::Output, Micros)>
where
    K: ExchangeData + Key,
    F: Told<K>,
    F::Fact: ExchangeData,
    F::Output: differential_dataflow::Data,
{
    let scope = memory.ticks.scope();
    let (index, peers) = (scope.index(), scope.peers() as u64);
    let facts = facts.map(|(key, fact, heard)| (To::One(key), Word::Fact(fact), heard));
    let news = news.flat_map(move |news| {
        (0..peers).map(move |worker| (To::Every(worker), Word::News(news.clone()), Micros::MIN))
    });
    let told = memory.states.store_everywhere(names.news, index);
    let timelines = Timelines::new(names.step, route, fold, memory);
    let route = move |to: &To<K>| match to {
        To::Every(worker) => *worker,
        To::One(key) => route(key),
    };
    by_key(facts.concat(news), memory, names.step, route, Informed { timelines, told, learned: Vec::new() })
}

/// The timelines of one worker, and what they were told.
struct Informed<K, F: Told<K>> {
    timelines: Timelines<K, F>,
    /// By the order in which they were told.
    told: Rc<RefCell<Store<u64, F::News>>>,
    /// Those that the fold has learned, in order: fewer than were told after a start.
    learned: Vec<F::News>,
}

impl<K: Key + Ord, F: Told<K>> Informed<K, F> {
    /// Learns what was told before the program began anew.
    fn recall(&mut self) {
        let told = self.told.borrow();
        if self.learned.len() < told.len() {
            self.learned = told.iter().map(|(_, news)| news.clone()).collect();
            self.learned.sort_unstable();
            for news in &self.learned {
                self.timelines.fold.learn(news);
            }
        }
    }

    fn learn(&mut self, news: F::News) {
        self.told.borrow_mut().insert(self.learned.len() as u64, Micros::MIN, news.clone());
        self.timelines.fold.learn(&news);
        let place = self.learned.partition_point(|known| *known < news);
        self.learned.insert(place, news);
    }

    /// Takes the facts of a key, which is heard of by news as by any other: what leaves leaves by the age of its key, and
    /// what news say is said at their time.
    fn take_all(
        &mut self,
        key: K,
        heard: Micros,
        watermark: Micros,
        facts: &mut Vec<(F::Fact, Diff)>,
        emit: impl FnMut((F::Output, Micros), Diff),
    ) {
        let newest = facts.iter().map(|(fact, _)| F::at(fact)).max();
        let heard = newest.map_or(heard, |newest| newest.max(heard));
        self.timelines.take(key, heard, watermark, facts, emit);
    }

    /// What `news` are for `key`.
    fn facts<'a>(&self, key: &'a K, news: &'a [F::News]) -> impl Iterator<Item = (F::Fact, Diff)> {
        news.iter().filter_map(|news| Some((self.timelines.fold.fact(key, news)?, 1)))
    }
}

impl<K: Key + Ord, F: Told<K>> Keyed<To<K>, Word<F::News, F::Fact>, (F::Output, Micros)> for Informed<K, F> {
    fn take(
        &mut self,
        to: To<K>,
        heard: Micros,
        watermark: Micros,
        changes: &mut Vec<(Word<F::News, F::Fact>, Diff)>,
        mut emit: impl FnMut((F::Output, Micros), Diff),
    ) {
        let (mut news, mut facts) = (Vec::new(), Vec::new());
        for (word, diff) in changes.drain(..) {
            match word {
                Word::News(told) => news.push(told),
                Word::Fact(fact) => facts.push((fact, diff)),
            }
        }
        match to {
            To::One(key) => {
                if !self.timelines.knows(&key) {
                    facts.extend(self.facts(&key, &self.learned));
                }
                self.take_all(key, heard, watermark, &mut facts, emit);
            }
            To::Every(_) => {
                for news in &news {
                    self.learn(news.clone());
                }
                for key in self.timelines.keys() {
                    facts.extend(self.facts(&key, &news));
                    if !facts.is_empty() {
                        self.take_all(key, heard, watermark, &mut facts, &mut emit);
                    }
                }
            }
        }
    }

    fn forget(&mut self, watermark: Micros) {
        self.recall();
        Keyed::<K, F::Fact, _>::forget(&mut self.timelines, watermark);
    }
}
