//! When to look at which key again, as time passes.
//!
//! # Invariants
//! - Deadlines are derived: they are made from what is remembered before the first epoch, and never kept.

use model::Micros;
use std::collections::BTreeSet;

/// Keys by the moment at which to look at them.
pub(crate) struct Deadlines<K> {
    keys: BTreeSet<(Micros, K)>,
    /// Whether time passed: from then on nothing is imported.
    begun: bool,
}

impl<K: Ord> Deadlines<K> {
    pub(crate) const fn new() -> Self {
        Self { keys: BTreeSet::new(), begun: false }
    }

    /// Makes them from what is remembered, the first time.
    pub(crate) fn begin<I: IntoIterator<Item = (Micros, K)>>(&mut self, derive: impl FnOnce() -> I) {
        if !std::mem::replace(&mut self.begun, true) {
            self.keys.extend(derive());
        }
    }

    /// Looks at `key` at `at`, too.
    pub(crate) fn set(&mut self, at: Micros, key: K) {
        self.keys.insert((at, key));
    }

    /// Looks at `key` in any case when time passes next.
    pub(crate) fn set_now(&mut self, key: K) {
        self.set(Micros::MIN, key);
    }

    /// Does not look at `key` at `at`.
    pub(crate) fn unset(&mut self, at: Micros, key: K) {
        self.keys.remove(&(at, key));
    }

    /// The next key to look at by `now`.
    pub(crate) fn pop(&mut self, now: Micros) -> Option<K> {
        let (at, _) = self.keys.first()?;
        if *at > now {
            return None;
        }
        self.keys.pop_first().map(|(_, key)| key)
    }
}
