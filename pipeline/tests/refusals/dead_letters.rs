//! Dead letters from the command line: listed, shown, and made good.

use crate::program::Place;

/// The place of the first letter that `list` prints.
fn first(list: &str) -> &str {
    list.split_whitespace().next().unwrap()
}

#[test]
fn letters_are_listed_and_shown_without_what_they_hold() {
    let place = Place::new();
    let letters = place.report(&["--speed", "max", "--spoil"])["dead_letters"].as_u64().unwrap();
    let list = place.dlq(&["list"]).fine();
    assert_eq!(list.lines().count() as u64, letters, "{list}");
    assert!(
        list.lines().all(|line| line.starts_with("manpasik.measurement.") && line.contains(" B  ")),
        "{list}"
    );
    assert!(list.contains("BAD_CHECKSUM") && !list.contains("forgot to encode"), "{list}");
    let few = place.dlq(&["list", "--limit", "3"]).fine();
    assert!(few.lines().count() == 4 && few.contains("the newest 3"), "{few}");
    let missing = place.dlq(&["list", "--reason", "MISSING_FIELD"]).fine();
    assert!(missing.lines().count() == 1 && missing.contains("event_id"), "{missing}");
    let shown = place.dlq(&["show", first(&missing)]).fine();
    assert!(
        shown.contains("MISSING_FIELD") && shown.contains("--payload") && !shown.contains("7b"),
        "{shown}"
    );
    let shown = place.dlq(&["show", "--payload", first(&missing)]).fine();
    assert!(shown.contains("00000000  7b 22 "), "{shown}");
    let nowhere = "manpasik.measurement.vitals/0@999999";
    place.dlq(&["show", nowhere]).refused(&["no dead letter stands at", nowhere, "manpasik dlq list"]);
    // What still cannot be used is not sent.
    let all = place.dlq(&["replay", "--all"]).fine();
    assert_eq!(all.lines().filter(|line| line.contains("still unusable")).count() as u64, letters, "{all}");
    assert!(all.ends_with(&format!("0 of {letters} dead letters sent again\n")), "{all}");
    assert_eq!(place.dlq(&["list"]).fine(), list);
}

#[test]
fn a_repaired_record_is_made_good_and_its_letter_goes() {
    let place = Place::new();
    place.report(&["--speed", "max", "--spoil"]);
    let list = place.dlq(&["list"]).fine();
    let missing = place.dlq(&["list", "--reason", "MISSING_FIELD"]).fine();
    let bad = first(&missing);
    let (topic, rest) = bad.split_once('/').unwrap();
    let (partition, offset) = rest.split_once('@').unwrap();
    // What the producer should have written.
    let value = place.ask_the_lake(&format!(
        "SELECT replace(CAST(value AS TEXT), '\"id\"', '\"event_id\"') AS value FROM dead_letters \
         WHERE topic = '{topic}' AND partition = {partition} AND record_offset = {offset}"
    ));
    let good = place.write("good.json", value["value"].as_str().unwrap()).display().to_string();
    let worse = place.write("worse.json", "{}").display().to_string();
    place.dlq(&["replay", bad, "--with", &worse]).refused(&["cannot be used either", "MISSING_FIELD"]);
    place
        .dlq(&["replay", bad, "--with", "nowhere"])
        .refused(&["could not read nowhere", "check that it exists"]);
    let said = place.dlq(&["replay", bad, "--with", &good, "--dry-run"]).fine();
    assert!(said.ends_with("1 of 1 dead letters would be sent again\n"), "{said}");
    // Twice: once and again counts once.
    for _ in 0..2 {
        let said = place.dlq(&["replay", bad, "--with", &good]).fine();
        assert!(said.ends_with("1 of 1 dead letters sent again\n"), "{said}");
    }
    let vitals = "SELECT count(*) AS count FROM vitals";
    let before = place.ask_the_lake(vitals)["count"].as_i64().unwrap();
    let running = place.start(&["run"]);
    let others = list.lines().filter(|line| !line.starts_with(&format!("{bad} ")));
    let without: String = others.fold(String::new(), |text, line| text + line + "\n");
    assert_ne!(without, list);
    running.until("made good", || {
        let list = place.say(&["--listen", &running.door, "dlq", "list"]).fine();
        (list == without).then_some(())
    });
    let said = place.say(&["--listen", &running.door, "dlq", "replay", "--reason", "BAD_LENGTH"]);
    said.refused(&["another process holds the log", "stop it, run this command, and start it again"]);
    assert_eq!(running.signal("TERM").code, Some(0));
    assert_eq!(place.dlq(&["list"]).fine(), without);
    assert_eq!(place.ask_the_lake(vitals)["count"], before + 1);
    place.dlq(&["replay", bad]).refused(&["no dead letter stands at"]);
    // Nothing new comes of another start.
    assert_eq!(place.start(&["run"]).signal("TERM").code, Some(0));
    assert_eq!(place.dlq(&["list"]).fine(), without);
}

#[test]
fn what_is_meant_must_be_said() {
    let place = Place::new();
    for (arguments, words) in [
        (&["replay"][..], "--all"),
        (&["replay", "--all", "--reason", "BAD_LENGTH"], "--all"),
        (&["replay", "vitals/3"], "TOPIC/PARTITION@OFFSET"),
        (&["list", "--reason", "BAD_LUCK"], "BAD_ENVELOPE, BAD_LENGTH"),
    ] {
        let said = place.dlq(arguments);
        assert!(said.code == Some(2) && said.err.contains(words), "{arguments:?}: {said:?}");
    }
    place.dlq(&["replay", "--all", "--with", "file"]).refused(&["--with repairs one record"]);
    let two = ["manpasik.measurement.vitals/0@1", "manpasik.measurement.vitals/0@2", "--with", "file"];
    place.dlq(&[&["replay"], &two[..]].concat()).refused(&["--with repairs one record"]);
    assert!(!place.data().exists(), "nothing was started");
}
