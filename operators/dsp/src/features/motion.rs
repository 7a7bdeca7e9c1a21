//! How a window moves from sample to sample.

use super::{lanes, ratio};

/// How the signal moves from sample to sample.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Motion {
    /// Share of neighbouring samples of different sign, 0 to 1; zero has the sign of its sign bit.
    pub zero_crossings: f64,
    /// Mean distance between neighbouring samples (line length), in units of the signal per sample.
    pub line_length: f64,
    /// Hjorth's mobility: deviation of the first differences over that of the signal, per sample.
    pub mobility: f64,
    /// Hjorth's complexity: mobility of the first differences over that of the signal, a number.
    pub complexity: f64,
}

impl Motion {
    /// Every number, in the order of the fields.
    pub const fn numbers(&self) -> [f64; 4] {
        let Self { zero_crossings, line_length, mobility, complexity } = *self;
        [zero_crossings, line_length, mobility, complexity]
    }
}

/// Reads the motion of a window whose standard deviation is `deviation`; `differences` has room for its samples.
pub(super) fn read(window: &[f64], deviation: f64, differences: &mut [f64]) -> Motion {
    let Some(steps) = window.len().checked_sub(1).filter(|steps| *steps > 0) else {
        return Motion::default();
    };
    let later = &window[1..];
    let mut crossings = 0;
    for (first, second) in window.iter().zip(later) {
        crossings += (first.to_bits() ^ second.to_bits()) >> 63;
    }
    for ((difference, first), second) in differences.iter_mut().zip(window).zip(later) {
        *difference = second - first;
    }
    let differences = &mut differences[..steps];
    let (first, last) = (differences[0], differences[steps - 1]);
    // Differences add up to that of the ends, so that their mean is known beforehand.
    let mean = (window[steps] - window[0]) / steps as f64;
    let [length, squares] = lanes::sums(differences, |difference| {
        let distance = difference - mean;
        [difference.abs(), distance * distance]
    });
    let first_deviation = (squares / steps as f64).sqrt();
    let second_deviation = if steps > 1 {
        let count = (steps - 1) as f64;
        let mean = (last - first) / count;
        for index in 0..steps - 1 {
            differences[index] = differences[index + 1] - differences[index];
        }
        let squares = lanes::sum(&differences[..steps - 1], |difference| {
            let distance = difference - mean;
            distance * distance
        });
        (squares / count).sqrt()
    } else {
        0.0
    };
    let mobility = ratio(first_deviation, deviation);
    Motion {
        zero_crossings: crossings as f64 / steps as f64,
        line_length: length / steps as f64,
        mobility,
        complexity: ratio(ratio(second_deviation, first_deviation), mobility),
    }
}
