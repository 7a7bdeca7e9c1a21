//! Shapes the output of an epoch into records: one file per topic, one for what their events share.
//!
//! | topic | a record is | key |
//! |---|---|---|
//! | [`WINDOWS`] | a window of optical pulse, newest revision, or its withdrawal | user |
//! | [`SESSIONS_STARTED`] | that a session began, newest revision | user |
//! | [`SESSIONS_ENDED`] | that a session ended, newest revision, or that it went on | user |
//! | [`ALERTS`] | a change of an alert, or its withdrawal | user |
//! | [`RISKS`] | a risk from HIGH on with its recipients, or its withdrawal | user |
//! | [`ANALYSES`] | what the rules say of a measurement, or its withdrawal | user |
//! | [`COACHINGS`] | what a person is told of a measurement, of a day that is over or of a goal, or its withdrawal | user |
//! | [`NOTIFICATIONS`] | a notification that went, or its withdrawal | user |
//! | [`MEASUREMENTS`] | the result of a session of a cartridge, newest revision, or its withdrawal | user |
//! | [`DEAD_LETTERS`] | an input record that could not be used, unchanged, with its reason in headers | as it was |
//! | [`BINDINGS`] | what a committed epoch was | none |
//!
//! # Retractions
//! Topics cannot take back: a retracted fact is published as an event of its own, `withdrawn`, that
//! names the event it takes back. A reader that remembers ids forgets an id when it is withdrawn, so
//! a fact that becomes true again is heard again.
//!
//! # Invariants
//! - Id, key, time and value of an event depend on the fact alone: not on epochs, batches, workers or
//!   (but for the offsets told as evidence) on where the input stood on the log.
//! - The order within a topic depends on the output alone; withdrawals come first.

use crate::{
    Output,
    binding::{Run, TopicDigest},
};
use eventlog::{Draft, Log, Record, TopicSpec};
use model::{AlertChange, Micros};
use std::{collections::BTreeMap, sync::Arc};

mod alert;
mod analysis;
mod coaching;
mod daily;
mod dead_letter;
mod detected;
mod event;
mod goal;
mod measurement;
mod notification;
mod session;
mod window;

/// Windows of optical pulse.
pub const WINDOWS: &str = "manpasik.measurement.window";
/// Results of sessions of cartridges.
pub const MEASUREMENTS: &str = "manpasik.measurement.completed";
/// Sessions that began, as their packets show.
pub const SESSIONS_STARTED: &str = "manpasik.measurement.session.started";
/// Sessions that ended, as their packets show.
pub const SESSIONS_ENDED: &str = "manpasik.measurement.session.ended";
/// Changes of alerts.
pub const ALERTS: &str = "manpasik.ai.alert";
/// Risks from HIGH on, with who is to hear of them.
pub const RISKS: &str = "manpasik.ai.risk.detected";
/// What the rules say of each measurement.
pub const ANALYSES: &str = "manpasik.ai.analysis_completed";
/// What people are told of their measurements, their days and their goals.
pub const COACHINGS: &str = "manpasik.coaching.generated";
/// What people were notified of.
pub const NOTIFICATIONS: &str = "manpasik.notification.sent";
/// Records that could not be used.
pub const DEAD_LETTERS: &str = "manpasik.dlq";
/// Every topic that results stand on.
pub const RESULTS: [&str; 10] = [
    WINDOWS,
    MEASUREMENTS,
    SESSIONS_STARTED,
    SESSIONS_ENDED,
    ALERTS,
    RISKS,
    ANALYSES,
    COACHINGS,
    NOTIFICATIONS,
    DEAD_LETTERS,
];
/// What every committed epoch was; one partition, read by this program only.
pub const BINDINGS: &str = "manpasik.internal.binding";

/// Where records go and how large they may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Partitions of each of [`RESULTS`].
    pub(crate) partitions: [u32; RESULTS.len()],
    pub(crate) dead_letter_bytes: usize,
}

impl Shape {
    /// Makes the topics where they do not exist and learns how many partitions they have.
    pub(crate) fn ensure(log: &dyn Log, options: &crate::Options) -> eventlog::Result<Self> {
        let wanted = |topic: &str| match topic {
            ALERTS | RISKS => options.alert_partitions,
            DEAD_LETTERS | BINDINGS => 1,
            _ => options.window_partitions,
        };
        let topics = RESULTS.into_iter().chain([BINDINGS]);
        let specs = topics.map(|name| TopicSpec { name: name.into(), partitions: wanted(name) });
        log.ensure_topics(&specs.collect::<Vec<_>>())?;
        let mut partitions = [0; RESULTS.len()];
        for (known, topic) in partitions.iter_mut().zip(RESULTS) {
            *known = log.partitions(topic)?;
        }
        Ok(Self { partitions, dead_letter_bytes: options.dead_letter_bytes })
    }

    fn of(&mut self, topic: &str) -> &mut u32 {
        let known = self.partitions.iter_mut().zip(RESULTS).find(|(_, result)| *result == topic);
        known.expect("a topic of results").0
    }

    /// Partitions of a topic of results.
    pub(crate) fn partitions(mut self, topic: &str) -> u32 {
        *self.of(topic)
    }

    /// As if `topic` had so many partitions.
    pub(crate) fn with(mut self, topic: &str, partitions: u32) -> Self {
        *self.of(topic) = partitions;
        self
    }
}

/// The records an epoch publishes, and what they come down to.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) digests: Vec<TopicDigest>,
}

/// Shapes `output` into records.
pub(crate) fn letters(output: &Output, shape: Shape) -> Letters {
    let mut letters = Letters::default();
    let partitions = |topic| shape.partitions(topic);
    letters.add(WINDOWS, window::drafts(&output.windows, partitions(WINDOWS)));
    letters.add(MEASUREMENTS, measurement::drafts(&output.measurements, partitions(MEASUREMENTS)));
    letters.add(SESSIONS_STARTED, session::started(&output.beginnings, partitions(SESSIONS_STARTED)));
    letters.add(SESSIONS_ENDED, session::ended(&output.ends, partitions(SESSIONS_ENDED)));
    letters.add(ALERTS, alert::drafts(&output.changes, partitions(ALERTS)));
    letters.add(RISKS, detected::drafts(&output.detected, partitions(RISKS)));
    letters.add(ANALYSES, analysis::drafts(&output.analyses, partitions(ANALYSES)));
    letters.add(COACHINGS, coachings(output, partitions(COACHINGS)));
    letters.add(NOTIFICATIONS, notification::drafts(&output.sent, partitions(NOTIFICATIONS)));
    letters.add(DEAD_LETTERS, dead_letter::drafts(&output.faults, shape));
    letters
}

/// The records of [`ALERTS`] for consolidated changes of alerts, whether or not they are published.
pub fn alerts(changes: &[(AlertChange, i64)], partitions: u32) -> Vec<Draft> {
    alert::drafts(changes, partitions)
}

/// Everything people are told by [`COACHINGS`]: of measurements, of days, of goals.
fn coachings(output: &Output, partitions: u32) -> Vec<Draft> {
    let mut drafts = coaching::drafts(&output.coachings, partitions);
    drafts.extend(daily::drafts(&output.summaries, partitions));
    drafts.extend(goal::drafts(&output.goals, partitions));
    drafts
}

impl Letters {
    fn add(&mut self, topic: &str, drafts: Vec<Draft>) {
        if drafts.is_empty() {
            return;
        }
        let mut hasher = blake3::Hasher::new();
        let mut runs = BTreeMap::<u32, (u64, blake3::Hasher)>::new();
        for draft in &drafts {
            let one = Borrowed::from(draft);
            one.update(&mut hasher);
            let (records, run) = runs.entry(draft.partition).or_default();
            *records += 1;
            one.update(run);
        }
        let run = |(partition, (records, hasher)): (u32, (u64, blake3::Hasher))| Run {
            partition,
            records,
            check: hasher.finalize().into(),
        };
        let (records, digest) = (drafts.len() as u64, hasher.finalize().into());
        let runs = runs.into_iter().map(run).collect();
        self.digests.push(TopicDigest { topic: topic.to_owned(), records, digest, runs });
        self.drafts.extend(drafts);
    }

    /// The first topic of which `recorded` says something else.
    pub(crate) fn differ(&self, recorded: &[TopicDigest]) -> Option<String> {
        let matched = |one: &TopicDigest, of: &[TopicDigest]| of.iter().any(|other| other.is_same(one));
        let mut differing = self.digests.iter().filter(|one| !matched(one, recorded));
        let mut missing = recorded.iter().filter(|one| !matched(one, &self.digests));
        differing.next().or_else(|| missing.next()).map(|one| one.topic.clone())
    }
}

/// What a digest covers of a record, to be written or read back.
///
/// It leaves the partition out, which follows from the key: topics may grow.
pub(crate) struct Borrowed<'a> {
    timestamp_ms: i64,
    key: Option<&'a [u8]>,
    value: &'a [u8],
    headers: &'a [eventlog::Header],
}

impl<'a> From<&'a Draft> for Borrowed<'a> {
    fn from(Draft { timestamp_ms, key, value, headers, .. }: &'a Draft) -> Self {
        Self { timestamp_ms: *timestamp_ms, key: key.as_deref(), value, headers }
    }
}

impl<'a> From<&'a Record> for Borrowed<'a> {
    fn from(Record { timestamp_ms, key, value, headers, .. }: &'a Record) -> Self {
        Self { timestamp_ms: *timestamp_ms, key: key.as_deref(), value, headers }
    }
}

impl Borrowed<'_> {
    pub(crate) fn update(&self, hasher: &mut blake3::Hasher) {
        hasher.update(&self.timestamp_ms.to_le_bytes());
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(if self.key.is_some() { b"key" } else { b"" });
        part(self.key.unwrap_or_default());
        part(self.value);
        for (name, value) in self.headers {
            part(name.as_bytes());
            part(value);
        }
    }
}

/// The record that commits an epoch.
pub(crate) fn binding(binding: &crate::Binding) -> Draft {
    Draft {
        topic: BINDINGS.into(),
        partition: 0,
        timestamp_ms: milliseconds(binding.now_us),
        key: None,
        value: binding.encode(),
        headers: vec![header("content-type", "application/json")],
    }
}

/// Kafka refuses times before 1970, and takes 0 for none; a device clock may stand there.
fn milliseconds(at: Micros) -> i64 {
    at.div_euclid(1_000).max(1)
}

fn header(name: &str, value: impl Into<Vec<u8>>) -> eventlog::Header {
    (Arc::from(name), value.into())
}

#[cfg(test)]
mod tests;
