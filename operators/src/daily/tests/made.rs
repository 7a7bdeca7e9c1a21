//! Made people: their results, alerts, settings and goals by the hour; and what stands of their days and goals.

use model::{
    AlertChange, Analysis, ChangeKind, Claim, DailySummary, Day, DomainEvent, EventId, Evidence, GoalChange,
    GoalEvent, GoalId, GoalKind, GoalProgress, GoalTerms, Input, Judged, Level, Micros, NotificationEvent,
    Number, Origin, Risk, Rule, SessionId, SetRule, Span, Tick, UserId,
    notification::{Language, NotificationChange, NotificationSettings, QuietHours},
    time::DAY,
};
use std::collections::BTreeSet;

/// 2026-01-01.
pub(super) const START: Micros = 1_767_225_600_000_000;
pub(super) const DAY_0: Day = (START / DAY) as Day;
pub(super) const HOUR: Micros = 3_600_000_000;
pub(super) const HORIZON: Micros = DAY;

/// What comes in one epoch, whose now is so many hours after the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Feed {
    pub(super) events: Vec<DomainEvent>,
    pub(super) analyses: Vec<(Analysis, i64)>,
    pub(super) changes: Vec<(AlertChange, i64)>,
    pub(super) now: i64,
}

impl Feed {
    pub(super) fn tick(&self) -> Tick {
        let now = START + self.now * HOUR;
        Tick { now, watermark: now - HOUR }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Day(DailySummary),
    Goal(GoalProgress),
}

/// What stands after an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) days: BTreeSet<DailySummary>,
    pub(super) goals: BTreeSet<GoalProgress>,
}

impl Standing {
    pub(super) fn of(rows: impl Iterator<Item = Row>) -> Self {
        let mut standing = Self::default();
        for row in rows {
            assert!(match row {
                Row::Day(day) => standing.days.insert(day),
                Row::Goal(goal) => standing.goals.insert(goal),
            });
        }
        standing
    }
}

pub(super) fn user(n: u32) -> UserId {
    UserId::derive(&["user", &n.to_string()])
}

const NOWHERE: Origin = Origin { input: Input::Goals, partition: 0, offset: 0 };

fn id(number: u32) -> EventId {
    EventId::derive(&["event", &number.to_string()])
}

/// Somebody's quiet hours, of which only how far they are ahead of UTC matters, minutes.
pub(super) fn offset(of: u32, hour: i64, number: u32, offset: i16) -> DomainEvent {
    let quiet = Some(QuietHours { from: 0, until: 1, offset });
    let change = NotificationChange::Settings(NotificationSettings { quiet, language: Language::English });
    let (at, user) = (START + hour * HOUR, user(of));
    DomainEvent::Notification(NotificationEvent { at, event: id(number), user, change, origin: NOWHERE })
}

/// Of glucose, or per day of anything.
pub(super) fn goal(kind: GoalKind, target: u16, from: Day, until: Day) -> GoalTerms {
    let biomarker = (kind != GoalKind::PerDay).then(|| "glucose".to_owned());
    GoalTerms { kind, target, biomarker, from, until }
}

fn about(of: u32, hour: i64, number: u32, which: u32, change: GoalChange) -> DomainEvent {
    let (at, goal) = (START + hour * HOUR, GoalId::derive(&["goal", &which.to_string()]));
    DomainEvent::Goal(GoalEvent { at, event: id(number), user: user(of), goal, change, origin: NOWHERE })
}

pub(super) fn set(of: u32, hour: i64, number: u32, which: u32, terms: GoalTerms) -> DomainEvent {
    about(of, hour, number, which, GoalChange::Set(terms))
}

pub(super) fn removed(of: u32, hour: i64, number: u32, which: u32) -> DomainEvent {
    about(of, hour, number, which, GoalChange::Removed)
}

/// Of session `number`: glucose, urate, or something nobody understands.
pub(super) fn analysis(
    of: u32,
    hour: i64,
    number: u32,
    what: u32,
    level: Option<Risk>,
    unsure: bool,
) -> Analysis {
    let value = Number::from((hour * 37 % 101) as u32);
    let claim = Claim {
        class: "a class".into(),
        value,
        unit: "mg/dL".into(),
        at_least: false,
        low: None,
        high: None,
        limits: "limits".into(),
        source: "a source".into(),
        confidence: Number::from(1),
        needs_retest: unsure,
    };
    let is_known = what < 2;
    let rule = SetRule {
        id: "a rule".into(),
        set: "a set".into(),
        version: "1.0".into(),
        claim: level.map(|_| claim),
    };
    let judged = Judged { rule, level, silence: None };
    Analysis {
        at: START + hour * HOUR,
        session: SessionId::derive(&[&of.to_string(), &number.to_string()]),
        user: user(of),
        revision: 0,
        biomarker: is_known.then(|| ["glucose", "urate"][what as usize].to_owned()),
        value: Some(value),
        unit: "mg/dL".into(),
        confidence: Number::from(1),
        judged: if is_known { vec![judged] } else { Vec::new() },
        unasked: (!is_known).then(|| "not_understood".to_owned()),
        packets: Span { input: Input::Packets, partition: 0, first: 1, last: 2 },
    }
}

pub(super) fn change(of: u32, hour: i64, number: u32, kind: ChangeKind, level: Level) -> AlertChange {
    let at = START + hour * HOUR;
    let (window_start, window_end) = (at, at);
    AlertChange {
        at,
        alert: EventId::derive(&["alert", &of.to_string(), &number.to_string()]),
        user: user(of),
        session: None,
        rule: Rule::News2LowerBound,
        kind,
        level,
        onset: at,
        evidence: Evidence { score: 7, findings: Vec::new(), window_start, window_end, spans: Vec::new() },
    }
}
