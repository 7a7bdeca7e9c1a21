//! The timely workers: each gets its share of every epoch and gives back what came of it.
//!
//! # Invariants
//! - Epochs are fed in order; every worker is told of every epoch, so every worker steps.
//! - The records of one partition always go to the same worker, in offset order.
//! - What [`Workers::collect`] gives is complete: the probe of every worker had passed the epoch.

use crate::{Error, dataflow, epoch::Records};
use crossbeam_channel::{Receiver, Sender, bounded};
use eventlog::Record;
use model::{Epoch, Micros};
use operators::sequence::Tally;
use serde::Deserialize;
use sinks::Output;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use timely::{
    communication::WorkerGuards,
    dataflow::{
        InputHandleVec as InputHandle,
        operators::{probe::Handle as Probe, vec::Input},
    },
    worker::Worker,
};

/// How many workers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Worker threads.
    pub count: usize,
}

/// A worker's share of an epoch.
struct Job {
    epoch: Epoch,
    now_us: Micros,
    records: Vec<Record>,
}

/// What a worker made of it.
struct Part {
    epoch: Epoch,
    output: Output,
    tally: Tally,
}

/// Running workers; they stop when this is dropped.
pub struct Workers {
    // Dropped in this order: without jobs the workers end, and nothing keeps them from it; then they
    // are joined.
    jobs: Vec<Sender<Job>>,
    parts: Receiver<Part>,
    _guards: WorkerGuards<()>,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Workers({})", self.jobs.len())
    }
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// [`Error::Workers`] if the threads cannot be started.
    pub fn start(options: &Options, graph: &dataflow::Options) -> Result<Self, Error> {
        // One epoch is computed at a time; the second place lets its records wait beside it.
        let (jobs, inboxes): (Vec<_>, Vec<_>) = (0..options.count).map(|_| bounded::<Job>(2)).unzip();
        let (outbox, parts) = bounded(2 * options.count);
        let inboxes = Mutex::new(inboxes.into_iter().map(Some).collect::<Vec<_>>());
        let graph = Arc::new(graph.clone());
        let guards = timely::execute(timely::Config::process(options.count), move |worker| {
            let mut inboxes = inboxes.lock().unwrap_or_else(PoisonError::into_inner);
            let inbox = inboxes[worker.index()].take().expect("each worker starts once");
            drop(inboxes);
            work(worker, &inbox, &outbox, &graph);
        });
        Ok(Self { jobs, parts, _guards: guards.map_err(Error::Workers)? })
    }

    /// Gives every worker its share of an epoch.
    pub fn feed(&self, epoch: Epoch, now_us: Micros, records: Records) -> Result<(), Error> {
        let mut shares: Vec<Vec<Record>> = self.jobs.iter().map(|_| Vec::new()).collect();
        for ((input, partition), records) in records {
            let home = (input as usize + partition as usize) % shares.len();
            shares[home].extend(records);
        }
        for (job, records) in self.jobs.iter().zip(shares) {
            job.send(Job { epoch, now_us, records }).map_err(|_| gone())?;
        }
        Ok(())
    }

    /// Waits for all workers to finish `epoch`, and puts their parts together.
    pub fn collect(&self, epoch: Epoch) -> Result<(Output, Tally), Error> {
        let (mut outputs, mut tally) = (Vec::new(), Tally::default());
        for _ in &self.jobs {
            let part = self.parts.recv().map_err(|_| gone())?;
            assert_eq!(part.epoch, epoch, "one epoch is computed at a time");
            outputs.push(part.output);
            tally += part.tally;
        }
        Ok((Output::merge(outputs), tally))
    }
}

fn gone() -> Error {
    Error::Workers("a worker thread ended; its panic message says why".into())
}

/// One worker: builds the graph, then feeds, steps and gives back, epoch by epoch.
fn work(worker: &mut Worker, inbox: &Receiver<Job>, outbox: &Sender<Part>, graph: &dataflow::Options) {
    let (mut records, mut now) = (InputHandle::<Epoch, Record>::new(), InputHandle::<Epoch, Micros>::new());
    let probe = Probe::new();
    let results = worker.dataflow(|scope| {
        let (records, now) = (scope.input_from(&mut records), scope.input_from(&mut now));
        dataflow::build(records, now, graph, &probe)
    });
    while let Ok(job) = inbox.recv() {
        records.advance_to(job.epoch);
        now.advance_to(job.epoch);
        now.send(job.now_us);
        for record in job.records {
            records.send(record);
        }
        records.advance_to(job.epoch + 1);
        now.advance_to(job.epoch + 1);
        while probe.less_than(&(job.epoch + 1)) {
            worker.step_or_park(Some(Duration::from_millis(1)));
        }
        let (output, tally) = results.take(job.epoch);
        if outbox.send(Part { epoch: job.epoch, output, tally }).is_err() {
            break;
        }
    }
}
