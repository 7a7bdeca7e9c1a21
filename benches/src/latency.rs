//! How long it takes until what came of a packet stands on the topics and in the tables, at a paced rate.
//!
//! The program's own loop runs over the embedded log with everything on, as configured by default. A crowd of devices
//! writes so many records a second; after a warm-up every batch they write is followed from its commit to that of the
//! epoch that read it, when topics and tables show what came of it. Where that time went is what the program measures
//! itself (`manpasik_latency_wait_seconds` and its neighbours).
//!
//! # Invariants
//! - A latency counts only if the work was done: the rate was kept, nothing was lost, refused or seen twice, and alerts
//!   rose.

use crate::{
    soak::feeder::Feeder,
    stand::{self, Running},
};
use anyhow::{Result, anyhow, ensure};
use eventlog::embedded::Embedded;
use pipeline::{account::Way, engine};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// Not counted.
const WARM_UP: Duration = Duration::from_secs(5);
/// Between two looks at what is committed.
const GLANCE: Duration = Duration::from_micros(500);
/// How long the last records may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the benchmark can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Records per second; nearly all are packets
    #[arg(long, default_value_t = 50_000.0)]
    rate: f64,
    /// Seconds that count
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Sessions at a time
    #[arg(long, default_value_t = 256)]
    devices: u32,
    /// An epoch is cut at least so often, milliseconds (default: as configured)
    #[arg(long)]
    tick_ms: Option<u64>,
    /// Directory for log, lake and snapshots, emptied afterwards (default: the system's temporary directory)
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// What was seen.
struct Seen {
    /// From a batch's commit to that of what came of it.
    latencies: Vec<Duration>,
    packets_per_s: f64,
    parts: Way,
}

/// Runs it and returns its metrics.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let dir = stand::temporary(args.dir.as_deref())?;
    // Alerts rise within the sessions of the crowd, which are short.
    let tick = args.tick_ms.map(|tick| tick.to_string());
    let mut values = vec![("risk.news2.watch.raise_after_seconds", "3")];
    values.extend(tick.as_deref().map(|tick| ("epoch.tick_ms", tick)));
    let config = stand::config(dir.path(), &values)?;
    let log: eventlog::Shared = Arc::new(Embedded::open(&config.log.embedded)?);
    log.ensure_topics(&engine::inputs(config.log.partitions))?;
    let (shared, engine) = stand::program(&config, log)?;
    let feeder = Feeder::start(&config, &shared, args.devices)?;
    feeder.pace(args.rate);
    let seen = watch(args, &shared, &feeder, &engine);
    let fed = feeder.join();
    let begun = Instant::now();
    let records = fed.as_ref().map_or(0, |fed| fed.records);
    while seen.is_ok() && shared.account.counts().records < records && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(10));
    }
    shared.stop.store(true, Ordering::Relaxed);
    engine.join().map_err(|_| anyhow!("the epoch loop panicked"))??;
    let (Seen { mut latencies, packets_per_s, parts }, fed) = (seen?, fed?);
    let counts = shared.account.counts();
    let tally = counts.tally;
    ensure!(counts.records == fed.records, "{} of {} records were committed", counts.records, fed.records);
    ensure!(
        (tally.lost, tally.duplicates, tally.too_late, counts.dead_letters) == (0, 0, 0, 0),
        "good packets were lost, refused or taken twice: {counts:?}"
    );
    ensure!(counts.changes > 0 && counts.windows > 0, "nothing came of it, let it run longer: {counts:?}");
    ensure!(!latencies.is_empty(), "nothing was seen to be committed, let it run longer");
    latencies.sort_unstable();
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let quantile = |share: usize| ms(latencies[(latencies.len() - 1) * share / 100]);
    Ok(json!({
        "packets_per_s": packets_per_s,
        "p50_ms": quantile(50),
        "p99_ms": quantile(99),
        "wait_p99_ms": ms(parts.wait),
        "compute_p99_ms": ms(parts.compute),
        "commit_p99_ms": ms(parts.commit),
        "batches": latencies.len(),
        "alert_changes": counts.changes,
    }))
}

/// Follows every batch after the warm-up.
fn watch(args: &Args, shared: &engine::Shared, feeder: &Feeder, engine: &Running) -> Result<Seen> {
    let begun = Instant::now();
    while begun.elapsed() < WARM_UP {
        ensure!(!feeder.is_finished() && !engine.is_finished(), "the load or the program ended early");
        std::thread::sleep(GLANCE);
    }
    shared.account.forget_latencies();
    let packets = |counts: pipeline::account::Counts| counts.tally.packets as f64;
    let (begun, from) = (Instant::now(), packets(shared.account.counts()));
    let (mut waiting, mut latencies, mut written) = (VecDeque::new(), Vec::new(), feeder.written());
    while begun.elapsed() < Duration::from_secs(args.seconds) {
        ensure!(!feeder.is_finished() && !engine.is_finished(), "the load or the program ended early");
        let now = Instant::now();
        if feeder.written() > written {
            written = feeder.written();
            waiting.push_back((now, written));
        }
        let committed = shared.account.counts().records;
        while waiting.front().is_some_and(|(_, until)| *until <= committed) {
            latencies.extend(waiting.pop_front().map(|(since, _)| now.duration_since(since)));
        }
        std::thread::sleep(GLANCE);
    }
    let packets_per_s = (packets(shared.account.counts()) - from) / begun.elapsed().as_secs_f64();
    ensure!(packets_per_s > 0.9 * args.rate, "{packets_per_s:.0}/s of {:.0}/s were committed", args.rate);
    Ok(Seen { latencies, packets_per_s, parts: shared.account.p99_of_parts() })
}
