//! What people are told of their days and goals, and what they are notified of.

use super::{SHAPE, header, value};
use crate::{
    Output, samples,
    topics::{COACHINGS, NOTIFICATIONS, letters},
};
use eventlog::Draft;

#[test]
fn a_day_is_told_when_it_is_over_and_a_revision_takes_back_the_one_before() {
    let of = |summaries: Vec<(model::DailySummary, i64)>| {
        letters(&Output::merge([Output { summaries, ..Output::default() }]), SHAPE).drafts
    };
    let summary = samples::summary(2, 3);
    let open = model::DailySummary { is_over: false, ..summary.clone() };
    assert!(of(vec![(open.clone(), 1)]).is_empty(), "a day that is not over is not told");
    let told = of(vec![(open, -1), (summary.clone(), 1)]).remove(0);
    assert_eq!((&*told.topic, header(&told, "ce_type")), (COACHINGS, "manpasik.coaching.daily_summary"));
    assert_eq!(told.timestamp_ms, summary.ends_at / 1_000);
    let payload = &value(&told)["payload"];
    assert_eq!(
        (&payload["day"], &payload["ends_at"]),
        (&"2023-11-16".into(), &"2023-11-16T15:00:00.000000Z".into())
    );
    assert_eq!((&payload["kind"], &payload["measurements"]), (&"urgent".into(), &3.into()));
    let glucose = &payload["biomarkers"][0];
    assert_eq!(
        (&glucose["lowest"], &glucose["highest"], &glucose["last"]),
        (&60.0.into(), &92.0.into(), &70.0.into())
    );
    assert_eq!(payload["text"]["en"], "Something was urgent.");
    let revised = of(vec![(summary.clone(), -1), (samples::summary(2, 4), 1)]);
    let kinds: Vec<_> = revised.iter().map(|draft| header(draft, "ce_type")).collect();
    assert_eq!(kinds, ["manpasik.coaching.daily_summary.withdrawn", "manpasik.coaching.daily_summary"]);
    assert_eq!(value(&revised[0])["payload"]["withdraws"], header(&told, "ce_id"));
    let same = |draft: &Draft| value(draft)["payload"]["summary_id"].clone();
    assert!(revised.iter().all(|draft| same(draft) == same(&told)), "the day is the same");
}

#[test]
fn a_goal_is_told_when_it_is_reached_or_missed_and_taken_back_when_it_is_not() {
    let of = |goals: Vec<(model::GoalProgress, i64)>| {
        letters(&Output::merge([Output { goals, ..Output::default() }]), SHAPE).drafts
    };
    let reached = samples::goal(2, 2);
    let open = model::GoalProgress { state: model::GoalState::Open, ..samples::goal(2, 1) };
    assert!(of(vec![(open.clone(), 1)]).is_empty());
    let told = of(vec![(open.clone(), -1), (reached.clone(), 1)]).remove(0);
    assert_eq!((&*told.topic, header(&told, "ce_type")), (COACHINGS, "manpasik.coaching.goal_progress"));
    let payload = &value(&told)["payload"];
    assert_eq!(
        (&payload["state"], &payload["target"], &payload["done"]),
        (&"reached".into(), &2.into(), &2.into())
    );
    assert_eq!(
        (&payload["period_start"], &payload["period_end"]),
        (&"2023-11-16".into(), &"2023-11-16".into())
    );
    let back = of(vec![(reached, -1), (open, 1)]);
    let [back] = &back[..] else { panic!("{} records", back.len()) };
    assert_eq!(header(back, "ce_type"), "manpasik.coaching.goal_progress.withdrawn");
    assert_eq!(value(back)["payload"]["withdraws"], header(&told, "ce_id"));
}

#[test]
fn a_notification_is_told_when_it_went_and_taken_back_by_its_id() {
    let sent = |sent: Vec<(model::Notification, i64)>| {
        letters(&Output::merge([Output { sent, ..Output::default() }]), SHAPE).drafts
    };
    let notification = samples::notification(2);
    let told = sent(vec![(notification.clone(), 1)]).remove(0);
    assert_eq!((&*told.topic, header(&told, "ce_type")), (NOTIFICATIONS, NOTIFICATIONS));
    assert_eq!(
        (told.timestamp_ms, &told.key),
        (notification.due / 1_000, &Some(notification.user.to_string().into_bytes()))
    );
    let payload = &value(&told)["payload"];
    assert_eq!((&payload["priority"], &payload["channel"]), (&"HIGH".into(), &"PUSH".into()));
    assert_eq!(
        (&payload["title"], &payload["type"]),
        (&"건강 경고".into(), &"NOTIFICATION_TYPE_HEALTH_ALERT".into())
    );
    let back = sent(vec![(notification.clone(), -1)]).remove(0);
    assert_eq!(header(&back, "ce_type"), "manpasik.notification.sent.withdrawn");
    let payload = &value(&back)["payload"];
    assert_eq!(
        (&payload["withdraws"], &payload["notification_id"]),
        (&header(&told, "ce_id").into(), &notification.id.to_string().into())
    );
}
