//! Further from what is calm, risk never falls: in each parameter of each rule, whatever the others are.

use super::made::{facts, found, person};
use model::{Profile, Region, Sex};
use operators::risk::{
    parameter::Parameter as P,
    rule::{Judgement, judge},
    set::{Risk, Rulebook},
};
use proptest::prelude::*;

/// Each parameter with values that no rule in force finds anything wrong with, from least to most.
const CALM: [(P, f64, f64); 27] = [
    (P::Respiration, 12.0, 20.0),
    (P::Saturation, 96.0, 100.0),
    (P::Oxygen, 0.0, 0.0),
    (P::Systolic, 111.0, 119.0),
    (P::Diastolic, 0.0, 69.0),
    (P::Pulse, 51.0, 90.0),
    (P::OpticalPulse, 41.0, 130.0),
    (P::Consciousness, 0.0, 0.0),
    (P::Temperature, 36.1, 38.0),
    (P::Leukocytes, 4.0, 12.0),
    (P::Glucose, 70.0, 180.0),
    (P::FastingGlucose, 70.0, 99.0),
    (P::TwoHourGlucose, 70.0, 139.0),
    (P::GlycatedHaemoglobin, 0.0, 5.6),
    (P::TimeBelow54, 0.0, 0.9),
    (P::TimeBelow70, 0.0, 3.9),
    (P::TimeInRange, 70.1, 100.0),
    (P::TimeAbove180, 0.0, 24.9),
    (P::TimeAbove250, 0.0, 4.9),
    (P::GlucoseVariation, 0.0, 36.0),
    (P::GlycaemiaRisk, 0.0, 20.0),
    (P::Creatinine, 0.0, 0.9),
    (P::ReactiveProtein, 0.0, 0.9),
    (P::Lactate, 0.0, 1.9),
    (P::Urate, 0.0, 6.8),
    (P::VitaminD, 20.0, 50.0),
    (P::Testosterone, 300.0, 5_000.0),
];

/// A value of the parameter at `place`, from 0 to 1 over everything its rules tell apart.
fn value(parameter: P, place: f64) -> f64 {
    let most = match parameter {
        P::Oxygen => 1.0,
        P::Consciousness => 4.0,
        P::Saturation
        | P::GlycatedHaemoglobin
        | P::TimeBelow54
        | P::TimeBelow70
        | P::TimeInRange
        | P::TimeAbove180
        | P::TimeAbove250
        | P::GlycaemiaRisk => 100.0,
        P::Glucose | P::FastingGlucose | P::TwoHourGlucose | P::Testosterone => 700.0,
        P::Temperature | P::Respiration | P::Leukocytes | P::Lactate | P::Creatinine => 45.0,
        _ => 260.0,
    };
    place * most
}

fn rank(rule: &str, profile: &Profile, values: &[(P, f64)]) -> Option<Risk> {
    found(Rulebook::shipped(), rule, profile, values).map(|finding| finding.level)
}

#[test]
fn calm_is_calm() {
    for region in [Region::Korea, Region::UnitedStates, Region::Europe] {
        let profile = Profile { region: Some(region), ..person(50, Sex::Male) };
        for share in [0.0, 0.5, 1.0] {
            let values: Vec<_> = CALM
                .iter()
                .map(|(parameter, least, most)| (*parameter, least + share * (most - least)))
                .collect();
            let facts = facts(&values);
            for (set, rule) in Rulebook::shipped().rules() {
                if let Judgement::Found(finding) = judge(set, rule, &profile, &facts, super::made::NOW) {
                    assert_eq!(finding.level, Risk::Low, "{} {}", rule.id, finding.class);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn risk_never_falls_away_from_what_is_calm(
        parameter in prop::sample::select(CALM.to_vec()),
        places in prop::collection::vec(0.0_f64..1.0, CALM.len()),
        from in 0.0_f64..1.0,
        further in 0.0_f64..1.0,
        known in any::<u32>(),
        region in prop::sample::select(vec![Region::Korea, Region::UnitedStates, Region::Europe]),
    ) {
        let profile = Profile { region: Some(region), ..person(50, Sex::Male) };
        let (moved, least, most) = parameter;
        let near = value(moved, from);
        // From below what is calm go down, from above go up; from within go either way.
        let far = if near < least || (near <= most && further < 0.5) {
            near * further
        } else {
            near + further * (value(moved, 1.0) - near)
        };
        let others: Vec<_> = CALM
            .iter()
            .zip(&places)
            .enumerate()
            .filter(|(place, ((other, ..), _))| *other != moved && known >> place & 1 == 1)
            .map(|(_, ((other, ..), place))| (*other, value(*other, *place)))
            .filter(|(other, _)| !matches!((moved, other), (P::Glucose, P::FastingGlucose | P::TwoHourGlucose)))
            .collect();
        let with = |value: f64| others.iter().copied().chain([(moved, value)]).collect::<Vec<_>>();
        for (_, rule) in Rulebook::shipped().rules().filter(|(_, rule)| rule.applies.region.is_none_or(|only| only == region)) {
            if rule.applies.sex == Some(Sex::Female) || rule.applies.age_from > 50 {
                continue;
            }
            let (before, after) =
                (rank(&rule.id, &profile, &with(near)), rank(&rule.id, &profile, &with(far)));
            // Nothing said is less than a risk and says no more than LOW does.
            let floor = |level: Option<Risk>| level.filter(|level| *level > Risk::Low);
            prop_assert!(
                floor(after) >= floor(before),
                "{} {}: {near} is {before:?}, {far} is {after:?}", rule.id, moved.name()
            );
            // And what is not calm does not become LOW further out.
            prop_assert!(!(after == Some(Risk::Low) && before > Some(Risk::Low)));
        }
    }
}
