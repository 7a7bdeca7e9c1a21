//! Answers questions within limits.
//!
//! A question waits for its turn, is planned and computed on the [`Lane`], and hands over its rows
//! batch by batch. Someone watches it from outside: when its time is over, when the client is gone,
//! or when it is done, its turn ends.
//!
//! # Bound
//! At most `running` questions compute and `queued` wait; one more is turned away. Between the
//! computation and the client lie at most two batches, so a slow client slows the computation, not
//! the memory.

use crate::{
    error::Error, lane::Lane, options::Limits, patience::Interest, readiness::State, session::Sessions,
    watch::Watch, work::Work,
};
use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    common::ScalarValue,
};
use model::{Epoch, view::Snapshot};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

/// When a client that was turned away should come back.
const RETRY: Duration = Duration::from_millis(500);
/// The same while the pipeline is overloaded.
const RETRY_OVERLOADED: Duration = Duration::from_secs(5);
/// Batches between the computation and the client.
const BATCHES: usize = 2;

/// Nobody knows why, and asking again may help.
pub(crate) const STOPPED: Error = Error::Failed { class: "the computation stopped; ask again" };

/// One statement over one snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// What is asked about.
    pub(crate) snapshot: Arc<Snapshot>,
    /// What the program was doing then; `None` if none is running.
    pub(crate) state: Option<State>,
    /// The statement.
    pub(crate) sql: String,
    /// Values of its placeholders, in order; none leaves them open.
    pub(crate) values: Vec<ScalarValue>,
    /// What the client would wait; the limit of the door if absent or longer.
    pub(crate) deadline: Option<Duration>,
}

/// What an answer will look like.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Columns of the answer.
    pub(crate) columns: SchemaRef,
    /// Placeholders of the statement, in order.
    pub(crate) parameters: SchemaRef,
}

/// Rows under way; dropping it stops the computation.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The epoch they show.
    pub(crate) as_of_epoch: Option<Epoch>,
    /// Whether nothing newer can come at the moment.
    pub(crate) stale: bool,
    /// Their columns.
    pub(crate) columns: SchemaRef,
    /// The rows; an error is the last item.
    pub(crate) batches: mpsc::Receiver<Result<RecordBatch, Error>>,
}

/// Answers questions.
#[derive(Debug)]
pub(crate) struct Engine {
    limits: Limits,
    sessions: Arc<Sessions>,
    lane: Arc<Lane>,
    /// One for every question that runs or waits.
    seats: Arc<Semaphore>,
    /// One for every question that runs.
    turns: Arc<Semaphore>,
}

/// How far a question is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Planned only.
    Shape,
    /// Computed.
    Rows,
}

impl Engine {
    /// Starts the threads; computes nothing yet.
    pub(crate) fn new(limits: &Limits) -> Result<Self, Error> {
        let running = limits.running();
        Ok(Self {
            limits: limits.clone(),
            sessions: Arc::new(Sessions::new(limits).map_err(|error| Error::running(&error))?),
            lane: Arc::new(Lane::new(limits.threads)?),
            seats: Arc::new(Semaphore::new(running + limits.queued)),
            turns: Arc::new(Semaphore::new(running)),
        })
    }

    /// What the answer would look like; rows are not read.
    pub(crate) async fn shape(&self, question: Question) -> Result<Shape, Error> {
        self.start(question, Purpose::Shape).await.map(|(shape, _)| shape)
    }

    /// Begins to answer.
    pub(crate) async fn ask(&self, question: Question) -> Result<Rows, Error> {
        let as_of_epoch = question.snapshot.as_of_epoch;
        let stale = matches!(question.state, Some(State::Stale { .. } | State::Failed { .. }));
        let (shape, batches) = self.start(question, Purpose::Rows).await?;
        Ok(Rows { as_of_epoch, stale, columns: shape.columns, batches })
    }

    async fn start(
        &self,
        question: Question,
        purpose: Purpose,
    ) -> Result<(Shape, mpsc::Receiver<Result<RecordBatch, Error>>), Error> {
        if question.sql.len() > self.limits.statement_bytes {
            return Err(Error::Limit {
                what: "the length of the statement",
                limit: format!("{} bytes", self.limits.statement_bytes),
                next: "bind values as parameters or ask in several statements",
            });
        }
        let longest = Duration::from_millis(self.limits.deadline_millis);
        let deadline = question.deadline.map_or(longest, |asked| asked.min(longest));
        let end = Instant::now() + deadline;
        let busy = || Error::Busy { retry: RETRY };
        let seat = Arc::clone(&self.seats).try_acquire_owned().map_err(|_| busy())?;
        let turns = Arc::clone(&self.turns);
        let turn = if question.state == Some(State::Overloaded) {
            // The pipeline comes first: who cannot begin now does not wait for the next turn.
            turns.try_acquire_owned().map_err(|_| Error::Busy { retry: RETRY_OVERLOADED })?
        } else {
            let Ok(Ok(turn)) = timeout(deadline, turns.acquire_owned()).await else { return Err(busy()) };
            turn
        };

        let (rows, mut batches) = mpsc::channel(BATCHES);
        let (tell, told) = oneshot::channel();
        let interest = Interest::default();
        let work = Work {
            sessions: Arc::clone(&self.sessions),
            limits: self.limits.clone(),
            question,
            purpose,
            interest: interest.clone(),
        };
        let task = self.lane.spawn(work.run(tell, rows.clone())).ok_or_else(busy)?;
        let watch =
            Watch { task, rows, interest, deadline, end, lane: Arc::clone(&self.lane), held: (seat, turn) };
        tokio::spawn(watch.until_done());

        let shape = tokio::select! {
            biased;
            shape = told => shape.ok(),
            () = sleep_until(end) => None,
        };
        match shape {
            Some(Ok(shape)) if purpose == Purpose::Rows => Ok((shape, batches)),
            Some(shape) => {
                // The turn is given back before the client hears, or its next call would find it taken.
                while batches.recv().await.is_some() {}
                Ok((shape?, batches))
            }
            // Whatever ended it, the watch says so.
            None => Err(last_word(&mut batches).await),
        }
    }
}

async fn last_word(batches: &mut mpsc::Receiver<Result<RecordBatch, Error>>) -> Error {
    while let Some(batch) = batches.recv().await {
        if let Err(error) = batch {
            return error;
        }
    }
    STOPPED
}
