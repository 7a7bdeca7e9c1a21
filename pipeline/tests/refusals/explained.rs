//! Alerts of every kind, through the whole program, explained, and derived again bit for bit from just their inputs.

use crate::{
    heard::{SECOND, START, event, follow, open, person, session, told, user},
    program::{Place, said},
};
use eventlog::{Draft, Log, TopicPartition, partition_of};
use model::{Date, DomainEvent, EventId, Input, Number, Origin, Profile, ProfileUpdated, Region, Vitals};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write};

/// People whose vital signs are bad for a while, and then are not.
const PEOPLE: u32 = 40;

/// What the monitor of a person shows at a second.
fn shown(name: &str, second: i64, pulse: f64, resp: f64, systolic: Option<f64>) -> Draft {
    event(&DomainEvent::Vitals(Vitals {
        user: user(name),
        at: START + second * SECOND,
        event: EventId::derive(&["shown", name, &second.to_string()]),
        hr: None,
        pulse: Number::finite(pulse),
        resp: Number::finite(resp),
        spo2: Number::finite(97.0),
        systolic: systolic.and_then(Number::finite),
        diastolic: systolic.and_then(|systolic| Number::finite(systolic / 1.5)),
        temperature: None,
        consciousness: None,
        oxygen: None,
        origin: Origin { input: Input::Vitals, partition: 0, offset: 0 },
    }))
}

/// Who a person is: rules of sets are for people of whom that is known.
fn known(name: &str) -> Draft {
    event(&DomainEvent::Profile(ProfileUpdated {
        at: START,
        event: EventId::derive(&["known", name]),
        user: user(name),
        profile: Profile {
            birth_date: Date::new(1950, 5, 1),
            region: Some(Region::UnitedStates),
            ..Profile::default()
        },
        origin: Origin { input: Input::Profiles, partition: 0, offset: 0 },
    }))
}

/// Everybody breathes too fast, some ever faster, and is well after a while; of some the pressure is high, too.
fn ward() -> Vec<Draft> {
    let mut drafts: Vec<_> = (0..PEOPLE).map(|number| known(&format!("patient {number}"))).collect();
    for second in (0..=150).step_by(5).chain((160..=900).step_by(60)) {
        for number in 0..PEOPLE {
            let worse = number % 3 == 0 && second >= 75;
            let (pulse, resp) = match second {
                0..=150 => (if worse { 132.0 } else { 90.0 + f64::from(number) / 8.0 }, 26.0),
                _ => (80.0, 15.0),
            };
            let systolic = (number % 4 == 0).then_some(if second <= 150 { 186.0 } else { 125.0 });
            drafts.push(shown(&format!("patient {number}"), second, pulse, resp, systolic));
        }
    }
    drafts
}

/// Somebody whose first observation is of days ago, and comes after those of others: too late for the whole partition,
/// though nothing of theirs says so. Counted, it would begin what comes after.
fn latecomer() -> Vec<Draft> {
    let seconds = std::iter::once(-2 * 86_400).chain((10..=150).step_by(5));
    seconds.map(|second| shown("latecomer", second, 90.0, 26.0, None)).collect()
}

/// What `explain` says of each alert, as JSON.
fn derived(place: &Place, arguments: &[&str], code: i32) -> Vec<Value> {
    let said = place.say(&[&["explain", "--replay", "--format", "json"], arguments].concat());
    assert_eq!(said.code, Some(code), "{said:?}");
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The alerts that stand on the topic, each with how many of its changes were told.
fn published(place: &Place) -> BTreeSet<String> {
    let changes = told(place, "manpasik.ai.alert");
    changes.iter().map(|(_, change)| change["alert_id"].as_str().unwrap().to_owned()).collect()
}

const ALERTS: &str = "SELECT CAST(count(*) AS BIGINT) AS alerts FROM alerts";

#[test]
fn alerts_over_vital_signs_come_out_again_bit_for_bit_and_another_rule_is_named_by_what_differs() {
    let place = Place::new();
    let question = "SELECT CAST(sum(next_offset) AS BIGINT) AS read FROM system.progress WHERE topic = 'manpasik.measurement.vitals'";
    let (ward, latecomer) = (ward(), latecomer());
    let (vitals, late) = (ward.len() - PEOPLE as usize, latecomer.len());
    follow(&place, [ward, latecomer].concat(), question, &json!({"read": vitals + late}));
    let alerts = published(&place);
    assert!(alerts.len() > PEOPLE as usize, "{}", alerts.len());

    let all = derived(&place, &["--all"], 0);
    let named: BTreeSet<_> = all.iter().map(|one| one["alert_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(named, alerts);
    let stands = |one: &Value| one["standing"].as_u64().unwrap();
    assert!(all.iter().all(|one| one["verdict"] == "identical" && stands(one) > 0), "{all:?}");
    let rules: BTreeSet<_> = all.iter().map(|one| one["rule"].as_str().unwrap()).collect();
    assert!(rules.contains("news2.lower_bound") && rules.len() > 1, "{rules:?}");
    assert!(all.iter().any(|one| stands(one) > 2), "raised, escalated and cleared");

    let records = |one: &Value| one["inputs"][0]["records"].as_u64();
    assert!(all.iter().any(|one| records(one) == Some(late as u64 - 1)), "a dead letter is no input");

    // One of them alone: nothing of others is used, and its person's records are.
    let of_the_ward =
        |one: &&Value| one["rule"] == "news2.lower_bound" && records(one) != Some(late as u64 - 1);
    let bound = all.iter().find(of_the_ward).unwrap();
    let id = bound["alert_id"].as_str().unwrap();
    let alone = derived(&place, &[id], 0);
    assert_eq!(alone, std::slice::from_ref(bound));
    assert_eq!(alone[0]["inputs"][0]["records"], vitals as u64 / u64::from(PEOPLE));
    assert_eq!(derived(&place, &["--limit", "3"], 0).len(), 3);

    // Raised a little later, it is another alert's evidence: the fields are named, the values are not.
    let later = ["--set", "risk.news2.watch.raise_after_seconds=65"];
    let said = place.say(&[&later[..], &["explain", id, "--replay"]].concat());
    assert_eq!(said.code, Some(1), "{said:?}");
    for word in ["differs in", "payload.changed_at", "payload.window_end", "payload.offsets.0.last_offset"] {
        assert!(said.out.contains(word), "{word}: {said:?}");
    }
    assert!(said.err.contains("1 of 1 alerts") && !said.out.contains("26.0"), "{said:?}");
    let shown = place.say(&[&later[..], &["explain", id, "--replay", "--show"]].concat());
    assert!(shown.out.contains("payload.changed_at (\"2026-01-01T00:01:00.000000Z\" there, "), "{shown:?}");
}

#[test]
fn what_is_meant_must_be_said_and_there() {
    let place = Place::new();
    for (arguments, words) in [
        (&["explain"][..], "--all"),
        (&["explain", "--all"], "--replay"),
        (&["explain", "me"], "SELECT alert_id FROM alerts"),
        (&["explain", "--all", "--replay", "--limit", "3"], "--limit"),
    ] {
        let said = place.say(arguments);
        assert!(said.code == Some(2) && said.err.contains(words), "{arguments:?}: {said:?}");
    }
    place.say(&["explain", "--all", "--replay"]).refused(&["nothing was ever committed", "--data-dir"]);
}

#[test]
fn an_alert_that_was_withdrawn_stays_so_and_what_stands_of_it_comes_out_again() {
    let place = Place::new();
    let bad = |second| shown("late", second, 90.0, 26.0, None);
    let early: Vec<_> = (0..=80).step_by(10).map(bad).collect();
    follow(&place, early, ALERTS, &json!({"alerts": 1}));
    // They were well in between: what was raised was not so.
    follow(&place, vec![shown("late", 35, 80.0, 15.0, None)], ALERTS, &json!({"alerts": 0}));
    let all = derived(&place, &["--all"], 0);
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!((&one["standing"], &one["withdrawn"]), (&json!(0), &json!(1)));
    // It goes on: another alert, and the same bytes.
    let later: Vec<_> = (90..=110).step_by(10).map(bad).collect();
    follow(&place, later, ALERTS, &json!({"alerts": 1}));
    let all = derived(&place, &["--all"], 0);
    assert_eq!(all.iter().filter(|one| one["standing"] == 1).count(), 1, "{all:?}");
    let gone = all.iter().find(|one| one["standing"] == 0).unwrap()["alert_id"].as_str().unwrap().to_owned();
    place.say(&["explain", &gone]).refused(&["no alert", &gone, "withdrawn", "FROM alerts"]);

    // What was deleted from the log is told, and where it stood.
    let log = open(&place);
    let topic = Input::Vitals.topic();
    let partition = partition_of(user("late").to_string().as_bytes(), 6);
    log.truncate(&TopicPartition::new(topic, partition), 5).unwrap();
    drop(log);
    let all = derived(&place, &["--all"], 1);
    let cut = all.iter().find(|one| one["verdict"] == "gone").unwrap();
    assert_eq!((&cut["gone"][0]["topic"], &cut["gone"][0]["partition"]), (&json!(topic), &json!(partition)));
    assert_eq!(cut["gone"][0]["last_offset"], 4);
}

#[test]
fn an_alert_of_a_cartridge_is_explained_and_comes_out_of_its_packets_and_the_profile() {
    let place = Place::new();
    follow(&place, [person(START), session("measured", START)].concat(), ALERTS, &json!({"alerts": 1}));
    let all = derived(&place, &["--all"], 0);
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!((&one["rule"], &one["verdict"]), (&json!("glucose"), &json!("identical")));
    let inputs = one["inputs"].as_array().unwrap().iter();
    let records: Vec<_> =
        inputs.map(|one| (one["topic"].as_str().unwrap(), one["records"].clone())).collect();
    assert_eq!(
        records,
        [("manpasik.measurement.packet", json!(16)), ("manpasik.user.profile.updated", json!(1))]
    );

    let id = one["alert_id"].as_str().unwrap();
    let said = place.say(&["explain", id, "--format", "json"]).fine();
    let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).collect::<Vec<_>>();
    assert_eq!((&of("rule")[0]["name"], &of("claim")[0]["limits"]), (&json!("glucose"), &json!("≤ 46")));
    let range = |row: &Value| (row["topic"].clone(), row["first_offset"].clone(), row["last_offset"].clone());
    let packets =
        of("records").into_iter().find(|row| row["topic"] == "manpasik.measurement.packet").unwrap();
    assert_eq!(range(of("measurement")[0]), range(packets));
    assert_eq!(of("session")[0]["packets"], json!(15));

    let running = place.start(&["run"]);
    let asked = place.say(&["--listen", &running.door, "explain", id]).fine();
    for word in ["risk.rules.watch.raise_after_seconds", "step person-rules", "glucose"] {
        assert!(asked.contains(word), "{word}: {asked}");
    }
    let held = place.say(&["--listen", &running.door, "explain", id, "--replay"]);
    held.refused(&["another process holds the log", "stop it, run this command"]);
    assert_eq!(running.signal("TERM").code, Some(0));
    let nobody = EventId::derive(&["nobody"]).to_string();
    place.say(&["explain", &nobody, "--replay"]).refused(&["holds no alert", &nobody, "FROM alerts"]);
}

/// Two minutes of an optical pulse of 150 beats a minute, as a recording.
fn fast() -> String {
    let bump = |phase: f64, at: f64, width: f64| (-((phase - at) / width).powi(2)).exp();
    let mut text = "Time [s], PLETH\n".to_owned();
    let mut phase = 0.0;
    for sample in 0..15_000 {
        let seconds = f64::from(sample) / 125.0;
        // Hearts are not clocks, and breath moves the baseline.
        phase += (2.5 + 0.05 * (seconds * 0.7).sin()) / 125.0;
        let (beat, breath) = (phase.fract(), 0.05 * (seconds * 1.6).sin());
        let value = 0.4 + 0.3 * bump(beat, 0.25, 0.1) + 0.1 * bump(beat, 0.6, 0.15) + breath;
        writeln!(text, "{seconds:.3}, {value:.5}").unwrap();
    }
    text
}

#[test]
fn alerts_over_a_signal_come_out_again_from_the_first_packet_of_their_session() {
    let place = Place::new();
    for name in ["a", "b", "c"] {
        place.write(&format!("fast/{name}_Signals.csv"), &fast());
    }
    let folder = place.path("fast");
    let mut demo = place.program(&["--listen", "127.0.0.1:0", "demo", "--exit", "--report", "json"]);
    demo.args(["--speed", "max", "--recordings"]).arg(folder);
    let report: Value = serde_json::from_str(&said(demo).fine()).unwrap();
    assert_eq!(report["alerts"], 3, "{report}");
    let all = derived(&place, &["--all"], 0);
    assert!(
        all.len() == 3
            && all.iter().all(|one| one["rule"] == "pulse.news2_band" && one["verdict"] == "identical"),
        "{all:?}"
    );
    // Packets of ten samples, and the end: all of one session and none of another.
    let packets = report["packets_in"].as_u64().unwrap() / 3;
    assert!(all.iter().all(|one| one["inputs"][0]["records"] == packets), "{packets}: {all:?}");
    let said = place.say(&["explain", all[0]["alert_id"].as_str().unwrap(), "--format", "json"]).fine();
    assert!(said.lines().filter(|line| line.contains("\"kind\":\"window\"")).count() >= 2, "{said}");
}
