//! What is left of each cartridge: its uses, its days.
//!
//! Uses that are left are the least that an event has said since the cartridge was last put in place of another:
//! nothing else raises them, whatever the order in which events come. A session whose packets carry a tag does not
//! count here: a tag is read before its session and verified by an event of its own, and the two would race over the
//! topics and count one use twice.
//!
//! # Why forgetting does not show
//! A cartridge that is used up or too old goes thirty horizons after it was last heard; its row stays said. What comes
//! later was filled again a month after its end: a cartridge of its own then, though its chip has the same name.
//!
//! # Bound
//! Per cartridge one number, and one more for each time events claimed more uses than before.

use crate::{
    Collection,
    ageing::{Ages, age},
    state::Memory,
};
use model::{
    CartridgeChange, CartridgeEvent, CartridgeLabel, CartridgeState, CartridgeSupply, CartridgeUid,
    DomainEvent, EventId, Micros, Origin,
};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Horizons after which a cartridge that cannot be used any more is forgotten.
const OVER: u32 = 30;

/// Every cartridge that events named, as it stands; other events say nothing here.
pub fn cartridges<'scope>(
    events: Collection<'scope, DomainEvent>,
    memory: &Memory<'scope>,
) -> Collection<'scope, CartridgeSupply> {
    let facts = events.flat_map(|event| match event {
        DomainEvent::Cartridge(event) => Some((event.uid, event.clone(), event.at)),
        _ => None,
    });
    age::<Supply>(facts, memory)
}

#[derive(Clone)]
struct Supply;

/// The order of events.
type Moment = (Micros, EventId);

/// What is known of a cartridge.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Known {
    /// When it was last put in place of another; nothing before counts.
    replaced: Option<Moment>,
    /// Uses left by moment, without those that a later one is not above: both rise.
    left: Vec<(Moment, u16)>,
    /// The newest tag.
    label: Option<(Moment, CartridgeLabel)>,
    /// The newest event; of its copies the first on the log.
    newest: Option<(Moment, Reverse<Origin>)>,
}

impl Known {
    /// Takes that `uses` were left.
    fn count(&mut self, moment: Moment, uses: u16) {
        if self.replaced.is_some_and(|replaced| moment < replaced) {
            return;
        }
        if self.left.iter().any(|(later, less)| *later >= moment && *less <= uses) {
            return;
        }
        self.left.retain(|(earlier, more)| *earlier > moment || *more < uses);
        let place = self.left.partition_point(|(other, _)| *other < moment);
        self.left.insert(place, (moment, uses));
    }
}

impl Ages for Supply {
    type Key = CartridgeUid;
    type Fact = CartridgeEvent;
    type Known = Known;
    type Row = CartridgeSupply;

    const STEP: &'static str = "cartridges";
    const VERSION: u32 = 1;

    fn route(uid: &CartridgeUid) -> u64 {
        uid.route()
    }

    fn learn(known: &mut Known, CartridgeEvent { at, event, change, origin, .. }: CartridgeEvent) {
        let moment = (at, event);
        known.newest = known.newest.max(Some((moment, Reverse(origin))));
        if let CartridgeChange::Replaced { .. } = change
            && known.replaced < Some(moment)
        {
            known.replaced = Some(moment);
            known.left.retain(|(other, _)| *other >= moment);
        }
        known.count(moment, change.label().map_or(0, |label| label.uses_left));
        if let Some(label) = change.label()
            && known.label.as_ref().is_none_or(|(newest, _)| *newest < moment)
        {
            known.label = Some((moment, label.clone()));
        }
    }

    fn row(uid: &CartridgeUid, known: &Known, now: Micros) -> CartridgeSupply {
        let ((heard_at, event), Reverse(origin)) = known.newest.expect("a row has at least one fact");
        // The first is the least, because both rise.
        let uses_left = known.left.first().map_or(0, |(_, uses)| *uses);
        let label = known.label.as_ref().map(|(_, label)| label);
        let expires_at = label.map(|label| label.expires_at);
        let state = match expires_at {
            _ if uses_left == 0 => CartridgeState::Depleted,
            Some(expires_at) if expires_at <= now => CartridgeState::Expired,
            _ => CartridgeState::Ok,
        };
        let (kind, lot) = (label.map(|label| label.kind), label.map(|label| label.lot.clone()));
        CartridgeSupply { uid: *uid, kind, lot, expires_at, uses_left, state, heard_at, event, origin }
    }

    fn until(row: &CartridgeSupply) -> Option<Micros> {
        row.expires_at.filter(|_| row.state == CartridgeState::Ok)
    }

    fn horizons(row: &CartridgeSupply) -> Option<u32> {
        (row.state != CartridgeState::Ok).then_some(OVER)
    }
}

#[cfg(test)]
mod tests;
