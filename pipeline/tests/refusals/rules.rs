//! Rule sets published while people have alerts: from the command line, through the whole program.

use crate::{
    heard::{START, event, follow, person, session},
    program::Place,
};
use model::{DomainEvent, EventId, Input, Origin, RulesPublished};
use serde_json::json;

/// The set of glucose in another version, in which CRITICAL begins where it did not.
fn milder(place: &Place) -> String {
    let shipped = place.say(&["rules", "show", "glucose"]).fine();
    assert!(shipped.contains("at_most = 46"));
    let changed =
        shipped.replace("version = \"1.0\"", "version = \"1.1\"").replace("at_most = 46", "at_most = 40");
    // It holds as soon as it is published.
    let dated = changed.replace("effective = 2026-11-21", "effective = 2026-01-01");
    place.write("glucose.toml", &dated).display().to_string()
}

#[test]
fn a_changed_limit_clears_what_it_does_not_find_and_the_alert_names_its_version() {
    let place = Place::new();
    let open = "SELECT level, rule_version FROM alerts WHERE rule = 'glucose' AND cleared_at IS NULL";
    let before = json!({"level": "CRITICAL", "rule_version": "1.0"});
    follow(&place, [person(START), session("measured", START)].concat(), open, &before);

    let file = milder(&place);
    let told = place.say(&["rules", "check", &file]).fine();
    assert_eq!(told, "glucose 1.1: 7 rules\nglucose is not as it ships\n");
    assert_eq!(place.say(&["rules", "publish", &file]).fine(), told);
    // One that cannot be read comes, too, from whoever writes to the topic.
    let unread = event(&DomainEvent::Rules(RulesPublished {
        at: START,
        event: EventId::derive(&["unread"]),
        set: "glucose".into(),
        text: "id = \"glucose\"\nverison = \"2\"".into(),
        origin: Origin { input: Input::Rules, partition: 0, offset: 0 },
    }));
    follow(&place, vec![unread], open, &json!({"level": "HIGH", "rule_version": "1.1"}));
    let cleared = "SELECT level, rule_version, changed_by_version, (SELECT count(*) FROM alerts) AS alerts FROM alerts \
                   WHERE cleared_at IS NOT NULL";
    let row = place.ask_the_lake(cleared);
    assert_eq!(
        row,
        json!({"level": "CRITICAL", "rule_version": "1.0", "changed_by_version": "1.1", "alerts": 2})
    );
    let letter = place.ask_the_lake("SELECT topic, reason, detail FROM dead_letters");
    assert_eq!((&letter["topic"], &letter["reason"]), (&json!("manpasik.ai.rules"), &json!("BAD_RULES")));
    let detail = letter["detail"].as_str().unwrap();
    assert!(detail.starts_with("text:2: unknown key \"verison\"; did you mean \"version\"?"), "{detail}");

    // What ships comes back the same way; the alert that the other version raised escalates by it.
    let shipped = place.say(&["rules", "show", "glucose"]).fine();
    let back = place.write("back.toml", &shipped).display().to_string();
    place.say(&["rules", "publish", &back]).fine();
    follow(&place, vec![], open, &json!({"level": "CRITICAL", "rule_version": "1.1"}));
    // Each comes out again of its inputs, the published sets among them.
    let replayed = place.say(&["explain", "--all", "--replay"]).fine();
    assert!(replayed.contains("2 of 2 alerts identical"), "{replayed}");
}

#[test]
fn a_set_that_may_not_be_published_is_refused_with_its_line_and_nothing_is_sent() {
    let place = Place::new();
    let sets = place.say(&["rules", "list"]).fine();
    assert!(sets.starts_with("news2 ") && sets.lines().count() == 6, "{sets}");
    place.say(&["rules", "show", "glucos"]).refused(&["no set \"glucos\" ships", "manpasik rules list"]);
    let wrong = place.write("wrong.toml", "id = \"glucose\"\nverison = \"2\"").display().to_string();
    for command in ["check", "publish"] {
        place.say(&["rules", command, &wrong]).refused(&["wrong.toml", "text:2: unknown key \"verison\""]);
    }
    let score = place.say(&["rules", "show", "news2"]).fine();
    let score = place.write("score.toml", &score).display().to_string();
    place
        .say(&["rules", "publish", &score])
        .refused(&["no such set can be published; publish one of glucose"]);
    let file = milder(&place);
    assert!(!place.data().exists(), "nothing was published");
    let running = place.start(&["run"]);
    let held = place.say(&["--listen", &running.door, "rules", "publish", &file]);
    assert!(held.err.contains("another process holds the log") && held.code == Some(1), "{held:?}");
    assert_eq!(running.signal("TERM").code, Some(0));
}
