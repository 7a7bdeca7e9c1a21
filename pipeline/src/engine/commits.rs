//! Commits epochs in order on a thread of its own, so that the next one is computed meanwhile.
//!
//! A commit that never answers ends the process: the client library can wait for ever, and what became of the
//! epoch is found out by the next start.

use super::Shared;
use crate::{
    Error,
    account::{Counts, Way},
    clock::wall,
    snapshots::Marks,
    watchdog::Watch,
};
use crossbeam_channel::{Receiver, Sender, bounded};
use model::Epoch;
use operators::sequence::Tally;
use sinks::{Binding, Committed, Committer, Output};
use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Epochs that may be computed while an older one commits.
const QUEUE: usize = 4;
/// Files that the lake does not count any more are looked for several times within the time they stay, and at
/// least so often.
const SWEEP: (u32, Duration) = (8, Duration::from_hours(1));

/// Below the first time from reading a record to its commit the pipeline keeps up, above the second it is overloaded.
const OVERLOADED: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10));

/// A computed epoch.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) binding: Binding,
    pub(super) output: Output,
    pub(super) tally: Tally,
    /// When its records were read, and how many at a time.
    pub(super) arrivals: Vec<(Instant, u64)>,
    /// When the workers were given it, and when they had computed it.
    pub(super) computed: (Instant, Instant),
    /// Whether a snapshot of the state after it is being taken.
    pub(super) snapshot: bool,
}

/// The thread, and the way to it.
#[derive(Debug)]
pub(super) struct Commits {
    queue: Option<Sender<Done>>,
    thread: Option<JoinHandle<Result<Committer, Error>>>,
    shared: Shared,
    marks: Marks,
    watch: Watch,
    /// Set to leave what waits uncommitted: somebody will find it uncommitted.
    leave: Arc<AtomicBool>,
}

impl Commits {
    pub(super) fn start(
        mut committer: Committer,
        shared: Shared,
        marks: Marks,
        (stall, garbage): (Duration, Duration),
    ) -> Self {
        let (queue, inbox): (_, Receiver<Done>) = bounded(QUEUE);
        let (theirs, marked, watch) = (shared.clone(), marks.clone(), Watch::over("a commit", stall));
        let again = watch.clone();
        committer.on_attempt(Box::new(move || again.again()));
        let (watching, leave) = (watch.clone(), Arc::new(AtomicBool::new(false)));
        let left = Arc::clone(&leave);
        let sweep_every = (garbage / SWEEP.0).min(SWEEP.1);
        let work = move || {
            let mut swept = Instant::now();
            for done in inbox {
                if left.load(Ordering::Acquire) {
                    break;
                }
                let watched = watching.busy();
                commit(&mut committer, &theirs, &marked, done)?;
                drop(watched);
                if swept.elapsed() >= sweep_every && committer.collect_garbage(wall())? {
                    swept = Instant::now();
                }
            }
            Ok(committer)
        };
        let thread = std::thread::Builder::new().name("commit".into()).spawn(work);
        let thread = thread.expect("the system starts one more thread");
        Self { queue: Some(queue), thread: Some(thread), shared, marks, watch, leave }
    }

    /// Hands an epoch over; waits while the queue is full.
    pub(super) fn send(&mut self, done: Done) -> Result<(), Error> {
        let queue = self.queue.as_ref().expect("the queue is open until the drain");
        if queue.send(done).is_err() {
            self.join()?;
        }
        Ok(())
    }

    /// Says whether the thread has failed.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.join()?;
        }
        Ok(())
    }

    /// Commits everything handed over, then `last` with all that waits for the lake.
    pub(super) fn drain(mut self, last: Done, snapshot: bool) -> Result<(), Error> {
        let mut committer = self.join()?;
        let Done { binding, output, tally, .. } = last;
        let _watched = self.watch.busy();
        let committed = committer.drain(binding.clone(), &output)?;
        count(&self.shared, &binding, &output, tally);
        tell(&self.shared, &committed);
        if snapshot {
            mark(&mut committer, &self.shared, &self.marks, binding.epoch);
        }
        Ok(())
    }

    fn join(&mut self) -> Result<Committer, Error> {
        self.queue = None;
        let thread = self.thread.take().expect("it is joined once");
        thread.join().unwrap_or_else(|_| {
            Err(Error::Workers("the commit thread panicked; its message says why".into()))
        })
    }
}

impl Drop for Commits {
    /// What is under way ends before anybody recovers: two writers of one id would fence each other, and what the
    /// first still commits would be counted twice.
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Release);
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Why it failed, if it did, is the lesser news: an error is on its way already.
            thread.join().map(drop).unwrap_or_default();
        }
    }
}

fn commit(committer: &mut Committer, shared: &Shared, marks: &Marks, done: Done) -> Result<(), Error> {
    let Done { binding, output, tally, arrivals, computed: (fed, collected), snapshot } = done;
    let begun = Instant::now();
    let oldest = arrivals.first().map(|(arrived, _)| *arrived);
    let committed = committer.commit(binding.clone(), &output)?;
    let visible = Instant::now();
    for (arrived, records) in arrivals {
        let way = Way {
            wait: fed.saturating_duration_since(arrived),
            compute: collected.saturating_duration_since(fed),
            commit: visible.saturating_duration_since(collected),
        };
        shared.account.visible(way, records);
        shared.metrics.event_to_commit(way.parts());
    }
    let behind = oldest.map_or(Duration::ZERO, |arrived| arrived.elapsed());
    if behind > OVERLOADED.1 || behind < OVERLOADED.0 {
        shared.readiness.set_overloaded(behind > OVERLOADED.1);
    }
    shared.metrics.committed(binding.epoch, begun.elapsed());
    count(shared, &binding, &output, tally);
    tell(shared, &committed);
    if snapshot {
        mark(committer, shared, marks, binding.epoch);
    }
    Ok(())
}

/// Lets the snapshot of the newest epoch count.
fn mark(committer: &mut Committer, shared: &Shared, marks: &Marks, epoch: Epoch) {
    let counts = serde_json::to_value(shared.account.counts()).expect("counts are integers");
    match committer.mark(counts) {
        Ok(mark) => marks.committed(mark),
        Err(error) => {
            tracing::error!(epoch, %error, "no snapshot was taken; a restart takes longer until one is");
            shared.metrics.snapshot_failed();
            marks.lost(epoch);
        }
    }
}

/// Counts a committed epoch where people and operators look.
pub(super) fn count(shared: &Shared, binding: &Binding, output: &Output, tally: Tally) {
    let counts = shared.account.committed(binding.epoch, binding.n_in, output, tally);
    tell_counts(shared, &counts);
    let snapshot = shared.shelf.take();
    shared.metrics.progress(&snapshot.progress);
}

/// Turns the meters on to `counts`; they never go back, a recovery counts again what they hold already.
pub(super) fn tell_counts(shared: &Shared, counts: &Counts) {
    let mut told = shared.told.lock().unwrap_or_else(PoisonError::into_inner);
    let metrics = &shared.metrics;
    let grown = |get: fn(&Counts) -> i64| u64::try_from(get(counts) - get(&told)).unwrap_or(0);
    metrics.packets_in(grown(|counts| counts.tally.packets));
    metrics.packets_out(grown(Counts::used));
    metrics.duplicates(grown(|counts| counts.tally.duplicates));
    metrics.lost(grown(|counts| counts.tally.lost));
    metrics.dead_letters(grown(|counts| counts.dead_letters));
    metrics.windows(grown(|counts| counts.revisions));
    metrics.alerts(grown(|counts| counts.changes));
    if counts.epochs > told.epochs {
        *told = *counts;
    }
}

fn tell(shared: &Shared, committed: &Committed) {
    shared.metrics.lake_lagging(committed.lake_lag.is_some());
}
