//! A log in memory that behaves as badly as Kafka does, decided by a seed.
//!
//! It models the brokers as they treat a client of the protocol before KIP-890 part 2, and the client with the rules of the
//! Kafka writer: producer epochs and fencing, the last stable offset, control markers, requests to end a transaction
//! that are lost, late or repeated, transaction timeouts, offsets in the transaction, retention, outages. [`Faults`] says
//! how often what goes wrong; [`Sim::next_end`] and [`Sim::next_error`] say what goes wrong next.
//!
//! Time is a number that calls and [`Sim::advance`] move; nothing sleeps and nothing blocks. A *process* is what holds
//! readers and writers: [`Sim::kill`] ends it as kill -9 does, and the brokers go on.
//!
//! # Invariants
//! - The same seed and the same calls give the same run: [`Sim::trace_hash`] tells.
//! - Readers get no record twice within one assignment and none out of order, as with Kafka.
//!
//! # Not modelled
//! Replication and its losses, KIP-890 part 2, late produce requests (leaders refuse them by sequence and by asking the
//! coordinator), group membership, expiry of transactional ids, epochs that run out.

mod broker;
mod coordinator;
mod faults;
mod partition;
mod producer;
mod random;
mod reader;
mod trace;
mod writer;

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use self::faults::{Call, End, Faults};
use self::{broker::Broker, partition::Partition};
use crate::{Draft, Error, Log, Reader, Record, Result, TopicPartition, TopicSpec, Writer};

/// How long the client asks before it gives up a question.
const ANSWER_MS: u64 = 10_000;

/// A simulated log; clones share the brokers and the process.
#[derive(Clone)]
pub struct Sim {
    broker: Shared,
    process: u64,
}

/// The brokers as handles share them.
#[derive(Clone)]
struct Shared(Arc<Mutex<Broker>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Broker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sim {
    /// New brokers without topics, and a first process.
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self { broker: Shared(Arc::new(Mutex::new(Broker::new(seed, faults)))), process: 0 }
    }

    /// Another process on the same brokers.
    pub fn process(&self) -> Self {
        let mut broker = self.broker.lock();
        broker.processes += 1;
        Self { broker: self.broker.clone(), process: broker.processes }
    }

    /// Ends this process: its readers and writers answer nothing but [`Error::Stopped`], what they left open stays open.
    ///
    /// The handle can be used on: it then stands for the process that is started next.
    pub fn kill(&self) {
        let mut broker = self.broker.lock();
        *broker.kills.entry(self.process).or_default() += 1;
        broker.note(format_args!("process {} is killed", self.process));
    }

    /// From now on `faults` go wrong.
    pub fn set_faults(&self, faults: Faults) {
        self.broker.lock().faults = faults;
    }

    /// Plants a bug: a writer replaces a doubtful producer by itself, and so takes its id back from whoever fenced it.
    pub fn reopen_after_doubt(&self) {
        self.broker.lock().reopens = true;
    }

    /// What becomes of the next request to end a transaction; called again, of the one after it.
    pub fn next_end(&self, end: End) {
        self.broker.lock().script.ends.push_back(end);
    }

    /// The next `call` fails with `error`.
    pub fn next_error(&self, call: Call, error: Error) {
        self.broker.lock().script.errors.push((call, error));
    }

    /// Lets `ms` milliseconds pass.
    pub fn advance(&self, ms: u64) {
        self.broker.lock().advance(ms);
    }

    /// Simulated milliseconds so far.
    pub fn now_ms(&self) -> u64 {
        self.broker.lock().now()
    }

    /// The brokers cannot be reached for `ms` milliseconds.
    pub fn unreachable(&self, ms: u64) {
        self.broker.lock().unreachable(ms);
    }

    /// The brokers restart: requests under way are gone, connections break, what was decided stays decided.
    pub fn restart(&self) {
        self.broker.lock().restart();
    }

    /// Retention of the brokers' own: drops what stands before `before`, at most up to the last stable offset.
    ///
    /// # Errors
    /// [`Error::UnknownPartition`].
    pub fn truncate(&self, at: &TopicPartition, before: u64) -> Result<()> {
        let mut broker = self.broker.lock();
        broker.note(format_args!("{at} is truncated to {before}"));
        broker.partition_mut(at)?.truncate(before);
        Ok(())
    }

    /// Appends a record as a plain producer does, committed at once; gives back its offset.
    ///
    /// # Errors
    /// [`Error::UnknownPartition`].
    pub fn append(&self, draft: Draft) -> Result<u64> {
        let at = TopicPartition { topic: Arc::clone(&draft.topic), partition: draft.partition };
        let mut broker = self.broker.lock();
        Ok(broker.partition_mut(&at)?.append(draft))
    }

    /// Takes committed records away for which `torn` says so, as a transaction does whose end came twice or too late;
    /// gives their number. Offsets stay.
    pub fn tear(&self, at: &TopicPartition, torn: impl FnMut(&Record) -> bool) -> Result<usize> {
        let mut broker = self.broker.lock();
        broker.note(format_args!("{at} is torn"));
        Ok(broker.partition_mut(at)?.tear(torn))
    }

    /// Adds `more` partitions to `topic`.
    ///
    /// # Errors
    /// [`Error::UnknownPartition`] where there is no such topic.
    pub fn add_partitions(&self, topic: &str, more: u32) -> Result<()> {
        let mut broker = self.broker.lock();
        broker.note(format_args!("{topic} gets {more} more partitions"));
        let unknown = || Error::UnknownPartition(TopicPartition::new(topic, 0));
        let partitions = broker.topics.get_mut(topic).ok_or_else(unknown)?;
        partitions.extend((0..more).map(|_| Partition::default()));
        Ok(())
    }

    /// What a reader of committed records sees of `topic`, by partition; nothing where there is no such topic.
    pub fn visible(&self, topic: &str) -> Vec<Vec<Record>> {
        let broker = self.broker.lock();
        broker.topics.get(topic).map(|all| all.iter().map(Partition::visible).collect()).unwrap_or_default()
    }

    /// How many offsets stand behind the last stable one, by partition of `topic`.
    pub fn uncommitted_tail(&self, topic: &str) -> Vec<u64> {
        let broker = self.broker.lock();
        let tail = |partition: &Partition| partition.end() - partition.range().end;
        broker.topics.get(topic).map(|all| all.iter().map(tail).collect()).unwrap_or_default()
    }

    /// What happened, without payload; the last lines of a long run.
    pub fn trace(&self) -> Vec<String> {
        self.broker.lock().trace.lines()
    }

    /// One number for everything that happened: two runs of a seed must agree in it.
    pub fn trace_hash(&self) -> u64 {
        self.broker.lock().trace.hash()
    }

    /// What a handle notes to be told from those of a killed process.
    fn ticket(&self, broker: &Broker) -> (u64, u64) {
        (self.process, broker.kills.get(&self.process).copied().unwrap_or(0))
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Log for Sim {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        let mut broker = self.broker.lock();
        broker.ask(ANSWER_MS)?;
        for topic in topics {
            let refuse = |reason: String| Err(Error::Topic { topic: Arc::clone(&topic.name), reason });
            if !crate::record::is_topic_name(&topic.name) {
                return refuse(crate::record::TOPIC_NAME_RULE.into());
            }
            if topic.partitions == 0 {
                return refuse("it needs at least one partition: raise the number".into());
            }
            let asked = topic.partitions as usize;
            let has = broker.topics.get(&topic.name).map(Vec::len);
            if let Some(has) = has.filter(|has| *has < asked) {
                return refuse(format!(
                    "it has {has} partitions, {asked} were asked for: ask for {has} or use a new name"
                ));
            }
        }
        for topic in topics {
            let new = || (0..topic.partitions).map(|_| Partition::default()).collect();
            broker.topics.entry(Arc::clone(&topic.name)).or_insert_with(new);
        }
        Ok(())
    }

    fn partitions(&self, topic: &str) -> Result<u32> {
        let mut broker = self.broker.lock();
        broker.ask(ANSWER_MS)?;
        match broker.topics.get(topic) {
            Some(partitions) => Ok(partitions.len() as u32),
            None => Err(Error::UnknownPartition(TopicPartition::new(topic, 0))),
        }
    }

    fn range(&self, at: &TopicPartition) -> Result<Range<u64>> {
        let mut broker = self.broker.lock();
        broker.ask(ANSWER_MS)?;
        broker.partition(at).map(Partition::range)
    }

    fn truncate(&self, at: &TopicPartition, before: u64) -> Result<()> {
        let range = self.range(at)?;
        if before > range.end {
            return Err(Error::OutOfRange { at: at.clone(), offset: before, range });
        }
        Self::truncate(self, at, before)
    }

    fn committed(&self, group: &str, at: &[TopicPartition]) -> Result<Vec<Option<u64>>> {
        let mut broker = self.broker.lock();
        broker.ask(ANSWER_MS)?;
        let mut left = ANSWER_MS;
        // As asked with require_stable: the answer waits for transactions that hold such offsets.
        while at.iter().any(|at| broker.is_unstable(group, at)) {
            if left == 0 {
                return Err(broker::unreachable());
            }
            left = broker.wait(left);
        }
        Ok(at.iter().map(|at| broker.groups.get(&(group.to_owned(), at.clone())).copied()).collect())
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        let ticket = self.ticket(&self.broker.lock());
        Ok(Box::new(reader::SimReader::new(self.broker.clone(), ticket)))
    }

    fn writer(&self, transactional_id: &str) -> Result<Box<dyn Writer>> {
        let ticket = self.ticket(&self.broker.lock());
        Ok(Box::new(writer::SimWriter::open(&self.broker, ticket, transactional_id)?))
    }
}
