//! The log: what an append with an fsynced commit every 100 ms and a scan cost.
//!
//! Records have 750 bytes of varied, incompressible, deterministic content over 8 partitions; every record read is
//! compared with what was written by its number. Kafka through the same trait runs against a bare librdkafka loop with the
//! same settings, round by round in turn, so that a busy machine slows both.

mod kafka;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use eventlog::{
    Budget, Draft, Log, Outcome, TopicPartition, TopicSpec,
    embedded::{Embedded, Options},
};
use serde_json::{Value, json};

/// Bytes of a value: a packet of a second of PPG at 125 Hz with its header and three channels.
const VALUE_BYTES: usize = 750;
const PARTITIONS: u32 = 8;
/// Two gigabytes: more than what is buffered anywhere, little enough for a laptop.
const EMBEDDED_RECORDS: u64 = 3_000_000;
const COMMIT_EVERY: Duration = Duration::from_millis(100);
const BUDGET: Budget = Budget { records: 10_000, bytes: 8 << 20 };

/// What the benchmark of the log can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Kafka brokers to compare with a bare client; without them only the embedded log is measured.
    #[arg(long, env = "MANPASIK_KAFKA_BROKERS")]
    pub brokers: Option<String>,
    /// Directory for the embedded log, emptied afterwards (default: the system's temporary directory).
    #[arg(long)]
    pub dir: Option<PathBuf>,
}

/// Runs the benchmark and returns its metrics.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let (append, read) = embedded(args)?;
    let mut metrics = json!({ "embedded_append_records_per_s": append, "embedded_read_records_per_s": read });
    if let Some(brokers) = &args.brokers {
        let compared = kafka::compare(brokers)?;
        metrics["kafka_produce_ratio"] = compared.produce.ratio().into();
        metrics["kafka_produce_records_per_s"] = compared.produce.ours().into();
        metrics["kafka_consume_ratio"] = compared.consume.ratio().into();
        metrics["kafka_consume_records_per_s"] = compared.consume.ours().into();
    }
    Ok(metrics)
}

fn embedded(args: &Args) -> Result<(f64, f64)> {
    let parent = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let dir =
        tempfile::tempdir_in(&parent).with_context(|| format!("no directory in {}", parent.display()))?;
    let options = Options { dir: dir.path().to_owned(), segment_bytes: 128 << 20, max_record_bytes: 1 << 20 };
    let log = Embedded::open(&options)?;
    let topic: Arc<str> = "bench".into();
    log.ensure_topics(&[TopicSpec { name: Arc::clone(&topic), partitions: PARTITIONS }])?;
    let append = append(&log, &topic, EMBEDDED_RECORDS)?;
    drop(log);
    let log = Embedded::open(&options)?;
    let read = read(&log, &topic, EMBEDDED_RECORDS)?;
    Ok((append, read))
}

/// Appends `records` with a commit every [`COMMIT_EVERY`]; records per second, the last commit included.
fn append(log: &dyn Log, topic: &Arc<str>, records: u64) -> Result<f64> {
    let contents = Contents::new();
    let mut writer = log.writer("bench")?;
    let start = Instant::now();
    let mut begun = start;
    writer.begin()?;
    for number in 0..records {
        writer.send(Draft {
            topic: Arc::clone(topic),
            partition: (number % u64::from(PARTITIONS)) as u32,
            timestamp_ms: number as i64,
            key: None,
            value: contents.value(number),
            headers: Vec::new(),
        })?;
        if number % 64 == 0 && begun.elapsed() >= COMMIT_EVERY {
            ensure!(writer.commit("", &[])? == Outcome::Committed, "a commit was not acknowledged");
            begun = Instant::now();
            writer.begin()?;
        }
    }
    ensure!(writer.commit("", &[])? == Outcome::Committed, "a commit was not acknowledged");
    Ok(records as f64 / start.elapsed().as_secs_f64())
}

/// Reads all partitions from the start and compares what comes.
fn read(log: &dyn Log, topic: &Arc<str>, records: u64) -> Result<f64> {
    let contents = Contents::new();
    let mut reader = log.reader()?;
    let at = |partition| (TopicPartition { topic: Arc::clone(topic), partition }, 0);
    reader.assign(&(0..PARTITIONS).map(at).collect::<Vec<_>>())?;
    let (start, mut seen, mut batch) = (Instant::now(), 0, Vec::new());
    let mut next: Vec<u64> = (0..u64::from(PARTITIONS)).collect();
    while seen < records {
        batch.clear();
        reader.poll(BUDGET, Duration::from_secs(10), &mut batch)?;
        ensure!(!batch.is_empty(), "{} of {records} records are missing", records - seen);
        for record in &batch {
            let number = &mut next[record.partition as usize];
            ensure!(contents.is(*number, &record.value), "record {number} is not what was written");
            *number += u64::from(PARTITIONS);
        }
        seen += batch.len() as u64;
    }
    Ok(records as f64 / start.elapsed().as_secs_f64())
}

/// Deterministic values: a pool larger than a cache, each use stamped with the number of the record.
struct Contents {
    pool: Vec<u8>,
}

impl Contents {
    const VALUES: u64 = 8_192;

    fn new() -> Self {
        let mut state = 0_u64;
        // SplitMix64 (Steele, Lea, Flood 2014).
        let mut random = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let pool = (0..Self::VALUES as usize * VALUE_BYTES).map(|_| random() as u8).collect();
        Self { pool }
    }

    fn tail(&self, number: u64) -> &[u8] {
        let start = (number % Self::VALUES) as usize * VALUE_BYTES;
        &self.pool[start + 8..start + VALUE_BYTES]
    }

    fn value(&self, number: u64) -> Vec<u8> {
        let mut value = Vec::with_capacity(VALUE_BYTES);
        value.extend_from_slice(&number.to_le_bytes());
        value.extend_from_slice(self.tail(number));
        value
    }

    fn is(&self, number: u64, value: &[u8]) -> bool {
        value
            .split_first_chunk()
            .is_some_and(|(stamp, tail)| u64::from_le_bytes(*stamp) == number && tail == self.tail(number))
    }
}
