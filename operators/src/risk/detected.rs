//! Says of every risk from HIGH on who is to hear of it: the person, and whoever in their family was allowed to then.
//!
//! # Invariants
//! - Every change of an alert to HIGH or CRITICAL, and every time such an alert is told again, is one risk detected.
//! - Nobody but the person is named unless, at that moment, they had consented to [`FAMILY_SHARING`] and shared
//!   [`ALERTS`] with that member.
//!
//! # Retractions
//! Follow the alert, and a consent or a sharing that comes late: what was told to whom it should not is taken back.
//!
//! # Bound
//! What a person consented to and with whom they share; who said either is never forgotten.

use super::{edition::Editions, parameter::Parameter, set::Column};
use crate::{
    Collection,
    state::Memory,
    timeline::{Fold, Names, Told, fold_told},
};
use model::{
    AlertChange, ChangeKind, DomainEvent, EventId, Finding, Level, Micros, Number, RiskDetected, Rule,
    RulesPublished, Sharing, SharingChanged, UserId,
    consent::{ALERTS, FAMILY_SHARING},
};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

/// Every risk from HIGH on with its recipients.
pub fn detected<'scope>(
    changes: Collection<'scope, (AlertChange, Micros)>,
    events: Collection<'scope, DomainEvent>,
    rules: Collection<'scope, RulesPublished>,
    memory: &Memory<'scope>,
) -> Collection<'scope, RiskDetected> {
    let risks = changes.flat_map(|(change, _heard)| {
        let is_told = change.level >= Level::High && change.kind != ChangeKind::Cleared;
        let (user, at) = (change.user, change.at);
        is_told.then(|| (user, Known { at, what: Kind::Risk(Box::new(change)) }, at))
    });
    let sharings = events.flat_map(|event| match event {
        DomainEvent::Sharing(SharingChanged { at, event, user, sharing, .. }) => {
            Some((user, Known { at, what: Kind::Sharing(event, sharing) }, at))
        }
        _ => None,
    });
    let known = risks.concat(sharings);
    let names = Names { step: "recipients", news: "recipients.rules" };
    let detected = fold_told(known, rules, names, |user: &UserId| user.route(), Recipients::new(), memory);
    detected.map(|(detected, _heard)| detected)
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
    // First: it holds for risks of the same moment. Of two of one moment the greater event stands.
    Sharing(EventId, Sharing),
    Risk(Box<AlertChange>),
}

/// Who may hear of a person's risks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Circle {
    consents: bool,
    members: BTreeSet<UserId>,
}

impl Circle {
    fn take(&mut self, sharing: &Sharing) {
        match sharing {
            Sharing::Granted(consent) if consent == FAMILY_SHARING => self.consents = true,
            Sharing::Revoked(consent) if consent == FAMILY_SHARING => self.consents = false,
            Sharing::Shared { member, data } if data.iter().any(|name| name == ALERTS) => {
                self.members.insert(*member);
            }
            Sharing::Shared { member, .. } => {
                self.members.remove(member);
            }
            Sharing::Granted(_) | Sharing::Revoked(_) => {}
        }
    }

    /// `person` and everybody who may hear of their risks.
    fn with(&self, person: UserId) -> Vec<UserId> {
        let family = self.members.iter().filter(|_| self.consents).copied();
        std::iter::once(person).chain(family).collect()
    }
}

#[derive(Clone)]
struct Recipients {
    editions: Rc<RefCell<Editions<()>>>,
}

impl Fold for Recipients {
    type Fact = Known;
    type State = Circle;
    type Output = RiskDetected;

    const VERSION: u32 = 1;

    fn step(&self, circle: &mut Circle, Known { what, .. }: &Known) -> Option<RiskDetected> {
        match what {
            Kind::Sharing(_, sharing) => {
                circle.take(sharing);
                None
            }
            Kind::Risk(change) => {
                let leading = self.leading(change).cloned();
                Some(RiskDetected {
                    reference: leading
                        .as_ref()
                        .and_then(|leading| self.reference(&change.rule, &leading.parameter)),
                    leading,
                    recipients: circle.with(change.user),
                    change: AlertChange::clone(change),
                })
            }
        }
    }

    fn at(known: &Known) -> Micros {
        known.at
    }

    /// A sharing only: a risk changes nothing for later ones, and one that a wrong clock dates far back must be heard of.
    fn is_too_old(known: &Known, watermark: Micros, horizon: Micros) -> bool {
        matches!(known.what, Kind::Sharing(..)) && known.at < watermark.saturating_sub(horizon)
    }

    fn may_go(&self, circle: &Circle) -> bool {
        *circle == Circle::default()
    }
}

impl Recipients {
    fn new() -> Self {
        Self { editions: Rc::new(RefCell::new(Editions::new(|_| ()))) }
    }

    /// The value that decided: the one the claim names, else the first of those with the most points.
    fn leading<'c>(&self, change: &'c AlertChange) -> Option<&'c Finding> {
        let findings = || change.evidence.findings.iter();
        let claimed = change.rule.claim().and_then(|claim| {
            let is_it = |finding: &&Finding| (finding.value, &finding.unit) == (claim.value, &claim.unit);
            // Shares may be equal: it is one of those that can be of its class.
            let of_class =
                |finding: &&Finding| self.has_class(&change.rule, &finding.parameter, &claim.class);
            findings().filter(is_it).find(of_class).or_else(|| findings().find(is_it))
        });
        // Of equal ones `max_by_key` gives the last.
        claimed.or_else(|| findings().rev().max_by_key(|finding| finding.score))
    }

    /// Whether `rule` in its version has a class of this name for `parameter`.
    fn has_class(&self, rule: &Rule, parameter: &str, class: &str) -> bool {
        let is_so = |column: &Column| column.rows.iter().any(|row| row.class == class);
        self.of_column(rule, parameter, is_so).is_some_and(|is_so| is_so)
    }

    /// Between which limits `parameter` would be well by `rule` in its version, where these are the same for everybody.
    fn reference(&self, rule: &Rule, parameter: &str) -> Option<(Option<Number>, Option<Number>)> {
        self.of_column(rule, parameter, Column::reference)?
    }

    /// What the column of `parameter` of `rule` in its version says.
    fn of_column<R>(&self, rule: &Rule, parameter: &str, says: impl Fn(&Column) -> R) -> Option<R> {
        let (set, id) = match rule {
            Rule::News2LowerBound => ("news2", "news2"),
            Rule::PulseBand => ("news2", rule.id()),
            Rule::Set(of) => (of.set.as_str(), of.id.as_str()),
        };
        let editions = self.editions.borrow();
        let (_, rule) = editions.in_version(set, rule.version()).rule(id)?;
        let known = Parameter::ALL.iter().find(|(_, name, _)| *name == parameter);
        rule.column(known?.0).map(says)
    }
}

impl Told<UserId> for Recipients {
    type News = RulesPublished;

    fn learn(&self, news: &RulesPublished) {
        self.editions.borrow_mut().learn(news);
    }

    /// A risk names the rules it was found by, and is another if they are.
    fn fact(&self, _user: &UserId, _news: &RulesPublished) -> Option<Known> {
        None
    }
}

#[cfg(test)]
mod tests;
