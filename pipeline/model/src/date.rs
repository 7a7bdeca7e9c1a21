//! A day of the calendar, in UTC: birthdays, and from when a rule set holds.

use crate::{Day, Micros, time::DAY};
use chrono::{DateTime, Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A day; earlier days are less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date {
    year: i32,
    month: u32,
    day: u32,
}

impl Date {
    /// The day of this year, month (1 to 12) and day of the month, if there is one.
    ///
    /// # Examples
    /// ```
    /// use model::Date;
    /// assert_eq!(Date::new(2026, 2, 28).unwrap().to_string(), "2026-02-28");
    /// assert_eq!(Date::new(2026, 2, 29), None);
    /// ```
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(|_| Self { year, month, day })
    }

    /// The day in which an instant lies, if the calendar reaches so far.
    pub fn of(at: Micros) -> Option<Self> {
        let date = DateTime::from_timestamp_micros(at)?.date_naive();
        Some(Self { year: date.year(), month: date.month(), day: date.day() })
    }

    /// The day that is so many days after 1970-01-01, if the calendar reaches so far.
    pub fn numbered(day: Day) -> Option<Self> {
        Self::of(Micros::from(day) * DAY)
    }

    /// How many days it is after 1970-01-01.
    ///
    /// # Examples
    /// ```
    /// use model::Date;
    /// let day = Date::new(2026, 2, 28).unwrap();
    /// assert_eq!(Date::numbered(day.number()), Some(day));
    /// assert_eq!(Date::numbered(day.number() + 1), Date::new(2026, 3, 1));
    /// ```
    pub fn number(self) -> Day {
        /// From 0000-12-31, where the calendar begins to count, to 1970-01-01.
        const EPOCH: Day = 719_163;
        let date = NaiveDate::from_ymd_opt(self.year, self.month, self.day);
        date.expect("a date was made of a day there is").num_days_from_ce() - EPOCH
    }

    /// Whole years from this day to `then`, negative if `then` is before. Who was born on 29 February is a year
    /// older on 1 March where there is no such day.
    pub fn years_until(self, then: Self) -> i32 {
        let early = (then.month, then.day) < (self.month, self.day);
        then.year - self.year - i32::from(early)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::Date;
    use crate::time::DAY;

    fn date(year: i32, month: u32, day: u32) -> Date {
        Date::new(year, month, day).expect("a day there is")
    }

    #[test]
    fn a_year_is_full_on_the_birthday_and_not_before() {
        let born = date(2008, 2, 29);
        for (then, years) in [
            (date(2024, 2, 28), 15),
            (date(2024, 2, 29), 16),
            (date(2025, 2, 28), 16),
            (date(2025, 3, 1), 17),
            (date(2008, 2, 29), 0),
            (date(2008, 2, 28), -1),
        ] {
            assert_eq!(born.years_until(then), years, "{then}");
        }
    }

    #[test]
    fn an_instant_lies_in_its_day_and_far_ones_in_none() {
        assert_eq!(Date::of(0), Some(date(1970, 1, 1)));
        assert_eq!(Date::of(-1), Some(date(1969, 12, 31)));
        assert_eq!(Date::of(19_782 * DAY + DAY - 1), Some(date(2024, 2, 29)));
        assert_eq!(Date::of(i64::MAX), None);
    }
}
