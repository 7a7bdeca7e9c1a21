//! Says of every measurement what the rules say of it, whatever that is. Not a diagnosis.
//!
//! Alerts tell what rose and what cleared; an analysis tells of one result, and of one that nobody can judge says why.
//!
//! # Invariants
//! - Every measurement has one analysis, of its newest revision, by the profile that was known and the rules that held when it
//!   was completed.
//! - It says LOW only if a rule does; that no rule says anything is never LOW.
//! - A result that is dated before all that can be corrected (by a wrong clock, or after a silence of a day) has one, too:
//!   by the oldest profile that is still known.
//!
//! # Retractions
//! Follow the measurement, and a profile, an older result or rules that come late.
//!
//! # Bound
//! The results of 30 horizons; the profile and the latest value of each marker of a person, who is never forgotten.

mod former;

use super::{
    edition::Editions,
    facts::{Fact, Facts, Method},
    parameter::Parameter,
    rule::{self, Judgement},
    said,
    set::{Rule, RuleSet, Rulebook},
};
use crate::{
    Collection,
    session::UNENDED,
    state::Memory,
    timeline::{Fold, Names, Timeline, Told, fold_told},
};
use model::{
    Analysis, CartridgeKind, Claim, DomainEvent, EventId, Judged, Measurement, Micros, Number, Profile,
    ProfileUpdated, RulesPublished, SessionId, SetRule, Span, UserId,
};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, rc::Rc};

/// An analysis of each measurement.
pub fn analyses<'scope>(
    measurements: Collection<'scope, Measurement>,
    events: Collection<'scope, DomainEvent>,
    rules: Collection<'scope, RulesPublished>,
    memory: &Memory<'scope>,
) -> Collection<'scope, Analysis> {
    let results = measurements.map(|measurement| {
        let (user, heard) = (measurement.user, measurement.completed_at);
        (user, Known { at: heard, what: Kind::Result(Box::new(Finished::from(measurement))) }, heard)
    });
    let profiles = events.flat_map(|event| match event {
        DomainEvent::Profile(ProfileUpdated { at, event, user, profile, .. }) => {
            Some((user, Known { at, what: Kind::Profile(event, profile) }, at))
        }
        _ => None,
    });
    let known = results.concat(profiles);
    let (names, analyst) = (Names { step: "analyses", news: "analyses.rules" }, Analyst::new());
    let analyses = fold_told(known, rules, names, |user: &UserId| user.route(), analyst, memory);
    analyses.map(|(analysis, _heard)| analysis)
}

/// Something known of a person from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Known {
    // First, so that what is known is ordered by time.
    at: Micros,
    what: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Kind {
    // First: what is measured at the same moment is judged by it. Of two of one moment the greater event stands.
    Profile(EventId, Profile),
    Result(Box<Finished>),
    /// Rules were published: what is measured from then on is judged by them.
    Rules(EventId),
}

/// What of a measurement an analysis rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Finished {
    session: SessionId,
    user: UserId,
    revision: u32,
    cartridge: Option<CartridgeKind>,
    value: Option<Number>,
    unit: String,
    confidence: Number,
    packets: Span,
}

impl From<Measurement> for Finished {
    fn from(measurement: Measurement) -> Self {
        let Measurement { session, user, revision, cartridge, value, unit, confidence, packets, .. } =
            measurement;
        Self { session, user, revision, cartridge, value, unit, confidence, packets }
    }
}

/// What is known of a person before the next result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    profile: Option<Profile>,
    facts: Facts,
    /// By which edition of the rules; none of those that ship.
    edition: Option<EventId>,
}

/// Judges results by the rules in force.
#[derive(Clone)]
struct Analyst {
    editions: Rc<RefCell<Editions<()>>>,
}

impl Analyst {
    fn new() -> Self {
        Self { editions: Rc::new(RefCell::new(Editions::new(|_| ()))) }
    }

    /// What every rule says that asks about what was measured.
    fn judge(book: &Rulebook, (parameter, fact): (Parameter, Fact), state: &State) -> Vec<Judged> {
        let profile = state.profile.unwrap_or_default();
        // Each is judged by its own value, of two of one instant and very late, too.
        let mut facts = state.facts.clone();
        facts.put(parameter, fact);
        let asked = book.rules().filter(|(_, rule)| rule.asks(parameter));
        asked
            .map(|(set, rule)| judged(set, rule, rule::judge(set, rule, &profile, &facts, fact.at)))
            .collect()
    }
}

fn judged(set: &RuleSet, rule: &Rule, judgement: Judgement<'_>) -> Judged {
    let (level, claim, silence) = match judgement {
        Judgement::Found(finding) => (Some(finding.level), Some(Claim::from(&finding)), None),
        Judgement::Inapplicable(why) => (None, None, Some(why.code())),
        Judgement::Silent(why) => (None, None, Some(why.code())),
    };
    let (id, version, silence) = (rule.id.clone(), set.version.clone(), silence.map(str::to_owned));
    Judged { rule: SetRule { id, set: set.id.clone(), version, claim }, level, silence }
}

impl Fold for Analyst {
    type Fact = Known;
    type State = State;
    type Output = Analysis;

    // 2: with the edition of the rules.
    const VERSION: u32 = 2;
    /// A result can be revised for as long as a session is remembered that nobody ended.
    const HORIZONS: i64 = UNENDED;

    fn older(version: u32, bytes: &[u8]) -> Option<Timeline<Self>> {
        (version == 1).then(|| former::read(bytes)).flatten()
    }

    fn step(&self, state: &mut State, Known { at, what }: &Known) -> Option<Analysis> {
        let editions = self.editions.borrow();
        let edition = match what {
            Kind::Rules(event) => editions.after(*at, *event),
            Kind::Profile(..) | Kind::Result(_) => editions.at(*at),
        };
        state.edition = edition.id;
        let finished = match what {
            Kind::Profile(_, profile) => {
                state.profile = Some(*profile);
                return None;
            }
            Kind::Rules(_) => return None,
            Kind::Result(finished) => finished,
        };
        let Finished { value, confidence, packets: span, .. } = **finished;
        let parameter = said::assayed(finished.cartridge, &finished.unit);
        let fact = said::evidence(parameter, value, confidence).map(|(parameter, value)| {
            (parameter, Fact { at: *at, value, confidence, method: Method::Assayed, occasions: 1, span })
        });
        if let Ok((parameter, fact)) = fact {
            // What cannot be was refused above; a result that comes very late is not the latest.
            state.facts.take(parameter, fact).ok();
        }
        Some(Analysis {
            at: *at,
            session: finished.session,
            user: finished.user,
            revision: finished.revision,
            biomarker: parameter.map(|parameter| parameter.name().to_owned()),
            value,
            unit: finished.unit.clone(),
            confidence,
            judged: fact.map_or(Vec::new(), |fact| Self::judge(&edition.book, fact, state)),
            unasked: fact.err().map(str::to_owned),
            packets: span,
        })
    }

    fn at(known: &Known) -> Micros {
        known.at
    }

    /// A profile or rules only: every result has an analysis.
    fn is_too_old(known: &Known, watermark: Micros, horizon: Micros) -> bool {
        !matches!(known.what, Kind::Result(_)) && known.at < watermark.saturating_sub(horizon)
    }

    fn may_go(&self, state: &State) -> bool {
        // By which rules results were judged is told.
        let State { profile, facts, edition: _ } = state;
        profile.is_none() && *facts == Facts::default()
    }
}

impl Told<UserId> for Analyst {
    type News = RulesPublished;

    fn learn(&self, news: &RulesPublished) {
        self.editions.borrow_mut().learn(news);
    }

    fn fact(&self, _user: &UserId, news: &RulesPublished) -> Option<Known> {
        Some(Known { at: news.at, what: Kind::Rules(news.event) })
    }
}

#[cfg(test)]
mod tests;
