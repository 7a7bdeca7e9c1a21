//! A cubic spline through intervals, each at the time it ends.
//!
//! de Boor, "A practical guide to splines", chapter IV: the slopes at the knots solve a tridiagonal system that makes the
//! second derivative continuous; at either end the third derivative is continuous over the second knot ("not a knot"), as by
//! default in `scipy.interpolate.CubicSpline` 1.17.1. Elimination needs no pivots: the matrix is diagonally dominant but for
//! its first and last row, which elimination makes so.
//!
//! # Invariants
//! Intervals are positive, so times rise. Nothing is allocated after `new`.

/// Fewest knots of a spline whose ends are no knots.
const FEWEST: usize = 4;

/// A planned spline.
#[derive(Debug)]
pub(super) struct Spline {
    /// Time of each knot, in seconds from the first.
    times: Vec<f64>,
    values: Vec<f64>,
    /// Slope at each knot.
    slopes: Vec<f64>,
    diagonal: Vec<f64>,
    upper: Vec<f64>,
}

impl Spline {
    pub(super) fn new(most: usize) -> Self {
        let room = || Vec::with_capacity(most);
        Self { times: room(), values: room(), slopes: room(), diagonal: room(), upper: room() }
    }

    /// Time of the last knot, in seconds; 0 if there are too few for a spline.
    pub(super) fn seconds(&self) -> f64 {
        self.times.last().copied().unwrap_or(0.0)
    }

    /// Lays the spline through the intervals, in ms.
    pub(super) fn fit(&mut self, intervals_ms: &[f64]) {
        self.times.clear();
        if intervals_ms.len() < FEWEST {
            return;
        }
        // Summed in ms before the division, like the reference.
        let mut sum = 0.0;
        self.times.extend(intervals_ms.iter().map(|interval| {
            sum += interval;
            sum / 1e3
        }));
        let first = self.times[0];
        self.times.iter_mut().for_each(|time| *time -= first);
        self.values.clear();
        self.values.extend_from_slice(intervals_ms);
        self.solve();
    }

    fn width(&self, piece: usize) -> f64 {
        self.times[piece + 1] - self.times[piece]
    }

    fn secant(&self, piece: usize) -> f64 {
        (self.values[piece + 1] - self.values[piece]) / self.width(piece)
    }

    /// Solves for the slopes, from the first row down and back up.
    fn solve(&mut self) {
        let last = self.values.len() - 1;
        for row in [&mut self.slopes, &mut self.diagonal, &mut self.upper] {
            row.clear();
            row.resize(last + 1, 0.0);
        }
        let (first, second) = (self.width(0), self.width(1));
        let both = first + second;
        (self.diagonal[0], self.upper[0]) = (second, both);
        self.slopes[0] =
            ((first + 2.0 * both) * second * self.secant(0) + first * first * self.secant(1)) / both;
        for row in 1..last {
            let (before, after) = (self.width(row - 1), self.width(row));
            let right = 3.0 * (after * self.secant(row - 1) + before * self.secant(row));
            self.upper[row] = before;
            self.eliminate(row, after, 2.0 * (before + after), right);
        }
        let (before, end) = (self.width(last - 2), self.width(last - 1));
        let span = before + end;
        let right =
            (end * end * self.secant(last - 2) + (2.0 * span + end) * before * self.secant(last - 1)) / span;
        self.eliminate(last, span, before, right);
        self.slopes[last] /= self.diagonal[last];
        for row in (0..last).rev() {
            self.slopes[row] =
                (self.slopes[row] - self.upper[row] * self.slopes[row + 1]) / self.diagonal[row];
        }
    }

    /// Takes the element left of the diagonal out of a row.
    fn eliminate(&mut self, row: usize, lower: f64, diagonal: f64, right: f64) {
        let factor = lower / self.diagonal[row - 1];
        self.diagonal[row] = diagonal - factor * self.upper[row - 1];
        self.slopes[row] = right - factor * self.slopes[row - 1];
    }

    /// Adds the first `count` values of the spline on a grid of `rate_hz` to `grid`.
    pub(super) fn sample(&self, rate_hz: f64, count: usize, grid: &mut Vec<f64>) {
        let mut piece = 0;
        for index in 0..count {
            let time = index as f64 / rate_hz;
            while piece + 2 < self.times.len() && time >= self.times[piece + 1] {
                piece += 1;
            }
            let (width, secant, along) = (self.width(piece), self.secant(piece), time - self.times[piece]);
            let (from, to) = (self.slopes[piece], self.slopes[piece + 1]);
            let square = (3.0 * secant - 2.0 * from - to) / width;
            let cube = (from + to - 2.0 * secant) / (width * width);
            grid.push(self.values[piece] + along * (from + along * (square + along * cube)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spline of four or more points of a cubic is the cubic itself, up to both ends: that is what "not a knot" means.
    #[test]
    fn a_cubic_is_its_own_spline() {
        let cubic = |seconds: f64| 800.0 + seconds * (30.0 + seconds * (-9.0 + seconds));
        for count in [4, 5, 9] {
            // Each interval ends where the cubic has its length; the equation is solved by repetition.
            let (mut intervals, mut end) = (vec![800.0], 0.0);
            for _ in 1..count {
                let interval = (0..100).fold(800.0, |interval, _| cubic(end + interval / 1e3));
                end += interval / 1e3;
                intervals.push(interval);
            }
            let mut spline = Spline::new(count);
            spline.fit(&intervals);
            let mut grid = Vec::new();
            spline.sample(50.0, (spline.seconds() * 50.0) as usize, &mut grid);
            for (index, value) in grid.iter().enumerate() {
                assert!(
                    (value - cubic(index as f64 / 50.0)).abs() < 1e-9,
                    "{count} knots, sample {index}: {value}"
                );
            }
        }
    }
}
