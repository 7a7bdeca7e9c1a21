//! A sensor that is worn for a fortnight, and what a laboratory finds, through the whole program: summed up, told, corrected, kept
//! whether or not a rule knows it, and derived again bit for bit.

use crate::{
    heard::{SECOND, START, event, follow, told, user},
    program::Place,
};
use eventlog::Draft;
use model::{
    Comparator, Date, DomainEvent, EventId, GlucoseReading, Input, LaboratoryEvent, LaboratoryValue, Number,
    Origin, Profile, ProfileUpdated, ResultId, time::DAY,
};
use serde_json::{Value, json};

const SLOT: i64 = 300 * SECOND;
const END: i64 = START + 14 * DAY + 20 * SLOT;

const fn origin(input: Input) -> Origin {
    Origin { input, partition: 0, offset: 0 }
}

fn adult() -> Draft {
    event(&DomainEvent::Profile(ProfileUpdated {
        at: START,
        event: EventId::derive(&["profile"]),
        user: user("wearer"),
        profile: Profile { birth_date: Date::new(1950, 5, 1), ..Profile::default() },
        origin: origin(Input::Profiles),
    }))
}

/// A reading of a day that begins low for two hours and very low for twenty minutes; below the range of the sensor at first.
fn reading(slot: i64) -> Draft {
    let glucose = match slot % 288 {
        0..24 => 60,
        24 => 40,
        25..28 => 50,
        _ => 110,
    };
    event(&DomainEvent::Glucose(GlucoseReading {
        at: START + slot * SLOT,
        user: user("wearer"),
        event: EventId::derive(&["reading", &slot.to_string()]),
        glucose: Number::from(glucose),
        comparator: (glucose == 40).then_some(Comparator::Below),
        origin: origin(Input::Glucose),
    }))
}

fn result(number: u32, result: &str, value: Option<(&str, f64, &str)>) -> Draft {
    event(&DomainEvent::Laboratory(LaboratoryEvent {
        at: END + i64::from(number) * SECOND,
        event: EventId::derive(&["result", &number.to_string()]),
        user: user("wearer"),
        result: ResultId::derive(&[result]),
        value: value.map(|(code, value, unit)| LaboratoryValue {
            code: code.into(),
            value: Number::finite(value).unwrap(),
            unit: unit.into(),
        }),
        origin: origin(Input::Laboratory),
    }))
}

/// What was told of the alerts of a rule.
fn changes(place: &Place, rule: &str) -> Vec<(Value, Value)> {
    let all = told(place, "manpasik.ai.alert").into_iter().map(|(_, change)| change);
    let of_rule = all.filter(|change| change["rule"] == rule);
    of_rule.map(|change| (change["kind"].clone(), change["level"].clone())).collect()
}

#[test]
fn a_fortnight_of_readings_and_a_laboratory_are_judged_and_come_out_again() {
    let place = Place::new();
    let readings = (0..14 * 288 + 20).map(reading);
    let sent: Vec<_> = [adult()].into_iter().chain(readings).collect();
    let question = "SELECT level, changed_at FROM alerts WHERE rule = 'cgm'";
    follow(&place, sent, question, &json!({"level": "HIGH", "changed_at": "2026-01-19T00:00:00Z"}));
    let fortnight = "SELECT readings, CAST(round(below_54 * 1e6) AS BIGINT) AS below_54, CAST(round(below_70 * 1e6) AS BIGINT) AS below_70, \
                     CAST(round(in_range * 1e6) AS BIGINT) AS in_range, is_sufficient \
                     FROM glucose_windows WHERE length = '14d' ORDER BY readings DESC LIMIT 1";
    let due = json!({
        "readings": 4_032, "below_54": 1_388_889, "below_70": 9_722_222, "in_range": 90_277_778, "is_sufficient": true,
    });
    assert_eq!(place.ask_the_lake(fortnight), due, "4, 28 and 260 of the 288 slots of each day");
    let windows = "SELECT count(*) FILTER (WHERE length = '24h') AS days, count(*) FILTER (WHERE length = '14d') AS fortnights, \
                   count(*) FILTER (WHERE is_sufficient AND length = '14d') AS sufficient FROM glucose_windows";
    // As many as hold a reading, of which those of the tenth to the eighteenth day hold 70 % of a fortnight's.
    let due = json!({"days": 14 * 24 + 2 + 23, "fortnights": 14 + 1 + 13, "sufficient": 9});
    assert_eq!(place.ask_the_lake(windows), due);
    let episodes = "SELECT depth, count(*) AS n, min(lowest) AS lowest, count(*) FILTER (WHERE ended_at IS NULL) AS lasting FROM \
                    glucose_episodes WHERE depth = 'below_54' GROUP BY depth";
    let due = json!({"depth": "below_54", "n": 14, "lowest": 40.0, "lasting": 0});
    assert_eq!(place.ask_the_lake(episodes), due);
    let lasting = "SELECT depth, began_at FROM glucose_episodes WHERE ended_at IS NULL";
    assert_eq!(place.ask_the_lake(lasting), json!({"depth": "below_70", "began_at": "2026-01-15T00:00:00Z"}));
    // One reading is enough where it is dangerous.
    assert!(changes(&place, "glucose").contains(&(json!("escalated"), json!("CRITICAL"))));

    let lactate = |value| Some(("2524-7", value, "mmol/L"));
    let first = vec![
        result(1, "lactate", lactate(4.5)),
        result(2, "sodium", Some(("2951-2", 140.0, "mmol/L"))),
        result(3, "in mg/dL", Some(("2524-7", 40.0, "mg/dL"))),
    ];
    let open = "SELECT level, (SELECT count(*) FROM laboratory_results WHERE biomarker IS NULL) AS kept, \
                (SELECT detail FROM dead_letters) AS detail FROM alerts WHERE rule = 'lactate' AND cleared_at IS NULL";
    let detail =
        "unit is none in which this code is read: send the value in a unit of the code's table in the README";
    follow(&place, first, open, &json!({"level": "HIGH", "kept": 1, "detail": detail}));
    let corrected = vec![result(60, "lactate", lactate(1.5)), result(61, "sodium", None)];
    let question = "SELECT value, revision, (SELECT state FROM alerts WHERE rule = 'lactate') AS state FROM laboratory_results";
    follow(&place, corrected, question, &json!({"value": 1.5, "revision": 1, "state": "cleared"}));
    let due = [("raised", "HIGH"), ("cleared", "HIGH")].map(|(kind, level)| (json!(kind), json!(level)));
    assert_eq!(changes(&place, "lactate"), due);

    let replayed = place.say(&["explain", "--all", "--replay"]).fine();
    let alerts = place.ask_the_lake("SELECT CAST(count(*) AS BIGINT) AS alerts FROM alerts");
    assert!(replayed.contains(&format!("{0} of {0} alerts identical", alerts["alerts"])), "{replayed}");
}
