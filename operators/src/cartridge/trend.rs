//! The low-passed course of a whole session in a bounded number of points.
//!
//! # Bound
//! [`MOST_POINTS`] points. When they are full, every other one goes and they come half as often, so that they lie evenly
//! however long the session is.

use serde::{Deserialize, Serialize};

/// Most points of a course: 38 s of five a second, and always half as many at least.
pub(super) const MOST_POINTS: usize = 192;

/// Points of all channels; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Trend {
    channels: usize,
    /// Slots between two points.
    stride: i64,
    /// Point after point.
    values: Vec<f32>,
}

impl Trend {
    pub(super) fn new(channels: usize, stride: i64) -> Self {
        Self { channels, stride, values: Vec::with_capacity(channels * MOST_POINTS) }
    }

    /// Takes the row of slot `slot`, counted from the session's first, if it is one for a point. A missing row leaves the
    /// course where it was.
    pub(super) fn push(&mut self, slot: i64, row: Option<&[f64]>) {
        if slot % self.stride != 0 {
            return;
        }
        if self.len() == MOST_POINTS {
            let halved: Vec<f32> =
                self.values.chunks_exact(self.channels).step_by(2).flatten().copied().collect();
            self.values.clear();
            self.values.extend_from_slice(&halved);
            self.stride *= 2;
            if slot % self.stride != 0 {
                return;
            }
        }
        match row {
            Some(row) => self.values.extend(row.iter().map(|value| *value as f32)),
            None => self.values.extend_from_within(self.values.len().saturating_sub(self.channels)..),
        }
    }

    /// The last third of a channel's course.
    pub(super) fn last_third(&self, channel: usize, points: &mut Vec<f64>) {
        points.clear();
        let count = self.len();
        let from = count - count / 3;
        points.extend((from..count).map(|point| f64::from(self.values[point * self.channels + channel])));
    }

    /// Slots between two points.
    pub(super) fn stride(&self) -> i64 {
        self.stride
    }

    fn len(&self) -> usize {
        self.values.len() / self.channels
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_POINTS, Trend};

    #[test]
    fn points_lie_evenly_however_long_the_session_is() {
        let mut trend = Trend::new(2, 10);
        for slot in 0..100_000 {
            trend.push(slot, Some(&[slot as f64, 0.0]));
            assert!(trend.len() <= MOST_POINTS);
        }
        let mut points = Vec::new();
        trend.last_third(0, &mut points);
        assert!(points.len() >= MOST_POINTS / 6);
        assert!(points.windows(2).all(|pair| (pair[1] - pair[0]) as i64 == trend.stride()), "{points:?}");
        assert!(100_000.0 - points[points.len() - 1] <= trend.stride() as f64);
    }
}
