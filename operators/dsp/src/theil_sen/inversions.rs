//! Counts and lists the slopes below a bound by sorting.
//!
//! With the line `t · index` taken out of the samples, a later sample is below an earlier one exactly if their slope is less
//! than `t`. Merging two sorted runs counts such pairs on the way (Knuth, The Art of Computer Programming 3, 5.2.4 and
//! exercise 5.2.4-21).
//!
//! # Invariants
//! Equal samples keep their order and are not counted. Nothing is allocated after [`Inversions::new`].

use crate::lanes;

/// Samples per run that are sorted by insertion before runs are merged.
const RUN: usize = 8;

/// A sample with the line taken out, and where it stood.
#[derive(Debug, Clone, Copy)]
struct Point {
    height: f64,
    index: u32,
}

/// Scratch for sorting.
#[derive(Debug)]
pub(super) struct Inversions {
    points: Vec<Point>,
    other: Vec<Point>,
    /// The slope at which the points were put in order last.
    sorted_at: f64,
}

impl Inversions {
    pub(super) fn new(most_samples: usize) -> Self {
        let points = vec![Point { height: 0.0, index: 0 }; most_samples];
        Self { other: points.clone(), points, sorted_at: f64::NAN }
    }

    /// How many pairs fall, and how many are level.
    pub(super) fn signs(&mut self, samples: &[f64]) -> (usize, usize) {
        let falling = self.below(samples, 0.0);
        let (mut level, mut equal) = (0, 0);
        for pair in self.points[..samples.len()].windows(2) {
            equal = if pair[1].height <= pair[0].height { equal + 1 } else { 0 };
            level += equal;
        }
        (falling, level)
    }

    /// How many slopes are below `slope`, but for those within [`margin`] of it. Leaves the points in order.
    pub(super) fn below(&mut self, samples: &[f64], slope: f64) -> usize {
        let count = samples.len();
        for (index, (point, sample)) in self.points.iter_mut().zip(samples).enumerate() {
            *point = Point { height: sample - slope * index as f64, index: index as u32 };
        }
        let mut inverted: usize = self.points[..count].chunks_mut(RUN).map(insert).sum();
        let mut run = RUN;
        while run < count {
            for (from, to) in
                self.points[..count].chunks(2 * run).zip(self.other[..count].chunks_mut(2 * run))
            {
                let (left, right) = from.split_at(run.min(from.len()));
                inverted += merge(left, right, to);
            }
            std::mem::swap(&mut self.points, &mut self.other);
            run *= 2;
        }
        self.sorted_at = slope;
        inverted
    }

    /// Writes down the slopes from `low` to below `high`, and says whether there was room for all.
    ///
    /// These are the pairs in one order at `low` and in the other at `high`: sorting the one order into the other by insertion
    /// meets each of them once. The last count must have been of the same samples.
    pub(super) fn between(
        &mut self,
        samples: &[f64],
        low: f64,
        high: f64,
        slopes: &mut Vec<f64>,
        room: usize,
    ) -> bool {
        if self.sorted_at.to_bits() != high.to_bits() {
            self.below(samples, high);
        }
        self.sorted_at = f64::NAN;
        let points = &mut self.points[..samples.len()];
        for point in points.iter_mut() {
            point.height = samples[point.index as usize] - low * f64::from(point.index);
        }
        for index in 1..points.len() {
            let point = points[index];
            let sample = samples[point.index as usize];
            let mut hole = index;
            while hole > 0 && after(&points[hole - 1], &point) {
                let passed = points[hole - 1];
                // What comes first at `high` is the later sample.
                let distance = f64::from(passed.index) - f64::from(point.index);
                if slopes.len() == room {
                    return false;
                }
                slopes.push((samples[passed.index as usize] - sample) / distance);
                points[hole] = passed;
                hole -= 1;
            }
            points[hole] = point;
        }
        true
    }
}

/// How far from `slope` a slope can lie and still be counted on the wrong side of it.
///
/// Taking out the line rounds twice, each time by at most half an epsilon of the magnitude, and slopes themselves are rounded;
/// four times the sum of the magnitudes covers both samples of a pair with room to spare.
pub(super) fn margin(samples: &[f64], slope: f64) -> f64 {
    let (least, most) = lanes::extremes(samples);
    let magnitude = most.abs().max(least.abs()) + 2.0 * samples.len() as f64 * slope.abs();
    4.0 * f64::EPSILON * magnitude
}

/// Calls `take` with the slopes of `count` pairs, all of them equally likely, the same pairs in every run.
pub(super) fn draw(samples: &[f64], count: usize, mut take: impl FnMut(f64)) {
    let most = samples.len() as u64;
    let mut state = 0_u64;
    for _ in 0..count {
        // SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let bits = mixed ^ (mixed >> 31);
        let first = ((bits >> 32) * most) >> 32;
        let other = ((bits & 0xFFFF_FFFF) * (most - 1)) >> 32;
        let second = if other >= first { other + 1 } else { other };
        take((samples[second as usize] - samples[first as usize]) / (second as f64 - first as f64));
    }
}

/// Whether `left` belongs after `right`: higher, or as high and later.
#[inline]
fn after(left: &Point, right: &Point) -> bool {
    left.height > right.height || (left.height >= right.height && left.index > right.index)
}

/// Sorts a short run and counts the pairs that change order.
fn insert(points: &mut [Point]) -> usize {
    let mut inverted = 0;
    for index in 1..points.len() {
        let point = points[index];
        let mut hole = index;
        while hole > 0 && points[hole - 1].height > point.height {
            points[hole] = points[hole - 1];
            hole -= 1;
        }
        points[hole] = point;
        inverted += index - hole;
    }
    inverted
}

/// Merges two sorted runs and counts the pairs that change order.
fn merge(left: &[Point], right: &[Point], merged: &mut [Point]) -> usize {
    let (mut taken_left, mut taken_right, mut inverted, mut place) = (0, 0, 0, 0);
    while taken_left < left.len() && taken_right < right.len() {
        let (first, second) = (left[taken_left], right[taken_right]);
        let from_right = second.height < first.height;
        merged[place] = if from_right { second } else { first };
        inverted += if from_right { left.len() - taken_left } else { 0 };
        taken_right += usize::from(from_right);
        taken_left += usize::from(!from_right);
        place += 1;
    }
    let rest = left.len() - taken_left;
    merged[place..place + rest].copy_from_slice(&left[taken_left..]);
    merged[place + rest..].copy_from_slice(&right[taken_right..]);
    inverted
}
