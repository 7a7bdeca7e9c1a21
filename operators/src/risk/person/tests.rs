//! One person at a time: what is raised, by which rule, when, and when not.

mod corrections;

use super::{Options, Person, State};
use crate::{
    risk::{
        facts::Method,
        parameter::Parameter,
        said::{Said, Values, What},
        set::Rulebook,
        watch,
    },
    timeline::{Fold, Timeline, Told},
};
use model::{
    Alert, AlertChange, ChangeKind, Date, EventId, Input, Level, Number, Origin, Profile, Region,
    RulesPublished, Sex, Span, UserId,
};
use std::collections::BTreeMap;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// 2026-01-01.
const START: i64 = 1_767_225_600 * SECOND;

fn person() -> Person {
    let watch = watch::Options {
        raise_after_seconds: 60,
        raise_after_observations: u32::MAX,
        clear_after_seconds: 600,
    };
    let options = Options { max_age_minutes: 60, repeat_after_seconds: 1_800, watch };
    Person::new(&options)
}

fn said(at: i64, what: What) -> Said {
    Said { at: START + at, user: UserId::derive(&["a"]), what }
}

fn span(at: i64, input: Input) -> Span {
    let place = (at / SECOND) as u64;
    Span { input, partition: 0, first: place, last: place }
}

fn values(at: i64, method: Method, confidence: f64, given: &[(Parameter, f64)]) -> Said {
    let number = |value| Number::finite(value).unwrap();
    let values = given.iter().map(|(parameter, value)| (*parameter, number(*value))).collect();
    let span = span(at, if method == Method::Assayed { Input::Packets } else { Input::Vitals });
    said(at, What::Values(Values { values, confidence: number(confidence), method, span }))
}

fn glucose(at: i64, value: f64) -> Said {
    values(at, Method::Assayed, 0.95, &[(Parameter::Glucose, value)])
}

fn pressure(at: i64, systolic: f64, diastolic: f64) -> Said {
    let given = [(Parameter::Systolic, systolic), (Parameter::Diastolic, diastolic)];
    values(at, Method::Observed, 1.0, &given)
}

fn adult() -> Profile {
    Profile { birth_date: Date::new(1950, 5, 1), sex: Some(Sex::Female), ..Profile::default() }
}

fn profile(at: i64, profile: Profile) -> Said {
    said(at, What::Profile(EventId::derive(&[&at.to_string()]), profile, span(at, Input::Profiles)))
}

fn fold(all: impl IntoIterator<Item = Said>) -> Vec<AlertChange> {
    steps(&person(), all)
}

/// Changes in the order in which they are told: each alert is raised once, and nothing is told of it once it was cleared.
fn steps(fold: &Person, all: impl IntoIterator<Item = Said>) -> Vec<AlertChange> {
    let mut state = State::default();
    let steps = all.into_iter().filter_map(|said| fold.step(&mut state, &said));
    let changes: Vec<_> = steps.flatten().collect();
    let mut open = BTreeMap::new();
    for change in &changes {
        let before = open.insert(change.alert, change.kind != Cleared);
        assert_eq!(before, (change.kind != Raised).then_some(true), "{:?}", told(&changes));
    }
    changes
}

/// Minute, kind, level and rule of each change.
fn told(changes: &[AlertChange]) -> Vec<(i64, ChangeKind, Level, &str)> {
    changes.iter().map(|c| ((c.at - START) / MINUTE, c.kind, c.level, c.rule.id())).collect()
}

use ChangeKind::{Cleared, Escalated, Raised, Repeated};
use Level::{Critical, High, Moderate};

#[test]
fn a_dangerous_glucose_is_told_at_once_with_all_that_it_rests_on() {
    let changes = fold([profile(0, adult()), glucose(MINUTE, 53.9)]);
    assert_eq!(told(&changes), [(1, Raised, High, "glucose")]);
    let change = &changes[0];
    let rule = change.rule.of_set().unwrap();
    assert_eq!((rule.set.as_str(), rule.version.as_str()), ("glucose", "1.0"));
    let claim = rule.claim.as_ref().unwrap();
    assert_eq!((claim.class.as_str(), claim.value.get()), ("hypoglycaemia level 2", 53.9));
    assert_eq!((claim.unit.as_str(), claim.limits.as_str()), ("mg/dL", "< 54"));
    assert_eq!((claim.low, claim.high, claim.at_least), (None, Some(Number::from(54)), false));
    assert!(!claim.needs_retest && claim.source.contains("ADA"));
    assert_eq!(
        (change.onset, change.evidence.spans.as_slice()),
        (START + MINUTE, &[span(MINUTE, Input::Packets)][..])
    );
    let finding = &change.evidence.findings[0];
    assert_eq!((finding.parameter.as_str(), finding.value.get()), ("glucose", 53.9));
    let id = EventId::derive(&["alert", &change.user.to_string(), "glucose", &change.onset.to_string()]);
    assert_eq!(change.alert, id);
}

#[test]
fn a_value_that_is_not_sure_raises_and_asks_for_another() {
    let unsure = values(MINUTE, Method::Assayed, 0.5, &[(Parameter::Glucose, 45.0)]);
    let changes = fold([profile(0, adult()), unsure]);
    assert_eq!(told(&changes), [(1, Raised, Critical, "glucose")]);
    assert!(changes[0].rule.claim().unwrap().needs_retest);
}

#[test]
fn nobody_of_unknown_age_no_child_and_no_pregnant_person_is_judged() {
    assert!(told(&fold([glucose(0, 45.0)])).is_empty());
    let child = Profile { birth_date: Date::new(2015, 1, 1), ..adult() };
    assert!(told(&fold([profile(0, child), glucose(MINUTE, 45.0)])).is_empty());
    let pregnant = Profile { pregnant: Some(true), ..adult() };
    assert!(told(&fold([profile(0, pregnant), glucose(MINUTE, 45.0)])).is_empty());
    let creatinine = |at| values(at, Method::Assayed, 0.95, &[(Parameter::Creatinine, 2.3)]);
    let unknown = Profile { sex: None, ..adult() };
    assert!(told(&fold([profile(0, unknown), creatinine(MINUTE)])).is_empty());
    assert_eq!(told(&fold([profile(0, adult()), creatinine(MINUTE)])), [(1, Raised, High, "egfr")]);
}

#[test]
fn a_profile_that_comes_after_a_dangerous_value_lets_it_be_told() {
    let changes = fold([glucose(0, 45.0), profile(5 * MINUTE, adult())]);
    assert_eq!(told(&changes), [(5, Raised, Critical, "glucose")]);
    // What is said at that moment is said by the profile's record and rests on the value's.
    let inputs: Vec<_> = changes[0].evidence.spans.iter().map(|span| span.input).collect();
    assert_eq!(inputs, [Input::Packets, Input::Profiles]);
}

#[test]
fn an_alert_escalates_is_told_again_after_half_an_hour_and_clears_behind_the_hysteresis() {
    let plot = [
        (1, 60.0),
        (5, 53.0),
        (9, 60.0),  // Less than it was: nothing is told.
        (40, 60.0), // Its level is not seen.
        (45, 50.0), // More than half an hour after it was told.
        (60, 50.0),
        (75, 50.0),
        (80, 73.0), // Out of the limit by less than 5 %.
        (95, 73.6),
        (104, 73.6),
        (105, 100.0),
    ];
    let changes = fold(
        std::iter::once(profile(0, adult()))
            .chain(plot.map(|(minute, value)| glucose(minute * MINUTE, value))),
    );
    let wanted = [
        (1, Raised, Moderate, "glucose"),
        (5, Escalated, High, "glucose"),
        (45, Repeated, High, "glucose"),
        (75, Repeated, High, "glucose"),
        (105, Cleared, High, "glucose"),
    ];
    assert_eq!(told(&changes), wanted);
    assert!(changes.iter().all(|change| change.alert == changes[0].alert));
    assert_eq!(changes[4].rule.claim().unwrap().class, "in range");
}

#[test]
fn a_blood_pressure_must_hold_and_is_judged_by_the_region() {
    let twice = |profile_: Profile| {
        fold([profile(0, profile_), pressure(MINUTE, 184.0, 90.0), pressure(3 * MINUTE, 184.0, 90.0)])
    };
    for (region, rule) in [
        (None, "blood_pressure.kr"),
        (Some(Region::UnitedStates), "blood_pressure.us"),
        (Some(Region::Europe), "blood_pressure.eu"),
    ] {
        let changes = twice(Profile { region, ..adult() });
        assert_eq!(told(&changes), [(3, Raised, Critical, rule)]);
        assert_eq!(changes[0].onset, START + MINUTE);
        // One reading on one occasion each.
        assert!(changes[0].rule.claim().unwrap().needs_retest);
    }
    assert!(told(&fold([profile(0, adult()), pressure(MINUTE, 184.0, 90.0)])).is_empty());
}

#[test]
fn points_of_some_parameters_are_a_least_total() {
    let signs = |minute: i64, temperature: f64| {
        let given =
            [(Parameter::Respiration, 24.0), (Parameter::Pulse, 95.0), (Parameter::Temperature, temperature)];
        values(minute * MINUTE, Method::Observed, 1.0, &given)
    };
    let changes = fold([profile(0, adult()), signs(1, 37.0), signs(2, 38.5)]);
    assert_eq!(told(&changes), [(2, Raised, Moderate, "sirs")]);
    let claim = changes[0].rule.claim().unwrap();
    assert_eq!((claim.value.get(), claim.at_least, changes[0].evidence.score), (3.0, true, 3));
}

#[test]
fn a_rule_that_ceases_to_be_for_a_person_clears() {
    let pregnant = Profile { pregnant: Some(true), ..adult() };
    let changes = fold([
        profile(0, adult()),
        glucose(MINUTE, 200.0),
        profile(2 * MINUTE, pregnant),
        glucose(20 * MINUTE, 200.0),
    ]);
    assert_eq!(told(&changes), [(1, Raised, Moderate, "glucose"), (20, Cleared, Moderate, "glucose")]);
    assert_eq!(changes[1].rule.claim(), None);
}

#[test]
fn a_late_profile_withdraws_what_was_told_without_it() {
    let (fold, mut timeline) = (person(), Timeline::<Person>::default());
    let mut apply = |changes: Vec<(Said, i64)>| {
        let mut said = Vec::new();
        timeline.apply(&fold, changes, |changes, diff| {
            said.extend(told(&changes).into_iter().map(|(minute, kind, ..)| (minute, kind, diff)));
        });
        said
    };
    let all = [profile(0, adult()), glucose(10 * MINUTE, 45.0)];
    assert_eq!(apply(all.map(|said| (said, 1)).to_vec()), [(10, Raised, 1)]);
    let pregnant = Profile { pregnant: Some(true), ..adult() };
    assert_eq!(apply(vec![(profile(5 * MINUTE, pregnant), 1)]), [(10, Raised, -1)]);
    // And a revised result takes back what it said.
    assert_eq!(apply(vec![(profile(5 * MINUTE, pregnant), -1)]), [(10, Raised, 1)]);
    let revised = vec![(glucose(10 * MINUTE, 45.0), -1), (glucose(10 * MINUTE, 95.0), 1)];
    assert_eq!(apply(revised), [(10, Raised, -1)]);
}

#[test]
fn only_vital_signs_leave_and_only_who_has_nothing_else_may_be_forgotten() {
    let (fold, mut state) = (person(), State::default());
    let pulse = |at| values(at, Method::Observed, 1.0, &[(Parameter::Pulse, 70.0)]);
    fold.step(&mut state, &pulse(0));
    assert!(fold.may_go(&state));
    fold.step(&mut state, &glucose(MINUTE, 100.0));
    assert!(!fold.may_go(&state));
    fold.step(&mut state, &glucose(62 * MINUTE, 100.0));
    assert_eq!(state.facts.iter().count(), 1, "the pulse of an hour ago left");
    let (mut known, hour) = (State::default(), 60 * MINUTE);
    fold.step(&mut known, &profile(hour, adult()));
    assert!(!fold.may_go(&known));
}

#[test]
fn what_no_rule_asks_about_is_not_kept() {
    let person = person();
    let asked = |given: &[(Parameter, f64)]| {
        let said = person.asked(values(0, Method::Observed, 1.0, given))?;
        let What::Values(values) = said.what else { panic!("values stay values") };
        Some(values.values.len())
    };
    assert_eq!(asked(&[(Parameter::Saturation, 97.0)]), None);
    assert_eq!(asked(&[(Parameter::Saturation, 97.0), (Parameter::Pulse, 70.0)]), Some(1));
    assert_eq!(asked(&[(Parameter::Creatinine, 1.0)]), Some(1));
}

/// A set that ships with other words in it, from `at` on.
fn published(at: i64, set: &str, changes: &[(&str, &str)]) -> RulesPublished {
    let text = Rulebook::text(set).unwrap().replace("effective = 20", "effective = 19");
    let text = text.replace("version = \"1.0\"", &format!("version = \"of minute {}\"", at / MINUTE));
    let text = changes.iter().fold(text, |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    });
    let origin = Origin { input: Input::Rules, partition: 0, offset: (at / SECOND) as u64 };
    let event = EventId::derive(&["rules", set, &at.to_string()]);
    RulesPublished { at: START + at, event, set: set.to_owned(), text, origin }
}

/// Folds what is said under rules that are published, in the order of time.
fn under(rules: &[RulesPublished], all: impl IntoIterator<Item = Said>) -> Vec<AlertChange> {
    let fold = person();
    for news in rules {
        fold.learn(news);
    }
    let user = UserId::derive(&["a"]);
    let mut all: Vec<_> = all.into_iter().collect();
    all.extend(rules.iter().filter_map(|news| fold.fact(&user, news)));
    all.sort();
    steps(&fold, all)
}

fn versions(changes: &[AlertChange]) -> Vec<&str> {
    changes.iter().map(|change| change.rule.version()).collect()
}

#[test]
fn rules_that_change_judge_what_is_known_and_each_alert_names_the_version_that_raised_it() {
    // 60 mg/dL is MODERATE until HIGH begins below 62.
    let rules = [published(10 * MINUTE, "glucose", &[("below = 54", "below = 62")])];
    let changes = under(&rules, [profile(0, adult()), glucose(MINUTE, 60.0)]);
    assert_eq!(told(&changes), [(1, Raised, Moderate, "glucose"), (10, Escalated, High, "glucose")]);
    assert_eq!(versions(&changes), ["1.0", "of minute 10"]);
    // What it rests on: the result, and the rules that see it in another light.
    assert!(changes[1].evidence.spans.contains(&span(10 * MINUTE, Input::Rules)));
    assert!(changes[1].evidence.spans.contains(&span(MINUTE, Input::Packets)));
    assert_eq!(changes[1].rule.claim().unwrap().limits, "< 62");
}

#[test]
fn an_alert_that_the_rules_do_not_find_any_more_is_cleared_at_once_and_told_at_its_lower_level() {
    let lower = published(10 * MINUTE, "glucose", &[("below = 54", "below = 50")]);
    let all = || [profile(0, adult()), glucose(MINUTE, 52.0)];
    let changes = under(std::slice::from_ref(&lower), all());
    let wanted =
        [(1, Raised, High, "glucose"), (10, Cleared, High, "glucose"), (10, Raised, Moderate, "glucose")];
    assert_eq!(told(&changes), wanted);
    assert_eq!((changes[2].onset, versions(&changes)[2]), (START + 10 * MINUTE, "of minute 10"));
    // A rule that is switched off finds nothing, and one that is switched on again begins anew.
    let off = published(20 * MINUTE, "glucose", &[("enabled = true", "enabled = false")]);
    let on = published(30 * MINUTE, "glucose", &[]);
    let changes = under(&[lower, off, on], all());
    assert_eq!(told(&changes)[3..], [(20, Cleared, Moderate, "glucose"), (30, Raised, High, "glucose")]);
}

#[test]
fn rules_that_stay_as_they_are_say_nothing() {
    let rules = [
        published(10 * MINUTE, "glucose", &[]),
        published(
            11 * MINUTE,
            "glucose",
            &[("at_least = 5.7", "at_least = 5.8"), ("below = 5.7", "below = 5.8")],
        ),
        published(12 * MINUTE, "kidney", &[("7.4", "6.9")]),
    ];
    let changes = under(&rules, [profile(0, adult()), glucose(MINUTE, 52.0), glucose(40 * MINUTE, 52.0)]);
    assert_eq!(told(&changes), [(1, Raised, High, "glucose"), (40, Repeated, High, "glucose")]);
    assert_eq!(versions(&changes), ["1.0", "of minute 11"]);
}

#[test]
fn vital_signs_must_hold_a_level_under_the_new_rules_for_their_time() {
    let wider = [("below = 130", "below = 124"), ("at_least = 130", "at_least = 124")];
    let rules = [published(10 * MINUTE, "blood_pressure", &wider)];
    let seen = |at| pressure(at, 126.0, 70.0);
    let steady = (0..24).map(|step| seen(9 * MINUTE + step * 10 * SECOND));
    let changes = under(&rules, [profile(0, adult())].into_iter().chain(steady));
    assert_eq!(told(&changes), [(11, Raised, Moderate, "blood_pressure.kr")]);
    assert_eq!(changes[0].onset, START + 10 * MINUTE, "since the rules hold, not since the pressure does");
}

#[test]
fn rules_that_come_late_correct_what_was_told() {
    let (fold, mut timeline) = (person(), Timeline::<Person>::default());
    let mut standing = Vec::new();
    let mut apply = |changes: Vec<Said>| {
        timeline.apply(&fold, changes.into_iter().map(|said| (said, 1)), |output, diff| {
            for change in output {
                if diff > 0 {
                    standing.push(change);
                } else {
                    standing.retain(|known| *known != change);
                }
            }
        });
        standing.sort();
        standing.clone()
    };
    let all = [profile(0, adult()), glucose(10 * MINUTE, 60.0), glucose(50 * MINUTE, 60.0)];
    assert_eq!(
        told(&apply(all.into())),
        [(10, Raised, Moderate, "glucose"), (50, Repeated, Moderate, "glucose")]
    );
    let news = published(5 * MINUTE, "glucose", &[("below = 54", "below = 62")]);
    fold.learn(&news);
    let fact = fold.fact(&UserId::derive(&["a"]), &news).unwrap();
    let found = apply(vec![fact]);
    assert_eq!(told(&found), [(10, Raised, High, "glucose"), (50, Repeated, High, "glucose")]);
    assert_eq!(versions(&found), ["of minute 5"; 2]);
}

#[test]
fn what_is_seen_at_the_moment_of_publication_is_judged_by_both_in_whatever_order_they_come() {
    let milder = published(10 * MINUTE, "glucose", &[("below = 54", "below = 50")]);
    let strict = published(10 * MINUTE, "glucose", &[("below = 54", "below = 62")]);
    let mut orders = [vec![milder.clone(), strict.clone()], vec![strict, milder]];
    let found = orders.each_mut().map(|rules| {
        for (number, news) in rules.iter_mut().enumerate() {
            news.event = EventId::derive(&["of one moment", &news.text, &number.to_string()]);
        }
        let (fold, mut timeline, mut told) = (person(), Timeline::<Person>::default(), Vec::new());
        let user = UserId::derive(&["a"]);
        let mut apply = |all: Vec<Said>| {
            timeline.apply(&fold, all.into_iter().map(|said| (said, 1)), |output, diff| {
                told.extend(output.into_iter().map(|change| (change, diff)));
            });
        };
        apply(vec![profile(0, adult()), glucose(10 * MINUTE, 52.0), glucose(11 * MINUTE, 52.0)]);
        for news in rules.iter() {
            fold.learn(news);
            apply(fold.fact(&user, news).into_iter().collect());
        }
        differential_dataflow::consolidation::consolidate(&mut told);
        let standing: Vec<_> = told.into_iter().map(|(change, _)| change).collect();
        let all = [profile(0, adult()), glucose(10 * MINUTE, 52.0), glucose(11 * MINUTE, 52.0)];
        let mut straight = under(rules, all);
        straight.sort();
        assert_eq!(standing, straight);
        standing.len()
    });
    assert!(found.into_iter().all(|changes| changes > 1), "{found:?}");
}

#[test]
fn what_is_told_again_at_the_moment_of_publication_is_over_after_it() {
    let milder = published(40 * MINUTE, "glucose", &[("below = 54", "below = 50")]);
    let all = [profile(0, adult()), glucose(MINUTE, 52.0), glucose(40 * MINUTE, 52.0)];
    let mut changes = under(&[milder], all);
    changes.sort();
    let first: Vec<_> = changes.iter().filter(|change| change.alert == changes[0].alert).collect();
    let kinds: Vec<_> = first.iter().map(|change| change.kind).collect();
    assert_eq!((kinds.as_slice(), changes.len()), ([Raised, Repeated, Cleared].as_slice(), 4));
    assert_eq!(Alert::of(&first).unwrap().cleared_at(), Some(START + 40 * MINUTE));
}
