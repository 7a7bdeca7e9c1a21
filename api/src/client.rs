//! Asks: the door of a running program, or a snapshot where none runs.
//!
//! Blocking, for the command line; each call has a small runtime of its own.

use crate::{
    engine::{Engine, Question},
    error::Error,
    flight::{EPOCH_KEY, STALE, STATUS_ACTION, annotated},
    options::Limits,
    service::Status,
};
use arrow_flight::{Action, error::FlightError, sql::client::FlightSqlServiceClient};
use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use futures::TryStreamExt;
use model::{Epoch, view::Snapshot};
use std::{sync::Arc, time::Duration};
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Channel, Endpoint};

/// How long to wait for a server that may not be there.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest message taken from a server, in bytes: a batch with the longest dead letter.
const RECEIVE_BYTES: usize = 64 << 20;

/// All rows of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Columns, also if there are no rows.
    pub columns: SchemaRef,
    /// Rows.
    pub batches: Vec<RecordBatch>,
    /// The epoch they show; `None` before the first commit.
    pub as_of_epoch: Option<Epoch>,
    /// Whether the program that answered can show nothing newer at the moment.
    pub stale: bool,
}

/// Asks the door at `addr` (`127.0.0.1:50051`).
///
/// # Errors
/// [`Error::Remote`] with what the server said, or why it could not be reached.
pub fn query(addr: &str, sql: &str) -> Result<Answer, Error> {
    runtime()?.block_on(async {
        let mut client = FlightSqlServiceClient::new_from_inner(
            arrow_flight::flight_service_client::FlightServiceClient::new(connect(addr).await?)
                .max_decoding_message_size(RECEIVE_BYTES),
        );
        let said = |error: FlightError| remote(addr, error);
        let info = client.execute(sql.to_owned(), None).await.map_err(said)?;
        let mut columns = info.clone().try_decode_schema().map_err(|error| said(error.into()))?;
        let mut batches = Vec::new();
        for endpoint in info.endpoint {
            let Some(ticket) = endpoint.ticket else { continue };
            let mut rows = client.do_get(ticket).await.map_err(said)?;
            while let Some(batch) = rows.try_next().await.map_err(said)? {
                batches.push(batch);
            }
            if let Some(shown) = rows.schema() {
                columns = shown.as_ref().clone();
            }
        }
        let stale = columns.metadata().contains_key(STALE);
        Ok(Answer { as_of_epoch: shown(&columns), stale, columns: Arc::new(columns), batches })
    })
}

/// Asks the door at `addr` how the program stands; answered however busy it is.
///
/// # Errors
/// [`Error::Remote`] with what the server said, or why it could not be reached.
pub fn status(addr: &str) -> Result<Status, Error> {
    runtime()?.block_on(async {
        let mut client = FlightSqlServiceClient::new(connect(addr).await?);
        let said = |error: FlightError| remote(addr, error);
        let mut answer = client.do_action(Action::new(STATUS_ACTION, "")).await.map_err(said)?;
        let first = answer.message().await.map_err(|status| said(status.into()))?;
        let body = first.map(|result| result.body).unwrap_or_default();
        serde_json::from_slice(&body).map_err(|_| Error::Remote {
            addr: addr.to_owned(),
            message: "the status has another form; use the same version on both sides".to_owned(),
        })
    })
}

/// Asks a snapshot in this process, where no server runs.
///
/// # Errors
/// As the door would refuse it.
pub fn query_snapshot(limits: &Limits, snapshot: Arc<Snapshot>, sql: &str) -> Result<Answer, Error> {
    let engine = Engine::new(limits)?;
    let as_of_epoch = snapshot.as_of_epoch;
    let question =
        Question { snapshot, state: None, sql: sql.to_owned(), values: Vec::new(), deadline: None };
    runtime()?.block_on(async {
        let mut rows = engine.ask(question).await?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.batches.recv().await {
            batches.push(batch?);
        }
        Ok(Answer { columns: annotated(&rows.columns, as_of_epoch), batches, as_of_epoch, stale: false })
    })
}

async fn connect(addr: &str) -> Result<Channel, Error> {
    let absent = |message: String| Error::Remote { addr: addr.to_owned(), message };
    let endpoint = Endpoint::from_shared(format!("http://{addr}"))
        .map_err(|_| absent("this is not HOST:PORT; write it as 127.0.0.1:50051".to_owned()))?;
    endpoint.connect_timeout(CONNECT).connect().await.map_err(|_| {
        absent(
            "nothing answers; start the program with `manpasik run` or `manpasik demo`, or name its address"
                .to_owned(),
        )
    })
}

fn remote(addr: &str, error: FlightError) -> Error {
    let message = match error {
        FlightError::Tonic(status) => status.message().to_owned(),
        other => other.to_string(),
    };
    Error::Remote { addr: addr.to_owned(), message }
}

fn shown(columns: &Schema) -> Option<Epoch> {
    columns.metadata().get(EPOCH_KEY).and_then(|epoch| epoch.parse().ok())
}

fn runtime() -> Result<Runtime, Error> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::System { attempt: "start a client", source })
}
