//! The simulated writer: the rules of the Kafka writer on the simulated client.
//!
//! # Invariants
//! - As there: `Committed` only if the broker said so, `Aborted` only if the transaction can no longer commit, anything else
//!   is `Unknown`, and then nothing more is sent.
//! - As there: after a disturbed or slow transaction the writer begins no other. It does not replace its producer by itself:
//!   it may have been fenced in the meantime, and would take back what another writer was given.
//!   [`super::Faults::reuse_after_doubt`] and [`super::Sim::reopen_after_doubt`] plant these two bugs.

use std::sync::Arc;

use super::{
    Shared,
    broker::{Broker, unreachable},
    faults::Call,
    producer::{Producer, Reply, Trouble},
};
use crate::{Draft, Error, Outcome, Result, TopicPartition, Writer};

/// The largest record a broker takes by default.
const MAX_RECORD_BYTES: usize = 1_048_588;
/// How long a coordinator may take to be found.
const INIT_MS: u64 = 30_000;
/// A slower commit may have been repeated.
const SLOW_MS: u64 = 5_000;

pub(super) struct SimWriter {
    broker: Shared,
    process: (u64, u64),
    id: String,
    producer: Producer,
    state: State,
    /// A stray request may be under way.
    stale: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Open,
    /// Can only be aborted.
    Failed,
    Fenced,
    Stopped,
}

impl SimWriter {
    pub(super) fn open(shared: &Shared, process: (u64, u64), id: &str) -> Result<Self> {
        let mut broker = shared.lock();
        broker.alive(process)?;
        let producer = producer(&mut broker, id)?;
        drop(broker);
        let broker = shared.clone();
        Ok(Self { broker, process, id: id.to_owned(), producer, state: State::Idle, stale: false })
    }

    fn usable(&self, broker: &mut Broker) -> Result<()> {
        broker.alive(self.process)?;
        broker.weather();
        match self.state {
            State::Fenced => Err(Error::Fenced(self.id.clone())),
            State::Stopped => Err(stopped("an earlier transaction ended without an answer")),
            _ => Ok(()),
        }
    }

    fn open_state(&self) -> Result<()> {
        match self.state {
            State::Open => Ok(()),
            State::Failed => Err(Error::Abort { reason: "an earlier send of it failed".into() }),
            _ => Err(Error::Order("send and commit need begin first")),
        }
    }

    /// Notes what `error` leaves of this writer.
    fn failed(&mut self, broker: &mut Broker, error: Error) -> Error {
        broker.note(format_args!("{}: failed ({})", self.id, name(&error)));
        self.state = match &error {
            Error::Abort { .. } => State::Failed,
            Error::Fenced(_) => State::Fenced,
            Error::Stopped { .. } => State::Stopped,
            _ => self.state,
        };
        error
    }

    fn fence(&mut self) -> Error {
        self.state = State::Fenced;
        Error::Fenced(self.id.clone())
    }

    /// The planted bug: replaces the producer behind the caller's back.
    fn reopen(&mut self, broker: &mut Broker) -> Result<()> {
        self.state = State::Stopped;
        self.producer = producer(broker, &self.id)?;
        (self.state, self.stale) = (State::Idle, false);
        Ok(())
    }

    /// What is left to say after a failed delivery.
    fn drop_lost(&mut self, broker: &mut Broker) -> Result<Outcome> {
        if broker.reopens {
            self.reopen(broker)?;
            return Ok(Outcome::Aborted);
        }
        if !broker.faults.reuse_after_doubt {
            self.state = State::Stopped;
            return Ok(Outcome::Unknown);
        }
        match self.producer.end(broker, false) {
            Reply::Done => {
                self.state = State::Idle;
                Ok(Outcome::Aborted)
            }
            Reply::Fenced => Err(self.fence()),
            Reply::Invalid | Reply::Silence => {
                self.state = State::Stopped;
                Ok(Outcome::Unknown)
            }
        }
    }

    fn end_by_commit(
        &mut self,
        broker: &mut Broker,
        group: &str,
        offsets: &[(TopicPartition, u64)],
    ) -> Result<Outcome> {
        self.producer.flush(broker);
        let added = match self.producer.trouble {
            Some(trouble) => Err(trouble),
            None => self.producer.offsets(broker, group, offsets),
        };
        match added {
            Ok(()) => {}
            Err(Trouble::Fenced) => return Err(self.fence()),
            Err(Trouble::Lost) => return self.drop_lost(broker),
        }
        match self.producer.end(broker, true) {
            Reply::Done => {
                self.state = State::Idle;
                Ok(Outcome::Committed)
            }
            Reply::Fenced => Err(self.fence()),
            Reply::Invalid | Reply::Silence => {
                self.state = State::Stopped;
                Ok(Outcome::Unknown)
            }
        }
    }

    fn end_by_abort(&mut self, broker: &mut Broker) -> Result<()> {
        match self.producer.end(broker, false) {
            Reply::Done => {
                self.state = State::Idle;
                Ok(())
            }
            Reply::Fenced => Err(self.fence()),
            Reply::Invalid if broker.reopens => self.reopen(broker),
            Reply::Invalid | Reply::Silence => {
                self.state = State::Stopped;
                Err(stopped("an abort failed"))
            }
        }
    }
}

impl Writer for SimWriter {
    fn begin(&mut self) -> Result<()> {
        let shared = self.broker.clone();
        let broker = &mut *shared.lock();
        self.usable(broker)?;
        if self.state != State::Idle {
            return Err(Error::Order("begin needs the open transaction committed or aborted first"));
        }
        if let Some(error) = broker.script.error(Call::Begin) {
            return Err(self.failed(broker, error));
        }
        if broker.random.hits(broker.faults.begin_fails) {
            return Err(self.failed(broker, stopped("a transaction could not begin")));
        }
        let doubt = self.stale || self.producer.is_disturbed(broker);
        if doubt && broker.reopens {
            self.reopen(broker)?;
        } else if doubt && !broker.faults.reuse_after_doubt {
            return Err(self.failed(broker, stopped("a request of an earlier transaction may be under way")));
        }
        self.producer.begin(broker);
        self.state = State::Open;
        Ok(())
    }

    fn send(&mut self, draft: Draft) -> Result<()> {
        let shared = self.broker.clone();
        let broker = &mut *shared.lock();
        self.usable(broker)?;
        self.open_state()?;
        let at = TopicPartition { topic: Arc::clone(&draft.topic), partition: draft.partition };
        broker.partition(&at)?;
        let bytes = draft.payload_bytes();
        if bytes > MAX_RECORD_BYTES {
            return Err(Error::TooLarge {
                at,
                bytes,
                setting: format!("message.max.bytes={MAX_RECORD_BYTES}"),
            });
        }
        if let Some(error) = broker.script.error(Call::Send) {
            return Err(self.failed(broker, error));
        }
        if broker.random.hits(broker.faults.send_fails) {
            let error = match broker.random.below(3) {
                0 => stopped("a record could not be sent"),
                1 => unreachable(),
                _ => Error::Abort { reason: "a record could not be sent".into() },
            };
            return Err(self.failed(broker, error));
        }
        match self.producer.trouble {
            Some(Trouble::Fenced) => Err(self.fence()),
            Some(Trouble::Lost) => {
                let error = Error::Abort { reason: "a record was not delivered".into() };
                Err(self.failed(broker, error))
            }
            None => {
                self.producer.send(broker, draft);
                Ok(())
            }
        }
    }

    fn commit(&mut self, group: &str, offsets: &[(TopicPartition, u64)]) -> Result<Outcome> {
        let shared = self.broker.clone();
        let broker = &mut *shared.lock();
        self.usable(broker)?;
        self.open_state()?;
        if !offsets.is_empty() && group.is_empty() {
            return Err(Error::Order("offsets need the name of a group"));
        }
        let error = match broker.script.error(Call::Commit) {
            None if broker.random.hits(broker.faults.commit_fails) => Some(match broker.random.below(2) {
                0 => stopped("a transaction could not be committed"),
                _ => Error::Unauthorised { what: "to commit offsets".into() },
            }),
            scripted => scripted,
        };
        if let Some(error) = error {
            let error = self.failed(broker, error);
            if self.state == State::Open {
                self.drop_lost(broker)?;
            }
            return Err(error);
        }
        let start = broker.now();
        let outcome = self.end_by_commit(broker, group, offsets);
        self.stale |= broker.now() - start > SLOW_MS;
        match &outcome {
            Ok(outcome) => broker.note(format_args!("{}: the client takes it as {outcome:?}", self.id)),
            Err(error) => broker.note(format_args!("{}: failed ({})", self.id, name(error))),
        }
        outcome
    }

    fn abort(&mut self) -> Result<()> {
        let shared = self.broker.clone();
        let broker = &mut *shared.lock();
        broker.alive(self.process)?;
        if !matches!(self.state, State::Open | State::Failed) {
            return Ok(());
        }
        if let Some(error) = broker.script.error(Call::Abort) {
            return Err(self.failed(broker, error));
        }
        self.end_by_abort(broker)
    }
}

/// A producer that takes over `id`.
fn producer(broker: &mut Broker, id: &str) -> Result<Producer> {
    broker.ask(INIT_MS)?;
    match broker.script.error(Call::Open) {
        Some(error) => Err(error),
        None => Ok(Producer::open(broker, id)),
    }
}

fn stopped(reason: &str) -> Error {
    Error::Stopped { reason: reason.into() }
}

/// The kind of `error`, for the trace.
fn name(error: &Error) -> &'static str {
    match error {
        Error::Abort { .. } => "abort",
        Error::Fenced(_) => "fenced",
        Error::Stopped { .. } => "stopped",
        Error::Unreachable { .. } => "unreachable",
        _ => "other",
    }
}
