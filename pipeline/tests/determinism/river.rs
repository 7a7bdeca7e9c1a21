//! The product's graph between a log in memory and what comes out: no disk, no clock.
//!
//! # Invariants
//! - Options are those the product ships.
//! - After every epoch each row stands once or not at all.

use crate::dice::Dice;
use eventlog::{Draft, Record};
use model::{Input, Micros, Tick};
use operators::sequence::Tally;
use pipeline::{
    config::{self, Config, Layers},
    epoch::Records,
    workers::{self, Workers},
};
use serde::Serialize;
use sinks::Output;
use sources::replay::{ANCHOR, Recordings};
use std::{collections::BTreeMap, path::Path};

/// Partitions of every topic: fewer than sessions, so that sessions share some.
pub(crate) const PARTITIONS: u32 = 3;

/// How a log is cut into epochs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Split {
    /// One epoch.
    Whole,
    /// So many records each, in order of arrival.
    Every(usize),
    /// Each partition at a pace of its own that changes with every epoch.
    Ragged { seed: u64, most: u64 },
}

/// The recordings the product ships, those whose name ends so; all if none is named.
pub(crate) fn recorded(names: &[&str], spoil: bool) -> Vec<Record> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let chosen = tempfile::tempdir().expect("a folder for links");
    for entry in shipped.read_dir().expect("recordings are shipped").map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if names.is_empty() || names.iter().any(|chosen| name.starts_with(&format!("bidmc_{chosen}_"))) {
            std::fs::copy(entry.path(), chosen.path().join(name)).unwrap();
        }
    }
    placed(Recordings::open(chosen.path()).unwrap().traffic(PARTITIONS, spoil))
}

/// Drafts as they stand on the log, in order of arrival.
pub(crate) fn placed(drafts: impl IntoIterator<Item = Draft>) -> Vec<Record> {
    let drafts = drafts.into_iter().map(|draft| {
        let Draft { topic, partition, timestamp_ms, key, value, headers } = draft;
        Record { topic, partition, offset: 0, timestamp_ms, key, value, headers }
    });
    numbered(drafts)
}

/// Gives every record its offset.
pub(crate) fn numbered(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    let mut ends = BTreeMap::new();
    let mut place = |record: &Record| {
        let end = ends.entry((input(record), record.partition)).or_insert(0);
        *end += 1;
        *end - 1
    };
    records.into_iter().map(|record| Record { offset: place(&record), ..record }).collect()
}

/// The input `record` belongs to.
pub(crate) fn input(record: &Record) -> Input {
    Input::named(&record.topic).expect("a topic of ours")
}

/// Cuts `log` into epochs, each with its "now": a millisecond apart, so that no session falls silent.
pub(crate) fn epochs(log: &[Record], split: Split) -> Vec<(Micros, Records)> {
    let batches: Vec<Records> = match split {
        Split::Whole => vec![by_partition(log)],
        Split::Every(count) => log.chunks(count).map(by_partition).collect(),
        Split::Ragged { seed, most } => ragged(log, seed, most),
    };
    (0..).map(|epoch: Micros| ANCHOR + epoch * 1_000).zip(batches).collect()
}

fn by_partition(records: &[Record]) -> Records {
    let mut lanes = BTreeMap::<_, Vec<Record>>::new();
    for record in records {
        lanes.entry((input(record), record.partition)).or_default().push(record.clone());
    }
    lanes.into_iter().collect()
}

fn ragged(log: &[Record], seed: u64, most: u64) -> Vec<Records> {
    let mut dice = Dice::new(seed);
    let mut lanes = by_partition(log);
    let mut batches = Vec::new();
    while lanes.iter().any(|(_, waiting)| !waiting.is_empty()) {
        let mut take = |waiting: &mut Vec<Record>| {
            let limit = if dice.percent(30) { 1 } else { most };
            let count = (dice.below(limit) as usize).min(waiting.len());
            waiting.drain(..count).collect()
        };
        batches.push(lanes.iter_mut().map(|(lane, waiting)| (*lane, take(waiting))).collect());
    }
    batches
}

/// What came of a log.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Changes by epoch.
    pub(crate) epochs: Vec<Output>,
    /// What was counted.
    pub(crate) tally: Tally,
}

/// The product's configuration as shipped.
pub(crate) fn shipped() -> Config {
    config::load(Layers::defaults()).unwrap().config
}

/// Feeds `epochs` to `count` workers.
pub(crate) fn flow(count: usize, epochs: Vec<(Micros, Records)>) -> Outcome {
    let workers = Workers::start(&workers::Options { count }, &pipeline::recover::graph(&shipped())).unwrap();
    let mut outcome = Outcome { epochs: Vec::new(), tally: Tally::default() };
    for (epoch, (now_us, records)) in (0..).zip(epochs) {
        workers.feed(epoch, Tick { now: now_us, watermark: Micros::MIN }, records).unwrap();
        let (output, tally) = workers.collect(epoch).unwrap();
        outcome.epochs.push(output);
        outcome.tally += tally;
    }
    outcome
}

impl Outcome {
    /// Every row that stands in the end, as sorted JSON lines that begin with the name of their table.
    pub(crate) fn tables(&self) -> Vec<String> {
        let of = |output: &Output| output.clone();
        let all = || self.epochs.iter().map(of);
        let mut lines = standing("windows", all().map(|output| output.windows));
        lines.extend(standing("vitals", all().map(|output| output.vitals)));
        lines.extend(standing("alerts", all().map(|output| output.alerts)));
        lines.extend(standing("changes", all().map(|output| output.changes)));
        lines.extend(standing("faults", all().map(|output| output.faults)));
        lines.extend(standing("sessions", all().map(|output| output.sessions)));
        lines.extend(standing("beginnings", all().map(|output| output.beginnings)));
        lines.extend(standing("analyses", all().map(|output| output.analyses)));
        lines.extend(standing("coachings", all().map(|output| output.coachings)));
        lines.extend(standing("summaries", all().map(|output| output.summaries)));
        lines.extend(standing("goals", all().map(|output| output.goals)));
        lines.extend(standing("sent", all().map(|output| output.sent)));
        lines.extend(standing("notifications", all().map(|output| output.notifications)));
        lines.extend(standing("unread", all().map(|output| output.unread)));
        lines.extend(standing("records", all().map(|output| output.records)));
        lines.extend(standing("glucose", all().map(|output| output.glucose)));
        lines.extend(standing("worn", all().map(|output| output.worn)));
        lines.extend(standing("episodes", all().map(|output| output.episodes)));
        lines.extend(standing("laboratory", all().map(|output| output.laboratory)));
        lines.extend(standing("detected", all().map(|output| output.detected)));
        lines.extend(standing("ends", all().map(|output| output.ends)));
        lines
    }

    /// What was said of each subject, in the order it was said.
    pub(crate) fn published(&self) -> BTreeMap<String, Vec<String>> {
        let mut said = BTreeMap::<String, Vec<String>>::new();
        let mut say = |subject: String, diff: i64, row: String| {
            said.entry(subject).or_default().push(format!("{diff:+} {row}"));
        };
        for output in &self.epochs {
            for (window, diff) in &output.windows {
                say(format!("windows {}", window.session), *diff, json(window));
            }
            for (change, diff) in &output.changes {
                let subject =
                    change.session.map_or_else(|| change.user.to_string(), |session| session.to_string());
                say(format!("alerts {subject}"), *diff, json(change));
            }
            for (beginning, diff) in &output.beginnings {
                say(format!("beginning of {}", beginning.session), *diff, json(beginning));
            }
            for (analysis, diff) in &output.analyses {
                say(format!("analysis of {}", analysis.session), *diff, json(analysis));
            }
            for (coaching, diff) in &output.coachings {
                say(format!("coaching of {}", coaching.session), *diff, json(coaching));
            }
            for (notification, diff) in &output.sent {
                say(format!("notification {}", notification.id), *diff, json(notification));
            }
            for (record, diff) in &output.records {
                say(format!("record of {}", record.session), *diff, json(record));
            }
            for (risk, diff) in &output.detected {
                say(format!("risks of {}", risk.change.user), *diff, json(risk));
            }
            for (end, diff) in &output.ends {
                say(format!("end of {}", end.session), *diff, json(end));
            }
            for (fault, diff) in &output.faults {
                let subject = format!("faults {:?}/{}", fault.origin.input, fault.origin.partition);
                say(subject, *diff, json(fault));
            }
        }
        said
    }
}

/// Adds changes up, and checks on the way that no row ever stands twice or less than not at all.
fn standing<R: Ord + Serialize>(table: &str, epochs: impl Iterator<Item = Vec<(R, i64)>>) -> Vec<String> {
    let mut counts = BTreeMap::<R, i64>::new();
    for changes in epochs {
        for (row, diff) in changes {
            let count = counts.entry(row).or_default();
            *count += diff;
            assert!((0..=1).contains(count), "a row of {table} stands {count} times");
        }
    }
    counts.retain(|_, count| *count == 1);
    counts.keys().map(|row| format!("{table} {}", json(row))).collect()
}

fn json(row: &impl Serialize) -> String {
    serde_json::to_string(row).expect("rows are text, integers and finite numbers")
}

/// Compares line by line, and says where two results part.
pub(crate) fn assert_same(found: &[String], expected: &[String], case: &str) {
    let differs = found.iter().zip(expected).position(|(one, other)| one != other);
    if let Some(line) = differs {
        panic!("{case}: line {line} is\n{}\ninstead of\n{}", found[line], expected[line]);
    }
    assert_eq!(found.len(), expected.len(), "{case}: rows");
}
