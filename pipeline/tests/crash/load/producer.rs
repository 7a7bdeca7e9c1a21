//! Writes the load to Kafka, every record exactly once, however often the broker goes away.
//!
//! # Invariants
//! - The number of the batch is committed with it, as an offset of a consumer group of its own. After a doubt a new writer
//!   settles the open transaction, and that number says whether the batch stands.
//! - No more is written than was allowed: whoever holds the producer decides how far the load may get.

use super::traffic::{self, Device};
use eventlog::{Draft, Outcome, Shared, TopicPartition, Writer};
use model::Input;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

const NAME: &str = "ward";
/// Records of one transaction, about.
const BATCH: usize = 2_000;
/// How often is looked whether more may be written.
const BEAT: Duration = Duration::from_millis(10);
/// Longer than any broker is away here.
const PATIENCE: Duration = Duration::from_mins(3);

#[derive(Default)]
struct Gauge {
    sent: AtomicU64,
    allowed: AtomicU64,
    doubts: AtomicU64,
    stop: AtomicBool,
}

/// A producer on a thread of its own; it ends with this value.
pub(crate) struct Producer {
    gauge: Arc<Gauge>,
    thread: Option<JoinHandle<()>>,
}

impl Producer {
    /// Starts with nothing allowed; writes at most `rate` records a second.
    pub(crate) fn start(log: Shared, rate: f64) -> Self {
        let gauge = Arc::<Gauge>::default();
        let theirs = Arc::clone(&gauge);
        let run =
            move || Work { writer: log.writer(NAME).unwrap(), log, batches: 0, gauge: theirs }.run(rate);
        let thread = std::thread::Builder::new().name("load".into()).spawn(run).unwrap();
        Self { gauge, thread: Some(thread) }
    }

    /// Lets it write `records` more.
    pub(crate) fn allow(&self, records: u64) {
        self.gauge.allowed.fetch_add(records, Ordering::Relaxed);
    }

    /// Lets it write all the rest and waits until it has; gives the number of records and of batches in doubt.
    pub(crate) fn finish(mut self) -> (u64, u64) {
        self.gauge.allowed.store(u64::MAX, Ordering::Relaxed);
        self.thread.take().unwrap().join().expect("the producer wrote everything");
        (self.gauge.sent.load(Ordering::Relaxed), self.gauge.doubts.load(Ordering::Relaxed))
    }

    /// Records that stand on the log.
    pub(crate) fn sent(&self) -> u64 {
        self.gauge.sent.load(Ordering::Relaxed)
    }

    /// Whether it gave up.
    pub(crate) fn failed(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished) && self.sent() < traffic::RECORDS
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.gauge.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its own message says why it failed.
            thread.join().ok();
        }
    }
}

struct Work {
    log: Shared,
    writer: Box<dyn Writer>,
    /// Batches that stand.
    batches: u64,
    gauge: Arc<Gauge>,
}

impl Work {
    fn run(mut self, rate: f64) {
        let devices: Vec<Device> = (0..traffic::SESSIONS).map(Device::new).collect();
        let (mut batch, mut paced, mut clock) = (Vec::new(), 0.0, Instant::now());
        for slot in 0..traffic::SLOTS {
            batch.extend(traffic::slot(&devices, slot));
            if batch.len() < BATCH && slot + 1 < traffic::SLOTS {
                continue;
            }
            let records = batch.len() as u64;
            // What could not be written while it was not allowed is not caught up with.
            while !self.stopped() && (self.is_full() || paced > 0.0) {
                std::thread::sleep(BEAT);
                paced = (paced - clock.elapsed().as_secs_f64() * rate).max(0.0);
                clock = Instant::now();
            }
            self.write(&batch);
            if self.stopped() {
                return;
            }
            batch.clear();
            paced += records as f64;
            self.gauge.sent.fetch_add(records, Ordering::Relaxed);
        }
    }

    fn stopped(&self) -> bool {
        self.gauge.stop.load(Ordering::Relaxed)
    }

    fn is_full(&self) -> bool {
        self.gauge.sent.load(Ordering::Relaxed) >= self.gauge.allowed.load(Ordering::Relaxed)
    }

    /// Returns when `batch` stands once, or a stop was asked for.
    fn write(&mut self, batch: &[Draft]) {
        let begun = Instant::now();
        let mut doubtful = false;
        while !self.stopped() {
            let stands = if doubtful { self.settle() } else { Ok(false) };
            let why = match stands
                .and_then(|stands| if stands { Ok(Outcome::Committed) } else { self.attempt(batch) })
            {
                Ok(Outcome::Committed) => break,
                Ok(outcome) => format!("{outcome:?}"),
                Err(error) => error.to_string(),
            };
            if !doubtful {
                self.gauge.doubts.fetch_add(1, Ordering::Relaxed);
            }
            doubtful = true;
            assert!(begun.elapsed() < PATIENCE, "batch {} cannot be written: {why}", self.batches);
            std::thread::sleep(BEAT);
        }
        self.batches += 1;
    }

    fn attempt(&mut self, batch: &[Draft]) -> eventlog::Result<Outcome> {
        self.writer.begin()?;
        for draft in batch {
            self.writer.send(draft.clone())?;
        }
        self.writer.commit(NAME, &[(marker(), self.batches + 1)])
    }

    /// Whether the batch in doubt stands.
    fn settle(&mut self) -> eventlog::Result<bool> {
        self.writer = self.log.writer(NAME)?;
        let stands = self.log.committed(NAME, &[marker()])?[0].unwrap_or(0);
        assert!(stands == self.batches || stands == self.batches + 1, "{stands} of {} batches", self.batches);
        Ok(stands > self.batches)
    }
}

/// Where the number of batches is kept: under a group that nobody reads by.
fn marker() -> TopicPartition {
    TopicPartition::new(Input::Packets.topic(), 0)
}
