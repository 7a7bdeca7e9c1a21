//! Lets the log forget what no start needs any more.

use anyhow::Result;
use eventlog::TopicPartition;
use pipeline::{config::Config, engine::Shared};
use sinks::{
    snapshot,
    topics::{BINDINGS, RESULTS},
};

/// Drops input and bindings from before the oldest snapshot, and the results that are there.
pub(super) fn clean_up(config: &Config, shared: &Shared) -> Result<()> {
    let Some(oldest) = snapshot::candidates(&shared.disk, &config.snapshot.dir)?.pop() else {
        return Ok(());
    };
    // It may be removed meanwhile, for a newer one: then nothing is dropped this time.
    let found = snapshot::newest(&shared.disk, &config.snapshot.dir, |mark| mark.binding.epoch == oldest);
    let Some(stored) = found.ok().and_then(|found| found.stored) else { return Ok(()) };
    for range in &stored.mark.binding.inputs {
        shared.log.truncate(&TopicPartition::new(range.input.topic(), range.partition), range.hi)?;
    }
    shared.log.truncate(&TopicPartition::new(BINDINGS, 0), stored.mark.history)?;
    for topic in RESULTS {
        for partition in 0..shared.log.partitions(topic)? {
            let place = TopicPartition::new(topic, partition);
            let end = shared.log.range(&place)?.end;
            shared.log.truncate(&place, end)?;
        }
    }
    Ok(())
}
