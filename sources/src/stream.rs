//! The shell around decoding: records come in, packets, events and faults leave, each at its epoch.
//!
//! # Frontier
//! Every output of an epoch leaves with the batch that brought its record; nothing is held back.
//!
//! # Order
//! The order of records within a batch is kept in each output, so a partition stays in offset order.

use eventlog::Record;
use model::{DomainEvent, Epoch, Fault, Input, Packet};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::Pipeline,
        operators::generic::{OutputBuilder, builder_rc::OperatorBuilder},
    },
    progress::operate::FrontierInterest,
};

/// What records turned out to be.
#[derive(Debug)]
pub struct Decoded<'scope> {
    /// Packets in the order of the log.
    pub packets: StreamVec<'scope, Epoch, Packet>,
    /// Domain events in the order of the log.
    pub events: StreamVec<'scope, Epoch, DomainEvent>,
    /// Records that cannot be used.
    pub faults: StreamVec<'scope, Epoch, Fault>,
}

/// Decodes each record by the topic it came from.
///
/// # Panics
/// If a record is of a topic that is no [`Input`]: the pipeline assigns no others.
pub fn decode(records: StreamVec<'_, Epoch, Record>) -> Decoded<'_> {
    let mut builder = OperatorBuilder::new("Decode".to_owned(), records.scope());
    let mut input = builder.new_input(records, Pipeline);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (packets_out, packets) = builder.new_output::<Vec<Packet>>();
    let (events_out, events) = builder.new_output::<Vec<DomainEvent>>();
    let (faults_out, faults) = builder.new_output::<Vec<Fault>>();
    let mut packets_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(packets_out);
    let mut events_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(events_out);
    let mut faults_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(faults_out);
    builder.build(move |_| {
        move |_frontiers| {
            let (mut packets, mut events, mut faults) =
                (packets_out.activate(), events_out.activate(), faults_out.activate());
            // Not `for_each_time`: it sorts batches unstably, and the order of a partition matters.
            input.for_each(|time, batch| {
                let (mut packets, mut events, mut faults) =
                    (packets.session(&time), events.session(&time), faults.session(&time));
                for record in batch.drain(..) {
                    let fault = match input_of(&record) {
                        Input::Packets => crate::packet::decode(record).map(|packet| packets.give(packet)),
                        of => crate::event::decode(of, record).map(|event| events.give(event)),
                    };
                    fault.unwrap_or_else(|fault| faults.give(*fault));
                }
            });
        }
    });
    Decoded { packets, events, faults }
}

/// The input whose topic `record` came from.
fn input_of(record: &Record) -> Input {
    let of_topic = |input: &Input| input.topic() == record.topic.as_ref();
    Input::ALL.into_iter().find(of_topic).expect("the pipeline assigns the topics of its inputs only")
}

#[cfg(test)]
mod tests;
