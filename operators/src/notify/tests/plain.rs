//! The same by looking at everything that came so far.

use super::made::{Feed, HOUR, START, Standing};
use crate::notify::wish;
use model::{
    DomainEvent, EventId, GoalState, Level, Micros, Notification, NotificationEvent, NotificationListed,
    Unread, UserId,
    notification::{Channel, NotificationChange, NotificationSettings, Priority},
};
use std::collections::{BTreeMap, BTreeSet};

/// The same, by looking at everything that came so far, epoch by epoch: what became of a notification was decided when it
/// was first due.
pub(super) fn plain(max_age: i64, feeds: &[Feed]) -> Standing {
    let mut settled = BTreeMap::<EventId, (Notification, bool)>::new();
    for epoch in 1..=feeds.len() {
        let now = now(&feeds[..epoch]);
        let judged = |(id, one): (EventId, Notification)| {
            let is_expired = match settled.get(&id) {
                Some((before, is_expired)) if *before == one => *is_expired,
                Some((_, false)) => false,
                _ => one.due < now - max_age * HOUR,
            };
            (id, (one, is_expired))
        };
        let due = wishes(&feeds[..epoch]).into_iter().filter(|(_, one)| one.due <= now);
        settled = due.map(judged).collect();
    }
    listed(feeds, settled.into_values())
}

fn now(feeds: &[Feed]) -> Micros {
    START + feeds.iter().map(|feed| feed.now).max().unwrap() * HOUR
}

/// What events say, each once.
fn events(feeds: &[Feed]) -> Vec<NotificationEvent> {
    let events: BTreeSet<_> = feeds.iter().flat_map(|feed| &feed.events).collect();
    let of = |event: &&DomainEvent| match event {
        DomainEvent::Notification(event) => event.clone(),
        _ => panic!("an event about notifications"),
    };
    events.iter().map(of).collect()
}

/// Everything that somebody is to be told.
fn wishes(feeds: &[Feed]) -> BTreeMap<EventId, Notification> {
    let events = events(feeds);
    let settings = |user: UserId, at: Micros| {
        let those = events.iter().filter(|event| event.user == user && event.at <= at);
        let those = those.filter_map(|event| match event.change {
            NotificationChange::Settings(settings) => Some((event.at, event.event, settings)),
            _ => None,
        });
        those.max().map_or_else(NotificationSettings::default, |(.., settings)| settings)
    };
    let mut wishes: BTreeMap<EventId, Notification> = BTreeMap::new();
    let wish = |at, id, user, words: [&str; 3], priority, channel, about| {
        let quiet = settings(user, at).quiet.filter(|_| priority != Priority::Critical);
        let due = quiet.map_or(at, |quiet| quiet.over(at));
        let [kind, title, body] = words.map(str::to_owned);
        Notification { at, due, id, user, kind, title, body, priority, channel, about }
    };
    for event in &events {
        if let NotificationChange::Requested { kind, title, body, priority, channel } = &event.change {
            let words = [kind.as_str(), title, body];
            wishes.insert(
                event.event,
                wish(event.at, event.event, event.user, words, *priority, *channel, None),
            );
        }
    }
    // Their words are looked at by a test of their own.
    let mut own = |made: Notification| drop(wishes.insert(made.id, made));
    for (risk, _) in standing(feeds.iter().flat_map(|feed| feed.risks.clone())) {
        for (user, at, wish_of) in wish::of_risk(&risk) {
            let priority =
                if risk.change.level == Level::Critical { Priority::Critical } else { Priority::High };
            let about = Some(risk.change.alert.to_string());
            let words = ["NOTIFICATION_TYPE_HEALTH_ALERT", "", ""];
            own(wish(at, wish_of.id, user, words, priority, Channel::Push, about));
        }
    }
    for (coaching, _) in standing(feeds.iter().flat_map(|feed| feed.coachings.clone())) {
        let (user, at, wish_of) = wish::of_coaching(&coaching);
        let about = Some(coaching.session.to_string());
        let words = ["NOTIFICATION_TYPE_COACHING", "", ""];
        own(wish(at, wish_of.id, user, words, Priority::Normal, Channel::Push, about));
    }
    for (day, _) in standing(feeds.iter().flat_map(|feed| feed.days.clone())) {
        if day.is_over {
            let id = EventId::derive(&["notification of a day", &day.id().to_string()]);
            let (words, about) = (["NOTIFICATION_TYPE_DAILY_SUMMARY", "", ""], Some(day.id().to_string()));
            own(wish(day.ends_at, id, day.user, words, Priority::Normal, Channel::InApp, about));
        }
    }
    for (goal, _) in standing(feeds.iter().flat_map(|feed| feed.goals.clone())) {
        let channel = match goal.state {
            GoalState::Open => continue,
            GoalState::Reached => Channel::Push,
            GoalState::Missed => Channel::InApp,
        };
        let id = EventId::derive(&["notification of a goal", &goal.id().to_string()]);
        let (words, about) = (["NOTIFICATION_TYPE_GOAL", "", ""], Some(goal.id().to_string()));
        own(wish(goal.since, id, goal.user, words, Priority::Normal, channel, about));
    }
    wishes
}

/// What is said of what settled, each with whether it expired.
fn listed(feeds: &[Feed], settled: impl Iterator<Item = (Notification, bool)>) -> Standing {
    let events = events(feeds);
    let mut found = Standing::default();
    let mut unread = BTreeMap::<UserId, Unread>::new();
    for (notification, is_expired) in settled {
        let reads = events.iter().filter(|event| {
            event.user == notification.user
                && event.change == NotificationChange::Read(notification.id)
                && event.at >= notification.at
        });
        let read_at = reads.map(|event| event.at).min().filter(|_| !is_expired);
        found.listed.insert(NotificationListed { notification: notification.clone(), is_expired, read_at });
        if is_expired {
            continue;
        }
        found.sent.insert(notification.clone());
        let (user, due) = (notification.user, notification.due);
        if read_at.is_none() && due > now(feeds) - 30 * HOUR {
            let row = unread.entry(user).or_insert(Unread { user, count: 0, oldest: due, newest: due });
            (row.count, row.oldest, row.newest) = (row.count + 1, row.oldest.min(due), row.newest.max(due));
        }
    }
    found.unread = unread.into_values().collect();
    found
}

fn standing<T: Ord>(changes: impl Iterator<Item = (T, i64)>) -> Vec<(T, i64)> {
    let mut counts = BTreeMap::new();
    changes.for_each(|(row, diff)| *counts.entry(row).or_insert(0) += diff);
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}
