//! What is said of results that are well, dangerous, unsure, of nobody known, and not understood; and that it follows
//! whatever is corrected.

use super::{Analyst, Finished, Kind, Known};
use crate::{
    risk::{
        facts::{Fact, Facts, Method},
        parameter::Parameter,
        rule::{Judgement, judge},
        set::Rulebook,
    },
    timeline::{Fold, oracle},
};
use model::{
    Analysis, CartridgeKind, Date, EventId, Input, Number, Profile, Risk, SessionId, Sex, Span, UserId,
};
use proptest::prelude::*;

/// 2026-01-01.
const START: i64 = 1_767_225_600_000_000;
const GLUCOSE: Option<CartridgeKind> = Some(CartridgeKind { category: 1, kind: 1 });
const CREATININE: Option<CartridgeKind> = Some(CartridgeKind { category: 1, kind: 5 });

fn number(value: f64) -> Number {
    Number::finite(value).unwrap()
}

fn result(at: i64, session: u32, value: f64, confidence: f64) -> Known {
    let finished = Finished {
        session: SessionId::derive(&[&session.to_string()]),
        user: UserId::derive(&["a"]),
        revision: 0,
        cartridge: GLUCOSE,
        value: Some(number(value)),
        unit: "mg/dL".into(),
        confidence: number(confidence),
        packets: Span { input: Input::Packets, partition: 0, first: u64::from(session), last: 9 },
    };
    Known { at: START + at, what: Kind::Result(Box::new(finished)) }
}

fn changed(mut known: Known, change: impl FnOnce(&mut Finished)) -> Known {
    let Kind::Result(finished) = &mut known.what else { panic!("a result") };
    change(finished);
    known
}

fn profile(at: i64, profile: Profile) -> Known {
    let event = EventId::derive(&[&at.to_string()]);
    Known { at: START + at, what: Kind::Profile(event, profile) }
}

fn adult() -> Profile {
    Profile { birth_date: Date::new(1950, 5, 1), sex: Some(Sex::Female), ..Profile::default() }
}

fn analyst() -> Analyst {
    Analyst::new()
}

fn analyses(known: impl IntoIterator<Item = Known>) -> Vec<Analysis> {
    let mut state = super::State::default();
    known.into_iter().filter_map(|known| analyst().step(&mut state, &known)).collect()
}

fn analysis(known: Known) -> Analysis {
    analyses([profile(0, adult()), known]).pop().expect("every result has an analysis")
}

#[test]
fn what_is_well_is_low_and_names_the_rule_its_version_and_its_source() {
    let analysis = analysis(result(1, 1, 100.0, 0.95));
    assert_eq!(
        (analysis.level(), analysis.needs_retest(), &analysis.unasked),
        (Some(Risk::Low), false, &None)
    );
    assert_eq!((analysis.biomarker.as_deref(), analysis.value), (Some("glucose"), Some(number(100.0))));
    let glucose = analysis.judged.iter().find(|judged| judged.rule.id == "glucose").unwrap();
    assert_eq!((glucose.level, glucose.rule.version.as_str()), (Some(Risk::Low), "1.0"));
    assert!(glucose.rule.claim.as_ref().unwrap().source.contains("ADA"));
}

#[test]
fn the_worst_level_of_all_rules_counts_and_an_unsure_danger_is_still_one() {
    for (value, confidence, level, retest) in [
        (53.9, 0.95, Risk::High, false),
        (54.0, 0.95, Risk::Moderate, false),
        (46.0, 0.95, Risk::Critical, false),
        (46.0, 0.3, Risk::Critical, true),
        (281.0, 0.5, Risk::High, true),
    ] {
        let analysis = analysis(result(1, 1, value, confidence));
        assert_eq!(
            (analysis.level(), analysis.needs_retest()),
            (Some(level), retest),
            "{value} {confidence}"
        );
    }
}

#[test]
fn what_is_not_sure_enough_is_never_low_and_asks_for_another_measurement() {
    let analysis = analysis(result(1, 1, 100.0, 0.84));
    assert_eq!((analysis.level(), analysis.needs_retest()), (None, true));
    assert!(analysis.judged.iter().any(|judged| judged.silence.as_deref() == Some("unsure")));
}

#[test]
fn a_result_that_nobody_can_judge_says_why() {
    let good = || result(1, 1, 100.0, 0.95);
    for (known, why, retest) in [
        (changed(good(), |it| it.unit = "mmol/L".into()), "not_understood", false),
        (changed(good(), |it| it.cartridge = None), "not_understood", false),
        (changed(good(), |it| it.value = None), "no_value", true),
        (changed(good(), |it| it.value = Some(number(-1.0))), "impossible", true),
        (changed(good(), |it| it.confidence = number(0.29)), "guess", true),
    ] {
        let analysis = analysis(known);
        assert_eq!(analysis.unasked.as_deref(), Some(why));
        assert_eq!((analysis.level(), analysis.needs_retest()), (None, retest), "{why}");
        assert!(analysis.judged.is_empty());
    }
}

#[test]
fn nobody_of_unknown_age_no_child_and_no_pregnant_person_is_called_well() {
    let silences = |profiles: &[Profile]| {
        let profiles = profiles.iter().enumerate().map(|(at, of)| profile(at as i64, *of));
        let analysis = analyses(profiles.chain([result(9, 1, 100.0, 0.95)])).pop().unwrap();
        assert_eq!(analysis.level(), None);
        analysis.judged.into_iter().filter_map(|judged| judged.silence).collect::<Vec<_>>()
    };
    assert!(silences(&[]).contains(&"age_unknown".into()));
    let child = Profile { birth_date: Date::new(2015, 1, 1), ..adult() };
    assert!(silences(&[adult(), child]).contains(&"too_young".into()));
    assert!(silences(&[Profile { pregnant: Some(true), ..adult() }]).contains(&"pregnant".into()));
}

#[test]
fn each_of_two_results_of_one_instant_is_judged_by_its_own_value() {
    let both = [profile(0, adult()), result(1, 1, 300.0, 0.95), result(1, 2, 100.0, 0.95)];
    let levels: Vec<_> = analyses(both).iter().map(|analysis| (analysis.value, analysis.level())).collect();
    assert_eq!(levels, [(Some(number(300.0)), Some(Risk::High)), (Some(number(100.0)), Some(Risk::Low))]);
}

/// The analysis of a result, written again without a fold: the newest profile before it, its own value, every rule.
fn plain(known: &Known, all: &[Known]) -> (Option<Risk>, usize) {
    let Kind::Result(finished) = &known.what else { panic!("a result") };
    let profiles = all.iter().filter_map(|other| match other.what {
        Kind::Profile(event, profile) if other.at <= known.at => Some((other.at, event, profile)),
        _ => None,
    });
    let profile = profiles.max().map_or_else(Profile::default, |(.., profile)| profile);
    let parameter = if finished.cartridge == GLUCOSE { Parameter::Glucose } else { Parameter::Creatinine };
    let Finished { value, confidence, packets: span, .. } = **finished;
    let fact =
        Fact { at: known.at, value: value.unwrap(), confidence, method: Method::Assayed, occasions: 1, span };
    let mut facts = Facts::default();
    facts.take(parameter, fact).unwrap();
    let asked = Rulebook::shipped().rules().filter(|(_, rule)| rule.asks(parameter));
    let found: Vec<_> = asked.map(|(set, rule)| judge(set, rule, &profile, &facts, known.at)).collect();
    let level = found.iter().filter_map(|judgement| match judgement {
        Judgement::Found(finding) => Some(finding.level),
        _ => None,
    });
    (level.max(), found.len())
}

fn any_known() -> impl Strategy<Value = Known> {
    let profiles = (0_i64..6, 0_usize..4).prop_map(|(at, which)| {
        let child = Profile { birth_date: Date::new(2015, 1, 1), ..adult() };
        let pregnant = Profile { pregnant: Some(true), ..adult() };
        profile(at, [Profile::default(), adult(), child, pregnant][which])
    });
    let results = (0_i64..6, 0_u32..4, 20.0..600.0, 0.3..1.0, any::<bool>()).prop_map(
        |(at, session, value, confidence, creatinine)| {
            changed(result(at, session, value, confidence), |it| {
                if creatinine {
                    (it.cartridge, it.value) = (CREATININE, Some(number(value / 50.0)));
                }
            })
        },
    );
    prop_oneof![profiles, results]
}

proptest! {
    /// At every epoch what stands is what a plain look at everything that stands comes to.
    #[test]
    fn analyses_follow_whatever_comes_late_and_is_taken_back(
        epochs in prop::collection::vec(prop::collection::vec((any_known(), any::<bool>()), 1..6), 1..8),
    ) {
        oracle::follow(&analyst(), epochs, |told, all| {
            let results = || all.iter().filter(|known| matches!(known.what, Kind::Result(_)));
            prop_assert_eq!(told.len(), results().count());
            prop_assert!(told.iter().all(|(_, count)| *count == 1));
            for known in results() {
                let Kind::Result(finished) = &known.what else { unreachable!() };
                let is_its = |analysis: &Analysis| {
                    (analysis.at, analysis.session, analysis.value) == (known.at, finished.session, finished.value)
                };
                let of = told.iter().map(|(analysis, _)| analysis).find(|analysis| is_its(analysis));
                let (level, rules) = plain(known, all);
                prop_assert_eq!(of.map(|of| (of.level(), of.judged.len())), Some((level, rules)));
            }
            Ok(())
        })?;
    }
}
