//! What is learnt of a person: what happened to them, what they set out to do, and where they are.

use model::{
    AlertChange, Analysis, ChangeKind, DomainEvent, EventId, GoalChange, GoalEvent, GoalId, Level, Micros,
    NotificationEvent, Number, Risk, SessionId, UserId, notification::NotificationChange,
};
use serde::{Deserialize, Serialize};

/// Something learnt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Known {
    // First, and never taken back: said by events.
    /// How far the person is ahead of UTC from then on, minutes.
    Offset(Micros, EventId, i16),
    /// What became of a goal.
    Goal(GoalId, Micros, EventId, GoalChange),
    /// What happened.
    Fact(Fact),
}

impl Known {
    /// When it was.
    pub(super) const fn at(&self) -> Micros {
        match self {
            Self::Offset(at, ..) | Self::Goal(_, at, ..) => *at,
            Self::Fact(fact) => fact.at,
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Fact {
    // First, so that facts are ordered by time.
    pub(super) at: Micros,
    pub(super) what: What,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum What {
    /// A measurement was completed.
    Measured(Box<Measured>),
    /// An alert rose to a level.
    Rose(EventId, Level),
}

/// What counts of an analysis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) session: SessionId,
    /// What was measured and its unit; none where it is not understood.
    pub(super) biomarker: Option<(String, String)>,
    /// The value, if rules were asked: not one that cannot be.
    pub(super) value: Option<Number>,
    pub(super) level: Option<Risk>,
    pub(super) to_repeat: bool,
}

impl Measured {
    /// Whether it is of `biomarker`; whatever it is, if none is named.
    pub(super) fn is_of(&self, biomarker: Option<&str>) -> bool {
        biomarker.is_none_or(|name| self.biomarker.as_ref().is_some_and(|(known, _)| known == name))
    }
}

impl Fact {
    /// What was measured, if something was.
    pub(super) const fn measured(&self) -> Option<&Measured> {
        match &self.what {
            What::Measured(measured) => Some(measured),
            What::Rose(..) => None,
        }
    }
}

/// What an event says.
pub(super) fn said(event: DomainEvent) -> Option<(UserId, Known)> {
    match event {
        DomainEvent::Notification(NotificationEvent {
            at,
            event,
            user,
            change: NotificationChange::Settings(settings),
            ..
        }) => Some((user, Known::Offset(at, event, settings.offset()))),
        DomainEvent::Goal(GoalEvent { at, event, user, goal, change, .. }) => {
            Some((user, Known::Goal(goal, at, event, change)))
        }
        _ => None,
    }
}

/// What an analysis says.
pub(super) fn measured(analysis: Analysis) -> (UserId, Known) {
    let (level, to_repeat) = (analysis.level(), analysis.needs_retest());
    let Analysis { at, session, user, biomarker, value, unit, unasked, .. } = analysis;
    let measured = Measured {
        session,
        biomarker: biomarker.map(|name| (name, unit)),
        value: value.filter(|_| unasked.is_none()),
        level,
        to_repeat,
    };
    (user, Known::Fact(Fact { at, what: What::Measured(Box::new(measured)) }))
}

/// What a change of an alert says: only that it rose.
pub(super) fn rose(change: &AlertChange) -> Option<(UserId, Known)> {
    let AlertChange { at, alert, kind, level, user, .. } = *change;
    let fact = Fact { at, what: What::Rose(alert, level) };
    matches!(kind, ChangeKind::Raised | ChangeKind::Escalated).then_some((user, Known::Fact(fact)))
}
