//! To whom rules apply, what is said of values that are unsure, old or missing, and what a finding carries.

use super::{Inapplicable, Judgement, Measure, Silence, judge};
use crate::risk::{
    facts::{Fact, Facts, Method},
    parameter::Parameter as P,
    set::{Risk, Rulebook},
};
use model::{Date, Input, Number, Profile, Region, Sex, Span, time::SECOND};

/// Noon of 1 July 2026.
const NOW: i64 = 1_782_907_200 * SECOND;
const MINUTE: i64 = 60 * SECOND;

fn fact(value: f64) -> Fact {
    Fact {
        at: NOW,
        value: Number::finite(value).unwrap(),
        confidence: Number::from(1),
        method: Method::Observed,
        occasions: 2,
        span: Span { input: Input::Vitals, partition: 3, first: 5, last: 7 },
    }
}

fn facts(known: &[(P, Fact)]) -> Facts {
    let mut facts = Facts::default();
    for (parameter, fact) in known {
        facts.take(*parameter, *fact).unwrap();
    }
    facts
}

fn adult() -> Profile {
    Profile { birth_date: Date::new(1976, 1, 1), sex: Some(Sex::Male), ..Profile::default() }
}

/// Why there is no finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nothing {
    For(Inapplicable),
    Said(Silence),
}

/// The judgement of one rule in short: level and whether it needs another measurement, or why there is none.
fn told(rule: &str, profile: &Profile, known: &[(P, Fact)]) -> Result<(Risk, bool), Nothing> {
    let book = Rulebook::shipped();
    let (set, rule) = book.rule(rule).unwrap();
    let facts = facts(known);
    match judge(set, rule, profile, &facts, NOW) {
        Judgement::Found(finding) => Ok((finding.level, finding.needs_retest)),
        Judgement::Inapplicable(why) => Err(Nothing::For(why)),
        Judgement::Silent(why) => Err(Nothing::Said(why)),
    }
}

fn not_for(why: Inapplicable) -> Result<(Risk, bool), Nothing> {
    Err(Nothing::For(why))
}

fn silent(why: Silence) -> Result<(Risk, bool), Nothing> {
    Err(Nothing::Said(why))
}

#[test]
fn no_rule_applies_to_somebody_of_unknown_age_or_too_young() {
    let book = Rulebook::shipped();
    let dangerous = facts(&[(P::Glucose, fact(40.0))]);
    let born = |date| Profile { birth_date: date, ..adult() };
    for (_, rule) in book.rules() {
        assert!(rule.applies.age_from >= 16 && !rule.applies.in_pregnancy, "{}", rule.id);
    }
    let nobody = Profile { region: Some(Region::Korea), ..Profile::default() };
    for (rule, judgement) in book.judge(&nobody, &dangerous, NOW) {
        let elsewhere = rule.applies.region.is_some_and(|region| region != Region::Korea);
        let why = if elsewhere { Inapplicable::OtherRegion } else { Inapplicable::AgeUnknown };
        assert_eq!(judgement, Judgement::Inapplicable(why), "{}", rule.id);
    }
    let low = [(P::Glucose, fact(40.0))];
    // 16 on 1 July 2026, or a day later; born tomorrow.
    assert_eq!(told("glucose", &born(Date::new(2010, 7, 1)), &low), Ok((Risk::Critical, false)));
    assert_eq!(told("glucose", &born(Date::new(2010, 7, 2)), &low), not_for(Inapplicable::TooYoung));
    assert_eq!(told("glucose", &born(Date::new(2026, 7, 2)), &low), not_for(Inapplicable::AgeUnknown));
    let creatinine = [(P::Creatinine, fact(7.5))];
    assert_eq!(told("egfr", &born(Date::new(2008, 7, 1)), &creatinine), Ok((Risk::Critical, false)));
    assert_eq!(told("egfr", &born(Date::new(2008, 7, 2)), &creatinine), not_for(Inapplicable::TooYoung));
}

#[test]
fn pregnancy_and_sex_decide_and_are_never_assumed() {
    let sick = [(P::Creatinine, fact(7.5)), (P::Testosterone, fact(100.0)), (P::Ferritin, fact(5.0))];
    let of = |sex, pregnant, rule| told(rule, &Profile { sex, pregnant, ..adult() }, &sick);
    let (woman, man) = (Some(Sex::Female), Some(Sex::Male));
    assert_eq!(of(woman, Some(true), "creatinine"), not_for(Inapplicable::Pregnant));
    assert_eq!(of(woman, Some(false), "creatinine"), Ok((Risk::Critical, false)));
    assert_eq!(of(woman, None, "creatinine"), Ok((Risk::Critical, false)));
    // Sex is asked for only where it decides.
    assert_eq!(of(None, None, "creatinine"), Ok((Risk::Critical, false)));
    assert_eq!(of(None, None, "egfr"), not_for(Inapplicable::SexUnknown));
    assert_eq!(of(None, None, "testosterone"), not_for(Inapplicable::SexUnknown));
    assert_eq!(of(woman, None, "testosterone"), not_for(Inapplicable::OtherSex));
    assert_eq!(of(man, None, "testosterone"), Ok((Risk::Moderate, false)));
}

#[test]
fn of_guidelines_that_differ_the_one_of_the_region_applies_and_koreas_where_none_is_known() {
    let high = [(P::Systolic, fact(165.0)), (P::Diastolic, fact(60.0))];
    for (region, rule) in [
        (None, "blood_pressure.kr"),
        (Some(Region::Korea), "blood_pressure.kr"),
        (Some(Region::UnitedStates), "blood_pressure.us"),
        (Some(Region::Europe), "blood_pressure.eu"),
    ] {
        for other in ["blood_pressure.kr", "blood_pressure.us", "blood_pressure.eu"] {
            let judged = told(other, &Profile { region, ..adult() }, &high);
            assert_eq!(judged.is_ok(), other == rule, "{region:?} {other}");
            assert!(judged.is_ok() || judged == not_for(Inapplicable::OtherRegion));
        }
    }
}

#[test]
fn low_confidence_never_hides_a_danger_and_never_says_that_all_is_well() {
    let of = |value, confidence| {
        let fact = Fact { confidence: Number::finite(confidence).unwrap(), ..fact(value) };
        told("glucose", &adult(), &[(P::Glucose, fact)])
    };
    assert_eq!(of(100.0, 0.85), Ok((Risk::Low, false)));
    assert_eq!(of(100.0, 0.849), silent(Silence::Unsure));
    for (value, level) in [(60.0, Risk::Moderate), (50.0, Risk::High), (40.0, Risk::Critical)] {
        assert_eq!(of(value, 0.85), Ok((level, false)));
        assert_eq!(of(value, 0.849), Ok((level, true)));
        assert_eq!(of(value, 0.3), Ok((level, true)));
        assert_eq!(of(value, 0.299), silent(Silence::NothingKnown));
    }
}

#[test]
fn in_a_score_the_least_sure_of_the_values_that_gave_points_decides() {
    let unsure = |value| Fact { confidence: Number::finite(0.5).unwrap(), ..fact(value) };
    let calm = [
        (P::Saturation, fact(97.0)),
        (P::Oxygen, fact(0.0)),
        (P::Systolic, fact(120.0)),
        (P::Consciousness, fact(0.0)),
        (P::Temperature, fact(37.0)),
    ];
    let with = |resp, pulse| [&calm[..], &[(P::Respiration, resp), (P::Pulse, pulse)]].concat();
    assert_eq!(told("news2", &adult(), &with(fact(15.0), fact(70.0))), Ok((Risk::Low, false)));
    assert_eq!(told("news2", &adult(), &with(fact(15.0), unsure(70.0))), silent(Silence::Unsure));
    assert_eq!(told("news2", &adult(), &with(fact(25.0), unsure(70.0))), Ok((Risk::Moderate, false)));
    assert_eq!(told("news2", &adult(), &with(unsure(25.0), fact(70.0))), Ok((Risk::Moderate, true)));
}

#[test]
fn one_occasion_is_not_enough_to_be_called_well_and_enough_to_ask_for_another() {
    let once = |value| Fact { occasions: 1, ..fact(value) };
    let of = |systolic, diastolic| {
        told("blood_pressure.kr", &adult(), &[(P::Systolic, systolic), (P::Diastolic, diastolic)])
    };
    assert_eq!(of(fact(110.0), fact(70.0)), Ok((Risk::Low, false)));
    assert_eq!(of(once(110.0), fact(70.0)), silent(Silence::Unsure));
    assert_eq!(of(once(185.0), fact(70.0)), Ok((Risk::Critical, true)));
    assert_eq!(of(once(135.0), fact(85.0)), Ok((Risk::Moderate, false)), "as bad and surer decides");
}

#[test]
fn what_is_missing_takes_away_that_all_is_well_and_nothing_else() {
    let of = |known: &[(P, Fact)]| told("blood_pressure.kr", &adult(), known);
    assert_eq!(of(&[]), silent(Silence::NothingKnown));
    assert_eq!(of(&[(P::Systolic, fact(110.0))]), silent(Silence::Incomplete));
    assert_eq!(of(&[(P::Systolic, fact(181.0))]), Ok((Risk::Critical, false)));
    assert_eq!(told("sirs", &adult(), &[(P::Pulse, fact(70.0))]), silent(Silence::Incomplete));
    // The limit that would tell is not checked, so nothing is told.
    assert_eq!(told("urate", &adult(), &[(P::Urate, fact(9.0))]), silent(Silence::NoLimits));
    assert_eq!(told("tsh", &adult(), &[(P::Thyrotropin, fact(99.0))]), silent(Silence::NoLimits));
}

#[test]
fn a_value_counts_as_long_as_its_rule_says_and_not_before_it_was_observed() {
    let aged = |age: i64| Fact { at: NOW - age, ..fact(25.0) };
    let of = |age| told("news2", &adult(), &[(P::Respiration, aged(age))]);
    assert_eq!(of(60 * MINUTE), Ok((Risk::Moderate, false)));
    assert_eq!(of(60 * MINUTE + 1), silent(Silence::NothingKnown));
    assert_eq!(of(-1), silent(Silence::NothingKnown));
    let awake =
        |age: i64| told("news2", &adult(), &[(P::Consciousness, Fact { at: NOW - age, ..fact(2.0) })]);
    assert_eq!(awake(12 * 60 * MINUTE), Ok((Risk::Moderate, false)));
    assert_eq!(awake(12 * 60 * MINUTE + 1), silent(Silence::NothingKnown));
    let old = [(P::GlycatedHaemoglobin, Fact { at: NOW - 100 * 24 * 60 * MINUTE, ..fact(7.0) })];
    assert_eq!(
        told("hba1c", &adult(), &old),
        Ok((Risk::Moderate, true)),
        "to be confirmed, and not forgotten"
    );
}

#[test]
fn a_finding_names_what_it_rests_on() {
    let book = Rulebook::shipped();
    let earlier = Fact { at: NOW - MINUTE, confidence: Number::finite(0.9).unwrap(), ..fact(59.6) };
    let facts = facts(&[(P::Systolic, Fact { at: NOW, ..fact(180.4) }), (P::Diastolic, earlier)]);
    let (set, rule) = book.rule("blood_pressure.kr").unwrap();
    let adult = adult();
    let Judgement::Found(finding) = judge(set, rule, &adult, &facts, NOW) else { panic!("found") };
    assert_eq!(
        (finding.rule.id.as_str(), finding.set.id.as_str(), finding.set.version.as_str()),
        ("blood_pressure.kr", "blood_pressure", "1.0")
    );
    assert_eq!((finding.level, finding.class), (Risk::Moderate, "hypertension from grade 1"));
    assert_eq!((finding.measure, finding.unit), (Measure::Value(Number::from(180)), "mm[Hg]"));
    assert_eq!(finding.limits.to_string(), "≥ 140");
    assert!(finding.source.starts_with("Korean Society of Hypertension"));
    assert_eq!(finding.evidence.window(), Some((NOW - MINUTE, NOW)));
    let used: Vec<_> =
        finding.evidence.iter().map(|used| (used.parameter(), used.class(), used.fact.span.first)).collect();
    assert_eq!(
        used,
        [(P::Systolic, Some("hypertension from grade 1"), 5), (P::Diastolic, Some("normal"), 5)]
    );
    assert_eq!(finding.confidence, Number::from(1));
}

#[test]
fn a_new_version_of_a_set_is_data_and_every_finding_names_it() {
    let text = include_str!("../sets/blood_pressure.toml");
    let old = "level = \"HIGH\", at_least = 160, class = \"hypertension grade 2\", enabled = false, unchecked = true";
    assert!(text.contains(old) && text.contains("version = \"1.0\""));
    let checked = text.replace(old, &old.replace("enabled = false, unchecked = true", "enabled = true"));
    let changed = checked.replace("version = \"1.0\"", "version = \"1.1\"");
    let high = facts(&[(P::Systolic, fact(165.0)), (P::Diastolic, fact(70.0))]);
    let judged = |text: &str| {
        let book = Rulebook::load(&[("sets/blood_pressure.toml", text)]).unwrap();
        let (set, rule) = book.rules().next().unwrap();
        let adult = adult();
        let Judgement::Found(finding) = judge(set, rule, &adult, &high, NOW) else { panic!("found") };
        (finding.level, finding.set.version.clone())
    };
    assert_eq!(judged(text), (Risk::Moderate, "1.0".to_owned()));
    assert_eq!(judged(&changed), (Risk::High, "1.1".to_owned()));
}
