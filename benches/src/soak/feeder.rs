//! Writes the load, on a thread of its own: as fast as it is taken, or so many records a second.

use super::crowd::{Crowd, Sent};
use crate::devices;
use anyhow::{Result, anyhow};
use eventlog::Writer;
use pipeline::{account::Account, config::Config, engine};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// As fast as it is taken: so many records wait at most.
const WAITING: u64 = 100_000;
/// Records of one transaction at most, and how often one is written at a given rate.
const BATCH: usize = 20_000;
const BEAT: Duration = Duration::from_millis(50);

/// The thread, and what it is told.
pub(crate) struct Feeder {
    told: Arc<Told>,
    thread: JoinHandle<Result<Sent>>,
}

#[derive(Default)]
struct Told {
    /// Records a second, as bits; zero for as fast as they are taken.
    rate: AtomicU64,
    written: AtomicU64,
    stop: AtomicBool,
}

impl Feeder {
    /// Starts it, as fast as records are taken.
    pub(crate) fn start(config: &Config, shared: &engine::Shared, devices: u32) -> Result<Self> {
        let told = Arc::new(Told::default());
        let work = Work {
            crowd: Crowd::new(devices, config.log.partitions),
            writer: shared.log.writer("bench-crowd")?,
            account: Arc::clone(&shared.account),
            told: Arc::clone(&told),
        };
        let thread = std::thread::Builder::new().name("feeder".into()).spawn(move || work.run())?;
        Ok(Self { told, thread })
    }

    /// So many records a second from now on.
    pub(crate) fn pace(&self, rate: f64) {
        self.told.rate.store(rate.to_bits(), Ordering::Relaxed);
    }

    /// Records on the log.
    pub(crate) fn written(&self) -> u64 {
        self.told.written.load(Ordering::Relaxed)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it; gives what it wrote.
    pub(crate) fn join(self) -> Result<Sent> {
        self.told.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the feeder panicked"))?
    }
}

struct Work {
    crowd: Crowd,
    writer: Box<dyn Writer>,
    account: Arc<Account>,
    told: Arc<Told>,
}

impl Work {
    fn run(mut self) -> Result<Sent> {
        let (mut paced, mut drafts) = (None::<(Instant, u64, f64)>, Vec::new());
        while !self.told.stop.load(Ordering::Relaxed) {
            let rate = f64::from_bits(self.told.rate.load(Ordering::Relaxed));
            let sent = self.crowd.sent.records;
            let due = if rate > 0.0 {
                let (begun, from, rate) = *paced.get_or_insert_with(|| (Instant::now(), sent, rate));
                from + (begun.elapsed().as_secs_f64() * rate) as u64
            } else {
                self.account.counts().records + WAITING
            };
            while self.crowd.sent.records < due && drafts.len() < BATCH {
                self.crowd.step(&mut drafts);
            }
            if drafts.is_empty() {
                std::thread::sleep(BEAT / 10);
                continue;
            }
            let begun = Instant::now();
            let full = drafts.len() >= BATCH;
            devices::write(&mut *self.writer, drafts.drain(..))?;
            self.told.written.store(self.crowd.sent.records, Ordering::Relaxed);
            if rate > 0.0 && !full {
                std::thread::sleep(BEAT.saturating_sub(begun.elapsed()));
            }
        }
        Ok(self.crowd.sent)
    }
}
