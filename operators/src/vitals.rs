//! Events once each, and the vital signs among them.
//!
//! # Why forgetting does not show
//! The id of an event is remembered until the watermark has passed the event's time, and its own at the time
//! it came, by more than the horizon. A copy has the time of the event. One that comes after that is older
//! than the watermark less the horizon, and [`crate::arrival`] refused it before it got here.

use crate::{
    Collection, Stream,
    state::{Memory, Stored},
    turns::Turns,
};
use differential_dataflow::AsCollection;
use model::{DomainEvent, EventId, Vitals};
use serde::{Deserialize, Serialize};
use timely::dataflow::{
    channels::pact::{Exchange, Pipeline},
    operators::generic::operator::Operator,
};

/// That an event passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Passed;

impl Stored for Passed {
    const VERSION: u32 = 1;
}

fn route(id: &EventId) -> u64 {
    id.as_u128() as u64
}

/// Lets each event pass once; of the copies in one epoch the first on the log counts.
///
/// # Bound
/// Remembers the ids of a horizon.
pub fn unique<'scope>(
    events: Stream<'scope, DomainEvent>,
    memory: &Memory<'scope>,
) -> Stream<'scope, DomainEvent> {
    let by_id = Exchange::new(|event: &DomainEvent| route(&event.id()));
    let passed = memory.states.store::<EventId, Passed>("unique", route, memory.horizon);
    events.binary_frontier(memory.ticks.clone(), by_id, Pipeline, "Unique", |_capability, _info| {
        let mut turns = Turns::<DomainEvent, 1>::new();
        move |(events, events_frontier), (ticks, ticks_frontier), output| {
            events.for_each(|capability, batch| {
                turns.data(&capability, *capability.time()).append(batch);
            });
            ticks.for_each(|capability, batch| turns.tick(&capability, batch));
            while let Some(mut turn) =
                turns.next(|epoch| !events_frontier.less_equal(epoch) && !ticks_frontier.less_equal(epoch))
            {
                let (mut passed, watermark) = (passed.borrow_mut(), turn.tick.watermark);
                // First, here and in every step: an epoch without data may not be bound, so what an epoch with
                // data finds must follow from its own tick.
                passed.expire(watermark, |_, _| false);
                // Copies on several partitions come from several workers, in any order.
                turn.data.sort_unstable_by_key(DomainEvent::origin);
                let mut session = output.session(&turn.capabilities[0]);
                for event in turn.data {
                    if passed.find(&event.id()).is_none() {
                        passed.insert(event.id(), event.at().max(watermark), Passed);
                        session.give(event);
                    }
                }
            }
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
        _ => None,
    })
}
