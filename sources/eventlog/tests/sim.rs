//! What the simulated log promises beyond the conformance suite: each behaviour of Kafka it models, and that a client which
//! keeps the contract of the log copies exactly once through all of them, while one that reuses a doubtful producer does not.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "suite/drafts.rs"]
mod drafts;

#[path = "sim/copies.rs"]
mod copies;
#[path = "sim/ends.rs"]
mod ends;
#[path = "sim/fences.rs"]
mod fences;
#[path = "sim/job.rs"]
mod job;
#[path = "sim/reads.rs"]
mod reads;

use std::sync::Arc;

use eventlog::{
    Log, Record, TopicSpec, Writer,
    sim::{Faults, Sim},
};

use drafts::draft;

/// A log without faults, and a topic on it.
fn quiet(partitions: u32) -> (Sim, Arc<str>) {
    let sim = Sim::new(7, Faults::default());
    let name = topic(&sim, "t", partitions);
    (sim, name)
}

fn topic(sim: &Sim, name: &str, partitions: u32) -> Arc<str> {
    let name: Arc<str> = name.into();
    sim.ensure_topics(&[TopicSpec { name: Arc::clone(&name), partitions }]).unwrap();
    name
}

/// Begins a transaction and sends `values`, each to its partition.
fn begin(writer: &mut dyn Writer, topic: &Arc<str>, values: &[(u32, &str)]) {
    writer.begin().unwrap();
    for (partition, value) in values {
        writer.send(draft(topic, *partition, *value)).unwrap();
    }
}

/// The values that can be read, by partition.
fn texts(sim: &Sim, topic: &str) -> Vec<Vec<String>> {
    let text = |record: &Record| String::from_utf8(record.value.clone()).unwrap();
    sim.visible(topic).iter().map(|records| records.iter().map(text).collect()).collect()
}
