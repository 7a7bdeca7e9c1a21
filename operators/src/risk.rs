//! Finds risks in facts: changes of alerts, and the alerts they add up to.
//!
//! Not a diagnosis. Every limit is published; its source stands beside it.
//!
//! # Layout
//! ```text
//! vital signs ──────────┬─► bound: NEWS2, as far as it is known
//! continuous glucose ───┤
//! results of cartridges ┼─► said ─► person: every other rule of the sets
//!   and laboratories    │
//! profiles ─────────────┘
//! windows of the pulse ───► band: the NEWS2 pulse band
//! alerts, consents ───────► detected: who is to hear of a risk from HIGH on
//! results, profiles ──────► analysis: what the rules say of each result, whatever it is
//! ```
//! [`set`] reads the rules, [`published`] those that come while the program runs, [`edition`] knows which hold when,
//! [`rule`] judges by them, [`watch`] makes alerts of what is found.
//!
//! # Retractions
//! A correction of a window or an observation retracts the changes it made untrue and asserts the
//! ones that hold now; [`alerts`] follows.
//!
//! # Why forgetting does not show
//! An alert is forgotten a horizon after the person or session it is of was last heard, once it is cleared.
//! What could still change it is older than that and was refused, or, of a session, was corrected long ago.

pub mod analysis;
pub mod band;
pub mod bound;
pub mod detected;
pub mod edition;
pub mod facts;
pub mod kidney;
pub mod parameter;
pub mod person;
pub mod published;
pub mod rule;
pub mod said;
pub mod set;
pub mod watch;

use crate::{
    Collection,
    gather::{Sum, gather},
    state::Memory,
    timeline::{FoldTimeline, Names, fold_told},
};
use model::{Alert, AlertChange, EventId, Micros, PulseWindow, RulesPublished, SessionId, UserId, Vitals};
use serde::Deserialize;

/// Options of all rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// NEWS2 lower bound over vital signs.
    pub news2: bound::Options,
    /// NEWS2 pulse band over optical pulse windows.
    pub pulse: watch::Options,
    /// Every other rule of the sets, over what is said of a person.
    pub rules: person::Options,
}

/// Detects risks in vital signs, in pulse windows and in whatever is said of people, by the rules that ship and by those
/// that are published.
///
/// With a window and with a change goes the time at which its session or person was last heard.
pub fn detect<'scope>(
    vitals: Collection<'scope, Vitals>,
    windows: Collection<'scope, (PulseWindow, Micros)>,
    said: Collection<'scope, said::Said>,
    rules: Collection<'scope, RulesPublished>,
    options: &Options,
    memory: &Memory<'scope>,
) -> Collection<'scope, (AlertChange, Micros)> {
    let by_user = vitals.map(|vitals| {
        let heard = vitals.at;
        (vitals.user, vitals, heard)
    });
    let by_session = windows.map(|(window, heard)| (window.session, window, heard));
    let bound = bound::Bound::new(options.news2.clone());
    let band = band::Band::new(options.pulse.clone());
    let person = person::Person::new(&options.rules);
    let asked = person.clone();
    let by_person = said.flat_map(move |said| {
        let said = asked.asked(said)?;
        Some((said.user, said.clone(), said.at))
    });
    let names = Names { step: "person-rules", news: "person-rules.rules" };
    let by_rule = fold_told(by_person, rules, names, |user: &UserId| user.route(), person, memory);
    let found = by_rule.flat_map(|(changes, heard)| changes.into_iter().map(move |change| (change, heard)));
    let bounds = by_user.fold_timeline("news2", |user: &UserId| user.route(), bound, memory);
    let bands = by_session.fold_timeline("pulse-band", |session: &SessionId| session.route(), band, memory);
    bounds.concat(bands).concat(found)
}

/// Folds changes to alerts as they stand.
pub fn alerts<'scope>(
    changes: Collection<'scope, (AlertChange, Micros)>,
    memory: &Memory<'scope>,
) -> Collection<'scope, Alert> {
    gather::<Changes>(changes.map(|(change, heard)| (change.alert, change, heard)), memory)
}

#[derive(Clone)]
struct Changes;

impl Sum for Changes {
    type Key = EventId;
    type Fact = AlertChange;
    type Row = Alert;

    const STEP: &'static str = "alerts";
    const VERSION: u32 = 1;

    fn route(alert: &EventId) -> u64 {
        alert.as_u128() as u64
    }

    fn row<'facts>(_alert: &EventId, changes: impl Iterator<Item = &'facts AlertChange>) -> Alert {
        // Changes are ordered by time: the first raised the alert, the last says how it stands.
        let changes: Vec<_> = changes.collect();
        Alert::of(&changes).expect("a row has at least one fact")
    }

    fn horizons(alert: &Alert) -> Option<u32> {
        alert.cleared_at().map(|_| 1)
    }
}

#[cfg(test)]
mod tests {
    use super::set::Rulebook;
    use model::{ChangeKind, Rule};

    /// Alerts are in snapshots, in the lake and under ids made of their rows: what was there keeps its form.
    #[test]
    fn rules_and_kinds_that_were_there_before_are_written_as_before() {
        for (place, rule, name) in
            [(0, Rule::News2LowerBound, "News2LowerBound"), (1, Rule::PulseBand, "PulseBand")]
        {
            assert_eq!(postcard::to_allocvec(&rule).unwrap(), [place]);
            assert_eq!(serde_json::to_value(&rule).unwrap(), name);
        }
        let kinds = [ChangeKind::Raised, ChangeKind::Escalated, ChangeKind::Cleared];
        assert_eq!(postcard::to_allocvec(&kinds).unwrap(), [0, 1, 2]);
    }

    /// An alert names the version of its rule: a set that changes must not do so behind its back.
    #[test]
    fn alerts_name_the_version_of_the_set_their_limits_are_from() {
        let book = Rulebook::shipped();
        for (rule, id) in [(Rule::News2LowerBound, "news2"), (Rule::PulseBand, "pulse.news2_band")] {
            let (set, _) = book.rule(id).expect("a rule that ships");
            assert_eq!(rule.version(), set.version);
        }
    }
}
