//! Brings the changes of each key to its worker, epoch by epoch: the shell around [`crate::gather`],
//! [`crate::timeline`] and [`crate::ageing`].
//!
//! # Frontier
//! Output of an epoch is produced once the changes and the ticks have passed it; the capability held is
//! that of the oldest epoch that is not complete.
//!
//! # Invariants
//! - A key is touched once per epoch, in the order of keys, with all changes of the epoch that do not cancel.

use crate::{Collection, Diff, state::Memory, turns::Turns};
use differential_dataflow::{AsCollection, Data, ExchangeData};
use model::{Epoch, Micros, Tick};
use timely::dataflow::{
    channels::pact::{Exchange, Pipeline},
    operators::generic::operator::Operator,
};

/// A key, a fact of it, and the time at which the key was heard: not part of the fact.
pub(crate) type Heard<K, D> = (K, D, Micros);

/// A step that works key by key.
pub(crate) trait Keyed<K, D, R> {
    /// Takes the changes of a key that was heard at `heard`, or at `watermark`, whichever is later.
    fn take(
        &mut self,
        key: K,
        heard: Micros,
        watermark: Micros,
        changes: &mut Vec<(D, Diff)>,
        emit: impl FnMut(R, Diff),
    );

    /// Forgets what is old.
    fn forget(&mut self, watermark: Micros);

    /// Lets time pass up to `now`, after the changes of the epoch; what changes nothing must leave no trace.
    fn pass(&mut self, now: Micros, emit: impl FnMut(R, Diff)) {
        let _ = (now, emit);
    }
}

/// Emits what replaces `before`, if `after` is another row.
pub(crate) fn replace<R: PartialEq>(before: Option<R>, after: Option<R>, mut emit: impl FnMut(R, Diff)) {
    if before != after {
        if let Some(row) = before {
            emit(row, -1);
        }
        if let Some(row) = after {
            emit(row, 1);
        }
    }
}

/// Runs `step` over the changes of each epoch.
pub(crate) fn by_key<'scope, K, D, R>(
    changes: Collection<'scope, Heard<K, D>>,
    memory: &Memory<'scope>,
    name: &str,
    route: impl Fn(&K) -> u64 + 'static,
    mut step: impl Keyed<K, D, R> + 'static,
) -> Collection<'scope, R>
where
    K: ExchangeData,
    D: ExchangeData,
    R: Data,
{
    let exchange = Exchange::new(move |((key, _, _), _, _): &(Heard<K, D>, Epoch, Diff)| route(key));
    changes
        .inner
        .binary_frontier(memory.ticks.clone(), exchange, Pipeline, name, move |_capability, _info| {
            let mut turns = Turns::<(Heard<K, D>, Diff), 1>::new();
            let mut of_key = Vec::new();
            move |(changes, changes_frontier), (ticks, ticks_frontier), output| {
                changes.for_each(|capability, batch| {
                    for (change, epoch, diff) in batch.drain(..) {
                        turns.data(&capability, epoch).push((change, diff));
                    }
                });
                ticks.for_each(|capability, batch| turns.tick(&capability, batch));
                while let Some(turn) = turns
                    .next(|epoch| !changes_frontier.less_equal(epoch) && !ticks_frontier.less_equal(epoch))
                {
                    let [capability] = &turn.capabilities;
                    let (epoch, Tick { now, watermark }) = (*capability.time(), turn.tick);
                    let mut session = output.session(capability);
                    // First: an epoch without data may not be bound, so what an epoch with data finds must follow
                    // from its own tick.
                    step.forget(watermark);
                    each_key(turn.data, &mut of_key, |key, heard, changes| {
                        let heard = heard.max(watermark);
                        step.take(key, heard, watermark, changes, |row, diff| {
                            session.give((row, epoch, diff));
                        });
                    });
                    step.pass(now, |row, diff| session.give((row, epoch, diff)));
                }
            }
        })
        .as_collection()
}

/// Sorts `changes` and gives those of each key together, added up, unless they cancel.
fn each_key<K: Ord, D: Ord>(
    mut changes: Vec<(Heard<K, D>, Diff)>,
    of_key: &mut Vec<(D, Diff)>,
    mut take: impl FnMut(K, Micros, &mut Vec<(D, Diff)>),
) {
    changes.sort_unstable_by(|((key, fact, _), _), ((other, its, _), _)| {
        key.cmp(other).then_with(|| fact.cmp(its))
    });
    let mut changes = changes.into_iter().peekable();
    while let Some(((key, fact, mut heard), diff)) = changes.next() {
        of_key.clear();
        of_key.push((fact, diff));
        while let Some(((_, fact, at), diff)) = changes.next_if(|((next, _, _), _)| *next == key) {
            heard = heard.max(at);
            match of_key.last_mut() {
                Some((last, sum)) if *last == fact => *sum += diff,
                _ => of_key.push((fact, diff)),
            }
        }
        of_key.retain(|(_, diff)| *diff != 0);
        if !of_key.is_empty() {
            take(key, heard, of_key);
        }
    }
}
