//! What sensors that are worn and laboratories say.

use super::{number, values};
use crate::{
    laboratory::Turn,
    risk::{
        facts::Method,
        parameter::Parameter,
        said::{Correction, What, found, read, summed},
    },
};
use model::{
    EventId, GlucoseReading, GlucoseSummary, GlucoseWindow, Input, LaboratoryResult, LaboratoryValue, Number,
    Origin, ResultId, Span, UserId, Wear, laboratory::ANALYTES, time::DAY,
};

const ORIGIN: Origin = Origin { input: Input::Glucose, partition: 0, offset: 3 };

fn user() -> UserId {
    UserId::derive(&["a"])
}

#[test]
fn a_reading_says_a_glucose_that_was_seen() {
    let event = EventId::derive(&["r"]);
    let reading = GlucoseReading {
        at: 7,
        user: user(),
        event,
        glucose: number(53.9),
        comparator: None,
        origin: ORIGIN,
    };
    let said = read(&reading);
    assert_eq!((said.at, said.user), (7, user()));
    let values = values(Some(said)).unwrap();
    assert_eq!(values.values, [(Parameter::Glucose, number(53.9))]);
    assert_eq!((values.method, values.span), (Method::Observed, Span::from(ORIGIN)));
}

#[test]
fn a_fortnight_says_its_shares_and_a_day_says_nothing() {
    let [below_54, below_70, in_range, above_180, above_250] = [1.0, 2.0, 3.0, 4.0, 5.0].map(number);
    let [variation, gmi, gri, lbgi, hbgi, mean, deviation] =
        [6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0].map(number);
    let summary = GlucoseSummary {
        mean,
        deviation,
        variation,
        gmi,
        below_54,
        below_70,
        in_range,
        above_180,
        above_250,
        gri,
        lbgi,
        hbgi,
    };
    let fortnight = GlucoseWindow {
        end: 20_000 * DAY,
        user: user(),
        wear: Wear::Fortnight,
        readings: 4_000,
        slots: 4_032,
        summary: Some(summary),
        span: Span::from(ORIGIN),
    };
    let said = summed(&fortnight).unwrap();
    assert_eq!(said.at, 20_000 * DAY);
    let values = values(Some(said)).unwrap();
    // Those of continuous readings stand together, in the order of the parameters.
    let named = Parameter::ALL.iter().filter(|(_, name, _)| name.starts_with("cgm_"));
    let wanted: Vec<_> =
        named.zip(1_u32..).map(|((parameter, ..), n)| (*parameter, Number::from(n))).collect();
    assert_eq!(values.values, wanted);
    assert_eq!((values.method, values.span), (Method::Summed, Span::from(ORIGIN)));
    assert_eq!(summed(&GlucoseWindow { summary: None, ..fortnight.clone() }), None);
    assert_eq!(summed(&GlucoseWindow { wear: Wear::Day, ..fortnight }), None);
}

fn result(code: &str, unit: &str, released: i64, offset: u64) -> LaboratoryResult {
    let value = LaboratoryValue { code: code.into(), value: number(3.5), unit: unit.into() };
    LaboratoryResult {
        released,
        at: offset as i64,
        user: user(),
        result: ResultId::derive(&["r"]),
        event: EventId::derive(&["e"]),
        value,
        revision: 0,
        origin: Origin { input: Input::Laboratory, partition: 0, offset },
    }
}

fn turn(before: Option<LaboratoryResult>, after: Option<LaboratoryResult>, word: u32) -> Turn {
    let origin = Origin { input: Input::Laboratory, partition: 0, offset: 9 };
    Turn { at: 9, user: user(), origin, before, after, word }
}

#[test]
fn a_result_says_what_its_code_is_of_and_rules_and_laboratories_mean_the_same() {
    for analyte in &ANALYTES {
        let parameter = Parameter::named(analyte.name).unwrap();
        assert_eq!(parameter.unit(), analyte.units[0], "{}", analyte.name);
        for code in analyte.codes {
            let said = found(&turn(None, Some(result(code, analyte.units[0], 9, 9)), 0)).unwrap();
            let values = values(Some(said)).unwrap();
            assert_eq!((values.values, values.method), (vec![(parameter, number(3.5))], Method::Assayed));
        }
    }
    assert_eq!(found(&turn(None, Some(result("2951-2", "mmol/L", 9, 9)), 0)), None);
}

#[test]
fn a_correction_says_what_is_not_so_and_what_is_since_the_first_release() {
    let (lactate, sodium) =
        (|offset| result("2524-7", "mmol/L", 2, offset), result("2951-2", "mmol/L", 2, 2));
    let said = |before, after| {
        let said = found(&turn(before, after, 1))?;
        assert_eq!(said.at, 9);
        let What::Corrected(Correction { taken, given, span, word: 1 }) = said.what else {
            panic!("a correction")
        };
        assert_eq!(span.first, 9);
        Some((
            taken.map(|(parameter, span)| (parameter, span.first)),
            given.map(|(parameter, _, at)| (parameter, at)),
        ))
    };
    let (taken, given) = (Some((Parameter::Lactate, 4)), Some((Parameter::Lactate, 2)));
    assert_eq!(said(Some(lactate(4)), Some(lactate(9))), Some((taken, given)));
    assert_eq!(said(Some(lactate(4)), None), Some((taken, None)));
    assert_eq!(said(None, Some(lactate(9))), Some((None, given)));
    assert_eq!(said(Some(sodium.clone()), Some(lactate(9))), Some((None, given)));
    assert_eq!(said(Some(sodium), None), None);
}
