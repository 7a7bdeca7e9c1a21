//! Domain events this product consumes, after their envelope was checked.

use crate::{
    CalibrationCompleted, CartridgeEvent, EventId, GlucoseReading, GoalEvent, Input, LaboratoryEvent, Micros,
    NotificationEvent, Origin, ProfileUpdated, RulesPublished, SessionId, SharingChanged, UserId, Vitals,
};
use serde::{Deserialize, Serialize};

/// A known event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DomainEvent {
    /// A session began.
    SessionStarted(SessionStarted),
    /// A session ended.
    SessionEnded(SessionEnded),
    /// Vital signs were observed.
    Vitals(Vitals),
    /// A calibration was completed.
    Calibration(CalibrationCompleted),
    /// A cartridge was verified, depleted or replaced.
    Cartridge(CartridgeEvent),
    /// What is known of a person changed.
    Profile(ProfileUpdated),
    /// Who may see what of a person changed.
    Sharing(SharingChanged),
    /// A notification was asked for, was read, or is not wanted at some hours.
    Notification(NotificationEvent),
    /// A rule set was published.
    Rules(RulesPublished),
    /// A goal was set or removed.
    Goal(GoalEvent),
    /// A continuous glucose monitor took a reading.
    Glucose(GlucoseReading),
    /// A laboratory gave, corrected or took back a result.
    Laboratory(LaboratoryEvent),
}

impl DomainEvent {
    /// Identity of the event: a second copy has the same.
    pub const fn id(&self) -> EventId {
        match self {
            Self::SessionStarted(event) => event.event,
            Self::SessionEnded(event) => event.event,
            Self::Vitals(event) => event.event,
            Self::Calibration(event) => event.event,
            Self::Cartridge(event) => event.event,
            Self::Profile(event) => event.event,
            Self::Sharing(event) => event.event,
            Self::Notification(event) => event.event,
            Self::Rules(event) => event.event,
            Self::Goal(event) => event.event,
            Self::Glucose(event) => event.event,
            Self::Laboratory(event) => event.event,
        }
    }

    /// When it happened.
    pub const fn at(&self) -> Micros {
        match self {
            Self::SessionStarted(event) => event.at,
            Self::SessionEnded(event) => event.at,
            Self::Vitals(event) => event.at,
            Self::Calibration(event) => event.at,
            Self::Cartridge(event) => event.at,
            Self::Profile(event) => event.at,
            Self::Sharing(event) => event.at,
            Self::Notification(event) => event.at,
            Self::Rules(event) => event.at,
            Self::Goal(event) => event.at,
            Self::Glucose(event) => event.at,
            Self::Laboratory(event) => event.at,
        }
    }

    /// The input that events of its kind come in by.
    pub const fn input(&self) -> Input {
        match self {
            Self::SessionStarted(_) | Self::SessionEnded(_) => Input::Sessions,
            Self::Vitals(_) => Input::Vitals,
            Self::Calibration(_) | Self::Cartridge(_) => Input::Cartridges,
            Self::Profile(_) => Input::Profiles,
            Self::Sharing(_) => Input::Consents,
            Self::Notification(_) => Input::Notifications,
            Self::Rules(_) => Input::Rules,
            Self::Goal(_) => Input::Goals,
            Self::Glucose(_) => Input::Glucose,
            Self::Laboratory(_) => Input::Laboratory,
        }
    }

    /// Where it stood on the log.
    pub const fn origin(&self) -> Origin {
        match self {
            Self::SessionStarted(event) => event.origin,
            Self::SessionEnded(event) => event.origin,
            Self::Vitals(event) => event.origin,
            Self::Calibration(event) => event.origin,
            Self::Cartridge(event) => event.origin,
            Self::Profile(event) => event.origin,
            Self::Sharing(event) => event.origin,
            Self::Notification(event) => event.origin,
            Self::Rules(event) => event.origin,
            Self::Goal(event) => event.origin,
            Self::Glucose(event) => event.origin,
            Self::Laboratory(event) => event.origin,
        }
    }
}

/// A session began.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionStarted {
    /// Identity of the event.
    pub event: EventId,
    /// Session.
    pub session: SessionId,
    /// Person measured.
    pub user: UserId,
    /// Device, as its maker names it.
    pub device: String,
    /// When it began.
    pub at: Micros,
    /// Where it stood on the log.
    pub origin: Origin,
}

/// A session ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionEnded {
    /// Identity of the event.
    pub event: EventId,
    /// Session.
    pub session: SessionId,
    /// When it ended.
    pub at: Micros,
    /// Why: `completed`, `cancelled`, `timeout` …
    pub status: String,
    /// Where it stood on the log.
    pub origin: Origin,
}
