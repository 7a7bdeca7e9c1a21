//! Calibrations and cartridges as they stand equal, after every epoch, what a look at all events from the start says.
//!
//! Why each test exists: the first is the oracle: whatever the order of events, their copies, their lateness, the cuts
//! into epochs, the number of workers and the restarts between, the tables are those of the second implementation at
//! the epoch's now. The second proves that epochs in which nothing happened can be left out, as the log does. The third
//! proves that time alone changes rows at the very microsecond. The fourth proves that memory is bounded.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "cartridges/made.rs"]
mod made;
#[path = "cartridges/oracle.rs"]
mod oracle;
#[path = "cartridges/run.rs"]
mod run;

use made::{Feed, START, fates, feeds};
use model::time::DAY;
use oracle::Tables;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use run::{Stretch, content, run};

/// Longer than any test: nothing is forgotten.
const EVER: i64 = 10_000 * DAY;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_tables_are_what_a_look_at_all_events_says(
        fates in fates(), cuts in prop::collection::vec((1_usize..6, 1_usize..4), 1..4)
    ) {
        let feeds = feeds(&fates);
        let (mut from, mut states, mut tables) = (0, Vec::new(), Tables::default());
        let last = (feeds.len(), 2);
        for (length, workers) in cuts.into_iter().chain([last]) {
            let until = (from + length).min(feeds.len());
            let stretch = run(&feeds[..until], from, workers, EVER, &states, tables);
            for (epoch, found) in (from..).zip(&stretch.tables) {
                prop_assert_eq!(found, &oracle::tables(&feeds[..=epoch]), "after epoch {}", epoch);
            }
            tables = stretch.tables.last().cloned().unwrap_or(stretch.before);
            (from, states) = (until, stretch.states);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn epochs_in_which_nothing_happened_leave_no_trace(fates in fates()) {
        let all = feeds(&fates);
        let whole = run(&all, 0, 1, EVER, &[], Tables::default());
        let happened = |epoch: &usize| !all[*epoch].events.is_empty() || whole.changed[*epoch];
        let bound: Vec<Feed> = (0..all.len()).filter(happened).map(|epoch| all[epoch].clone()).collect();
        let again = run(&bound, 0, 1, EVER, &[], Tables::default());
        prop_assert_eq!(again.tables.last(), whole.tables.last());
        prop_assert_eq!(content(&again.states), content(&whole.states));
    }
}

#[test]
fn time_alone_changes_rows_at_the_very_microsecond() {
    let (made, week) = (made::field(0, START, 30), 7 * DAY);
    let cartridge = made::verified(1, START, START + 20 * DAY, 4);
    let (soon, end) = (START + 30 * DAY - week, START + 30 * DAY);
    let nows = [START + 1, soon, soon + 1, START + 20 * DAY - 1, START + 20 * DAY, end - 1, end];
    let mut nows = nows.to_vec();
    nows.sort_unstable();
    let mut feeds: Vec<Feed> = nows.iter().map(|now| Feed::idle(*now)).collect();
    feeds[0].events = vec![made, cartridge];
    let Stretch { tables, changed, .. } = run(&feeds, 0, 2, EVER, &[], Tables::default());
    let states: Vec<_> = tables.iter().map(|tables| tables.states(0, 1)).collect();
    let at = |now: i64| states[nows.iter().position(|other| *other == now).unwrap()];
    assert_eq!(at(START + 1), ("VALID", "OK"));
    assert_eq!(at(START + 20 * DAY - 1), ("VALID", "OK"));
    assert_eq!(at(START + 20 * DAY), ("VALID", "EXPIRED"));
    assert_eq!(at(soon), ("VALID", "EXPIRED"));
    assert_eq!(at(soon + 1), ("EXPIRING", "EXPIRED"));
    assert_eq!(at(end - 1), ("EXPIRING", "EXPIRED"));
    assert_eq!(at(end), ("EXPIRED", "EXPIRED"));
    assert_eq!(changed.iter().filter(|changed| **changed).count(), 4, "only those four epochs say something");
}

const HORIZON: i64 = DAY;

#[test]
fn what_is_used_up_is_forgotten_and_calibrations_that_are_outlasted_too() {
    let mut feeds = Vec::new();
    for day in 0..200_u32 {
        let at = START + i64::from(day) * DAY;
        let auto = made::auto(day % 3, at, 30);
        let (opened, used_up) = (
            made::verified(1_000 + day, at, START + 9_000 * DAY, 5),
            made::depleted(1_000 + day, at + DAY / 2),
        );
        feeds.push(Feed { now: at + DAY / 2, watermark: at, events: vec![auto, opened, used_up] });
    }
    let stretch = run(&feeds, 0, 2, HORIZON, &[], Tables::default());
    let late = *stretch.bytes[100..].iter().max().unwrap();
    let early = *stretch.bytes[50..100].iter().max().unwrap();
    assert!(late <= early + early / 20, "{late} bytes after {early}");
    let tables = stretch.tables.last().unwrap();
    assert_eq!(tables.cartridges.len(), 200, "what was said stays said");
}

#[test]
fn the_events_are_varied_enough_to_prove_something() {
    let mut seen = std::collections::BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let fates = fates().new_tree(&mut runner).unwrap().current();
        let feeds = feeds(&fates);
        for epoch in 0..feeds.len() {
            let tables = oracle::tables(&feeds[..=epoch]);
            let kind =
                |row: &model::DeviceCalibration| row.record.as_ref().map(|record| record.source.name());
            seen.extend(tables.calibrations.values().map(|row| (row.status.name(), kind(row))));
            seen.extend(tables.cartridges.values().map(|row| (row.state.name(), None)));
        }
    }
    for state in ["VALID", "EXPIRING", "EXPIRED"] {
        for kind in ["FACTORY", "FIELD", "AUTO"] {
            assert!(seen.contains(&(state, Some(kind))), "no {state} {kind} in {seen:?}");
        }
    }
    for state in ["NEEDED", "OK", "EXPIRED", "DEPLETED"] {
        assert!(seen.contains(&(state, None)), "no {state} in {seen:?}");
    }
}
