//! What is known of a key, and the row it makes as time passes: corrected by facts, and by time alone.
//!
//! Time is the epoch's "now": a device that is silent, or a whole system that is, must not keep a calibration from
//! expiring, and the watermark stands still when nothing is sent. A row is another from the first epoch whose now has
//! reached the moment, whether or not that epoch brought a fact.
//!
//! # Invariants
//! - The row of a key is a function of the facts that came and of the epoch's now: not of their order, not of copies,
//!   not of the epochs before.
//! - An epoch in which no row changed and no fact came leaves no trace: it may not be bound.
//! - The work of an epoch is proportional to its facts and to the rows whose time has come. Deadlines are derived:
//!   made again from the rows before the first epoch.
//!
//! # Retractions
//! Of rows, never of facts: what an event said stays said.
//!
//! # Bound
//! What is known of each key, and a deadline; of a row that may go, for the horizons it asks for.

use crate::{
    Collection, Diff,
    deadlines::Deadlines,
    keyed::{Heard, Keyed, by_key},
    state::{Key, Memory, Store, Stored},
};
use differential_dataflow::{Data, ExchangeData};
use model::Micros;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{cell::RefCell, rc::Rc};

/// How what is known of a key ages.
pub(crate) trait Ages: Clone + 'static {
    /// What has a row.
    type Key: Key + ExchangeData;
    /// A fact of it.
    type Fact: ExchangeData;
    /// What is known: the same whatever the order of the facts and however often each came.
    type Known: Clone + Default + Serialize + DeserializeOwned + 'static;
    /// What it says.
    type Row: Data + PartialEq + Serialize + DeserializeOwned;

    /// Name of the step, for good.
    const STEP: &'static str;
    /// Version of the form of what is known and of the row.
    const VERSION: u32;

    /// Sends a key to its worker.
    fn route(key: &Self::Key) -> u64;
    /// Takes a fact.
    fn learn(known: &mut Self::Known, fact: Self::Fact);
    /// The row at `now`, after at least one fact.
    fn row(key: &Self::Key, known: &Self::Known, now: Micros) -> Self::Row;
    /// The first moment at which `row` may be another without a fact; after that at which it was made.
    fn until(row: &Self::Row) -> Option<Micros>;
    /// After how many horizons of silence the row may go, at least one; none if it stays.
    fn horizons(row: &Self::Row) -> Option<u32>;
}

/// What is remembered of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "A: Ages", deserialize = "A: Ages"))]
struct Entry<A: Ages> {
    known: A::Known,
    /// When the key was last heard.
    heard: Micros,
    /// What it said last.
    row: Option<A::Row>,
}

impl<A: Ages> Stored for Entry<A> {
    const VERSION: u32 = A::VERSION;
}

impl<A: Ages> Entry<A> {
    fn horizons(&self) -> Option<u32> {
        self.row.as_ref().and_then(A::horizons)
    }

    /// Where it stands in the store, one horizon of which is the store's own.
    fn dated(&self, horizon: Micros) -> Micros {
        let longer = Micros::from(self.horizons().unwrap_or(1).saturating_sub(1));
        self.heard.saturating_add(longer.saturating_mul(horizon))
    }
}

/// Keeps the row of each key.
pub(crate) fn age<'scope, A: Ages>(
    facts: Collection<'scope, Heard<A::Key, A::Fact>>,
    memory: &Memory<'scope>,
) -> Collection<'scope, A::Row> {
    let (store, horizon) = (memory.states.store(A::STEP, A::route, memory.horizon), memory.horizon);
    let ageing = Ageing::<A> { store, horizon, deadlines: Deadlines::new() };
    by_key(facts, memory, A::STEP, A::route, ageing)
}

struct Ageing<A: Ages> {
    store: Rc<RefCell<Store<A::Key, Entry<A>>>>,
    horizon: Micros,
    /// When to look at a key; between two epochs one entry for each that will change by itself.
    deadlines: Deadlines<A::Key>,
}

impl<A: Ages> Keyed<A::Key, A::Fact, A::Row> for Ageing<A> {
    fn take(
        &mut self,
        key: A::Key,
        heard: Micros,
        _watermark: Micros,
        changes: &mut Vec<(A::Fact, Diff)>,
        _emit: impl FnMut(A::Row, Diff),
    ) {
        let mut store = self.store.borrow_mut();
        let new = || Entry { known: A::Known::default(), heard, row: None };
        let mut entry = store.remove(&key).unwrap_or_else(new);
        entry.heard = entry.heard.max(heard);
        for (fact, diff) in changes.drain(..) {
            assert!(diff > 0, "an event that was said stays said");
            A::learn(&mut entry.known, fact);
        }
        store.insert(key.clone(), entry.dated(self.horizon), entry);
        self.deadlines.set_now(key);
    }

    fn forget(&mut self, watermark: Micros) {
        self.store.borrow_mut().expire(watermark, |_, entry| entry.horizons().is_none());
    }

    fn pass(&mut self, now: Micros, mut emit: impl FnMut(A::Row, Diff)) {
        let mut store = self.store.borrow_mut();
        let until = |(key, entry): (&A::Key, &Entry<A>)| Some((A::until(entry.row.as_ref()?)?, key.clone()));
        self.deadlines.begin(|| store.iter().filter_map(until));
        while let Some(key) = self.deadlines.pop(now) {
            // One that was forgotten meanwhile has no row any more.
            let Some(entry) = store.get(&key) else { continue };
            let row = A::row(&key, &entry.known, now);
            // Its only deadline from now on is that of the row it has.
            if let Some(until) = entry.row.as_ref().and_then(A::until) {
                self.deadlines.unset(until, key.clone());
            }
            if let Some(until) = A::until(&row) {
                debug_assert!(until > now, "a row that is not yet another");
                self.deadlines.set(until, key.clone());
            }
            if entry.row.as_ref() != Some(&row) {
                let mut entry = store.remove(&key).expect("it was there just now");
                if let Some(before) = entry.row.replace(row.clone()) {
                    emit(before, -1);
                }
                store.insert(key, entry.dated(self.horizon), entry);
                emit(row, 1);
            }
        }
    }
}
