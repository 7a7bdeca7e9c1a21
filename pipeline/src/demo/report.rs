//! Adds up what the demo proved: nothing lost, nothing twice, and how near the results came to what monitors showed and
//! people marked (see `accuracy`).
//!
//! Results are read from the tables through the door's own SQL.

use super::{
    accuracy::{self, Beats, Rates, Row, Variability},
    audit::Audit,
};
use crate::{Error, config::Config, engine::Shared};
use api::Format;
use sources::replay::Recordings;
use std::{sync::Arc, time::Duration};

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
    resp_mae: Option<f64>,
    resp_gated_mae: Option<f64>,
    resp_coverage: Option<f64>,
    ecg_se: Option<f64>,
    ecg_ppv: Option<f64>,
    hrv: Option<Variability>,
    hrv_found: Option<Variability>,
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
    let heart = Rates::heart(&rows(accuracy::PULSE)?, recordings);
    let breathing = Rates::breathing(&rows(accuracy::BREATHING)?, recordings);
    let beats = Beats::of(&rows(accuracy::BEATS)?, recordings);
    let (hrv, session) = Variability::annotated(recordings).unzip();
    let rhythms = rows(accuracy::RHYTHMS)?;
    let counts = shared.account.counts();
    let tally = counts.tally;
    Ok(Report {
        packets_in: tally.packets,
        windows: count("windows")?,
        alerts: count("alerts")?,
        dead_letters: count("dead_letters")?,
        lost: tally.lost,
        duplicate: tally.duplicates + i64::try_from(audit.repeated).unwrap_or(i64::MAX),
        hr_mae_bpm: heart.all.get(),
        hr_gated_mae_bpm: heart.gated.get(),
        hr_coverage: heart.coverage(),
        resp_mae: breathing.all.get(),
        resp_gated_mae: breathing.gated.get(),
        resp_coverage: breathing.coverage(),
        ecg_se: beats.sensitivity(),
        ecg_ppv: beats.predictive(),
        hrv,
        hrv_found: session.and_then(|session| Variability::found(&rhythms, &session)),
        epochs: counts.epochs,
        seconds: took.as_secs_f64(),
        rss_mb: api::resident().map_or(0.0, |resident| resident.peak_bytes as f64 / 1e6),
        p99_ms: shared.account.p99().as_secs_f64() * 1e3,
        recordings: recordings.len(),
        results: audit.results,
        as_of_epoch: snapshot.as_of_epoch,
    })
}

impl Report {
    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("a report is numbers")
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let error = |value: Option<f64>, unit: &str| {
            value.map_or("nothing to compare with".into(), |value| format!("{value:.2} {unit}"))
        };
        let percent = |share: Option<f64>| format!("{:.0} %", share.unwrap_or(0.0) * 100.0);
        format!(
            "{} packets of {} recordings in {:.1} s: {} windows, {} alerts, {} dead letters; lost {}, duplicate {}\n\
             heart rate against the monitor: mean absolute error {} over all windows; {} behind the quality gate, which keeps {}\n\
             respiratory rate against marked breaths: mean absolute error {}; {} behind the quality gate, which keeps {}\n\
             beats of the electrocardiogram against marked beats: {} found, {} of those found are marked\n\
             {} epochs committed; 99 % of the records visible within {:.0} ms; peak memory {:.0} MB",
            self.packets_in,
            self.recordings,
            self.seconds,
            self.windows,
            self.alerts,
            self.dead_letters,
            self.lost,
            self.duplicate,
            error(self.hr_mae_bpm, "bpm"),
            error(self.hr_gated_mae_bpm, "bpm"),
            percent(self.hr_coverage),
            error(self.resp_mae, "breaths/min"),
            error(self.resp_gated_mae, "breaths/min"),
            percent(self.resp_coverage),
            error(self.ecg_se, "%"),
            error(self.ecg_ppv, "%"),
            self.epochs,
            self.p99_ms,
            self.rss_mb,
        )
    }
}
