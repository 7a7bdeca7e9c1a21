//! A transactional producer: its callbacks, and the calls of librdkafka that block.
//!
//! # Invariants
//! - A blocking call runs on a thread of its own; whoever waits for it stops waiting after [`PATIENCE`]. librdkafka wants its
//!   transaction calls without a time limit (a limit "risks internal state desynchronization"), and was seen to hang in them
//!   (<https://github.com/confluentinc/librdkafka/issues/4420>).
//! - A retriable error repeats the same call with the same arguments, as librdkafka asks for.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{RecvTimeoutError, bounded};
use rdkafka::{
    ClientContext, Message, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::ConsumerGroupMetadata,
    error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code},
    message::DeliveryResult,
    producer::{BaseProducer, Producer, ProducerContext},
    util::Timeout,
};

use super::{client::Client, failure, settings::TRANSACTION_TIMEOUT_MS};
use crate::{Error, Result, TopicPartition};

/// Twice what the broker lets a transaction live: after it the outcome is decided without us.
const PATIENCE: Duration = Duration::from_millis(2 * TRANSACTION_TIMEOUT_MS);
/// How often callbacks are served meanwhile.
const TICK: Duration = Duration::from_millis(5);
/// How often it is looked whether all records were delivered.
const GLANCE: Duration = Duration::from_millis(1);
/// How long an abort waits for what is queued: half of what makes a transaction slow.
const SETTLE: Duration = Duration::from_millis(2_500);
/// How long a coordinator may take to be found.
const INIT: Duration = Duration::from_secs(30);

/// A record that could not be delivered.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) code: Code,
    pub(super) at: TopicPartition,
    /// Bytes of key and value.
    pub(super) bytes: usize,
}

/// What librdkafka tells beside its answers.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// The first record of the transaction that could not be delivered.
    lost: Mutex<Option<Lost>>,
    /// Timeouts, retries and disconnects so far.
    disturbances: AtomicU64,
    disturbed: AtomicBool,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // Statistics tell it too, up to a second later; the next transaction must not begin before.
        if breaks_requests(facility, message) {
            self.disturbed.store(true, Ordering::Relaxed);
        }
        match level {
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(facility, message, "librdkafka");
            }
            _ => tracing::warn!(facility, message, "librdkafka"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        let of = |broker: &rdkafka::statistics::Broker| {
            broker.req_timeouts + broker.txretries + broker.disconnects.unwrap_or(0).max(0) as u64
        };
        let now = statistics.brokers.values().map(of).sum();
        if self.disturbances.swap(now, Ordering::Relaxed) < now {
            self.disturbed.store(true, Ordering::Relaxed);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "librdkafka");
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = delivered
            && let Some(code) = failure::code(error)
            // A purge follows from another failure.
            && !matches!(code, Code::PurgeQueue | Code::PurgeInflight)
        {
            let at = TopicPartition::new(message.topic(), message.partition().max(0) as u32);
            let bytes = message.key_len() + message.payload_len();
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(Lost { code, at, bytes });
        }
    }
}

impl Context {
    /// Forgets the lost record of an earlier transaction, and gives it back.
    pub(super) fn take_lost(&self) -> Option<Lost> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Forgets what was disturbed so far.
    pub(super) fn forget_disturbances(&self) {
        self.disturbed.store(false, Ordering::Relaxed);
    }

    /// Whether requests timed out, were repeated or lost their connection since this producer was made.
    ///
    /// A stray commit request of such a transaction may still be under way; only a new producer epoch makes it harmless.
    pub(super) fn is_disturbed(&self) -> bool {
        self.disturbed.load(Ordering::Relaxed)
    }
}

/// Whether a line of librdkafka says that requests may have been sent which nobody answered.
///
/// A connection that could not be made carried none.
fn breaks_requests(facility: &str, message: &str) -> bool {
    facility == "REQTMOUT" || (facility == "FAIL" && message.contains("in state UP"))
}

/// The producer as writers and blocking calls share it.
pub(super) type Shared = Arc<BaseProducer<Context>>;

/// Makes a producer and lets it take over `transactional_id`.
pub(super) fn open(client: &Client, transactional_id: &str) -> Result<Shared> {
    let config = client.options.producer(transactional_id)?;
    let producer: BaseProducer<Context> =
        config.create_with_context(Context::default()).map_err(|error| failure::setting(&error))?;
    let producer = Arc::new(producer);
    let start = Instant::now();
    loop {
        let init = blocking(&producer, "init", |producer| producer.init_transactions(INIT))?;
        let Err(error) = init else { return Ok(producer) };
        if !(is_retriable(&error) && start.elapsed() < INIT) {
            return Err(client.explain(
                &error,
                &format!("to open transactional id \"{transactional_id}\""),
                None,
            ));
        }
    }
}

/// Runs `call` on a thread of its own.
pub(super) fn blocking<T: Send + 'static>(
    producer: &Shared,
    name: &str,
    call: impl FnOnce(&BaseProducer<Context>) -> T + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = bounded(1);
    let shared = Arc::clone(producer);
    let run = move || {
        // Nobody waits any more where this fails.
        sender.send(call(&shared)).ok();
    };
    let stopped = |reason: String| Error::Stopped { reason };
    let thread = thread::Builder::new().name(format!("kafka-{name}")).spawn(run);
    thread.map_err(|error| stopped(format!("no thread to {name}: {error}")))?;
    let start = Instant::now();
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(answer) => return Ok(answer),
            // An abort ends only after the callbacks of the records it drops were served.
            Err(RecvTimeoutError::Timeout) if start.elapsed() < PATIENCE => {
                producer.poll(Duration::ZERO);
            }
            Err(_) => return Err(stopped(format!("kafka did not {name} within {PATIENCE:?}"))),
        }
    }
}

/// Sends the offsets and ends the transaction.
pub(super) fn commit(
    producer: &BaseProducer<Context>,
    offsets: Option<&(TopicPartitionList, ConsumerGroupMetadata)>,
) -> std::result::Result<(), Failure> {
    let start = Instant::now();
    if let Some((offsets, group)) = offsets {
        let send = || producer.send_offsets_to_transaction(offsets, group, Timeout::Never);
        again(start, send).map_err(Failure::BeforeEnd)?;
    }
    deliver(producer, start, PATIENCE);
    again(start, || producer.commit_transaction(Timeout::Never)).map_err(Failure::AtEnd)
}

/// Drops the transaction.
///
/// What is queued is delivered first, if that does not take long. An abort overtakes the request that adds partitions while
/// the coordinator still writes the markers of the transaction before: it then finds that one ended, calls the abort
/// invalid, and librdkafka gives the producer up.
pub(super) fn abort(producer: &BaseProducer<Context>) -> KafkaResult<()> {
    let start = Instant::now();
    deliver(producer, start, SETTLE);
    again(start, || producer.abort_transaction(Timeout::Never))
}

/// Waits until all records were delivered, until `limit` after `start` at most.
///
/// rust-rdkafka would flush too, asleep for 100 ms at a time: whoever else serves callbacks takes the one it waits for.
fn deliver(producer: &BaseProducer<Context>, start: Instant, limit: Duration) {
    while producer.in_flight_count() > 0 && start.elapsed() < limit {
        producer.flush(GLANCE).ok();
    }
}

/// Where a commit failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing asked the broker to commit.
    BeforeEnd(KafkaError),
    /// The broker may have been asked.
    AtEnd(KafkaError),
}

fn again(start: Instant, call: impl Fn() -> KafkaResult<()>) -> KafkaResult<()> {
    loop {
        match call() {
            Err(error) if is_retriable(&error) && start.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

fn is_retriable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_retriable() && !error.txn_requires_abort() && !error.is_fatal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_have_carried_requests_disturbs() {
        let line = |facility, message| {
            let context = Context::default();
            context.log(RDKafkaLogLevel::Info, facility, message);
            context.is_disturbed()
        };
        assert!(line("REQTMOUT", "[thrd:b:9092/1]: Timed out EndTxnRequest in flight"));
        assert!(line("FAIL", "[thrd:b:9092/1]: Disconnected (after 5023ms in state UP)"));
        assert!(!line("FAIL", "[thrd:b:9092/1]: Connection refused (after 0ms in state CONNECT)"));
        assert!(!line("GETPID", "in state UP"));
    }
}
