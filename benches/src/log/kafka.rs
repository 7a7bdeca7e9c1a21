//! Kafka through the log's trait against a bare librdkafka loop with the same settings.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, anyhow, ensure};
use eventlog::{
    Log, TopicSpec,
    kafka::{Kafka, Options},
};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    producer::{BaseProducer, BaseRecord, Producer},
    util::Timeout,
};

use super::{COMMIT_EVERY, Contents, PARTITIONS, append, read};
use crate::stand::median;

/// 300 MB a round: some seconds of one broker on a laptop.
const RECORDS: u64 = 400_000;
const ROUNDS: usize = 4;

/// Rates of both sides, one pair per round.
#[derive(Debug, Default)]
pub(super) struct Rates {
    pairs: Vec<(f64, f64)>,
}

impl Rates {
    /// The median of ours over bare.
    pub(super) fn ratio(&self) -> f64 {
        median(self.pairs.iter().map(|(ours, bare)| ours / bare).collect())
    }

    /// The median of ours, records per second.
    pub(super) fn ours(&self) -> f64 {
        median(self.pairs.iter().map(|(ours, _)| *ours).collect())
    }
}

/// What was compared.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) produce: Rates,
    pub(super) consume: Rates,
}

/// Runs both sides in turn.
pub(super) fn compare(brokers: &str) -> Result<Compared> {
    let options = Options { brokers: brokers.to_owned(), group_id: None, properties: [].into() };
    let log = Kafka::open(&options)?;
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let mut compared = Compared::default();
    // Round 0 warms the broker's compiler and is not counted; who goes first alternates.
    for round in 0..=ROUNDS {
        let topics = ["ours", "bare"].map(|side| Arc::<str>::from(format!("bench-{run}-{round}-{side}")));
        let spec = |name: &Arc<str>| TopicSpec { name: Arc::clone(name), partitions: PARTITIONS };
        log.ensure_topics(&topics.each_ref().map(spec))?;
        let [ours, bare] = &topics;
        let produced = in_turn(round, || append(&log, ours, RECORDS), || bare_produce(brokers, bare))?;
        let consumed = in_turn(round, || read(&log, ours, RECORDS), || bare_consume(brokers, bare))?;
        if round > 0 {
            compared.produce.pairs.push(produced);
            compared.consume.pairs.push(consumed);
        }
    }
    Ok(compared)
}

fn in_turn(
    round: usize,
    ours: impl FnOnce() -> Result<f64>,
    bare: impl FnOnce() -> Result<f64>,
) -> Result<(f64, f64)> {
    if round.is_multiple_of(2) {
        let ours = ours()?;
        Ok((ours, bare()?))
    } else {
        let bare = bare()?;
        Ok((ours()?, bare))
    }
}

fn bare_produce(brokers: &str, topic: &str) -> Result<f64> {
    let contents = Contents::new();
    let producer: BaseProducer = config(brokers)
        .set("transactional.id", "bench-bare")
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("max.in.flight.requests.per.connection", "5")
        .set("transaction.timeout.ms", "30000")
        .set("message.timeout.ms", "20000")
        .set("compression.type", "zstd")
        .set("linger.ms", "5")
        .set("queue.buffering.max.kbytes", "65536")
        .set("statistics.interval.ms", "1000")
        .set("delivery.report.only.error", "true")
        .create()?;
    producer.init_transactions(Timeout::Never)?;
    let start = Instant::now();
    let mut begun = start;
    producer.begin_transaction()?;
    for number in 0..RECORDS {
        let value = contents.value(number);
        let partition = (number % u64::from(PARTITIONS)) as i32;
        let mut record = BaseRecord::<(), [u8]>::to(topic)
            .partition(partition)
            .timestamp(number.max(1) as i64)
            .payload(&value);
        while let Err((error, back)) = producer.send(record) {
            ensure!(
                error == KafkaError::MessageProduction(rdkafka::types::RDKafkaErrorCode::QueueFull),
                "could not send: {error}"
            );
            record = back;
            producer.poll(Duration::from_millis(10));
        }
        if number % 256 == 0 {
            producer.poll(Duration::ZERO);
        }
        if number % 64 == 0 && begun.elapsed() >= COMMIT_EVERY {
            producer.commit_transaction(Timeout::Never)?;
            begun = Instant::now();
            producer.begin_transaction()?;
        }
    }
    producer.commit_transaction(Timeout::Never)?;
    Ok(RECORDS as f64 / start.elapsed().as_secs_f64())
}

fn bare_consume(brokers: &str, topic: &str) -> Result<f64> {
    let contents = Contents::new();
    let consumer: BaseConsumer = config(brokers)
        .set("group.id", "bench-bare")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("check.crcs", "true")
        .set("enable.partition.eof", "true")
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.queue.backoff.ms", "20")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition as i32, Offset::Offset(0))?;
    }
    let mut next: Vec<u64> = (0..u64::from(PARTITIONS)).collect();
    let (start, mut seen) = (Instant::now(), 0);
    consumer.assign(&list)?;
    while seen < RECORDS {
        match consumer.poll(Duration::from_secs(10)).ok_or_else(|| anyhow!("records are missing"))? {
            Ok(message) => {
                let number = &mut next[message.partition() as usize];
                let value = message.payload().unwrap_or_default();
                ensure!(contents.is(*number, value), "record {number} is not what was written");
                *number += u64::from(PARTITIONS);
                seen += 1;
            }
            Err(KafkaError::PartitionEOF(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(RECORDS as f64 / start.elapsed().as_secs_f64())
}

fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("client.id", "bench-bare")
        .set("socket.timeout.ms", "10000")
        .set("socket.keepalive.enable", "true");
    config
}
