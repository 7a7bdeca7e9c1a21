//! How fast the reference channels of a cartridge are taken off and the difference is calibrated: rows of 896 channels.
//!
//! Rows differ from each other and lie in the cache, as after decoding; every channel has an offset and a gain, and
//! temperature and humidity are off their references, so that no factor is one.
//!
//! # Invariants
//! - One thread. Only [`Differential::apply`] is timed.
//! - A number is only given for right results: all numbers of the workload are small fractions of powers of two, so that
//!   the right result is known exactly from whole numbers, and every channel of every row must equal it.

use crate::stopwatch::seconds_per_call;
use anyhow::{Result, ensure};
use dsp::differential::{Ambient, Coefficients, Differential};
use std::{collections::BTreeMap, hint::black_box};

/// Channels of the largest cartridge.
const CHANNELS: usize = 896;
/// Different rows: 230 kB with their references.
const ROWS: usize = 16;
/// Batches; the median counts.
const BATCHES: usize = 51;

/// Numerators over 2^5, 2^8 and 2^8: 31/32 of the reference are taken off, and the air is 2 °C and 4 % off.
const ALPHA_32: i64 = 31;
const TEMPERATURE_256: i64 = 256 + 2;
const HUMIDITY_256: i64 = 256 + 4;

/// Measures nanoseconds per row: the median of the batches, and the lowest.
pub(crate) fn run() -> Result<BTreeMap<String, f64>> {
    let coefficients = Coefficients {
        per_celsius: 1.0 / 256.0,
        per_percent: 1.0 / 256.0,
        ..Coefficients::new(ALPHA_32 as f64 / 32.0)
    };
    let ambient = Ambient {
        celsius: coefficients.reference_celsius + 2.0,
        humidity_percent: coefficients.reference_percent + 4.0,
    };
    let mut differential = Differential::new(coefficients, CHANNELS)?;
    let row = |each: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..CHANNELS).map(each).collect() };
    differential.calibrate(
        &row(&|channel| offset_64(channel) as f64 / 64.0),
        &row(&|channel| gain_128(channel) as f64 / 128.0),
    )?;
    let rows: Vec<_> = (0..ROWS)
        .map(|number| {
            let detection = row(&|channel| detection_1024(number, channel) as f64 / 1_024.0);
            (detection, row(&|channel| reference_256(number, channel) as f64 / 256.0))
        })
        .collect();
    let mut corrected = vec![0.0; CHANNELS];
    for (number, (detection, reference)) in rows.iter().enumerate() {
        differential.apply(detection, reference, ambient, &mut corrected);
        for (channel, value) in corrected.iter().enumerate() {
            let right = right(number, channel);
            ensure!((value - right).abs() == 0.0, "channel {channel} is {value} instead of {right}");
        }
    }
    let times = seconds_per_call(BATCHES, || {
        for (detection, reference) in &rows {
            differential.apply(black_box(detection), black_box(reference), ambient, &mut corrected);
            black_box(&corrected);
        }
    });
    let named = [("ns_896", BATCHES / 2), ("ns_896_lowest", 0)];
    Ok(named.map(|(name, rank)| (name.to_owned(), times[rank] * 1e9 / ROWS as f64)).into())
}

fn detection_1024(row: usize, channel: usize) -> i64 {
    ((row * 7_919 + channel * 104_729) % 4_096) as i64 - 2_048
}

fn reference_256(row: usize, channel: usize) -> i64 {
    ((row * 1_299_709 + channel * 15_485_863) % 512) as i64 - 256
}

fn offset_64(channel: usize) -> i64 {
    (channel * 31 % 64) as i64 - 32
}

fn gain_128(channel: usize) -> i64 {
    (channel * 37 % 64) as i64 + 96
}

/// The right result: in whole numbers over 2^(13 + 7 + 8 + 8), exact, and exact as a floating-point number.
fn right(row: usize, channel: usize) -> f64 {
    // Over 2^13: detection, reference times alpha, offset.
    let difference = detection_1024(row, channel) * 8 - ALPHA_32 * reference_256(row, channel);
    let calibrated = (difference - offset_64(channel) * 128) * gain_128(channel);
    (calibrated * TEMPERATURE_256 * HUMIDITY_256) as f64 / (1_i64 << 36) as f64
}
