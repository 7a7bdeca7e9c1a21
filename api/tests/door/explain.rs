//! What an alert was raised from, asked in SQL.

use crate::House;
use model::{
    EventId,
    view::{About, Parameter},
};

fn alert() -> EventId {
    EventId::derive(&["alert", "raised"])
}

#[test]
fn an_alert_is_explained_piece_by_piece() {
    let house = House::new();
    let parameter = |rule: Option<&str>, name: &str| Parameter {
        rule: rule.map(str::to_owned),
        name: name.to_owned(),
        value: "60".to_owned(),
    };
    house.shelf.describe(About {
        code: "9.9.9+abc".to_owned(),
        versions: vec![("step news2".to_owned(), "2".to_owned())],
        parameters: vec![parameter(Some("news2.lower_bound"), "its"), parameter(None, "others")],
    });
    let question = format!("SELECT kind, name, value, unit, text FROM explain('{}')", alert());
    let rows = house.rows(&question);
    let expected = "rule,news2.lower_bound,,,1.0\n\
                    change,raised,,,\n\
                    change,newest,5.0,,HIGH\n\
                    finding,HR,135.0,/min,score 3\n\
                    finding,SpO2,93.0,%,score 2\n\
                    records,,,,\n\
                    parameter,its,,,60\n\
                    version,step news2,,,2\n\
                    version,code,,,9.9.9+abc";
    assert_eq!(rows, expected);
    let records =
        "SELECT topic, partition, first_offset, last_offset FROM explain('{}') WHERE kind = 'records'";
    assert_eq!(
        house.rows(&records.replace("{}", &alert().to_string())),
        "manpasik.measurement.vitals,0,4,10"
    );
    assert_eq!(house.rows(&format!("SELECT count(*) FROM explain('{}')", alert())), "9");
    assert_eq!(house.rows(&format!("SELECT kind FROM explain('{}') LIMIT 1", alert())), "rule");
}

#[test]
fn what_is_no_alert_is_refused_with_what_to_ask() {
    let house = House::new();
    for (question, reason) in [
        (
            format!("SELECT * FROM explain('{}')", EventId::derive(&["nothing"])),
            "SELECT alert_id, rule, onset",
        ),
        ("SELECT * FROM explain('me')".to_owned(), "takes the id of an alert"),
        ("SELECT * FROM explain(7)".to_owned(), "takes the id of an alert"),
        (format!("SELECT * FROM explain('{}', 1)", alert()), "takes the id of an alert"),
    ] {
        let refusal = house.refusal(&question);
        assert!(refusal.contains(reason), "{question}: {refusal}");
    }
}
