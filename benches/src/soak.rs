//! Ten minutes of load: whether memory stays where it is while people and sessions come and go.
//!
//! The program's own loop runs over the embedded log with everything on. First it is fed as fast as it takes; then, for
//! as long as was asked, at a share of that. Keys live for a minute of event time at most, snapshots are taken every ten
//! seconds, the lake is written and compacted, and the log forgets what is older than the oldest snapshot.
//!
//! # Invariants
//! - A slope counts only if the work was done: every record was committed, no packet was lost, refused or seen twice, the
//!   program kept up, and keys were forgotten.
//! - What is left at the end can be started from: a start comes to the same counts.

pub(crate) mod crowd;
pub(crate) mod feeder;
mod retention;

use crate::stand::{self, Stand};
use anyhow::{Result, anyhow, ensure};
use api::State;
use eventlog::embedded::Embedded;
use feeder::Feeder;
use pipeline::{config::Config, engine};
use serde_json::{Value, json};
use sinks::snapshot;
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// Between two looks at the memory, and between two clean-ups of the log.
const SAMPLE: Duration = Duration::from_secs(1);
const CLEAN_UP: Duration = Duration::from_secs(10);
/// Measuring what the program takes: the first part warms up and is not counted.
const CAPACITY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(15));
/// How long the last records may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the soak can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Minutes under load; the first third warms up
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Records per second, instead of a share of what the program takes
    #[arg(long)]
    rate: Option<f64>,
    /// Share of what the program takes
    #[arg(long, default_value_t = 0.8)]
    share: f64,
    /// Sessions at a time
    #[arg(long, default_value_t = 256)]
    devices: u32,
    /// Directory for log, lake and snapshots, emptied afterwards (default: the system's temporary directory)
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Everything is forgotten soon, so that minutes show what days would.
const VALUES: [(&str, &str); 13] = [
    ("epoch.horizon_s", "60"),
    ("pulse.sequence.silence_s", "10"),
    ("pulse.sequence.forget_s", "60"),
    ("risk.news2.max_age_minutes", "1"),
    ("risk.news2.watch.raise_after_seconds", "3"),
    ("risk.news2.watch.clear_after_seconds", "4"),
    ("risk.pulse.clear_after_seconds", "4"),
    ("risk.rules.max_age_minutes", "1"),
    ("snapshot.interval_ms", "10000"),
    ("commit.lake.flush_interval_ms", "5000"),
    ("commit.lake.garbage_age_s", "30"),
    ("commit.lake.compact_bytes", "4194304"),
    ("log.embedded.segment_bytes", "67108864"),
];

/// Runs the soak and returns its metrics.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let dir = stand::temporary(args.dir.as_deref())?;
    let config = stand::config(dir.path(), &VALUES)?;
    let log: eventlog::Shared = Arc::new(Embedded::open(&config.log.embedded)?);
    log.ensure_topics(&engine::inputs(config.log.partitions))?;
    let (shared, engine) = stand::program(&config, log)?;
    let feeder = Feeder::start(&config, &shared, args.devices)?;
    let watched = watch(args, &config, &shared, &feeder);
    let fed = feeder.join();
    // Whatever went wrong: the threads end before their directory does.
    let committed = watched.is_ok() && fed.as_ref().is_ok_and(|fed| all_committed(&shared, fed.records));
    shared.stop.store(true, Ordering::Relaxed);
    engine.join().map_err(|_| anyhow!("the epoch loop panicked"))??;
    let (watched, fed) = (watched?, fed?);
    let counts = shared.account.counts();
    ensure!(committed, "{} of {} records were committed", counts.records, fed.records);
    let tally = counts.tally;
    ensure!(tally.packets as u64 == fed.packets, "{} of {} packets came", tally.packets, fed.packets);
    ensure!(
        (tally.lost, tally.duplicates, tally.too_late, counts.dead_letters) == (0, 0, 0, 0),
        "good packets were lost, refused or taken twice: {counts:?}"
    );
    ensure!(counts.vitals as u64 == fed.vitals, "{} of {} observations stand", counts.vitals, fed.vitals);
    ensure!(counts.windows > 0 && counts.alerts > 0, "nothing came of it, let it run longer: {counts:?}");
    let p99_ms = shared.account.p99().as_secs_f64() * 1e3;
    drop(shared);
    let entries = again(&config, &counts)?;
    // Every observation has an entry, until it is forgotten.
    let forgets = args.minutes < 2.0 || entries < fed.vitals / 2;
    ensure!(forgets, "{entries} entries are remembered of {} observations: nothing is forgotten", fed.vitals);
    let Watched { capacity, rate, rss, behind } = watched;
    let Line { slope, error, mean } = line(&rss);
    Ok(json!({
        "rss_slope_pct_per_10min": slope,
        "rss_slope_standard_error": error,
        "rss_mb": mean / 1e6,
        "records": counts.records,
        "records_per_s": rate,
        "capacity_records_per_s": capacity,
        "records_behind_at_most": behind,
        "sessions": fed.sessions,
        "alerts": counts.alerts,
        "windows": counts.windows,
        "epochs": counts.epochs,
        "p99_ms": p99_ms,
        "state_entries": entries,
        "lake_and_log_mb": stand::bytes(&config.data_dir)? as f64 / 1e6,
    }))
}

/// What was seen from outside.
struct Watched {
    capacity: Option<f64>,
    /// Records committed per second under load.
    rate: f64,
    /// Seconds and bytes, after the warm-up.
    rss: Vec<(f64, f64)>,
    /// Records written and not committed, at most after the warm-up.
    behind: u64,
}

/// Feeds, looks at the memory, and keeps the log short.
fn watch(args: &Args, config: &Config, shared: &engine::Shared, feeder: &Feeder) -> Result<Watched> {
    let committed = || shared.account.counts().records;
    let measured = if args.rate.is_none() { Some(capacity(config, shared, feeder)?) } else { None };
    let rate = args.rate.or(measured.map(|measured| measured * args.share)).unwrap_or_default();
    feeder.pace(rate);
    let length = Duration::from_secs_f64(args.minutes * 60.0);
    let (begun, from) = (Instant::now(), committed());
    let (mut rss, mut behind, mut cleaned) = (Vec::new(), 0, Instant::now());
    while begun.elapsed() < length {
        std::thread::sleep(SAMPLE);
        alive(shared, feeder)?;
        if cleaned.elapsed() >= CLEAN_UP {
            retention::clean_up(config, shared)?;
            cleaned = Instant::now();
        }
        if begun.elapsed() >= length / 3 {
            let resident =
                api::resident().ok_or_else(|| anyhow!("this system does not tell a process's memory"))?;
            rss.push((begun.elapsed().as_secs_f64(), resident.now_bytes as f64));
            behind = behind.max(feeder.written().saturating_sub(committed()));
        }
    }
    let reached = (committed() - from) as f64 / begun.elapsed().as_secs_f64();
    // The program kept up if it did what was asked; a second's work may be under way.
    ensure!(
        reached > 0.97 * rate - rate / length.as_secs_f64(),
        "{reached:.0}/s of {rate:.0}/s were committed"
    );
    Ok(Watched { capacity: measured, rate: reached, rss, behind })
}

/// Records per second if there is always more to take, with whoever writes them beside it.
fn capacity(config: &Config, shared: &engine::Shared, feeder: &Feeder) -> Result<f64> {
    let wait = |length: Duration| -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < length {
            std::thread::sleep(SAMPLE.min(length.saturating_sub(begun.elapsed())));
            alive(shared, feeder)?;
        }
        Ok(())
    };
    wait(CAPACITY.0)?;
    let (begun, from) = (Instant::now(), shared.account.counts().records);
    wait(CAPACITY.1)?;
    let records = shared.account.counts().records - from;
    let capacity = records as f64 / begun.elapsed().as_secs_f64();
    retention::clean_up(config, shared)?;
    ensure!(records > 0, "nothing was committed");
    Ok(capacity)
}

fn alive(shared: &engine::Shared, feeder: &Feeder) -> Result<()> {
    let state = shared.readiness.get();
    let (name, detail) = (state.name(), state.detail().unwrap_or_default());
    ensure!(!matches!(state, State::Failed { .. } | State::Stale { .. }), "the program is {name}: {detail}");
    ensure!(!feeder.is_finished(), "the load ended early");
    Ok(())
}

/// Waits until `records` are committed; false if that takes too long.
fn all_committed(shared: &engine::Shared, records: u64) -> bool {
    let begun = Instant::now();
    while shared.account.counts().records < records && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(10));
    }
    shared.account.counts().records == records
}

/// Starts over what is left; gives the entries of the newest snapshot.
fn again(config: &Config, counts: &pipeline::account::Counts) -> Result<u64> {
    let ground = stand::ground(config)?;
    let (stand, _committer) = Stand::start(config, &ground)?;
    let found = stand.account.counts();
    let same = |a: &pipeline::account::Counts| (a.records, a.tally, a.windows, a.alerts, a.vitals);
    ensure!(same(&found) == same(counts), "a start comes to {found:?}, not {counts:?}");
    let stored = snapshot::newest(&ground.means.disk, &config.snapshot.dir, |_| true)?.stored;
    stored.map(|stored| stored.entries).ok_or_else(|| anyhow!("no snapshot is left"))
}

/// A line through samples.
struct Line {
    /// Growth in percent of the mean per ten minutes.
    slope: f64,
    /// Its standard error.
    error: f64,
    /// The mean.
    mean: f64,
}

/// Least squares. Memory rises and falls with snapshots and flushes, so a sample is much like the one before: the error
/// counts that (long-run variance with Bartlett's weights over a tenth of the samples; Newey and West, Econometrica 55,
/// 1987).
fn line(samples: &[(f64, f64)]) -> Line {
    let count = samples.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (at, bytes) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let both: f64 = samples.iter().map(|(x, y)| (x - at) * (y - bytes)).sum();
    let square: f64 = samples.iter().map(|(x, _)| (x - at).powi(2)).sum();
    let slope = both / square;
    let left: Vec<f64> = samples.iter().map(|(x, y)| y - bytes - slope * (x - at)).collect();
    let lags = samples.len() / 10;
    let alike = |lag: usize| left.iter().zip(&left[lag..]).map(|(a, b)| a * b).sum::<f64>() / count;
    let weight = |lag: usize| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64);
    let variance = alike(0) + (1..=lags).map(|lag| weight(lag) * alike(lag)).sum::<f64>();
    let percent = 600.0 / bytes * 100.0;
    Line { slope: slope * percent, error: (variance.max(0.0) / square).sqrt() * percent, mean: bytes }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_process_that_doubles_in_ten_minutes_is_told_from_one_that_stays() {
        let samples = |grows: f64| {
            let at = |second: u32| (f64::from(second), 1e8 + grows * f64::from(second) / 600.0);
            (0..600).map(at).collect::<Vec<_>>()
        };
        let flat = line(&samples(0.0));
        assert!(flat.slope.abs() < 1e-9 && flat.error < 1e-9);
        let grows = line(&samples(1e8));
        assert!((grows.slope - 1e10 / grows.mean).abs() < 0.1, "{} % of {}", grows.slope, grows.mean);
    }

    #[test]
    fn what_rises_and_falls_slowly_is_less_certain_than_what_does_so_at_random() {
        let of = |period: u32| {
            let at = |second: u32| {
                let up = (second / period).is_multiple_of(2);
                (f64::from(second), 1e8 + if up { 1e7 } else { -1e7 })
            };
            line(&(0..400).map(at).collect::<Vec<_>>()).error
        };
        assert!(of(20) > 2.0 * of(1), "{} {}", of(20), of(1));
    }
}
