//! States leave and come back on any number of workers, and nothing old stays.
//!
//! Why each test exists: the first proves that a restart does not show, in no epoch and in no state, whatever the
//! number of workers before and after. The second proves that what is forgotten
//! would have changed nothing. The third proves that memory is bounded by what was heard within the
//! horizon, not by what was ever heard.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "restart/graph.rs"]
mod graph;
#[path = "restart/said.rs"]
mod said;
#[path = "restart/ward.rs"]
mod ward;

use graph::{Feed, HORIZON, Out, SECOND, content, remembering, run, ticked};
use model::{DomainEvent, Number, Vitals, time::DAY};
use proptest::prelude::*;
use said::{profile, reading, result};
use std::ops::Range;
use ward::{Log, START, ended, minutes, packet, started, vitals};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_restart_does_not_show(
        seed in any::<u64>(), stretches in prop::collection::vec((1_usize..30, 1_usize..4), 1..4)
    ) {
        let feeds = minutes(seed);
        let mut cuts = vec![feeds.len() - 1];
        let mut from = 0;
        for (length, _) in &stretches {
            from += length;
            cuts.push((from - 1).min(feeds.len() - 1));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let straight = run(&feeds, 0, 1, &[], &cuts);
        let (mut first, mut states, mut out) = (0, Vec::new(), Out::new());
        for (place, cut) in cuts.iter().enumerate() {
            let workers = stretches.get(place).map_or(2, |(_, workers)| *workers);
            let mut stretch = run(&feeds[first..=*cut], first, workers, &states, &[*cut]);
            out.append(&mut stretch.out);
            states = stretch.states.remove(cut).unwrap();
            prop_assert!(
                content(&states) == content(&straight.states[cut]),
                "the states after epoch {cut}, {workers} workers: {}",
                difference(&content(&states), &content(&straight.states[cut]))
            );
            first = cut + 1;
        }
        if out != straight.out {
            let missing: Vec<_> = straight.out.iter().filter(|(row, count)| out.get(*row) != Some(*count)).collect();
            let extra: Vec<_> = out.iter().filter(|(row, count)| straight.out.get(*row) != Some(*count)).collect();
            prop_assert!(false, "missing {missing:#?}, extra {extra:#?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn forgetting_does_not_show(seed in any::<u64>()) {
        let feeds = minutes(seed);
        let (found, expected) = (run(&feeds, 0, 2, &[], &[]), remembering(1_000 * HORIZON, &feeds, 0, 1, &[], &[]));
        prop_assert!(found.entries.last() < expected.entries.last());
        // A session that was silent for so long begins its run of high windows anew, and what nobody read counts for thirty
        // horizons: as meant.
        let is_long = feeds.last().is_some_and(|feed| feed.tick.now - START > 30 * HORIZON);
        let only = |one: &Out, other: &Out| {
            let differs = |(row, count): &(&(u64, String), &i64)| {
                let is_meant = row.1.contains("PulseBand") || is_long && row.1.starts_with("Unread");
                other.get(*row) != Some(*count) && !is_meant
            };
            one.iter().filter(differs).map(|(row, _)| row.clone()).collect::<Vec<_>>()
        };
        let (missing, extra) = (only(&expected.out, &found.out), only(&found.out, &expected.out));
        prop_assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}, extra {extra:#?}");
    }
}

/// Sixteen days of somebody whose glucose is low every night, in eighty epochs; a laboratory corrects itself in between.
fn nights() -> Vec<Feed> {
    let mut log = Log { clock: START, ..Log::default() };
    let mut epochs = Vec::new();
    log.event(0, profile(0, START, 3));
    for slot in 0..16 * 288_i64 {
        log.clock = START + slot * 300 * SECOND;
        let glucose = if slot % 288 < 30 { 45 + slot % 30 } else { 100 + slot % 50 };
        log.event(0, reading(0, log.clock, glucose as u32));
        if slot % 500 == 77 {
            log.event(0, result(log.clock, slot / 1_000, Some(1 + slot as u32 % 7)));
        }
        if slot % 900 == 13 {
            log.event(0, result(log.clock, slot / 1_000, None));
        }
        if slot % 58 == 57 {
            epochs.push((log.clock, std::mem::take(&mut log.written)));
        }
    }
    ticked(epochs)
}

#[test]
fn a_restart_does_not_show_in_fortnights_and_episodes() {
    let feeds = nights();
    let straight = run(&feeds, 0, 1, &[], &[]);
    let found = |word: &str, sign: i64| {
        straight.out.iter().any(|((_, row), count)| row.contains(word) && *count == sign)
    };
    for word in [
        "wear: Fortnight, readings: 4032",
        "summary: Some",
        "id: \"cgm\"",
        "is_cut_off: false",
        "LaboratoryResult {",
    ] {
        assert!(found(word, 1), "no {word}");
    }
    // One lasts while it lasts.
    assert!(found("GlucoseEpisode {", -1) && found("LaboratoryResult {", -1));
    let (mut states, mut out, mut first) = (Vec::new(), Out::new(), 0);
    for (cut, workers) in [(7, 2), (20, 3), (41, 1), (60, 2), (feeds.len() - 1, 3)] {
        let mut stretch = run(&feeds[first..=cut], first, workers, &states, &[cut]);
        out.append(&mut stretch.out);
        states = stretch.states.remove(&cut).unwrap();
        first = cut + 1;
    }
    assert_eq!(out, straight.out);
}

/// Which steps differ.
fn difference(one: &graph::State, other: &graph::State) -> String {
    let only = |one: &graph::State, other: &graph::State| {
        let only = one.iter().filter(|(entry, count)| other.get(*entry) != Some(*count));
        only.map(|((step, key, value), _)| format!("{step} {key:?} {} bytes", value.len()))
            .collect::<Vec<_>>()
    };
    format!("only here {:?}, only there {:?}", only(one, other), only(other, one))
}

/// What is late by less than the horizon may need a sign that is older than the horizon.
#[test]
fn a_sign_is_remembered_for_as_long_as_late_observations_may_need_it() {
    let mut log = Log { clock: START, ..Log::default() };
    let observe = |at: i64, signs: [Option<f64>; 3]| {
        let DomainEvent::Vitals(vitals) = vitals(0, START + at * SECOND, false) else { unreachable!() };
        let [pulse, resp, spo2] = signs.map(|sign| sign.and_then(Number::finite));
        DomainEvent::Vitals(Vitals { pulse, resp, spo2, ..vitals })
    };
    log.event(0, observe(0, [Some(120.0), Some(24.0), None]));
    let mut epochs = vec![(log.clock, std::mem::take(&mut log.written))];
    for _ in 0..3 {
        log.clock += 15 * SECOND;
        log.event(0, vitals(1, log.clock, false));
        epochs.push((log.clock, std::mem::take(&mut log.written)));
    }
    // The watermark is 45 s on, and the first observation out of the horizon.
    epochs.push((log.clock, Vec::new()));
    (6..13).for_each(|at| log.event(0, observe(at, [None, None, Some(90.0)])));
    epochs.push((log.clock, std::mem::take(&mut log.written)));
    let feeds = ticked(epochs);
    let found = run(&feeds, 0, 1, &[], &[]);
    assert!(found.out.keys().any(|(_, row)| row.contains("level: Critical")));
    assert_eq!(found.out, remembering(1_000 * HORIZON, &feeds, 0, 1, &[], &[]).out);
}

const EPOCHS: i64 = 280;

#[test]
fn what_is_remembered_is_bounded_by_the_horizon() {
    let mut log = Log { clock: START, ..Log::default() };
    let mut epochs = Vec::new();
    for number in 0..EPOCHS {
        log.clock += HORIZON / 4;
        let clock = log.clock;
        // Nobody comes twice: people who are ill for a while, sessions that end and sessions that do not.
        for second in 0..18 {
            log.event(0, vitals(number, clock + second * SECOND, second < 7));
        }
        log.event(1, vitals(-1, clock, false));
        let name = format!("session {number}");
        log.event(0, started(&name, clock));
        if number % 2 > 0 {
            log.event(0, ended(&name, clock + SECOND));
        }
        for second in 0..3 {
            log.packet(number as u32 % 2, packet(&name, second, clock, 72.0));
        }
        epochs.push((clock, std::mem::take(&mut log.written)));
    }
    // Days later nobody is remembered any more whose day was not over: only who still comes.
    for _ in 0..8 {
        log.clock += DAY;
        log.event(1, vitals(-1, log.clock, false));
        epochs.push((log.clock, std::mem::take(&mut log.written)));
    }
    let stretch = run(&ticked(epochs), 0, 2, &[], &[]);
    let cleared =
        stretch.out.keys().filter(|(_, row)| row.starts_with("(AlertChange") && row.contains("Cleared"));
    assert_eq!(cleared.count(), EPOCHS as usize);
    assert!(stretch.out.iter().all(|((_, row), count)| *count > 0 || !row.starts_with("(AlertChange")));
    let most =
        |range: Range<i64>| *stretch.entries[range.start as usize..range.end as usize].iter().max().unwrap();
    // Sessions that nobody ended are remembered for thirty horizons, one in two epochs; what people were notified of, too,
    // who it was, and how much of it they have not read. Each who was ill is remembered until their day is summed up.
    let (early, late) = (most(EPOCHS / 2..EPOCHS * 3 / 4), most(EPOCHS * 3 / 4..EPOCHS));
    assert!(late <= early + 2 + EPOCHS as usize / 4, "{late} after {early}");
    assert!(late < 4 * EPOCHS as usize, "{late}");
    let left = *stretch.entries.last().unwrap();
    assert!(left < 20, "{left} in the end");
}

#[test]
fn the_ward_is_eventful_enough_to_prove_something() {
    let outs = (0..4).flat_map(|seed| run(&minutes(seed), 0, 1, &[], &[]).out);
    let out: Vec<_> = outs.collect();
    let found =
        |word: &str, sign: i64| out.iter().any(|((_, row), count)| row.contains(word) && *count == sign);
    for word in ["kind: Raised", "kind: Cleared", "PulseBand", "PulseWindow", "device: Some", "status: Some"]
        .into_iter()
        .chain(["SessionBeginning {", "status: Completed", "status: Timeout", "resumed: 1"])
        .chain([
            "Breathing {",
            "Beat {",
            "Rhythm {",
            "CartridgeSupply {",
            "Measurement {",
            "Fingerprint {",
            "FeatureWindow {",
            "Analysis {",
            "HealthRecord {",
            "RiskDetected {",
            "DailySummary {",
            "is_over: true",
            "GoalProgress {",
            "state: Reached",
            "state: Missed",
            "is_expired: true",
            "GlucoseWindow {",
            "LaboratoryResult {",
            "revision: 2",
            "id: \"lactate\"",
            "id: \"glucose\"",
        ])
        .chain([
            "id: \"sirs\"",
            "id: \"blood_pressure.kr\"",
            "id: \"blood_pressure.eu\"",
            "kind: Repeated",
            "claim: None",
            "version: \"made",
        ])
        .chain(["status: Expiring", "status: Expired", "state: Expired", "state: Depleted"])
    {
        assert!(found(word, 1), "no {word}");
    }
    assert!(found("Beat {", -1), "no beat taken back");
    assert!(found("SessionEnd {", -1), "no end taken back");
    assert!(
        found("Measurement {", -1) && found("FeatureWindow {", -1),
        "no result of a cartridge taken back"
    );
    assert!(found("HealthRecord {", -1), "no record taken back");
    assert!(found("GlucoseWindow {", -1), "no window of glucose corrected");
    assert!(found("LaboratoryResult {", -1), "no result of a laboratory taken back");
    assert!(found("Analysis {", -1) && found("RiskDetected {", -1), "nothing said of a risk taken back");
    let heard = |row: &str| row.split("recipients: ").nth(1).map_or(0, |list| list.matches("UserId").count());
    assert!(
        (1..=3).all(|people| out.iter().any(|((_, row), _)| heard(row) == people)),
        "not every circle hears of a risk"
    );
    assert!(found("rule: Set(SetRule", -1), "nothing that a rule of a set found taken back");
    assert!(found("kind: Cleared", -1) && found("PulseWindow", -1) && found("TOO_LATE", 1));
    assert!(found("Fault(BAD_ENVELOPE", -1) && found("Fault(BAD_LENGTH", 1) && found("Fault(BAD_LENGTH", -1));
    for name in ["tally late", "tally timed_out", "tally ended", "tally too_late"] {
        assert!(out.iter().any(|((_, row), _)| row == name), "no {name}");
    }
}
