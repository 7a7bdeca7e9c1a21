//! Refuses rule sets that cannot be read, as soon as they come: what lies behind only knows those that can.

use super::set::Rulebook;
use crate::Stream;
use model::{Datum, DomainEvent, Fault, Raw, Reason, RulesPublished};
use timely::dataflow::{channels::pact::Pipeline, operators::generic::operator::Operator};

/// Data as it comes, with a fault in place of every rule set that cannot be read.
pub fn checked(data: Stream<'_, Datum>) -> Stream<'_, Datum> {
    data.unary(Pipeline, "Rules", |_capability, _info| {
        |data, output| {
            data.for_each(|capability, batch| {
                for datum in batch.iter_mut() {
                    if let Datum::Event { event: DomainEvent::Rules(published), raw } = datum
                        && let Some(fault) = refused(published, raw)
                    {
                        *datum = Datum::Fault(fault);
                    }
                }
                output.session(&capability).give_container(batch);
            });
        }
    })
}

fn refused(published: &RulesPublished, raw: &mut Raw) -> Option<Fault> {
    let RulesPublished { at, set, text, origin, .. } = published;
    let error = Rulebook::published(set, text, *at).err()?;
    let detail = format!("{error}: publish it anew once \"manpasik rules check\" has nothing against it");
    Some(Fault { origin: *origin, reason: Reason::BadRules, detail, raw: std::mem::take(raw) })
}
