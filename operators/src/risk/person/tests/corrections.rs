//! One person whose results are corrected: what is told from then on, and what of before comes back.

use super::{MINUTE, START, adult, fold, glucose, profile, said, span, told, values};
use crate::risk::{
    facts::Method,
    parameter::Parameter,
    said::{Correction, Said, What},
};
use model::{
    ChangeKind::{self, Cleared, Escalated, Raised},
    Input, Level, Number, Span,
};

/// The correction number `word`, at `at`, of what the record `taken` said of a parameter; it is since when, if it is.
fn correction(at: i64, word: u32, taken: (Parameter, Span), given: Option<(f64, i64)>) -> Said {
    let given = given.map(|(value, since)| (taken.0, Number::finite(value).unwrap(), START + since));
    let (taken, span) = (Some(taken), span(at, Input::Laboratory));
    said(at, What::Corrected(Correction { word, taken, given, span }))
}

/// A correction at `at` of the glucose of `before`, if it was one.
fn corrected(at: i64, before: i64, given: Option<f64>) -> Said {
    let taken = (Parameter::Glucose, span(before, Input::Packets));
    correction(at, 1, taken, given.map(|value| (value, before)))
}

/// What is told of an adult of whom all this is said: minute, kind and level.
fn heard(all: impl IntoIterator<Item = Said>) -> Vec<(i64, ChangeKind, Level)> {
    let changes = fold([profile(0, adult())].into_iter().chain(all));
    told(&changes).into_iter().map(|(minute, kind, level, _)| (minute, kind, level)).collect()
}

#[test]
fn a_corrected_value_is_judged_at_once_and_what_was_told_stays_told() {
    let (low, high) = (Level::Moderate, Level::Critical);
    let after = |given| heard([glucose(MINUTE, 45.0), corrected(2 * MINUTE, MINUTE, given)]);
    // It was well, it was less ill, it was as ill, nobody knows.
    assert_eq!(after(Some(100.0)), [(1, Raised, high), (2, Cleared, high)]);
    assert_eq!(after(Some(60.0)), [(1, Raised, high), (2, Cleared, high), (2, Raised, low)]);
    // Less and less ill: each alert has its own beginning, that of the correction.
    let first = corrected(2 * MINUTE, MINUTE, Some(52.0));
    let of_first = (Parameter::Glucose, span(2 * MINUTE, Input::Laboratory));
    let second = correction(3 * MINUTE, 2, of_first, Some((60.0, MINUTE)));
    let changes = fold([profile(0, adult()), glucose(MINUTE, 35.0), first, second]);
    let onsets: Vec<_> = changes.iter().map(|change| (change.kind, change.onset - START)).collect();
    let minutes = [(Raised, 1), (Cleared, 1), (Raised, 2), (Cleared, 2), (Raised, 3)];
    assert_eq!(onsets, minutes.map(|(kind, minute)| (kind, minute * MINUTE)));
    assert_eq!(after(Some(44.0)), [(1, Raised, high)]);
    assert_eq!(after(None), [(1, Raised, high), (2, Cleared, high)]);
    let worse = heard([glucose(MINUTE, 60.0), corrected(2 * MINUTE, MINUTE, Some(45.0))]);
    assert_eq!(worse, [(1, Raised, low), (2, Escalated, high)]);
}

#[test]
fn a_correction_by_which_nothing_else_is_known_changes_nothing() {
    let first = glucose(MINUTE, 100.0);
    for given in [None, Some(500.0)] {
        let newer = [first.clone(), glucose(2 * MINUTE, 45.0), corrected(3 * MINUTE, MINUTE, given)];
        assert_eq!(heard(newer).len(), 1, "{given:?}");
    }
    // Between the limits an alert stands for its time: neither the same value again nor an older one ends that.
    let between = [first, glucose(2 * MINUTE, 45.0), glucose(3 * MINUTE, 60.0)];
    for correction in
        [corrected(4 * MINUTE, 3 * MINUTE, Some(60.0)), corrected(4 * MINUTE, MINUTE, Some(99.0))]
    {
        assert_eq!(heard(between.iter().cloned().chain([correction])).len(), 1);
    }
}

#[test]
fn the_value_before_comes_back_unless_something_seen_since_took_its_place() {
    let high = Level::Critical;
    let of_another = corrected(3 * MINUTE, 2 * MINUTE, None);
    let back = heard([glucose(MINUTE, 45.0), glucose(2 * MINUTE, 44.0), of_another]);
    assert_eq!(back, [(1, Raised, high)], "the first is still true");
    let seen = |at, value| values(at, Method::Observed, 1.0, &[(Parameter::Glucose, value)]);
    let hour = 60 * MINUTE;
    // Seen since, and more than an hour ago: what an old sample was does not matter any more.
    let old = [glucose(MINUTE, 100.0), seen(2 * MINUTE, 100.0), corrected(2 * hour, MINUTE, Some(45.0))];
    assert_eq!(heard(old), []);
    // More than four are not remembered: of those before nothing is known.
    let many = (1..=6).map(|minute| glucose(minute * MINUTE, if minute < 3 { 45.0 } else { 100.0 }));
    let taken_back = (3..=6).map(|minute| corrected((10 + minute) * MINUTE, minute * MINUTE, None));
    assert_eq!(heard(many.chain(taken_back)), [(1, Raised, high), (16, Cleared, high)]);
    let known = [glucose(MINUTE, 100.0), glucose(2 * MINUTE, 45.0), corrected(3 * MINUTE, 2 * MINUTE, None)];
    assert_eq!(heard(known), [(2, Raised, high), (3, Cleared, high)]);
}

#[test]
fn a_glucose_after_a_fast_is_corrected_in_both_of_its_places() {
    let fasting = values(MINUTE, Method::Assayed, 1.0, &[(Parameter::FastingGlucose, 130.0)]);
    let taken = (Parameter::FastingGlucose, span(MINUTE, Input::Packets));
    let less = correction(2 * MINUTE, 1, taken, Some((45.0, MINUTE)));
    let changes = fold([profile(0, adult()), fasting, less]);
    let rules: Vec<_> = changes.iter().map(|change| (change.kind, change.rule.id())).collect();
    assert_eq!(rules, [(Raised, "glucose.fasting"), (Raised, "glucose"), (Cleared, "glucose.fasting")]);
}
