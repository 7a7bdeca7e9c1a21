//! The same facts lead to the same bytes: however the log is cut, shuffled or copied, on any number of workers.
//!
//! Why each test exists: the first two prove that epochs and workers do not show, nor the order of packets within the
//! horizon, nor copies, offsets included, which name the first copies. The next two prove that late packets leave what
//! would have been without the delay, and that what was published for lack of them is taken back. Then: time may
//! pass in any steps. The last two hold alerts against a second computation, from the first observation to any
//! rewriting of the past.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "determinism/amends.rs"]
mod amends;
#[path = "determinism/dice.rs"]
mod dice;
#[path = "determinism/made.rs"]
mod made;
#[path = "determinism/oracle.rs"]
mod oracle;
#[path = "determinism/river.rs"]
mod river;
#[path = "determinism/unrest.rs"]
mod unrest;

use dice::Dice;
use eventlog::Record;
use model::{AlertChange, ChangeKind, EventId, Input, Level, Micros, Number, Origin, UserId, Vitals};
use operators::{risk::bound::Bound, timeline::Timeline};
use river::{Outcome, Split, assert_same, epochs, flow, recorded};
use std::collections::{BTreeMap, BTreeSet};
use unrest::Unrest;

const SECOND: Micros = 1_000_000;
/// Three of the recordings shipped; 13 raises an alert.
const NAMES: [&str; 3] = ["07", "13", "27"];

/// Asserts that two logs led to the same tables and that every subject was told the same.
fn assert_equal(found: &Outcome, expected: &Outcome, case: &str) {
    assert_same(&found.tables(), &expected.tables(), case);
    let (found, expected) = (found.published(), expected.published());
    assert!(found.keys().eq(expected.keys()), "{case}: subjects");
    for (subject, said) in &found {
        assert_same(said, &expected[subject], &format!("{case}, {subject}"));
    }
}

fn rows(outcome: &Outcome, table: &str) -> usize {
    outcome.tables().iter().filter(|line| line.starts_with(table)).count()
}

#[test]
fn epochs_and_workers_do_not_show() {
    let mut log = recorded(&NAMES, true);
    log.extend(made::relapsing(4));
    let log = river::numbered(log);
    let once = flow(1, epochs(&log, Split::Whole));
    let counts = ["windows", "sessions", "faults", "changes"].map(|table| rows(&once, table));
    assert!(counts[0] > 250 && counts[1..] == [10, 11, 4 * 6 + 1], "{counts:?}");
    for (workers, split) in [
        (1, Split::Every(97)),
        (2, Split::Every(97)),
        (4, Split::Every(97)),
        (2, Split::Whole),
        (4, Split::Whole),
        (1, Split::Ragged { seed: 1, most: 400 }),
        (2, Split::Ragged { seed: 2, most: 4_000 }),
        (4, Split::Ragged { seed: 3, most: 400 }),
    ] {
        let case = format!("{workers} workers, {split:?}");
        let again = flow(workers, epochs(&log, split));
        assert_equal(&again, &once, &case);
        assert_eq!(again.tally, once.tally, "{case}");
    }
}

#[test]
fn shuffles_and_copies_do_not_show() {
    let log = recorded(&NAMES, false);
    let clean = flow(1, epochs(&log, Split::Whole));
    assert_eq!((clean.tally.duplicates, clean.tally.lost, rows(&clean, "changes")), (0, 0, 1));
    for (seed, workers, split) in [
        (1, 1, Split::Whole),
        (2, 2, Split::Ragged { seed: 2, most: 400 }),
        (3, 4, Split::Ragged { seed: 3, most: 50 }),
        (4, 1, Split::Every(97)),
        (5, 2, Split::Every(1_000)),
        (6, 4, Split::Ragged { seed: 6, most: 4_000 }),
    ] {
        let case = format!("seed {seed}, {workers} workers, {split:?}");
        let unrest = Unrest { seed, shuffle_us: 250_000, copied: 20, delay: unrest::never };
        let rewritten = unrest.rewrite(&log);
        assert!(rewritten.copies > 6_000, "{case}: a fifth is copied");
        let found = flow(workers, epochs(&rewritten.log, split));
        assert_equal(&found, &rewritten.restated(&clean), &case);
        assert_eq!(
            (found.tally.duplicates, found.tally.lost, found.tally.too_late, found.tally.late),
            (rewritten.copies, 0, 0, 0),
            "{case}"
        );
    }
}

#[test]
fn late_packets_leave_what_would_have_been_without_the_delay() {
    let log = recorded(&NAMES, false);
    let clean = flow(1, epochs(&log, Split::Whole));
    for (seed, workers, shuffle_us, copied) in [(1, 1, 0, 0), (2, 2, 0, 0), (3, 4, 250_000, 20)] {
        let unrest = Unrest { seed, shuffle_us, copied, delay: unrest::sometimes };
        let rewritten = unrest.rewrite(&log);
        let mut revised = Vec::new();
        for split in [Split::Whole, Split::Ragged { seed, most: 200 }] {
            let case = format!("seed {seed}, {workers} workers, {split:?}");
            let found = flow(workers, epochs(&rewritten.log, split));
            let expected = rewritten.restated(&clean).tables();
            assert_same(&unrest::unrevised(&found).tables(), &expected, &case);
            assert_eq!((found.tally.late, found.tally.lost), (rewritten.late, 0), "{case}");
            revised.push(found.tables());
        }
        assert_same(&revised[0], &revised[1], "revisions do not depend on epochs either");
        let first = revised[0].iter().filter(|line| line.contains("\"revision\":0,")).count();
        let windows = revised[0].iter().filter(|line| line.starts_with("windows")).count();
        assert!(rewritten.late > 250 && first < windows, "{} late, {first} of {windows}", rewritten.late);
    }
}

#[test]
fn a_late_packet_withdraws_the_alert_that_its_absence_raised() {
    let log = made::borderline();
    let clean = flow(1, epochs(&log, Split::Whole));
    let unrest = Unrest { seed: 0, shuffle_us: 0, copied: 0, delay: unrest::before_windows_end };
    let rewritten = unrest.rewrite(&log);
    let expected = rewritten.restated(&clean);
    for workers in [1, 2] {
        let found = flow(workers, epochs(&rewritten.log, Split::Every(500)));
        assert_same(&unrest::unrevised(&found).tables(), &expected.tables(), "after the corrections");
        let told = |outcome: &Outcome| {
            let changes = outcome.epochs.iter().flat_map(|output| &output.changes);
            changes
                .filter(|(_, diff)| *diff > 0)
                .map(|(change, _)| change.alert)
                .collect::<BTreeSet<EventId>>()
        };
        let withdrawn = told(&found).difference(&told(&clean)).count();
        assert!(withdrawn > 0, "no alert was raised for lack of a packet: widen the range of rates");
        assert!(!told(&clean).is_empty() && told(&found).is_superset(&told(&clean)));
    }
}

/// The log up to a minute, without the third packet from the end of every session and without any end: what stays
/// behind waits for that packet, and completes a window.
fn abandoned(names: &[&str]) -> Vec<Record> {
    let mut log = recorded(names, false);
    let first = log[0].timestamp_ms;
    log.retain(|record| record.timestamp_ms <= first + 60_000);
    let mut packets = BTreeMap::<_, Vec<u64>>::new();
    for record in log.iter().filter(|record| river::input(record) == Input::Packets) {
        packets.entry((record.partition, record.key.clone())).or_default().push(record.offset);
    }
    log.retain(|record| {
        let offsets = packets.get(&(record.partition, record.key.clone()));
        let is_missing = offsets.is_some_and(|offsets| offsets[offsets.len() - 3] == record.offset);
        river::input(record) != Input::Packets || !is_missing
    });
    river::numbered(log)
}

#[test]
fn silence_ends_a_session_however_time_is_cut() {
    let log = abandoned(&NAMES);
    let before = flow(1, epochs(&log, Split::Whole));
    assert_eq!((before.tally.timed_out, before.tally.lost), (0, 0));
    let mut results = Vec::new();
    for (workers, split, steps) in [
        (1, Split::Whole, vec![310]),
        (1, Split::Whole, vec![150, 299, 310]),
        (2, Split::Every(97), (1..=310).collect()),
        (4, Split::Ragged { seed: 5, most: 100 }, vec![100, 305, 310]),
        (2, Split::Ragged { seed: 6, most: 400 }, vec![299, 310]),
    ] {
        let mut input = epochs(&log, split);
        let last = input.last().map_or(0, |(now, _)| *now);
        input.extend(steps.into_iter().map(|seconds: Micros| (last + seconds * SECOND, Vec::new())));
        results.push((format!("{workers} workers, {split:?}"), flow(workers, input)));
    }
    let (_, expected) = &results[0];
    assert_eq!((expected.tally.timed_out, expected.tally.lost), (6, 6), "pulse and respiration of each");
    assert_eq!(rows(expected, "windows"), rows(&before, "windows") + 3, "a window of each session waited");
    for (case, found) in &results {
        assert_equal(found, expected, case);
        assert_eq!(found.tally, expected.tally, "{case}");
    }
}

#[test]
fn alerts_are_those_of_a_second_computation_over_all_recordings() {
    let mut log = recorded(&[], false);
    log.extend(made::relapsing(2));
    log.retain(|record| river::input(record) == Input::Vitals);
    let log = river::numbered(log);
    let found = flow(2, epochs(&log, Split::Every(97)));
    let mut by_person = BTreeMap::<UserId, Vec<Vitals>>::new();
    for (vitals, _) in found.epochs.iter().flat_map(|output| output.vitals.clone()) {
        by_person.entry(vitals.user).or_default().push(vitals);
    }
    assert_eq!((by_person.len(), by_person.values().map(Vec::len).sum::<usize>()), (14, log.len()));
    let mut expected = sinks::Output::default();
    for vitals in by_person.values() {
        let changes = oracle::changes(vitals);
        for alert in changes.iter().map(|change| change.alert).collect::<BTreeSet<_>>() {
            let of_alert = || changes.iter().filter(|change| change.alert == alert);
            let (first, last) = (of_alert().next().unwrap(), of_alert().next_back().unwrap());
            expected
                .alerts
                .push((model::Alert { raised_at: first.at, last: last.clone(), raised_by: None }, 1));
        }
        expected.changes.extend(changes.into_iter().map(|change| (change, 1)));
        expected.vitals.extend(vitals.iter().map(|vitals| (vitals.clone(), 1)));
    }
    assert!(expected.alerts.len() > 2 * 3, "{} alerts", expected.alerts.len());
    let expected = Outcome { epochs: vec![expected], tally: found.tally };
    // Alerts make days, which have a second computation of their own beside their step.
    let is_day = |line: &String| line.starts_with("summaries ");
    let (days, found): (Vec<_>, Vec<_>) = found.tables().into_iter().partition(is_day);
    assert!(!days.is_empty(), "somebody's day had an alert");
    assert_same(&found, &expected.tables(), "all recordings");
}

/// A day on a ward: spells of health and of illness around any band of the chart, signs that are sometimes not shown.
fn ward(dice: &mut Dice, count: u64) -> Vec<Vitals> {
    const HEALTHY: [u64; 3] = [70, 14, 97];
    let (mut at, mut spell, mut middle) = (0, 0, HEALTHY);
    let observe = |place| {
        at += 1 + dice.below(20) as Micros;
        if at > spell {
            spell = at + 10 + dice.below(900) as Micros;
            let ill = [36 + dice.below(100), 5 + dice.below(24), 87 + dice.below(9)];
            middle = if dice.percent(50) { HEALTHY } else { ill };
        }
        let mut sign = |middle: u64| {
            // Halves, because values are rounded before they are scored.
            let value = (2 * middle + dice.below(7)) as f64 / 2.0;
            Number::finite(value).filter(|_| !dice.percent(10))
        };
        Vitals {
            user: UserId::derive(&["ward"]),
            at: at * SECOND,
            event: EventId::derive(&["ward", &format!("{place}")]),
            hr: sign(HEALTHY[0]),
            pulse: sign(middle[0]),
            resp: sign(middle[1]),
            spo2: sign(middle[2]),
            systolic: None,
            diastolic: None,
            temperature: None,
            consciousness: None,
            oxygen: None,
            origin: Origin { input: Input::Vitals, partition: 1, offset: place },
        }
    };
    (0..count).map(observe).collect()
}

#[test]
fn retractions_and_insertions_anywhere_leave_what_one_pass_would() {
    let mut dice = Dice::new(7);
    let all = ward(&mut dice, 1_200);
    let bound = Bound::new(river::shipped().risk.news2);
    let mut timeline = Timeline::<Bound>::default();
    let (mut stands, mut standing) = (BTreeSet::<usize>::new(), BTreeMap::<AlertChange, i64>::new());
    let (mut kinds, mut levels) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..60 {
        // Most of the past in order, then changes anywhere in it.
        let batch: BTreeSet<usize> = match round {
            0 => (0..900).collect(),
            _ => (0..=dice.below(20)).map(|_| dice.below(1_200) as usize).collect(),
        };
        let changes: Vec<_> = batch
            .into_iter()
            .map(|place| {
                let diff = if stands.remove(&place) { -1 } else { 1 };
                stands.extend((diff > 0).then_some(place));
                (all[place].clone(), diff)
            })
            .collect();
        timeline.apply(&bound, changes, |change, diff| *standing.entry(change).or_default() += diff);
        standing.retain(|_, count| *count != 0);
        let expected = oracle::changes(stands.iter().map(|place| &all[*place]));
        kinds.extend(expected.iter().map(|change| change.kind));
        levels.extend(expected.iter().map(|change| change.level));
        let expected: BTreeMap<_, _> = expected.into_iter().map(|change| (change, 1)).collect();
        assert!(standing == expected, "round {round}");
    }
    assert!(kinds.into_iter().eq([ChangeKind::Raised, ChangeKind::Escalated, ChangeKind::Cleared]));
    assert!(levels.into_iter().eq([Level::Moderate, Level::High, Level::Critical]));
}
