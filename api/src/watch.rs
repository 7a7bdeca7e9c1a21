//! Watches one computation from outside, where it cannot be held up by it.

use crate::{engine::STOPPED, error::Error, lane::Lane, patience::Interest};
use datafusion::arrow::array::RecordBatch;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

/// How long a stopped computation may take to notice, and a client to take the bad news.
const GRACE: Duration = Duration::from_secs(2);

/// One computation and what it holds.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The computation.
    pub(crate) task: JoinHandle<()>,
    /// The way to the client, which may have left.
    pub(crate) rows: mpsc::Sender<Result<RecordBatch, Error>>,
    /// Told when nobody waits any more.
    pub(crate) interest: Interest,
    /// What was allowed.
    pub(crate) deadline: Duration,
    /// When that is over.
    pub(crate) end: Instant,
    /// Where it runs.
    pub(crate) lane: Arc<Lane>,
    /// Its seat and its turn, given back when the computation has really ended.
    pub(crate) held: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

enum End {
    Done,
    /// By a defect, or because its threads were replaced.
    Broken,
    Left,
    Late,
}

impl Watch {
    /// Returns when the computation has ended or was left behind.
    pub(crate) async fn until_done(mut self) {
        let end = tokio::select! {
            ended = &mut self.task => if ended.is_ok() { End::Done } else { End::Broken },
            () = self.rows.closed() => End::Left,
            () = sleep_until(self.end) => End::Late,
        };
        let news = match end {
            End::Done => None,
            End::Broken => Some(STOPPED),
            End::Left => {
                self.stop().await;
                None
            }
            End::Late => {
                // The client hears of it now, not when the computation has noticed.
                let told = self.rows.try_send(Err(Error::Deadline { deadline: self.deadline }));
                self.stop().await;
                told.err().map(|_| Error::Deadline { deadline: self.deadline })
            }
        };
        // The turn is over; only the client's own slowness is waited for.
        drop(self.held);
        if let Some(news) = news {
            // A client that does not listen will see the stream end without its last batch marked.
            let _unheard = timeout(GRACE, self.rows.send(Err(news))).await;
        }
    }

    async fn stop(&mut self) {
        self.interest.end();
        self.task.abort();
        if timeout(GRACE, &mut self.task).await.is_err() {
            self.lane.replace();
        }
    }
}
