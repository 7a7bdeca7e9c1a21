//! What operators watch: counts, times and lags of the pipeline and of the door, as `OpenMetrics`.
//!
//! Names start with `manpasik_`, are in base units, and end as Prometheus asks (`_total`,
//! `_seconds`, `_bytes`). Labels are topics, partitions and outcomes: never a person or a device.

use crate::error::Error;
use model::{Epoch, view::Progress};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::atomic::AtomicU64, time::Duration};

type Partition = [(&'static str, String); 2];
type Outcome = [(&'static str, &'static str); 1];
type Seconds = Gauge<f64, AtomicU64>;

/// Everything counted so far; since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Packets read from the log.
    pub packets_in: u64,
    /// Packets whose samples went into windows.
    pub packets_out: u64,
    /// Packets that had been seen before.
    pub duplicates: u64,
    /// Packets that a gap in the sequence says existed and that never came.
    pub lost: u64,
    /// Records that could not be used.
    pub dead_letters: u64,
    /// Windows, each revision counted.
    pub windows: u64,
    /// Changes of alerts.
    pub alerts: u64,
    /// Epochs committed.
    pub epochs: u64,
}

/// The meters; the pipeline turns them, `/metrics` reads them.
pub struct Metrics {
    registry: Registry,
    packets_in: Counter,
    packets_out: Counter,
    duplicates: Counter,
    lost: Counter,
    dead_letters: Counter,
    windows: Counter,
    alerts: Counter,
    epochs: Counter,
    epoch: Gauge,
    commit: Histogram,
    latency: Histogram,
    /// The parts of it, in their order: waiting, computing, committing.
    parts: [Histogram; 3],
    lake_lagging: Gauge,
    snapshot: Gauge,
    snapshot_bytes: Gauge,
    snapshot_took: Histogram,
    snapshots_failed: Counter,
    clock_astray: Gauge,
    audit_findings: Gauge,
    lag: Family<Partition, Gauge>,
    watermark: Family<Partition, Seconds>,
    resident: Gauge,
    questions: Family<Outcome, Counter>,
    first_row: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        // 1 ms to 16 s doubling: below lies noise, above lies an alarm.
        let times = || Histogram::new(exponential_buckets(0.001, 2.0, 15));
        let mut new = Self {
            registry: Registry::with_prefix("manpasik"),
            packets_in: Counter::default(),
            packets_out: Counter::default(),
            duplicates: Counter::default(),
            lost: Counter::default(),
            dead_letters: Counter::default(),
            windows: Counter::default(),
            alerts: Counter::default(),
            epochs: Counter::default(),
            epoch: Gauge::default(),
            commit: times(),
            latency: times(),
            parts: [times(), times(), times()],
            lake_lagging: Gauge::default(),
            snapshot: Gauge::default(),
            snapshot_bytes: Gauge::default(),
            snapshot_took: times(),
            snapshots_failed: Counter::default(),
            clock_astray: Gauge::default(),
            audit_findings: Gauge::default(),
            lag: Family::default(),
            watermark: Family::default(),
            resident: Gauge::default(),
            questions: Family::default(),
            first_row: times(),
        };
        new.register_counts();
        new.register_rest();
        new
    }

    fn register_counts(&mut self) {
        let registry = &mut self.registry;
        for (name, help, counter) in [
            ("packets_in", "Packets read from the log", &self.packets_in),
            ("packets_out", "Packets whose samples went into windows", &self.packets_out),
            ("packets_duplicate", "Packets that had been seen before", &self.duplicates),
            ("packets_lost", "Packets that a sequence gap says existed and that never came", &self.lost),
            ("dead_letters", "Records that could not be used", &self.dead_letters),
            ("windows", "Windows, each revision counted", &self.windows),
            ("alerts", "Changes of alerts", &self.alerts),
            ("epochs", "Epochs committed", &self.epochs),
            ("snapshots_failed", "Snapshots not taken or passed over", &self.snapshots_failed),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    fn register_rest(&mut self) {
        let registry = &mut self.registry;
        registry.register("epoch", "Newest committed epoch", self.epoch.clone());
        let help = "From binding an epoch to its commit";
        registry.register_with_unit("commit", help, Unit::Seconds, self.commit.clone());
        let help = "From a record's arrival in the log to the commit of what it caused";
        registry.register_with_unit("event_to_commit", help, Unit::Seconds, self.latency.clone());
        for (part, (name, help)) in self.parts.iter().zip([
            ("latency_wait", "Of that, until the record's epoch was cut and given to the workers"),
            ("latency_compute", "Of that, until the workers had computed the epoch"),
            ("latency_commit", "Of that, until it was committed, waiting for the epochs before it included"),
        ]) {
            registry.register_with_unit(name, help, Unit::Seconds, part.clone());
        }
        registry.register("lake_lagging", "1 while the lake is behind the log", self.lake_lagging.clone());
        registry.register("snapshot_epoch", "Epoch of the newest snapshot", self.snapshot.clone());
        let help = "Size of the newest snapshot";
        registry.register_with_unit("snapshot", help, Unit::Bytes, self.snapshot_bytes.clone());
        let help = "From the beginning of a snapshot to its end";
        registry.register_with_unit("snapshot", help, Unit::Seconds, self.snapshot_took.clone());
        let help = "1 while the wall clock is not followed because it jumped";
        registry.register("clock_astray", help, self.clock_astray.clone());
        let help = "Partitions of result topics that are not as they were committed";
        registry.register("audit_findings", help, self.audit_findings.clone());
        registry.register("lag_records", "Records of a partition not processed yet", self.lag.clone());
        let help = "Highest event time seen in a partition, seconds since 1970";
        registry.register_with_unit("watermark", help, Unit::Seconds, self.watermark.clone());
        let help = "Memory of the process that is in RAM";
        registry.register_with_unit("process_resident_memory", help, Unit::Bytes, self.resident.clone());
        registry.register("questions", "SQL statements by outcome", self.questions.clone());
        let help = "From a statement's arrival to its first row";
        registry.register_with_unit("question_first_row", help, Unit::Seconds, self.first_row.clone());
    }

    /// Packets read from the log.
    pub fn packets_in(&self, count: u64) {
        self.packets_in.inc_by(count);
    }

    /// Packets whose samples went into windows.
    pub fn packets_out(&self, count: u64) {
        self.packets_out.inc_by(count);
    }

    /// Packets that had been seen before.
    pub fn duplicates(&self, count: u64) {
        self.duplicates.inc_by(count);
    }

    /// Packets that a gap in the sequence says existed and that never came.
    pub fn lost(&self, count: u64) {
        self.lost.inc_by(count);
    }

    /// Records that could not be used.
    pub fn dead_letters(&self, count: u64) {
        self.dead_letters.inc_by(count);
    }

    /// Windows, each revision counted.
    pub fn windows(&self, count: u64) {
        self.windows.inc_by(count);
    }

    /// Changes of alerts.
    pub fn alerts(&self, count: u64) {
        self.alerts.inc_by(count);
    }

    /// An epoch was committed; `took` from binding its input to the commit.
    pub fn committed(&self, epoch: Epoch, took: Duration) {
        self.epochs.inc();
        self.epoch.set(epoch as i64);
        self.commit.observe(took.as_secs_f64());
    }

    /// A record's way from its arrival in the log to the commit of what it caused: how long it waited, was computed, was
    /// committed.
    pub fn event_to_commit(&self, parts: [Duration; 3]) {
        self.latency.observe(parts.iter().sum::<Duration>().as_secs_f64());
        for (histogram, part) in self.parts.iter().zip(parts) {
            histogram.observe(part.as_secs_f64());
        }
    }

    /// Whether the lake is behind the log.
    pub fn lake_lagging(&self, lagging: bool) {
        self.lake_lagging.set(i64::from(lagging));
    }

    /// A snapshot of the state after `epoch` was taken; it `took` so long and has `bytes`.
    pub fn snapshot(&self, epoch: Epoch, bytes: u64, took: Duration) {
        self.snapshot_held(Some(epoch));
        self.snapshot_bytes.set(bytes as i64);
        self.snapshot_took.observe(took.as_secs_f64());
    }

    /// The newest snapshot found at the start.
    pub fn snapshot_held(&self, epoch: Option<Epoch>) {
        self.snapshot.set(epoch.map_or(-1, |epoch| epoch as i64));
    }

    /// A snapshot was not taken, or cannot be used.
    pub fn snapshot_failed(&self) {
        self.snapshots_failed.inc();
    }

    /// How many partitions of result topics are not as they were committed.
    pub fn audit_findings(&self, findings: u64) {
        self.audit_findings.set(i64::try_from(findings).unwrap_or(i64::MAX));
    }

    /// Whether the wall clock jumped and is not followed.
    pub fn clock_astray(&self, astray: bool) {
        self.clock_astray.set(i64::from(astray));
    }

    /// How far each input partition is; may be told more often than epochs are committed.
    pub fn progress(&self, partitions: &[Progress]) {
        for partition in partitions {
            let labels = [("topic", partition.topic.clone()), ("partition", partition.partition.to_string())];
            let lag = partition.end_offset.saturating_sub(partition.next_offset);
            self.lag.get_or_create(&labels).set(lag as i64);
            if let Some(micros) = partition.watermark {
                self.watermark.get_or_create(&labels).set(micros as f64 / model::time::SECOND as f64);
            }
        }
    }

    /// Everything counted so far.
    pub fn counts(&self) -> Counts {
        Counts {
            packets_in: self.packets_in.get(),
            packets_out: self.packets_out.get(),
            duplicates: self.duplicates.get(),
            lost: self.lost.get(),
            dead_letters: self.dead_letters.get(),
            windows: self.windows.get(),
            alerts: self.alerts.get(),
            epochs: self.epochs.get(),
        }
    }

    /// A statement got its first row, or not.
    pub(crate) fn question<T>(&self, outcome: &Result<T, Error>, took: Duration) {
        let word = match outcome {
            Ok(_) => "answered",
            Err(Error::Refused { .. } | Error::Statement { .. }) => "refused",
            Err(Error::Limit { .. } | Error::Deadline { .. }) => "limited",
            Err(Error::Busy { .. }) => "busy",
            Err(_) => "failed",
        };
        self.questions.get_or_create(&[("outcome", word)]).inc();
        self.first_row.observe(took.as_secs_f64());
    }

    /// All meters in the `OpenMetrics` text format.
    pub fn text(&self) -> String {
        if let Some(memory) = resident() {
            self.resident.set(memory.now_bytes as i64);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// Memory of this process that is in RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Now, in bytes.
    pub now_bytes: u64,
    /// The most it ever was, in bytes.
    pub peak_bytes: u64,
}

/// Memory of this process that is in RAM; `None` where the system does not tell it.
pub fn resident() -> Option<Resident> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some(Resident { now_bytes: kibibytes("VmRSS:")? << 10, peak_bytes: kibibytes("VmHWM:")? << 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_holds_what_was_told() {
        let metrics = Metrics::new();
        metrics.packets_in(7);
        metrics.committed(3, Duration::from_millis(5));
        metrics.progress(&[Progress {
            topic: "packets".into(),
            partition: 1,
            next_offset: 40,
            end_offset: 42,
            watermark: Some(1_500_000),
        }]);
        metrics.question::<()>(&Err(Error::Busy { retry: Duration::ZERO }), Duration::ZERO);
        let text = metrics.text();
        for line in [
            "manpasik_packets_in_total 7",
            "manpasik_epoch 3",
            "manpasik_commit_seconds_count 1",
            "manpasik_lag_records{topic=\"packets\",partition=\"1\"} 2",
            "manpasik_watermark_seconds{topic=\"packets\",partition=\"1\"} 1.5",
            "manpasik_questions_total{outcome=\"busy\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert_eq!(metrics.counts().packets_in, 7);
        assert!(
            resident().is_none_or(|memory| memory.peak_bytes >= memory.now_bytes && memory.now_bytes > 0)
        );
    }
}
