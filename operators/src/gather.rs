//! What the facts of a key add up to: one row per key, corrected when the facts change, silent about the past.
//!
//! Like a differential `reduce`, but it can forget: a row that is over, and that nobody touched for as long
//! as it asks for, goes without being retracted. What was said stays said.
//!
//! # Invariants
//! - The row of a key is a function of the facts that stand, not of how or when they came.
//! - A fact of a key that was forgotten begins a new row: whoever names the horizons says why none comes.
//!
//! # Bound
//! The facts of each key, for the horizons its row asks for; of a row that stays, for good.

use crate::{
    Collection, Diff,
    keyed::{Heard, Keyed, by_key, replace},
    state::{Key, Memory, Store, Stored},
};
use differential_dataflow::{Data, ExchangeData};
use model::Micros;
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// How the facts of a key add up.
pub trait Sum: Clone + 'static {
    /// What has a row.
    type Key: Key + ExchangeData;
    /// A fact of it; facts add up in their order.
    type Fact: ExchangeData;
    /// What they add up to.
    type Row: Data + PartialEq;

    /// Name of the step, for good.
    const STEP: &'static str;
    /// Version of the form of the facts.
    const VERSION: u32;

    /// Sends a key to its worker.
    fn route(key: &Self::Key) -> u64;
    /// The row of the facts that stand, of which there is at least one.
    fn row<'facts>(key: &Self::Key, facts: impl Iterator<Item = &'facts Self::Fact>) -> Self::Row;
    /// After how many horizons of silence the row may go; none if it stays.
    fn horizons(row: &Self::Row) -> Option<u32>;
}

/// The facts of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "S: Sum", deserialize = "S: Sum"))]
struct Facts<S: Sum> {
    counts: BTreeMap<S::Fact, Diff>,
    /// When the key was last heard.
    heard: Micros,
    /// Whether the row stays.
    stays: bool,
}

impl<S: Sum> Stored for Facts<S> {
    const VERSION: u32 = S::VERSION;
}

impl<S: Sum> Facts<S> {
    fn row(&self, key: &S::Key) -> Option<S::Row> {
        let stands = || self.counts.iter().filter(|(_, count)| **count > 0).map(|(fact, _)| fact);
        stands().next().is_some().then(|| S::row(key, stands()))
    }
}

/// Adds the facts of each key up.
pub fn gather<'scope, S: Sum>(
    facts: Collection<'scope, Heard<S::Key, S::Fact>>,
    memory: &Memory<'scope>,
) -> Collection<'scope, S::Row> {
    let store = memory.states.store(S::STEP, S::route, memory.horizon);
    by_key(facts, memory, S::STEP, S::route, Gather::<S> { store, horizon: memory.horizon })
}

struct Gather<S: Sum> {
    store: Rc<RefCell<Store<S::Key, Facts<S>>>>,
    horizon: Micros,
}

impl<S: Sum> Keyed<S::Key, S::Fact, S::Row> for Gather<S> {
    fn take(
        &mut self,
        key: S::Key,
        heard: Micros,
        _watermark: Micros,
        changes: &mut Vec<(S::Fact, Diff)>,
        emit: impl FnMut(S::Row, Diff),
    ) {
        let mut store = self.store.borrow_mut();
        let mut facts = store.remove(&key).unwrap_or(Facts { counts: BTreeMap::new(), heard, stays: false });
        facts.heard = facts.heard.max(heard);
        let before = facts.row(&key);
        for (fact, diff) in changes.drain(..) {
            *facts.counts.entry(fact).or_default() += diff;
        }
        facts.counts.retain(|_, count| *count != 0);
        let after = facts.row(&key);
        let horizons = after.as_ref().map_or(Some(1), S::horizons);
        facts.stays = horizons.is_none();
        if !facts.counts.is_empty() {
            // One horizon is the store's own.
            let longer = Micros::from(horizons.unwrap_or(1).saturating_sub(1)).saturating_mul(self.horizon);
            store.insert(key, facts.heard.saturating_add(longer), facts);
        }
        replace(before, after, emit);
    }

    fn forget(&mut self, watermark: Micros) {
        self.store.borrow_mut().expire(watermark, |_, facts| facts.stays);
    }
}
