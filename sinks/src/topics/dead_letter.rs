//! `manpasik.dlq`: records that could not be used, as they were, with Kafka Connect's headers.
//!
//! The header names are those of `DeadLetterQueueReporter` in Apache Kafka Connect, because every tool
//! and runbook for dead letters knows them. Key, value and original headers are not touched, so a
//! letter can be sent again as it is.
//!
//! # Bound
//! A letter that the log would refuse for its size goes without its value, under a header that says how
//! long it was: the record still stands at its place on the input, and whole in the table
//! `dead_letters`.
//!
//! # Retractions
//! A letter is not taken back; a fault that is retracted leaves the table only.

use super::{DEAD_LETTERS, Shape, header, milliseconds};
use eventlog::{Draft, partition_of};
use model::{Fault, Reason};

/// Says that the value was left out, and how many bytes it had.
const OMITTED: &str = "manpasik.value.omitted_bytes";

/// The letters for `faults`, which are consolidated and in order.
pub(super) fn drafts(faults: &[(Fault, i64)], shape: Shape) -> Vec<Draft> {
    faults.iter().filter(|(_, difference)| *difference > 0).map(|(fault, _)| draft(fault, shape)).collect()
}

fn draft(fault: &Fault, shape: Shape) -> Draft {
    let (origin, raw) = (fault.origin, &fault.raw);
    let (stage, class) = place(fault.reason);
    let mut headers: Vec<_> =
        raw.headers.iter().map(|(name, value)| header(name, value.as_slice())).collect();
    headers.extend([
        header("__connect.errors.topic", origin.input.topic()),
        header("__connect.errors.partition", origin.partition.to_string()),
        header("__connect.errors.offset", origin.offset.to_string()),
        header("__connect.errors.connector.name", "manpasik"),
        header("__connect.errors.task.id", "0"),
        header("__connect.errors.stage", stage),
        header("__connect.errors.class.name", class),
        header("__connect.errors.exception.class.name", fault.reason.code()),
        header("__connect.errors.exception.message", fault.detail.as_str()),
    ]);
    let partition = match &raw.key {
        Some(key) => partition_of(key, shape.partitions(DEAD_LETTERS)),
        None => origin.partition % shape.partitions(DEAD_LETTERS),
    };
    let mut draft = Draft {
        topic: DEAD_LETTERS.into(),
        partition,
        timestamp_ms: milliseconds(raw.recorded_at),
        key: raw.key.clone(),
        value: raw.value.clone(),
        headers,
    };
    if bytes(&draft) > shape.dead_letter_bytes {
        draft.headers.push(header(OMITTED, draft.value.len().to_string()));
        draft.value.clear();
    }
    draft
}

/// Where it failed: Connect's name of the stage, and our own name of the code.
fn place(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::BadEnvelope
        | Reason::BadLength
        | Reason::BadVersion
        | Reason::BadChecksum
        | Reason::NotFinite
        | Reason::OutOfRange
        | Reason::MissingField
        | Reason::UnknownType => ("VALUE_CONVERTER", "manpasik.sources.decode"),
        Reason::TooLate => ("TASK_PUT", "manpasik.operators.sequence"),
        Reason::BadRules => ("TRANSFORMATION", "manpasik.operators.risk"),
    }
}

fn bytes(draft: &Draft) -> usize {
    let headers: usize = draft.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    draft.key.as_ref().map_or(0, Vec::len) + draft.value.len() + headers
}
