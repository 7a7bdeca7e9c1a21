//! What is said, through the graph from events and results to alerts; gives what stands after each epoch.

use crate::made::Feed;
use differential_dataflow::AsCollection;
use model::{Alert, AlertChange, DomainEvent, Epoch, Measurement, Micros, PulseWindow, Tick};
use operators::{
    risk::{
        self, bound, person,
        said::{self, Said},
        watch,
    },
    state::{Memory, States},
    vitals,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc},
};
use timely::dataflow::operators::{
    Concat,
    capture::{Capture, Extract},
    probe::{Handle, Probe},
    vec::{Map, input::Input as _},
};

/// A row of either kind, and by how much its count changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Change(AlertChange, i64),
    Alert(Alert, i64),
}

/// Changes and alerts of rules over what is said, as they stand.
pub(crate) type Standing = (BTreeSet<AlertChange>, BTreeSet<Alert>);

fn options() -> risk::Options {
    let watch = watch::Options {
        raise_after_seconds: 60,
        raise_after_observations: u32::MAX,
        clear_after_seconds: 600,
    };
    risk::Options {
        news2: bound::Options { max_age_minutes: 60, watch: watch.clone() },
        pulse: watch.clone(),
        rules: person::Options { max_age_minutes: 60, repeat_after_seconds: 1_800, watch },
    }
}

/// Runs `feeds`, each an epoch, on `workers` workers.
pub(crate) fn run(feeds: &[Feed], workers: usize, horizon: Micros) -> Vec<Standing> {
    let feeds = Arc::new(feeds.to_vec());
    let count = feeds.len();
    let (sender, receiver) = mpsc::sync_channel(workers);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let probe = Handle::new();
        let (mut events, mut results, mut others, mut ticks, captured) =
            worker.dataflow::<Epoch, _, _>(|scope| {
                let (events, events_stream) = scope.new_input::<DomainEvent>();
                let (results, results_stream) = scope.new_input::<(Measurement, Epoch, i64)>();
                let (others, others_stream) = scope.new_input::<(Said, Epoch, i64)>();
                let (_windows, windows) = scope.new_input::<((PulseWindow, Micros), Epoch, i64)>();
                let (ticks, tick_stream) = scope.new_input::<Tick>();
                let memory = Memory { ticks: tick_stream, horizon, states: States::default() };
                let facts = vitals::facts(vitals::unique(events_stream, &memory));
                let vitals = vitals::vitals(facts.clone());
                let said = said::said(vitals.clone(), results_stream.as_collection(), facts)
                    .concat(others_stream.as_collection());
                let changes = risk::detect(vitals, windows.as_collection(), said, &options(), &memory);
                let alerts = risk::alerts(changes.clone(), &memory);
                let changes = changes.inner.map(|((change, _heard), _, diff)| Row::Change(change, diff));
                let alerts = alerts.inner.map(|(alert, _, diff)| Row::Alert(alert, diff));
                (events, results, others, ticks, changes.concat(alerts).probe_with(&probe).capture())
            });
        let (index, peers) = (worker.index(), worker.peers());
        for (number, feed) in feeds.iter().enumerate() {
            let epoch = number as Epoch;
            let mine = |place: &usize| place % peers == index;
            let of_events = feed.events.iter().enumerate().filter(|(place, _)| mine(place));
            of_events.for_each(|(_, event)| events.send(event.clone()));
            let of_results = feed.measurements.iter().enumerate().filter(|(place, _)| mine(place));
            of_results.for_each(|(_, (result, diff))| results.send((result.clone(), epoch, *diff)));
            let of_others = feed.said.iter().enumerate().filter(|(place, _)| mine(place));
            of_others.for_each(|(_, (said, diff))| others.send((said.clone(), epoch, *diff)));
            ticks.send(Tick { now: feed.watermark, watermark: feed.watermark });
            events.advance_to(epoch + 1);
            results.advance_to(epoch + 1);
            others.advance_to(epoch + 1);
            ticks.advance_to(epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(epoch + 1)));
        }
        drop((events, results, others, ticks));
        while worker.step() {}
        sender.send(captured).unwrap();
    });
    drop(guards.unwrap());
    let mut rows = BTreeMap::<Epoch, Vec<Row>>::new();
    for captured in receiver {
        for (epoch, of_epoch) in captured.extract() {
            rows.entry(epoch).or_default().extend(of_epoch);
        }
    }
    let (mut changes, mut alerts) = (BTreeMap::new(), BTreeMap::new());
    let standing = |epoch| {
        for row in rows.remove(&epoch).unwrap_or_default() {
            match row {
                Row::Change(change, diff) => *changes.entry(change).or_insert(0) += diff,
                Row::Alert(alert, diff) => *alerts.entry(alert).or_insert(0) += diff,
            }
        }
        changes.retain(|_, count| *count != 0);
        alerts.retain(|_, count| *count != 0);
        assert!(changes.values().chain(alerts.values()).all(|count| *count == 1));
        let of_sets = |change: &AlertChange| change.rule.of_set().is_some();
        let changes = changes.keys().filter(|change| of_sets(change)).cloned().collect();
        (changes, alerts.keys().filter(|alert| of_sets(&alert.last)).cloned().collect())
    };
    (0..count as Epoch).map(standing).collect()
}
