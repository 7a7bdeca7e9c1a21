//! The writer: one transactional producer, given up when its past cannot be trusted.
//!
//! # Invariants
//! - A commit is `Committed` only if the broker said so; anything else is `Unknown` or an error.
//! - After a fatal or unclassified error, or a commit that never answered, nothing more is sent: the caller opens a new writer,
//!   which resolves the transaction.
//! - After a disturbed or slow transaction no other begins: the caller opens a new writer, whose epoch voids stray requests.
//!   librdkafka repeats the end of a transaction by itself and does not speak KIP-890 part 2
//!   (<https://github.com/confluentinc/librdkafka/issues/5423>).
//! - A writer never replaces its producer by itself. It may have been fenced while it was out of reach; a new producer would
//!   take the transactional id back, and the caller, who did not read again, would write what its successor wrote.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer, ConsumerGroupMetadata},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer},
};

use super::{
    client::Client,
    failure::{self, Kind},
    producer::{self, Failure, Lost},
};
use crate::{Draft, Error, Outcome, Result, TopicPartition, Writer};

/// Callbacks are served once per so many records.
const SERVE_EVERY: u32 = 256;
/// So many callbacks are served before a transaction begins: they tell what became of the one before.
const CALLBACKS: u32 = 64;
/// A full queue is waited for as long as a record may take to be delivered.
const QUEUE_FULL: Duration = Duration::from_secs(20);
/// Half of `socket.timeout.ms`: a slower commit may have been repeated.
const SLOW: Duration = Duration::from_secs(5);

pub(super) struct KafkaWriter {
    client: Arc<Client>,
    transactional_id: String,
    producer: producer::Shared,
    /// Topics sent to before, with their partitions.
    topics: Vec<(Arc<str>, u32)>,
    state: State,
    sent: u32,
    /// A transaction began on this producer: its requests may be repeated.
    used: bool,
    /// Requests of an earlier transaction may still be under way.
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

impl KafkaWriter {
    pub(super) fn new(client: Arc<Client>, transactional_id: &str) -> Result<Self> {
        let producer = producer::open(&client, transactional_id)?;
        let (transactional_id, topics) = (transactional_id.to_owned(), Vec::new());
        Ok(Self {
            client,
            transactional_id,
            producer,
            topics,
            state: State::Idle,
            sent: 0,
            used: false,
            stale: false,
        })
    }

    fn usable(&self) -> Result<()> {
        match self.state {
            State::Fenced => Err(Error::Fenced(self.transactional_id.clone())),
            State::Stopped => {
                Err(Error::Stopped { reason: "an earlier transaction ended without an answer".into() })
            }
            _ => Ok(()),
        }
    }

    fn exists(&mut self, draft: &Draft) -> Result<()> {
        let same = |topic: &Arc<str>| Arc::ptr_eq(topic, &draft.topic) || *topic == draft.topic;
        let known = self.topics.iter().find(|(topic, _)| same(topic)).map(|(_, partitions)| *partitions);
        let partitions = if let Some(partitions) = known {
            partitions
        } else {
            let partitions = self.client.partitions(&draft.topic)?;
            self.topics.push((Arc::clone(&draft.topic), partitions));
            partitions
        };
        if draft.partition < partitions {
            return Ok(());
        }
        Err(Error::UnknownPartition(place(draft)))
    }

    fn produce(&mut self, draft: &Draft) -> Result<()> {
        let headers = (!draft.headers.is_empty()).then(|| {
            let all = OwnedHeaders::new_with_capacity(draft.headers.len());
            draft.headers.iter().fold(all, |all, (key, value)| all.insert(Header { key, value: Some(value) }))
        });
        let mut record = BaseRecord::<[u8], [u8]>::to(&draft.topic)
            .partition(draft.partition as i32)
            .timestamp(draft.timestamp_ms.max(1))
            .payload(&draft.value);
        record.key = draft.key.as_deref();
        record.headers = headers;
        let start = Instant::now();
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), back))
                    if start.elapsed() < QUEUE_FULL =>
                {
                    record = back;
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(self.refused(&error, draft)),
            }
        }
    }

    fn refused(&mut self, error: &KafkaError, draft: &Draft) -> Error {
        let code = failure::code(error).unwrap_or(Code::Fail);
        match failure::kind(code) {
            Kind::TooLarge => too_large(place(draft), draft.payload_bytes()),
            Kind::Fenced => self.stop(code),
            _ if code == Code::Fatal => self.stop(code),
            _ => {
                self.state = State::Failed;
                Error::Abort { reason: failure::reason(code) }
            }
        }
    }

    /// Notes that nothing more can be sent, and says why.
    fn stop(&mut self, code: Code) -> Error {
        let code = self.producer.client().fatal_error().map_or(code, |(code, _)| code);
        if failure::kind(code) == Kind::Fenced {
            self.state = State::Fenced;
            return Error::Fenced(self.transactional_id.clone());
        }
        self.state = State::Stopped;
        Error::Stopped { reason: failure::reason(code) }
    }

    fn group(
        &self,
        group: &str,
        offsets: &[(TopicPartition, u64)],
    ) -> Result<Option<(TopicPartitionList, ConsumerGroupMetadata)>> {
        if offsets.is_empty() {
            return Ok(None);
        }
        if group.is_empty() {
            return Err(Error::Order("offsets need the name of a group"));
        }
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (at, next) in offsets {
            let added =
                list.add_partition_offset(&at.topic, at.partition as i32, Offset::Offset(*next as i64));
            added.map_err(|error| self.client.explain(&error, "to commit", Some(at)))?;
        }
        let metadata = self.client.group(group)?.group_metadata();
        Ok(Some((list, metadata.expect("the client has a group.id"))))
    }

    /// What a failed commit means. Nothing is sent after it.
    fn failed(&mut self, failure: Failure, group: &str) -> Result<Outcome> {
        let (error, ended) = match failure {
            Failure::BeforeEnd(error) => (error, false),
            Failure::AtEnd(error) => (error, true),
        };
        let code = failure::code(&error).unwrap_or(Code::Fail);
        let (abortable, fatal) = match &error {
            KafkaError::Transaction(error) => (error.txn_requires_abort(), error.is_fatal()),
            _ => (false, false),
        };
        if abortable {
            let lost = self.producer.context().take_lost();
            // After a failed delivery an abort leaves librdkafka out of step with the broker (sequence numbers, partitions
            // that were never added); a new producer is not, and only a new writer may have one.
            self.state = State::Stopped;
            return match lost {
                // A record of an old epoch is refused like any other record.
                Some(Lost { code, .. }) if failure::kind(code) == Kind::Fenced => Err(self.fence()),
                _ if failure::kind(code) == Kind::Fenced => Err(self.fence()),
                Some(Lost { code, at, bytes }) if failure::kind(code) == Kind::TooLarge => {
                    Err(too_large(at, bytes))
                }
                Some(Lost { code, at, .. }) if failure::kind(code) == Kind::Unauthorised => {
                    Err(self.denied(code, "to write", Some(&at)))
                }
                _ if failure::kind(code) == Kind::Unauthorised => {
                    Err(self.denied(code, &format!("to commit offsets of group \"{group}\""), None))
                }
                // The new writer aborts it; without one it is aborted when its time is up.
                _ => Ok(Outcome::Unknown),
            };
        }
        let stopped = self.stop(code);
        let fenced = failure::kind(code) == Kind::Fenced || matches!(stopped, Error::Fenced(_));
        if fenced || !ended || (fatal && failure::kind(code) == Kind::Unauthorised) {
            return Err(if fenced { self.fence() } else { stopped });
        }
        tracing::error!(%error, "the broker did not say whether it committed");
        Ok(Outcome::Unknown)
    }

    fn fence(&mut self) -> Error {
        self.state = State::Fenced;
        Error::Fenced(self.transactional_id.clone())
    }

    fn denied(&self, code: Code, what: &str, at: Option<&TopicPartition>) -> Error {
        failure::error(code, what, at, &self.client.options.brokers)
    }

    fn end_by_abort(&mut self) -> Result<()> {
        let start = Instant::now();
        let aborted = producer::blocking(&self.producer, "abort", producer::abort);
        // See `failed`: after a failed delivery librdkafka and the broker are out of step.
        self.stale |= start.elapsed() > SLOW || self.producer.context().take_lost().is_some();
        match aborted {
            Ok(Ok(())) => {
                self.state = State::Idle;
                Ok(())
            }
            Ok(Err(error)) => Err(self.stop(failure::code(&error).unwrap_or(Code::Fail))),
            Err(stopped) => {
                self.state = State::Stopped;
                Err(stopped)
            }
        }
    }
}

impl Writer for KafkaWriter {
    fn begin(&mut self) -> Result<()> {
        self.usable()?;
        if self.state != State::Idle {
            return Err(Error::Order("begin needs the open transaction committed or aborted first"));
        }
        // One poll serves one callback.
        (0..CALLBACKS).for_each(|_| self.producer.poll(Duration::ZERO));
        if !self.used {
            // What broke while it was made concerned no transaction; without this a dead broker would let none begin.
            self.producer.context().forget_disturbances();
        }
        if self.stale || self.producer.context().is_disturbed() {
            self.state = State::Stopped;
            let reason = "requests of an earlier transaction timed out or were repeated";
            return Err(Error::Stopped { reason: reason.into() });
        }
        self.producer.context().take_lost();
        if let Err(error) = self.producer.begin_transaction() {
            return Err(self.stop(failure::code(&error).unwrap_or(Code::Fail)));
        }
        (self.state, self.used) = (State::Open, true);
        Ok(())
    }

    fn send(&mut self, draft: Draft) -> Result<()> {
        self.usable()?;
        match self.state {
            State::Open => {}
            State::Failed => return Err(Error::Abort { reason: "an earlier send of it failed".into() }),
            _ => return Err(Error::Order("send needs begin first")),
        }
        self.exists(&draft)?;
        self.produce(&draft)?;
        self.sent = self.sent.wrapping_add(1);
        if self.sent.is_multiple_of(SERVE_EVERY) {
            self.producer.poll(Duration::ZERO);
        }
        Ok(())
    }

    fn commit(&mut self, group: &str, offsets: &[(TopicPartition, u64)]) -> Result<Outcome> {
        self.usable()?;
        match self.state {
            State::Open => {}
            State::Failed => return Err(Error::Abort { reason: "an earlier send of it failed".into() }),
            _ => return Err(Error::Order("commit needs begin first")),
        }
        let offsets = self.group(group, offsets)?;
        let start = Instant::now();
        let done = producer::blocking(&self.producer, "commit", move |producer| {
            producer::commit(producer, offsets.as_ref())
        });
        self.stale |= start.elapsed() > SLOW;
        match done {
            Ok(Ok(())) => {
                self.state = State::Idle;
                Ok(Outcome::Committed)
            }
            Ok(Err(failure)) => self.failed(failure, group),
            Err(error) => {
                tracing::error!(%error, "a commit never answered");
                self.state = State::Stopped;
                Ok(Outcome::Unknown)
            }
        }
    }

    fn abort(&mut self) -> Result<()> {
        match self.state {
            State::Open | State::Failed => self.end_by_abort(),
            _ => Ok(()),
        }
    }
}

fn place(draft: &Draft) -> TopicPartition {
    TopicPartition { topic: Arc::clone(&draft.topic), partition: draft.partition }
}

fn too_large(at: TopicPartition, bytes: usize) -> Error {
    Error::TooLarge {
        at,
        bytes,
        setting: "message.max.bytes (of the producer, the broker or the topic)".into(),
    }
}
