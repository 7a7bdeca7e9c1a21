//! A record says what its measurement and its analysis of the same revision say, against everything looked at again at
//! every epoch: under measurements and analyses that come and go apart, on any number of workers.

use super::records;
use crate::state::{Memory, States};
use differential_dataflow::AsCollection;
use model::{
    Analysis, CalibrationStatus, CartridgeKind, Claim, Epoch, HealthRecord, Input, Judged, Measurement,
    Micros, Number, RecordStatus, Risk, SessionId, SetRule, Span, Tick, UserId,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc},
};
use timely::dataflow::operators::{
    capture::{Capture, Extract},
    probe::{Handle, Probe},
    vec::input::Input as _,
};

/// 2026-01-01.
const START: Micros = 1_767_225_600_000_000;
const HOUR: Micros = 3_600_000_000;

fn number(value: f64) -> Number {
    Number::finite(value).unwrap()
}

/// Of glucose; a later revision rests on more samples.
fn measurement(session: u32, revision: u32) -> Measurement {
    Measurement {
        session: SessionId::derive(&[&session.to_string()]),
        started_at: START,
        completed_at: START + HOUR,
        revision,
        user: UserId::derive(&["a"]),
        device: Some("reader".into()),
        cartridge: Some(CartridgeKind { category: 1, kind: 1 }),
        lot: Some("42".into()),
        calibration: None,
        calibration_status: CalibrationStatus::Needed,
        alpha: number(0.5),
        alpha_applied: true,
        channels: 88,
        n_expected: 300,
        n_real: 200 + revision,
        n_imputed: 0,
        outliers: 0,
        value: Some(number(50.0 + f64::from(revision))),
        uncertainty: Some(number(1.0)),
        unit: "mg/dL".into(),
        snr_db: None,
        drift: None,
        alpha_seen: None,
        confidence: number(0.9),
        confidence_version: 1,
        temperature_c: None,
        humidity_percent: None,
        pressure_kpa: None,
        fingerprint: None,
        warnings: vec!["calibration_needed".into()],
        transform_log: Default::default(),
        packets: Span { input: Input::Packets, partition: 0, first: 1, last: 9 + u64::from(revision) },
    }
}

/// That of [`measurement`]; as a late profile changes it, another.
fn analysis(session: u32, revision: u32, needs_retest: bool) -> Analysis {
    let Measurement { completed_at, session, user, value, unit, confidence, packets, .. } =
        measurement(session, revision);
    let claim = Claim {
        class: "hypoglycaemia level 2".into(),
        value: number(50.0),
        unit: "mg/dL".into(),
        at_least: false,
        low: None,
        high: Some(number(54.0)),
        limits: "< 54".into(),
        source: "a source".into(),
        confidence,
        needs_retest,
    };
    let rule = |id: &str, claim| SetRule { id: id.into(), set: "a set".into(), version: "1.0".into(), claim };
    Analysis {
        at: completed_at,
        session,
        user,
        revision,
        biomarker: Some("glucose".into()),
        value,
        unit,
        confidence,
        judged: vec![
            Judged { rule: rule("one", Some(claim)), level: Some(Risk::High), silence: None },
            Judged { rule: rule("two", None), level: None, silence: Some("age_unknown".into()) },
        ],
        unasked: None,
        packets,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Measured(u32, u32),
    Analysed(u32, u32, bool),
}

/// The changes of facts of one epoch.
type Feed = Vec<(Fact, i64)>;

/// Runs `feeds`, each an epoch; gives the records that stand after each.
fn run(feeds: &[Feed], workers: usize) -> Vec<BTreeSet<HealthRecord>> {
    let feeds = Arc::new(feeds.to_vec());
    let count = feeds.len() as Epoch;
    let (sender, receiver) = mpsc::sync_channel(workers);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let probe = Handle::new();
        let (mut measured, mut analysed, mut ticks, captured) = worker.dataflow::<Epoch, _, _>(|scope| {
            let (measured, measured_stream) = scope.new_input::<(Measurement, Epoch, i64)>();
            let (analysed, analysed_stream) = scope.new_input::<(Analysis, Epoch, i64)>();
            let (ticks, tick_stream) = scope.new_input::<Tick>();
            let memory = Memory { ticks: tick_stream, horizon: HOUR, states: States::default() };
            let (measured_rows, analysed_rows) =
                (measured_stream.as_collection(), analysed_stream.as_collection());
            let rows = records(measured_rows, analysed_rows, &memory).inner.probe_with(&probe).capture();
            (measured, analysed, ticks, rows)
        });
        let (index, peers) = (worker.index(), worker.peers());
        for (epoch, feed) in (0..).zip(feeds.iter()) {
            for (_, (fact, diff)) in feed.iter().enumerate().filter(|(place, _)| place % peers == index) {
                match *fact {
                    Fact::Measured(session, revision) => {
                        measured.send((measurement(session, revision), epoch, *diff));
                    }
                    Fact::Analysed(session, revision, retest) => {
                        analysed.send((analysis(session, revision, retest), epoch, *diff));
                    }
                }
            }
            ticks.send(Tick { now: START, watermark: START });
            measured.advance_to(epoch + 1);
            analysed.advance_to(epoch + 1);
            ticks.advance_to(epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(epoch + 1)));
        }
        drop((measured, analysed, ticks));
        while worker.step() {}
        sender.send(captured).unwrap();
    });
    drop(guards.unwrap());
    let mut changes = BTreeMap::<Epoch, Vec<(HealthRecord, i64)>>::new();
    for captured in receiver {
        for (row, epoch, diff) in captured.extract().into_iter().flat_map(|(_, rows)| rows) {
            changes.entry(epoch).or_default().push((row, diff));
        }
    }
    let mut counts = BTreeMap::<HealthRecord, i64>::new();
    let standing = |epoch| {
        for (row, diff) in changes.remove(&epoch).unwrap_or_default() {
            *counts.entry(row).or_default() += diff;
        }
        counts.retain(|_, count| *count != 0);
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
        counts.keys().cloned().collect()
    };
    (0..count).map(standing).collect()
}

/// What a record must say, looked up in the facts that stand.
fn expected(facts: &BTreeSet<Fact>) -> BTreeMap<SessionId, (u32, RecordStatus, Option<Risk>, usize)> {
    let mut records = BTreeMap::new();
    for session in 0..3 {
        let revisions = (0..4).filter(|revision| facts.contains(&Fact::Measured(session, *revision)));
        let Some(revision) = revisions.max() else { continue };
        let says = |retest| facts.contains(&Fact::Analysed(session, revision, retest));
        let status = match (says(false), says(true), revision) {
            (false, false, _) => (RecordStatus::Preliminary, None, 0),
            (false, true, _) => (RecordStatus::Preliminary, Some(Risk::High), 1),
            (true, _, 0) => (RecordStatus::Final, Some(Risk::High), 1),
            (true, _, _) => (RecordStatus::Amended, Some(Risk::High), 1),
        };
        let (status, level, claims) = status;
        records.insert(SessionId::derive(&[&session.to_string()]), (revision, status, level, claims));
    }
    records
}

/// Sessions with what comes or goes: a measurement, or the analysis of one, which is one way or the other.
fn any_step() -> impl Strategy<Value = (u32, u32, Option<bool>)> {
    (0_u32..3, 0_u32..4, prop::option::of(any::<bool>()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// At every epoch what stands is what a plain look at everything comes to, on one worker and on three.
    #[test]
    fn records_follow_what_is_measured_and_what_is_said_of_it(
        epochs in prop::collection::vec(prop::collection::vec(any_step(), 0..8), 1..10),
        workers in 1_usize..4,
    ) {
        let (mut standing, mut facts, mut feeds) = (Vec::new(), BTreeSet::new(), Vec::new());
        for steps in epochs {
            let mut feed = Feed::new();
            for (session, revision, analysed) in steps {
                let fact = match analysed {
                    None => Fact::Measured(session, revision),
                    Some(retest) => Fact::Analysed(session, revision, retest),
                };
                // A measurement has one analysis at a time.
                if let Fact::Analysed(_, _, retest) = fact {
                    let other = Fact::Analysed(session, revision, !retest);
                    if facts.remove(&other) {
                        feed.push((other, -1));
                    }
                }
                let comes = facts.insert(fact.clone()) || !facts.remove(&fact);
                feed.push((fact, if comes { 1 } else { -1 }));
            }
            feeds.push(feed);
            standing.push(expected(&facts));
        }
        for (found, expected) in run(&feeds, workers).into_iter().zip(standing) {
            let say = |record: &HealthRecord| {
                (record.session, (record.revision, record.status, record.level, record.claims.len()))
            };
            prop_assert_eq!(found.len(), expected.len());
            prop_assert_eq!(found.iter().map(say).collect::<BTreeMap<_, _>>(), expected);
        }
    }
}

#[test]
fn a_record_holds_what_was_measured_and_what_rules_claim_of_it_and_no_silence() {
    let feed = vec![(Fact::Measured(0, 0), 1), (Fact::Analysed(0, 0, false), 1)];
    let records = run(&[feed], 1).pop().unwrap();
    let record = records.first().unwrap();
    assert_eq!((record.cartridge_name.as_str(), record.unit.as_str()), ("Glucose", "mg/dL"));
    assert_eq!((record.biomarker.as_deref(), record.value), (Some("glucose"), Some(number(50.0))));
    assert_eq!((record.status, record.needs_retest), (RecordStatus::Final, false));
    let [claimed] = &record.claims[..] else { panic!("{record:?}") };
    assert_eq!((claimed.rule.as_str(), claimed.level), ("one", Risk::High));
}

#[test]
fn an_analysis_of_another_revision_says_nothing_of_a_record() {
    let feed = vec![(Fact::Measured(0, 1), 1), (Fact::Analysed(0, 0, false), 1)];
    let records = run(&[feed], 2).pop().unwrap();
    let record = records.first().unwrap();
    assert_eq!((record.revision, record.status, record.level), (1, RecordStatus::Preliminary, None));
}
