//! What people are told: words for everything a rule can claim of a cartridge's result, the most urgent first, the trend
//! by event time; and that it follows whatever is corrected.

use super::{Outline, Templates, Trends};
use crate::{
    risk::{
        parameter::Parameter,
        said,
        set::{Outcome, Risk, Rulebook},
    },
    timeline::{Fold, oracle},
};
use model::{
    About, Analysis, Claim, Coaching, Input, Judged, Number, SessionId, SetRule, Span, Text, Trend, UserId,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const START: i64 = 1_767_225_600_000_000;

/// Of glucose: a class of each level.
const CLASSES: [(Risk, &str); 4] = [
    (Risk::Low, "in range"),
    (Risk::Moderate, "hyperglycaemia level 1"),
    (Risk::High, "hyperglycaemia level 2"),
    (Risk::Critical, "critical high"),
];

fn claimed(rule: &str, (level, class): (Risk, &str), needs_retest: bool) -> Judged {
    let claim = Claim {
        class: class.into(),
        value: Number::from(1),
        unit: "mg/dL".into(),
        at_least: false,
        low: None,
        high: None,
        limits: "limits".into(),
        source: "a source".into(),
        confidence: Number::from(1),
        needs_retest,
    };
    let rule = SetRule { id: rule.into(), set: "a set".into(), version: "1.0".into(), claim: Some(claim) };
    Judged { rule, level: Some(level), silence: None }
}

fn silent(why: &str) -> Judged {
    let rule = SetRule { id: "glucose".into(), set: "a set".into(), version: "1.0".into(), claim: None };
    Judged { rule, level: None, silence: Some(why.into()) }
}

fn analysis(at: i64, session: u32, judged: Vec<Judged>) -> Analysis {
    Analysis {
        at: START + at,
        session: SessionId::derive(&[&session.to_string()]),
        user: UserId::derive(&["a"]),
        revision: 0,
        biomarker: Some("glucose".into()),
        value: Some(Number::from(1)),
        unit: "mg/dL".into(),
        confidence: Number::from(1),
        judged,
        unasked: None,
        packets: Span { input: Input::Packets, partition: 0, first: 1, last: 2 },
    }
}

fn glucose(at: i64, session: u32, level: usize) -> Analysis {
    analysis(at, session, vec![claimed("glucose", CLASSES[level], false)])
}

/// What is told of `analyses`, which came in this order.
fn told(analyses: &[Analysis]) -> Vec<Coaching> {
    let (trends, templates) = (Trends, Templates::shipped());
    let mut before = super::Before::default();
    let outlines = analyses.iter().filter_map(|analysis| Outline::of(analysis, templates));
    outlines
        .filter_map(|outline| trends.step(&mut before, &outline))
        .map(|it| it.in_words(templates))
        .collect()
}

#[test]
fn there_are_words_for_every_class_of_a_cartridges_result_and_for_no_other() {
    let mut due = BTreeSet::new();
    for (_, rule) in Rulebook::shipped().rules() {
        if !said::ASSAYS.iter().any(|(.., parameter)| rule.asks(*parameter)) {
            continue;
        }
        for row in rule.columns.iter().flat_map(|column| &column.rows).filter(|row| row.enabled) {
            assert!(matches!(row.outcome, Outcome::Level(_)), "{}", rule.id);
            due.insert((rule.id.as_str(), row.class.as_str()));
        }
    }
    assert!(due.contains(&("glucose", "critical low")) && due.contains(&("egfr", "G5")));
    assert_eq!(Templates::shipped().classes().collect::<BTreeSet<_>>(), due);
    assert!(Rulebook::shipped().rules().any(|(_, rule)| rule.asks(Parameter::Systolic)));
}

#[test]
fn no_text_is_empty_and_none_holds_a_number() {
    for Text { ko, en } in Templates::shipped().all() {
        for text in [ko, en] {
            assert!(text.ends_with('.') && !text.chars().any(char::is_numeric), "{text}");
        }
        assert!(en.is_ascii() && !ko.is_ascii(), "{en} {ko}");
    }
}

#[test]
fn the_most_urgent_comes_first_in_both_languages_and_ends_with_what_it_is_not() {
    let judged = vec![
        claimed("egfr", (Risk::High, "G4"), false),
        claimed("creatinine", (Risk::Critical, "critical high"), false),
    ];
    let coaching = told(&[analysis(0, 1, judged)]).remove(0);
    let rules = coaching.messages.iter().map(|message| match &message.about {
        About::Class { rule, .. } => rule.as_str(),
        About::Silence(code) => code.as_str(),
    });
    let rules = rules.collect::<Vec<_>>();
    assert_eq!((rules, coaching.level), (vec!["creatinine", "egfr"], Some(Risk::Critical)));
    let Text { ko, en } = coaching.text();
    assert!(
        en.starts_with("Your creatinine is dangerously high.") && en.ends_with("This is not a diagnosis.")
    );
    assert!(ko.starts_with("크레아티닌이") && ko.ends_with("이 안내는 진단이 아닙니다."));
}

#[test]
fn a_danger_that_is_unsure_is_told_with_the_advice_to_measure_again() {
    let judged = vec![claimed("glucose", (Risk::Critical, "critical low"), true), silent("sex_unknown")];
    let coaching = told(&[analysis(0, 1, judged)]).remove(0);
    let en = coaching.text().en;
    assert!(en.starts_with("Your glucose is dangerously low.") && en.contains("Measure again."), "{en}");
    assert!(coaching.needs_retest && !en.contains("Your sex"), "{en}");
}

#[test]
fn who_can_do_something_about_a_silence_is_told_so_once_and_nobody_else_is_told_anything() {
    for (why, words) in [
        ("age_unknown", Some("date of birth")),
        ("pregnant", Some("pregnancy")),
        ("too_young", Some("adults")),
        ("unsure", Some("Measure again.")),
        ("other_region", None),
        ("no_limits", None),
    ] {
        let told = told(&[analysis(0, 1, vec![silent(why), silent(why)])]);
        assert_eq!(told.len(), usize::from(words.is_some()), "{why}");
        for coaching in told {
            assert_eq!((coaching.messages.len(), coaching.level), (1, None));
            assert!(coaching.text().en.contains(words.unwrap()), "{why}");
        }
    }
    for (why, count) in [("no_value", 1), ("impossible", 1), ("guess", 1), ("not_understood", 0)] {
        let unasked = Analysis { unasked: Some(why.into()), ..analysis(0, 1, Vec::new()) };
        assert_eq!(told(&[unasked]).len(), count, "{why}");
    }
}

#[test]
fn the_trend_follows_the_level_and_is_of_each_rule_alone() {
    let trends = |levels: &[usize]| {
        let analyses: Vec<_> = (0..).zip(levels).map(|(at, level)| glucose(at, at as u32, *level)).collect();
        told(&analyses).iter().map(|coaching| coaching.messages[0].trend.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(trends(&[1, 1, 3, 0]), [Trend::First, Trend::Same, Trend::Worse, Trend::Better]);
    let other = analysis(1, 2, vec![claimed("hba1c", (Risk::Low, "normal"), false)]);
    let both = told(&[glucose(0, 1, 3), other]);
    assert_eq!(both[1].messages[0].trend, Some(Trend::First));
    assert!(
        !both[0].text().en.contains("last result")
            && told(&[glucose(0, 1, 3), glucose(1, 2, 0)])[1].text().en.contains("better")
    );
    // What comes below all that can be corrected is not compared with what came later.
    assert_eq!(told(&[glucose(5, 1, 3), glucose(0, 2, 0)])[1].messages[0].trend, None);
}

proptest! {
    /// At every epoch what stands is each result compared with the one that stands before it.
    #[test]
    fn trends_follow_whatever_comes_late_and_is_taken_back(
        epochs in prop::collection::vec(
            prop::collection::vec(((0_i64..8, 0_u32..4, 0_usize..4), any::<bool>()), 1..6), 1..8),
    ) {
        let outline = |(at, session, level)| Outline::of(&glucose(at, session, level), Templates::shipped()).unwrap();
        let epochs = epochs.into_iter().map(|epoch| {
            epoch.into_iter().map(|(of, adds)| (outline(of), adds)).collect()
        }).collect();
        oracle::follow(&Trends, epochs, |told: &[(Outline, i64)], all: &[Outline]| {
            prop_assert_eq!(told.len(), all.len());
            let mut before: Option<Risk> = None;
            let mut sorted = all.to_vec();
            sorted.sort();
            for outline in sorted {
                let level = outline.level.unwrap();
                let trend = match before.map(|before| level.cmp(&before)) {
                    None => Trend::First,
                    Some(std::cmp::Ordering::Less) => Trend::Better,
                    Some(std::cmp::Ordering::Equal) => Trend::Same,
                    Some(std::cmp::Ordering::Greater) => Trend::Worse,
                };
                before = Some(level);
                let due = |(found, count): &(Outline, i64)| {
                    *count == 1 && (found.at, found.session, found.level) == (outline.at, outline.session, outline.level)
                        && found.points[0].1 == Some(trend)
                };
                prop_assert!(told.iter().any(due), "{outline:?} {trend:?} in {told:?}");
            }
            Ok(())
        })?;
    }
}
