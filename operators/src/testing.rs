//! For tests: runs a graph over events on several workers, epoch by epoch, and says what stands after each.

use crate::{
    Collection,
    state::{Memory, States},
    vitals,
};
use model::{DomainEvent, Epoch, Micros, Tick};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::{Arc, mpsc},
};
use timely::dataflow::operators::{
    capture::{Capture, Extract},
    probe::{Handle, Probe},
    vec::{Map, input::Input as _},
};

/// What a graph makes of events.
pub(crate) type Graph<R> =
    for<'scope> fn(Collection<'scope, DomainEvent>, &Memory<'scope>) -> Collection<'scope, R>;

/// One epoch: its tick and its events.
pub(crate) type Feed = (Tick, Vec<DomainEvent>);

/// What stands after each epoch, and how many entries are remembered in the end.
///
/// # Panics
/// If a row stands more than once, or less than not at all.
pub(crate) fn standing<R: Ord + Clone + Debug + Send + 'static>(
    feeds: &[Feed],
    workers: usize,
    horizon: Micros,
    graph: Graph<R>,
) -> (Vec<BTreeSet<R>>, usize) {
    let feeds = Arc::new(feeds.to_vec());
    let count = feeds.len() as Epoch;
    let (sender, receiver) = mpsc::sync_channel(workers);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let (probe, states) = (Handle::new(), States::default());
        let (mut events, mut ticks, captured) = worker.dataflow::<Epoch, _, _>(|scope| {
            let (events, event_stream) = scope.new_input::<DomainEvent>();
            let (ticks, tick_stream) = scope.new_input::<Tick>();
            let memory = Memory { ticks: tick_stream, horizon, states: states.clone() };
            let rows = graph(vitals::facts(event_stream), &memory).inner.map(|(row, _, diff)| (row, diff));
            (events, ticks, rows.probe_with(&probe).capture())
        });
        let (index, peers) = (worker.index(), worker.peers());
        for (epoch, (tick, said)) in (0..).zip(feeds.iter()) {
            for one in said.iter().skip(index).step_by(peers) {
                events.send(one.clone());
            }
            ticks.send(*tick);
            events.advance_to(epoch + 1);
            ticks.advance_to(epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(epoch + 1)));
        }
        drop((events, ticks));
        while worker.step() {}
        sender.send((captured, states.len())).unwrap();
    });
    drop(guards.unwrap());
    let (mut changes, mut entries) = (BTreeMap::<Epoch, Vec<(R, i64)>>::new(), 0);
    for (captured, remembered) in receiver {
        entries += remembered;
        for (epoch, rows) in captured.extract() {
            changes.entry(epoch).or_default().extend(rows);
        }
    }
    let mut counts = BTreeMap::<R, i64>::new();
    let standing = |epoch| {
        for (row, diff) in changes.remove(&epoch).unwrap_or_default() {
            *counts.entry(row).or_default() += diff;
        }
        counts.retain(|_, count| *count != 0);
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
        counts.keys().cloned().collect()
    };
    ((0..count).map(standing).collect(), entries)
}
