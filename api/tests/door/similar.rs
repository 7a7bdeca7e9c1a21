//! Fingerprints that are alike, asked in SQL, in the same snapshot as everything else.

use crate::House;
use model::{
    SessionId, UserId,
    similar::{Neighbour, Similar, Unanswered},
    view::Snapshot,
};
use std::sync::Arc;

/// How a row of one null looks.
const NULL: &str = "\"\"";

/// Knows one session, which has three neighbours.
#[derive(Debug)]
struct Three(SessionId);

impl Similar for Three {
    fn nearest(&self, session: SessionId, count: usize) -> Result<Vec<Neighbour>, Unanswered> {
        match count {
            _ if session != self.0 => return Err(Unanswered::NoFingerprint),
            0 | 101.. => return Err(Unanswered::Count { most: 100 }),
            _ => {}
        }
        let neighbour = |n: u32| Neighbour {
            session: SessionId::derive(&[&n.to_string()]),
            user: UserId::derive(&["u"]),
            measured_at: i64::from(n) * 1_000_000,
            cosine: 1.0 - n as f32 / 10.0,
            certain: n < 2,
            older_by: 43_200_000_000,
            drifted: n == 2,
        };
        Ok((0..3).map(neighbour).take(count).collect())
    }
}

#[test]
fn neighbours_are_a_table_of_the_snapshot() {
    let house = House::new();
    let session = SessionId::derive(&["asked"]);
    let before = house.shelf.take();
    house.shelf.swap(Snapshot { similar: Arc::new(Three(session)), ..(*before).clone() });
    let question = format!(
        "SELECT rank, round(cosine, 2) AS c, certain, older_by_days AS d, warning IS NOT NULL AS w, as_of_epoch() IS NOT \
         NULL AS e FROM similar_fingerprints('{session}', 10) ORDER BY rank"
    );
    let answer = house.ask(&question).expect("rows");
    let text = api::render(&answer.columns, &answer.batches, api::Format::Csv).expect("text");
    assert_eq!(
        text,
        "rank,c,certain,d,w,e\n1,1.0,true,0.5,false,true\n2,0.9,true,0.5,false,true\n3,0.8,false,0.5,true,true\n"
    );
    assert_eq!(house.rows(&format!("SELECT count(*) FROM similar_fingerprints('{session}', 2)")), "2");
    for (question, reason) in [
        (
            format!("SELECT * FROM similar_fingerprints('{}', 2)", SessionId::derive(&["other"])),
            "has no fingerprint",
        ),
        (format!("SELECT * FROM similar_fingerprints('{session}', 1000)"), "1 to 100 neighbours"),
        (format!("SELECT * FROM similar_fingerprints('{session}', 0)"), "1 to 100 neighbours"),
        ("SELECT * FROM similar_fingerprints('me', 2)".to_owned(), "takes the id of a session and a number"),
        (
            format!("SELECT * FROM similar_fingerprints('{session}')"),
            "takes the id of a session and a number",
        ),
        (format!("SELECT * FROM similar_fingerprints('{session}', -1)"), "similar_fingerprints"),
    ] {
        let refusal = house.refusal(&question);
        assert!(refusal.contains(reason), "{question}: {refusal}");
    }
}

#[test]
fn a_cosine_is_one_for_the_same_direction_and_null_for_none() {
    let house = House::new();
    for (lists, cosine) in [
        ("[1, 2, 2], [2, 4, 4]", "1.0"),
        ("[1.0, 0.0], [0.0, 3.0]", "0.0"),
        ("[1, 1], [-1, -1]", "-1.0"),
        ("[0, 0], [1, 1]", NULL),
        ("[1, NULL], [1, 1]", NULL),
        ("NULL, [1, 1]", NULL),
    ] {
        assert_eq!(house.rows(&format!("SELECT round(cosine({lists}), 9)")), cosine, "{lists}");
    }
    // What fails on a row is not quoted.
    assert!(house.ask("SELECT cosine([1, 2], [1])").is_err());
    assert!(house.refusal("SELECT cosine('a', 'b')").contains("two lists of numbers"));
    assert_eq!(house.rows("SELECT count(*) FROM fingerprints WHERE cosine(vector_88, vector_88) < 1"), "0");
}
