//! The epoch loop: recover what was committed, then bind, feed, collect and commit, for ever.
//!
//! ```text
//!   log ──► Intake ──cut──► Workers ──collect──► committer thread ──► log, lake, views
//!           (this thread)   (W threads)          (commits in order, at most QUEUE behind)
//! ```
//!
//! # Invariants
//! - Recovery feeds exactly the epochs that were bound, and each must come out as it did.
//! - A clock is read once per epoch; "now" never goes back.
//! - After a stop is asked for, what was read is committed, the lake is written, and the loop ends.

mod commits;

use crate::{
    Error,
    account::Account,
    config::Config,
    dataflow,
    epoch::{Intake, Records},
    workers::Workers,
};
use api::{Metrics, Readiness, State};
use commits::{Commits, Done};
use eventlog::TopicSpec;
use model::{Epoch, Input, Micros, view::Shelf};
use sinks::{Binding, Committer};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// How often the log is asked how far it reaches.
const LOOK_AHEAD: Duration = Duration::from_secs(1);

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
    /// Set to end the loop.
    pub stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

/// Runs until a stop is asked for or something fails.
///
/// # Errors
/// [`Error`]; committed epochs stay committed.
pub fn run(config: &Config, shared: &Shared) -> Result<(), Error> {
    let result = recover(config, shared).and_then(Engine::live);
    if let Err(error) = &result {
        shared.readiness.set(State::Failed { reason: error.to_string() });
    }
    result
}

/// The topics that are read, to be made where they do not exist.
pub fn inputs(partitions: u32) -> [TopicSpec; 3] {
    Input::ALL.map(|input| TopicSpec { name: input.topic().into(), partitions })
}

/// The loop between two epochs.
struct Engine<'a> {
    config: &'a Config,
    shared: &'a Shared,
    intake: Intake,
    workers: Workers,
    commits: Commits,
    next: Epoch,
    now_us: Micros,
}

/// Computes every committed epoch again, then stands where the last one ended.
fn recover<'a>(config: &'a Config, shared: &'a Shared) -> Result<Engine<'a>, Error> {
    shared.log.ensure_topics(&inputs(config.log.partitions))?;
    let shelf = Arc::clone(&shared.shelf);
    let (mut committer, bindings) = Committer::open(Arc::clone(&shared.log), &config.commit, shelf)?;
    let mut intake = Intake::open(Arc::clone(&shared.log))?;
    let graph = dataflow::Options { pulse: config.pulse.clone(), risk: config.risk.clone() };
    let workers = Workers::start(&config.workers, &graph)?;
    let (mut next, mut now_us) = (0, Micros::MIN);
    for (place, binding) in bindings.iter().enumerate() {
        let detail = format!("replaying epoch {} of {}", place + 1, bindings.len());
        shared.readiness.set(State::Starting { detail });
        let records = intake.recut(binding)?;
        workers.feed(binding.epoch, binding.now_us, records)?;
        let (output, tally) = workers.collect(binding.epoch)?;
        committer.replay(binding, &output)?;
        commits::count(shared, binding, &output, tally);
        (next, now_us) = (binding.epoch + 1, binding.now_us);
    }
    committer.ready();
    let commits = Commits::start(committer, shared.clone());
    Ok(Engine { config, shared, intake, workers, commits, next, now_us })
}

impl Engine<'_> {
    fn live(mut self) -> Result<(), Error> {
        self.shared.readiness.set(State::Ready);
        let (mut looked, mut ticked) = (Instant::now(), Instant::now());
        let idle = Duration::from_millis(self.config.epoch.idle_ms);
        while !self.shared.stop.load(Ordering::Relaxed) {
            let arrivals = self.gather()?;
            if looked.elapsed() >= LOOK_AHEAD {
                self.intake.look_ahead()?;
                looked = Instant::now();
            }
            if !arrivals.is_empty() || ticked.elapsed() >= idle {
                self.step(arrivals)?;
                ticked = Instant::now();
            }
            self.commits.check()?;
        }
        self.shared.readiness.set(State::Draining);
        let (binding, records) = self.bind();
        let done = self.compute(binding, records, Vec::new())?;
        self.commits.drain(done)
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
        let done = self.compute(binding, records, arrivals)?;
        // Time that passed without effect leaves no trace.
        if done.binding.n_in > 0 || !done.output.is_empty() {
            self.commits.send(done)?;
        }
        Ok(())
    }

    fn bind(&mut self) -> (Binding, Records) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.now_us = self.now_us.max(Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX));
        let epoch = self.next;
        self.next += 1;
        self.intake.cut(epoch, self.now_us)
    }

    fn compute(
        &self,
        binding: Binding,
        records: Records,
        arrivals: Vec<(Instant, u64)>,
    ) -> Result<Done, Error> {
        self.workers.feed(binding.epoch, binding.now_us, records)?;
        let (output, tally) = self.workers.collect(binding.epoch)?;
        Ok(Done { binding, output, tally, arrivals })
    }
}
