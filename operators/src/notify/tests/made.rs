//! Made events, risks, coachings, days and goals by the hour; and what stands of what people are told.

use model::{
    AlertChange, AlertCounts, ChangeKind, Coaching, DailySummary, DayKind, DomainEvent, EventId, Evidence,
    GoalId, GoalKind, GoalProgress, GoalState, Input, Level, Micros, Notification, NotificationEvent,
    NotificationListed, Origin, RiskDetected, Rule, SessionId, Span, Text, Unread, UserId,
    notification::{Channel, Language, NotificationChange, NotificationSettings, Priority, QuietHours},
};
use std::collections::BTreeSet;

/// 2026-01-01.
pub(super) const START: Micros = 1_767_225_600_000_000;
pub(super) const HOUR: Micros = 3_600_000_000;

pub(super) fn user(n: u32) -> UserId {
    UserId::derive(&["user", &n.to_string()])
}

pub(super) fn event(of: u32, hour: i64, number: u32, change: NotificationChange) -> DomainEvent {
    DomainEvent::Notification(NotificationEvent {
        at: START + hour * HOUR,
        event: EventId::derive(&["event", &number.to_string()]),
        user: user(of),
        change,
        origin: Origin { input: Input::Notifications, partition: 0, offset: u64::from(number) },
    })
}

pub(super) fn request(of: u32, hour: i64, number: u32, priority: Priority) -> DomainEvent {
    let (kind, title, body) = ("a kind".into(), "a title".into(), "a body".into());
    event(
        of,
        hour,
        number,
        NotificationChange::Requested { kind, title, body, priority, channel: Channel::InApp },
    )
}

pub(super) fn settings(
    of: u32,
    hour: i64,
    number: u32,
    quiet: Option<(u16, u16)>,
    language: Language,
) -> DomainEvent {
    let quiet = quiet.map(|(from, until)| QuietHours { from: from * 60, until: until * 60, offset: 0 });
    event(of, hour, number, NotificationChange::Settings(NotificationSettings { quiet, language }))
}

pub(super) fn read(of: u32, hour: i64, number: u32, id: EventId) -> DomainEvent {
    event(of, hour, number, NotificationChange::Read(id))
}

pub(super) fn risk(of: u32, hour: i64, level: Level, recipients: &[u32]) -> RiskDetected {
    let at = START + hour * HOUR;
    let change = AlertChange {
        at,
        alert: EventId::derive(&["alert", &of.to_string()]),
        user: user(of),
        session: None,
        rule: Rule::News2LowerBound,
        kind: ChangeKind::Raised,
        level,
        onset: at,
        evidence: Evidence {
            score: 7,
            findings: Vec::new(),
            window_start: at,
            window_end: at,
            spans: Vec::new(),
        },
    };
    let recipients = recipients.iter().map(|n| user(*n)).collect();
    RiskDetected { change, leading: None, reference: None, recipients }
}

pub(super) fn coaching(of: u32, hour: i64, revision: u32) -> Coaching {
    Coaching {
        at: START + hour * HOUR,
        session: SessionId::derive(&[&of.to_string(), &hour.to_string()]),
        user: user(of),
        revision,
        biomarker: None,
        level: None,
        needs_retest: false,
        messages: Vec::new(),
        not_a_diagnosis: Text::default(),
        version: "1.0".into(),
        packets: Span { input: Input::Packets, partition: 0, first: 0, last: 0 },
    }
}

/// A day that ends at `hour`, over or not.
pub(super) fn day(of: u32, hour: i64, is_over: bool, measurements: u32) -> DailySummary {
    DailySummary {
        ends_at: START + hour * HOUR,
        user: user(of),
        day: hour as i32,
        offset: 540,
        is_over,
        kind: DayKind::Recorded,
        measurements,
        to_repeat: 0,
        biomarkers: Vec::new(),
        alerts: AlertCounts::default(),
        text: Text::default(),
        version: "1.0".into(),
    }
}

/// The period of a goal that came to stand so at `hour`.
pub(super) fn goal(of: u32, hour: i64, state: GoalState) -> GoalProgress {
    GoalProgress {
        since: START + hour * HOUR,
        user: user(of),
        goal: GoalId::derive(&["goal"]),
        kind: GoalKind::PerDay,
        biomarker: None,
        from: hour as i32 / 12,
        ends_at: START + hour * HOUR,
        target: 1,
        done: 0,
        state,
        text: Text::default(),
        version: "1.0".into(),
    }
}

/// What comes in one epoch, whose now is so many hours after the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Feed {
    pub(super) events: Vec<DomainEvent>,
    pub(super) risks: Vec<(RiskDetected, i64)>,
    pub(super) coachings: Vec<(Coaching, i64)>,
    pub(super) days: Vec<(DailySummary, i64)>,
    pub(super) goals: Vec<(GoalProgress, i64)>,
    pub(super) now: i64,
}

/// Longer than anything takes.
pub(super) const NEVER: i64 = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Sent(Notification),
    Listed(NotificationListed),
    Unread(Unread),
}

/// What stands after an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) sent: BTreeSet<Notification>,
    pub(super) listed: BTreeSet<NotificationListed>,
    pub(super) unread: BTreeSet<Unread>,
}
