//! What a snapshot costs those who wait for results: the latency of epochs with and without one under way.
//!
//! Over a state of a million entries comes a steady load: every beat an epoch of observations of the people known,
//! spread so that what the snapshot has not reached yet is touched. A thread commits, as in the program. Stretches
//! without snapshots and stretches in which one follows the other take turns, so that a state that grows, or a machine
//! that gets busy, is not counted for one side.
//!
//! Latency is from the moment an epoch's records stand on the log to the moment it is committed; a beat that begins
//! late because the one before took too long counts as that much longer.

use crate::stand::{self, Done, Full};
use anyhow::{Context, Result, anyhow, ensure};
use model::Epoch;
use pipeline::{account::Account, snapshots::Marks};
use serde_json::{Value, json};
use sinks::{Committer, snapshot};
use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// Distance of two epochs.
const BEAT: Duration = Duration::from_millis(50);
/// Whether snapshots are taken, stretch by stretch. The first warms up and is not counted.
const STRETCHES: [bool; 5] = [false, false, true, true, false];
/// Epochs that may be computed while an older one commits, as in the program.
const QUEUE: usize = 4;

/// What the benchmark of snapshots can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Entries of the state, at least
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Seconds with snapshots, and as many without
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Records of each epoch; there are twenty a second
    #[arg(long, default_value_t = 1_000)]
    records: u64,
    /// Bytes of the state that leave between two epochs, instead of the default of `snapshot.slice_bytes`
    #[arg(long)]
    slice_bytes: Option<usize>,
    /// Write the lake meanwhile, as the program does: the commits that do are then among the slowest on both sides
    #[arg(long)]
    lake: bool,
    /// Directory for log, lake and snapshots, emptied afterwards (default: the system's temporary directory)
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// An epoch on its way to the thread that commits.
struct Sent {
    done: Done,
    /// How late its beat began, and when its records stood on the log.
    late: Duration,
    begun: Instant,
    stretch: usize,
}

/// Latencies in milliseconds, by stretch.
type Latencies = [Vec<f64>; STRETCHES.len()];

/// Runs the benchmark and returns its metrics.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let dir = stand::temporary(args.dir.as_deref())?;
    let mut values = vec![("snapshot.interval_ms", "0")];
    if !args.lake {
        values.extend([
            ("commit.lake.flush_rows", "1000000000"),
            ("commit.lake.flush_bytes", "8000000000"),
            ("commit.lake.flush_interval_ms", "86400000"),
            ("commit.lake.outbox_bytes", "8000000000"),
        ]);
    }
    let slice = args.slice_bytes.map(|bytes| bytes.to_string());
    values.extend(slice.iter().map(|slice| ("snapshot.slice_bytes", slice.as_str())));
    let config = stand::config(dir.path(), &values)?;
    let ground = stand::ground(&config)?;
    let full = stand::fill(&config, &ground, args.entries)?;
    let (account, stored) = (Arc::clone(&full.stand.account), full.stored.clone());
    let before = account.counts().records;
    let beats = (args.seconds * 1_000 / BEAT.as_millis() as u64 / 2).max(1);
    let loaded = load(full, args.records, beats)?;
    let newest = snapshot::newest(&ground.means.disk, &config.snapshot.dir, |_| true)?;
    let newest = newest.stored.context("the snapshots are gone")?;
    let (found, last) = (newest.epoch(), loaded.last);
    ensure!(Some(found) == last, "the newest snapshot is of epoch {found}, not {last:?}");
    ensure!(newest.entries > stored.entries, "the newest snapshot does not hold what came since");
    let (records, sent) = (account.counts().records - before, STRETCHES.len() as u64 * beats * args.records);
    ensure!(records == sent, "{records} records were committed of {sent}");
    let counted = |side: bool, quantile: f64| {
        let stretches = loaded.latencies.iter().zip(STRETCHES).skip(1).filter(|(_, with)| *with == side);
        self::quantile(stretches.flat_map(|(latencies, _)| latencies.iter().copied()).collect(), quantile)
    };
    let usual = counted(false, 0.5);
    ensure!(
        usual < 1e3 * BEAT.as_secs_f64(),
        "an epoch takes {usual:.0} ms without a snapshot: this machine does not keep up; give fewer --records"
    );
    Ok(json!({
        "p99_ratio": counted(true, 0.99) / counted(false, 0.99),
        "p99_ms_without": counted(false, 0.99),
        "p99_ms_with": counted(true, 0.99),
        "p50_ms_without": usual,
        "p50_ms_with": counted(true, 0.5),
        "max_ms_without": counted(false, 1.0),
        "max_ms_with": counted(true, 1.0),
        "snapshots": loaded.taken,
        "share_under_way": loaded.under_way as f64 / (2 * beats) as f64,
        "entries": newest.entries,
    }))
}

/// What came of the load.
struct Loaded {
    latencies: Latencies,
    /// Snapshots begun, and the epoch of the last.
    taken: u64,
    last: Option<Epoch>,
    /// Epochs that were computed while one was under way.
    under_way: u64,
}

/// All stretches of `beats` epochs of `records` each.
fn load(full: Full, records: u64, beats: u64) -> Result<Loaded> {
    let Full { mut stand, mut committer, mut snapshots, mut people, stored: _ } = full;
    let (queue, inbox) = mpsc::sync_channel(QUEUE);
    let (account, marks) = (Arc::clone(&stand.account), snapshots.marks());
    let commits = std::thread::Builder::new()
        .name("commit".into())
        .spawn(move || commit_all(&mut committer, &account, &marks, &inbox))?;
    let mut loaded = Loaded { latencies: Latencies::default(), taken: 0, last: None, under_way: 0 };
    'load: for (stretch, with) in STRETCHES.into_iter().enumerate() {
        let mut due = Instant::now();
        for _ in 0..beats {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let late = due.elapsed();
            people.write(records, BEAT.as_micros() as i64)?;
            let begun = Instant::now();
            stand.read(records)?;
            let mut done = stand.compute()?;
            snapshots.note(done.binding.n_in, 0);
            if with && snapshots.due() {
                done.snapshot = true;
                (loaded.taken, loaded.last) = (loaded.taken + 1, Some(done.binding.epoch));
                snapshots.begin(done.binding.epoch, &stand.workers)?;
            }
            // One is due as soon as none is under way.
            loaded.under_way += u64::from(with && !snapshots.due());
            if queue.send(Sent { done, late, begun, stretch }).is_err() {
                // The thread says why.
                break 'load;
            }
            due += BEAT;
        }
        // As `wait` does, but for a thread that failed no mark comes.
        snapshots.note(1, 0);
        while !snapshots.due() && !commits.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    drop(queue);
    loaded.latencies = commits.join().map_err(|_| anyhow!("the commit thread panicked"))??;
    Ok(loaded)
}

fn commit_all(
    committer: &mut Committer,
    account: &Account,
    marks: &Marks,
    inbox: &mpsc::Receiver<Sent>,
) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    while let Ok(Sent { done, late, begun, stretch }) = inbox.recv() {
        stand::commit(committer, account, Some(marks), done)?;
        latencies[stretch].push((late + begun.elapsed()).as_secs_f64() * 1e3);
    }
    Ok(latencies)
}

/// The value that the share `quantile` of `values` does not exceed.
fn quantile(mut values: Vec<f64>, quantile: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * quantile).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
