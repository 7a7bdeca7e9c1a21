//! How fast the channels of a cartridge become a fingerprint of 896 numbers, and how fast two of them are compared.
//!
//! What the channels say is ready beforehand; it is put in its places, normalised by frozen medians and quartile ranges,
//! and brought to length one. One number in seven is missing, as with a cartridge that lacks sensors.
//!
//! # Invariants
//! - One thread. Only filling, normalising and bringing to length one are timed, and for `cosine_ns_896` and
//!   `dot_ns_896` only one comparison: of vectors of any length, and of vectors of length one.
//! - A number is only given for right results: every number of every fingerprint must be that of the formula with the standard
//!   library's inverse hyperbolic sine, and the comparison that of double precision.

use crate::stopwatch::seconds_per_call;
use anyhow::{Result, ensure};
use dsp::{
    fingerprint::{CHANNELS, Fingerprint, Layout, MOST, Normaliser, Part, SENSORS, unit},
    similarity,
};
use std::{collections::BTreeMap, hint::black_box};

/// Different measurements.
const MEASUREMENTS: usize = 32;
/// Batches; the median counts.
const BATCHES: usize = 51;
/// Quartile range of a normal distribution in standard deviations.
const QUARTILES: f64 = 1.349;
/// Distance between the single-precision number and the double-precision one, relative to length one.
const TOLERANCE: f64 = 2e-6;

/// What the channels and sensors of one measurement say.
struct Measurement {
    parts: Vec<Part>,
    nose: [Option<f64>; SENSORS],
    tongue: [Option<f64>; SENSORS],
}

/// Measures microseconds per fingerprint and nanoseconds per comparison: medians of the batches.
pub(crate) fn run() -> Result<BTreeMap<String, f64>> {
    let medians: Vec<f64> = (0..MOST).map(|index| 0.1 + 0.001 * index as f64).collect();
    let ranges: Vec<f64> = (0..MOST).map(|index| 0.5 + 0.01 * (index % 100) as f64).collect();
    let normaliser = Normaliser::new(Layout::Full, &medians, &ranges)?;
    let measurements: Vec<_> = (0..MEASUREMENTS).map(measurement).collect();
    let mut fingerprint = Fingerprint::new(Layout::Full);
    let (mut scores, mut direction) = (vec![0.0; MOST], vec![0.0_f32; MOST]);
    let mut make = |measurement: &Measurement, direction: &mut [f32]| -> Result<()> {
        fingerprint.fill(&measurement.parts, &measurement.nose, &measurement.tongue);
        normaliser.normalise(&fingerprint, &mut scores)?;
        Ok(unit(&scores, direction)?)
    };
    let mut directions = Vec::new();
    for (number, measurement) in measurements.iter().enumerate() {
        make(measurement, &mut direction)?;
        check(number, &medians, &ranges, &direction)?;
        directions.push(direction.clone());
    }
    let times = seconds_per_call(BATCHES, || {
        for measurement in &measurements {
            make(black_box(measurement), &mut direction).expect("it was made before");
            black_box(&direction);
        }
    });
    let micros = times[BATCHES / 2] * 1e6 / MEASUREMENTS as f64;
    let cosine = compared(&directions, |left, right| similarity::cosine(left, right).unwrap_or(f32::NAN))?;
    let dot = compared(&directions, similarity::dot)?;
    Ok([("us_896", micros), ("cosine_ns_896", cosine), ("dot_ns_896", dot)]
        .map(|(name, value)| (name.to_owned(), value))
        .into())
}

/// Nanoseconds of one comparison of neighbours.
fn compared(directions: &[Vec<f32>], compare: impl Fn(&[f32], &[f32]) -> f32) -> Result<f64> {
    for pair in directions.windows(2) {
        let right: f64 =
            pair[0].iter().zip(&pair[1]).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum();
        let found = f64::from(compare(&pair[0], &pair[1]));
        ensure!((found - right).abs() < TOLERANCE, "a cosine is {found} instead of {right}");
    }
    let times = seconds_per_call(BATCHES, || {
        for pair in directions.windows(2) {
            black_box(compare(black_box(&pair[0]), black_box(&pair[1])));
        }
    });
    Ok(times[BATCHES / 2] * 1e9 / (directions.len() - 1) as f64)
}

/// What number `index` of the fingerprint of measurement `number` is before it is normalised.
fn value(number: usize, index: usize) -> Option<f64> {
    let place = number * MOST + index;
    (place % 7 != 3).then(|| (place as f64 * 0.37).sin() * 3.0 + 0.4)
}

/// Deals the numbers to the channels, in the order of layout 1: ten blocks of 88 with the gas sensors after the fifth.
fn measurement(number: usize) -> Measurement {
    let value = |block: usize, place: usize| {
        let sensors = if block < 5 { 0 } else { SENSORS };
        value(number, block * CHANNELS + sensors + place)
    };
    let part = |channel: usize| Part {
        steady: value(0, channel),
        relative: value(1, channel),
        rises: [value(2, channel), value(3, channel), value(4, channel)],
        falls: [value(5, channel), value(6, channel), value(7, channel)],
        slope: value(8, channel),
        power_db: value(9, channel),
    };
    Measurement {
        parts: (0..CHANNELS).map(part).collect(),
        nose: std::array::from_fn(|sensor| self::value(number, 5 * CHANNELS + sensor)),
        tongue: std::array::from_fn(|sensor| self::value(number, MOST - SENSORS + sensor)),
    }
}

/// Whether the direction of measurement `number` is that of the formula, number by number.
fn check(number: usize, medians: &[f64], ranges: &[f64], direction: &[f32]) -> Result<()> {
    let scores: Vec<f64> = (0..MOST)
        .map(|index| (value(number, index), medians[index], ranges[index] / QUARTILES))
        .map(|(value, median, scale)| value.map_or(0.0, |value| ((value - median) / scale).asinh()))
        .collect();
    ensure!(direction.len() == MOST, "{} numbers instead of {MOST}", direction.len());
    let length = scores.iter().map(|score| score * score).sum::<f64>().sqrt();
    for (index, (score, found)) in scores.iter().zip(direction).enumerate() {
        let right = score / length;
        ensure!(
            (f64::from(*found) - right).abs() < TOLERANCE,
            "number {index} is {found} instead of {right}"
        );
    }
    Ok(())
}
