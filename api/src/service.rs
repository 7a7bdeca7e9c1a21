//! What the door does, whatever language it is spoken to in; knows neither gRPC nor HTTP.

use crate::{
    engine::{Engine, Question, Rows, Shape},
    error::Error,
    metrics::{Counts, Metrics, resident},
    readiness::Readiness,
};
use datafusion::common::ScalarValue;
use model::{
    Epoch,
    view::{Shelf, Snapshot},
    waveform::Waveforms,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Snapshots that were promised to clients and are kept for them.
const PROMISES: usize = 8;
/// How long a promise is kept: a client fetches its rows right after it was told where they are.
const KEPT: Duration = Duration::from_mins(1);

/// The program as it stands, for people and probes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// `starting`, `ready`, `draining` or `failed`.
    pub state: String,
    /// What it is at, or why it failed.
    pub detail: Option<String>,
    /// Version of the program.
    pub version: String,
    /// Newest epoch that can be read; `null` before the first commit.
    pub as_of_epoch: Option<Epoch>,
    /// Input, by topic and partition.
    pub progress: Vec<Input>,
    /// Everything counted since the process started.
    pub counts: Counts,
    /// Memory of the process in RAM, in bytes; `null` where the system does not tell it.
    pub resident_bytes: Option<u64>,
}

/// How far one input partition was processed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// Offset that will be read next.
    pub next_offset: u64,
    /// One past the last offset there is.
    pub end_offset: u64,
    /// Records between the two.
    pub lag: u64,
    /// Highest event time seen, microseconds since 1970-01-01 UTC.
    pub watermark_micros: Option<i64>,
}

/// The door's knowledge, shared by all who knock.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) metrics: Arc<Metrics>,
    /// Who reads signals, once the log is open.
    pub(crate) waveforms: Arc<OnceLock<Arc<dyn Waveforms>>>,
    /// One signal is read at a time.
    pub(crate) reading: Arc<Semaphore>,
    promised: Mutex<VecDeque<(Instant, Arc<Snapshot>)>>,
}

impl Service {
    pub(crate) fn new(
        engine: Engine,
        shelf: Arc<Shelf>,
        readiness: Arc<Readiness>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (waveforms, reading) = (Arc::default(), Arc::new(Semaphore::new(1)));
        Self { engine, shelf, readiness, metrics, waveforms, reading, promised: Mutex::default() }
    }

    /// Takes the newest snapshot and keeps it for a while, so that what was told about it holds when
    /// the client comes for the rows.
    pub(crate) fn promise(&self) -> Arc<Snapshot> {
        let newest = self.shelf.take();
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut promised);
        promised.retain(|(_, kept)| kept.as_of_epoch != newest.as_of_epoch);
        if promised.len() == PROMISES {
            promised.pop_front();
        }
        promised.push_back((Instant::now(), Arc::clone(&newest)));
        newest
    }

    /// The snapshot of a promised epoch, or the newest if it is not kept any more: the answer says
    /// which epoch it shows.
    pub(crate) fn promised(&self, epoch: Option<Epoch>) -> Arc<Snapshot> {
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut promised);
        let kept = promised.iter().find(|(_, kept)| kept.as_of_epoch == epoch);
        kept.map_or_else(|| self.shelf.take(), |(_, kept)| Arc::clone(kept))
    }

    /// Begins to answer a statement over a snapshot.
    pub(crate) async fn ask(
        &self,
        snapshot: Arc<Snapshot>,
        sql: String,
        values: Vec<ScalarValue>,
        deadline: Option<Duration>,
    ) -> Result<Rows, Error> {
        let started = Instant::now();
        let answer = self.engine.ask(self.question(snapshot, sql, values, deadline)).await;
        self.metrics.question(&answer, started.elapsed());
        answer
    }

    /// What the answer would look like.
    pub(crate) async fn shape(
        &self,
        snapshot: Arc<Snapshot>,
        sql: String,
        values: Vec<ScalarValue>,
        deadline: Option<Duration>,
    ) -> Result<Shape, Error> {
        self.engine.shape(self.question(snapshot, sql, values, deadline)).await
    }

    fn question(
        &self,
        snapshot: Arc<Snapshot>,
        sql: String,
        values: Vec<ScalarValue>,
        deadline: Option<Duration>,
    ) -> Question {
        Question { snapshot, state: Some(self.readiness.get()), sql, values, deadline }
    }

    /// The program as it stands; answered from memory, however busy the rest is.
    pub(crate) fn status(&self) -> Status {
        let (state, snapshot) = (self.readiness.get(), self.shelf.take());
        let progress = snapshot.progress.iter().map(|partition| Input {
            topic: partition.topic.clone(),
            partition: partition.partition,
            next_offset: partition.next_offset,
            end_offset: partition.end_offset,
            lag: partition.end_offset.saturating_sub(partition.next_offset),
            watermark_micros: partition.watermark,
        });
        Status {
            state: state.name().to_owned(),
            detail: state.detail().map(ToOwned::to_owned),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            as_of_epoch: snapshot.as_of_epoch,
            progress: progress.collect(),
            counts: self.metrics.counts(),
            resident_bytes: resident().map(|memory| memory.now_bytes),
        }
    }
}

fn forget_old(promised: &mut VecDeque<(Instant, Arc<Snapshot>)>) {
    while promised.front().is_some_and(|(since, _)| since.elapsed() > KEPT) {
        promised.pop_front();
    }
}
