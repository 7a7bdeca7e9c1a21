//! The thread that polls a consumer and hands batches on.
//!
//! # Invariants
//! - Only this thread touches the consumer, so positions and batches belong together.
//! - A batch carries the positions after its last record; they pass control records, which no record shows.
//! - A partition that has something to read and yields nothing for [`STALLED`] gets a new consumer: librdkafka was seen to
//!   stall for ever (<https://github.com/fede1024/rust-rdkafka/issues/665>).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, TryRecvError};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
};

use super::{
    client::Client,
    failure::{self, Kind},
};
use crate::{Error, Record, Result, TopicPartition};

/// Batches that wait for the reader.
pub(super) const QUEUED_BATCHES: usize = 8;
/// A batch is handed on at so many records or bytes, or when nothing more is there.
const BATCH_RECORDS: usize = 4_000;
const BATCH_BYTES: usize = 2 << 20;
/// How long the consumer may wait before commands are looked at.
const TICK: Duration = Duration::from_millis(20);
const STALLED: Duration = Duration::from_secs(10);

/// A new assignment.
pub(super) struct Assign {
    /// Number of the assignment; batches of an older one are dropped.
    pub(super) generation: u64,
    pub(super) at: Vec<(TopicPartition, u64)>,
}

/// What was read since the last batch.
pub(super) struct Batch {
    pub(super) generation: u64,
    /// Records, or why reading stopped.
    pub(super) records: Result<Vec<Record>>,
    /// Bytes of their keys, values and headers.
    pub(super) bytes: usize,
    /// The next offset of each assigned partition, after these records.
    pub(super) positions: Vec<u64>,
}

pub(super) struct Fetcher {
    client: Arc<Client>,
    consumer: BaseConsumer,
    commands: Receiver<Assign>,
    batches: Sender<Batch>,
    generation: u64,
    at: Vec<TopicPartition>,
    positions: Vec<u64>,
    progress: Instant,
}

impl Fetcher {
    pub(super) fn new(
        client: Arc<Client>,
        commands: Receiver<Assign>,
        batches: Sender<Batch>,
    ) -> Result<Self> {
        let consumer = consumer(&client)?;
        let (at, positions, progress) = (Vec::new(), Vec::new(), Instant::now());
        Ok(Self { client, consumer, commands, batches, generation: 0, at, positions, progress })
    }

    /// Runs until the reader is gone.
    pub(super) fn run(mut self) {
        loop {
            let command = match self.commands.try_recv() {
                Err(TryRecvError::Empty) if self.at.is_empty() => {
                    self.commands.recv().map_err(|_| TryRecvError::Disconnected)
                }
                command => command,
            };
            let batch = match command {
                Err(TryRecvError::Disconnected) => return,
                Ok(assign) => match self.assign(assign) {
                    Ok(()) => continue,
                    Err(error) => Err(error),
                },
                Err(TryRecvError::Empty) => self.watch().and_then(|()| self.collect()),
            };
            if !self.hand_on(batch) {
                return;
            }
        }
    }

    fn assign(&mut self, assign: Assign) -> Result<()> {
        self.generation = assign.generation;
        (self.at, self.positions) = assign.at.into_iter().unzip();
        self.apply()
    }

    fn apply(&mut self) -> Result<()> {
        self.progress = Instant::now();
        let mut list = TopicPartitionList::with_capacity(self.at.len());
        for (at, next) in self.at.iter().zip(&self.positions) {
            let added =
                list.add_partition_offset(&at.topic, at.partition as i32, Offset::Offset(*next as i64));
            added.map_err(|error| self.client.explain(&error, "to assign", Some(at)))?;
        }
        self.consumer.assign(&list).map_err(|error| self.client.explain(&error, "to assign", None))
    }

    /// Reads until a batch is full or nothing more is there.
    fn collect(&mut self) -> Result<(Vec<Record>, usize)> {
        let (mut records, mut bytes, mut last) = (Vec::new(), 0, 0);
        let mut wait = TICK;
        while records.len() < BATCH_RECORDS && bytes < BATCH_BYTES {
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    if records.is_empty() {
                        records.reserve(BATCH_RECORDS / 4);
                    }
                    last = find(&self.at, message.topic(), message.partition(), last).unwrap_or(last);
                    let record = record(&message, &self.at[last].topic);
                    bytes += record.payload_bytes();
                    records.push(record);
                    wait = Duration::ZERO;
                }
                // The end of a partition: what was read is handed on, with the position past control records.
                Some(Err(KafkaError::PartitionEOF(_))) => wait = Duration::ZERO,
                Some(Err(error)) => match self.trouble(&error) {
                    // What was read before the trouble is good; a lasting trouble comes back.
                    Some(found) if records.is_empty() => return Err(found),
                    _ => break,
                },
            }
        }
        self.advance();
        Ok((records, bytes))
    }

    /// The error for the reader, unless librdkafka gets over it by itself.
    fn trouble(&self, error: &KafkaError) -> Option<Error> {
        let code = failure::code(error)?;
        match failure::kind(code) {
            // The watch tells if it lasts.
            Kind::Unreachable => {
                tracing::warn!(%error, "the broker does not answer; reading goes on when it does");
                None
            }
            Kind::OutOfRange => {
                let outside = |(at, next): (&TopicPartition, &u64)| {
                    let range = self.client.range(at).ok()?;
                    let outside = *next < range.start || *next > range.end;
                    outside.then(|| Error::OutOfRange { at: at.clone(), offset: *next, range })
                };
                let found = self.at.iter().zip(&self.positions).find_map(outside);
                Some(found.unwrap_or_else(|| self.client.explain(error, "to read", None)))
            }
            Kind::Other if !matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                tracing::warn!(%error, "the consumer reported a passing trouble");
                None
            }
            _ => Some(self.client.explain(error, "to read", self.at.first())),
        }
    }

    /// Takes over the positions of the consumer; those of partitions that yielded nothing yet stay.
    fn advance(&mut self) {
        let Ok(list) = self.consumer.position() else { return };
        let mut last = 0;
        for element in list.elements() {
            let Some(index) = find(&self.at, element.topic(), element.partition(), last) else { continue };
            if let Offset::Offset(next) = element.offset() {
                if self.positions[index] < next as u64 {
                    self.progress = Instant::now();
                }
                self.positions[index] = self.positions[index].max(next as u64);
            }
            last = index + 1;
        }
    }

    /// Replaces a consumer that yields nothing although something is there.
    fn watch(&mut self) -> Result<()> {
        if self.progress.elapsed() < STALLED {
            return Ok(());
        }
        self.progress = Instant::now();
        for index in 0..self.at.len() {
            let range = self.client.range(&self.at[index])?;
            if self.positions[index] < range.end {
                let at = &self.at[index];
                tracing::warn!(%at, next = self.positions[index], end = range.end, "the consumer stalled; opening a new one");
                self.consumer = consumer(&self.client)?;
                return self.apply();
            }
        }
        Ok(())
    }

    /// Hands a batch to the reader; false when it is gone. A command that comes meanwhile makes the batch void.
    fn hand_on(&mut self, collected: Result<(Vec<Record>, usize)>) -> bool {
        let (records, bytes) = match collected {
            Ok((records, bytes)) => (Ok(records), bytes),
            Err(error) => (Err(error), 0),
        };
        let mut batch =
            Batch { generation: self.generation, records, bytes, positions: self.positions.clone() };
        loop {
            match self.batches.send_timeout(batch, TICK) {
                Ok(()) => return true,
                Err(SendTimeoutError::Disconnected(_)) => return false,
                Err(SendTimeoutError::Timeout(_)) if !self.commands.is_empty() => return true,
                Err(SendTimeoutError::Timeout(kept)) => batch = kept,
            }
            // Waiting for the reader is no stall of the consumer.
            self.progress = Instant::now();
        }
    }
}

fn consumer(client: &Client) -> Result<BaseConsumer> {
    client.options.consumer(None)?.create().map_err(|error| failure::setting(&error))
}

/// The index of a partition, looked for at `guess` first.
fn find(at: &[TopicPartition], topic: &str, partition: i32, guess: usize) -> Option<usize> {
    let is = |at: &TopicPartition| at.partition == partition as u32 && &*at.topic == topic;
    match at.get(guess) {
        Some(place) if is(place) => Some(guess),
        _ => at.iter().position(is),
    }
}

fn record(message: &BorrowedMessage<'_>, topic: &Arc<str>) -> Record {
    let header = |header: rdkafka::message::Header<'_, &[u8]>| {
        (Arc::from(header.key), header.value.map(<[u8]>::to_vec).unwrap_or_default())
    };
    Record {
        topic: Arc::clone(topic),
        partition: message.partition() as u32,
        offset: message.offset() as u64,
        timestamp_ms: message.timestamp().to_millis().unwrap_or(1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec).unwrap_or_default(),
        headers: message.headers().map(|headers| headers.iter().map(header).collect()).unwrap_or_default(),
    }
}
