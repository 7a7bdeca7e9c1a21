//! Every limit in force, from both sides, against tables written from the sources and not from the rule sets.

use super::{
    golden::CHART,
    made::{found, person},
    tables::{CRITERIA, LEVELS, PULSE, RATE},
};
use model::{Profile, Region, Sex};
use operators::risk::{
    parameter::Parameter as P,
    set::{Case, Column, Edge, Outcome, Reached, Risk, Row, Rulebook},
};

fn resident(rule: &str) -> Profile {
    let region = match rule.rsplit('.').next() {
        Some("us") => Region::UnitedStates,
        Some("eu") => Region::Europe,
        _ => Region::Korea,
    };
    Profile { region: Some(region), ..person(50, Sex::Male) }
}

#[test]
fn every_level_begins_where_it_is_published() {
    let book = Rulebook::shipped();
    let optical = [("pulse.news2_band", P::OpticalPulse, &[] as &[(P, f64)], PULSE)];
    for (rule, parameter, others, table) in LEVELS.into_iter().chain(optical) {
        for (value, level, class) in table {
            let mut values: Vec<_> = others.to_vec();
            values.retain(|(other, _)| *other != parameter);
            values.push((parameter, *value));
            let finding = found(book, rule, &resident(rule), &values);
            let told = finding.as_ref().map(|finding| finding.level);
            assert_eq!(told, *level, "{rule} {} {value}", parameter.name());
            let own = finding.map(|finding| finding.class_of(parameter)).unwrap_or_default();
            assert_eq!(own, *class, "{rule} {} {value}", parameter.name());
        }
    }
}

#[test]
fn every_stage_of_the_filtration_rate_begins_where_it_is_published() {
    let book = Rulebook::shipped();
    let (_, rule) = book.rule("egfr").unwrap();
    for (rate, level, class) in RATE {
        let row = rule.columns[0].row(*rate, Case::default()).unwrap();
        assert_eq!((Some(row.outcome), row.class.as_str()), (level.map(Outcome::Level), *class), "{rate}");
        // The creatinine at which a man of 50 has this rate, and a millionth beside it.
        let creatinine = 0.9 * (rate / (142.0 * 0.9938_f64.powi(50))).powf(-1.0 / 1.2);
        let stage =
            |creatinine| found(book, "egfr", &resident("egfr"), &[(P::Creatinine, creatinine)]).unwrap();
        let (better, worse) = (stage(creatinine * 0.999_999), stage(creatinine * 1.000_001));
        assert!(Some(better.level) <= *level && Some(worse.level) >= *level, "{rate}");
        assert!(better.class == *class || worse.class == *class, "{rate}");
    }
}

#[test]
fn every_criterion_of_the_inflammatory_response_begins_where_it_is_published() {
    let book = Rulebook::shipped();
    let calm = [(P::Temperature, 37.0), (P::Pulse, 70.0), (P::Respiration, 15.0), (P::Leukocytes, 7.0)];
    let with = |changes: &[(P, f64)]| {
        let kept = calm.into_iter().filter(|(known, _)| changes.iter().all(|(other, _)| other != known));
        kept.chain(changes.iter().copied()).collect::<Vec<_>>()
    };
    for (parameter, table) in CRITERIA {
        for (value, points) in table {
            let finding = found(book, "sirs", &resident(""), &with(&[(parameter, *value)])).unwrap();
            assert_eq!(finding.points_of(parameter), Some(*points), "{} {value}", parameter.name());
            assert_eq!(finding.level, Risk::Low, "one criterion is not enough");
        }
    }
    let two = found(book, "sirs", &resident(""), &with(&[(P::Pulse, 100.0), (P::Leukocytes, 13.0)])).unwrap();
    assert_eq!(two.level, Risk::Moderate);
    let incomplete = found(book, "sirs", &resident(""), &[(P::Pulse, 100.0), (P::Leukocytes, 13.0)]).unwrap();
    assert_eq!(incomplete.level, Risk::Moderate, "what is missing can only add");
    assert_eq!(found(book, "sirs", &resident(""), &[(P::Pulse, 70.0), (P::Leukocytes, 13.0)]), None);
}

/// Every value for which this file or the golden table says what `column` of `rule` makes of it.
fn told(rule: &str, column: &Column) -> Vec<f64> {
    let parameter = column.parameter;
    let levels = LEVELS.iter().filter(|(id, known, ..)| (*id, *known) == (rule, parameter));
    let mut values: Vec<f64> =
        levels.flat_map(|(.., table)| table.iter().map(|(value, ..)| *value)).collect();
    let scored = |known: P, points: &[(f64, u32)]| {
        let own = points.iter().filter(move |_| known == parameter);
        own.map(|(value, _)| *value).collect::<Vec<_>>()
    };
    match rule {
        "pulse.news2_band" => values.extend(PULSE.iter().map(|(value, ..)| *value)),
        "egfr" => values.extend(RATE.iter().map(|(value, ..)| *value)),
        "sirs" => values.extend(CRITERIA.iter().flat_map(|(known, points)| scored(*known, points))),
        "news2" => values.extend(CHART.iter().flat_map(|(_, _, known, points)| scored(*known, points))),
        _ => {}
    }
    values
}

/// A table that forgets a limit would pass for ever: each limit of each row in force must stand in it, and a value
/// within a step on its other side.
#[test]
fn no_limit_in_force_is_left_out_of_the_tables() {
    let book = Rulebook::shipped();
    let mut edges = 0;
    for (_, rule) in book.rules() {
        for column in &rule.columns {
            let told = told(&rule.id, column);
            let is_coded = matches!(column.parameter, P::Oxygen | P::Consciousness);
            let step = if column.parts > 0 { 1.0 / f64::from(column.parts) } else { 0.1 };
            let step = if is_coded { 1.0 } else { step } + 1e-9;
            for row in column.rows.iter().filter(|row| row.enabled) {
                for edge in [row.limits.low, row.limits.high].into_iter().flatten() {
                    edges += 1;
                    let near = || told.iter().filter(|value| (**value - edge.value.get()).abs() <= step);
                    let is_told = told.contains(&edge.value.get());
                    let inside = near().any(|value| is_inside(row, edge, *value));
                    let outside = near().any(|value| !is_inside(row, edge, *value));
                    assert!(
                        is_told && inside && outside,
                        "{} {} {}: no value on both sides of {}",
                        rule.id,
                        column.parameter.name(),
                        row.class,
                        edge.value.get()
                    );
                }
            }
        }
    }
    assert!(edges > 150, "{edges}");
}

/// Whether `value` is on the row's side of one of its edges.
fn is_inside(row: &Row, edge: Edge, value: f64) -> bool {
    let limit = edge.value.get();
    if row.limits.low == Some(edge) {
        value > limit || (edge.included && value >= limit)
    } else {
        value < limit || (edge.included && value <= limit)
    }
}

#[test]
fn totals_are_those_of_the_published_responses() {
    let book = Rulebook::shipped();
    let totals = |rule: &str| {
        let (_, rule) = book.rule(rule).unwrap();
        rule.totals.iter().map(|total| (total.level, total.reached)).collect::<Vec<_>>()
    };
    let published = [
        (Risk::Low, Reached::AtMost(4)),
        (Risk::Moderate, Reached::Single(3)),
        (Risk::High, Reached::AtLeast(5)),
        (Risk::Critical, Reached::AtLeast(7)),
    ];
    assert_eq!(totals("news2"), published);
    assert_eq!(totals("sirs"), [(Risk::Low, Reached::AtMost(1)), (Risk::Moderate, Reached::AtLeast(2))]);
    let scores = book.rules().filter(|(_, rule)| !rule.totals.is_empty()).count();
    assert_eq!(scores, 2, "a new score needs its totals here");
}

/// Rows nobody compared with their sources: none of them in force, none forgotten.
#[test]
fn what_is_not_checked_ships_switched_off_and_says_so() {
    let book = Rulebook::shipped();
    let mut unchecked = Vec::new();
    for (_, rule) in book.rules() {
        for column in &rule.columns {
            for row in column.rows.iter().filter(|row| row.unchecked || !row.enabled) {
                assert!(row.unchecked && !row.enabled, "{} {}", rule.id, row.class);
                unchecked.push((rule.id.as_str(), column.parameter.name()));
            }
        }
    }
    unchecked.dedup();
    let expected = [
        ("cgm.older", "cgm_below_70"),
        ("cgm.older", "cgm_in_range"),
        ("cgm.older", "cgm_above_250"),
        ("cgm.indices", "cgm_lbgi"),
        ("cgm.indices", "cgm_hbgi"),
        ("blood_pressure.kr", "systolic"),
        ("blood_pressure.kr", "diastolic"),
        ("urate", "urate"),
        ("lipids", "cholesterol"),
        ("lipids", "hdl"),
        ("lipids", "ldl"),
        ("lipids", "triglycerides"),
        ("b12", "b12"),
        ("ferritin.female", "ferritin"),
        ("ferritin.male", "ferritin"),
        ("tsh", "tsh"),
        ("cortisol", "cortisol"),
    ];
    assert_eq!(unchecked, expected);
}
