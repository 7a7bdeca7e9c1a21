//! The JSON envelope every domain event travels in.

use serde::{Deserialize, Serialize};

/// An event as other services see it; readers ignore fields they do not know.
///
/// `event_id` is a UUID, `event_type` matches `^manpasik(\.[a-z_]+){2,3}$`, `version` is
/// `major.minor`, `timestamp` is ISO 8601 in UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<P> {
    /// Identity of the event; a second copy has the same.
    pub event_id: String,
    /// What happened.
    pub event_type: String,
    /// Version of the payload's shape.
    pub version: String,
    /// When it happened.
    pub timestamp: String,
    /// Service that says so.
    pub source: String,
    /// What belongs together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Person it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// What is said, by event type.
    pub payload: P,
}
