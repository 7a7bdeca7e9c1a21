//! What must be there at the end, counted: what is missing is lost, what is there beyond it is a duplicate.

use super::{
    proof::{Rows, Topics},
    traffic::{self, Device},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is lost and what stands twice, with the first few of them named.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) lost: u64,
    pub(crate) duplicate: u64,
    pub(crate) named: Vec<String>,
}

impl Verdict {
    /// Counts what the topics and tables hold against what was sent.
    pub(crate) fn of(devices: &[Device], topics: &Topics, tables: &BTreeMap<&'static str, Rows>) -> Self {
        let mut verdict = Self { duplicate: topics.repeated, ..Self::default() };
        let windows = devices.iter().map(|device| (device.session.to_string(), traffic::WINDOWS));
        verdict.count("windows of", &windows.collect(), windows_by_session(&topics.tables["windows"]));
        verdict.count("changes of alerts of", &changes(devices), topics.changes.clone());
        verdict.count("letters of", &traffic::letters(devices), topics.letters.clone());
        let vitals = traffic::PEOPLE * traffic::OBSERVATIONS;
        for (table, rows) in [("vitals", vitals), ("sessions", traffic::SESSIONS)] {
            let found = u32::try_from(tables[table].len()).unwrap();
            verdict.count("rows of", &[(table, rows)].into(), [(table, found)].into());
        }
        verdict
    }

    fn count<K: Ord + std::fmt::Debug>(
        &mut self,
        what: &str,
        expected: &BTreeMap<K, u32>,
        found: BTreeMap<K, u32>,
    ) {
        for (key, wanted) in expected {
            let has = found.get(key).copied().unwrap_or(0);
            self.lost += u64::from(wanted.saturating_sub(has));
            self.note(what, key, *wanted, has);
        }
        for (key, has) in found {
            let wanted = expected.get(&key).copied().unwrap_or(0);
            self.duplicate += u64::from(has.saturating_sub(wanted));
            if wanted == 0 {
                self.note(what, &key, wanted, has);
            }
        }
    }

    fn note(&mut self, what: &str, key: &impl std::fmt::Debug, wanted: u32, has: u32) {
        if wanted != has && self.named.len() < 10 {
            self.named.push(format!("{has} instead of {wanted} {what} {key:?}"));
        }
    }
}

fn windows_by_session(windows: &[Value]) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for window in windows {
        *counts.entry(window["session_id"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    counts
}

fn changes(devices: &[Device]) -> BTreeMap<(String, String), u32> {
    let alerted = devices.iter().filter(|device| device.alerts());
    let raised = alerted.map(|device| ((device.user.to_string(), "raised".to_owned()), 1));
    let relapsed = traffic::relapsing()
        .flat_map(|user| ["raised", "cleared"].map(|kind| ((user.to_string(), kind.to_owned()), 2)));
    raised.chain(relapsed).collect()
}

/// Every window is whole, unrevised, and shows the rate its wave was made with.
pub(crate) fn check_windows(devices: &[Device], windows: &[Value]) {
    let bpm: BTreeMap<_, _> = devices.iter().map(|device| (device.session.to_string(), device.bpm)).collect();
    for window in windows {
        assert!(window["n_real"] == window["n_expected"] && window["revision"] == 0, "{window}");
        let made = bpm[window["session_id"].as_str().unwrap()];
        let found = window["hr_bpm"].as_f64().unwrap_or_default();
        assert!((found - made).abs() < 1.0, "a wave of {made} beats a minute was read as {found}");
    }
}

/// What would make every other promise here worthless: a verdict that says "clean" of anything.
#[test]
fn kafka_load_the_verdict_tells_what_is_missing_from_what_is_too_much() {
    let count = |found: &[(u32, u32)]| {
        let mut verdict = Verdict::default();
        verdict.count("things of", &[(1, 2), (2, 1)].into(), found.iter().copied().collect());
        (verdict.lost, verdict.duplicate, verdict.named.len())
    };
    assert_eq!(count(&[(1, 2), (2, 1)]), (0, 0, 0));
    assert_eq!(count(&[(1, 1), (2, 1)]), (1, 0, 1));
    assert_eq!(count(&[(1, 2)]), (1, 0, 1));
    assert_eq!(count(&[(1, 3), (2, 1)]), (0, 1, 1));
    assert_eq!(count(&[(1, 2), (2, 1), (3, 1)]), (0, 1, 1));
}
