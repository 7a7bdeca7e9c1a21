//! The clock of the epochs: follows the wall clock, and is not fooled when that is set.
//!
//! # Invariants
//! - "Now" never goes back, within a start and over starts: it begins with that of the last committed epoch.
//! - A wall clock that jumps by more than [`JUMP`] against the time that passed is not followed: sessions would
//!   fall silent that are not. Time goes on as it passes; a new start takes the wall clock as it is then, if that is
//!   not behind the last committed epoch. A machine that was suspended finds its clock ahead of the time that passed.

use model::{Micros, time::SECOND};
use std::time::{Duration, Instant, SystemTime};

/// How far the wall clock may stray from the time that passed between two epochs, microseconds.
pub const JUMP: Micros = 60 * SECOND;

/// The time of the machine, microseconds since 1970.
pub fn wall() -> Micros {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
}

/// Reads time once per epoch.
#[derive(Debug)]
pub struct Clock {
    begun: Instant,
    state: State,
}

/// What is remembered between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// The last reading.
    now: Micros,
    /// Time since the start at the last reading; absent before the first.
    passed: Option<Duration>,
    /// Whether the wall clock is not followed any more.
    astray: bool,
}

impl Clock {
    /// A clock that goes on from `last`.
    pub fn from(last: Micros) -> Self {
        Self { begun: Instant::now(), state: State { now: last, passed: None, astray: false } }
    }

    /// "Now" of the next epoch.
    pub fn now(&mut self) -> Micros {
        let before = self.state.astray;
        self.state = self.state.next(wall(), self.begun.elapsed());
        if self.state.astray && !before {
            tracing::error!(
                "the wall clock jumped by more than a minute and is not followed until the next start; correct it, \
                 then start again"
            );
        }
        self.state.now
    }

    /// Whether the wall clock jumped and is not followed.
    pub const fn is_astray(&self) -> bool {
        self.state.astray
    }
}

impl State {
    fn next(self, wall: Micros, passed: Duration) -> Self {
        let Some(before) = self.passed else {
            return Self { now: self.now.max(wall), passed: Some(passed), ..self };
        };
        let step = Micros::try_from(passed.saturating_sub(before).as_micros()).unwrap_or(Micros::MAX);
        let expected = self.now.saturating_add(step);
        let astray = self.astray || wall.saturating_sub(expected).saturating_abs() > JUMP;
        let now = if astray { expected } else { self.now.max(wall) };
        Self { now, passed: Some(passed), astray }
    }
}

#[cfg(test)]
mod tests {
    use super::{JUMP, State};
    use model::time::SECOND;
    use std::time::Duration;

    const START: i64 = 1_000_000 * SECOND;

    fn readings(walls: &[i64]) -> Vec<i64> {
        let mut state = State { now: START - 5, passed: None, astray: false };
        let seconds = (0..).map(Duration::from_secs);
        let reading = |(wall, passed): (&i64, Duration)| {
            state = state.next(*wall, passed);
            state.now - START
        };
        walls.iter().zip(seconds).map(reading).collect()
    }

    #[test]
    fn small_corrections_are_followed_and_time_never_goes_back() {
        let walls = [0, 1, 4, 3, 5].map(|second| START + second * SECOND);
        assert_eq!(readings(&walls), [0, 1, 4, 4, 5].map(|second| second * SECOND));
    }

    #[test]
    fn a_jump_ahead_is_not_followed_and_neither_is_the_way_back() {
        let jump = 2 * JUMP;
        let walls = [START, START + jump, START + jump + SECOND, START + 3 * SECOND];
        assert_eq!(readings(&walls), [0, 1, 2, 3].map(|second| second * SECOND));
    }

    #[test]
    fn a_jump_back_does_not_stop_time() {
        let walls = [START, START - 3 * JUMP, START - 3 * JUMP + SECOND];
        assert_eq!(readings(&walls), [0, 1, 2].map(|second| second * SECOND));
    }

    #[test]
    fn after_a_start_with_a_clock_that_is_behind_time_holds_until_the_first_step() {
        let walls = [START - 10 * SECOND, START - 9 * SECOND];
        assert_eq!(readings(&walls), [-5, -5], "ten seconds behind: held, not followed back");
    }
}
