//! Records to write and places to read, in short.

use std::sync::Arc;

use eventlog::{Budget, Draft, TopicPartition};

/// No limit that a case reaches.
pub(crate) const EVERYTHING: Budget = Budget { records: 1_000_000, bytes: 1 << 30 };

/// A record for `topic`/`partition` whose value is `value`.
pub(crate) fn draft(topic: &Arc<str>, partition: u32, value: impl Into<Vec<u8>>) -> Draft {
    Draft {
        topic: Arc::clone(topic),
        partition,
        timestamp_ms: 1_700_000_000_123,
        key: Some(b"key".to_vec()),
        value: value.into(),
        headers: Vec::new(),
    }
}

/// Partition `partition` of `topic`.
pub(crate) fn at(topic: &Arc<str>, partition: u32) -> TopicPartition {
    TopicPartition { topic: Arc::clone(topic), partition }
}
