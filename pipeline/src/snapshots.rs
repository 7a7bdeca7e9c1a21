//! Takes snapshots beside the running pipeline: workers export in slices, a thread of its own writes them.
//!
//! ```text
//! epoch loop ──begin(S)──► workers ──slices──┐
//!          commit thread ──mark of S─────────┴──► this thread ──► DIR/<S>/…, MANIFEST last
//! ```
//!
//! # Invariants
//! - A snapshot counts only after its epoch was committed: the mark comes from the commit.
//! - Nothing here can delay or fail an epoch: a snapshot that cannot be written is given up, said, and tried again
//!   when the next is due.
//! - At most one is under way.

use crate::workers::{Slice, Workers};
use api::Metrics;
use crossbeam_channel::{Receiver, Sender, bounded, select_biased};
use model::{Epoch, state::StepVersion};
use sinks::{
    disk,
    snapshot::{Draft, Mark, Options},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Bytes that leave at a time when no epoch waits.
const HURRY: usize = 4 << 20;

/// What the thread is told.
#[derive(Debug)]
enum Word {
    /// The workers begin to export the state after this epoch.
    Begin(Epoch),
    /// The epoch was committed.
    Committed(Box<Mark>),
    /// The epoch was committed, and where it stands could not be found out.
    Unmarked(Epoch),
}

/// When snapshots are due, and the way to the thread that writes them.
#[derive(Debug)]
pub struct Snapshots {
    options: Options,
    words: Option<Sender<Word>>,
    thread: Option<JoinHandle<()>>,
    busy: Arc<AtomicBool>,
    /// When the last one began, and the input since.
    last: Instant,
    bytes: u64,
    records: u64,
}

/// Where the commit thread says that the epoch of a snapshot is committed.
#[derive(Clone, Debug)]
pub struct Marks(Sender<Word>);

impl Marks {
    /// The epoch of `mark` is committed.
    pub fn committed(&self, mark: Mark) {
        // The thread is gone only when the pipeline is.
        self.0.send(Word::Committed(Box::new(mark))).unwrap_or_default();
    }

    /// Nobody knows where `epoch` stands on the log: its snapshot is given up.
    pub fn lost(&self, epoch: Epoch) {
        self.0.send(Word::Unmarked(epoch)).unwrap_or_default();
    }
}

impl Snapshots {
    /// Starts the thread.
    pub fn start(
        options: &Options,
        disk: disk::Shared,
        workers: &Workers,
        incarnation: u64,
        metrics: Arc<Metrics>,
    ) -> Self {
        // At most a beginning and an end are under way.
        let (words, inbox) = bounded(4);
        let busy = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            options: options.clone(),
            disk,
            incarnation,
            steps: workers.steps().to_vec(),
            workers: workers.count(),
            busy: Arc::clone(&busy),
            metrics,
            taking: None,
        };
        let slices = workers.slices();
        let thread = std::thread::Builder::new().name("snapshot".into());
        let thread =
            thread.spawn(move || writer.run(&inbox, &slices)).expect("the system starts one more thread");
        let (last, bytes, records) = (Instant::now(), 0, 0);
        Self {
            options: options.clone(),
            words: Some(words),
            thread: Some(thread),
            busy,
            last,
            bytes,
            records,
        }
    }

    /// Notes the input of an epoch.
    pub fn note(&mut self, records: u64, bytes: u64) {
        self.records += records;
        self.bytes += bytes;
    }

    /// Whether one should begin now: something came, none is under way, and enough time or input passed.
    pub fn due(&self) -> bool {
        let interval = Duration::from_millis(self.options.interval_ms);
        self.records > 0
            && (self.last.elapsed() >= interval || self.bytes >= self.options.input_bytes)
            && !self.busy.load(Ordering::Acquire)
    }

    /// Begins one of the state after `epoch`, which was just collected.
    pub fn begin(&mut self, epoch: Epoch, workers: &Workers) -> Result<(), crate::Error> {
        self.begin_in(epoch, workers, self.options.slice_bytes)
    }

    /// The same in large slices, when nothing else is to be done.
    pub fn begin_last(&mut self, epoch: Epoch, workers: &Workers) -> Result<(), crate::Error> {
        self.begin_in(epoch, workers, HURRY)
    }

    fn begin_in(&mut self, epoch: Epoch, workers: &Workers, slice: usize) -> Result<(), crate::Error> {
        self.busy.store(true, Ordering::Release);
        (self.last, self.bytes, self.records) = (Instant::now(), 0, 0);
        if let Some(words) = &self.words {
            words.send(Word::Begin(epoch)).unwrap_or_default();
        }
        workers.export_from(epoch, slice)
    }

    /// Whether anything came since the last one began.
    pub const fn is_behind(&self) -> bool {
        self.records > 0
    }

    /// Whether one is under way.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire) && self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Waits until none is under way; everything it needs has to be on its way already.
    pub fn wait(&self) {
        while self.is_busy() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// For the thread that commits.
    pub fn marks(&self) -> Marks {
        Marks(self.words.clone().expect("it is open until it is dropped"))
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        self.words = None;
        // A snapshot that was under way is no snapshot; its files are cleared away by the next that is finished.
        self.thread.take();
    }
}

/// What became of the epoch of a snapshot.
enum Fate {
    /// It is not committed yet.
    Open,
    /// It is committed.
    Committed(Box<Mark>),
    /// It is committed, and nobody knows where it stands.
    Unmarked,
}

/// A snapshot under way.
struct Taking {
    epoch: Epoch,
    /// Absent once it could not be written.
    draft: Option<Draft>,
    /// Workers that have not finished.
    left: usize,
    fate: Fate,
    begun: Instant,
}

/// The thread.
struct Writer {
    options: Options,
    disk: disk::Shared,
    incarnation: u64,
    steps: Vec<StepVersion>,
    workers: usize,
    busy: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    taking: Option<Taking>,
}

impl Writer {
    fn run(mut self, words: &Receiver<Word>, slices: &Receiver<Slice>) {
        loop {
            // Words first: slices of an epoch leave after its beginning was announced.
            select_biased! {
                recv(words) -> word => match word {
                    Ok(Word::Begin(epoch)) => self.begin(epoch),
                    Ok(Word::Committed(mark)) => self.committed(mark.binding.epoch, Fate::Committed(mark)),
                    Ok(Word::Unmarked(epoch)) => self.committed(epoch, Fate::Unmarked),
                    Err(_) => return,
                },
                recv(slices) -> slice => match slice {
                    Ok(slice) => self.take(slice),
                    Err(_) => return,
                },
            }
            self.finish();
        }
    }

    fn begin(&mut self, epoch: Epoch) {
        let draft = Draft::begin(&self.disk, &self.options, epoch, self.incarnation);
        let draft = draft.map_err(|error| self.failed(epoch, &error)).ok();
        self.taking =
            Some(Taking { epoch, draft, left: self.workers, fate: Fate::Open, begun: Instant::now() });
    }

    fn committed(&mut self, epoch: Epoch, fate: Fate) {
        if let Some(taking) = self.taking.as_mut().filter(|taking| taking.epoch == epoch) {
            taking.fate = fate;
        }
    }

    fn take(&mut self, slice: Slice) {
        let Some(taking) = self.taking.as_mut().filter(|taking| taking.epoch == slice.epoch) else { return };
        taking.left -= usize::from(slice.last);
        let Some(draft) = &mut taking.draft else { return };
        if let Err(error) = draft.add(slice.exports) {
            let (epoch, draft) = (taking.epoch, taking.draft.take());
            if let Some(draft) = draft {
                draft.abandon();
            }
            self.failed(epoch, &error);
        }
    }

    /// Ends the snapshot under way if everything of it is there.
    fn finish(&mut self) {
        let over = |taking: &mut Taking| taking.left == 0 && !matches!(taking.fate, Fate::Open);
        let Some(Taking { epoch, draft, fate, begun, .. }) = self.taking.take_if(over) else { return };
        if let (Some(draft), Fate::Committed(mark)) = (draft, fate) {
            match draft.finish(&mark, &self.steps) {
                Ok(summary) => {
                    tracing::info!(epoch, entries = summary.entries, bytes = summary.bytes, "snapshot taken");
                    self.metrics.snapshot(epoch, summary.bytes, begun.elapsed());
                }
                Err(error) => self.failed(epoch, &error),
            }
        }
        self.busy.store(false, Ordering::Release);
    }

    fn failed(&self, epoch: Epoch, error: &sinks::Error) {
        self.metrics.snapshot_failed();
        tracing::error!(epoch, %error, "no snapshot was taken; a restart takes longer until one is");
    }
}
