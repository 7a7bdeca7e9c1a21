//! Follows episodes of low glucose, reading by reading.
//!
//! Consensus (Battelino et al. 2019; Danne et al., "International consensus on use of continuous glucose monitoring", Diabetes Care
//! 40(12), 2017): an episode is at least 15 min below 70 mg/dL (low) or 54 mg/dL (very low), and is over after 15 min at 70
//! or above. Both depths are followed by themselves, so a very low episode lies within a low one.
//!
//! # Invariants
//! What is said depends on the readings and their times alone. A reading that is not later than the last one, or not a
//! plausible glucose, changes nothing. Nothing is allocated.

use super::{LOW, PLAUSIBLE, VERY_LOW};

/// How long glucose is low before an episode begins, and not low before it ends, in ms (consensus: 15 min).
const HOLD_MS: i64 = 15 * 60 * 1_000;
/// A longer gap between two readings says nothing about what lies in it, in ms: 45 min, the default of `inter_gap` in iglu.
pub const GAP_MS: i64 = 45 * 60 * 1_000;

/// A reading of glucose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When it was taken, in ms of any clock.
    pub time_ms: i64,
    /// Glucose, in mg/dL.
    pub glucose: f64,
}

/// How low an episode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Below 70 mg/dL.
    Low,
    /// Below 54 mg/dL.
    VeryLow,
}

impl Depth {
    /// Below this a reading is of the depth, in mg/dL.
    pub fn threshold(self) -> f64 {
        match self {
            Self::Low => LOW,
            Self::VeryLow => VERY_LOW,
        }
    }
}

/// What a reading changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// An episode is certain, 15 min after it began.
    Began {
        /// How low.
        depth: Depth,
        /// Time of its first reading below the threshold, in ms.
        since_ms: i64,
    },
    /// An episode is over.
    Ended {
        /// How low.
        depth: Depth,
        /// Time of its first reading below the threshold, in ms.
        since_ms: i64,
        /// Time of the first of the readings at 70 mg/dL or above that ended it, in ms; if it was cut off before there was
        /// any, of the last reading before the gap.
        until_ms: i64,
        /// Its lowest reading, in mg/dL.
        lowest: f64,
        /// Whether more than 45 min without a reading ended it: nobody knows how it went on.
        cut_off: bool,
    },
}

/// Where one depth stands. Plain data: keep it to go on later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// The depth.
    pub depth: Depth,
    /// Time of the first of the low readings, in ms, if the last ones are low or an episode is open.
    pub since_ms: Option<i64>,
    /// Whether the episode is certain.
    pub open: bool,
    /// Lowest reading since then, in mg/dL.
    pub lowest: f64,
    /// Time of the first of the readings at 70 mg/dL or above that may end the open episode, in ms.
    pub recovering_ms: Option<i64>,
}

/// Follows the episodes of one person. Plain data: keep it to go on later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Episodes {
    /// Where the two depths stand.
    pub courses: [Course; 2],
    /// Time of the last reading, in ms.
    pub last_ms: Option<i64>,
}

impl Default for Episodes {
    fn default() -> Self {
        Self { courses: [Course::new(Depth::Low), Course::new(Depth::VeryLow)], last_ms: None }
    }
}

impl Episodes {
    /// Before the first reading.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next reading, and says what it changes: at most one thing for each depth, low first.
    ///
    /// # Examples
    /// ```
    /// use dsp::glucose::{Change, Depth, Episodes, Reading};
    ///
    /// let mut episodes = Episodes::new();
    /// let mut take = |minutes: i64, glucose| episodes.take(Reading { time_ms: minutes * 60_000, glucose })[0];
    /// assert_eq!((take(0, 69.0), take(5, 66.0), take(10, 64.0)), (None, None, None));
    /// assert_eq!(take(15, 65.0), Some(Change::Began { depth: Depth::Low, since_ms: 0 }));
    /// ```
    pub fn take(&mut self, reading: Reading) -> [Option<Change>; 2] {
        let in_order = self.last_ms.is_none_or(|last| reading.time_ms > last);
        if !in_order || !PLAUSIBLE.contains(&reading.glucose) {
            return [None; 2];
        }
        let before_gap = self.last_ms.filter(|last| reading.time_ms.saturating_sub(*last) > GAP_MS);
        self.last_ms = Some(reading.time_ms);
        let mut changes = [None; 2];
        for (course, change) in self.courses.iter_mut().zip(&mut changes) {
            let cut_off = before_gap.and_then(|last| course.cut_off(last));
            *change = course.take(reading).or(cut_off);
        }
        changes
    }
}

impl Course {
    fn new(depth: Depth) -> Self {
        Self { depth, since_ms: None, open: false, lowest: f64::MAX, recovering_ms: None }
    }

    /// Ends what a gap after `last_ms` cuts off.
    fn cut_off(&mut self, last_ms: i64) -> Option<Change> {
        let ended = self.ended(self.recovering_ms.unwrap_or(last_ms), true);
        *self = Self::new(self.depth);
        ended
    }

    fn ended(&self, until_ms: i64, cut_off: bool) -> Option<Change> {
        let since_ms = self.since_ms.filter(|_| self.open)?;
        Some(Change::Ended { depth: self.depth, since_ms, until_ms, lowest: self.lowest, cut_off })
    }

    fn take(&mut self, Reading { time_ms, glucose }: Reading) -> Option<Change> {
        let held = |from_ms: i64| time_ms.saturating_sub(from_ms) >= HOLD_MS;
        if self.open {
            if glucose < LOW {
                self.recovering_ms = None;
                self.lowest = self.lowest.min(glucose);
                return None;
            }
            let from_ms = *self.recovering_ms.get_or_insert(time_ms);
            if !held(from_ms) {
                return None;
            }
            let ended = self.ended(from_ms, false);
            *self = Self::new(self.depth);
            return ended;
        }
        if glucose >= self.depth.threshold() {
            *self = Self::new(self.depth);
            return None;
        }
        let since_ms = *self.since_ms.get_or_insert(time_ms);
        self.lowest = self.lowest.min(glucose);
        self.open = held(since_ms);
        self.open.then_some(Change::Began { depth: self.depth, since_ms })
    }
}
