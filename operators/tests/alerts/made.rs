//! Things said of two people, made up: vital signs, results that are revised or taken back, profiles that come late.

use model::{
    CalibrationStatus, CartridgeKind, Consciousness, Date, DomainEvent, EventId, Input, Measurement, Micros,
    Number, Origin, Profile, ProfileUpdated, Region, RulesPublished, SessionId, Sex, Span, UserId, Vitals,
    time::SECOND,
};
use operators::risk::set::Rulebook;
use proptest::prelude::*;

/// 2026-01-01.
pub(crate) const START: Micros = 1_767_225_600 * SECOND;
pub(crate) const EPOCHS: usize = 8;
/// Things are said in steps of so long, over three hours.
const SLOT: Micros = 20 * SECOND;
const SLOTS: i64 = 540;

/// What comes in one epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    pub(crate) events: Vec<DomainEvent>,
    pub(crate) measurements: Vec<(Measurement, i64)>,
    pub(crate) watermark: Micros,
}

/// Something that is said, and when it comes: kind, person, slot, which value, epoch, when it is taken back, whether it
/// comes twice or is replaced.
type Item = (u8, u8, i64, usize, usize, Option<usize>, bool);

pub(crate) fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = (
        0_u8..10,
        0_u8..2,
        0..SLOTS,
        0_usize..8,
        0..EPOCHS,
        prop::option::weighted(0.4, 0..EPOCHS),
        any::<bool>(),
    );
    prop::collection::vec(item, 5..40)
}

pub(crate) fn feeds(items: &[Item]) -> Vec<Feed> {
    let mut feeds = vec![Feed { watermark: Micros::MIN, ..Feed::default() }; EPOCHS];
    feeds[0].events.push(profile(0, 0, 0));
    // One person's profile comes when most was said.
    feeds[EPOCHS / 2].events.push(profile(1, 0, 1));
    for (number, item) in (1..).zip(items) {
        let (kind, user, slot, which, epoch, gone, twice) = *item;
        // No two things are said at one moment.
        let at = slot * SLOT + number;
        match kind {
            0..3 => {
                for place in 0..5 {
                    let event = vitals(user, at + place * SLOT, which);
                    let epoch = (epoch + 3 * place as usize) % EPOCHS;
                    feeds[epoch].events.push(event.clone());
                    feeds[(epoch + 1).min(EPOCHS - 1)].events.extend(twice.then_some(event));
                }
            }
            3..7 => {
                let result = result(kind, user, at, which, 0);
                feeds[epoch].measurements.push((result.clone(), 1));
                if let Some(gone) = gone.filter(|gone| *gone > epoch) {
                    feeds[gone].measurements.push((result, -1));
                    let revised = self::result(kind, user, at, (which + 3) % 8, 1);
                    feeds[gone].measurements.extend(twice.then_some((revised, 1)));
                }
            }
            7 | 8 => feeds[epoch].events.push(profile(user, at, which)),
            _ => {
                feeds[epoch].events.push(rules(at, which));
                feeds[(epoch + 1).min(EPOCHS - 1)].events.extend(twice.then(|| rules(at, which)));
            }
        }
    }
    // What came last is read first.
    for feed in &mut feeds {
        feed.events.reverse();
    }
    feeds
}

fn user(user: u8) -> UserId {
    UserId::derive(&["alerts", &user.to_string()])
}

fn number(value: f64) -> Number {
    Number::finite(value).unwrap()
}

fn vitals(of: u8, at: Micros, which: usize) -> DomainEvent {
    let sign = |values: [f64; 8]| Some(number(values[which])).filter(|value| value.get() > 0.0);
    DomainEvent::Vitals(Vitals {
        user: user(of),
        at: START + at,
        event: EventId::derive(&["vitals", &at.to_string()]),
        hr: Some(number(70.0)),
        pulse: sign([70.0, 95.0, 0.0, 130.0, 90.0, 91.0, 0.0, 60.0]),
        resp: sign([15.0, 24.0, 21.0, 0.0, 20.0, 22.0, 0.0, 16.0]),
        spo2: Some(number(97.0)),
        systolic: sign([110.0, 0.0, 132.0, 185.0, 165.0, 0.0, 125.0, 0.0]),
        diastolic: sign([70.0, 0.0, 79.0, 95.0, 105.0, 0.0, 77.0, 0.0]),
        temperature: sign([36.6, 38.4, 0.0, 35.5, 0.0, 38.1, 37.0, 0.0]),
        consciousness: Some(Consciousness::Alert),
        oxygen: None,
        origin: Origin { input: Input::Vitals, partition: 0, offset: at as u64 },
    })
}

/// The result of a cartridge for glucose, creatinine or reactive protein, or one that nobody understands.
fn result(kind: u8, user: u8, at: Micros, which: usize, revision: u32) -> Measurement {
    let confidence = [0.95, 0.5, 0.85, 0.2][(which + kind as usize) % 4];
    let glucose =
        glucose(user, at, [40.0, 50.0, 60.0, 72.0, 100.0, 190.0, 260.0, 500.0][which], confidence, revision);
    let of = |kind, unit: &str, values: [f64; 8]| Measurement {
        cartridge: Some(CartridgeKind { category: 1, kind }),
        unit: unit.to_owned(),
        value: Some(number(values[which])),
        ..glucose.clone()
    };
    match kind {
        3 | 4 => glucose,
        5 => of(5, "mg/dL", [0.6, 1.0, 1.1, 1.4, 2.3, 4.0, 7.4, 9.0]),
        _ if which.is_multiple_of(2) => of(0x0d, "mg/L", [1.0, 0.0, 2.9, 0.0, 3.0, 0.0, 12.0, 0.0]),
        _ => of(1, "mmol/L", [2.0; 8]),
    }
}

pub(crate) fn glucose(of: u8, at: Micros, value: f64, confidence: f64, revision: u32) -> Measurement {
    let place = at as u64;
    Measurement {
        session: SessionId::derive(&["alerts", &at.to_string()]),
        started_at: START + at - 15 * SECOND,
        completed_at: START + at,
        revision,
        user: user(of),
        device: None,
        cartridge: Some(CartridgeKind { category: 1, kind: 1 }),
        lot: None,
        calibration: None,
        calibration_status: CalibrationStatus::Valid,
        alpha: number(0.95),
        alpha_applied: true,
        channels: 88,
        n_expected: 300,
        n_real: 300,
        n_imputed: 0,
        outliers: 0,
        value: Some(number(value)),
        uncertainty: None,
        unit: "mg/dL".to_owned(),
        snr_db: None,
        drift: None,
        alpha_seen: None,
        confidence: number(confidence),
        confidence_version: 1,
        temperature_c: None,
        humidity_percent: None,
        pressure_kpa: None,
        fingerprint: None,
        warnings: Vec::new(),
        transform_log: [String::new(), String::new(), String::new()],
        packets: Span { input: Input::Packets, partition: 0, first: place, last: place + 9 },
    }
}

/// A rule set with another limit, one that is switched off, or one as it ships.
pub(crate) fn rules(at: Micros, which: usize) -> DomainEvent {
    let (set, changes): (_, &[(&str, &str)]) = match which {
        0 => ("glucose", &[("below = 54", "below = 62")]),
        1 => ("glucose", &[("below = 54", "below = 50")]),
        2 => ("glucose", &[("above = 250", "above = 185")]),
        3 => ("glucose", &[("enabled = true", "enabled = false")]),
        4 => ("blood_pressure", &[("below = 130", "below = 134"), ("at_least = 130", "at_least = 134")]),
        5 => ("blood_pressure", &[("below = 80", "below = 76"), ("at_least = 80", "at_least = 76")]),
        6 => ("kidney", &[("at_least = 7.4", "at_least = 1.3")]),
        _ => ("inflammation", &[("at_least = 10", "at_least = 3.5")]),
    };
    let shipped = Rulebook::text(set).unwrap().to_owned();
    let changes = if at % 3 == 0 { &[] } else { changes };
    let changed = changes.iter().fold(shipped, |text, (former, latter)| text.replace(former, latter));
    let dated = changed.replace("effective = 2026-11-21", "effective = 2026-01-01");
    let text = dated.replace("version = \"1.0\"", &format!("version = \"made.{at}\""));
    DomainEvent::Rules(RulesPublished {
        at: START + at,
        event: EventId::derive(&["rules", &at.to_string()]),
        set: set.to_owned(),
        text,
        origin: Origin { input: Input::Rules, partition: 0, offset: at as u64 },
    })
}

pub(crate) fn profile(of: u8, at: Micros, which: usize) -> DomainEvent {
    let adult = Profile { birth_date: Date::new(1950, 5, 1), sex: Some(Sex::Male), ..Profile::default() };
    let profile = match which {
        0 | 4 => adult,
        1 => Profile { region: Some(Region::UnitedStates), ..adult },
        2 => Profile { region: Some(Region::Europe), sex: Some(Sex::Female), ..adult },
        3 => Profile { pregnant: Some(true), ..adult },
        5 => Profile { birth_date: Date::new(2015, 5, 1), ..adult },
        6 => Profile { sex: None, ..adult },
        _ => Profile::default(),
    };
    DomainEvent::Profile(ProfileUpdated {
        at: START + at,
        event: EventId::derive(&["profile", &of.to_string(), &at.to_string()]),
        user: user(of),
        profile,
        origin: Origin { input: Input::Profiles, partition: 0, offset: at as u64 },
    })
}
