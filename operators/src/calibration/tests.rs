//! The lookup, its boundaries, and what is kept: as a table of cases; the whole under random events is proved by
//! `tests/cartridges.rs`.

use super::*;
use model::Input;

const WEEK: Micros = CalibrationStatus::SOON;
const GLUCOSE: CartridgeKind = CartridgeKind { category: 1, kind: 1 };
const NOSE: CartridgeKind = CartridgeKind { category: 4, kind: 1 };

fn completed(source: CalibrationSource, made: Micros, days: Option<u16>) -> CalibrationCompleted {
    CalibrationCompleted {
        event: EventId::derive(&[source.name(), &made.to_string(), &format!("{days:?}")]),
        device: "device".into(),
        cartridge: GLUCOSE,
        id: format!("{} {made}", source.name()),
        source,
        alpha: None,
        score: None,
        reference_values: vec![],
        coefficients_hash: None,
        calibrated_at: made,
        validity_days: days,
        at: made,
        origin: Origin { input: Input::Cartridges, partition: 0, offset: 5 },
    }
}

/// One that was made on day `made` and holds until day `until`.
fn days(source: CalibrationSource, made: u16, until: u16) -> CalibrationRecord {
    record(completed(source, Micros::from(made) * DAY, Some(until - made)))
}

fn known(records: impl IntoIterator<Item = CalibrationRecord>) -> Known {
    let mut known = Known::default();
    for record in records {
        Calibrations::learn(&mut known, Fact::Calibrated(record));
    }
    known
}

fn row(known: &Known, now: Micros) -> DeviceCalibration {
    Calibrations::row(&("device".into(), GLUCOSE), known, now)
}

#[test]
fn a_state_begins_where_it_says_and_the_next_look_is_at_its_end() {
    let known = known([days(CalibrationSource::Factory, 10, 30)]);
    let end = 30 * DAY;
    let seen = |now: Micros| {
        let row = row(&known, now);
        (row.status, row.since, Calibrations::until(&row))
    };
    let soon = end - WEEK;
    for now in [10 * DAY, soon - 1, soon] {
        assert_eq!(seen(now), (CalibrationStatus::Valid, 10 * DAY, Some(soon + 1)));
    }
    for now in [soon + 1, end - 1] {
        assert_eq!(seen(now), (CalibrationStatus::Expiring, soon, Some(end)));
    }
    for now in [end, 1_000 * end] {
        assert_eq!(seen(now), (CalibrationStatus::Expired, end, None));
    }
}

#[test]
fn one_that_holds_for_less_than_a_week_is_expiring_from_the_start() {
    let known = known([days(CalibrationSource::Field, 10, 13)]);
    let row = row(&known, 10 * DAY);
    assert_eq!((row.status, row.since), (CalibrationStatus::Expiring, 10 * DAY));
}

#[test]
fn what_holds_is_looked_up_by_source_and_what_expired_by_age() {
    use CalibrationSource::{Auto, Factory, Field};
    let known = known([
        days(Factory, 10, 20),
        days(Factory, 5, 40),
        days(Field, 12, 50),
        days(Auto, 15, 60),
        days(Factory, 1, 2),
    ]);
    let at = |day: Micros| row(&known, day * DAY).record.unwrap().id;
    assert_eq!(at(19), format!("FACTORY {}", 10 * DAY), "the newest factory calibration that holds");
    assert_eq!(at(20), format!("FACTORY {}", 5 * DAY), "then the one before that holds longer");
    assert_eq!(at(40), format!("FIELD {}", 12 * DAY));
    assert_eq!(at(50), format!("AUTO {}", 15 * DAY));
    assert_eq!(at(60), format!("AUTO {}", 15 * DAY), "the newest of those that expired");
    assert_eq!(row(&known, 60 * DAY).status, CalibrationStatus::Expired);
    assert_eq!(known.records.len(), 4, "what another one outlasts is not kept");
}

#[test]
fn of_two_of_one_instant_the_greater_id_counts_whichever_comes_first() {
    let one = days(CalibrationSource::Field, 10, 20);
    let other = CalibrationRecord { event: EventId::derive(&["other"]), id: "other".into(), ..one.clone() };
    let greater = one.clone().max(other.clone());
    for order in [[one.clone(), other.clone()], [other, one]] {
        assert_eq!(row(&known(order), 11 * DAY).record, Some(greater.clone()));
    }
}

#[test]
fn what_does_not_say_for_how_long_it_holds_holds_as_long_as_its_model_says() {
    let holds = |source: CalibrationSource, cartridge: CartridgeKind| {
        (record(CalibrationCompleted { cartridge, ..completed(source, DAY, None) }).valid_until - DAY) / DAY
    };
    assert_eq!(CalibrationSource::ALL.map(|source| holds(source, GLUCOSE)), [90, 30, 30]);
    assert_eq!(CalibrationSource::ALL.map(|source| holds(source, NOSE)), [60, 20, 20]);
}

#[test]
fn a_pair_that_was_only_named_needs_one_since_it_was_first_named() {
    let mut known = Known::default();
    for at in [7, 3, 9] {
        Calibrations::learn(&mut known, Fact::Named(at));
    }
    let row = row(&known, 50);
    assert_eq!((row.status, row.since, &row.record), (CalibrationStatus::Needed, 3, &None));
    assert_eq!(Calibrations::until(&row), None);
}
