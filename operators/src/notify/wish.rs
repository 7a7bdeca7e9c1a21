//! What somebody is to be told, before it is known when and in which language.

use model::{
    AlertChange, ChangeKind, Coaching, DailySummary, EventId, GoalProgress, GoalState, Level, Micros,
    Notification, RiskDetected, UserId,
    notification::{Channel, Language, Priority},
};
use serde::{Deserialize, Serialize};

/// What this product calls what it tells by itself, as the platform names kinds.
const HEALTH_ALERT: &str = "NOTIFICATION_TYPE_HEALTH_ALERT";
const COACHING: &str = "NOTIFICATION_TYPE_COACHING";
const DAILY_SUMMARY: &str = "NOTIFICATION_TYPE_DAILY_SUMMARY";
const GOAL: &str = "NOTIFICATION_TYPE_GOAL";

/// What somebody is to be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Wish {
    /// Identity of the notification.
    pub(super) id: EventId,
    /// Who.
    pub(super) user: UserId,
    /// What.
    pub(super) words: Words,
    pub(super) priority: Priority,
    pub(super) channel: Channel,
    /// The session, the alert, the day or the period of a goal it is about.
    pub(super) about: Option<String>,
}

/// The words of a notification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Words {
    /// A service's own.
    Given { kind: String, title: String, body: String },
    /// There is coaching.
    Coaching,
    /// There is a risk; of the person themselves or of one of their family.
    Risk { is_own: bool, level: Level },
    /// A day is over.
    Day,
    /// A goal was reached, or its period is over.
    Goal { reached: bool },
}

impl Wish {
    /// The notification that it is, asked for at `at` and free to go at `due`.
    pub(super) fn told(&self, at: Micros, due: Micros, language: Language) -> Notification {
        let (kind, title, body) = match &self.words {
            Words::Given { kind, title, body } => (kind.as_str(), title.as_str(), body.as_str()),
            Words::Coaching => {
                let (title, body) = coaching(language);
                (COACHING, title, body)
            }
            Words::Day => {
                let (title, body) = day(language);
                (DAILY_SUMMARY, title, body)
            }
            Words::Goal { reached } => {
                let (title, body) = goal(*reached, language);
                (GOAL, title, body)
            }
            Words::Risk { is_own, level } => {
                let (title, body) = risk(*is_own, *level, language);
                (HEALTH_ALERT, title, body)
            }
        };
        let Self { id, user, priority, channel, ref about, .. } = *self;
        let (kind, title, body, about) = (kind.to_owned(), title.to_owned(), body.to_owned(), about.clone());
        Notification { at, due, id, user, kind, title, body, priority, channel, about }
    }
}

/// One for everybody who is to hear of `risk`.
///
/// Its identity follows from the change of the alert and from who hears: whoever may hear of it before and after a consent
/// comes late is not told twice.
pub(super) fn of_risk(RiskDetected { change, recipients, .. }: &RiskDetected) -> Vec<(UserId, Micros, Wish)> {
    let AlertChange { alert, at, kind, level, user: person, .. } = *change;
    let wish = |user: UserId| {
        let parts = [
            "notification of a risk",
            &alert.to_string(),
            &at.to_string(),
            kind.name(),
            level.name(),
            &user.to_string(),
        ];
        Wish {
            id: EventId::derive(&parts),
            user,
            words: Words::Risk { is_own: user == person, level },
            priority: if level == Level::Critical { Priority::Critical } else { Priority::High },
            channel: Channel::Push,
            about: Some(alert.to_string()),
        }
    };
    debug_assert!(kind != ChangeKind::Cleared, "what is over is no risk");
    recipients.iter().map(|user| (*user, at, wish(*user))).collect()
}

/// That there is coaching for a session: one notification, however often the measurement is revised.
pub(super) fn of_coaching(&Coaching { at, session, user, .. }: &Coaching) -> (UserId, Micros, Wish) {
    let wish = Wish {
        id: EventId::derive(&["notification of coaching", &session.to_string()]),
        user,
        words: Words::Coaching,
        priority: Priority::Normal,
        channel: Channel::Push,
        about: Some(session.to_string()),
    };
    (user, at, wish)
}

/// That a day is over: one notification, however often what is said of the day is revised.
///
/// It falls due at midnight, so it does not ring.
pub(super) fn of_day(day: &DailySummary) -> Option<(UserId, Micros, Wish)> {
    let (user, about) = (day.user, day.id().to_string());
    let wish = Wish {
        id: EventId::derive(&["notification of a day", &about]),
        user,
        words: Words::Day,
        priority: Priority::Normal,
        channel: Channel::InApp,
        about: Some(about),
    };
    day.is_over.then_some((user, day.ends_at, wish))
}

/// That a goal was reached, or missed, which falls due at midnight: one notification of a period.
pub(super) fn of_goal(goal: &GoalProgress) -> Option<(UserId, Micros, Wish)> {
    let (user, about, reached) = (goal.user, goal.id().to_string(), goal.state == GoalState::Reached);
    let wish = Wish {
        id: EventId::derive(&["notification of a goal", &about]),
        user,
        words: Words::Goal { reached },
        priority: Priority::Normal,
        channel: if reached { Channel::Push } else { Channel::InApp },
        about: Some(about),
    };
    (goal.state != GoalState::Open).then_some((user, goal.since, wish))
}

/// Title and body; this product's own words, as those of [`risk`].
const fn coaching(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Korean => ("측정 결과 안내", "새로운 안내가 있습니다. 앱에서 확인하세요."),
        Language::English => ("Your result", "There is something new for you. Open the app to read it."),
    }
}

const fn day(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Korean => ("하루 요약", "하루 요약이 준비되었습니다. 앱에서 확인하세요."),
        Language::English => ("Your day", "The summary of your day is there. Open the app to read it."),
    }
}

const fn goal(reached: bool, language: Language) -> (&'static str, &'static str) {
    match (language, reached) {
        (Language::Korean, true) => ("목표 달성", "목표를 이루었습니다. 앱에서 확인하세요."),
        (Language::Korean, false) => ("목표 안내", "목표 기간이 끝났습니다. 앱에서 확인하세요."),
        (Language::English, true) => ("Goal reached", "You reached a goal. Open the app to see it."),
        (Language::English, false) => ("Your goal", "The time of a goal is over. Open the app to see it."),
    }
}

const fn risk(is_own: bool, level: Level, language: Language) -> (&'static str, &'static str) {
    match (language, is_own, level) {
        (Language::Korean, true, Level::Critical) => {
            ("긴급 건강 알림", "지금 바로 앱을 확인하고 응급 의료 서비스에 연락하세요. 진단이 아닙니다.")
        }
        (Language::Korean, true, _) => {
            ("건강 알림", "빨리 확인이 필요한 결과가 있습니다. 앱에서 확인하세요. 진단이 아닙니다.")
        }
        (Language::Korean, false, Level::Critical) => (
            "긴급 가족 건강 알림",
            "가족에게 지금 바로 도움이 필요할 수 있습니다. 앱을 확인하세요. 진단이 아닙니다.",
        ),
        (Language::Korean, false, _) => (
            "가족 건강 알림",
            "가족에게 빨리 확인이 필요한 결과가 있습니다. 앱에서 확인하세요. 진단이 아닙니다.",
        ),
        (Language::English, true, Level::Critical) => (
            "Urgent health alert",
            "Open the app now and call the emergency services. This is not a diagnosis.",
        ),
        (Language::English, true, _) => {
            ("Health alert", "A result needs a look soon. Open the app to read it. This is not a diagnosis.")
        }
        (Language::English, false, Level::Critical) => (
            "Urgent health alert of your family",
            "Somebody of your family may need help now. Open the app. This is not a diagnosis.",
        ),
        (Language::English, false, _) => (
            "Health alert of your family",
            "A result of somebody of your family needs a look soon. Open the app to read it. This is not a diagnosis.",
        ),
    }
}
