//! Applies rules: a profile, the latest facts and a rule set lead to a judgement for each rule. Not a diagnosis.
//!
//! A judgement is a finding, or says why there is none: that nothing is wrong is said only as a finding of its own.
//!
//! # Invariants
//! - Pure: the same profile, facts and instant lead to the same judgement.
//! - Who is not known to be one a rule is for is not judged by it: there is no default age, sex or pregnancy.
//! - LOW is said only of values that are all known, sure enough, measured often enough and inside limits in force.
//! - Above LOW a claim stands whatever is missing or unsure: other values can only add to it. An unsure one asks for
//!   another measurement; only one that is hardly more than a guess is not taken.
//! - Points of a part of the parameters are a lower bound, never a total.
//! - Nothing is allocated.

mod evidence;
mod finding;
mod near;
#[cfg(test)]
mod tests;
mod worst;

pub use evidence::{Evidence, Used};
pub use finding::{Finding, Measure};
pub use near::is_near;

use super::{
    facts::Facts,
    set::{Applicability, Risk, Rule, RuleSet, Rulebook},
};
use model::{Date, Micros, Number, Profile, Region, analysis::UNSURE};
use worst::{Unsaid, Worst};

/// Least confidence at which something can be called LOW and needs no other measurement (signals.md §4.7).
pub const SURE: f64 = 0.85;
/// Less than this is not evidence of anything (signals.md §4.7).
pub const GUESS: f64 = 0.3;

/// What one rule says of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judgement<'r> {
    /// A level, and why.
    Found(Finding<'r>),
    /// The rule is not for this person, or it is not known that it is.
    Inapplicable(Inapplicable),
    /// The rule is for this person and there is nothing to say.
    Silent(Silence),
}

/// Why a rule is not for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inapplicable {
    /// Age is not known.
    AgeUnknown,
    /// Too young.
    TooYoung,
    /// Sex is not known.
    SexUnknown,
    /// It is for the other sex.
    OtherSex,
    /// Pregnant.
    Pregnant,
    /// Another guideline is in force where they live.
    OtherRegion,
}

impl Inapplicable {
    /// Name in events and tables.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AgeUnknown => "age_unknown",
            Self::TooYoung => "too_young",
            Self::SexUnknown => "sex_unknown",
            Self::OtherSex => "other_sex",
            Self::Pregnant => "pregnant",
            Self::OtherRegion => "other_region",
        }
    }
}

/// Why a rule that applies says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// None of its values is known, or all are too old.
    NothingKnown,
    /// What is known shows no risk, and something is missing that could.
    Incomplete,
    /// What is known shows no risk and is not sure enough, or not measured often enough, to be called LOW.
    Unsure,
    /// No row in force is for such a value.
    NoLimits,
}

impl Silence {
    /// Name in events and tables.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NothingKnown => "nothing_known",
            Self::Incomplete => "incomplete",
            Self::Unsure => UNSURE,
            Self::NoLimits => "no_limits",
        }
    }
}

impl Rulebook {
    /// What every rule says of a person at `at`, in the order of the sets.
    pub fn judge<'r>(
        &'r self,
        profile: &'r Profile,
        facts: &'r Facts,
        at: Micros,
    ) -> impl Iterator<Item = (&'r Rule, Judgement<'r>)> {
        self.rules().map(move |(set, rule)| (rule, judge(set, rule, profile, facts, at)))
    }
}

/// What `rule` of `set` says of a person at `at`.
///
/// # Examples
/// ```
/// use model::{Date, Input, Number, Profile, Span};
/// use operators::risk::{
///     facts::{Fact, Facts, Method},
///     parameter::Parameter,
///     rule::{Inapplicable, Judgement, judge},
///     set::{Risk, Rulebook},
/// };
///
/// let book = Rulebook::shipped();
/// let (set, glucose) = book.rule("glucose").unwrap();
/// let mut facts = Facts::default();
/// let span = Span { input: Input::Packets, partition: 0, first: 7, last: 9 };
/// let (value, confidence) = (Number::from(45), Number::finite(0.6).unwrap());
/// let fact = Fact { at: 0, value, confidence, method: Method::Assayed, occasions: 1, span };
/// facts.take(Parameter::Glucose, fact).unwrap();
///
/// let adult = Profile { birth_date: Date::new(1950, 5, 1), ..Profile::default() };
/// let Judgement::Found(finding) = judge(set, glucose, &adult, &facts, 0) else { panic!() };
/// assert_eq!((finding.level, finding.needs_retest), (Risk::Critical, true));
///
/// let nobody = Profile::default();
/// let judged = judge(set, glucose, &nobody, &facts, 0);
/// assert_eq!(judged, Judgement::Inapplicable(Inapplicable::AgeUnknown));
/// ```
pub fn judge<'r>(
    set: &'r RuleSet,
    rule: &'r Rule,
    profile: &'r Profile,
    facts: &'r Facts,
    at: Micros,
) -> Judgement<'r> {
    if let Some(why) = inapplicable(rule.applies, profile, at) {
        return Judgement::Inapplicable(why);
    }
    let evidence = Evidence::new(rule, profile, facts, at);
    if evidence.iter().next().is_none() {
        return Judgement::Silent(Silence::NothingKnown);
    }
    let (worst, unsaid) = if rule.totals.is_empty() { levels(evidence) } else { score(evidence) };
    match worst {
        Some(worst) if worst.level > Risk::Low || unsaid == Unsaid::default() => {
            Judgement::Found(worst.finding(set, evidence))
        }
        Some(_) | None => Judgement::Silent(unsaid.silence()),
    }
}

/// The values that `rule` looks at, of a person at `at`.
pub fn evidence<'r>(rule: &'r Rule, profile: &'r Profile, facts: &'r Facts, at: Micros) -> Evidence<'r> {
    Evidence::new(rule, profile, facts, at)
}

/// Why a rule is not for a person, if it is not.
fn inapplicable(rule: Applicability, profile: &Profile, at: Micros) -> Option<Inapplicable> {
    let region = profile.region.unwrap_or(Region::Korea);
    if rule.region.is_some_and(|only| only != region) {
        return Some(Inapplicable::OtherRegion);
    }
    match age(profile, at) {
        None => return Some(Inapplicable::AgeUnknown),
        Some(age) if i64::from(age) < i64::from(rule.age_from) => return Some(Inapplicable::TooYoung),
        Some(_) => {}
    }
    if !rule.in_pregnancy && profile.pregnant == Some(true) {
        return Some(Inapplicable::Pregnant);
    }
    match (profile.sex, rule.sex) {
        (None, _) if rule.needs_sex => Some(Inapplicable::SexUnknown),
        (Some(sex), Some(only)) if sex != only => Some(Inapplicable::OtherSex),
        _ => None,
    }
}

/// Age in whole years; of nobody who is not born yet.
fn age(profile: &Profile, at: Micros) -> Option<i32> {
    let years = profile.birth_date?.years_until(Date::of(at)?);
    (years >= 0).then_some(years)
}

/// The worst class of any parameter.
fn levels(evidence: Evidence<'_>) -> (Option<Worst<'_>>, Unsaid) {
    let (mut worst, mut unsaid) = (None::<Worst<'_>>, Unsaid::default());
    let mut least = Number::from(1);
    // A parameter without limits is evidence and nothing else.
    for column in evidence.rule.columns.iter().filter(|column| !column.rows.is_empty()) {
        let Some(used) = evidence.used(column) else {
            unsaid.is_missing = true;
            continue;
        };
        let confidence = used.fact.confidence;
        let is_sure = confidence.get() >= SURE && used.fact.occasions >= evidence.rule.occasions;
        unsaid.is_unsure |= !is_sure;
        least = least.min(confidence);
        let Some(row) = used.row else {
            unsaid.is_outside = true;
            continue;
        };
        let seen = Worst::row(column, row, used.fact, !is_sure);
        if worst.as_ref().is_none_or(|worst| seen.outweighs(worst)) {
            worst = Some(seen);
        }
    }
    // That something is LOW is no surer than the least sure value.
    if let Some(worst) = worst.as_mut().filter(|worst| worst.level == Risk::Low) {
        worst.confidence = least;
    }
    (worst, unsaid)
}

/// The points of all parameters together.
fn score(evidence: Evidence<'_>) -> (Option<Worst<'_>>, Unsaid) {
    let mut unsaid = Unsaid::default();
    let (mut sum, mut highest) = (0, 0);
    // What a claim rests on is what gave points; that there are few rests on all.
    let (mut least, mut least_with_points) = (Number::from(1), Number::from(1));
    for column in &evidence.rule.columns {
        let Some((used, points)) = evidence.used(column).and_then(|used| Some((used, used.points()?))) else {
            unsaid.is_missing = true;
            continue;
        };
        let confidence = used.fact.confidence;
        sum += points;
        highest = highest.max(points);
        unsaid.is_unsure |= confidence.get() < SURE;
        least = least.min(confidence);
        if points > 0 {
            least_with_points = least_with_points.min(confidence);
        }
    }
    let total = evidence.rule.total(sum, highest);
    unsaid.is_outside = total.is_none();
    let measure = if unsaid.is_missing { Measure::AtLeast(sum) } else { Measure::Total(sum) };
    let worst = total.map(|total| {
        let confidence = if total.level == Risk::Low { least } else { least_with_points };
        Worst::total(total, measure, confidence)
    });
    (worst, unsaid)
}
