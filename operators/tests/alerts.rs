//! Alerts of every rule equal, after every epoch, what a look at everything said so far finds.
//!
//! Why each test exists: the first is the oracle: whatever the order of vital signs, results and profiles, their copies,
//! their lateness, results that are revised or taken back, the cuts into epochs and the number of workers, the changes
//! that stand are those of a second implementation that begins anew after every epoch, rules that change midway or late, and the table is their fold. The
//! second proves that the first sees every rule, every kind of change and every way to be wrong. The third proves that
//! what a device with a wrong clock measured, older than all that can be corrected, is left out whatever the epochs.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "alerts/hospital.rs"]
mod hospital;
#[path = "alerts/made.rs"]
mod made;
#[path = "alerts/oracle.rs"]
mod oracle;
#[path = "alerts/run.rs"]
mod run;

use made::{EPOCHS, Feed, START, feeds, items};
use model::{ChangeKind, Level, time::DAY};
use oracle::Told;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use run::run;
use std::collections::BTreeSet;

/// Longer than any test: nothing is forgotten.
const EVER: i64 = 10_000 * DAY;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn alerts_are_what_a_look_at_everything_finds(items in items(), workers in 1_usize..4) {
        let feeds = feeds(&items);
        let found = run(&feeds, workers, EVER);
        for (epoch, (changes, alerts)) in found.into_iter().enumerate() {
            let wanted = oracle::told(&feeds[..=epoch]);
            let told: BTreeSet<Told> = changes.iter().map(Told::from).collect();
            prop_assert_eq!(told.len(), changes.len());
            let (missing, extra): (Vec<_>, Vec<_>) =
                (wanted.difference(&told).collect(), told.difference(&wanted).collect());
            prop_assert!(missing.is_empty() && extra.is_empty(), "epoch {epoch}: missing {missing:#?}, extra {extra:#?}");
            // The table: of each alert the first and the last of its changes.
            for alert in &alerts {
                let of_alert = || changes.iter().filter(|change| change.alert == alert.last.alert);
                prop_assert_eq!(of_alert().max(), Some(&alert.last));
                let first = of_alert().min().map(|change| (change.kind, change.at));
                prop_assert_eq!(first, Some((ChangeKind::Raised, alert.raised_at)));
            }
            let distinct: BTreeSet<_> = changes.iter().map(|change| change.alert).collect();
            prop_assert_eq!(distinct.len(), alerts.len());
        }
    }
}

#[test]
fn what_is_said_is_varied_enough_to_prove_something() {
    let (mut rules, mut kinds, mut levels, mut withdrawn) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), 0);
    let (mut unsure, mut silent, mut published) = (0, 0, 0);
    let mut runner = TestRunner::deterministic();
    for _ in 0..120 {
        let feeds = feeds(&items().new_tree(&mut runner).unwrap().current());
        let mut before = BTreeSet::new();
        for epoch in 0..EPOCHS {
            let told = oracle::told(&feeds[..=epoch]);
            withdrawn += before.difference(&told).count();
            for one in &told {
                rules.insert(one.rule.clone());
                kinds.insert(one.kind);
                levels.insert(one.level);
                unsure += usize::from(one.claim.as_ref().is_some_and(|(.., retest)| *retest));
                silent += usize::from(one.claim.is_none());
                published += usize::from(one.version != "1.0");
            }
            before = told;
        }
    }
    for rule in ["glucose", "egfr", "creatinine", "crp", "sirs"] {
        assert!(rules.contains(rule), "no {rule} in {rules:?}");
    }
    for region in ["kr", "us", "eu"] {
        assert!(rules.contains(&format!("blood_pressure.{region}")), "no {region} in {rules:?}");
    }
    let all = [ChangeKind::Raised, ChangeKind::Escalated, ChangeKind::Cleared, ChangeKind::Repeated];
    assert_eq!(kinds, all.into());
    assert_eq!(levels, [Level::Moderate, Level::High, Level::Critical].into());
    assert!(withdrawn > 50 && unsure > 50 && silent > 0, "{withdrawn} withdrawn, {unsure}, {silent}");
    assert!(published > 50, "{published} by rules that were published");
}

#[test]
fn what_is_older_than_all_that_can_be_corrected_is_left_out() {
    let epoch = |results: Vec<(i64, f64)>, watermark: i64| Feed {
        measurements: results
            .into_iter()
            .map(|(at, value)| (made::glucose(0, at, value, 0.95, 0), 1))
            .collect(),
        watermark: START + watermark,
        ..Feed::default()
    };
    let horizon = 1_000;
    let mut feeds = vec![epoch(vec![(2_000, 45.0)], 0), epoch(vec![(999, 500.0), (1_000, 60.0)], 2_000)];
    feeds[0].events.push(made::profile(0, 0, 0));
    // What was left out can be taken back, and changes nothing again.
    feeds.push(epoch(vec![], 2_000));
    feeds[2].measurements.push((made::glucose(0, 999, 500.0, 0.95, 0), -1));
    let found = run(&feeds, 2, horizon);
    let values = |epoch: usize| -> Vec<_> {
        let claim = |change: &model::AlertChange| change.rule.claim().unwrap().value.get();
        found[epoch].0.iter().map(|change| (change.at - START, claim(change))).collect()
    };
    assert_eq!(values(0), [(2_000, 45.0)]);
    assert_eq!(values(1), [(1_000, 60.0), (2_000, 45.0)]);
    assert_eq!(values(2), values(1));
}
