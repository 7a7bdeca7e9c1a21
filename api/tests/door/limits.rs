//! What is refused, and what is stopped; the server lives on.

use crate::{House, eventually};
use api::State;
use std::time::{Duration, Instant};

/// A statement that no deadline of a test leaves time for.
const ENDLESS: &str = "SELECT count(*) FROM vitals a, vitals b, vitals c, vitals d, vitals e";

#[test]
fn whatever_writes_or_reads_files_is_refused() {
    let house = House::new();
    for sql in [
        "INSERT INTO vitals (hr) VALUES (1)",
        "UPDATE vitals SET hr = 1",
        "DELETE FROM vitals",
        "TRUNCATE TABLE vitals",
        "DROP TABLE vitals",
        "ALTER TABLE vitals ADD COLUMN a INT",
        "CREATE TABLE a AS SELECT 1",
        "CREATE VIEW a AS SELECT 1",
        "CREATE SCHEMA a",
        "CREATE DATABASE a",
        "CREATE EXTERNAL TABLE a STORED AS CSV LOCATION '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/door.csv'",
        "COPY vitals TO '/tmp/door.parquet' STORED AS PARQUET",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "EXPLAIN ANALYZE INSERT INTO vitals (hr) VALUES (1)",
        "PREPARE a AS SELECT 1",
        "BEGIN",
    ] {
        let refusal = house.refusal(sql);
        assert!(refusal.contains("only reads"), "{sql}: {refusal}");
    }
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('/tmp/a.parquet')",
        "SELECT * FROM parquet_metadata('/tmp/a.parquet')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT 1; SELECT 2",
        "SELECT repeat('x', 2000000000)",
        "SELECT range(1, 1000000000)",
        "WITH RECURSIVE a AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM a) SELECT * FROM a",
    ] {
        let refusal = house.refusal(sql);
        assert!(refusal.contains("could not understand the statement"), "{sql}: {refusal}");
        assert!(!refusal.contains("root:"), "{sql}: {refusal}");
    }
    assert_eq!(house.rows("SELECT 1"), "1");
    assert!(!std::path::Path::new("/tmp/door.csv").exists());
}

#[test]
fn a_statement_may_be_long_but_not_endless() {
    let house = House::new();
    let columns = vec!["hr"; 10_000].join(", ");
    assert!(columns.len() < 65_536);
    let flat = format!("SELECT 1 FROM vitals WHERE event_offset IN ({})", vec!["7"; 10_000].join(", "));
    assert_eq!(house.rows(&flat), "1");
    let long = format!("SELECT {columns}, '{}' FROM vitals", "x".repeat(65_536));
    assert!(house.refusal(&long).contains("65536 bytes"));
    let deep = format!("SELECT 1{}", " + 1".repeat(10_000));
    assert!(house.refusal(&deep).contains("number of operators"));
    let longest_deep = format!("SELECT 1{}", " + 1".repeat(250));
    assert_eq!(house.rows(&longest_deep), "251");
    let brackets = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(house.refusal(&brackets).contains("could not understand"));
    assert_eq!(house.rows("SELECT 1"), "1");
}

#[test]
fn an_endless_computation_meets_its_deadline_and_gives_its_turn_back() {
    let house = House::of(4_000, |options| {
        options.limits.deadline_millis = 400;
        options.limits.running = 1;
        options.limits.queued = 0;
    });
    for sql in [
        ENDLESS,
        // Rejects every pair, so it never produces a batch to pause after.
        "SELECT count(*) FROM vitals a JOIN vitals b ON a.hr + b.hr < 0 JOIN vitals c ON b.hr + c.hr < 0",
        "SELECT a.hr FROM vitals a JOIN vitals b ON a.hr + b.hr < 0 AND a.event_id < b.event_id",
        // One key for all rows.
        "SELECT count(*) FROM vitals a JOIN vitals b ON a.resp = b.resp JOIN vitals c ON c.resp = b.resp",
        "SELECT count(*) FROM vitals a JOIN vitals b ON a.resp = b.resp AND a.hr + b.hr < 0 \
         JOIN vitals c ON c.resp = a.resp AND c.hr + a.hr < 0",
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
    ] {
        let since = Instant::now();
        let refusal = house.refusal(sql);
        assert!(refusal.contains("no answer within 400 ms"), "{sql}: {refusal}");
        assert!(since.elapsed() < Duration::from_millis(1_400), "{sql}: {:?}", since.elapsed());
        // The only turn is free again before threads would have been left behind (2 s).
        eventually(Duration::from_millis(1_500), || house.ask("SELECT 1"));
    }
}

#[test]
fn memory_rows_and_bytes_have_an_end() {
    let house = House::with(|options| {
        options.limits.question_memory_bytes = 64 << 10;
        options.limits.answer_rows = 100;
        options.limits.answer_bytes = 2_000;
    });
    let sorted = house.refusal("SELECT a.event_id, b.event_id FROM vitals a, vitals b ORDER BY 1, 2 DESC");
    assert!(sorted.contains("the memory of the computation is over the limit"), "{sorted}");
    let rows = house.refusal("SELECT partition FROM vitals");
    assert!(rows.contains("the number of rows of the answer is over the limit of 100"), "{rows}");
    let bytes = house.refusal("SELECT event_id, user_id FROM vitals LIMIT 90");
    assert!(bytes.contains("the size of the answer is over the limit of 2000 bytes"), "{bytes}");
    assert_eq!(house.rows("SELECT count(*) FROM vitals"), "400");
}

#[test]
fn one_question_too_many_is_turned_away_with_a_time_to_come_back() {
    let house = House::with(|options| {
        options.limits.running = 1;
        options.limits.queued = 0;
        options.limits.deadline_millis = 1_000;
    });
    let addr = house.addr();
    std::thread::scope(|scope| {
        let first = std::thread::Builder::new().name("first".into());
        let insist = || loop {
            let error = api::query(&addr, ENDLESS).expect_err("endless").to_string();
            if !error.contains("too many questions") {
                break error;
            }
        };
        let first = first.spawn_scoped(scope, insist).expect("a thread");
        let since = Instant::now();
        let refusal = loop {
            match house.ask("SELECT 1") {
                Ok(_) => assert!(since.elapsed() < Duration::from_secs(10), "the first was never in the way"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(refusal.contains("too many questions at once; ask again in 500 ms"), "{refusal}");
        let late = first.join().expect("no panic");
        assert!(late.contains("no answer within"), "{late}");
    });
    eventually(Duration::from_millis(1_500), || house.ask("SELECT 1"));
}

#[test]
fn an_overloaded_pipeline_lets_nobody_wait() {
    let house = House::with(|options| {
        options.limits.running = 1;
        options.limits.queued = 8;
        options.limits.deadline_millis = 1_500;
    });
    house.readiness.set_overloaded(true);
    assert_eq!((house.readiness.get(), house.rows("SELECT 1").as_str()), (State::Overloaded, "1"));
    let addr = house.addr();
    std::thread::scope(|scope| {
        let first = std::thread::Builder::new().name("first".into());
        let insist = || loop {
            let error = api::query(&addr, ENDLESS).expect_err("endless").to_string();
            if !error.contains("too many questions") {
                break error;
            }
        };
        let first = first.spawn_scoped(scope, insist).expect("a thread");
        let since = Instant::now();
        let refusal = loop {
            match house.ask("SELECT 1") {
                Ok(_) => assert!(since.elapsed() < Duration::from_secs(10), "the first was never in the way"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(
            refusal.contains("ask again in 5000 ms") || refusal.contains("ask again in 5 s"),
            "{refusal}"
        );
        assert!(first.join().expect("no panic").contains("no answer within"));
    });
    house.readiness.set_overloaded(false);
    assert_eq!(house.readiness.get(), State::Ready);
    // What is not ready for another reason is not overloaded.
    house.readiness.set(State::Draining);
    house.readiness.set_overloaded(true);
    assert_eq!(house.readiness.get(), State::Draining);
}

#[test]
fn what_fails_on_a_row_does_not_quote_it() {
    let house = House::new();
    for sql in [
        "SELECT CAST(event_id AS DOUBLE) FROM vitals",
        "SELECT 1 / (event_offset - event_offset) FROM vitals",
        "SELECT to_timestamp(user_id) FROM vitals",
    ] {
        let refusal = house.refusal(sql);
        assert!(refusal.contains("the statement failed while it ran"), "{sql}: {refusal}");
        let user = model::UserId::derive(&["sample"]).to_string();
        let event = model::EventId::derive(&["vitals", "0"]).to_string();
        assert!(!refusal.contains(&user) && !refusal.contains(&event), "{refusal}");
    }
}
