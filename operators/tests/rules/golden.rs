//! Values others calculated: the chart and the totals of NEWS2 (golden2.json), CKD-EPI 2021 (risk.md §4.12).

use super::{
    made::{found, person},
    tables::Points,
};
use model::{Number, Profile, Sex};
use operators::risk::{
    parameter::Parameter as P,
    rule::Measure,
    set::{Risk, Rulebook},
};

/// Whether hypercapnic failure is confirmed, whether oxygen is given, the parameter, and its points by value.
pub(super) const CHART: [(bool, bool, P, Points); 9] = [
    (
        false,
        false,
        P::Respiration,
        &[(8.0, 3), (9.0, 1), (11.0, 1), (12.0, 0), (20.0, 0), (21.0, 2), (24.0, 2), (25.0, 3)],
    ),
    (false, false, P::Saturation, &[(91.0, 3), (92.0, 2), (93.0, 2), (94.0, 1), (95.0, 1), (96.0, 0)]),
    (
        true,
        false,
        P::Saturation,
        &[(83.0, 3), (84.0, 2), (85.0, 2), (86.0, 1), (87.0, 1), (88.0, 0), (92.0, 0), (93.0, 0), (97.0, 0)],
    ),
    (true, true, P::Saturation, &[(92.0, 0), (93.0, 1), (94.0, 1), (95.0, 2), (96.0, 2), (97.0, 3)]),
    (
        false,
        false,
        P::Systolic,
        &[(90.0, 3), (91.0, 2), (100.0, 2), (101.0, 1), (110.0, 1), (111.0, 0), (219.0, 0), (220.0, 3)],
    ),
    (
        false,
        false,
        P::Pulse,
        &[
            (40.0, 3),
            (41.0, 1),
            (50.0, 1),
            (51.0, 0),
            (90.0, 0),
            (91.0, 1),
            (110.0, 1),
            (111.0, 2),
            (130.0, 2),
            (131.0, 3),
        ],
    ),
    (
        false,
        false,
        P::Temperature,
        &[(35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2)],
    ),
    // Not in the golden file; the chart itself.
    (false, false, P::Oxygen, &[(0.0, 0), (1.0, 2)]),
    (false, false, P::Consciousness, &[(0.0, 0), (1.0, 3), (2.0, 3), (3.0, 3), (4.0, 3)]),
];

/// Nobody's score: nothing wrong, on air.
const CALM: [(P, f64); 7] = [
    (P::Respiration, 18.0),
    (P::Saturation, 97.0),
    (P::Oxygen, 0.0),
    (P::Systolic, 120.0),
    (P::Pulse, 72.0),
    (P::Consciousness, 0.0),
    (P::Temperature, 36.8),
];

fn with(changes: &[(P, f64)]) -> Vec<(P, f64)> {
    let kept = CALM.into_iter().filter(|(known, _)| changes.iter().all(|(other, _)| other != known));
    kept.chain(changes.iter().copied()).collect()
}

fn anybody() -> Profile {
    person(50, Sex::Female)
}

#[test]
fn every_boundary_of_the_chart_has_its_points_and_so_has_what_rounds_to_it() {
    let book = Rulebook::shipped();
    for (hypercapnic, oxygen, parameter, points) in CHART {
        for (value, expected) in points {
            let profile = Profile { hypercapnic, ..anybody() };
            let mut changes = vec![(parameter, *value)];
            if parameter != P::Oxygen {
                changes.push((P::Oxygen, f64::from(u8::from(oxygen))));
            }
            let of = |changes: &[(P, f64)]| {
                found(book, "news2", &profile, &with(changes)).unwrap().points_of(parameter)
            };
            assert_eq!(of(&changes), Some(*expected), "{} {value}", parameter.name());
            let step = if parameter == P::Temperature { 0.1 } else { 1.0 };
            if !matches!(parameter, P::Oxygen | P::Consciousness) {
                for beside in [-0.49, 0.49] {
                    changes[0].1 = (value + beside * step).clamp(0.0, 300.0);
                    assert_eq!(of(&changes), Some(*expected), "{} {value} {beside}", parameter.name());
                }
            }
        }
    }
}

#[test]
fn totals_are_those_of_the_golden_file() {
    let book = Rulebook::shipped();
    let cases: [(&[f64; 7], u32, Risk); 3] = [
        (&[18.0, 97.0, 0.0, 120.0, 72.0, 0.0, 36.8], 0, Risk::Low),
        (&[22.0, 93.0, 1.0, 98.0, 112.0, 0.0, 38.5], 11, Risk::Critical),
        (&[25.0, 90.0, 1.0, 88.0, 135.0, 1.0, 39.2], 19, Risk::Critical),
    ];
    for (values, total, level) in cases {
        let values: Vec<_> =
            CALM.iter().zip(values).map(|((parameter, _), value)| (*parameter, *value)).collect();
        let finding = found(book, "news2", &anybody(), &values).unwrap();
        assert_eq!((finding.measure, finding.level), (Measure::Total(total), level));
        assert!(!finding.needs_retest);
    }
}

#[test]
fn each_total_has_the_level_of_its_response() {
    let book = Rulebook::shipped();
    for (changes, total, level) in [
        (vec![(P::Pulse, 111.0), (P::Respiration, 21.0)], 4, Risk::Low),
        (vec![(P::Consciousness, 1.0)], 3, Risk::Moderate),
        (vec![(P::Consciousness, 1.0), (P::Pulse, 91.0)], 4, Risk::Moderate),
        (vec![(P::Pulse, 111.0), (P::Respiration, 21.0), (P::Systolic, 110.0)], 5, Risk::High),
        (vec![(P::Pulse, 111.0), (P::Respiration, 21.0), (P::Oxygen, 1.0)], 6, Risk::High),
        (vec![(P::Pulse, 111.0), (P::Respiration, 25.0), (P::Oxygen, 1.0)], 7, Risk::Critical),
    ] {
        let finding = found(book, "news2", &anybody(), &with(&changes)).unwrap();
        assert_eq!((finding.measure, finding.level), (Measure::Total(total), level), "{changes:?}");
    }
}

/// For every part of the parameters: never a total, never LOW, and otherwise the level that the bound reaches.
#[test]
fn part_of_the_parameters_is_a_lower_bound_and_makes_upward_claims_only() {
    let book = Rulebook::shipped();
    let ill: [(P, f64, u32); 7] = [
        (P::Respiration, 22.0, 2),
        (P::Saturation, 93.0, 2),
        (P::Oxygen, 1.0, 2),
        (P::Systolic, 98.0, 2),
        (P::Pulse, 112.0, 2),
        (P::Consciousness, 0.0, 0),
        (P::Temperature, 38.5, 1),
    ];
    for kept in 1_u32..127 {
        let known: Vec<_> = ill.iter().enumerate().filter(|(place, _)| kept >> place & 1 == 1).collect();
        let bound: u32 = known.iter().map(|(_, (.., points))| points).sum();
        let values: Vec<_> = known.iter().map(|(_, (parameter, value, _))| (*parameter, *value)).collect();
        let finding = found(book, "news2", &anybody(), &values);
        let level = match bound {
            ..5 => None,
            5..7 => Some(Risk::High),
            7.. => Some(Risk::Critical),
        };
        assert_eq!(finding.as_ref().map(|finding| finding.level), level, "{values:?}");
        assert!(finding.is_none_or(|finding| finding.measure == Measure::AtLeast(bound)));
    }
    let single = found(book, "news2", &anybody(), &[(P::Respiration, 25.0)]).unwrap();
    assert_eq!((single.level, single.measure), (Risk::Moderate, Measure::AtLeast(3)));
}

#[test]
fn while_it_is_not_known_whether_oxygen_is_given_the_fewer_points_of_scale_2_count() {
    let book = Rulebook::shipped();
    let profile = Profile { hypercapnic: true, ..anybody() };
    let ill = [(P::Saturation, 97.0), (P::Respiration, 25.0)];
    let on = |oxygen: &[(P, f64)]| {
        let values: Vec<_> = ill.iter().chain(oxygen).copied().collect();
        found(book, "news2", &profile, &values).unwrap().measure
    };
    assert_eq!(on(&[]), Measure::AtLeast(3));
    assert_eq!(on(&[(P::Oxygen, 0.0)]), Measure::AtLeast(3));
    assert_eq!(on(&[(P::Oxygen, 1.0)]), Measure::AtLeast(8));
}

#[test]
fn filtration_rates_are_those_published() {
    let book = Rulebook::shipped();
    for (creatinine, age, sex, rate, class) in [
        (1.0, 50, Sex::Male, 91.6915, "G1"),
        (1.0, 50, Sex::Female, 68.6335, "G2"),
        (0.6, 30, Sex::Female, 123.7579, "G1"),
        (2.3, 70, Sex::Male, 29.8013, "G4"),
    ] {
        let finding = found(book, "egfr", &person(age, sex), &[(P::Creatinine, creatinine)]).unwrap();
        let Measure::Value(found) = finding.measure else { panic!("a rate is a value") };
        assert!((found.get() - rate).abs() <= 5e-5, "{}", found.get());
        assert_eq!((finding.class.as_str(), finding.unit), (class, "mL/min/{1.73_m2}"));
        assert_eq!(finding.confidence, Number::from(1));
    }
}
