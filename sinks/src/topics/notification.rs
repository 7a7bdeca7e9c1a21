//! `manpasik.notification.sent`: what people were notified of, once it may go.
//!
//! An id follows from what is said. Who shows or delivers it does so once per `notification_id`.

use super::{
    NOTIFICATIONS,
    event::{self, Event, content_id, iso},
};
use eventlog::Draft;
use model::{EventId, Notification};
use serde::Serialize;

const WITHDRAWN: &str = "manpasik.notification.sent.withdrawn";

/// What is said; the names are those of the table `notifications`.
#[derive(Serialize)]
struct Said<'a> {
    notification_id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    body: &'a str,
    priority: &'static str,
    channel: &'static str,
    /// The session or the alert it is about.
    about: Option<&'a str>,
    created_at: String,
    sent_at: String,
}

/// What is said of a notification whose reason is gone.
#[derive(Serialize)]
struct Withdrawn {
    withdraws: String,
    notification_id: String,
}

/// The records for `notifications`, which are consolidated and in order.
pub(super) fn drafts(notifications: &[(Notification, i64)], partitions: u32) -> Vec<Draft> {
    event::drafts((NOTIFICATIONS, partitions), notifications, id, told, withdrawn)
}

fn id(notification: &Notification) -> EventId {
    content_id(NOTIFICATIONS, &notification.id.to_string(), &said(notification))
}

fn said(notification: &Notification) -> Said<'_> {
    Said {
        notification_id: notification.id.to_string(),
        kind: &notification.kind,
        title: &notification.title,
        body: &notification.body,
        priority: notification.priority.name(),
        channel: notification.channel.name(),
        about: notification.about.as_deref(),
        created_at: iso(notification.at),
        sent_at: iso(notification.due),
    }
}

fn told(id: EventId, notification: &Notification) -> Event<Said<'_>> {
    about(id, NOTIFICATIONS, notification, said(notification))
}

fn withdrawn(id: EventId, withdraws: String, notification: &Notification) -> Event<Withdrawn> {
    let notification_id = notification.id.to_string();
    about(id, WITHDRAWN, notification, Withdrawn { withdraws, notification_id })
}

fn about<P>(id: EventId, kind: &str, notification: &Notification, payload: P) -> Event<P> {
    Event {
        id,
        kind: kind.to_owned(),
        at: notification.due,
        user: notification.user,
        subject: notification.id.to_string(),
        correlation: notification.about.clone().unwrap_or_else(|| notification.id.to_string()),
        sequence: event::sortable(notification.due),
        payload,
    }
}
