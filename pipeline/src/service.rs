//! The running program: log, door and epoch loop, started together and stopped in order.
//!
//! # Invariants
//! - The door opens first, so that probes see the start; it closes last, so that what was committed
//!   can be read to the end.
//! - One thread runs the epoch loop; its error is the program's error.

use crate::{
    Error,
    account::Account,
    config::{Config, LogKind},
    engine,
    recover::Ground,
    waveforms::OnLog,
};
use api::{Metrics, Readiness, Server, State};
use eventlog::{Draft, Outcome, partition_of, write_all};
use model::{Input, view::Shelf};
use sources::event::Encoded;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// A running program.
#[derive(Debug)]
pub struct Service {
    shared: engine::Shared,
    server: Server,
    engine: JoinHandle<Result<(), Error>>,
}

impl Service {
    /// Opens door and log, and starts the epoch loop.
    pub fn start(config: &Config) -> Result<Self, Error> {
        let shelf = Arc::new(Shelf::default());
        let readiness = Arc::new(Readiness::new(State::Starting { detail: "opening the log".into() }));
        let metrics = Arc::new(Metrics::new());
        let server =
            api::serve(&config.door, Arc::clone(&shelf), Arc::clone(&readiness), Arc::clone(&metrics))?;
        let log = open_log(config)?;
        server.read_signals_by(Arc::new(OnLog(Arc::clone(&log))));
        let shared = engine::Shared {
            log,
            shelf,
            readiness,
            metrics,
            account: Arc::new(Account::default()),
            told: Arc::default(),
            disk: Arc::new(sinks::disk::Machine),
            stop: Arc::new(AtomicBool::new(false)),
        };
        let (config, theirs) = (config.clone(), shared.clone());
        let engine = std::thread::Builder::new()
            .name("epochs".into())
            .spawn(move || engine::run(&config, &theirs))
            .map_err(|source| Error::Files { what: "start a thread".into(), source })?;
        Ok(Self { shared, server, engine })
    }

    /// Address of the door.
    pub fn address(&self) -> SocketAddr {
        self.server.addr()
    }

    /// What the threads share.
    pub fn shared(&self) -> &engine::Shared {
        &self.shared
    }

    /// Whether the epoch loop has ended, by a stop or by an error.
    pub fn is_finished(&self) -> bool {
        self.engine.is_finished()
    }

    /// Drains to a committed epoch, then closes the door.
    pub fn stop(self) -> Result<(), Error> {
        self.drain()?.close();
        Ok(())
    }

    /// Drains to a committed epoch; the door still answers.
    pub fn drain(self) -> Result<Drained, Error> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let result = self.engine.join();
        let server = self.server;
        match result {
            Ok(Ok(())) => Ok(Drained { shared: self.shared, server }),
            Ok(Err(error)) => {
                server.stop();
                Err(error)
            }
            Err(_) => Err(Error::Workers("the epoch loop panicked; its message says why".into())),
        }
    }
}

/// A program whose epoch loop has ended.
#[derive(Debug)]
pub struct Drained {
    /// What was committed, and what was counted.
    pub shared: engine::Shared,
    server: Server,
}

impl Drained {
    /// Closes the door.
    pub fn close(self) {
        self.server.stop();
    }
}

/// What commands that take the pipeline over work with.
///
/// # Errors
/// Those of the log.
pub fn ground(config: &Config) -> Result<Ground, Error> {
    Ok(Ground::new(open_log(config)?, sinks::disk::machine(), Arc::default()))
}

/// Opens the log for a command that writes to it beside the program, which holds the embedded one while it runs.
///
/// # Errors
/// [`Error::Held`] says what to do then; those of the log.
pub(crate) fn take_log(config: &Config) -> Result<eventlog::Shared, Error> {
    open_log(config).map_err(|error| match error {
        Error::Log(eventlog::Error::Locked(_)) => Error::Held,
        error => error,
    })
}

/// Publishes an event beside the program; `by` tells the writer from those of other commands.
///
/// # Errors
/// [`Error::Held`] while the program holds the embedded log; [`Error::Unsent`]; those of the log.
pub(crate) fn publish(
    config: &Config,
    input: Input,
    event: Encoded,
    timestamp_ms: i64,
    by: &str,
) -> Result<(), Error> {
    let log = take_log(config)?;
    log.ensure_topics(&engine::inputs(config.log.partitions))?;
    let topic = input.topic();
    let Encoded { key, value, headers } = event;
    let partition = partition_of(&key, log.partitions(topic)?);
    let draft = Draft { topic: topic.into(), partition, timestamp_ms, key: Some(key), value, headers };
    let mut writer = log.writer(&format!("{}-{by}", config.commit.transactional_id))?;
    match write_all(&mut *writer, &config.commit.group, [draft])? {
        Outcome::Committed => Ok(()),
        outcome => Err(Error::Unsent { outcome }),
    }
}

/// Opens the log the configuration names.
pub fn open_log(config: &Config) -> Result<eventlog::Shared, Error> {
    Ok(match config.log.kind {
        LogKind::Embedded => Arc::new(eventlog::embedded::Embedded::open(&config.log.embedded)?),
        LogKind::Kafka => Arc::new(eventlog::kafka::Kafka::open(&config.log.kafka)?),
    })
}
