//! The shell around decoding: records come in, what they turned out to be leaves, each at its epoch.
//!
//! # Frontier
//! The data of an epoch leave with the batch that brought their records; nothing is held back.
//!
//! # Order
//! One stream for all kinds: a partition stays in offset order, what cannot be used included, so that the
//! step behind can judge how late each record is.

use eventlog::Record;
use model::{Datum, Epoch, Input};
use timely::dataflow::{StreamVec, channels::pact::Pipeline, operators::generic::operator::Operator};

/// Decodes each record by the topic it came from.
///
/// # Panics
/// If a record is of a topic that is no [`Input`]: the pipeline assigns no others.
pub fn decode(records: StreamVec<'_, Epoch, Record>) -> StreamVec<'_, Epoch, Datum> {
    records.unary(Pipeline, "Decode", |_capability, _info| {
        |input, output| {
            // Not `for_each_time`: it sorts batches unstably, and the order of a partition matters.
            input.for_each(|time, batch| {
                output.session(&time).give_iterator(batch.drain(..).map(datum));
            });
        }
    })
}

/// What `record` turns out to be.
///
/// # Panics
/// As [`decode`].
pub fn datum(record: Record) -> Datum {
    let datum = match input_of(&record) {
        Input::Packets => crate::packet::decode(record).map(Datum::Packet),
        of => crate::event::with_raw(of, record).map(|(event, raw)| Datum::Event { event, raw }),
    };
    datum.unwrap_or_else(|fault| Datum::Fault(*fault))
}

/// The input whose topic `record` came from.
fn input_of(record: &Record) -> Input {
    Input::named(&record.topic).expect("the pipeline assigns the topics of its inputs only")
}

#[cfg(test)]
mod tests;
