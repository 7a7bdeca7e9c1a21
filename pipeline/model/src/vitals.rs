//! Vital signs of one person at one moment, as a monitor observed them.

use crate::{EventId, Micros, Number, Origin, UserId};
use serde::{Deserialize, Serialize};

/// Consciousness on the ACVPU scale (RCP, NEWS2, 2017).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Consciousness {
    /// Alert.
    Alert,
    /// New confusion.
    Confusion,
    /// Answers to voice.
    Voice,
    /// Answers to pain.
    Pain,
    /// Unresponsive.
    Unresponsive,
}

impl Consciousness {
    /// Every step of the scale, with its letter in events and tables.
    pub const ALL: [(&'static str, Self); 5] = [
        ("A", Self::Alert),
        ("C", Self::Confusion),
        ("V", Self::Voice),
        ("P", Self::Pain),
        ("U", Self::Unresponsive),
    ];

    /// Letter in events and tables.
    pub const fn letter(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Place on the scale, 0 alert to 4 unresponsive.
    pub const fn step(self) -> u32 {
        self as u32
    }
}

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
    /// Systolic blood pressure by a cuff, mmHg.
    pub systolic: Option<Number>,
    /// Diastolic blood pressure by a cuff, mmHg.
    pub diastolic: Option<Number>,
    /// Body temperature, °C.
    pub temperature: Option<Number>,
    /// Consciousness.
    pub consciousness: Option<Consciousness>,
    /// Whether oxygen is given.
    pub oxygen: Option<bool>,
    /// Where it stood on the log.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::Consciousness;

    #[test]
    fn the_scale_stands_in_its_order() {
        for (place, (letter, consciousness)) in (0..).zip(Consciousness::ALL) {
            assert_eq!((consciousness.letter(), consciousness.step()), (letter, place));
        }
    }
}
