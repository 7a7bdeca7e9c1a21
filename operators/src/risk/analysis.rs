//! Says of every measurement what the rules say of it, whatever that is. Not a diagnosis.
//!
//! Alerts tell what rose and what cleared; an analysis tells of one result, and of one that nobody can judge says why.
//!
//! # Invariants
//! - Every measurement has one analysis, of its newest revision, by the profile that was known when it was completed.
//! - It says LOW only if a rule does; that no rule says anything is never LOW.
//! - A result that is dated before all that can be corrected (by a wrong clock, or after a silence of a day) has one, too:
//!   by the oldest profile that is still known.
//!
//! # Retractions
//! Follow the measurement, and a profile or an older result that comes late.
//!
//! # Bound
//! The results of 30 horizons; the profile and the latest value of each marker of a person, who is never forgotten.

use super::{
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
    timeline::{Fold, FoldTimeline},
};
use model::{
    Analysis, CartridgeKind, Claim, DomainEvent, EventId, Judged, Measurement, Micros, Number, Profile,
    ProfileUpdated, SessionId, SetRule, Span, UserId,
};
use serde::{Deserialize, Serialize};

/// An analysis of each measurement.
pub fn analyses<'scope>(
    measurements: Collection<'scope, Measurement>,
    events: Collection<'scope, DomainEvent>,
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
    let analyst = Analyst { book: Rulebook::shipped() };
    let analyses = known.fold_timeline("analyses", |user: &UserId| user.route(), analyst, memory);
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
}

/// Judges results by the rules of a book.
#[derive(Clone)]
struct Analyst {
    book: &'static Rulebook,
}

impl Analyst {
    /// What every rule says that asks about what was measured.
    fn judge(&self, (parameter, fact): (Parameter, Fact), state: &State) -> Vec<Judged> {
        let profile = state.profile.unwrap_or_default();
        // Each is judged by its own value, of two of one instant and very late, too.
        let mut facts = state.facts.clone();
        facts.put(parameter, fact);
        let asked = self.book.rules().filter(|(_, rule)| rule.asks(parameter));
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

    const VERSION: u32 = 1;
    /// A result can be revised for as long as a session is remembered that nobody ended.
    const HORIZONS: i64 = UNENDED;

    fn step(&self, state: &mut State, Known { at, what }: &Known) -> Option<Analysis> {
        let finished = match what {
            Kind::Profile(_, profile) => {
                state.profile = Some(*profile);
                return None;
            }
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
            judged: fact.map_or(Vec::new(), |fact| self.judge(fact, state)),
            unasked: fact.err().map(str::to_owned),
            packets: span,
        })
    }

    fn at(known: &Known) -> Micros {
        known.at
    }

    /// A profile only: every result has an analysis.
    fn is_too_old(known: &Known, watermark: Micros, horizon: Micros) -> bool {
        matches!(known.what, Kind::Profile(..)) && known.at < watermark.saturating_sub(horizon)
    }

    fn may_go(&self, state: &State) -> bool {
        *state == State::default()
    }
}

#[cfg(test)]
mod tests;
