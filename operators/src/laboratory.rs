//! Results of laboratories as they stand: corrected, and taken back.
//!
//! # Invariants
//! - Of what is said of a result the last by event time stands, of one moment that which came later on the log; a result that was
//!   taken back does not stand.
//! - A result is a person's: the same name of another person is another result.
//!
//! # Retractions
//! The table takes back what was corrected. Rules judged by it what was known then, and that stays said: from the correction on
//! they judge by what is known now ([`crate::risk::said::What::Corrected`]), however long ago the result was.
//!
//! # Why forgetting does not show
//! A result is remembered for 30 horizons after it was last heard of. What is said of it later is of a new result, so that taking
//! it back has no effect: the README says so, and nobody corrects what they released a month ago by taking it back.

#[cfg(test)]
mod tests;

use crate::{
    Collection,
    session::UNENDED,
    state::Memory,
    timeline::{Fold, FoldTimeline},
};
use differential_dataflow::AsCollection;
use model::{DomainEvent, LaboratoryEvent, LaboratoryResult, Micros, Origin, ResultId, UserId};
use serde::{Deserialize, Serialize};
use timely::dataflow::operators::vec::Map;

/// What is said of results, turn by turn.
pub fn turns<'scope>(
    events: Collection<'scope, DomainEvent>,
    memory: &Memory<'scope>,
) -> Collection<'scope, Turn> {
    let said = events.flat_map(|event| match event {
        DomainEvent::Laboratory(event) => Some(((event.user, event.result), event.clone(), event.at)),
        _ => None,
    });
    said.fold_timeline("laboratory", route, Stand, memory).map(|(turn, _heard)| turn)
}

/// Results as they stand after their turns.
pub fn results(turns: Collection<'_, Turn>) -> Collection<'_, LaboratoryResult> {
    let rows = turns.inner.flat_map(|(Turn { before, after, .. }, epoch, diff)| {
        let (before, after) = (before.map(|row| (row, epoch, -diff)), after.map(|row| (row, epoch, diff)));
        [before, after].into_iter().flatten()
    });
    rows.as_collection()
}

/// A person's results live with what else is known of them.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "what a store asks for")]
fn route((user, _): &(UserId, ResultId)) -> u64 {
    user.route()
}

/// What takes the place of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Turn {
    /// When it was said.
    pub at: Micros,
    /// Of whom.
    pub user: UserId,
    /// Where it stood on the log.
    pub origin: Origin,
    /// What stood before.
    pub before: Option<LaboratoryResult>,
    /// What stands now.
    pub after: Option<LaboratoryResult>,
    /// How often something was said of the result before.
    pub word: u32,
}

/// What stands of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    stands: Option<LaboratoryResult>,
    /// When it was first said, when last, and how often.
    said: Option<(Micros, Micros, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Stand;

impl Fold for Stand {
    type Fact = LaboratoryEvent;
    type State = State;
    type Output = Turn;

    const VERSION: u32 = 1;

    fn step(&self, state: &mut State, said: &LaboratoryEvent) -> Option<Turn> {
        let LaboratoryEvent { at, event, user, result, value, origin } = said.clone();
        let (released, last, revision) = state.said.unwrap_or((at, Micros::MIN, 0));
        // Some date a correction as what it corrects: it comes after that.
        let at = at.max(last.saturating_add(1));
        let after = value.map(|value| LaboratoryResult {
            released,
            at,
            user,
            result,
            event,
            value,
            revision,
            origin,
        });
        state.said = Some((released, at, revision.saturating_add(1)));
        let before = std::mem::replace(&mut state.stands, after.clone());
        Some(Turn { at, user, origin, before, after, word: revision })
    }

    fn at(said: &LaboratoryEvent) -> Micros {
        said.at
    }

    fn memory(&self, horizon: Micros) -> Micros {
        horizon.saturating_mul(UNENDED - 1)
    }

    fn may_go(&self, _state: &State) -> bool {
        true
    }
}
