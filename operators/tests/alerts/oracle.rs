//! A second implementation: sorts what is known of a person and looks, for every rule and every moment, at everything
//! before. It shares the rules and what one of them says of given facts (`judge`) with the first, and nothing else.

use crate::made::Feed;
use model::{
    AlertChange, ChangeKind, DomainEvent, EventId, Level, Measurement, Micros, Number, Profile, Span, UserId,
};
use operators::risk::{
    facts::{Fact, Facts, Method},
    parameter::Parameter,
    rule::{self, Judgement, Measure},
    set::{Risk, Rule, RuleSet, Rulebook},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const SECOND: Micros = 1_000_000;
const HOUR: Micros = 3_600 * SECOND;

/// A change, as far as the second implementation says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) user: UserId,
    pub(crate) rule: String,
    pub(crate) version: String,
    pub(crate) at: Micros,
    pub(crate) kind: ChangeKind,
    pub(crate) level: Level,
    onset: Micros,
    since: Micros,
    /// Class, value, and whether another measurement is asked for.
    pub(crate) claim: Option<(String, Number, bool)>,
    score: u32,
    /// Parameter, value and time of what it rests on.
    findings: Vec<(String, Number, Micros)>,
    alert: EventId,
}

impl From<&AlertChange> for Told {
    fn from(change: &AlertChange) -> Self {
        let claim = change.rule.claim();
        let findings = change.evidence.findings.iter();
        Self {
            user: change.user,
            rule: change.rule.id().to_owned(),
            version: change.rule.version().to_owned(),
            at: change.at,
            kind: change.kind,
            level: change.level,
            onset: change.onset,
            since: change.evidence.window_start,
            claim: claim.map(|claim| (claim.class.clone(), claim.value, claim.needs_retest)),
            score: change.evidence.score,
            findings: findings
                .map(|found| (found.parameter.clone(), found.value, found.observed_at))
                .collect(),
            alert: change.alert,
        }
    }
}

/// One moment of a person: who they are from now on, or what was seen.
enum Moment {
    Who(Profile),
    Seen(Vec<(Parameter, Fact)>),
    /// These rules are others from now on.
    Judged(BTreeSet<String>),
}

/// The rules in force from each moment on.
pub(crate) fn books(feeds: &[Feed]) -> BTreeMap<Micros, Rulebook> {
    let events = feeds.iter().flat_map(|feed| &feed.events);
    let published = events.filter_map(|event| match event {
        DomainEvent::Rules(published) => Some((published.at, published)),
        _ => None,
    });
    let mut books = BTreeMap::from([(Micros::MIN, Rulebook::shipped().clone())]);
    for (at, published) in published.collect::<BTreeMap<_, _>>() {
        let set = Rulebook::published(&published.set, &published.text, at).unwrap();
        let (_, before) = books.last_key_value().unwrap();
        books.insert(at, before.with(&Arc::new(set)));
    }
    books
}

/// The rules that change at each moment.
fn changes(books: &BTreeMap<Micros, Rulebook>) -> BTreeMap<Micros, BTreeSet<String>> {
    let pairs = books.values().zip(books.iter().skip(1));
    let changed = |(before, (at, after)): (&Rulebook, (&Micros, &Rulebook))| {
        let is_another = |rule: &&Rule| before.rule(&rule.id).unwrap().1 != *rule;
        (*at, after.rules().map(|(_, rule)| rule).filter(is_another).map(|rule| rule.id.clone()).collect())
    };
    pairs.map(changed).collect()
}

/// Everything that stands, by person and time.
fn moments(feeds: &[Feed]) -> BTreeMap<UserId, BTreeMap<Micros, Moment>> {
    let mut people = BTreeMap::<_, BTreeMap<_, _>>::new();
    for event in feeds.iter().flat_map(|feed| &feed.events) {
        match event {
            DomainEvent::Profile(updated) => {
                people.entry(updated.user).or_default().insert(updated.at, Moment::Who(updated.profile));
            }
            DomainEvent::Vitals(vitals) => {
                let signs = [
                    (Parameter::Respiration, vitals.resp),
                    (Parameter::Pulse, vitals.pulse.or(vitals.hr)),
                    (Parameter::Systolic, vitals.systolic),
                    (Parameter::Diastolic, vitals.diastolic),
                    (Parameter::Temperature, vitals.temperature),
                ];
                let fact = |value| Fact {
                    at: vitals.at,
                    value,
                    confidence: Number::from(1),
                    method: Method::Observed,
                    occasions: 1,
                    span: Span::from(vitals.origin),
                };
                let seen = signs.into_iter().filter_map(|(of, value)| Some((of, fact(value?)))).collect();
                people.entry(vitals.user).or_default().insert(vitals.at, Moment::Seen(seen));
            }
            _ => {}
        }
    }
    let mut counts = BTreeMap::<&Measurement, i64>::new();
    for (result, diff) in feeds.iter().flat_map(|feed| &feed.measurements) {
        *counts.entry(result).or_default() += diff;
    }
    for result in counts.into_iter().filter(|(_, count)| *count > 0).map(|(result, _)| result) {
        let parameter = match (result.cartridge.unwrap().kind, result.unit.as_str()) {
            (0x01, "mg/dL") => Parameter::Glucose,
            (0x05, "mg/dL") => Parameter::Creatinine,
            (0x0d, "mg/L") => Parameter::ReactiveProtein,
            _ => continue,
        };
        if result.confidence.get() < 0.3 {
            continue;
        }
        let fact = Fact {
            at: result.completed_at,
            value: result.value.unwrap(),
            confidence: result.confidence,
            method: Method::Assayed,
            occasions: 1,
            span: result.packets,
        };
        let of_person = people.entry(result.user).or_default();
        of_person.insert(result.completed_at, Moment::Seen(vec![(parameter, fact)]));
    }
    people
}

/// What one rule said at one moment.
struct Look {
    at: Micros,
    level: u8,
    near: bool,
    claim: Option<(String, Number, bool)>,
    score: u32,
    findings: Vec<(String, Number, Micros)>,
    version: String,
    /// Whether it is because the rule is another one.
    amends: bool,
}

pub(crate) fn told(feeds: &[Feed]) -> BTreeSet<Told> {
    let mut told = BTreeSet::new();
    let books = books(feeds);
    for (user, mut moments) in moments(feeds) {
        moments.extend(changes(&books).into_iter().map(|(at, changed)| (at, Moment::Judged(changed))));
        for (_, rule) in Rulebook::shipped().rules() {
            if ["news2", "pulse.news2_band"].contains(&rule.id.as_str()) {
                continue;
            }
            let looks: Vec<Look> =
                moments.keys().filter_map(|at| look(&books, &rule.id, &moments, *at)).collect();
            let is_vital = rule.id.starts_with("blood_pressure") || rule.id == "sirs";
            follow(user, rule, &looks, if is_vital { 60 * SECOND } else { 0 }, &mut told);
        }
    }
    told
}

/// What a rule says at `at`, if something it asks about was said then.
fn look(
    books: &BTreeMap<Micros, Rulebook>,
    rule: &str,
    moments: &BTreeMap<Micros, Moment>,
    at: Micros,
) -> Option<Look> {
    let (set, rule) = books.range(..=at).next_back()?.1.rule(rule)?;
    let asks = |given: Parameter| {
        rule.column(given).is_some() || (rule.id == "egfr" && given == Parameter::Creatinine)
    };
    if let Moment::Seen(seen) = &moments[&at]
        && !seen.iter().any(|(parameter, _)| asks(*parameter))
    {
        return None;
    }
    let amends = match &moments[&at] {
        Moment::Judged(changed) if !changed.contains(&rule.id) => return None,
        Moment::Judged(_) => true,
        Moment::Who(_) | Moment::Seen(_) => false,
    };
    let (mut profile, mut facts) = (Profile::default(), Facts::default());
    for (then, moment) in moments.range(..=at) {
        match moment {
            Moment::Who(who) => profile = *who,
            Moment::Judged(_) => {}
            Moment::Seen(seen) => {
                let counts = |fact: &Fact| fact.method == Method::Assayed || at - then <= HOUR;
                for (parameter, fact) in seen.iter().filter(|(_, fact)| counts(fact)) {
                    facts.take(*parameter, *fact).unwrap();
                }
            }
        }
    }
    let judgement = rule::judge(set, rule, &profile, &facts, at);
    let (level, claim, score) = match judgement {
        Judgement::Found(found) => {
            let (value, score) = match found.measure {
                Measure::Value(value) => (value, 0),
                Measure::Total(points) | Measure::AtLeast(points) => (Number::from(points), points),
            };
            (found.level as u8, Some((found.class.to_owned(), value, found.needs_retest)), score)
        }
        _ => (0, None, 0),
    };
    let evidence = rule::evidence(rule, &profile, &facts, at);
    let mut findings: Vec<_> = evidence
        .iter()
        .map(|used| (used.parameter().name().to_owned(), used.fact.value, used.fact.at))
        .collect();
    findings.sort();
    let near = !matches!(judgement, Judgement::Inapplicable(_)) && near(set, rule, &profile, &facts, at);
    Some(Look { at, level, near, claim, score, findings, version: set.version.clone(), amends })
}

/// Whether values are within 5 % of limits, or one point of a score's, by what is published.
fn near(set: &RuleSet, rule: &Rule, profile: &Profile, facts: &Facts, at: Micros) -> bool {
    let latest = |parameter| facts.latest(parameter).map(|fact| fact.value.get());
    if rule.id == "sirs" {
        // One criterion and one point more.
        let criteria = [
            latest(Parameter::Temperature).is_some_and(|value| !(36.0..=38.0).contains(&value)),
            latest(Parameter::Pulse).is_some_and(|value| value > 90.0),
            latest(Parameter::Respiration).is_some_and(|value| value > 20.0),
        ];
        return criteria.contains(&true);
    }
    if rule.id == "egfr" {
        let used = rule::evidence(rule, profile, facts, at).iter().next();
        return used.is_some_and(|used| used.fact.value.get() / 1.05 < 60.0);
    }
    [1.0 / 1.05, 1.0, 1.0 / 0.95].into_iter().any(|factor| {
        let mut moved = Facts::default();
        for column in &rule.columns {
            if let Some(fact) = facts.latest(column.parameter) {
                let value = Number::finite(fact.value.get() * factor).unwrap();
                moved.take(column.parameter, Fact { value, ..*fact }).unwrap();
            }
        }
        let judged = rule::judge(set, rule, profile, &moved, at);
        matches!(judged, Judgement::Found(found) if found.level > Risk::Low)
    })
}

/// Follows one rule through all it said.
fn follow(user: UserId, rule: &Rule, looks: &[Look], hold: Micros, told: &mut BTreeSet<Told>) {
    // What was found of each level before this look, by former rules, does not count.
    let mut floors = [0; 4];
    // Onset, level, when last told, since when its cause is gone.
    let mut open: Option<(Micros, u8, Micros, Option<Micros>)> = None;
    for (now, look) in looks.iter().enumerate() {
        if look.amends {
            let stands = open.map_or(0, |(_, level, ..)| if look.level >= level { level } else { 0 });
            floors[usize::from(stands) + 1..].fill(now);
            if let Some((onset, level, ..)) = open.filter(|_| stands == 0) {
                open = None;
                told.insert(look.told((user, rule), ChangeKind::Cleared, level, (onset, look.at)));
            }
        }
        // Since when `level` was found without a break, up to look `now`.
        let since = |now: usize, level: u8| {
            let from = floors[usize::from(level)];
            let back = looks[from..=now].iter().rev().take_while(|look| look.level >= level);
            back.last().map(|look| look.at)
        };
        let held =
            |now: usize, level: u8| since(now, level).is_some_and(|since| looks[now].at - since >= hold);
        let highest = (1..=3).rev().find(|level| held(now, *level)).unwrap_or(0);
        let (kind, level, onset, from) = match &mut open {
            None if highest > 0 => {
                let onset = since(now, 1).unwrap();
                open = Some((onset, highest, look.at, None));
                (ChangeKind::Raised, highest, onset, since(now, highest).unwrap())
            }
            None => continue,
            Some((onset, level, last, gone)) if highest > *level => {
                (*level, *last, *gone) = (highest, look.at, None);
                (ChangeKind::Escalated, highest, *onset, since(now, highest).unwrap())
            }
            Some((onset, level, last, gone)) if look.near || look.level > 0 => {
                *gone = None;
                if highest < *level || look.at - *last < HOUR / 2 {
                    continue;
                }
                *last = look.at;
                (ChangeKind::Repeated, *level, *onset, since(now, *level).unwrap())
            }
            Some((onset, level, _, gone)) => {
                let from = *gone.get_or_insert(look.at);
                if look.at - from < 600 * SECOND {
                    continue;
                }
                let (onset, level) = (*onset, *level);
                open = None;
                (ChangeKind::Cleared, level, onset, from)
            }
        };
        told.insert(look.told((user, rule), kind, level, (onset, from)));
    }
}

impl Look {
    fn told(
        &self,
        (user, rule): (UserId, &Rule),
        kind: ChangeKind,
        level: u8,
        (onset, since): (Micros, Micros),
    ) -> Told {
        Told {
            user,
            rule: rule.id.clone(),
            version: self.version.clone(),
            at: self.at,
            kind,
            level: [Level::Moderate, Level::High, Level::Critical][level as usize - 1],
            onset,
            since,
            claim: self.claim.clone(),
            score: self.score,
            findings: self.findings.clone(),
            alert: EventId::derive(&["alert", &user.to_string(), &rule.id, &onset.to_string()]),
        }
    }
}
