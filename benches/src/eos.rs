//! What exactly-once costs: the program with everything on, against the same graph that commits nothing.
//!
//! Both read the same packets from the same log through the same intake and workers, in epochs of the same options.
//! One side drops what comes out; the other is the program's own loop: a transaction per epoch, the lake, the views, and
//! snapshots. They run in turn, so that a busy machine slows both.
//!
//! # Invariants
//! - A round counts only if both sides come to the same: records, windows, alerts, and what became of packets.

mod topics;

use crate::{
    devices::{self, Device, PACKET_US, START},
    stand,
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use api::State;
use eventlog::{Log, Shared, embedded::Embedded};
use model::{Micros, time::SECOND};
use pipeline::{
    account::{Account, Counts},
    clock::Clock,
    config::Config,
    engine,
    epoch::Intake,
    recover,
    workers::Workers,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// Epochs are cut so often, whatever the default is: what is compared are commits every 100 ms.
const TICK: (&str, &str) = ("epoch.tick_ms", "100");
const DEVICES: u32 = 64;
/// Records of one transaction of the input.
const BATCH: usize = 10_000;
/// How often the program is asked how far it is.
const GLANCE: Duration = Duration::from_micros(500);

/// What the benchmark of exactly-once can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Kafka brokers to measure on too. They must not know the pipeline's topics: those are made, and deleted again
    #[arg(long, env = "MANPASIK_KAFKA_BROKERS")]
    brokers: Option<String>,
    /// Packets of one round, about
    #[arg(long, default_value_t = 3_000_000)]
    packets: u32,
    /// Rounds that count, after one that warms up
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Directory for logs, lakes and snapshots, emptied afterwards (default: the system's temporary directory)
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// One side of a round.
struct Side {
    took: Duration,
    counts: Counts,
}

/// Rounds on one kind of log.
#[derive(Default)]
struct Rounds {
    bare: Vec<f64>,
    whole: Vec<f64>,
    /// Milliseconds between two commits.
    commits: Vec<f64>,
}

/// Runs the benchmark and returns its metrics.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let mut metrics = json!({ "packets": records(args) });
    embedded(args)?.tell("embedded", args, &mut metrics);
    if let Some(brokers) = &args.brokers {
        topics::on_kafka(args, brokers)?.tell("kafka", args, &mut metrics);
    }
    Ok(metrics)
}

impl Rounds {
    /// Adds a round; the first only warms up.
    fn add(&mut self, round: usize, (bare, whole): &(Side, Side)) {
        if round > 0 {
            self.bare.push(bare.took.as_secs_f64());
            self.whole.push(whole.took.as_secs_f64());
            self.commits.push(whole.took.as_secs_f64() * 1e3 / whole.counts.epochs as f64);
        }
    }

    fn tell(self, log: &str, args: &Args, metrics: &mut Value) {
        let ratios = self.bare.iter().zip(&self.whole).map(|(bare, whole)| bare / whole).collect();
        let rate = |seconds: Vec<f64>| records(args) as f64 / stand::median(seconds);
        metrics[format!("{log}_ratio")] = stand::median(ratios).into();
        metrics[format!("{log}_bare_records_per_s")] = rate(self.bare).into();
        metrics[format!("{log}_records_per_s")] = rate(self.whole).into();
        metrics[format!("{log}_commit_every_ms")] = stand::median(self.commits).into();
    }
}

/// Rounds on the embedded log: each gets a copy of the log as it was before the first.
fn embedded(args: &Args) -> Result<Rounds> {
    let dir = stand::temporary(args.dir.as_deref())?;
    let config = stand::config(&dir.path().join("input"), &[TICK])?;
    preload(&Embedded::open(&config.log.embedded)?, args, config.log.partitions)?;
    let input = config.log.embedded.dir;
    let mut rounds = Rounds::default();
    for round in 0..=args.rounds {
        let place = dir.path().join(round.to_string());
        let config = stand::config(&place, &[TICK])?;
        copy(&input, &config.log.embedded.dir)?;
        let log: Shared = Arc::new(Embedded::open(&config.log.embedded)?);
        rounds.add(round, &compare(args, round, &config, &log)?);
        drop(log);
        std::fs::remove_dir_all(&place)?;
    }
    Ok(rounds)
}

/// Copies a directory and waits until the disk has it: what it still has to write would slow only who syncs.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else {
            std::fs::copy(&from, &to)?;
            std::fs::File::open(&to)?.sync_all()?;
        }
    }
    Ok(())
}

/// Records of one round: as many packets of each device, and the end of its session.
fn records(args: &Args) -> u64 {
    u64::from(DEVICES) * (u64::from(args.packets / DEVICES) + 1)
}

/// Windows there must be at least: those of 30 s that begin every 5 s and are full.
fn windows(args: &Args) -> i64 {
    let seconds = Micros::from(args.packets / DEVICES) * PACKET_US / SECOND;
    if seconds < 30 { 0 } else { Micros::from(DEVICES) * ((seconds - 30) / 5 + 1) }
}

/// Writes the packets of all devices, in the order in which they would come.
fn preload(log: &dyn Log, args: &Args, partitions: u32) -> Result<()> {
    log.ensure_topics(&engine::inputs(partitions))?;
    let device = |number: u32| {
        let bpm = 50.0 + f64::from(number * 37 % 100);
        Device::new(&format!("eos-{number}"), bpm, START, partitions)
    };
    let (devices, each): (Vec<_>, _) = ((0..DEVICES).map(device).collect(), args.packets / DEVICES);
    let packets = (0..each).flat_map(|number| devices.iter().map(move |device| device.packet(number)));
    let mut drafts = packets.chain(devices.iter().map(|device| device.end(each)));
    let (mut writer, mut written) = (log.writer("bench-devices")?, 0);
    while written < records(args) {
        written += devices::write(&mut *writer, drafts.by_ref().take(BATCH))?;
    }
    Ok(())
}

/// Runs both sides; who goes first alternates.
fn compare(args: &Args, round: usize, config: &Config, log: &Shared) -> Result<(Side, Side)> {
    let records = records(args);
    let (bare, whole) = if round.is_multiple_of(2) {
        let bare = bare(records, config, log)?;
        (bare, whole(records, config, log)?)
    } else {
        let whole = whole(records, config, log)?;
        (bare(records, config, log)?, whole)
    };
    let [ours, theirs] = [&bare, &whole].map(|Side { counts, .. }| {
        (counts.records, counts.windows, counts.alerts, counts.dead_letters, counts.tally)
    });
    ensure!(ours == theirs, "without commits it comes to {ours:?}, with them to {theirs:?}");
    let (found, least) = (whole.counts.windows, windows(args));
    ensure!(found >= least, "{found} windows, at least {least} are there");
    ensure!(whole.counts.dead_letters == 0, "good packets became dead letters");
    Ok((bare, whole))
}

/// The graph alone: what comes out is counted and dropped.
fn bare(records: u64, config: &Config, log: &Shared) -> Result<Side> {
    let mut intake = Intake::open(Arc::clone(log), &config.epoch, None, &[])?;
    let workers = Workers::start(&config.workers, &recover::graph(config))?;
    let (account, mut clock) = (Account::default(), Clock::from(Micros::MIN));
    let (begun, mut epoch) = (Instant::now(), 0);
    while account.counts().records < records {
        gather(config, &mut intake)?;
        let (binding, records) = intake.cut(epoch, clock.now());
        workers.feed(epoch, recover::tick(&binding), records)?;
        let (output, tally) = workers.collect(epoch)?;
        account.committed(epoch, binding.n_in, &output, tally);
        epoch += 1;
    }
    Ok(Side { took: begun.elapsed(), counts: account.counts() })
}

/// Buffers what arrives as the program does: until a tick after the first record, or the caps of an epoch.
fn gather(config: &Config, intake: &mut Intake) -> Result<()> {
    let options = &config.epoch;
    let tick = Duration::from_millis(options.tick_ms);
    let mut first: Option<Instant> = None;
    loop {
        let wait = first.map_or(tick, |first| tick.saturating_sub(first.elapsed()));
        if intake.poll(options, wait)? > 0 {
            first.get_or_insert_with(Instant::now);
        }
        if first.is_none_or(|first| first.elapsed() >= tick) || intake.is_full(options) {
            return Ok(());
        }
    }
}

/// The program: from ready to the last record committed.
fn whole(records: u64, config: &Config, log: &Shared) -> Result<Side> {
    let (shared, engine) = stand::program(config, Arc::clone(log))?;
    let until = |reached: &dyn Fn() -> bool| {
        while !reached() && !engine.is_finished() {
            std::thread::sleep(GLANCE);
        }
    };
    until(&|| shared.readiness.get() == State::Ready);
    let begun = Instant::now();
    until(&|| shared.account.counts().records >= records);
    let (took, counts) = (begun.elapsed(), shared.account.counts());
    shared.stop.store(true, Ordering::Relaxed);
    engine.join().map_err(|_| anyhow!("the epoch loop panicked"))??;
    if counts.records != records {
        bail!("{} of {records} records were committed", counts.records);
    }
    shared.shelf.take().as_of_epoch.context("nothing is visible")?;
    Ok(Side { took, counts })
}
