//! When a value raises an alarm and when it clears it again.
//!
//! # Invariants
//! Per key, raised and cleared take turns and begin with raised. A value between the two limits changes
//! nothing.

use super::{Error, Key};
use model::{Micros, Number};
use serde::{Deserialize, Serialize};

/// Which side of a limit is harmful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// High values raise.
    Above,
    /// Low values raise.
    Below,
}

/// Limits of an alarm, in units of the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// 1 where high values are harmful, −1 where low ones are; it is a factor of the other two, and of
    /// every value.
    sign: f64,
    raise: f64,
    clear: f64,
}

impl Limits {
    /// An alarm that rises at `raise` or beyond it, and clears short of `clear`.
    ///
    /// `clear` lies on the harmless side of `raise` or equals it; else, or where one is not finite, the
    /// limits are refused as [`Error::Limits`].
    pub fn new(direction: Direction, raise: f64, clear: f64) -> Result<Self, Error> {
        let sign = match direction {
            Direction::Above => 1.0,
            Direction::Below => -1.0,
        };
        if raise.is_finite() && clear.is_finite() && clear * sign <= raise * sign {
            Ok(Self { sign, raise: raise * sign, clear: clear * sign })
        } else {
            Err(Error::Limits { raise, clear })
        }
    }

    /// Whether the alarm stands after `value`, given whether it stood before.
    #[inline]
    fn after(&self, raised: bool, value: f64) -> bool {
        value * self.sign >= if raised { self.clear } else { self.raise }
    }
}

/// A value crossed a limit: an alarm of a key was raised or cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Crossing {
    /// Whose.
    pub key: Key,
    /// When: the end of the window the value is of.
    pub at: Micros,
    /// Whether the alarm stands from now on.
    pub raised: bool,
    /// The value that did it.
    pub value: Number,
}

/// The alarms of many keys under the same limits.
#[derive(Debug)]
pub struct Hysteresis {
    limits: Limits,
    raised: Vec<bool>,
}

impl Hysteresis {
    /// No alarm stands.
    pub fn new(limits: Limits) -> Self {
        Self { limits, raised: Vec::new() }
    }

    /// Takes the next value of a key, which was observed until `at`. One that is not finite changes nothing.
    #[inline]
    pub fn push(&mut self, key: Key, at: Micros, value: f64) -> Option<Crossing> {
        if key as usize >= self.raised.len() {
            self.raised.resize(key as usize + 1, false);
        }
        let raised = &mut self.raised[key as usize];
        let (before, after) = (*raised, self.limits.after(*raised, value));
        if before == after {
            return None;
        }
        let value = Number::finite(value)?;
        *raised = after;
        Some(Crossing { key, at, raised: after, value })
    }
}

#[cfg(test)]
mod tests {
    use super::{Direction, Hysteresis, Limits};

    fn crossings(direction: Direction, raise: f64, clear: f64, values: &[f64]) -> Vec<(i64, bool)> {
        let mut alarm = Hysteresis::new(Limits::new(direction, raise, clear).unwrap());
        let pushed = values.iter().zip(0..).filter_map(|(value, at)| alarm.push(3, at, *value));
        pushed.map(|crossing| (crossing.at, crossing.raised)).collect()
    }

    #[test]
    fn raises_at_one_limit_and_clears_at_the_other() {
        let values = [99.0, 100.0, 95.0, 90.0, f64::NAN, f64::NEG_INFINITY, 89.9, 99.9, 200.0];
        assert_eq!(crossings(Direction::Above, 100.0, 90.0, &values), [(1, true), (6, false), (8, true)]);
        let values = [11.0, 10.0, 12.0, 12.1, 10.1, 9.0];
        assert_eq!(crossings(Direction::Below, 10.0, 12.0, &values), [(1, true), (3, false), (5, true)]);
    }

    #[test]
    fn equal_limits_follow_the_value() {
        assert_eq!(
            crossings(Direction::Above, 1.0, 1.0, &[1.0, 0.9, 1.0]),
            [(0, true), (1, false), (2, true)]
        );
    }

    #[test]
    fn keys_do_not_share_an_alarm() {
        let mut alarm = Hysteresis::new(Limits::new(Direction::Above, 1.0, 0.0).unwrap());
        assert!(alarm.push(7, 0, 2.0).unwrap().raised);
        assert!(alarm.push(2, 0, 2.0).unwrap().raised);
        assert_eq!(alarm.push(7, 1, 2.0), None);
    }

    #[test]
    fn limits_that_would_flicker_are_refused() {
        assert!(Limits::new(Direction::Above, 1.0, 2.0).is_err());
        assert!(Limits::new(Direction::Below, 2.0, 1.0).is_err());
        assert!(Limits::new(Direction::Above, f64::NAN, 1.0).is_err());
        assert!(Limits::new(Direction::Below, f64::NEG_INFINITY, 1.0).is_err());
    }
}
