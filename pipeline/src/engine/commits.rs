//! Commits epochs in order on a thread of its own, so that the next one is computed meanwhile.

use super::Shared;
use crate::{Error, account::Counts};
use crossbeam_channel::{Receiver, Sender, bounded};
use operators::sequence::Tally;
use sinks::{Binding, Committed, Committer, Output};
use std::{thread::JoinHandle, time::Instant};

/// Epochs that may be computed while an older one commits.
const QUEUE: usize = 4;

/// A computed epoch.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) binding: Binding,
    pub(super) output: Output,
    pub(super) tally: Tally,
    /// When its records were read, and how many at a time.
    pub(super) arrivals: Vec<(Instant, u64)>,
}

/// The thread, and the way to it.
#[derive(Debug)]
pub(super) struct Commits {
    queue: Option<Sender<Done>>,
    thread: Option<JoinHandle<Result<Committer, Error>>>,
    shared: Shared,
}

impl Commits {
    pub(super) fn start(mut committer: Committer, shared: Shared) -> Self {
        let (queue, inbox): (_, Receiver<Done>) = bounded(QUEUE);
        let theirs = shared.clone();
        let work = move || {
            for done in inbox {
                commit(&mut committer, &theirs, done)?;
            }
            Ok(committer)
        };
        let thread = std::thread::Builder::new().name("commit".into()).spawn(work);
        let thread = thread.expect("the system starts one more thread");
        Self { queue: Some(queue), thread: Some(thread), shared }
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
    pub(super) fn drain(mut self, last: Done) -> Result<(), Error> {
        let mut committer = self.join()?;
        let Done { binding, output, tally, .. } = last;
        let committed = committer.drain(binding.clone(), &output)?;
        count(&self.shared, &binding, &output, tally);
        tell(&self.shared, &committed);
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

fn commit(committer: &mut Committer, shared: &Shared, done: Done) -> Result<(), Error> {
    let Done { binding, output, tally, arrivals } = done;
    let begun = Instant::now();
    let committed = committer.commit(binding.clone(), &output)?;
    for (arrived, records) in arrivals {
        shared.account.visible(arrived.elapsed(), records);
        shared.metrics.event_to_commit(arrived.elapsed());
    }
    shared.metrics.committed(binding.epoch, begun.elapsed());
    count(shared, &binding, &output, tally);
    tell(shared, &committed);
    Ok(())
}

/// Counts a committed epoch where people and operators look.
pub(super) fn count(shared: &Shared, binding: &Binding, output: &Output, tally: Tally) {
    let before = shared.account.counts();
    let after = shared.account.committed(binding.epoch, binding.n_in, output, tally);
    let metrics = &shared.metrics;
    let grown = |get: fn(&Counts) -> i64| u64::try_from(get(&after) - get(&before)).unwrap_or(0);
    metrics.packets_in(grown(|counts| counts.tally.packets));
    metrics.packets_out(grown(Counts::used));
    metrics.duplicates(grown(|counts| counts.tally.duplicates));
    metrics.lost(grown(|counts| counts.tally.lost));
    metrics.dead_letters(grown(|counts| counts.dead_letters));
    metrics.windows(output.windows.iter().filter(|(_, diff)| *diff > 0).count() as u64);
    metrics.alerts(output.changes.iter().filter(|(_, diff)| *diff > 0).count() as u64);
    let snapshot = shared.shelf.take();
    metrics.progress(&snapshot.progress);
}

fn tell(shared: &Shared, committed: &Committed) {
    shared.metrics.lake_lagging(committed.lake_lag.is_some());
}
