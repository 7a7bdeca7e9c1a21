//! A lake that cannot be written: at the start an error, later a delay and nothing more.

use crate::program::Place;
use std::fs;

#[test]
fn a_file_where_the_lake_must_be_is_told_at_the_start() {
    let place = Place::new();
    place.write("data/lake", "a file");
    let said = place.say(&["--listen", "127.0.0.1:0", "run"]);
    said.refused(&["data/lake", "Not a directory", "set commit.lake.dir to a directory"]);
    assert_eq!(fs::read_to_string(place.path("data/lake")).unwrap(), "a file");
}

#[test]
fn a_file_where_the_data_must_be_is_told_at_the_start() {
    let place = Place::new();
    place.write("data", "a file");
    place.say(&["--listen", "127.0.0.1:0", "run"]).refused(&["data/log", "correct `dir`"]);
}

#[test]
fn a_lake_that_goes_away_delays_only_itself_and_catches_up() {
    let whole = Place::new();
    let expected = whole.report(&["--speed", "max"]);
    let place = Place::new();
    let recordings = place.recordings().display().to_string();
    let often = ["--set", "commit.lake.flush_interval_ms=50", "--set", "epoch.tick_ms=20"];
    let replay = ["demo", "--speed", "20", "--report", "json", "--recordings", &recordings];
    let running = place.start(&[&often[..], &replay].concat());
    let (lake, aside) = (place.path("data/lake"), place.path("data/aside"));
    running.until("in the lake", || lake.join("windows").exists().then_some(()));
    fs::rename(&lake, &aside).unwrap();
    fs::write(&lake, "a file").unwrap();
    running.until("behind", || running.metric("manpasik_lake_lagging").filter(|lagging| *lagging == 1));
    let epochs = || running.metric("manpasik_epochs_total");
    let behind = epochs().unwrap();
    running.until("committing without it", || epochs().filter(|epochs| *epochs > behind + 3));
    assert_eq!(running.get("/readyz").unwrap().0, 200);
    fs::remove_file(&lake).unwrap();
    fs::rename(&aside, &lake).unwrap();
    running.until("caught up", || running.metric("manpasik_lake_lagging").filter(|lagging| *lagging == 0));
    let errors = running.errors();
    assert!(errors.contains("the lake is behind; commits go on"), "{errors}");
    assert_eq!(running.signal("TERM").code, Some(0));
    same(&place, &expected);
}

#[test]
fn a_stop_while_the_lake_is_away_loses_nothing() {
    let whole = Place::new();
    let expected = whole.report(&["--speed", "max"]);
    let place = Place::new();
    let recordings = place.recordings().display().to_string();
    let replay = ["demo", "--speed", "20", "--report", "json", "--recordings", &recordings];
    let often = ["--set", "commit.lake.flush_interval_ms=50"];
    let running = place.start(&[&often[..], &replay].concat());
    let (lake, aside) = (place.path("data/lake"), place.path("data/aside"));
    running.until("in the lake", || lake.join("windows").exists().then_some(()));
    fs::rename(&lake, &aside).unwrap();
    fs::write(&lake, "a file").unwrap();
    running.until("behind", || running.metric("manpasik_lake_lagging").filter(|lagging| *lagging == 1));
    assert_eq!(running.signal("TERM").code, Some(0));
    place.say(&["--listen", "127.0.0.1:0", "run"]).refused(&["data/lake"]);
    fs::remove_file(&lake).unwrap();
    fs::rename(&aside, &lake).unwrap();
    same(&place, &expected);
}

/// The replay goes on to its end, and both report and lake hold what an undisturbed run gives.
#[track_caller]
fn same(place: &Place, expected: &serde_json::Value) {
    let report = place.report(&["--speed", "max"]);
    for key in ["packets_in", "windows", "alerts", "dead_letters", "results", "hr_mae_bpm"] {
        assert_eq!(report[key], expected[key], "{key}");
    }
    assert_eq!((&report["lost"], &report["duplicate"]), (&0.into(), &0.into()));
    let counts = place.ask_the_lake("SELECT count(*) AS n, count(DISTINCT window_start) AS d FROM windows");
    assert_eq!((&counts["n"], &counts["d"]), (&expected["windows"], &expected["windows"]));
}
