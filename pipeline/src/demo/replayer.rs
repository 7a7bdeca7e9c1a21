//! Writes recordings to the log, in event time, at the chosen speed.
//!
//! How many records of each partition were written is committed with them, so a replay that was
//! killed goes on with the next record: none is written twice, none is left out.
//!
//! # Invariants
//! - The first commit, of zeros, comes before the first record. So a log with records and without
//!   counts of this replay holds something else, and the replay refuses it.

use super::Options;
use crate::{Error, config::Config, engine::Shared, error::is_away};
use eventlog::{Draft, TopicPartition, Writer};
use model::Input;
use sources::replay::{Recording, Recordings};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Transactional id of the writer, and how the consumer group begins under which the counts are kept.
const NAME: &str = "manpasik-replay";
/// Records of one transaction at most.
const BATCH: usize = 2_000;
/// At a limited speed, what is due is written so often.
const BEAT: Duration = Duration::from_millis(20);

/// How far a replay is, in records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// On the log, earlier runs included.
    pub(super) written: u64,
    /// In the recordings.
    pub(super) total: u64,
}

/// A replay on a thread of its own.
#[derive(Debug)]
pub(super) struct Replayer {
    written: Arc<AtomicU64>,
    total: u64,
    thread: JoinHandle<Result<(), Error>>,
}

impl Replayer {
    pub(super) fn start(
        shared: &Shared,
        config: &Config,
        options: &Options,
        recordings: &Recordings,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let log = Arc::clone(&shared.log);
        log.ensure_topics(&crate::engine::inputs(config.log.partitions))?;
        let mut places = Vec::new();
        for input in Input::ALL {
            let partitions = 0..log.partitions(input.topic())?;
            places.extend(partitions.map(|partition| TopicPartition::new(input.topic(), partition)));
        }
        let traffic = recordings.traffic(config.log.partitions, options.spoil);
        let total = traffic.total();
        let group = format!("{NAME}-{}", identity(recordings, config.log.partitions, total));
        let mut writer = log.writer(NAME)?;
        let known = log.committed(&group, &places)?;
        let counts: BTreeMap<_, _> =
            places.into_iter().zip(&known).map(|(place, count)| (place, count.unwrap_or(0))).collect();
        if known.iter().all(Option::is_none) {
            for place in counts.keys() {
                if log.range(place)?.end > 0 {
                    return Err(Error::Occupied);
                }
            }
            writer.begin()?;
            commit(&mut *writer, &group, &counts)?;
        }
        let written = Arc::new(AtomicU64::new(counts.values().sum()));
        let rest = traffic.skip_written(&counts);
        let work = Work {
            log: Arc::clone(&log),
            writer,
            group,
            counts,
            written: Arc::clone(&written),
            speed: options.speed,
            stop: Arc::clone(stop),
        };
        let thread = std::thread::Builder::new()
            .name("replay".into())
            .spawn(move || work.run(rest))
            .map_err(|source| Error::Files { what: "start a thread".into(), source })?;
        Ok(Self { written, total, thread })
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { written: self.written.load(Ordering::Relaxed), total: self.total }
    }

    pub(super) fn is_done(&self) -> bool {
        self.thread.is_finished()
    }

    pub(super) fn join(self) -> Result<(), Error> {
        self.thread
            .join()
            .unwrap_or_else(|_| Err(Error::Workers("the replay panicked; its message says why".into())))
    }
}

/// What tells one replay from another: which recordings, in how many records over how many partitions.
fn identity(recordings: &Recordings, partitions: u32, total: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    for track in recordings.iter().flat_map(Recording::tracks) {
        hasher.update(track.session().to_string().as_bytes());
    }
    hasher.update(&partitions.to_le_bytes());
    hasher.update(&total.to_le_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Ends the open transaction with the counts.
fn commit(writer: &mut dyn Writer, group: &str, counts: &BTreeMap<TopicPartition, u64>) -> Result<(), Error> {
    let counts: Vec<_> = counts.iter().map(|(place, count)| (place.clone(), *count)).collect();
    match writer.commit(group, &counts)? {
        eventlog::Outcome::Committed => Ok(()),
        outcome => {
            Err(eventlog::Error::Stopped { reason: format!("the commit was answered {outcome:?}") }.into())
        }
    }
}

/// How long a batch is written again and again before the replay gives up.
const PATIENCE: Duration = Duration::from_mins(1);

struct Work {
    log: eventlog::Shared,
    writer: Box<dyn Writer>,
    group: String,
    counts: BTreeMap<TopicPartition, u64>,
    written: Arc<AtomicU64>,
    speed: Option<f64>,
    stop: Arc<AtomicBool>,
}

impl Work {
    fn run(mut self, traffic: impl Iterator<Item = Draft>) -> Result<(), Error> {
        let mut traffic = traffic.peekable();
        let (begun, first) = (Instant::now(), traffic.peek().map_or(0, |draft| draft.timestamp_ms));
        while traffic.peek().is_some() && !self.stop.load(Ordering::Relaxed) {
            let due = match self.speed {
                None => i64::MAX,
                Some(speed) => first.saturating_add((begun.elapsed().as_secs_f64() * speed * 1_000.0) as i64),
            };
            let mut batch = Vec::new();
            while batch.len() < BATCH
                && let Some(draft) = traffic.next_if(|draft| draft.timestamp_ms <= due)
            {
                batch.push(draft);
            }
            if batch.is_empty() {
                std::thread::sleep(BEAT);
            } else {
                self.write(&batch)?;
            }
        }
        Ok(())
    }

    /// Writes `batch` once, however often the log has to be asked.
    fn write(&mut self, batch: &[Draft]) -> Result<(), Error> {
        let records = batch.len() as u64;
        let mut after = self.counts.clone();
        for draft in batch {
            let place = TopicPartition { topic: Arc::clone(&draft.topic), partition: draft.partition };
            *after.entry(place).or_insert(0) += 1;
        }
        let (begun, mut doubtful) = (Instant::now(), false);
        while let Err(error) = self.write_once(batch, &after, doubtful) {
            let passes = matches!(&error, Error::Log(error) if may_pass(error));
            if !passes || begun.elapsed() > PATIENCE || self.stop.load(Ordering::Relaxed) {
                return Err(error);
            }
            if !doubtful {
                // Nothing else may want to write: then nobody else says what has to be done.
                tracing::warn!(%error, "the log did not take the replay's records; trying again for a minute");
            }
            doubtful = true;
            std::thread::sleep(BEAT);
        }
        self.counts = after;
        self.written.fetch_add(records, Ordering::Relaxed);
        Ok(())
    }

    /// Writes `batch`, unless it stands there already; after an error nobody knows, and only a new writer can tell.
    fn write_once(
        &mut self,
        batch: &[Draft],
        after: &BTreeMap<TopicPartition, u64>,
        doubtful: bool,
    ) -> Result<(), Error> {
        if doubtful && self.settle(after)? {
            return Ok(());
        }
        self.writer.begin()?;
        for draft in batch {
            self.writer.send(draft.clone())?;
        }
        commit(&mut *self.writer, &self.group, after)
    }

    /// A new writer settles what is open, and then the group says whether the batch is there.
    fn settle(&mut self, after: &BTreeMap<TopicPartition, u64>) -> Result<bool, Error> {
        self.writer = self.log.writer(NAME)?;
        let places: Vec<TopicPartition> = after.keys().cloned().collect();
        let known = self.log.committed(&self.group, &places)?;
        Ok(known.into_iter().zip(after.values()).all(|(known, after)| known == Some(*after)))
    }
}

/// Whether writing once more may help.
fn may_pass(error: &eventlog::Error) -> bool {
    is_away(error) || matches!(error, eventlog::Error::Abort { .. })
}
