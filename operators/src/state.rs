//! State that can leave and come back: the pattern every stateful step follows.
//!
//! A step keeps what it remembers in a [`Store`], one entry per key, obtained from [`States`] when the
//! graph is built. Nothing else may outlive an epoch. At a committed epoch the states of all steps are
//! exported together while the graph goes on; a start imports them, on any number of workers.
//!
//! # Invariants
//! - An export is the state at the moment of [`States::begin`], whatever happens to the keys meanwhile: an
//!   entry that is about to change is copied first.
//! - An entry is owned by the worker `route(key) % workers`, the same one that the step's input goes to; or by every
//!   worker, of things that concern every key.
//! - What is exported is a function of the epochs fed, not of the number of workers or the order of keys.
//! - A version writes its own form and reads that and the one before ([`Stored`]).

mod slots;
mod store;
#[cfg(test)]
mod tests;

pub use store::{Place, Store};

use store::Home;

use crate::Stream;
use model::{
    Micros, Tick,
    state::{Export, Pieces, StepVersion},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{cell::RefCell, fmt, hash::Hash, rc::Rc};

/// What a step remembers of a key; cloned when it is about to change under an export, in the epoch's own time.
pub trait Stored: Serialize + DeserializeOwned + Clone + 'static {
    /// Version of the form; raised whenever the form changes.
    const VERSION: u32;

    /// Reads the form of `version`, the one before [`Self::VERSION`].
    fn older(version: u32, bytes: &[u8]) -> Option<Self> {
        let _ = (version, bytes);
        None
    }
}

/// A key of a store.
pub trait Key: Serialize + DeserializeOwned + Hash + Eq + Clone + 'static {}

impl<K: Serialize + DeserializeOwned + Hash + Eq + Clone + 'static> Key for K {}

/// State that cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state of step {step} in version {version} {why}")]
pub struct Unreadable {
    /// The step.
    pub step: String,
    /// Version of the form it was written in.
    pub version: u32,
    /// What stands against it.
    pub why: &'static str,
}

/// A store as the registry sees it.
trait Step {
    fn of(&self) -> StepVersion;
    fn begin(&mut self);
    /// Exports about `bytes` more; true once everything has left.
    fn export(&mut self, bytes: usize, into: &mut Pieces) -> bool;
    fn import(
        &mut self,
        version: u32,
        pieces: &Pieces,
        index: usize,
        peers: usize,
    ) -> Result<(), &'static str>;
    fn len(&self) -> usize;
}

/// A store, shared with its step.
type Shared = Rc<RefCell<dyn Step>>;

/// The states of all steps of one worker; clones share them.
#[derive(Clone, Default)]
pub struct States {
    steps: Rc<RefCell<Vec<Shared>>>,
}

impl States {
    /// A store for `step`, whose name never changes; entries go `horizon` after they were last dated.
    ///
    /// # Panics
    /// If two steps have one name.
    pub fn store<K: Key, V: Stored>(
        &self,
        step: &'static str,
        route: fn(&K) -> u64,
        horizon: Micros,
    ) -> Rc<RefCell<Store<K, V>>> {
        self.add(Store::new(step, Home::One(route), horizon))
    }

    /// A store for `step` whose entries all workers have and never forget; that of worker `index` 0 is exported.
    ///
    /// # Panics
    /// If two steps have one name.
    pub fn store_everywhere<K: Key, V: Stored>(
        &self,
        step: &'static str,
        index: usize,
    ) -> Rc<RefCell<Store<K, V>>> {
        self.add(Store::new(step, Home::Every { exports: index == 0 }, Micros::MAX))
    }

    fn add<K: Key, V: Stored>(&self, store: Store<K, V>) -> Rc<RefCell<Store<K, V>>> {
        let (mut steps, step) = (self.steps.borrow_mut(), store.of().step);
        assert!(steps.iter().all(|other| other.borrow().of().step != step), "two steps are called {step}");
        let store = Rc::new(RefCell::new(store));
        steps.push(Rc::<RefCell<Store<K, V>>>::clone(&store));
        store
    }

    /// The steps, in the order of their names.
    pub fn versions(&self) -> Vec<StepVersion> {
        let mut versions: Vec<_> = self.steps.borrow().iter().map(|step| step.borrow().of()).collect();
        versions.sort();
        versions
    }

    /// Begins an export of the state as it is now; one that was not finished is dropped.
    pub fn begin(&self) {
        self.steps.borrow().iter().for_each(|step| step.borrow_mut().begin());
    }

    /// Goes on with the export by about `bytes`; true once everything has left.
    pub fn export(&self, bytes: usize, into: &mut Vec<Export>) -> bool {
        let mut left = bytes;
        for step in self.steps.borrow().iter() {
            let mut step = step.borrow_mut();
            let mut pieces = Pieces::default();
            let done = step.export(left, &mut pieces);
            left = left.saturating_sub(pieces.bytes());
            if !pieces.is_empty() {
                into.push(Export { of: step.of(), pieces });
            }
            if !done {
                return false;
            }
        }
        true
    }

    /// Takes the entries of `export` that belong to worker `index` of `peers`.
    ///
    /// # Errors
    /// [`Unreadable`]; what was imported so far must not be used.
    pub fn import(&self, export: &Export, index: usize, peers: usize) -> Result<(), Unreadable> {
        let StepVersion { step, version } = &export.of;
        let unreadable = |why| Unreadable { step: step.clone(), version: *version, why };
        let steps = self.steps.borrow();
        let found = steps.iter().find(|known| known.borrow().of().step == *step);
        let mut found =
            found.ok_or_else(|| unreadable("is of a step this version does not have"))?.borrow_mut();
        found.import(*version, &export.pieces, index, peers).map_err(unreadable)
    }

    /// Entries of all steps.
    pub fn len(&self) -> usize {
        self.steps.borrow().iter().map(|step| step.borrow().len()).sum()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a step with a state is given, besides its input.
#[derive(Clone)]
pub struct Memory<'scope> {
    /// One tick per epoch, on every worker.
    pub ticks: Stream<'scope, Tick>,
    /// What is older than the watermark less this cannot come any more.
    pub horizon: Micros,
    /// Where the step registers its store.
    pub states: States,
}

impl fmt::Debug for Memory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} us, {:?})", self.horizon, self.states)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "States({} entries)", self.len())
    }
}
