//! The epoch loop: recover what was committed, then bind, feed, collect and commit, for ever.
//!
//! ```text
//!   log ──► Intake ──cut──► Workers ──collect──► committer thread ──► log, lake, views
//!           (this thread)   (W threads) │        (commits in order, at most QUEUE behind)
//!                                       └─slices──► snapshot thread ──► snapshots
//! ```
//!
//! # Invariants
//! - A clock is read once per epoch; "now" never goes back.
//! - After a stop is asked for, what was read is committed, the lake is written, a snapshot is taken, and the
//!   loop ends.
//! - A log that goes away is waited for: what was committed is served meanwhile, said to be stale, and the loop
//!   then begins with a recovery, as after a crash.
//! - Nothing hangs unseen: epochs and commits are watched.

mod auditing;
mod commits;
mod ladder;

use crate::{
    Error,
    account::{Account, Counts},
    clock::Clock,
    config::Config,
    epoch::{Intake, Records},
    recover::{self, Ground, Standing, Step},
    snapshots::Snapshots,
    watchdog::Watch,
    workers::Workers,
};
use api::{Metrics, Readiness, State};
pub use auditing::AuditOptions;
use auditing::Auditing;
use commits::{Commits, Done};
use eventlog::TopicSpec;
pub use ladder::DiskOptions;
use ladder::Ladder;
use model::{Epoch, Input, planted, view::Shelf};
use operators::sequence::Tally;
use sinks::{Binding, disk};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How often the log is asked how far it reaches.
const LOOK_AHEAD: Duration = Duration::from_secs(1);
/// How often the log is asked for new partitions, in looks ahead.
const LOOKS: u32 = 10;
/// Waits before a log that went away is tried again: the first, and the longest.
const AWAY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// What the loop shares with the rest of the process.
#[derive(Clone)]
pub struct Shared {
    /// The log.
    pub log: eventlog::Shared,
    /// Where committed tables are put.
    pub shelf: Arc<Shelf>,
    /// Whether the process is ready.
    pub readiness: Arc<Readiness>,
    /// What operators see.
    pub metrics: Arc<Metrics>,
    /// What was counted.
    pub account: Arc<Account>,
    /// What of it the metrics were told.
    pub told: Arc<Mutex<Counts>>,
    /// The disk of lake and snapshots.
    pub disk: disk::Shared,
    /// Set to end the loop.
    pub stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

/// Runs until a stop is asked for or something fails that does not pass.
///
/// # Errors
/// [`Error`]; committed epochs stay committed.
pub fn run(config: &Config, shared: &Shared) -> Result<(), Error> {
    let (mut was_ready, mut wait) = (false, AWAY.0);
    loop {
        let begun = Instant::now();
        let result = stand(config, shared).and_then(|mut engine| {
            was_ready = true;
            // What is under way ends before anything begins anew: what is served is stale already.
            engine.live().inspect_err(|error| say_stale(shared, error))?;
            engine.drain()
        });
        let Err(error) = result else { return Ok(()) };
        let reason = error.to_string();
        if !was_ready || !error.passes() || shared.stop.load(Ordering::Relaxed) {
            shared.readiness.set(State::Failed { reason });
            return Err(error);
        }
        tracing::error!(reason, "the log is away; what was committed is served as stale until it is back");
        say_stale(shared, &error);
        if begun.elapsed() > 10 * AWAY.1 {
            wait = AWAY.0;
        }
        let until = Instant::now() + wait;
        while Instant::now() < until && !shared.stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        wait = AWAY.1.min(wait * 2);
    }
}

/// Says that nothing new is served, if that may pass.
fn say_stale(shared: &Shared, error: &Error) {
    if error.passes() {
        shared.readiness.set(State::Stale { reason: error.to_string() });
    }
}

/// The topics that are read, to be made where they do not exist.
pub fn inputs(partitions: u32) -> [TopicSpec; Input::ALL.len()] {
    Input::ALL.map(|input| TopicSpec { name: input.topic().into(), partitions })
}

/// The loop between two epochs.
struct Engine<'a> {
    config: &'a Config,
    shared: &'a Shared,
    intake: Intake,
    workers: Workers,
    commits: Commits,
    snapshots: Snapshots,
    ladder: Ladder,
    computing: Watch,
    next: Epoch,
    clock: Clock,
    _auditing: Auditing,
}

/// Recovers, and starts the threads of the loop.
fn stand<'a>(config: &'a Config, shared: &'a Shared) -> Result<Engine<'a>, Error> {
    let (log, disk, shelf) = (&shared.log, &shared.disk, &shared.shelf);
    let ground = Ground::new(Arc::clone(log), Arc::clone(disk), Arc::clone(shelf));
    shared.account.restore(Counts::default());
    let stale = matches!(shared.readiness.get(), State::Stale { .. });
    let say = |detail: String| {
        if !stale {
            shared.readiness.set(State::Starting { detail });
        }
    };
    let standing = recover::recover(config, &ground, &mut |step| match step {
        Step::Refused(why) => {
            shared.metrics.snapshot_failed();
            tracing::debug!(why, "a snapshot is passed over");
        }
        Step::Opened => {}
        Step::Import(done, all) => say(format!("taking over entry {done} of {all} of the snapshot")),
        Step::Restored(counts) => {
            shared.account.restore(counts);
            commits::tell_counts(shared, &counts);
        }
        Step::Replayed { binding, output, tally, done: (done, all) } => {
            say(format!("replaying epoch {done} of {all}"));
            commits::count(shared, binding, output, tally);
        }
    })?;
    let Standing { intake, workers, committer, next, now_us, snapshot } = standing;
    shared.metrics.snapshot_held(snapshot);
    shelf.describe(crate::explain::about(config, workers.steps()));
    let auditing = Auditing::start(config.audit, Arc::clone(&shared.log), Arc::clone(&shared.metrics))?;
    let snapshots = Snapshots::start(
        &config.snapshot,
        Arc::clone(&shared.disk),
        &workers,
        committer.incarnation(),
        Arc::clone(&shared.metrics),
    );
    let stall = Duration::from_secs(config.epoch.stall_s);
    let garbage = Duration::from_secs(config.commit.lake.garbage_age_s.into());
    let commits = Commits::start(committer, shared.clone(), snapshots.marks(), (stall, garbage));
    let ladder = Ladder::new(config, shared);
    let (computing, clock) = (Watch::over("an epoch in the graph", stall), Clock::from(now_us));
    Ok(Engine {
        config,
        shared,
        intake,
        workers,
        commits,
        snapshots,
        ladder,
        computing,
        next,
        clock,
        _auditing: auditing,
    })
}

impl Engine<'_> {
    /// Until a stop is asked for.
    fn live(&mut self) -> Result<(), Error> {
        planted::reached(planted::Step::Stood);
        self.shared.readiness.set(State::Ready);
        let (mut looked, mut ticked, mut looks) = (Instant::now(), Instant::now(), 0);
        let idle = Duration::from_millis(self.config.epoch.idle_ms);
        while !self.shared.stop.load(Ordering::Relaxed) {
            if looked.elapsed() >= LOOK_AHEAD {
                self.look(looks % LOOKS == 0)?;
                (looked, looks) = (Instant::now(), looks + 1);
            }
            self.commits.check()?;
            if self.ladder.is_halted() {
                // Nothing is read: what is buffered stays, what is committed is served.
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            let arrivals = self.gather()?;
            if !arrivals.is_empty() || ticked.elapsed() >= idle {
                self.step(arrivals)?;
                ticked = Instant::now();
            }
        }
        Ok(())
    }

    /// Looks where the log ends, at the disk, and now and then for new partitions.
    fn look(&mut self, far: bool) -> Result<(), Error> {
        self.intake.look_ahead()?;
        self.ladder.look();
        if far {
            self.intake.grow()?;
        }
        Ok(())
    }

    /// The last epoch, the lake, and a snapshot, so that the next start has nothing to compute.
    fn drain(mut self) -> Result<(), Error> {
        self.shared.readiness.set(State::Draining);
        // One that waits for a commit that failed would wait for ever.
        while self.snapshots.is_busy() {
            self.commits.check()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        let (binding, records) = self.bind();
        let epoch = binding.epoch;
        let done = self.compute(binding, records, Vec::new())?;
        self.snapshots.note(done.binding.n_in, 1);
        let behind = self.snapshots.is_behind() && !self.ladder.is_low();
        if behind {
            self.snapshots.begin_last(epoch, &self.workers)?;
        }
        self.commits.drain(done, behind)?;
        self.snapshots.wait();
        Ok(())
    }

    /// Buffers what arrives: until a tick after the first record, or the caps of an epoch.
    fn gather(&mut self) -> Result<Vec<(Instant, u64)>, Error> {
        let options = &self.config.epoch;
        let (tick, idle) = (Duration::from_millis(options.tick_ms), Duration::from_millis(options.idle_ms));
        let mut arrivals: Vec<(Instant, u64)> = Vec::new();
        loop {
            let wait = match arrivals.first() {
                // A stop is noticed within a tick.
                None => tick.min(idle),
                Some((first, _)) => tick.saturating_sub(first.elapsed()),
            };
            let count = self.intake.poll(options, wait)?;
            if count > 0 {
                arrivals.push((Instant::now(), count as u64));
            }
            let due = arrivals.first().is_none_or(|(first, _)| first.elapsed() >= tick);
            if due || self.intake.is_full(options) || self.shared.stop.load(Ordering::Relaxed) {
                return Ok(arrivals);
            }
        }
    }

    /// One epoch.
    fn step(&mut self, arrivals: Vec<(Instant, u64)>) -> Result<(), Error> {
        let (binding, records) = self.bind();
        let epoch = binding.epoch;
        let bytes = crate::epoch::bytes(&records);
        let mut done = self.compute(binding, records, arrivals)?;
        // Time that passed without effect leaves no trace; what fell silent is an effect.
        if done.binding.n_in == 0 && done.output.is_empty() && done.tally == Tally::default() {
            return Ok(());
        }
        self.snapshots.note(done.binding.n_in, bytes);
        done.snapshot = self.snapshots.due() && !self.ladder.is_low();
        if done.snapshot {
            self.snapshots.begin(epoch, &self.workers)?;
        }
        self.commits.send(done)
    }

    fn bind(&mut self) -> (Binding, Records) {
        let epoch = self.next;
        self.next += 1;
        let now = self.clock.now();
        self.shared.metrics.clock_astray(self.clock.is_astray());
        self.intake.cut(epoch, now)
    }

    fn compute(
        &self,
        binding: Binding,
        records: Records,
        arrivals: Vec<(Instant, u64)>,
    ) -> Result<Done, Error> {
        let _watched = self.computing.busy();
        planted::reached(planted::Step::Bound);
        let fed = Instant::now();
        self.workers.feed(binding.epoch, recover::tick(&binding), records)?;
        planted::reached(planted::Step::Fed);
        let (output, tally) = self.workers.collect(binding.epoch)?;
        planted::reached(planted::Step::Collected);
        Ok(Done { binding, output, tally, arrivals, computed: (fed, Instant::now()), snapshot: false })
    }
}
