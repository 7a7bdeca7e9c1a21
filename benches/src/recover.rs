//! How long a start takes: a snapshot of a million entries, and some epochs that came after it.
//!
//! The state is made by real events over the real log; then the process is as good as killed, and started several
//! times over what is left. Timed is everything from opening the log to the moment the pipeline could go live.
//!
//! # Invariants
//! - A start counts only if it comes to what was left: the same next epoch, counts and digest of the state.

use crate::stand::{self, Full, Stand};
use anyhow::{Result, ensure};
use pipeline::{
    account::Counts,
    recover::{self, Step},
};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Instant};

/// Starts; the median counts.
const STARTS: usize = 3;
/// Epochs after the snapshot, and the records of each.
const TAIL: (u64, u64) = (20, 1_000);

/// What the benchmark of starts can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Entries of the state, at least
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Directory for log, lake and snapshots, emptied afterwards (default: the system's temporary directory)
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Runs the benchmark and returns its metrics.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let dir = stand::temporary(args.dir.as_deref())?;
    let config = stand::config(dir.path(), &[])?;
    let begun = Instant::now();
    let ground = stand::ground(&config)?;
    let Full { mut stand, mut committer, snapshots, mut people, stored } =
        stand::fill(&config, &ground, args.entries)?;
    // Its thread reads the same slices as the digest below.
    drop(snapshots);
    for _ in 0..TAIL.0 {
        people.write(TAIL.1, 1_000_000)?;
        stand.read(TAIL.1)?;
        let done = stand.compute()?;
        stand::commit(&mut committer, &stand.account, None, done)?;
    }
    let (next, counts, state) = (stand.next, stand.account.counts(), stand.state()?);
    let entries = stored.entries;
    // No drain: what a kill leaves.
    drop((stand, committer, people, stored, ground));
    let built = begun.elapsed();

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let ground = stand::ground(&config)?;
        let (mut restored, mut imported) = (Counts::default(), None);
        let standing = recover::recover(&config, &ground, &mut |step| {
            if let Step::Restored(counts) = step {
                (restored, imported) = (counts, Some(begun.elapsed()));
            }
        })?;
        let took = begun.elapsed();
        let imported = imported.unwrap_or_default();
        starts.push((took.as_secs_f64(), imported.as_secs_f64()));
        ensure!(restored.records > 0, "the snapshot was not used");
        ensure!(standing.next == next, "epoch {} would be next, not {next}", standing.next);
    }
    // Once more, not timed: what it comes to in full.
    let ground = stand::ground(&config)?;
    let (again, _committer) = Stand::start(&config, &ground)?;
    ensure!(again.account.counts() == counts, "{:?} was counted, not {counts:?}", again.account.counts());
    ensure!(again.state()? == state, "the state is another after the start");

    Ok(json!({
        "seconds_1m": stand::median(starts.iter().map(|(all, _)| *all).collect()),
        "import_s": stand::median(starts.iter().map(|(_, import)| *import).collect()),
        "replay_s": stand::median(starts.iter().map(|(all, import)| all - import).collect()),
        "entries": entries,
        "tail_records": TAIL.0 * TAIL.1,
        "snapshot_mb": stand::bytes(&config.snapshot.dir)? as f64 / 1e6,
        "build_s": built.as_secs_f64(),
    }))
}
