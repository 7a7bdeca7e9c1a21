//! Events once each, and the vital signs among them.

use crate::{Collection, Stream};
use differential_dataflow::AsCollection;
use model::{DomainEvent, Vitals};
use std::collections::HashSet;
use timely::dataflow::{
    channels::pact::{Exchange, Pipeline},
    operators::generic::operator::Operator,
};

/// Lets each event pass once; the first copy of a partition counts.
///
/// # Bound
/// Remembers the id of every event, 16 bytes each, for as long as it runs.
pub fn unique(events: Stream<'_, DomainEvent>) -> Stream<'_, DomainEvent> {
    let by_id = Exchange::new(|event: &DomainEvent| event.id().as_u128() as u64);
    events.unary(by_id, "Unique", |_capability, _info| {
        // Asked, never iterated.
        let mut seen = HashSet::new();
        move |input, output| {
            // Not `for_each_time`: it sorts batches unstably, and which copy came first matters.
            input.for_each(|time, batch| {
                let mut session = output.session(&time);
                for event in batch.drain(..) {
                    if seen.insert(event.id()) {
                        session.give(event);
                    }
                }
            });
        }
    })
}

/// What arrived, as facts that count from their epoch on.
pub fn facts<D: Clone + 'static>(arrived: Stream<'_, D>) -> Collection<'_, D> {
    arrived
        .unary(Pipeline, "Facts", |_capability, _info| {
            |input, output| {
                input.for_each_time(|time, batches| {
                    let epoch = *time.time();
                    let facts = batches.flat_map(|batch| batch.drain(..)).map(|fact| (fact, epoch, 1));
                    output.session(&time).give_iterator(facts);
                });
            }
        })
        .as_collection()
}

/// The vital signs among events.
pub fn vitals(events: Collection<'_, DomainEvent>) -> Collection<'_, Vitals> {
    events.flat_map(|event| match event {
        DomainEvent::Vitals(vitals) => Some(vitals),
        DomainEvent::SessionStarted(_) | DomainEvent::SessionEnded(_) => None,
    })
}
