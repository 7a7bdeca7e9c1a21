//! The door from outside: what it refuses, what it answers, and what is said where there is none.

use crate::program::{Place, Running};

/// A pipeline without input whose questions may take three seconds: one that ends takes a tenth, or more on a busy machine.
fn idle(place: &Place) -> Running {
    place.start(&["--set", "door.limits.deadline_millis=3000", "run"])
}

#[test]
fn a_port_that_is_taken_is_told_and_nothing_is_started() {
    let (place, other) = (Place::new(), Place::new());
    let running = idle(&place);
    let said = other.say(&["--listen", &running.door, "run"]);
    said.refused(&[&running.door, "Address already in use", "--listen 127.0.0.1:0"]);
    assert!(!other.data().exists());
    assert_eq!(running.get("/readyz").unwrap().0, 200);
}

#[test]
fn a_data_directory_in_use_is_told() {
    let place = Place::new();
    let running = idle(&place);
    let log = place.path("data/log").display().to_string();
    place.say(&["--listen", "127.0.0.1:0", "run"]).refused(&[&log, "in use by another process"]);
    assert_eq!(running.get("/readyz").unwrap().0, 200);
}

#[test]
fn statements_that_do_more_than_read_are_refused_and_the_server_lives_on() {
    let place = Place::new();
    let running = idle(&place);
    let secret = place.write("secret.csv", "name\nhunter2\n").display().to_string();
    let stolen = place.path("stolen.csv");
    let writes = format!("COPY (SELECT 1) TO '{}'", stolen.display());
    let reads = format!("CREATE EXTERNAL TABLE s STORED AS CSV LOCATION '{secret}'");
    for (statement, word) in [
        ("INSERT INTO windows SELECT * FROM windows", "INSERT INTO is refused"),
        ("CREATE TABLE mine AS SELECT 1", "CREATE TABLE is refused"),
        ("CREATE VIEW mine AS SELECT 1", "CREATE VIEW is refused"),
        ("DROP TABLE windows", "DROP TABLE is refused"),
        ("DELETE FROM windows", "DELETE FROM is refused"),
        ("UPDATE windows SET hr_bpm = 1", "UPDATE is refused"),
        ("SET datafusion.execution.batch_size = 1", "SET is refused"),
        (&writes, "COPY is refused"),
        (&reads, "CREATE EXTERNAL TABLE is refused"),
        (&format!("SELECT * FROM '{secret}'"), "not found"),
        (&format!("SELECT * FROM read_csv('{secret}')"), "not found"),
        ("SELECT 1; DROP TABLE windows", "single SQL statement"),
        ("SELEC 1", "could not understand the statement"),
    ] {
        let reason = place.say(&["--listen", &running.door, "sql", statement]).refused(&[word]);
        assert!(!reason.contains("hunter2"), "{reason}");
    }
    assert!(!stolen.exists());
    assert_eq!(
        place.say(&["--listen", &running.door, "sql", "--format", "csv", "SELECT 1 AS a"]).fine(),
        "a\n1\n"
    );
}

#[test]
fn a_statement_without_bound_ends_and_the_server_lives_on() {
    let place = Place::new();
    let running = idle(&place);
    let ask = |statement: &str| place.say(&["--listen", &running.door, "sql", "--format", "csv", statement]);
    let many = "generate_series(1, 1000000)";
    let reason = ask(&format!("SELECT count(*) FROM {many} a, {many} b, {many} c")).refused(&["said"]);
    assert!(reason.contains("no answer within 3000 ms") || reason.contains("over the limit"), "{reason}");
    let reason = ask(&format!("SELECT * FROM {many} a, {many} b")).refused(&["said"]);
    assert!(reason.contains("no answer within 3000 ms") || reason.contains("over the limit"), "{reason}");
    assert_eq!(ask("SELECT count(*) AS n FROM windows").fine(), "n\n0\n");
    assert_eq!(running.get("/readyz").unwrap().0, 200);
}

#[test]
fn an_answer_has_the_form_that_was_asked_for() {
    let place = Place::new();
    let running = idle(&place);
    let question = "SELECT 7 AS a, 'x,y' AS b, NULL AS c";
    let ask =
        |format: &str| place.say(&["--listen", &running.door, "sql", "--format", format, question]).fine();
    assert_eq!(ask("csv"), "a,b,c\n7,\"x,y\",\n");
    assert_eq!(ask("json"), "{\"a\":7,\"b\":\"x,y\",\"c\":null}\n");
    assert!(ask("table").contains("| 7 | x,y | NULL |"));
    assert_eq!(place.say(&["sql", "--format", "xml", question]).code, Some(2));
    let status = place.say(&["--listen", &running.door, "status"]).fine();
    assert!(status.starts_with("ready") && status.contains("lost 0 · duplicate 0"), "{status}");
}

#[test]
fn where_nobody_answers_the_next_step_is_told() {
    let place = Place::new();
    for command in [&["sql", "SELECT 1"][..], &["status"]] {
        let said = place.say(&[&["--listen", "127.0.0.1:1"], command].concat());
        said.refused(&["127.0.0.1:1", "nothing answers", "`manpasik run`"]);
    }
    assert!(!place.data().exists(), "asking leaves nothing behind");
}

#[test]
fn a_start_that_fails_ends_the_program() {
    let place = Place::new();
    let running = place.start_unready(&["--brokers", "127.0.0.1:1", "run"]);
    running.ended().refused(&["could not reach kafka at 127.0.0.1:1", "start the broker"]);
}
