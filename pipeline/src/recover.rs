//! From what is durable to a pipeline that stands where it stood.
//!
//! ```text
//! R1-R5  Committer::open   incarnation, fence, bindings to their end, lake rolled forward, newest good snapshot
//! R6     import            what every step remembered after the epoch of the snapshot
//! R7     replay            the epochs since, over the same input; each must come out as it did
//! R8     the caller goes live
//! ```
//!
//! # Invariants
//! - Nothing is written but what was promised before: a crash here is repaired by doing the same again.
//! - Without a usable snapshot everything since the start of the log is computed again.

use crate::{
    Error,
    account::{Account, Counts},
    config::Config,
    dataflow, engine,
    epoch::Intake,
    watchdog::Watch,
    workers::Workers,
};
use model::{
    Epoch, Micros, Tick,
    planted::{self, Bug},
    time::SECOND,
    view::Shelf,
};
use operators::{sequence::Tally, signals};
use sinks::{Binding, Committer, Hand, Means, Opened, Output, Snapshots, disk, snapshot};
use std::{sync::Arc, time::Duration};

/// A pipeline between two epochs.
#[derive(Debug)]
pub struct Standing {
    /// The input, read up to the last committed epoch.
    pub intake: Intake,
    /// The graph, with everything it remembers.
    pub workers: Workers,
    /// The way out.
    pub committer: Committer,
    /// The epoch to compute next.
    pub next: Epoch,
    /// "Now" of the last epoch.
    pub now_us: Micros,
    /// The newest epoch a snapshot holds.
    pub snapshot: Option<Epoch>,
}

/// What recovery is at.
#[derive(Debug)]
pub enum Step<'a> {
    /// Nobody else commits any more, and what is committed is known.
    Opened,
    /// A snapshot that cannot be used, and why.
    Refused(&'a str),
    /// Everything counted up to the snapshot.
    Restored(Counts),
    /// Entries of the snapshot that were taken over so far, and all.
    Import(u64, u64),
    /// An epoch that came out as it did.
    Replayed {
        /// The epoch.
        binding: &'a Binding,
        /// What came of it.
        output: &'a Output,
        /// What was counted.
        tally: Tally,
        /// How many are done, and all.
        done: (usize, usize),
    },
}

impl Step<'_> {
    /// Lets `account` hold what was counted up to here.
    pub fn count(&self, account: &Account) {
        match self {
            Self::Restored(counts) => account.restore(*counts),
            Self::Replayed { binding, output, tally, .. } => {
                account.committed(binding.epoch, binding.n_in, output, *tally);
            }
            Self::Opened | Self::Refused(_) | Self::Import(..) => {}
        }
    }
}

/// What recovery starts from, and with.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Log, disk and shelf.
    pub means: Means,
    /// Workers step in turns drawn from this seed; side by side without.
    pub seed: Option<u64>,
    /// Every epoch from this one on is computed again, whatever snapshots there are.
    pub before: Option<Epoch>,
}

impl Ground {
    /// What the program works with: the lake is written by a thread of its own, workers run side by side.
    pub fn new(log: eventlog::Shared, disk: disk::Shared, shelf: Arc<Shelf>) -> Self {
        let (similar, clock) = (operators::similar::Book::follow, sinks::commit::stopwatch());
        let means = Means { log, disk, shelf, similar, hand: Hand::Thread, clock };
        Self { means, seed: None, before: None }
    }
}

/// Finds out what is committed and computes what no snapshot holds again.
///
/// # Errors
/// [`Error`]; nothing is damaged by trying again.
pub fn recover(config: &Config, ground: &Ground, tell: &mut dyn FnMut(Step<'_>)) -> Result<Standing, Error> {
    ground.means.log.ensure_topics(&engine::inputs(config.log.partitions))?;
    // First, because they know which snapshots they can begin with.
    let graph = graph(config);
    let workers = match ground.seed {
        None => Workers::start(&config.workers, &graph)?,
        Some(seed) => Workers::start_in_turns(&config.workers, &graph, seed)?,
    };
    let snapshots = Snapshots { dir: &config.snapshot.dir, steps: workers.steps(), before: ground.before };
    let opened = Committer::open(&ground.means, &config.commit, Some(snapshots))?;
    let Opened { mut committer, snapshot, bindings, refused } = opened;
    tell(Step::Opened);
    for why in &refused {
        tell(Step::Refused(why));
    }
    let from = snapshot.as_ref().map(|snapshot| &snapshot.mark.binding);
    let mut intake = Intake::open(Arc::clone(&ground.means.log), &config.epoch, from, &bindings)?;
    let (mut next, mut now_us) = from.map_or((0, Micros::MIN), |from| (from.epoch + 1, from.now_us));
    let held = from.map(|from| from.epoch);
    if let Some(snapshot) = snapshot {
        import(&workers, &snapshot, tell)?;
    }
    let all = bindings.len();
    // In turns nothing runs by itself that could hang.
    let stall = Duration::from_secs(config.epoch.stall_s);
    let watch = ground.seed.is_none().then(|| Watch::over("an epoch computed again", stall));
    for (place, binding) in bindings.iter().enumerate() {
        let records = intake.recut(binding)?;
        let mut tick = tick(binding);
        if planted::is(Bug::OtherNow) {
            tick.now += 7 * SECOND;
        }
        if planted::is(Bug::OtherWatermark) {
            tick.watermark = Micros::MIN;
        }
        let watched = watch.as_ref().map(Watch::busy);
        workers.feed(binding.epoch, tick, records)?;
        let (output, tally) = workers.collect(binding.epoch)?;
        drop(watched);
        committer.replay(binding, &output)?;
        planted::reached(planted::Step::Replayed);
        tell(Step::Replayed { binding, output: &output, tally, done: (place + 1, all) });
        (next, now_us) = (binding.epoch + 1, binding.now_us);
    }
    committer.ready();
    Ok(Standing { intake, workers, committer, next, now_us, snapshot: held })
}

/// The options of the graph that `config` holds.
pub fn graph(config: &Config) -> dataflow::Options {
    let signals = signals::Options {
        pulse: config.pulse.clone(),
        respiration: config.respiration.clone(),
        ecg: config.ecg.clone(),
        cartridge: config.cartridge.clone(),
    };
    dataflow::Options {
        signals,
        risk: config.risk.clone(),
        notify: config.notify,
        horizon_s: config.epoch.horizon_s,
    }
}

/// What the graph is told of time in the epoch of `binding`.
pub fn tick(binding: &Binding) -> Tick {
    Tick { now: binding.now_us, watermark: binding.watermark.unwrap_or(Micros::MIN) }
}

fn import(
    workers: &Workers,
    snapshot: &snapshot::Stored,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<(), Error> {
    let counts = serde_json::from_value(snapshot.mark.counts.clone());
    let counts = counts.map_err(|_| Error::Counts)?;
    for known in workers.steps() {
        if !snapshot.steps.iter().any(|held| held.step == known.step) {
            tracing::warn!(
                step = known.step,
                "the snapshot is from before this step; it begins with nothing"
            );
        }
    }
    let mut done = 0;
    for export in snapshot.exports() {
        let export = export?;
        done += export.pieces.len() as u64;
        workers.import(export)?;
        planted::reached(planted::Step::Imported);
        tell(Step::Import(done, snapshot.entries));
    }
    if !planted::is(Bug::CountsLost) {
        tell(Step::Restored(counts));
    }
    Ok(())
}
