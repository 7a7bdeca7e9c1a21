//! FHIR through the door: a table of SQL, Bundles page by page, one Observation, and what is refused.

use crate::{House, OBSERVATIONS, plain::http};
use model::{
    CalibrationStatus, CartridgeKind, HealthRecord, Input, Number, RecordStatus, SessionId, Span, UserId,
    table::Row,
    time::SECOND,
    view::{Snapshot, TableView},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// 2026-01-01, when the observations of the sample begin, one each second.
const START: i64 = 1_767_225_600 * SECOND;

fn user() -> UserId {
    UserId::derive(&["sample"])
}

/// A glucose of the person the sample is of.
fn glucose(session: &str, of: &str, revision: u32) -> HealthRecord {
    HealthRecord {
        at: START + 7_200 * SECOND,
        session: SessionId::derive(&[session]),
        user: UserId::derive(&[of]),
        device: None,
        started_at: START,
        revision,
        status: RecordStatus::of(revision, false),
        cartridge: Some(CartridgeKind { category: 1, kind: 1 }),
        cartridge_name: "Glucose".into(),
        lot: None,
        biomarker: Some("glucose".into()),
        value: Some(Number::from(100 + revision)),
        uncertainty: None,
        unit: "mg/dL".into(),
        confidence: Number::from(1),
        calibration_status: CalibrationStatus::Valid,
        warnings: Vec::new(),
        level: None,
        needs_retest: false,
        claims: Vec::new(),
        packets: Span { input: Input::Packets, partition: 0, first: 1, last: 2 },
    }
}

/// The sample with health records: one of the person, one of somebody else.
fn house(revision: u32) -> House {
    let house = House::new();
    show(&house, 1, revision);
    house
}

fn show(house: &House, epoch: u64, revision: u32) {
    let before = house.shelf.take();
    let (own, other) = (glucose("own", "sample", revision), glucose("other", "somebody", 0));
    let batch = HealthRecord::batch(&[([0; 16], &own), ([1; 16], &other)]);
    let mut tables = before.tables.clone();
    tables.insert("health_records", TableView { live: vec![batch], ..TableView::default() });
    house.shelf.swap(Snapshot { as_of_epoch: Some(epoch), tables, ..(*before).clone() });
}

/// Asks; gives the code, the head, and the body as JSON.
fn ask(house: &House, path: &str) -> (String, String, Value) {
    let (head, body) = http(&house.addr(), &format!("GET {path}"), "", "");
    let code = head.split(' ').nth(1).expect("a code").to_owned();
    assert!(head.contains("content-type: application/fhir+json"), "{head}");
    (code, head, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

/// Observations of a Bundle.
fn entries(bundle: &Value) -> Vec<Value> {
    bundle["entry"].as_array().cloned().unwrap_or_default()
}

/// Path of the link of a Bundle.
fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array().expect("links");
    let found = links.iter().find(|link| link["relation"] == relation)?;
    let url = found["url"].as_str().expect("an address");
    Some(url.strip_prefix("http://door").expect("as it was asked").to_owned())
}

#[test]
fn observations_of_a_person_are_a_table_of_the_snapshot() {
    let house = house(1);
    let all = format!("fhir_observations('{}')", user());
    // Heart rate and respiration of each second, saturation of nine in ten; four good windows; one record.
    let vitals = 2 * OBSERVATIONS + OBSERVATIONS * 9 / 10;
    assert_eq!(house.rows(&format!("SELECT count(*) FROM {all}")), (vitals + 4 + 1).to_string());
    assert_eq!(
        house.rows(&format!(
            "SELECT status, version_id, code, name, category, as_of_epoch() FROM {all} WHERE category = 'laboratory'"
        )),
        "amended,2,2339-0,Glucose,laboratory,1"
    );
    assert_eq!(
        house.rows(&format!("SELECT count(*), count(DISTINCT resource_id) FROM {all} WHERE array_has(codes, 'urn:iso:std:iso:11073:10101|149530')")),
        "4,4"
    );
    // From and until: the tenth second and the one after it.
    let some = format!("fhir_observations('{}', '2026-01-01T00:00:10Z', '2026-01-01T00:00:12Z')", user());
    assert_eq!(
        house.rows(&format!("SELECT name, effective FROM {some} WHERE code <> '8867-4' ORDER BY 2, 1")),
        "Respiratory rate,2026-01-01T00:00:10Z\nOxygen saturation,2026-01-01T00:00:11Z\nRespiratory rate,2026-01-01T00:00:11Z"
    );
    let somebody = UserId::derive(&["somebody"]);
    assert_eq!(house.rows(&format!("SELECT count(*) FROM fhir_observations('{somebody}')")), "1");
    assert_eq!(
        house.rows(&format!("SELECT count(*) FROM fhir_observations('{}')", UserId::derive(&["nobody"]))),
        "0"
    );
    let ids = house.rows(&format!("SELECT resource_id FROM {some} ORDER BY 1"));
    for id in ids.lines() {
        assert_eq!(house.rows(&format!("SELECT resource_id FROM fhir_observation('{id}')")), id);
    }
}

#[test]
fn a_function_that_is_asked_wrongly_says_how() {
    let house = house(0);
    for question in [
        "fhir_observations('me')".to_owned(),
        "fhir_observations(1)".to_owned(),
        format!("fhir_observations('{}', 'yesterday')", user()),
        format!("fhir_observations('{}', '2026-01-01', '2026-01-02', 'x')", user()),
        "fhir_observation()".to_owned(),
    ] {
        let refusal = house.refusal(&format!("SELECT * FROM {question}"));
        assert!(refusal.contains("takes the id of"), "{question}: {refusal}");
    }
    assert!(house.refusal("SELECT fhir(1)").contains("could not understand"), "it is not a function of SQL");
}

#[test]
fn a_search_is_a_bundle_page_by_page_and_each_observation_stands_once() {
    let house = house(0);
    for sort in ["date", "-date"] {
        let mut path = format!("/fhir/Observation?patient={}&_count=300&_sort={sort}", user());
        let (mut ids, mut times) = (Vec::new(), Vec::new());
        loop {
            let (code, head, bundle) = ask(&house, &path);
            assert!(code == "200" && head.contains("x-as-of-epoch: 1"), "{head}");
            assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"searchset".into()));
            assert!(link(&bundle, "self").is_some());
            for entry in entries(&bundle) {
                let id = entry["resource"]["id"].as_str().expect("an id").to_owned();
                assert_eq!(entry["fullUrl"], format!("http://door/fhir/Observation/{id}"));
                assert_eq!(entry["search"]["mode"], "match");
                let resource = &entry["resource"];
                let time =
                    resource["effectiveDateTime"].as_str().or(resource["effectivePeriod"]["start"].as_str());
                times.push(time.expect("a time").to_owned());
                ids.push(id);
            }
            let Some(next) = link(&bundle, "next") else { break };
            path = next;
        }
        let all = 2 * OBSERVATIONS + OBSERVATIONS * 9 / 10 + 4 + 1;
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (all, all));
        assert!(if sort == "date" { times.is_sorted() } else { times.iter().rev().is_sorted() });
    }
}

#[test]
fn a_search_finds_what_it_asks_for() {
    let house = house(0);
    let count = |query: &str| {
        let (code, _, bundle) =
            ask(&house, &format!("/fhir/Observation?patient=Patient/{}&_count=1000&{query}", user()));
        assert_eq!(code, "200", "{bundle}");
        entries(&bundle).len()
    };
    assert_eq!(count("code=2339-0"), 1);
    assert_eq!(count("code=http://loinc.org%7C2339-0"), 1);
    assert_eq!(count("code=urn:iso:std:iso:11073:10101%7C2339-0"), 0);
    assert_eq!(count("code=59408-5"), OBSERVATIONS * 9 / 10, "by any of its codes");
    assert_eq!(count("category=laboratory"), 1);
    assert_eq!(count("category=laboratory&status=amended"), 0);
    assert_eq!(count("code=9279-1&date=ge2026-01-01T00:00:10Z&date=lt2026-01-01T00:00:20Z"), 10);
    assert_eq!(count("date=2026-01-02"), 0);
    let (_, _, newest) = ask(&house, &format!("/fhir/Observation?patient={}&_sort=-date&_count=1", user()));
    assert_eq!(entries(&newest)[0]["resource"]["code"]["coding"][0]["code"], "2339-0");
    let (_, _, nothing) = ask(&house, &format!("/fhir/Observation?patient={}", UserId::derive(&["nobody"])));
    assert!(nothing.get("entry").is_none(), "FHIR knows no empty list");
}

#[test]
fn one_observation_is_read_in_its_newest_version() {
    let house = house(0);
    let path = format!("/fhir/Observation/{}", glucose("own", "sample", 0).id());
    let (code, head, first) = ask(&house, &path);
    assert!(code == "200" && head.contains("x-as-of-epoch: 1"), "{head}");
    assert_eq!((&first["status"], &first["meta"]["versionId"]), (&"final".into(), &"1".into()));
    show(&house, 2, 1);
    let (_, head, second) = ask(&house, &path);
    assert!(head.contains("x-as-of-epoch: 2"), "{head}");
    assert_eq!((&second["status"], &second["meta"]["versionId"]), (&"amended".into(), &"2".into()));
    assert_eq!(second["valueQuantity"]["value"], 101.0);
}

#[test]
fn what_is_not_answered_is_an_outcome_with_the_next_step() {
    let house = house(0);
    let nobody = format!("/fhir/Observation/{}", SessionId::derive(&["nobody"]));
    for (path, code, issue, word) in [
        ("/fhir/Observation", "400", "invalid", "patient="),
        ("/fhir/Observation?patient=me", "400", "invalid", "patient is not understood"),
        ("/fhir/Observation?patient=me&colour=red", "400", "invalid", "patient is not understood"),
        (
            &format!("/fhir/Observation?patient={}&colour=red", user()),
            "400",
            "invalid",
            "colour is not known",
        ),
        (&format!("/fhir/Observation?patient={}&_count=0", user()), "400", "invalid", "from 1 to 1000"),
        (&nobody, "404", "not-found", "no such Observation"),
        ("/fhir/Observation/'%20OR%201=1", "404", "not-found", "no such Observation"),
        (&format!("{nobody}-hr"), "404", "not-found", "no such Observation"),
        (&format!("{nobody}-1767225600000000"), "404", "not-found", "no such Observation"),
    ] {
        let (found, _, outcome) = ask(&house, path);
        assert_eq!((found.as_str(), &outcome["resourceType"]), (code, &"OperationOutcome".into()), "{path}");
        let first = &outcome["issue"][0];
        assert_eq!((&first["severity"], &first["code"]), (&"error".into(), &issue.into()), "{path}");
        assert!(first["diagnostics"].as_str().expect("words").contains(word), "{path}: {outcome}");
    }
}
