//! Knocks at the door from outside: a real server over a small real lake.
//!
//! One binary, because every one that holds the query engine takes long to link.

mod explain;
mod fhir;
mod flight;
mod limits;
mod plain;
#[path = "../../examples/serve_sample/sample.rs"]
mod sample;
mod similar;
mod tables;

use api::{Answer, Error, Metrics, Options, Readiness, Server, State, serve};
use model::view::Shelf;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Observations in `vitals` of the sample.
const OBSERVATIONS: usize = 400;

/// A server over the sample at epoch 1.
struct House {
    directory: TempDir,
    shelf: Arc<Shelf>,
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
    server: Server,
}

impl House {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::of(OBSERVATIONS, change)
    }

    fn of(observations: usize, change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let shelf = Arc::new(Shelf::default());
        shelf.swap(sample::snapshot(directory.path(), 1, observations));
        let readiness = Arc::new(Readiness::new(State::Ready));
        let metrics = Arc::new(Metrics::new());
        let mut options = sample::options();
        change(&mut options);
        let server = serve(&options, Arc::clone(&shelf), Arc::clone(&readiness), Arc::clone(&metrics))
            .expect("a free port");
        Self { directory, shelf, readiness, metrics, server }
    }

    fn addr(&self) -> String {
        self.server.addr().to_string()
    }

    fn ask(&self, sql: &str) -> Result<Answer, Error> {
        api::query(&self.addr(), sql)
    }

    /// The answer as CSV without its header line.
    fn rows(&self, sql: &str) -> String {
        let answer = self.ask(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let text = api::render(&answer.columns, &answer.batches, api::Format::Csv).expect("text");
        text.split_once('\n').map(|(_, rows)| rows.trim_end().to_owned()).unwrap_or_default()
    }

    fn refusal(&self, sql: &str) -> String {
        match self.ask(sql) {
            Ok(_) => panic!("{sql}: was answered"),
            Err(error) => error.to_string(),
        }
    }
}

/// Tries until it succeeds; fails after `patience`.
fn eventually<T>(patience: Duration, mut attempt: impl FnMut() -> Result<T, Error>) -> T {
    let since = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) if since.elapsed() > patience => panic!("not within {patience:?}: {error}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}
