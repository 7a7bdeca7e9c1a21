//! Recordings that cannot be replayed, and records that cannot be used.

use crate::program::{Place, Said, said};
use serde_json::Value;
use std::path::Path;

fn demo(place: &Place, recordings: &Path, arguments: &[&str]) -> Said {
    let mut command = place.program(&["--listen", "127.0.0.1:0", "demo", "--exit", "--report", "json"]);
    command.args(["--speed", "max", "--recordings"]).arg(recordings).args(arguments);
    said(command)
}

#[test]
fn folders_without_a_recording_are_refused_before_anything_starts() {
    let place = Place::new();
    let empty = place.write("empty/notes.txt", "nothing").with_file_name("");
    demo(&place, &empty, &[]).refused(&["no recordings in", "_Signals.csv.gz"]);
    let missing = place.path("missing");
    demo(&place, &missing, &[]).refused(&["could not read", "check that it exists", "No such file"]);
    let other = place.write("other/a_Signals.csv", "Time [s], II\n0, 1\n").with_file_name("");
    demo(&place, &other, &[]).refused(&["no column PLETH", "a_Signals.csv", "its header needs"]);
    let words = place.write("words/a_Signals.csv", "Time [s], PLETH\n0, ill\n").with_file_name("");
    let reason = demo(&place, &words, &[]).refused(&["row 2", "column PLETH"]);
    assert!(!reason.contains("ill"), "{reason}");
    assert!(!place.data().exists(), "nothing was started");
}

#[test]
fn a_speed_that_is_none_is_refused_by_the_command_line() {
    let place = Place::new();
    for speed in ["0", "fast", "-1", "inf", "nan", ""] {
        let said = place.say(&["demo", &format!("--speed={speed}")]);
        assert_eq!(said.code, Some(2), "{speed}: {said:?}");
        assert!(said.err.contains("--speed"), "{said:?}");
    }
}

#[test]
fn spoiled_records_become_dead_letters_and_nothing_else() {
    let place = Place::new();
    let recordings = place.recordings();
    let clean = place.report(&["--speed", "max"]);
    let spoilt = Place::new();
    let said = demo(&spoilt, &recordings, &["--spoil"]);
    // The text of the spoiled gateway record, and of the spoiled event.
    for payload in ["forgot to encode", "event_id\":", "spo2\":", "manpasik.measurement.vitals\","] {
        assert!(!said.err.contains(payload), "{payload}: {}", said.err);
    }
    let report: Value = serde_json::from_str(&said.fine()).unwrap();
    for key in ["windows", "alerts", "lost", "duplicate", "hr_mae_bpm"] {
        assert_eq!(report[key], clean[key], "{key}");
    }
    let letters = report["dead_letters"].as_i64().unwrap();
    assert!(letters >= 10, "{report}");
    let question = "SELECT count(*) AS letters, count(DISTINCT reason) AS reasons, \
                    (SELECT count(*) FROM (SELECT DISTINCT topic, partition, record_offset \
                    FROM dead_letters)) AS places, \
                    count(DISTINCT topic) AS topics, \
                    count(*) FILTER (WHERE reason = '' OR detail = '' OR topic NOT LIKE 'manpasik.%' \
                    OR record_offset < 0 OR encode(value, 'hex') = '') AS empty FROM dead_letters";
    let found = spoilt.ask_the_lake(question);
    assert_eq!(
        (&found["letters"], &found["places"], &found["empty"]),
        (&letters.into(), &letters.into(), &0.into())
    );
    assert!(found["reasons"].as_i64() >= Some(7) && found["topics"] == 3, "{found}");
    // ff ff, then the text: exactly what was sent.
    let question = "SELECT topic, partition, record_offset, reason \
                    FROM dead_letters WHERE value = \
                    X'ffff2074686973206761746577617920666f72676f7420746f20656e636f6465'";
    let found = spoilt.ask_the_lake(question);
    assert_eq!(found["topic"], "manpasik.measurement.packet");
    assert_eq!(found["reason"], "BAD_ENVELOPE");
    assert!(found["partition"].is_i64() && found["record_offset"].as_i64() > Some(0), "{found}");
}

#[test]
fn another_replay_on_the_same_log_is_refused_and_a_reset_makes_room() {
    let place = Place::new();
    let recordings = place.recordings();
    let first = place.report(&["--speed", "max"]);
    demo(&place, &recordings, &["--spoil"]).refused(&["other input", "--reset", "--data-dir"]);
    let again = place.report(&["--speed", "max"]);
    assert_eq!((&again["windows"], &again["duplicate"]), (&first["windows"], &0.into()));
    let report: Value =
        serde_json::from_str(&demo(&place, &recordings, &["--spoil", "--reset"]).fine()).unwrap();
    assert_eq!((&report["windows"], &report["duplicate"]), (&first["windows"], &0.into()));
}

#[test]
fn a_replay_that_the_log_refuses_ends_the_demo_with_the_reason() {
    let place = Place::new();
    let recordings = place.recordings();
    let mut command =
        place.program(&["--listen", "127.0.0.1:0", "--set", "log.embedded.max_record_bytes=64"]);
    command.args(["demo", "--speed", "max", "--report", "json", "--recordings"]).arg(recordings);
    said(command).refused(&["larger than max_record_bytes=64"]);
}
