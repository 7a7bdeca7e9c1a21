//! Runs one [`Timeline`] per key inside the dataflow.
//!
//! # Frontier
//! Output at epoch `e` is produced once the input frontier has passed `e`; the capability held is
//! that of the oldest epoch with changes.

use super::{Fold, Timeline};
use crate::{Collection, Diff};
use differential_dataflow::{AsCollection, ExchangeData, consolidation::consolidate};
use model::Epoch;
use std::collections::{BTreeMap, HashMap};
use timely::{
    dataflow::{
        channels::pact::Exchange,
        operators::{Capability, generic::Operator},
    },
    progress::frontier::MutableAntichain,
};

/// The changes of one epoch, until it is complete.
type Pending<K, D> = BTreeMap<Epoch, (Capability<Epoch>, Vec<((K, D), Diff)>)>;

/// Extension trait for folding each key's facts in their own order.
pub trait FoldTimeline<'scope, K, D> {
    /// Folds the facts of each key with `fold`; `route` sends a key to its worker.
    ///
    /// Retracts what a correction made untrue.
    fn fold_timeline<F>(self, name: &str, route: fn(&K) -> u64, fold: F) -> Collection<'scope, F::Output>
    where
        F: Fold<Fact = D> + 'static,
        F::State: 'static,
        F::Output: differential_dataflow::Data;
}

impl<'scope, K, D> FoldTimeline<'scope, K, D> for Collection<'scope, (K, D)>
where
    K: ExchangeData + std::hash::Hash,
    D: ExchangeData,
{
    fn fold_timeline<F>(self, name: &str, route: fn(&K) -> u64, fold: F) -> Collection<'scope, F::Output>
    where
        F: Fold<Fact = D> + 'static,
        F::State: 'static,
        F::Output: differential_dataflow::Data,
    {
        let exchange = Exchange::new(move |((key, _), _, _): &((K, D), Epoch, Diff)| route(key));
        self.inner
            .unary_frontier(exchange, name, move |_capability, _info| {
                let mut pending: Pending<K, D> = BTreeMap::new();
                // Looked up, never iterated.
                let mut timelines: HashMap<K, Timeline<F>> = HashMap::new();
                move |(input, frontier), output| {
                    input.for_each(|capability, changes| {
                        for (change, epoch, diff) in changes.drain(..) {
                            let retain = || (capability.delayed(&epoch, 0), Vec::new());
                            pending.entry(epoch).or_insert_with(retain).1.push((change, diff));
                        }
                    });
                    while let Some((capability, mut changes)) = complete(&mut pending, frontier) {
                        consolidate(&mut changes);
                        let mut session = output.session(&capability);
                        let epoch = *capability.time();
                        let mut changes = changes.into_iter().peekable();
                        while let Some(((key, fact), diff)) = changes.next() {
                            let mut of_key = vec![(fact, diff)];
                            while let Some(((_, fact), diff)) = changes.next_if(|((next, _), _)| *next == key)
                            {
                                of_key.push((fact, diff));
                            }
                            timelines.entry(key).or_default().apply(&fold, of_key, |value, diff| {
                                session.give((value, epoch, diff));
                            });
                        }
                    }
                }
            })
            .as_collection()
    }
}

/// Takes the oldest epoch if the frontier has passed it.
fn complete<V>(pending: &mut BTreeMap<Epoch, V>, frontier: &MutableAntichain<Epoch>) -> Option<V> {
    let entry = pending.first_entry()?;
    (!frontier.less_equal(entry.key())).then(|| entry.remove())
}
