//! What may be published, and what is said of what may not.

use super::Rulebook;
use model::{Micros, time::DAY};

/// 2026-12-01: after the day of every set that ships.
const AT: Micros = 1_796_083_200_000_000;

fn kidney(changes: &[(&str, &str)]) -> String {
    let mut text = Rulebook::text("kidney").unwrap().to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    text
}

fn refusal(changes: &[(&str, &str)]) -> String {
    Rulebook::published("kidney", &kidney(changes), AT).expect_err("it cannot be published").to_string()
}

const NEW: (&str, &str) = ("version = \"1.0\"", "version = \"1.1\"");

#[test]
fn every_set_but_the_score_can_be_published_as_it_ships() {
    for set in Rulebook::shipped().sets() {
        let published = Rulebook::published(&set.id, Rulebook::text(&set.id).unwrap(), AT);
        match set.id.as_str() {
            "news2" => assert!(published.unwrap_err().to_string().contains("publish one of glucose, ")),
            _ => assert_eq!(published.unwrap(), **set),
        }
    }
}

#[test]
fn limits_can_change_under_a_new_version() {
    let set = Rulebook::published("kidney", &kidney(&[NEW, ("7.4", "6.9")]), AT).unwrap();
    assert_eq!(set.version, "1.1");
    assert_ne!(set.rules[1], Rulebook::shipped().rule("creatinine").unwrap().1.clone());
}

#[test]
fn what_may_not_be_published_is_told_with_its_line() {
    for (changes, told) in [
        (&[("7.4", "6.9")][..], "text:3: the version is that of the set that ships, which is another"),
        (&[NEW, ("id = \"kidney\"", "id = \"kidneys\"")], "text:2: no such set can be published"),
        (&[NEW, ("id = \"kidney\"", "id = \"glucose\"")], "text:2: the set has another id"),
        (&[NEW, ("id = \"egfr\"", "id = \"gfr\"")], "text:10: no such rule ships with this set"),
        (&[NEW, ("name = \"creatinine\"", "name = \"urate\"")], "the rule did not ask about \"urate\""),
        (&[NEW, ("2026-11-21", "2026-12-02")], "text:4: \"effective\" is after the event's day"),
        (&[NEW, ("below = 60", "below = sixty")], "not valid TOML"),
    ] {
        let refusal = refusal(changes);
        assert!(refusal.contains(told) && refusal.starts_with("text:"), "{refusal}");
    }
    let whole = kidney(&[NEW]);
    let without = &whole[..whole.find("# A rule of its own").unwrap()];
    let refusal = Rulebook::published("kidney", without, AT).unwrap_err().to_string();
    assert!(refusal.contains("rule \"creatinine\" is missing; to switch it off"), "{refusal}");
}

#[test]
fn a_set_takes_effect_on_its_day_at_the_earliest() {
    let dated = kidney(&[NEW, ("2026-11-21", "2026-12-02")]);
    assert!(Rulebook::published("kidney", &dated, AT).is_err());
    assert!(Rulebook::published("kidney", &dated, AT + DAY).is_ok());
}
