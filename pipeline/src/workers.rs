//! The timely workers: each gets its share of every epoch and gives back what came of it.
//!
//! # Invariants
//! - Epochs are fed in order; every worker is told of every epoch, so every worker steps.
//! - The records of one partition always go to the same worker, in offset order.
//! - What [`Workers::collect`] gives is complete: the probe of every worker had passed the epoch.
//! - State leaves as it was after the epoch that [`Workers::export_from`] named, while later ones are computed.

mod turns;
mod work;

use crate::{Error, dataflow, epoch::Records};
use crossbeam_channel::{Receiver, Sender, bounded};
use eventlog::Record;
use model::{
    Epoch, Tick,
    state::{Export, StepVersion},
};
use operators::{sequence::Tally, state::Unreadable};
use serde::Deserialize;
use sinks::Output;
use std::sync::{Arc, Mutex, PoisonError};
use timely::communication::WorkerGuards;
use turns::Turns;

/// How many workers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Worker threads.
    pub count: usize,
}

/// What a worker is told.
enum Order {
    /// Its share of an epoch.
    Feed(Job),
    /// Take over what belongs to you.
    Import(Arc<Export>),
    /// Begin to export the state as it is, so many bytes at a time: by yourself between epochs, or when told.
    Begin { epoch: Epoch, slice: usize, alone: bool },
    /// Export a slice.
    Slice,
}

/// A worker's share of an epoch.
struct Job {
    epoch: Epoch,
    tick: Tick,
    records: Vec<Record>,
}

/// What a worker made of it.
struct Part {
    epoch: Epoch,
    output: Output,
    tally: Tally,
}

/// A piece of the state of one worker.
#[derive(Debug)]
pub struct Slice {
    /// The state is that after this epoch.
    pub epoch: Epoch,
    /// What the worker's steps remembered.
    pub exports: Vec<Export>,
    /// Whether it was the worker's last.
    pub last: bool,
}

/// Running workers; they stop when this is dropped.
pub struct Workers {
    // Dropped in this order: without orders and turns the workers end, and nothing keeps them from it; then they
    // are joined.
    orders: Vec<Sender<Order>>,
    turns: Option<Mutex<Turns>>,
    parts: Receiver<Part>,
    imported: Receiver<Result<(), Unreadable>>,
    slices: Receiver<Slice>,
    steps: Vec<StepVersion>,
    _guards: WorkerGuards<()>,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Workers({})", self.orders.len())
    }
}

impl Workers {
    /// Starts them; they run side by side.
    ///
    /// # Errors
    /// [`Error::Workers`] if the threads cannot be started.
    pub fn start(options: &Options, graph: &dataflow::Options) -> Result<Self, Error> {
        Self::launch(options.count, graph, None)
    }

    /// Starts them so that one steps at a time, in an order drawn from `seed`: the same seed, the same run.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in_turns(options: &Options, graph: &dataflow::Options, seed: u64) -> Result<Self, Error> {
        Self::launch(options.count, graph, Some(seed))
    }

    fn launch(count: usize, graph: &dataflow::Options, seed: Option<u64>) -> Result<Self, Error> {
        // One epoch is computed at a time; the second place lets its records wait beside it.
        let (orders, inboxes): (Vec<_>, Vec<_>) = (0..count).map(|_| bounded::<Order>(2)).unzip();
        let (outbox, parts) = bounded(2 * count);
        let (answers, imported) = bounded(2 * count);
        // Nobody waits in front of it: who finds enough waiting keeps its slice, and there is a place more for each.
        let (away, slices) = bounded((work::WAITING + 1) * count);
        let (names, described) = bounded(count);
        let (turns, seats) = seed.map(|seed| turns::seats(count, seed)).unzip();
        let mut seats = seats.into_iter().flatten();
        let desks = inboxes.into_iter().map(|inbox| {
            Some(work::Desk {
                inbox,
                outbox: outbox.clone(),
                answers: answers.clone(),
                away: away.clone(),
                seat: seats.next(),
            })
        });
        let desks = Mutex::new(desks.collect::<Vec<_>>());
        let graph = Arc::new(graph.clone());
        let guards = timely::execute(timely::Config::process(count), move |worker| {
            let mut desks = desks.lock().unwrap_or_else(PoisonError::into_inner);
            let desk = desks[worker.index()].take().expect("each worker starts once");
            drop(desks);
            work::work(worker, &desk, &graph, &names);
        });
        let guards = guards.map_err(Error::Workers)?;
        let steps = described.recv().map_err(|_| gone())?;
        Ok(Self { orders, turns: turns.map(Mutex::new), parts, imported, slices, steps, _guards: guards })
    }

    /// The steps that keep state, ordered by name.
    pub fn steps(&self) -> &[StepVersion] {
        &self.steps
    }

    /// Where slices of the state arrive; workers wait for nobody to take them.
    pub fn slices(&self) -> Receiver<Slice> {
        self.slices.clone()
    }

    /// Number of workers.
    pub fn count(&self) -> usize {
        self.orders.len()
    }

    /// Gives every worker its share of an epoch.
    pub fn feed(&self, epoch: Epoch, tick: Tick, records: Records) -> Result<(), Error> {
        let mut shares: Vec<Vec<Record>> = self.orders.iter().map(|_| Vec::new()).collect();
        for ((input, partition), records) in records {
            let home = input.lane(partition) as usize % shares.len();
            shares[home].extend(records);
        }
        for (orders, records) in self.orders.iter().zip(shares) {
            orders.send(Order::Feed(Job { epoch, tick, records })).map_err(|_| gone())?;
        }
        Ok(())
    }

    /// Waits for all workers to finish `epoch`, and puts their parts together.
    pub fn collect(&self, epoch: Epoch) -> Result<(Output, Tally), Error> {
        if let Some(turns) = &self.turns {
            turns.lock().unwrap_or_else(PoisonError::into_inner).until_all_finish();
        }
        let (mut outputs, mut tally) = (Vec::new(), Tally::default());
        for _ in &self.orders {
            let part = self.parts.recv().map_err(|_| gone())?;
            assert_eq!(part.epoch, epoch, "one epoch is computed at a time");
            outputs.push(part.output);
            tally += part.tally;
        }
        Ok((Output::merge(outputs), tally))
    }

    /// Lets each worker take over the entries that belong to it; call it before the first epoch.
    ///
    /// # Errors
    /// [`Error::State`]; start other workers then.
    pub fn import(&self, export: Export) -> Result<(), Error> {
        let export = Arc::new(export);
        self.tell(|| Order::Import(Arc::clone(&export)))?;
        for _ in &self.orders {
            self.imported.recv().map_err(|_| gone())??;
        }
        Ok(())
    }

    /// Begins to export the state after `epoch`, the last that was collected, `slice` bytes at a time.
    ///
    /// Workers in turns export when [`Self::export`] tells them to, others between epochs.
    pub fn export_from(&self, epoch: Epoch, slice: usize) -> Result<(), Error> {
        let alone = self.turns.is_none();
        self.tell(|| Order::Begin { epoch, slice, alone })
    }

    /// Lets each worker in turns export a slice; gives what left, without what has nothing left.
    pub fn export(&self) -> Result<Vec<Slice>, Error> {
        let slice = |orders: &Sender<Order>| {
            orders.send(Order::Slice).map_err(|_| gone())?;
            self.slices.recv().map_err(|_| gone())
        };
        self.orders.iter().map(slice).collect()
    }

    fn tell(&self, order: impl Fn() -> Order) -> Result<(), Error> {
        self.orders.iter().try_for_each(|orders| orders.send(order()).map_err(|_| gone()))
    }
}

fn gone() -> Error {
    Error::Workers("a worker thread ended; its panic message says why".into())
}
