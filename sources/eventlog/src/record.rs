//! What travels on the log: records read, drafts to write, and the names of places.

use std::{fmt, sync::Arc};

/// A header: a name and opaque bytes.
pub type Header = (Arc<str>, Vec<u8>);

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Name of the topic.
    pub topic: Arc<str>,
    /// Number of the partition, from 0.
    pub partition: u32,
}

impl TopicPartition {
    /// Names partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: u32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// A topic to be created where it does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name of the topic.
    pub name: Arc<str>,
    /// Number of partitions.
    pub partitions: u32,
}

/// A committed record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub topic: Arc<str>,
    /// Where it stands.
    pub partition: u32,
    /// Where it stands.
    pub offset: u64,
    /// When it was written, milliseconds since 1970-01-01 UTC, as the writer said.
    pub timestamp_ms: i64,
    /// Opaque key.
    pub key: Option<Vec<u8>>,
    /// Opaque value.
    pub value: Vec<u8>,
    /// Headers in the order written.
    pub headers: Vec<Header>,
}

/// A record to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// Topic to append to.
    pub topic: Arc<str>,
    /// Partition to append to; see [`crate::partition_of`].
    pub partition: u32,
    /// Milliseconds since 1970-01-01 UTC; kept as 1 where it is less, for Kafka reads 0 as "now".
    pub timestamp_ms: i64,
    /// Opaque key.
    pub key: Option<Vec<u8>>,
    /// Opaque value.
    pub value: Vec<u8>,
    /// Headers, kept in this order.
    pub headers: Vec<Header>,
}

impl Record {
    /// Bytes of key, value and headers, as budgets count them.
    pub(crate) fn payload_bytes(&self) -> usize {
        payload_bytes(self.key.as_deref(), &self.value, &self.headers)
    }
}

impl Draft {
    /// Bytes of key, value and headers, as limits count them.
    pub(crate) fn payload_bytes(&self) -> usize {
        payload_bytes(self.key.as_deref(), &self.value, &self.headers)
    }
}

fn payload_bytes(key: Option<&[u8]>, value: &[u8], headers: &[Header]) -> usize {
    let headers: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    key.map_or(0, <[u8]>::len) + value.len() + headers
}

// Keys, values and headers may hold health data: what prints is the place and the sizes.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}/{}@{}, {} bytes)", self.topic, self.partition, self.offset, self.value.len())
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({}/{}, {} bytes)", self.topic, self.partition, self.value.len())
    }
}

/// What [`is_topic_name`] asks for, with the next step.
pub(crate) const TOPIC_NAME_RULE: &str = "a name has 1 to 249 of a-z A-Z 0-9 . _ -: choose another";

/// Whether Kafka takes `name` as the name of a topic (`org.apache.kafka.common.internals.Topic`).
pub(crate) fn is_topic_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(legal)
}
