//! Reads every result back from the log, as a consumer would, and looks for one that stands twice.

use crate::Error;
use eventlog::{Budget, TopicPartition, read_range};
use std::collections::HashSet;

/// How much of a topic is read at once.
const BUDGET: Budget = Budget { records: 10_000, bytes: 16 << 20 };

/// What the result topics hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Audit {
    /// Records on the result topics.
    pub(super) results: u64,
    /// Records whose event id stands on the topic already, and dead letters of a record that has one.
    pub(super) repeated: u64,
}

/// Reads the result topics from start to end.
pub(super) fn read(log: &eventlog::Shared) -> Result<Audit, Error> {
    let mut audit = Audit::default();
    for topic in sinks::topics::RESULTS {
        // Asked, never iterated.
        let mut seen = HashSet::new();
        for partition in 0..log.partitions(topic)? {
            let place = TopicPartition::new(topic, partition);
            let range = log.range(&place)?;
            read_range(&mut *log.reader()?, &place, range, BUDGET, |record| {
                audit.results += 1;
                let identity: Vec<Vec<u8>> = record
                    .headers
                    .into_iter()
                    .filter(|(name, _)| identifies(name))
                    .map(|(_, value)| value)
                    .collect();
                audit.repeated += u64::from(!seen.insert(identity));
            })?;
        }
    }
    Ok(audit)
}

/// Whether a header is part of what makes a result one of its kind.
fn identifies(header: &str) -> bool {
    matches!(
        header,
        "ce_id" | "__connect.errors.topic" | "__connect.errors.partition" | "__connect.errors.offset"
    )
}
