//! Runs one [`Timeline`] per key inside the dataflow.
//!
//! # Why forgetting does not show
//! A key goes when it was silent for the horizon and for as long as a fact matters, in a state that says
//! nothing about what may come: what comes later is folded as if the key had been there. A key in another
//! state stays, and keeps the state alone.

use super::{Fold, Timeline};
use crate::{
    Collection, Diff,
    keyed::{Heard, Keyed, by_key},
    state::{Key, Memory, Store},
};
use differential_dataflow::ExchangeData;
use model::Micros;
use std::{cell::RefCell, rc::Rc};

/// Extension trait for folding each key's facts in their own order.
pub trait FoldTimeline<'scope, K, D> {
    /// Folds the facts of each key with `fold`; `route` sends a key to its worker; `step` is its name for good.
    ///
    /// Retracts what a correction made untrue. With each output goes the time at which its key was last heard.
    fn fold_timeline<F>(
        self,
        step: &'static str,
        route: fn(&K) -> u64,
        fold: F,
        memory: &Memory<'scope>,
    ) -> Collection<'scope, (F::Output, Micros)>
    where
        F: Fold<Fact = D>,
        F::Output: differential_dataflow::Data;
}

impl<'scope, K, D> FoldTimeline<'scope, K, D> for Collection<'scope, Heard<K, D>>
where
    K: ExchangeData + Key,
    D: ExchangeData,
{
    fn fold_timeline<F>(
        self,
        step: &'static str,
        route: fn(&K) -> u64,
        fold: F,
        memory: &Memory<'scope>,
    ) -> Collection<'scope, (F::Output, Micros)>
    where
        F: Fold<Fact = D>,
        F::Output: differential_dataflow::Data,
    {
        by_key(self, memory, step, route, Timelines::new(step, route, fold, memory))
    }
}

/// The timelines of one worker.
pub(super) struct Timelines<K, F: Fold> {
    pub(super) fold: F,
    horizon: Micros,
    store: Rc<RefCell<Store<K, Timeline<F>>>>,
    /// Keys that were silent for long and stay.
    kept: Vec<K>,
}

impl<K: Key, F: Fold> Timelines<K, F> {
    pub(super) fn new(step: &'static str, route: fn(&K) -> u64, fold: F, memory: &Memory<'_>) -> Self {
        let horizon = memory.horizon;
        let store = memory.states.store(step, route, horizon.saturating_add(fold.memory(horizon)));
        Self { fold, horizon, store, kept: Vec::new() }
    }

    /// Whether there is a timeline of `key`.
    pub(super) fn knows(&self, key: &K) -> bool {
        self.store.borrow().find(key).is_some()
    }
}

impl<K: Key + Ord, F: Fold> Timelines<K, F> {
    /// The keys there are, in order.
    pub(super) fn keys(&self) -> Vec<K> {
        let store = self.store.borrow();
        let mut keys: Vec<_> = store.iter().map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }
}

impl<K: Key, F: Fold> Keyed<K, F::Fact, (F::Output, Micros)> for Timelines<K, F> {
    fn take(
        &mut self,
        key: K,
        heard: Micros,
        watermark: Micros,
        changes: &mut Vec<(F::Fact, Diff)>,
        mut emit: impl FnMut((F::Output, Micros), Diff),
    ) {
        let mut store = self.store.borrow_mut();
        let place = store.find(&key).unwrap_or_else(|| store.insert(key.clone(), heard, Timeline::default()));
        let heard = heard.max(store.dated(place));
        let timeline = store.at(place, heard);
        timeline.refuse(changes, watermark, self.horizon);
        timeline.apply(&self.fold, changes.drain(..), |output, diff| emit((output, heard), diff));
        timeline.compact(watermark, self.horizon);
        if timeline.is_blank() {
            store.remove(&key);
        }
    }

    fn forget(&mut self, watermark: Micros) {
        let mut store = self.store.borrow_mut();
        let Self { fold, kept, .. } = self;
        store.expire(watermark, |key, timeline| {
            let stays = !fold.may_go(timeline.tail());
            if stays && !timeline.is_settled() {
                kept.push(key.clone());
            }
            stays
        });
        for key in kept.drain(..) {
            if let Some(place) = store.find(&key) {
                store.at(place, Micros::MIN).settle();
            }
        }
    }
}
