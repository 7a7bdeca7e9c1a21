//! Who may hear of a person's risks: what they consented to, and with whom they share what.
//!
//! # Invariants
//! Nobody but the person hears of a risk unless a consent and a sharing are both in force.

use crate::{AlertChange, EventId, Finding, Micros, Number, Origin, UserId};
use serde::{Deserialize, Serialize};

/// The consent without which nothing is shared with a family.
pub const FAMILY_SHARING: &str = "family_sharing";
/// The data that risks are.
pub const ALERTS: &str = "alerts";

/// What changed about who may see what of a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sharing {
    /// They consented to something, by its name.
    Granted(String),
    /// They took a consent back.
    Revoked(String),
    /// From now on a member of their family sees these data and no others; of no data, nothing.
    Shared {
        /// Who sees them.
        member: UserId,
        /// Names of the data, in order.
        data: Vec<String>,
    },
}

/// A consent or a sharing, from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SharingChanged {
    // First, so that changes are ordered by time; of two of one moment the greater id stands.
    /// When.
    pub at: Micros,
    /// Identity of the event.
    pub event: EventId,
    /// Whose data.
    pub user: UserId,
    /// What changed.
    pub sharing: Sharing,
    /// Where it stood on the log.
    pub origin: Origin,
}

/// A risk from HIGH on, and who is to hear of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RiskDetected {
    // First, so that risks are ordered, and told, by time.
    /// What was found: raised, escalated or told again.
    pub change: AlertChange,
    /// The value that weighs most in it.
    pub leading: Option<Finding>,
    /// Between which limits that value would be well, where the rule says so.
    pub reference: Option<(Option<Number>, Option<Number>)>,
    /// The person first, then who in their family was allowed to hear of it at that moment, in order.
    pub recipients: Vec<UserId>,
}
