//! A person's own days: cut by their offset from UTC as they said it, moment by moment.
//!
//! # Invariants
//! - A moment lies in the day of the offset that holds at it, which is that of the settings before it.
//! - A day ends at the midnight of the offset that holds at the midnight of UTC after it. On a day on which the offset
//!   changes, a moment may lie after its end; what falls there revises what was said of the day.

use model::{Day, EventId, Micros, notification::HOME_OFFSET, time::DAY};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

const MINUTE: Micros = 60_000_000;

/// Offsets from UTC, minutes, each from a moment on; of two of one moment that of the greater event stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Calendar(BTreeMap<(Micros, EventId), i16>);

impl Calendar {
    /// Takes what holds from `at` on.
    pub(super) fn set(&mut self, at: Micros, event: EventId, offset: i16) {
        self.0.insert((at, event), offset);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What holds at `at`, minutes.
    pub(super) fn offset(&self, at: Micros) -> i16 {
        let later = (at.saturating_add(1), EventId::new(Uuid::nil()));
        self.0.range(..later).next_back().map_or(HOME_OFFSET, |(_, offset)| *offset)
    }

    /// The day in which `at` lies.
    pub(super) fn day(&self, at: Micros) -> Day {
        day_of(at.saturating_add(Micros::from(self.offset(at)) * MINUTE))
    }

    /// The first moment after `day`, and the offset by which it is.
    pub(super) fn end(&self, day: Day) -> (Micros, i16) {
        let midnight = (Micros::from(day) + 1).saturating_mul(DAY);
        let offset = self.offset(midnight);
        (midnight.saturating_sub(Micros::from(offset) * MINUTE), offset)
    }

    /// The first midnight after `now`.
    pub(super) fn midnight(&self, now: Micros) -> Option<Micros> {
        // No offset moves a midnight by more than a day.
        let around = day_of(now) - 2..=day_of(now) + 2;
        around.map(|day| self.end(day).0).filter(|end| *end > now).min()
    }

    /// Keeps the last alone.
    pub(super) fn settle(&mut self) {
        if let Some((&last, _)) = self.0.last_key_value() {
            self.0 = self.0.split_off(&last);
        }
    }

    /// Drops what says nothing of `day` and later days.
    pub(super) fn drop_before(&mut self, day: Day) {
        let oldest = Micros::from(day - 1).saturating_mul(DAY);
        let mut before = self.0.range(..(oldest, EventId::new(Uuid::nil()))).map(|(moment, _)| *moment);
        if let Some(last) = before.next_back() {
            self.0 = self.0.split_off(&last);
        }
    }
}

/// The day of UTC in which `at` lies; every instant has one.
pub(super) const fn day_of(at: Micros) -> Day {
    at.div_euclid(DAY) as Day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> EventId {
        EventId::derive(&[&n.to_string()])
    }

    #[test]
    fn a_day_is_koreas_until_the_person_says_otherwise_and_from_then_on_theirs() {
        let hours = |hours: i64| hours * 60 * MINUTE;
        let mut calendar = Calendar::default();
        assert_eq!([hours(14), hours(15), hours(-9)].map(|at| calendar.day(at)), [0, 1, 0]);
        assert_eq!(calendar.end(0), (hours(15), 540));
        calendar.set(hours(30), id(1), -480);
        assert_eq!([hours(14), hours(29), hours(30), hours(56)].map(|at| calendar.day(at)), [0, 1, 0, 2]);
        // The midnight of UTC after day 1 is at 48 h, when the new offset holds.
        assert_eq!((calendar.end(0), calendar.end(1)), ((hours(15), 540), (hours(56), -480)));
        assert_eq!(
            [hours(14), hours(15), hours(55)].map(|at| calendar.midnight(at)),
            [hours(15), hours(56), hours(56)].map(Some)
        );
    }

    #[test]
    fn what_is_dropped_does_not_show_in_the_days_that_stay() {
        let mut calendar = Calendar::default();
        for n in 0..40_u32 {
            calendar.set(Micros::from(n) * DAY / 3, id(n), (n * 37 % 300) as i16);
        }
        let whole = calendar.clone();
        calendar.drop_before(6);
        assert!(calendar.0.len() < whole.0.len());
        for at in (6 * DAY - DAY..20 * DAY).step_by(1_000_000_000) {
            assert_eq!(calendar.day(at), whole.day(at));
        }
        assert!((5..20).all(|day| calendar.end(day) == whole.end(day)));
    }
}
