//! What is said, through the graph from events and results to alerts; gives what stands after each epoch.
//!
//! # Invariants
//! - After each epoch every result that stands has one analysis, by the rules of its moment, and every change from HIGH on is one
//!   risk detected.
//! - Each alert is raised once, and nothing is told of it once it was cleared.

use crate::{made::Feed, oracle::books};
use differential_dataflow::AsCollection;
use model::{
    Alert, AlertChange, Analysis, ChangeKind, DomainEvent, Epoch, Level, Measurement, Micros, PulseWindow,
    RiskDetected, Tick,
};
use operators::{
    Collection, Stream, glucose, laboratory,
    risk::{self, analysis, bound, detected, edition, person, said, set::Rulebook, watch},
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
    Analysis(Analysis, i64),
    Detected(RiskDetected, i64),
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
    let taken = Arc::clone(&feeds);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let probe = Handle::new();
        let (mut events, mut results, mut ticks, captured) = worker.dataflow::<Epoch, _, _>(|scope| {
            let (events, events_stream) = scope.new_input::<DomainEvent>();
            let (results, results_stream) = scope.new_input::<(Measurement, Epoch, i64)>();
            let (_windows, windows) = scope.new_input::<((PulseWindow, Micros), Epoch, i64)>();
            let (ticks, tick_stream) = scope.new_input::<Tick>();
            let memory = Memory { ticks: tick_stream, horizon, states: States::default() };
            let rows = graph(events_stream, results_stream.as_collection(), windows.as_collection(), &memory);
            (events, results, ticks, rows.probe_with(&probe).capture())
        });
        let (index, peers) = (worker.index(), worker.peers());
        for (number, feed) in feeds.iter().enumerate() {
            let epoch = number as Epoch;
            let mine = |place: &usize| place % peers == index;
            let of_events = feed.events.iter().enumerate().filter(|(place, _)| mine(place));
            of_events.for_each(|(_, event)| events.send(event.clone()));
            let of_results = feed.measurements.iter().enumerate().filter(|(place, _)| mine(place));
            of_results.for_each(|(_, (result, diff))| results.send((result.clone(), epoch, *diff)));
            ticks.send(Tick { now: feed.watermark, watermark: feed.watermark });
            events.advance_to(epoch + 1);
            results.advance_to(epoch + 1);
            ticks.advance_to(epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(epoch + 1)));
        }
        drop((events, results, ticks));
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
    let mut table = Table::default();
    let standing = |epoch| {
        rows.remove(&epoch).unwrap_or_default().into_iter().for_each(|row| table.take(row));
        table.check(&results(&taken[..=epoch as usize]));
        table.check_versions(&books(&taken[..=epoch as usize]));
        let of_sets = |change: &AlertChange| change.rule.of_set().is_some();
        let changes = table.changes.keys().filter(|change| of_sets(change)).cloned().collect();
        (changes, table.alerts.keys().filter(|alert| of_sets(&alert.last)).cloned().collect())
    };
    (0..count as Epoch).map(standing).collect()
}

/// Everything that comes out.
fn graph<'scope>(
    events: Stream<'scope, DomainEvent>,
    results: Collection<'scope, Measurement>,
    windows: Collection<'scope, (PulseWindow, Micros)>,
    memory: &Memory<'scope>,
) -> Stream<'scope, Row> {
    let facts = vitals::facts(vitals::unique(events, memory));
    let vitals = vitals::vitals(facts.clone());
    let readings = glucose::readings(facts.clone());
    let windows_worn = glucose::windows(readings.clone(), memory);
    let said = said::said(vitals.clone(), results.clone(), facts.clone())
        .concat(said::worn(readings, windows_worn))
        .concat(said::examined(laboratory::turns(facts.clone(), memory)));
    let rules = edition::published(facts.clone());
    let changes = risk::detect(vitals, windows, said, rules.clone(), &options(), memory);
    let alerts = risk::alerts(changes.clone(), memory);
    let analyses = analysis::analyses(results, facts.clone(), rules.clone(), memory);
    let detected = detected::detected(changes.clone(), facts, rules, memory);
    let analyses = analyses.inner.map(|(analysis, _, diff)| Row::Analysis(analysis, diff));
    let detected = detected.inner.map(|(risk, _, diff)| Row::Detected(risk, diff));
    let changes = changes.inner.map(|((change, _heard), _, diff)| Row::Change(change, diff));
    let alerts = alerts.inner.map(|(alert, _, diff)| Row::Alert(alert, diff));
    changes.concat(alerts).concat(analyses).concat(detected)
}

/// What stands.
#[derive(Default)]
struct Table {
    changes: BTreeMap<AlertChange, i64>,
    alerts: BTreeMap<Alert, i64>,
    analyses: BTreeMap<Analysis, i64>,
    detected: BTreeMap<RiskDetected, i64>,
}

impl Table {
    fn take(&mut self, row: Row) {
        match row {
            Row::Change(change, diff) => *self.changes.entry(change).or_insert(0) += diff,
            Row::Alert(alert, diff) => *self.alerts.entry(alert).or_insert(0) += diff,
            Row::Analysis(analysis, diff) => *self.analyses.entry(analysis).or_insert(0) += diff,
            Row::Detected(risk, diff) => *self.detected.entry(risk).or_insert(0) += diff,
        }
    }

    /// Forgets what does not stand, and holds what does against each other and `results`.
    fn check(&mut self, results: &BTreeSet<Result>) {
        let Self { changes, alerts, analyses, detected } = self;
        changes.retain(|_, count| *count != 0);
        alerts.retain(|_, count| *count != 0);
        analyses.retain(|_, count| *count != 0);
        detected.retain(|_, count| *count != 0);
        let mut counts =
            changes.values().chain(alerts.values()).chain(analyses.values()).chain(detected.values());
        assert!(counts.all(|count| *count == 1));
        assert_eq!(analysed(analyses.keys()), *results);
        let must_be_told = changes.keys().filter(|change| is_told(change));
        assert!(detected.keys().map(|risk| &risk.change).eq(must_be_told));
        let mut open = BTreeMap::new();
        for AlertChange { alert, kind, .. } in changes.keys() {
            let before = open.insert(*alert, *kind != ChangeKind::Cleared);
            assert_eq!(before, (*kind != ChangeKind::Raised).then_some(true), "{alert}: {kind:?}");
        }
    }

    /// Every result is judged by the rules of its moment.
    fn check_versions(&self, books: &BTreeMap<Micros, Rulebook>) {
        for analysis in self.analyses.keys() {
            let (_, book) = books.range(..=analysis.at).next_back().unwrap();
            let versions = analysis.judged.iter().map(|judged| (&judged.rule.id, &judged.rule.version));
            for (rule, version) in versions {
                assert_eq!(*version, book.rule(rule).unwrap().0.version, "{rule}");
            }
        }
    }
}

/// What tells results apart.
type Result = (model::SessionId, Micros, u32, Option<model::Number>);

/// The results that stand.
fn results(feeds: &[Feed]) -> BTreeSet<Result> {
    let mut counts = BTreeMap::<Result, i64>::new();
    for (result, diff) in feeds.iter().flat_map(|feed| &feed.measurements) {
        let Measurement { session, completed_at, revision, value, .. } = *result;
        *counts.entry((session, completed_at, revision, value)).or_default() += diff;
    }
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(result, _)| result).collect()
}

/// The results that have an analysis.
fn analysed<'a>(analyses: impl Iterator<Item = &'a Analysis>) -> BTreeSet<Result> {
    analyses.map(|Analysis { session, at, revision, value, .. }| (*session, *at, *revision, *value)).collect()
}

/// Whether somebody must hear of it.
fn is_told(change: &AlertChange) -> bool {
    change.level >= Level::High && change.kind != ChangeKind::Cleared
}
