//! A backfill of old days, through the whole program: they are summed up and their goals judged, late data corrects both,
//! and nobody is told of what is long past.

use crate::{
    heard::{ALERT, COACHING, event, follow, now, person, session, told, user},
    program::Place,
};
use model::{
    DomainEvent, EventId, GoalChange, GoalEvent, GoalId, GoalKind, GoalTerms, Input, Origin, time::DAY,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MINUTE: i64 = 60_000_000;

/// One measurement on each of two days, the first of which is that of noon at `start`.
fn goal(start: i64) -> GoalEvent {
    let from =
        (start + 720 * MINUTE - start.div_euclid(MINUTE).rem_euclid(1_440) * MINUTE).div_euclid(DAY) as i32;
    let terms = GoalTerms { kind: GoalKind::PerDay, target: 1, biomarker: None, from, until: from + 1 };
    GoalEvent {
        at: start,
        event: EventId::derive(&["goal is set"]),
        user: user("person"),
        goal: GoalId::derive(&["goal"]),
        change: GoalChange::Set(terms),
        origin: Origin { input: Input::Goals, partition: 0, offset: 0 },
    }
}

/// How often each type of event is on the topic of coaching.
fn types(place: &Place) -> BTreeMap<String, usize> {
    let mut types = BTreeMap::new();
    for (kind, _) in told(place, "manpasik.coaching.generated") {
        *types.entry(kind.strip_prefix("manpasik.coaching.").unwrap().to_owned()).or_default() += 1;
    }
    types
}

/// What is told last by events of this type of the period or day that `is_it`.
fn last(place: &Place, kind: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let events = told(place, "manpasik.coaching.generated").into_iter();
    let of = events.filter(|(its, payload)| *its == format!("manpasik.coaching.{kind}") && is_it(payload));
    of.last().unwrap().1
}

#[test]
fn a_backfill_is_summed_up_and_corrected_and_wakes_nobody_but_what_is_new_does() {
    let (place, now) = (Place::new(), now());
    // Noon of three days ago, where it is noon now.
    let start = now - 3 * DAY;
    let goal = DomainEvent::Goal(goal(start));
    let first = [person(start), vec![event(&goal)], session("first", start)].concat();
    // The coaching, the risk (their mother hears, too), the day and the day without anything, the goal reached and missed.
    let question = "SELECT state, count(*) AS n FROM notifications GROUP BY state";
    follow(&place, first, question, &json!({"state": "expired", "n": 7}));
    assert!(told(&place, "manpasik.notification.sent").is_empty(), "nobody hears of it");
    let unread = place.ask_the_lake("SELECT count(*) AS n FROM unread_notifications");
    assert_eq!(unread, json!({"n": 0}));
    let due = [("daily_summary", 2), ("generated", 1), ("goal_progress", 2)];
    assert_eq!(types(&place), due.map(|(kind, count)| (kind.to_owned(), count)).into());
    let day = last(&place, "daily_summary", |day| day["kind"] == "urgent");
    assert_eq!((&day["measurements"], &day["biomarkers"][0]["biomarker"]), (&json!(1), &json!("glucose")));
    assert!((day["biomarkers"][0]["last"].as_f64().unwrap() - 45.0).abs() < 0.5, "{day}");
    let missed = last(&place, "goal_progress", |goal| goal["state"] == "missed");
    assert_eq!((&missed["target"], &missed["done"]), (&json!(1), &json!(0)));

    // The device comes back with what it measured on the second day: the goal of that day was reached after all.
    let question = "SELECT count(*) FILTER (WHERE state = 'reached') AS reached, count(*) AS goals, \
                    (SELECT count(*) FROM daily_summaries WHERE kind = 'urgent') AS urgent, \
                    (SELECT count(*) FROM daily_summaries WHERE kind = 'nothing') AS nothing FROM goals";
    let answer = json!({"reached": 2, "goals": 2, "urgent": 2, "nothing": 1});
    follow(&place, session("second", start + DAY), question, &answer);
    let all = types(&place);
    let kinds = ["daily_summary", "daily_summary.withdrawn", "goal_progress", "goal_progress.withdrawn"];
    assert_eq!(kinds.map(|kind| all[kind]), [4, 1, 3, 1]);
    let reached = last(&place, "goal_progress", |goal| goal["progress_id"] == missed["progress_id"]);
    assert_eq!((&reached["state"], &reached["done"]), (&json!("reached"), &json!(1)));
    // Only of the day that ended at midnight somebody may still be told: nothing was measured on it.
    let sent = place.ask_the_lake("SELECT type, channel FROM notifications WHERE state = 'sent'");
    assert_eq!(sent, json!({"type": "NOTIFICATION_TYPE_DAILY_SUMMARY", "channel": "IN_APP"}));

    // What is measured now is told.
    let question = format!(
        "SELECT count(*) AS n FROM notifications WHERE state = 'sent' AND read_at IS NULL AND type IN ('{ALERT}', '{COACHING}')"
    );
    follow(&place, session("third", now - 5 * MINUTE), &question, &json!({"n": 3}));
    let sent = told(&place, "manpasik.notification.sent");
    let critical = sent.iter().filter(|(_, one)| one["type"] == ALERT && one["priority"] == "CRITICAL");
    assert_eq!(critical.count(), 2, "{sent:?}");
}
