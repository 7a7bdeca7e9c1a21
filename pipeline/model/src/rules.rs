//! Rule sets that are published while the program runs.

use crate::{EventId, Micros, Origin};
use serde::{Deserialize, Serialize};

/// A rule set that holds from a moment on, until another of its name does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RulesPublished {
    // First, so that sets are ordered by time; of two of one moment the greater id stands.
    /// From when on it holds.
    pub at: Micros,
    /// Identity of the event.
    pub event: EventId,
    /// Name of the set.
    pub set: String,
    /// The set, as its file has it (TOML).
    pub text: String,
    /// Where it stood on the log.
    pub origin: Origin,
}
