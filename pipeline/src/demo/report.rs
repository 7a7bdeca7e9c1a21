//! Adds up what the demo proved: nothing lost, nothing twice, and how near the heart rate came to the
//! monitor's.
//!
//! The truth of a window is the mean of the monitor's heart rate (numerics, 1 Hz, missing values left
//! out) over the window's seconds. Results are read from the tables through the door's own SQL.

use super::audit::Audit;
use crate::{Error, config::Config, engine::Shared};
use api::Format;
use model::time::SECOND;
use sources::replay::Recordings;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A row as JSON; a column that is null is absent.
type Row = serde_json::Value;

/// The result of a demo.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Report {
    packets_in: i64,
    windows: u64,
    alerts: u64,
    dead_letters: u64,
    lost: i64,
    duplicate: i64,
    hr_mae_bpm: Option<f64>,
    hr_gated_mae_bpm: Option<f64>,
    hr_coverage: Option<f64>,
    epochs: u64,
    seconds: f64,
    rss_mb: f64,
    p99_ms: f64,
    recordings: usize,
    results: u64,
    as_of_epoch: Option<u64>,
}

/// Compiles the report from the committed tables.
pub(super) fn compile(
    config: &Config,
    shared: &Shared,
    recordings: &Recordings,
    audit: &Audit,
    took: Duration,
) -> Result<Report, Error> {
    let snapshot = shared.shelf.take();
    let rows = |sql: &str| -> Result<Vec<Row>, Error> {
        let answer = api::query_snapshot(&config.door.limits, Arc::clone(&snapshot), sql)?;
        let lines = api::render(&answer.columns, &answer.batches, Format::Json)?;
        Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    };
    let count = |table: &str| -> Result<u64, Error> {
        let rows = rows(&format!("SELECT count(*) AS n FROM {table}"))?;
        Ok(rows.first().and_then(|row| row["n"].as_u64()).unwrap_or(0))
    };
    // In one order, so that the sums of two runs are equal to the last bit.
    let windows = rows(
        "SELECT session_id, to_unixtime(window_start) AS start, to_unixtime(window_end) AS stop, hr_bpm, good \
         FROM windows ORDER BY session_id, window_start",
    )?;
    let accuracy = Accuracy::of(&windows, recordings);
    let counts = shared.account.counts();
    let tally = counts.tally;
    Ok(Report {
        packets_in: tally.packets,
        windows: count("windows")?,
        alerts: count("alerts")?,
        dead_letters: count("dead_letters")?,
        lost: tally.lost,
        duplicate: tally.duplicates + i64::try_from(audit.repeated).unwrap_or(i64::MAX),
        hr_mae_bpm: accuracy.all.get(),
        hr_gated_mae_bpm: accuracy.gated.get(),
        hr_coverage: (accuracy.all.count > 0)
            .then(|| accuracy.gated.count as f64 / accuracy.all.count as f64),
        epochs: counts.epochs,
        seconds: took.as_secs_f64(),
        rss_mb: api::resident().map_or(0.0, |resident| resident.peak_bytes as f64 / 1e6),
        p99_ms: shared.account.p99().as_secs_f64() * 1e3,
        recordings: recordings.len(),
        results: audit.results,
        as_of_epoch: snapshot.as_of_epoch,
    })
}

/// Errors of the heart rate against the monitor.
#[derive(Debug, Default, PartialEq)]
struct Accuracy {
    all: Mean,
    gated: Mean,
}

#[derive(Debug, Default, PartialEq)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Accuracy {
    fn of(windows: &[Row], recordings: &Recordings) -> Self {
        let truth: BTreeMap<String, Vec<(i64, f64)>> = recordings
            .monitor_heart_rate()
            .into_iter()
            .map(|(session, seconds)| (session.to_string(), seconds))
            .collect();
        let mut accuracy = Self::default();
        for window in windows {
            let Some(seconds) = window["session_id"].as_str().and_then(|session| truth.get(session)) else {
                continue;
            };
            let (Some(start), Some(stop)) = (window["start"].as_i64(), window["stop"].as_i64()) else {
                continue;
            };
            let mut monitor = Mean::default();
            for (at, rate) in seconds {
                if (start * SECOND..stop * SECOND).contains(at) {
                    monitor.add(*rate);
                }
            }
            let (Some(monitor), Some(rate)) = (monitor.get(), window["hr_bpm"].as_f64()) else { continue };
            let error = (rate - monitor).abs();
            accuracy.all.add(error);
            if window["good"].as_bool() == Some(true) {
                accuracy.gated.add(error);
            }
        }
        accuracy
    }
}

impl Report {
    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("a report is numbers")
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let rate = |value: Option<f64>| {
            value.map_or("no monitor to compare with".into(), |value| format!("{value:.2} bpm"))
        };
        format!(
            "{} packets of {} recordings in {:.1} s: {} windows, {} alerts, {} dead letters; lost {}, duplicate {}\n\
             heart rate against the monitor: mean absolute error {} over all windows; {} behind the quality gate, which keeps {:.0} %\n\
             {} epochs committed; 99 % of the records visible within {:.0} ms; peak memory {:.0} MB",
            self.packets_in,
            self.recordings,
            self.seconds,
            self.windows,
            self.alerts,
            self.dead_letters,
            self.lost,
            self.duplicate,
            rate(self.hr_mae_bpm),
            rate(self.hr_gated_mae_bpm),
            self.hr_coverage.unwrap_or(0.0) * 100.0,
            self.epochs,
            self.p99_ms,
            self.rss_mb,
        )
    }
}
