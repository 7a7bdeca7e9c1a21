//! Finds the slope of a drifting signal that outliers do not move: the median of the slopes between all pairs of samples.
//!
//! Theil, "A rank-invariant method of linear and polynomial regression analysis", Proc. K. Ned. Akad. Wet. 53, 1950;
//! Sen, "Estimates of the regression coefficient based on Kendall's tau", J. Am. Stat. Assoc. 63, 1968. Samples are equally
//! spaced; the result is that of `scipy.stats.theilslopes(y)[0]`.
//!
//! All pairs count, none is drawn in place of the others. A slope is below `t` if its two samples change order when the
//! line `t · index` is taken out, so the slopes below `t` are counted by sorting (see `inversions`); two such counts at
//! slopes on either side of the median leave few pairs between them, whose slopes are then written down and selected from
//! (Cole, Salowe, Steiger, Szemerédi, "An optimal-time algorithm for slope selection", SIAM J. Comput. 18, 1989, count so;
//! Matoušek, "Randomized optimal algorithm for slope selection", Inf. Process. Lett. 39, 1991, brackets by a sample; our
//! sample is the same in every run and never decides the result). Where rounding could misplace the median by a single
//! rank, all pairs are gone through instead.
//!
//! # Invariants
//! The result has the bits of sorting all `n · (n - 1) / 2` slopes. Nothing is allocated after [`TheilSen::new`]. Time is of
//! the order of `n · log n` for samples that are noisy in the least, and of `n²` if many slopes are equal but not zero.

use crate::{
    lanes,
    range::{self, SMALLEST},
};

mod exhaustive;
mod inversions;

use inversions::Inversions;

/// Room for slopes, per sample.
const ROOM_PER_SAMPLE: usize = 32;
/// Room for slopes at least: all the pairs of 64 samples.
const LEAST_ROOM: usize = 2_016;
/// Pairs that are drawn to place the bracket, per sample.
const DRAWN_PER_SAMPLE: usize = 2;
/// Half width of the bracket in standard deviations of the drawn median's rank.
const WIDTH: f64 = 2.5;
/// Brackets that are tried before all pairs are gone through.
const TRIES: usize = 12;

/// Scratch for slopes of windows.
#[derive(Debug)]
pub struct TheilSen {
    most_samples: usize,
    inversions: Inversions,
    /// Slopes that were written down; never more than its first capacity.
    slopes: Vec<f64>,
    room: usize,
}

/// A slope and how many slopes are below it.
#[derive(Debug, Clone, Copy)]
struct Bound {
    slope: f64,
    below: usize,
}

/// The median slope of some drawn pairs and slopes on either side of it.
#[derive(Debug, Clone, Copy)]
struct Drawn {
    low: f64,
    middle: f64,
    high: f64,
}

impl TheilSen {
    /// Makes room for windows of up to `most_samples`.
    pub fn new(most_samples: usize) -> Self {
        let room = (ROOM_PER_SAMPLE * most_samples).max(LEAST_ROOM);
        Self {
            most_samples,
            inversions: Inversions::new(most_samples),
            slopes: Vec::with_capacity(room),
            room,
        }
    }

    /// The median slope, in units of the signal per sample; of an even number of slopes the mean of the two middle ones.
    ///
    /// Of a signal longer than was planned only the end is read. 0 for less than two samples, for samples within 1e-60 of
    /// each other, and if a sample is not finite or larger than 1e60.
    ///
    /// # Examples
    /// ```
    /// let mut slopes = dsp::theil_sen::TheilSen::new(100);
    /// let mut drift: Vec<f64> = (0..100).map(|index| 0.25 * f64::from(index)).collect();
    /// drift[40] = 1e6;
    /// assert_eq!(slopes.slope(&drift), 0.25);
    /// ```
    pub fn slope(&mut self, samples: &[f64]) -> f64 {
        let samples = &samples[samples.len().saturating_sub(self.most_samples)..];
        if samples.len() < 2 || !range::all_usable(samples) {
            return 0.0;
        }
        let (least, most) = lanes::extremes(samples);
        if most - least < SMALLEST {
            return 0.0;
        }
        let pairs = samples.len() * (samples.len() - 1) / 2;
        let ranks = ((pairs - 1) / 2, pairs / 2);
        if pairs <= self.room {
            self.slopes.clear();
            exhaustive::each(samples, |slope| self.slopes.push(slope));
            return select(&mut self.slopes, ranks);
        }
        // Signs of differences are exact, and zero is the one slope that many pairs of real samples share.
        let (falling, level) = self.inversions.signs(samples);
        if falling <= ranks.0 && ranks.1 < falling + level {
            return 0.0;
        }
        let drawn = self.draw(samples);
        self.bracketed(samples, ranks, drawn)
            .unwrap_or_else(|| exhaustive::median(samples, ranks, drawn.middle, &mut self.slopes, self.room))
    }

    /// The median slope by counting. `None` if the slopes around it are too many or too near for that.
    fn bracketed(&mut self, samples: &[f64], ranks: (usize, usize), drawn: Drawn) -> Option<f64> {
        let margin = |slope: f64| inversions::margin(samples, slope);
        let mut low = self.count(samples, drawn.low - margin(drawn.low));
        let mut high = self.count(samples, drawn.high + margin(drawn.high));
        let mut step = high.slope - low.slope;
        for _ in 0..TRIES {
            if low.below > ranks.0 {
                low = self.count(samples, low.slope - step);
                step *= 2.0;
            } else if high.below <= ranks.1 {
                high = self.count(samples, high.slope + step);
                step *= 2.0;
            } else if high.below - low.below > self.room {
                self.narrow(samples, ranks, &mut low, &mut high);
            } else {
                break;
            }
        }
        let inside = high.below.checked_sub(low.below).filter(|inside| *inside <= self.room)?;
        if low.below > ranks.0 || high.below <= ranks.1 {
            return None;
        }
        self.slopes.clear();
        if !self.inversions.between(samples, low.slope, high.slope, &mut self.slopes, self.room)
            || self.slopes.len() != inside
        {
            return None;
        }
        let least = low.slope + margin(low.slope);
        let most = high.slope - margin(high.slope);
        let ranks = (ranks.0 - low.below, ranks.1 - low.below);
        let median = select(&mut self.slopes, ranks);
        // Only pairs within the margin of either end can have been counted on the wrong side of it. The slopes at the
        // ranks must lie clear of both, so that there are as many slopes below them as were counted.
        let middle = &self.slopes[ranks.0..=ranks.1];
        middle.iter().all(|slope| least < *slope && *slope < most).then_some(median)
    }

    fn draw(&mut self, samples: &[f64]) -> Drawn {
        let drawn = DRAWN_PER_SAMPLE * samples.len();
        let half = (WIDTH * (drawn as f64).sqrt() / 2.0) as usize;
        self.slopes.clear();
        inversions::draw(samples, drawn, |slope| self.slopes.push(slope));
        let (below, middle, above) = self.slopes.select_nth_unstable_by(drawn / 2, f64::total_cmp);
        let (_, low, _) = below.select_nth_unstable_by(drawn / 2 - half, f64::total_cmp);
        let (_, high, _) = above.select_nth_unstable_by(half - 1, f64::total_cmp);
        Drawn { low: *low, middle: *middle, high: *high }
    }

    fn count(&mut self, samples: &[f64], slope: f64) -> Bound {
        Bound { slope, below: self.inversions.below(samples, slope) }
    }

    /// Moves both ends to where the ranks ought to be if the slopes were evenly spread between them.
    fn narrow(&mut self, samples: &[f64], ranks: (usize, usize), low: &mut Bound, high: &mut Bound) {
        let (from, width) = (*low, high.slope - low.slope);
        let inside = (high.below - low.below) as f64;
        let spare = self.room as f64 / 4.0;
        for target in [(ranks.0 - from.below) as f64 - spare, (ranks.1 - from.below) as f64 + spare] {
            let bound = self.count(samples, from.slope + width * (target / inside).clamp(0.05, 0.95));
            if bound.below <= ranks.0 && bound.slope > low.slope {
                *low = bound;
            } else if bound.below > ranks.1 && bound.slope < high.slope {
                *high = bound;
            }
        }
    }
}

/// The mean of the slopes at two neighbouring or equal ranks; leaves them at their places.
fn select(slopes: &mut [f64], ranks: (usize, usize)) -> f64 {
    let (_, first, above) = slopes.select_nth_unstable_by(ranks.0, f64::total_cmp);
    let first = *first;
    if ranks.0 == ranks.1 {
        return first;
    }
    let (_, second, _) = above.select_nth_unstable_by(0, f64::total_cmp);
    f64::midpoint(first, *second)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise with a drift: hashed sample numbers (Knuth's multiplicative hash).
    fn noise(count: u32) -> Vec<f64> {
        (0..count)
            .map(|index| f64::from(index.wrapping_mul(2_654_435_769)) / 1e9 + 0.01 * f64::from(index))
            .collect()
    }

    #[test]
    fn counts_are_those_of_all_pairs() {
        let samples = noise(203);
        let mut inversions = Inversions::new(203);
        for slope in [-0.5, -0.01, 0.0, 0.01, 0.3] {
            let mut below = 0;
            exhaustive::each(&samples, |other| below += usize::from(other < slope));
            assert_eq!(inversions.below(&samples, slope), below);
        }
        let stairs: Vec<f64> = (0..100).map(|index| f64::from(index % 5)).collect();
        let (mut falling, mut level) = (0, 0);
        exhaustive::each(&stairs, |slope| {
            falling += usize::from(slope < 0.0);
            level += usize::from(slope == 0.0);
        });
        assert_eq!(inversions.signs(&stairs), (falling, level));
    }

    #[test]
    fn noise_needs_no_going_through_all_pairs() {
        for count in [200, 500, 1_000, 3_000] {
            let samples = noise(count);
            let mut slopes = TheilSen::new(samples.len());
            let pairs = samples.len() * (samples.len() - 1) / 2;
            let drawn = slopes.draw(&samples);
            let slope = slopes.bracketed(&samples, ((pairs - 1) / 2, pairs / 2), drawn);
            assert_eq!(slope.map(f64::to_bits), Some(slopes.slope(&samples).to_bits()));
        }
    }
}
