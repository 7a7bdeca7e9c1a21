//! Events about goals: what a person sets out to measure, and how often.
//!
//! ```text
//! manpasik.goal.set       goal_id · kind: MEASUREMENTS_PER_DAY, MEASUREMENTS_PER_WEEK, DAYS_IN_RANGE_PER_WEEK
//!                         target · from 2026-05-01 · until 2026-05-31 · biomarker? glucose …
//! manpasik.goal.removed   goal_id
//! ```
//! Both are about the person of `user_id`, whose calendar the days are of. A goal is the whole of what was said of it last.
//! `from` is at most a week before the event, `until` at most a year after `from`: a goal nobody thinks of any more ends.
//! A goal of a week needs `biomarker`. The platform names none of this: the names are this product's own.

use super::{attributes::Attributes, field};
use crate::refusal::Refusal;
use model::{
    Date, Day, DomainEvent, GoalChange, GoalEvent, GoalId, GoalKind, GoalTerms, Origin, Reason,
    goal::BIOMARKERS,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Most days from the event back to the first day, from it to the first day, and from the first day to the last. This
/// product's own bounds.
const BACK: Day = 7;
const YEAR: Day = 366;

type Payload = Map<String, Value>;

pub(super) fn set(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    changed(origin, attributes, payload, || terms(attributes, payload).map(GoalChange::Set))
}

pub(super) fn removed(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    changed(origin, attributes, payload, || Ok(GoalChange::Removed))
}

fn changed(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
    change: impl FnOnce() -> Result<GoalChange, Refusal>,
) -> Result<DomainEvent, Refusal> {
    let user = field::person(attributes.user, payload)?;
    let goal = GoalId::new(field::uuid(field::text(payload, "goal_id")?, "payload.goal_id")?);
    let (at, event, change) = (attributes.at, attributes.id, change()?);
    Ok(DomainEvent::Goal(GoalEvent { at, event, user, goal, change, origin }))
}

fn terms(attributes: &Attributes, payload: &Payload) -> Result<GoalTerms, Refusal> {
    let kind = field::optional_choice(payload, "kind", &GoalKind::ALL)?;
    let kind = kind.ok_or_else(|| field::missing("kind", "the kind of the goal"))?;
    let target = field::optional_whole(payload, "target", (1, kind.most()))?;
    let target = target.ok_or_else(|| field::missing("target", "a whole number"))?;
    let named = BIOMARKERS.map(|name| (name, name));
    let biomarker = field::optional_choice(payload, "biomarker", &named)?.map(str::to_owned);
    if biomarker.is_none() && kind != GoalKind::PerDay {
        return Err(field::missing("biomarker", "a text, which a goal of a week needs"));
    }
    let day = |name| Ok::<_, Refusal>(field::date(field::text(payload, name)?, name)?.number());
    let (from, until) = (day("from")?, day("until")?);
    let refused = |detail: &'static str| Err(Refusal::new(Reason::OutOfRange, detail));
    let said = Date::of(attributes.at).map_or(0, Date::number);
    if !(said - BACK..=said + YEAR).contains(&from) {
        return refused("from is more than 7 days before timestamp or 366 after it: begin at another day");
    }
    if until - from > YEAR {
        return refused("until is more than 366 days after from: set the goal again when it is over");
    }
    if until - from + 1 < kind.days() {
        return refused("from and until leave no whole period: end the goal later");
    }
    Ok(GoalTerms { kind, target, biomarker, from, until })
}

/// Type of the event that says `change`.
pub(super) const fn kind(change: &GoalChange) -> &'static str {
    match change {
        GoalChange::Set(_) => super::GOAL_SET,
        GoalChange::Removed => super::GOAL_REMOVED,
    }
}

/// A change as an event says it.
#[derive(Debug, Serialize)]
pub(super) struct Said<'a> {
    goal_id: String,
    #[serde(flatten)]
    terms: Option<Terms<'a>>,
}

#[derive(Debug, Serialize)]
struct Terms<'a> {
    kind: &'static str,
    target: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    biomarker: Option<&'a str>,
    from: Option<String>,
    until: Option<String>,
}

impl<'a> Said<'a> {
    pub(super) fn of(GoalEvent { goal, change, .. }: &'a GoalEvent) -> Self {
        let date = |day| Date::numbered(day).map(|date| date.to_string());
        let terms = match change {
            GoalChange::Set(GoalTerms { kind, target, biomarker, from, until }) => Some(Terms {
                kind: kind.name(),
                target: *target,
                biomarker: biomarker.as_deref(),
                from: date(*from),
                until: date(*until),
            }),
            GoalChange::Removed => None,
        };
        Self { goal_id: goal.to_string(), terms }
    }
}

#[cfg(test)]
mod tests;
