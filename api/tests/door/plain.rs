//! Probes, metrics, status and SQL over plain HTTP, and how the door opens and closes.

use crate::{House, sample};
use api::{Error, Metrics, Readiness, State, serve};
use model::view::Shelf;
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

/// Head and body of the answer to one request.
pub(crate) fn http(addr: &str, request: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(addr).expect("the port is open");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let length = body.len();
    write!(stream, "{request} HTTP/1.1\r\nHost: door\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
        .expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_ascii_lowercase(), body.to_owned())
}

fn get(house: &House, path: &str) -> (String, String) {
    http(&house.addr(), &format!("GET {path}"), "", "")
}

#[test]
fn probes_tell_the_state() {
    let house = House::new();
    assert!(get(&house, "/livez").0.starts_with("http/1.1 200"));
    assert!(get(&house, "/readyz").0.starts_with("http/1.1 200"));
    for (state, word, detail) in [
        (State::Starting { detail: "replaying".into() }, "starting", "replaying"),
        (State::Draining, "draining", "null"),
        (State::Failed { reason: "disk full".into() }, "failed", "disk full"),
    ] {
        house.readiness.set(state);
        let (head, body) = get(&house, "/readyz");
        assert!(head.starts_with("http/1.1 503"), "{head}");
        assert!(body.contains(word) && body.contains(detail), "{body}");
        assert!(get(&house, "/livez").0.starts_with("http/1.1 200"), "alive all the same");
    }
}

#[test]
fn metrics_and_status_tell_what_the_pipeline_told() {
    let house = House::new();
    house.metrics.packets_in(12);
    house.metrics.progress(&house.shelf.take().progress);
    house.ask("SELECT 1").expect("rows");
    house.refusal("DROP TABLE vitals");
    let (head, body) = get(&house, "/metrics");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    for line in [
        "manpasik_packets_in_total 12",
        "manpasik_lag_records{topic=\"vitals\",partition=\"0\"} 3",
        "manpasik_questions_total{outcome=\"answered\"} 1",
    ] {
        assert!(body.contains(line), "{line} is not in {body}");
    }
    let (_, body) = get(&house, "/v1/status");
    let over_http: api::Status = serde_json::from_str(&body).expect("a status");
    let over_flight = api::status(&house.addr()).expect("a status");
    assert_eq!(over_http.state, "ready");
    assert_eq!((over_http.as_of_epoch, over_http.counts.packets_in), (Some(1), 12));
    assert_eq!(over_http.progress, over_flight.progress);
    assert_eq!(over_http.progress[0].lag, 3);
}

#[test]
fn sql_over_http_is_json_lines_or_csv() {
    let house = House::new();
    let sql = "SELECT level, findings FROM alerts WHERE state = 'open'";
    let (head, body) = http(&house.addr(), "POST /v1/sql", "", sql);
    assert!(head.starts_with("http/1.1 200") && head.contains("x-as-of-epoch: 1"), "{head}");
    assert!(
        body.contains("{\"level\":\"HIGH\",\"findings\":[{\"parameter\":\"HR\",\"value\":135.0"),
        "{body}"
    );
    let (head, body) =
        http(&house.addr(), "POST /v1/sql", "Accept: text/csv\r\n", "SELECT 1 AS a, NULL AS b");
    assert!(head.contains("text/csv"), "{head}");
    assert!(body.contains("a,b\n") && body.contains("1,\n"), "{body}");
    let (head, body) = http(&house.addr(), "POST /v1/sql", "", "DELETE FROM vitals");
    assert!(head.starts_with("http/1.1 403") && body.contains("only reads"), "{head} {body}");
    let (head, _) = http(&house.addr(), "POST /v1/sql", "", &"x".repeat(70_000));
    assert!(head.starts_with("http/1.1 413"), "{head}");
}

#[test]
fn a_taken_port_is_told_with_the_next_step() {
    let house = House::new();
    let mut options = sample::options();
    options.listen = house.addr();
    let readiness = Arc::new(Readiness::new(State::Ready));
    let second = serve(&options, Arc::new(Shelf::default()), readiness, Arc::new(Metrics::new()));
    let Err(error @ Error::Listen { .. }) = second else { panic!("the port is taken") };
    assert!(error.to_string().contains(&house.addr()), "{error}");
    assert!(error.to_string().contains("--listen 127.0.0.1:0"), "{error}");
}

#[test]
fn a_stop_is_bounded_and_frees_the_port() {
    let house = House::with(|options| options.drain_millis = 300);
    let addr = house.addr();
    assert!(api::query(&addr, "SELECT 1").is_ok());
    // Someone who keeps a connection open and says nothing.
    let _silent = TcpStream::connect(&addr).expect("the port is open");
    let since = Instant::now();
    house.server.stop();
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    assert_eq!(house.readiness.get(), State::Draining);
    let error = api::query(&addr, "SELECT 1").expect_err("closed");
    assert!(error.to_string().contains("nothing answers"), "{error}");
}

#[test]
fn before_the_first_commit_the_tables_are_empty_and_say_so() {
    let house = House::new();
    house.shelf.swap(model::view::Snapshot::default());
    let answer = house.ask("SELECT count(*) AS n, as_of_epoch() AS e FROM vitals").expect("rows");
    assert_eq!(answer.as_of_epoch, None);
    let text = api::render(&answer.columns, &answer.batches, api::Format::Json).expect("text");
    assert_eq!(text, "{\"n\":0,\"e\":null}\n");
}
