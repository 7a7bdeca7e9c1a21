//! Vital signs of one person at one moment, as a monitor observed them.

use crate::{EventId, Micros, Number, Origin, UserId};
use serde::{Deserialize, Serialize};

/// One observation; a sign that was not observed is absent, never zero.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Vitals {
    /// Person observed.
    pub user: UserId,
    /// When.
    pub at: Micros,
    /// Identity of the event that brought it.
    pub event: EventId,
    /// Heart rate from the electrocardiogram, 1/min.
    pub hr: Option<Number>,
    /// Pulse rate from the oximeter, 1/min.
    pub pulse: Option<Number>,
    /// Respiration rate, 1/min.
    pub resp: Option<Number>,
    /// Peripheral oxygen saturation, %.
    pub spo2: Option<Number>,
    /// Where it stood on the log.
    pub origin: Origin,
}
