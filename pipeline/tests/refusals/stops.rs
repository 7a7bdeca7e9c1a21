//! Signals drain to a committed epoch, and a restart goes on as if there had been none.

use crate::program::Place;
use serde_json::Value;

#[test]
fn an_interrupt_drains_and_the_next_start_goes_on() {
    stops_and_goes_on("INT");
}

#[test]
fn a_termination_drains_and_the_next_start_goes_on() {
    stops_and_goes_on("TERM");
}

fn stops_and_goes_on(signal: &str) {
    let whole = Place::new();
    let expected = whole.report(&["--speed", "max"]);
    let place = Place::new();
    let recordings = place.recordings().display().to_string();
    let running = place.start(&["demo", "--speed", "25", "--report", "json", "--recordings", &recordings]);
    let counted = |key: &str| running.status()?["counts"][key].as_i64();
    let seen = running.until("a few windows", || counted("windows").filter(|windows| *windows >= 5));
    let said = running.signal(signal);
    let drained: Value = serde_json::from_str(&said.fine()).unwrap();
    // What was seen is there, and the replay was not at its end.
    let windows = drained["windows"].as_i64().unwrap();
    assert!(seen <= windows && windows < expected["windows"].as_i64().unwrap(), "{drained}");
    assert_eq!((&drained["lost"], &drained["duplicate"]), (&0.into(), &0.into()));
    let counts = place.ask_the_lake(
        "SELECT (SELECT count(*) FROM windows) AS windows, (SELECT count(*) FROM alerts) AS alerts",
    );
    assert_eq!((&counts["windows"], &counts["alerts"]), (&drained["windows"], &drained["alerts"]));
    let report = place.report(&["--speed", "max"]);
    for key in
        ["packets_in", "windows", "alerts", "dead_letters", "results", "hr_mae_bpm", "hr_gated_mae_bpm"]
    {
        assert_eq!(report[key], expected[key], "{key}");
    }
    assert_eq!((&report["lost"], &report["duplicate"]), (&0.into(), &0.into()));
}

#[test]
fn an_idle_program_stops_on_both_signals() {
    for signal in ["INT", "TERM"] {
        let place = Place::new();
        let said = place.start(&["run"]).signal(signal);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(!said.err.contains("panicked"), "{said:?}");
    }
}
