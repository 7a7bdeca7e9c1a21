//! The parts of the program without its threads, and a state of as many entries as asked for.
//!
//! Everything is real: records stand on an embedded log, are read, computed and committed, the lake is written,
//! and the snapshot is one that a start takes. Only the loop around them belongs to the benchmark.

use crate::devices::{self, START};
use anyhow::{Context, Result, ensure};
use api::{Metrics, Readiness, State};
use eventlog::{Writer, embedded::Embedded};
use model::{Epoch, Micros, UserId, time::SECOND, view::Shelf};
use operators::sequence::Tally;
use pipeline::{
    account::Account,
    clock::Clock,
    config::{self, Config, Layers, Source},
    engine,
    epoch::Intake,
    recover::{self, Ground, Standing},
    snapshots::{Marks, Snapshots},
    workers::Workers,
};
use sinks::{
    Binding, Committer, Digest, Output, disk,
    snapshot::{self, StateDigest, Stored},
};
use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread::JoinHandle,
    time::Duration,
};

/// The epoch loop on its thread.
pub(crate) type Running = JoinHandle<std::result::Result<(), pipeline::Error>>;

/// People observed.
const PEOPLE: u64 = 20_000;
/// Event time between two observations of a person while the state is made.
const BETWEEN: Micros = 60 * SECOND;
/// Spreads people over an epoch; a prime, so everybody has a turn before anybody has the next.
const STRIDE: u64 = 7_919;
/// How long the log may take to hand out what stands on it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The defaults with `values` on top, everything below `dir`.
pub(crate) fn config(dir: &Path, values: &[(&str, &str)]) -> Result<Config> {
    let mut layers = Layers::defaults();
    let dir = dir.to_str().context("the directory's name is not UTF-8: name another with --dir")?;
    for (key, value) in [("data_dir", dir)].iter().chain(values) {
        layers.set_text(key, value, Source::Flag("bench".into()))?;
    }
    Ok(config::load(layers)?.config)
}

/// Opens the embedded log of `config` for a new start.
pub(crate) fn ground(config: &Config) -> Result<Ground> {
    let log = Arc::new(Embedded::open(&config.log.embedded)?);
    Ok(Ground::new(log, disk::machine(), Arc::default()))
}

/// The program's epoch loop on a thread of its own, over `log`; it ends when [`engine::Shared::stop`] is set.
pub(crate) fn program(config: &Config, log: eventlog::Shared) -> Result<(engine::Shared, Running)> {
    let shared = engine::Shared {
        log,
        shelf: Arc::new(Shelf::default()),
        readiness: Arc::new(Readiness::new(State::Starting { detail: "benchmark".into() })),
        metrics: Arc::new(Metrics::new()),
        account: Arc::new(Account::default()),
        told: Arc::default(),
        disk: disk::machine(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let (theirs, options) = (shared.clone(), config.clone());
    let thread = std::thread::Builder::new().name("epochs".into());
    let thread = thread.spawn(move || engine::run(&options, &theirs))?;
    Ok((shared, thread))
}

/// Where a temporary directory is made.
pub(crate) fn temporary(parent: Option<&Path>) -> Result<tempfile::TempDir> {
    let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
    tempfile::tempdir_in(&parent).with_context(|| format!("no directory in {}", parent.display()))
}

/// The middle of `values`, or the mean of the two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    f64::midpoint(low, high)
}

/// A computed epoch.
pub(crate) struct Done {
    pub(crate) binding: Binding,
    pub(crate) output: Output,
    tally: Tally,
    /// Whether a snapshot of the state after it is being taken.
    pub(crate) snapshot: bool,
}

/// What stands between log and committer.
pub(crate) struct Stand {
    config: Config,
    pub(crate) intake: Intake,
    pub(crate) workers: Workers,
    pub(crate) account: Arc<Account>,
    pub(crate) next: Epoch,
    clock: Clock,
}

impl Stand {
    /// Starts as the program does.
    pub(crate) fn start(config: &Config, ground: &Ground) -> Result<(Self, Committer)> {
        let account = Arc::new(Account::default());
        let standing = recover::recover(config, ground, &mut |step| step.count(&account))?;
        let Standing { intake, workers, committer, next, now_us, .. } = standing;
        let (config, clock) = (config.clone(), Clock::from(now_us));
        Ok((Self { config, intake, workers, account, next, clock }, committer))
    }

    /// Reads until `records` more are there.
    pub(crate) fn read(&mut self, records: u64) -> Result<()> {
        let mut left = records;
        while left > 0 {
            let read = self.intake.poll(&self.config.epoch, PATIENCE)? as u64;
            ensure!((1..=left).contains(&read), "{read} records came, {left} are missing");
            left -= read;
        }
        Ok(())
    }

    /// Computes what was read as one epoch.
    pub(crate) fn compute(&mut self) -> Result<Done> {
        let (binding, records) = self.intake.cut(self.next, self.clock.now());
        self.next += 1;
        self.workers.feed(binding.epoch, recover::tick(&binding), records)?;
        let (output, tally) = self.workers.collect(binding.epoch)?;
        Ok(Done { binding, output, tally, snapshot: false })
    }

    /// Digest and number of the entries that the steps remember; no snapshot may be under way.
    pub(crate) fn state(&self) -> Result<(Digest, u64)> {
        let slices = self.workers.slices();
        let epoch = self.next.checked_sub(1).context("nothing was computed yet")?;
        self.workers.export_from(epoch, self.config.snapshot.slice_bytes)?;
        let (mut state, mut left) = (StateDigest::default(), self.workers.count());
        while left > 0 {
            let slice = slices.recv().context("the workers ended")?;
            slice.exports.iter().for_each(|export| state.add_export(export));
            left -= usize::from(slice.last);
        }
        Ok((state.finish(), state.entries()))
    }
}

/// Commits `done`, counts it, and says so to the snapshot that waits for it.
pub(crate) fn commit(
    committer: &mut Committer,
    account: &Account,
    marks: Option<&Marks>,
    done: Done,
) -> Result<()> {
    let Done { binding, output, tally, snapshot } = done;
    let (epoch, records) = (binding.epoch, binding.n_in);
    committer.commit(binding, &output)?;
    let counts = account.committed(epoch, records, &output, tally);
    if let Some(marks) = marks.filter(|_| snapshot) {
        marks.committed(committer.mark(serde_json::to_value(counts)?)?);
    }
    Ok(())
}

/// Observations of the same people again and again, written as they are asked for.
pub(crate) struct People {
    users: Vec<UserId>,
    writer: Box<dyn Writer>,
    partitions: u32,
    written: u64,
    now: Micros,
}

impl People {
    fn new(config: &Config, ground: &Ground) -> Result<Self> {
        let users = (0..PEOPLE).map(|person| UserId::derive(&["bench", &person.to_string()])).collect();
        let (writer, partitions) = (ground.means.log.writer("bench-people")?, config.log.partitions);
        Ok(Self { users, writer, partitions, written: 0, now: START })
    }

    /// Writes one observation each of the next `records` people, `passes` of event time after the last.
    pub(crate) fn write(&mut self, records: u64, passes: Micros) -> Result<()> {
        self.now += passes;
        let Self { users, partitions, now, .. } = self;
        let drafts = (self.written..self.written + records).map(|number| {
            let person = number.wrapping_mul(STRIDE) % PEOPLE;
            // One in fifty stays ill: an alert stands for each of them.
            devices::vitals(users[person as usize], number, *now, person.is_multiple_of(50), *partitions)
        });
        self.written += devices::write(&mut *self.writer, drafts)?;
        Ok(())
    }
}

/// A pipeline that remembers many events, and has a snapshot of them.
pub(crate) struct Full {
    pub(crate) stand: Stand,
    pub(crate) committer: Committer,
    pub(crate) snapshots: Snapshots,
    pub(crate) people: People,
    pub(crate) stored: Stored,
}

/// Makes a state of at least `entries` entries and takes a snapshot of it; the lake holds every row then.
pub(crate) fn fill(config: &Config, ground: &Ground, entries: u64) -> Result<Full> {
    let (mut stand, mut committer) = Stand::start(config, ground)?;
    let mut people = People::new(config, ground)?;
    let rounds = entries.div_ceil(PEOPLE);
    for round in 0..rounds {
        people.write(PEOPLE, BETWEEN)?;
        stand.read(PEOPLE)?;
        let done = stand.compute()?;
        let vitals = done.output.vitals.len();
        ensure!(vitals as u64 == PEOPLE, "{vitals} observations came of {PEOPLE}");
        if round + 1 < rounds {
            commit(&mut committer, &stand.account, None, done)?;
        } else {
            committer.drain(done.binding.clone(), &done.output)?;
            stand.account.committed(done.binding.epoch, done.binding.n_in, &done.output, done.tally);
        }
    }
    let (options, disk) = (&config.snapshot, &ground.means.disk);
    let metrics = Arc::new(Metrics::new());
    let mut snapshots =
        Snapshots::start(options, Arc::clone(disk), &stand.workers, committer.incarnation(), metrics);
    let epoch = stand.next - 1;
    snapshots.begin(epoch, &stand.workers)?;
    let mark = committer.mark(serde_json::to_value(stand.account.counts())?)?;
    snapshots.marks().committed(mark);
    snapshots.wait();
    let stored = snapshot::newest(disk, &options.dir, |_| true)?.stored;
    let stored = stored.filter(|stored| stored.epoch() == epoch).context("no snapshot was taken")?;
    ensure!(stored.entries >= entries, "the snapshot holds {} entries, not {entries}", stored.entries);
    Ok(Full { stand, committer, snapshots, people, stored })
}

/// Bytes of all files below `dir`.
pub(crate) fn bytes(dir: &Path) -> Result<u64> {
    std::fs::read_dir(dir)?.try_fold(0, |sum, entry| {
        let entry = entry?;
        let below = if entry.file_type()?.is_dir() { bytes(&entry.path())? } else { entry.metadata()?.len() };
        Ok(sum + below)
    })
}
