//! The seam to the log: topics, partitions, offsets, and one atomic commit.
//!
//! The pipeline knows this trait and nothing else of a log. Two implementations pass one
//! conformance suite: [`embedded`] (durable on local disk, nothing to install) and [`kafka`]
//! (Apache Kafka through librdkafka). A third, `sim` (feature of that name), is Kafka's behaviour in memory, seeded, with faults.
//!
//! # Invariants
//! - A reader sees only committed records, per partition in offset order, each once per assignment.
//! - What a writer sends between `begin` and `commit`, over any number of topics, becomes visible
//!   together with the consumer offsets passed to `commit`, or not at all.
//! - Offsets grow along a partition; they need not be dense (Kafka's control records take some).
//! - Opening a writer fences every earlier writer of the same transactional id, for good: a writer that cannot trust its past
//!   any more stops. It never takes its id back by itself, for it cannot know whether it was fenced meanwhile.
//! - Keys and values are opaque bytes; they never reach a log line or an error text.

mod error;
mod partitioner;
mod range;
mod record;

pub mod embedded;
pub mod kafka;
#[cfg(feature = "sim")]
pub mod sim;

pub use error::{Error, Result};
pub use partitioner::partition_of;
pub use range::{Patience, read_range};
pub use record::{Draft, Header, Record, TopicPartition, TopicSpec};

use std::{ops::Range, sync::Arc, time::Duration};

/// How much one poll may return.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// At most so many records.
    pub records: usize,
    /// At most so many bytes of keys, values and headers; one record is returned even if it is larger.
    pub bytes: usize,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is durable and visible.
    Committed,
    /// None of it is; the caller may begin again with the same input.
    Aborted,
    /// The log did not say; open a new writer (which resolves the transaction) and read what is there.
    Unknown,
}

/// A log of topics with partitions.
pub trait Log: Send + Sync {
    /// Creates the topics that do not exist; a topic that exists with fewer partitions is an error.
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()>;
    /// Number of partitions of `topic`.
    fn partitions(&self, topic: &str) -> Result<u32>;
    /// The offsets that can be read now: first kept, and one past the last committed (last stable offset).
    fn range(&self, at: &TopicPartition) -> Result<Range<u64>>;
    /// The ends of [`Log::range`], in the order asked for: one question for all where the log has one.
    fn ends(&self, at: &[TopicPartition]) -> Result<Vec<u64>> {
        at.iter().map(|at| self.range(at).map(|range| range.end)).collect()
    }
    /// Drops the records of `at` before offset `before`, for good: the start of [`Log::range`] moves there.
    ///
    /// What stands from `before` on stays. A reader that stands before it meets [`Error::OutOfRange`].
    fn truncate(&self, at: &TopicPartition, before: u64) -> Result<()>;
    /// The offsets `group` committed, in the order asked for; `None` where it never did.
    fn committed(&self, group: &str, at: &[TopicPartition]) -> Result<Vec<Option<u64>>>;
    /// A reader with nothing assigned.
    fn reader(&self) -> Result<Box<dyn Reader>>;
    /// The writer of `transactional_id`; earlier ones are fenced and their open transactions aborted.
    fn writer(&self, transactional_id: &str) -> Result<Box<dyn Writer>>;
}

/// Reads assigned partitions from given offsets; holds no group membership and commits nothing.
pub trait Reader: Send {
    /// Replaces the assignment: each partition with the offset to read next.
    fn assign(&mut self, at: &[(TopicPartition, u64)]) -> Result<()>;
    /// Appends records to `into`, waiting at most `wait` for the first; none is not an error.
    fn poll(&mut self, budget: Budget, wait: Duration, into: &mut Vec<Record>) -> Result<()>;
    /// The offset that would be read next, per assigned partition.
    ///
    /// Past control records too: once everything visible was read it equals the end of [`Log::range`].
    fn positions(&self) -> Vec<(TopicPartition, u64)>;
}

/// Writes transactions, one at a time.
pub trait Writer: Send {
    /// Begins a transaction.
    ///
    /// [`Error::Stopped`] says that this writer begins no other: open a new one and read what is there before writing.
    fn begin(&mut self) -> Result<()>;
    /// Adds a record to the open transaction.
    fn send(&mut self, draft: Draft) -> Result<()>;
    /// Commits the open transaction together with `offsets` (the next to read) of `group`.
    ///
    /// Returns after the commit is durable.
    fn commit(&mut self, group: &str, offsets: &[(TopicPartition, u64)]) -> Result<Outcome>;
    /// Drops the open transaction; without one it does nothing.
    fn abort(&mut self) -> Result<()>;
}

/// Writes `drafts` in one transaction that moves the offsets of no group: all of them stand, or none.
///
/// # Errors
/// The first of `writer`; what became of the transaction is then open until the next writer settles it.
pub fn write_all(
    writer: &mut dyn Writer,
    group: &str,
    drafts: impl IntoIterator<Item = Draft>,
) -> Result<Outcome> {
    writer.begin()?;
    for draft in drafts {
        writer.send(draft)?;
    }
    writer.commit(group, &[])
}

/// A log shared by the threads of a process.
pub type Shared = Arc<dyn Log>;
