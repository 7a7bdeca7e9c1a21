//! What outlives a process: brokers, disk, time, and what is still on its way to the log.

use super::{
    dice::Dice,
    plan::{End, Life, Plan},
    traffic::{self, START, Sent},
};
use eventlog::{
    Error as LogError, Record, TopicPartition,
    sim::{Call, End as LogEnd, Faults, Sim},
};
use model::{Input, Micros, time::SECOND, view::Shelf};
use pipeline::{
    config::{self, Config, Layers, Source},
    recover::Ground,
};
use sinks::{
    Hand, Means,
    disk::{
        self,
        sim::{Fault, SimDisk},
    },
    snapshot::{self, Mark},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) what: String,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// Everything appended to the inputs, by partition: it stands here even if retention takes it from the log.
pub(crate) type Inputs = BTreeMap<(Input, u32), Vec<Record>>;

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) sim: Sim,
    pub(crate) disk: SimDisk,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) inputs: Inputs,
    base: Config,
    waiting: VecDeque<Sent>,
    now_us: Micros,
    /// What passed since [`START`], in microseconds: by it the lake is written, and left alone after a failure.
    passed_us: Arc<AtomicU64>,
    grown: bool,
    end: End,
    turns: u64,
    commits: u64,
    over: bool,
    /// The last error a life ended with.
    pub(crate) said: Option<String>,
    /// Snapshots the newest start passed over, and why.
    pub(crate) refused: Vec<String>,
    marks: Vec<Mark>,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let sim = Sim::new(plan.seed, Faults::default());
        let base = config(plan);
        let world = Self {
            sim,
            disk: SimDisk::new(plan.seed),
            shelf: Arc::new(Shelf::default()),
            inputs: Inputs::new(),
            base,
            waiting: traffic::traffic(plan).into(),
            now_us: START,
            passed_us: Arc::default(),
            grown: false,
            end: End::Never,
            turns: 0,
            commits: 0,
            over: false,
            said: None,
            refused: Vec::new(),
            marks: Vec::new(),
            plan: plan.clone(),
        };
        let topics = pipeline::engine::inputs(plan.partitions);
        eventlog::Log::ensure_topics(&world.sim, &topics).expect("nothing fails yet");
        world
    }

    /// A life begins.
    pub(crate) fn begin(&mut self, life: &Life) {
        (self.end, self.turns, self.commits, self.over) = (life.end, 0, 0, false);
        self.shelf = Arc::new(Shelf::default());
        if life.end == End::Never {
            self.calm();
        } else {
            self.sim.set_faults(self.plan.faults());
            if let End::Disk(operations) = life.end {
                self.disk.stop_at(self.disk.operations() + operations);
            }
        }
    }

    /// A life is over: what it had in memory is gone, and with the power what was not synced.
    pub(crate) fn end(&mut self, life: &Life) {
        self.sim.kill();
        if life.power && life.end != End::Never {
            self.disk.crash();
        } else {
            self.disk.kill();
        }
        if self.plan.rot && life.end != End::Never {
            self.disk.heal();
            self.spoil_newest_snapshot(life.seed);
        }
    }

    /// Nothing goes wrong any more.
    pub(crate) fn calm(&mut self) {
        self.sim.set_faults(Faults {
            reuse_after_doubt: model::planted::is(model::planted::Bug::ReuseWriter),
            ..Faults::default()
        });
        self.disk.heal();
    }

    pub(crate) fn config(&self, workers: usize) -> Config {
        let mut config = self.base.clone();
        config.workers.count = workers;
        config
    }

    pub(crate) fn ground(&self, seed: u64) -> Ground {
        // The lake's disk is as slow as the seed has it.
        let hand = Hand::Own(u32::try_from(seed % 7).unwrap_or_default());
        Ground { means: Means { hand, ..self.means() }, seed: Some(seed), before: None }
    }

    pub(crate) fn means(&self) -> Means {
        let passed_us = Arc::clone(&self.passed_us);
        Means {
            log: Arc::new(self.sim.clone()),
            disk: self.disk(),
            shelf: Arc::clone(&self.shelf),
            similar: operators::similar::Book::follow,
            hand: Hand::Own(0),
            clock: Arc::new(move || Duration::from_micros(passed_us.load(Ordering::Relaxed))),
        }
    }

    pub(crate) fn disk(&self) -> disk::Shared {
        Arc::new(self.disk.clone())
    }

    pub(crate) fn snapshots(&self, dice: &mut Dice) -> snapshot::Options {
        snapshot::Options { slice_bytes: dice.within(1..3_000) as usize, ..self.base.snapshot.clone() }
    }

    /// Lets time pass and appends what arrives meanwhile; gives the number of records.
    pub(crate) fn pass(&mut self, ms: u64) -> usize {
        self.sim.advance(ms);
        self.now_us += ms as Micros * 1_000;
        self.disk.set_now(self.now_us);
        self.passed_us.fetch_add(ms * 1_000, Ordering::Relaxed);
        let mut arrived = 0;
        while self.waiting.front().is_some_and(|(at, _)| *at <= self.now_us) {
            let Some((_, draft)) = self.waiting.pop_front() else { break };
            self.append(draft);
            arrived += 1;
        }
        if self.plan.growth && !self.grown && self.waiting.len() < 50 {
            self.grown = true;
            self.sim.add_partitions(Input::Vitals.topic(), 1).expect("the topic is there");
        }
        arrived
    }

    fn append(&mut self, mut draft: eventlog::Draft) {
        let input = Input::named(&draft.topic).expect("traffic goes to the inputs");
        if self.grown && input == Input::Vitals && draft.timestamp_ms % 3 == 0 {
            draft.partition = self.plan.partitions;
        }
        let (topic, partition) = (Arc::clone(&draft.topic), draft.partition);
        let eventlog::Draft { timestamp_ms, key, value, headers, .. } = draft.clone();
        let offset = self.sim.append(draft).expect("the partition is there");
        let record = Record { topic, partition, offset, timestamp_ms, key, value, headers };
        self.inputs.entry((input, partition)).or_default().push(record);
    }

    /// What still holds the brokers up passes.
    pub(crate) fn rest(&mut self) {
        self.calm();
        self.pass(45_000);
    }

    /// The life goes on beyond its end.
    pub(crate) fn survive(&mut self) {
        self.end = End::Never;
        self.disk.stop_at(u64::MAX);
        self.rest();
    }

    pub(crate) const fn now_us(&self) -> Micros {
        self.now_us
    }

    pub(crate) fn is_all_sent(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the life's process is gone.
    pub(crate) fn is_over(&self) -> bool {
        self.over || self.disk.stopped()
    }

    pub(crate) fn never_ends(&self) -> bool {
        self.end == End::Never
    }

    pub(crate) fn turn_is_last(&mut self) -> bool {
        self.turns += 1;
        matches!(self.end, End::Turn(last) if self.turns > last) || self.is_over()
    }

    pub(crate) fn dies_at_this_commit(&mut self) -> bool {
        self.commits += 1;
        matches!(self.end, End::Log(last) if self.commits == last)
    }

    pub(crate) fn kill(&mut self) {
        self.over = true;
        self.sim.kill();
    }

    /// The answer to the next request to end a transaction is the last thing that does not come.
    pub(crate) fn script_unanswered(&mut self) {
        self.over = true;
        self.sim.next_end(LogEnd::ReplyLost);
    }

    pub(crate) fn script_error(&mut self, call: Call) {
        self.sim.next_error(call, LogError::Stopped { reason: "simulated".into() });
    }

    pub(crate) fn kill_disk_soon(&mut self, dice: &mut Dice) {
        self.disk.stop_at(self.disk.operations() + dice.within(1..30));
    }

    /// Something happens to the disk, or passes again.
    pub(crate) fn weather(&mut self, dice: &mut Dice) {
        if !self.plan.disk_faults || self.end == End::Never {
            return;
        }
        match dice.below(4) {
            0 => self.disk.budget(Some(self.disk.used() + dice.below(20_000))),
            1 => {
                let fault = [Fault::Io, Fault::Full, Fault::ReadOnly][dice.below(3) as usize];
                self.disk.fail_at(self.disk.operations() + dice.within(1..40), fault);
            }
            _ => self.disk.heal(),
        }
    }

    /// How long files that do not count any more stay.
    pub(crate) fn garbage_age_us(&self) -> Micros {
        Micros::from(self.base.commit.lake.garbage_age_s) * SECOND
    }

    /// A snapshot counts: retention may take what no kept one needs.
    pub(crate) fn snapshot_taken(&mut self, mark: &Mark) {
        self.marks.push(mark.clone());
        // What can be spoilt may have to be passed over, and then more of the log is needed.
        if !self.plan.retention || self.plan.rot {
            return;
        }
        let Ok(kept) = snapshot::candidates(&self.disk(), &self.base.snapshot.dir) else { return };
        let usable = |known: &&Mark| kept.contains(&known.binding.epoch) && known.is_reached_by(mark.through);
        let Some(mark) = self.marks.iter().rev().find(usable) else { return };
        for range in &mark.binding.inputs {
            let place = TopicPartition::new(range.input.topic(), range.partition);
            self.sim.truncate(&place, range.hi).expect("the partition is there");
        }
    }

    fn spoil_newest_snapshot(&self, seed: u64) {
        let mut dice = Dice::new(seed);
        if dice.permille(500) {
            return;
        }
        let disk = self.disk();
        let Some(newest) =
            snapshot::candidates(&disk, &self.base.snapshot.dir).ok().and_then(|all| all.into_iter().max())
        else {
            return;
        };
        let (dir, prefix) = (&self.base.snapshot.dir, format!("{newest:020}"));
        let mut files = disk.list(dir).unwrap_or_default();
        files.retain(|file| file.starts_with(&prefix));
        files.sort();
        let Some(file) = files.get(dice.below(files.len() as u64) as usize) else { return };
        let path = dir.join(file);
        let mut bytes = disk.read(&path).unwrap_or_default();
        if bytes.is_empty() {
            return;
        }
        let at = dice.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.below(8);
        disk.write(&path, &bytes)
            .and_then(|()| disk.sync(&path))
            .expect("the disk is well between two lives");
    }
}

/// Everything small, so that a run of seconds meets what a service meets in days.
fn config(plan: &Plan) -> Config {
    let mut layers = Layers::defaults();
    let values = [
        ("data_dir", "sim".to_owned()),
        ("log.partitions", plan.partitions.to_string()),
        ("epoch.horizon_s", plan.horizon_s.to_string()),
        ("epoch.partition_idle_ms", "5000".into()),
        ("commit.retry_ms", "0".into()),
        ("commit.lake.flush_rows", "25".into()),
        ("commit.lake.flush_interval_ms", "5000".into()),
        ("commit.lake.compact_bytes", "100000".into()),
        ("commit.lake.garbage_age_s", "15".into()),
        ("pulse.window_s", "10".into()),
        ("pulse.hop_s", "5".into()),
        ("pulse.sequence.silence_s", "6".into()),
        ("pulse.sequence.forget_s", (plan.horizon_s + 5).to_string()),
        ("risk.news2.watch.raise_after_seconds", "3".into()),
        ("risk.news2.watch.clear_after_seconds", "4".into()),
        ("risk.pulse.clear_after_seconds", "4".into()),
    ];
    for (key, value) in values {
        layers.set_text(key, &value, Source::Flag("sim".into())).expect("the key is there");
    }
    config::load(layers).expect("the values fit").config
}
