//! A calibration in the field, from the command line: made, published, refused.

use crate::program::Place;
use serde_json::{Value, json};

/// Three samples of two channels: content = 2·(difference − 1) and 4·(difference + 0.5).
fn file() -> Value {
    let sample = |known: f64| {
        json!({
            "known": known,
            "detection": [known / 2.0 + 1.0 + 0.5 * 3.0, known / 4.0 - 0.5 + 0.5 * 3.0],
            "reference": [3.0, 3.0],
            "celsius": 25.0,
            "humidity_percent": 50.0,
        })
    };
    let samples = [80.0, 100.0, 120.0].map(sample);
    json!({
        "calibration_id": "field-7",
        "device_id": "dev-1",
        "cartridge_category": 1,
        "cartridge_type": 1,
        "calibrated_at": "2020-02-02T11:00:00+09:00",
        "validity_days": 30,
        "alpha": 0.5,
        "samples": samples,
    })
}

#[test]
fn gains_and_offsets_are_printed_and_the_event_changes_the_table() {
    let place = Place::new();
    let samples = place.write("samples.json", &file().to_string()).display().to_string();
    let printed = place.say(&["calibrate", &samples]).fine();
    let told: Value = serde_json::from_str(&printed).unwrap();
    let calibration = &told["calibration"];
    assert_eq!(calibration["gains"], json!([2.0, 4.0]));
    assert_eq!(calibration["offsets"], json!([1.0, -0.5]));
    assert_eq!((&calibration["kind"], &calibration["valid_days"]), (&json!("FIELD"), &json!(30)));
    let payload = &told["event"]["payload"];
    assert_eq!((&payload["kind"], &payload["alpha"]), (&json!("FIELD"), &Value::Null));
    assert_eq!(payload["reference_values"], json!([80.0, 100.0, 120.0]));
    assert!(!place.data().exists(), "nothing was published");
    // Twice: the same event counts once.
    for _ in 0..2 {
        assert_eq!(place.say(&["calibrate", &samples, "--send"]).fine(), printed);
    }
    let running = place.start(&["run"]);
    let held = place.say(&["--listen", &running.door, "calibrate", &samples, "--send"]);
    held.refused(&["another process holds the log", "stop it, run this command"]);
    assert_eq!(running.signal("TERM").code, Some(0));
    let row = place.ask_the_lake(
        "SELECT device_id, kind, state, (SELECT count(*) FROM dead_letters) AS letters FROM calibrations",
    );
    assert_eq!(row, json!({"device_id": "dev-1", "kind": "FIELD", "state": "EXPIRED", "letters": 0}));
}

#[test]
fn what_makes_no_calibration_is_told_without_what_was_measured() {
    let place = Place::new();
    let refused = |text: &str, words: &[&str]| {
        let samples = place.write("samples.json", text).display().to_string();
        place.say(&["calibrate", &samples, "--send"]).refused(words);
    };
    let with = |pointer: &str, value: Value| {
        let mut file = file();
        *file.pointer_mut(pointer).expect("a key of the file") = value;
        file.to_string()
    };
    refused("{\"alpha\": 271.828", &["line 1", "this is no JSON", "--help"]);
    refused(&with("/alpha", json!("0.271828")), &["line 1", "not of its type", "--help"]);
    refused(&with("/alpha", json!(271.828)), &["coefficients"]);
    refused(&with("/samples", json!([])), &["measure 1 to 64"]);
    let same = |known: f64| {
        let mut sample = file()["samples"][0].clone();
        sample["known"] = json!(known);
        sample
    };
    refused(
        &with("/samples", json!([same(80.0), same(100.0), same(120.0)])),
        &["channel 0 is not determined"],
    );
    refused(&with("/samples/1/reference", json!([1.0])), &["sample 1 has other channels"]);
    refused(&with("/samples/2/celsius", json!(46.0)), &["sample 2 was measured outside"]);
    refused(&with("/calibrated_at", json!("yesterday")), &["ISO 8601"]);
    refused(&with("/validity_days", json!(0)), &["validity_days"]);
    refused(&with("/device_id", json!("")), &["device_id"]);
    let nowhere = place.say(&["calibrate", "nowhere.json"]);
    nowhere.refused(&["could not read nowhere.json", "check that it exists"]);
    assert!(!place.data().exists(), "nothing was published");
}
