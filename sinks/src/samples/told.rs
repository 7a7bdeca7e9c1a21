//! Made rows of what people are told: notifications, days, goals.

use super::{HOUR, START, user};
use model::{
    AlertCounts, BiomarkerDay, DailySummary, DayKind, EventId, GoalId, GoalKind, GoalProgress, GoalState,
    Micros, Notification, Number, Risk, SessionId, Text,
    notification::{Channel, Priority},
};

pub(crate) fn notification(n: u32) -> Notification {
    let at = START + Micros::from(n) * HOUR;
    Notification {
        at,
        due: at + HOUR,
        id: EventId::derive(&["notification", &n.to_string()]),
        user: user(n),
        kind: "NOTIFICATION_TYPE_HEALTH_ALERT".into(),
        title: "건강 경고".into(),
        body: "혈당이 정상 범위를 초과했습니다".into(),
        priority: Priority::High,
        channel: Channel::Push,
        about: n.is_multiple_of(2).then(|| SessionId::derive(&[&n.to_string()]).to_string()),
    }
}

/// A day that is over, on which so much was measured.
pub(crate) fn summary(n: u32, count: u32) -> DailySummary {
    let day = 19_675 + n as i32;
    let glucose = BiomarkerDay {
        name: "glucose".into(),
        unit: "mg/dL".into(),
        count,
        lowest: Some(Number::from(60)),
        highest: Some(Number::from(92)),
        last: Some((START, Number::from(70))),
        worst: Some(Risk::High),
    };
    DailySummary {
        ends_at: Micros::from(day) * 24 * HOUR + 15 * HOUR,
        user: user(n),
        day,
        offset: 540,
        is_over: true,
        kind: DayKind::Urgent,
        measurements: count,
        to_repeat: 0,
        biomarkers: vec![glucose],
        alerts: AlertCounts { moderate: 0, high: 1, critical: 0 },
        text: Text { en: "Something was urgent.".into(), ko: "급한 일이 있었습니다.".into() },
        version: "1.0".into(),
    }
}

/// A goal of a day that asks for two, of which there are so many.
pub(crate) fn goal(n: u32, done: u32) -> GoalProgress {
    let from = 19_675 + n as i32;
    let ends_at = Micros::from(from) * 24 * HOUR + 15 * HOUR;
    let state = if done < 2 { GoalState::Missed } else { GoalState::Reached };
    GoalProgress {
        since: if done < 2 { ends_at } else { ends_at - HOUR },
        user: user(n),
        goal: GoalId::derive(&["goal"]),
        kind: GoalKind::PerDay,
        biomarker: n.is_multiple_of(2).then(|| "glucose".into()),
        from,
        ends_at,
        target: 2,
        done,
        state,
        text: Text { en: "You reached your goal.".into(), ko: "목표를 이루었습니다.".into() },
        version: "1.0".into(),
    }
}
