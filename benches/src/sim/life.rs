//! One life of the pipeline: a start, turns in an order drawn from a seed, and an end that may come at any moment.
//!
//! The parts are those of the program: intake, workers, committer, snapshots; only the threads that drive them
//! there are missing. A life ends when its power or its process does, or with an error the program would end
//! with; what is wrong in itself is a [`Failure`].

use super::{
    dice::Dice,
    plan::Life,
    question::Question,
    world::{Failure, World},
};
use eventlog::sim::Call;
use model::{Epoch, Micros, state::StepVersion, time::SECOND};
use operators::sequence::Tally;
use pipeline::{
    account::{Account, Counts},
    epoch::Intake,
    recover::{self, Standing, Step},
    workers::Workers,
};
use sinks::{
    Binding, Committer, Output,
    snapshot::{Draft, Mark},
};
use std::{collections::VecDeque, time::Duration};

/// Epochs that may be computed while an older one commits.
const QUEUE: usize = 4;
/// Turns without progress after which nothing more is expected to come.
const PATIENCE: u32 = 300;

/// How a life ended.
pub(crate) enum Ended {
    /// Killed, or stopped by an error that a start gets over.
    Early,
    /// Everything that was sent was committed.
    Done(Box<Rest>),
}

/// What is left in memory at the end.
pub(crate) struct Rest {
    pub(crate) workers: Workers,
    pub(crate) counts: Counts,
    pub(crate) last: Epoch,
}

struct Computed {
    binding: Binding,
    output: Output,
    tally: Tally,
}

/// A snapshot under way.
struct Taking {
    epoch: Epoch,
    draft: Option<Draft>,
    left: usize,
    mark: Option<Mark>,
}

struct Alive<'a> {
    world: &'a mut World,
    dice: Dice,
    intake: Intake,
    workers: Workers,
    steps: Vec<StepVersion>,
    committer: Committer,
    account: Account,
    queue: VecDeque<Computed>,
    taking: Option<Taking>,
    question: Option<Question>,
    next: Epoch,
    now_us: Micros,
    committed: Option<Epoch>,
}

/// Why a life stopped, if not by being done.
enum Stop {
    /// The program would end with this error.
    Error(pipeline::Error),
    /// This must not be.
    Wrong(Failure),
}

impl<E: Into<pipeline::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Lives `life` in `world`.
pub(crate) fn live(world: &mut World, life: &Life) -> Result<Ended, Failure> {
    world.begin(life);
    let ended = match start(world, life).and_then(Alive::run) {
        Ok(ended) => Ok(ended),
        Err(Stop::Wrong(failure)) => Err(failure),
        Err(Stop::Error(error)) if world.is_over() || is_expected(&error) => {
            world.said = Some(error.to_string());
            Ok(Ended::Early)
        }
        Err(Stop::Error(error)) => {
            let refused = world.refused.join("; ");
            Err(Failure::new(format!("the program ended with: {error}; snapshots refused: [{refused}]")))
        }
    };
    world.end(life);
    ended
}

/// Whether faults of log and disk explain an error: the program says it and a start gets over it.
fn is_expected(error: &pipeline::Error) -> bool {
    use sinks::Error as Sinks;
    match error {
        pipeline::Error::Log(_) => true,
        pipeline::Error::Commit(error) => {
            matches!(
                error,
                Sinks::Log(_) | Sinks::Uncommitted { .. } | Sinks::Disk { .. } | Sinks::OutboxFull { .. }
            )
        }
        _ => false,
    }
}

fn start<'a>(world: &'a mut World, life: &Life) -> Result<Alive<'a>, Stop> {
    let account = Account::default();
    let config = world.config(life.workers);
    let (mut committed, mut refused) = (None, Vec::new());
    let ground = world.ground(life.seed);
    let standing = recover::recover(&config, &ground, &mut |step| {
        step.count(&account);
        if let Step::Refused(why) = step {
            refused.push(why.to_owned());
        }
    });
    world.refused = refused;
    let standing = standing?;
    let Standing { intake, workers, committer, next, now_us, .. } = standing;
    if next > 0 {
        committed = Some(next - 1);
    }
    let steps = workers.steps().to_vec();
    Ok(Alive {
        dice: Dice::new(life.seed),
        world,
        intake,
        workers,
        steps,
        committer,
        account,
        queue: VecDeque::new(),
        taking: None,
        question: None,
        next,
        now_us,
        committed,
    })
}

impl Alive<'_> {
    fn run(mut self) -> Result<Ended, Stop> {
        let mut idle = 0;
        loop {
            if self.world.turn_is_last() {
                return Ok(Ended::Early);
            }
            if self.turn()? {
                idle = 0;
            } else {
                idle += 1;
            }
            let read = self.world.is_all_sent() && self.is_read()?;
            if read && self.queue.is_empty() && idle > 12 {
                // With nothing left to do a life that was to end by accident just ends.
                return if self.world.never_ends() { self.drain() } else { Ok(Ended::Early) };
            }
            if idle > PATIENCE {
                let (sent, queue) = (self.world.is_all_sent(), self.queue.len());
                let what =
                    format!("nothing comes to an end: {:?}, all sent {sent}, {queue} computed", self.intake);
                return Err(Stop::Wrong(Failure::new(what)));
            }
        }
    }

    /// One turn; whether anything happened.
    fn turn(&mut self) -> Result<bool, Stop> {
        let passes = match self.dice.below(10) {
            0..7 => self.dice.within(20..400),
            7..9 => self.dice.within(400..2_000),
            _ => self.dice.within(2_000..12_000),
        };
        let arrived = self.world.pass(passes);
        let polled = self.intake.poll(&self.world.config(1).epoch, Duration::ZERO)?;
        if self.dice.permille(200) {
            self.intake.look_ahead()?;
            self.intake.grow()?;
        }
        let computed = self.queue.len() < QUEUE && self.dice.permille(if polled > 0 { 700 } else { 250 });
        if computed {
            self.compute()?;
        }
        while self.queue.len() == QUEUE || (!self.queue.is_empty() && self.dice.permille(500)) {
            self.commit()?;
        }
        self.snapshot()?;
        if self.dice.permille(40) {
            self.world.weather(&mut self.dice);
        }
        if self.dice.permille(30) {
            self.committer.collect_garbage(self.world.now_us())?;
        }
        if self.dice.permille(100) {
            self.ask()?;
        }
        Ok(arrived > 0 || polled > 0)
    }

    /// A query ends, and the next one begins.
    fn ask(&mut self) -> Result<(), Stop> {
        let now = self.world.now_us();
        if let Some(question) = self.question.take() {
            question.answer(&self.world.disk(), now, self.world.garbage_age_us()).map_err(Stop::Wrong)?;
        }
        self.question = Some(Question { asked: now, snapshot: self.world.shelf.take() });
        Ok(())
    }

    fn is_read(&mut self) -> Result<bool, Stop> {
        self.intake.look_ahead()?;
        // A partition that was added since is not read either; the dice may never have let the intake look for it.
        Ok(self.intake.is_read() && self.intake.grow()? == 0)
    }

    fn bind(&mut self) -> (Binding, pipeline::epoch::Records) {
        self.now_us = self.now_us.max(self.world.now_us());
        let epoch = self.next;
        self.next += 1;
        self.intake.cut(epoch, self.now_us)
    }

    fn compute(&mut self) -> Result<(), Stop> {
        let (binding, records) = self.bind();
        let epoch = binding.epoch;
        self.workers.feed(epoch, recover::tick(&binding), records)?;
        let (output, tally) = self.workers.collect(epoch)?;
        if binding.n_in == 0 && output.is_empty() && tally == Tally::default() {
            return Ok(());
        }
        self.queue.push_back(Computed { binding, output, tally });
        if self.taking.is_none() && self.dice.permille(150) {
            let options = self.world.snapshots(&mut self.dice);
            let draft = Draft::begin(&self.world.disk(), &options, epoch, self.committer.incarnation());
            self.workers.export_from(epoch, options.slice_bytes)?;
            self.taking = Some(Taking { epoch, draft: draft.ok(), left: self.workers.count(), mark: None });
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Stop> {
        let Some(Computed { binding, output, tally }) = self.queue.pop_front() else { return Ok(()) };
        if self.world.dies_at_this_commit() {
            // In front of the log, behind it, or while it is asked.
            match self.dice.below(4) {
                0 => self.world.kill(),
                1 => self.world.script_unanswered(),
                2 => self.world.script_error(Call::Send),
                _ => self.world.kill_disk_soon(&mut self.dice),
            }
        }
        self.committer.commit(binding.clone(), &output)?;
        self.account.committed(binding.epoch, binding.n_in, &output, tally);
        self.committed = Some(binding.epoch);
        if let Some(taking) = self.taking.as_mut().filter(|taking| taking.epoch == binding.epoch) {
            taking.mark = Some(mark(&mut self.committer, &self.account)?);
        }
        Ok(())
    }

    /// Goes on with the snapshot under way.
    fn snapshot(&mut self) -> Result<(), Stop> {
        let Some(taking) = &mut self.taking else { return Ok(()) };
        if taking.left > 0 && self.dice.permille(600) {
            for slice in self.workers.export()? {
                if slice.epoch != taking.epoch {
                    continue;
                }
                taking.left -= usize::from(slice.last);
                if let Some(draft) = &mut taking.draft
                    && draft.add(slice.exports).is_err()
                    && let Some(draft) = taking.draft.take()
                {
                    draft.abandon();
                }
            }
        }
        self.finish_snapshot();
        Ok(())
    }

    fn finish_snapshot(&mut self) {
        let early = model::planted::is(model::planted::Bug::SnapshotUncommitted);
        let ready = |taking: &mut Taking| taking.left == 0 && (taking.mark.is_some() || early);
        let Some(Taking { epoch, draft: Some(draft), mark, .. }) = self.taking.take_if(ready) else { return };
        let mark = mark.or_else(|| self.mark_of(epoch));
        let Some(mark) = mark else { return };
        // A disk that fails takes a snapshot with it and nothing else.
        if draft.finish(&mark, &self.steps).is_ok() {
            self.world.snapshot_taken(&mark);
        }
    }

    /// The mark of an epoch that is not committed: what the planted bug believes.
    fn mark_of(&mut self, epoch: Epoch) -> Option<Mark> {
        let mut mark = mark(&mut self.committer, &self.account).ok()?;
        let computed = self.queue.iter().find(|computed| computed.binding.epoch == epoch)?;
        mark.binding = computed.binding.clone();
        Some(mark)
    }

    fn drain(mut self) -> Result<Ended, Stop> {
        while let Some(Computed { binding, output, tally }) = self.queue.pop_front() {
            self.committer.commit(binding.clone(), &output)?;
            self.account.committed(binding.epoch, binding.n_in, &output, tally);
        }
        self.world.calm();
        self.world.pass(60 * SECOND as u64 / 1_000);
        let (binding, records) = self.bind();
        self.workers.feed(binding.epoch, recover::tick(&binding), records)?;
        let (output, tally) = self.workers.collect(binding.epoch)?;
        let last = binding.epoch;
        let committed = self.committer.drain(binding.clone(), &output)?;
        if let Some(lag) = committed.lake_lag {
            return Err(Stop::Wrong(Failure::new(format!(
                "the lake is behind although nothing fails: {}",
                lag.reason
            ))));
        }
        self.account.committed(binding.epoch, binding.n_in, &output, tally);
        Ok(Ended::Done(Box::new(Rest { counts: self.account.counts(), workers: self.workers, last })))
    }
}

fn mark(committer: &mut Committer, account: &Account) -> Result<Mark, Stop> {
    let counts = serde_json::to_value(account.counts()).expect("counts are integers");
    Ok(committer.mark(counts)?)
}
