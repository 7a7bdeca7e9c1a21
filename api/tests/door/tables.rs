//! What SQL sees: every row once, none that was retracted, one epoch.

use crate::{House, OBSERVATIONS, sample};
use datafusion::arrow::datatypes::DataType;
use std::sync::Arc;

#[test]
fn lake_and_live_are_one_table_without_double_or_hidden_rows() {
    let house = House::new();
    let sql = "SELECT count(*), count(DISTINCT event_offset), min(event_offset), max(event_offset), max(hr) FROM vitals";
    let last = OBSERVATIONS - 1;
    assert_eq!(house.rows(sql), format!("{OBSERVATIONS},{OBSERVATIONS},0,{last},99.0"));
    // Without any column, with a limit, with a condition that only a hidden row meets.
    assert_eq!(house.rows("SELECT count(*) FROM vitals"), OBSERVATIONS.to_string());
    assert_eq!(house.rows("SELECT count(*) FROM (SELECT hr FROM vitals LIMIT 7)"), "7");
    assert_eq!(house.rows("SELECT count(*) FROM vitals WHERE hr > 500"), "0");
    assert_eq!(house.rows("SELECT hr FROM vitals WHERE event_offset = 0"), "60.0");
}

#[test]
fn a_limit_counts_only_rows_that_count() {
    // One thread reads all files in turn, so a limit that reached them would count the hidden row.
    let house = House::with(|options| options.limits.threads = 1);
    let mut snapshot = sample::snapshot(house.directory.path(), 2, OBSERVATIONS);
    snapshot.tables.get_mut("vitals").expect("of the sample").live.clear();
    house.shelf.swap(snapshot);
    let visible = OBSERVATIONS / 2 - 1;
    assert_eq!(house.rows("SELECT count(*) FROM vitals"), visible.to_string());
    let limited = format!("SELECT count(*) FROM (SELECT hr FROM vitals LIMIT {visible})");
    assert_eq!(house.rows(&limited), visible.to_string());
}

#[test]
fn the_identity_of_a_row_is_not_visible() {
    let house = House::new();
    let answer = house.ask("SELECT * FROM vitals LIMIT 1").expect("rows");
    let names: Vec<_> = answer.columns.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names[0], "event_id");
    assert!(!names.contains(&"_row"), "{names:?}");
    assert!(house.refusal("SELECT _row FROM vitals").contains("_row"));
    assert_eq!(house.rows("SELECT count(*) FROM information_schema.columns WHERE column_name = '_row'"), "0");
}

#[test]
fn absent_values_and_times_keep_their_meaning() {
    let house = House::new();
    assert_eq!(
        house.rows("SELECT count(pulse), count(spo2) FROM vitals"),
        format!("0,{}", OBSERVATIONS * 9 / 10)
    );
    // The same instant whether it came from a file or from memory.
    let sql = format!(
        "SELECT observed_at FROM vitals WHERE event_offset IN (1, {}) ORDER BY observed_at",
        OBSERVATIONS - 1
    );
    assert_eq!(house.rows(&sql), "2026-01-01T00:00:01Z\n2026-01-01T00:06:39Z");
    let answer = house.ask("SELECT observed_at FROM vitals LIMIT 1").expect("rows");
    let DataType::Timestamp(_, Some(zone)) = answer.columns.field(0).data_type() else {
        panic!("a time with zone")
    };
    assert_eq!(zone.as_ref(), "UTC");
}

#[test]
fn an_alert_can_be_read_with_its_evidence() {
    let house = House::new();
    let findings = "SELECT level, finding['parameter'], finding['value'], finding['score'] FROM \
                    (SELECT level, unnest(findings) AS finding FROM alerts WHERE state = 'open') ORDER BY 2";
    assert_eq!(house.rows(findings), "HIGH,HR,135.0,3\nHIGH,SpO2,93.0,2");
    let offsets = "SELECT offsets[1]['topic'], offsets[1]['first_offset'], offsets[1]['last_offset'] FROM alerts \
                   WHERE state = 'cleared'";
    assert_eq!(house.rows(offsets), format!("{},4,10", model::Input::Vitals.topic()));
    // And the observations it rests on.
    let observed = "SELECT count(*) FROM alerts a JOIN vitals v ON v.user_id = a.user_id \
                    AND v.observed_at BETWEEN a.window_start AND a.window_end WHERE a.state = 'open'";
    assert_eq!(house.rows(observed), "11");
}

#[test]
fn a_condition_reaches_the_files() {
    let house = House::new();
    let sql = "EXPLAIN SELECT hr FROM vitals WHERE observed_at >= TIMESTAMP '2026-01-01T00:05:00Z'";
    let plan = house.rows(sql);
    assert!(plan.contains("pruning_predicate") && plan.contains("observed_at_max"), "{plan}");
    let projected = house.rows("EXPLAIN SELECT count(hr) FROM windows CROSS JOIN (SELECT hr FROM vitals)");
    assert!(!projected.contains("event_id"), "only columns that are needed are read: {projected}");
}

#[test]
fn a_statement_sees_one_epoch_and_the_next_one_sees_the_next() {
    let house = House::new();
    let sql = "SELECT as_of_epoch(), (SELECT as_of_epoch FROM system.status), count(*) FROM vitals";
    let before = house.ask(sql).expect("rows");
    assert_eq!(before.as_of_epoch, Some(1));
    assert_eq!(house.rows(sql), format!("1,1,{OBSERVATIONS}"));
    house.shelf.swap(sample::snapshot(house.directory.path(), 2, OBSERVATIONS + 10));
    assert_eq!(house.ask(sql).expect("rows").as_of_epoch, Some(2));
    assert_eq!(house.rows(sql), format!("2,2,{}", OBSERVATIONS + 10));
}

#[test]
fn the_program_describes_itself() {
    let house = House::new();
    assert_eq!(
        house.rows("SELECT topic, partition, next_offset, end_offset, lag FROM system.progress"),
        "vitals,0,400,403,3"
    );
    assert_eq!(
        house
            .rows("SELECT live_rows, lake_rows, hidden_rows, files FROM system.tables WHERE name = 'vitals'"),
        "201,200,1,2"
    );
    assert_eq!(house.rows("SELECT as_of_epoch, state, lag FROM system.status"), "1,ready,3");
    let names = house
        .rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1");
    assert_eq!(
        names,
        "alerts\nanalyses\nbeats\nbreathings\ncalibrations\ncartridges\ncoachings\ndaily_summaries\ndead_letters\nfeatures\nfingerprints\nglucose_episodes\nglucose_readings\nglucose_windows\ngoals\nhealth_records\nlaboratory_results\nmeasurements\nnotifications\nrhythms\nsessions\nunread_notifications\nvitals\nwindows"
    );
    assert_eq!(house.rows("SELECT count(*) FROM sessions"), "0");
}

#[test]
fn a_snapshot_can_be_asked_without_a_server() {
    let directory = tempfile::tempdir().expect("a directory");
    let snapshot = Arc::new(sample::snapshot(directory.path(), 5, 100));
    let limits = sample::options().limits;
    let sql = "SELECT count(*) AS n, (SELECT state FROM system.status) AS s FROM vitals";
    let answer = api::query_snapshot(&limits, Arc::clone(&snapshot), sql).expect("rows");
    assert_eq!(answer.as_of_epoch, Some(5));
    let text = api::render(&answer.columns, &answer.batches, api::Format::Json).expect("text");
    assert_eq!(text, "{\"n\":100,\"s\":\"offline\"}\n");
    let refused = api::query_snapshot(&limits, snapshot, "DROP TABLE vitals").expect_err("refused");
    assert!(matches!(refused, api::Error::Refused { .. }));
}

#[test]
fn a_broken_lake_is_told_without_a_path_and_hurts_no_other_table() {
    let house = House::new();
    let folder = house.directory.path().join("vitals/date=2026-01-01");
    std::fs::remove_file(folder.join("1-0.parquet")).expect("the file is there");
    std::fs::write(folder.join("1-1.parquet"), b"not Parquet").expect("the file is there");
    let refusal = house.refusal("SELECT sum(hr) FROM vitals");
    assert!(refusal.contains("a file of the lake could not be read"), "{refusal}");
    assert_eq!(house.rows("SELECT count(*) FROM windows"), "4");
}
