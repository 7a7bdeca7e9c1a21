//! The numbers both sides calculate with.
//!
//! # Invariants
//! Made by formulas: the same in every run and on both sides, which read them from the same files.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use dsp::butterworth::{self, Band, Section};

/// Rate of the waves, in Hz.
pub(super) const RATE_HZ: f64 = 125.0;
/// Samples of a recording: eight minutes.
pub(super) const SAMPLES: usize = 60_000;
/// Samples of a window: 30 s.
pub(super) const WINDOW: usize = 3_750;
/// Channels of a cartridge, and how many rows of them make about a recording.
pub(super) const CHANNELS: usize = 88;
pub(super) const ROWS: usize = SAMPLES / CHANNELS;
/// Numbers of a fingerprint and of a row of the largest cartridge, and fingerprints that are compared with one.
pub(super) const NUMBERS: usize = 896;
pub(super) const FINGERPRINTS: usize = 1_000;
/// Intervals between beats: five minutes.
pub(super) const INTERVALS: usize = 375;

/// Inputs by name.
pub(super) struct Signals {
    by_name: BTreeMap<&'static str, Vec<f64>>,
    /// Band-pass of the optical pulse, 0.5 to 8 Hz.
    pub(super) sections: [Section; 3],
}

impl Signals {
    pub(super) fn new() -> Result<Self> {
        let sections = butterworth::design::<3>(3, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, RATE_HZ)?;
        let wave: Vec<f64> = (0..SAMPLES).map(pulse).collect();
        let mut spiked = wave.clone();
        for (number, sample) in spiked.iter_mut().enumerate().skip(30).step_by(211) {
            *sample += if number % 2 == 0 { 3.0 } else { -3.0 };
        }
        let rows = (0..ROWS * CHANNELS).map(|place| {
            let (row, channel) = (place / CHANNELS, place % CHANNELS);
            pulse(row + 17 * channel) + if place % 977 == 0 { 4.0 } else { 0.0 }
        });
        let coefficients = sections.iter().flat_map(|Section { b, a }| b.iter().chain(a).copied());
        let numbers = |seed: u64| -> Vec<f64> { (0..NUMBERS as u64).map(|n| noise(seed + n)).collect() };
        let positive = |seed: u64| numbers(seed).iter().map(|value| 1.5 + value).collect::<Vec<_>>();
        let unit = 1.0 / (NUMBERS as f64).sqrt();
        let matrix = (0..(FINGERPRINTS * NUMBERS) as u64).map(|n| unit * noise(1 << 40 | n));
        let by_name = BTreeMap::from([
            ("window", wave[SAMPLES - WINDOW..].to_vec()),
            ("wave", wave),
            ("spiked", spiked),
            ("rows", rows.collect()),
            ("sections", coefficients.collect()),
            ("intervals", (0..INTERVALS).map(interval).collect()),
            ("detection", numbers(1 << 41)),
            ("reference", numbers(1 << 42)),
            ("offsets", numbers(1 << 43)),
            ("gains", positive(1 << 44)),
            ("values", numbers(1 << 45)),
            ("medians", numbers(1 << 46)),
            ("scales", positive(1 << 47)),
            ("matrix", matrix.collect()),
            ("query", numbers(1 << 48).iter().map(|value| unit * value).collect()),
        ]);
        Ok(Self { by_name, sections })
    }

    pub(super) fn get(&self, name: &str) -> &[f64] {
        &self.by_name[name]
    }

    /// The input in single precision.
    pub(super) fn single(&self, name: &str) -> Vec<f32> {
        self.by_name[name].iter().map(|value| *value as f32).collect()
    }

    /// Writes every input to a file of raw numbers.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        for (name, values) in &self.by_name {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            std::fs::write(directory.join(format!("{name}.f64")), bytes)?;
        }
        Ok(())
    }
}

/// An optical pulse whose rate wanders, with breathing beneath it and some noise.
fn pulse(sample: usize) -> f64 {
    let seconds = sample as f64 / RATE_HZ;
    let beats = 1.3 * seconds - 4.0 * (seconds / 20.0).cos();
    (std::f64::consts::TAU * beats).cos().exp() + 0.2 * (1.7 * seconds).sin() + 0.05 * noise(sample as u64)
}

/// An interval between beats, in ms, that breathing and slow waves lengthen and shorten.
fn interval(number: usize) -> f64 {
    let beats = number as f64;
    800.0 + 40.0 * (1.3 * beats).sin() + 25.0 * (0.5 * beats).sin() + 15.0 * noise(number as u64)
}

/// A second of an electrocardiogram at 360 Hz: a QRS of 50 ms and a T wave a third as high.
pub(super) fn heartbeat(sample: usize) -> f64 {
    let wave =
        |centre: f64, width: f64| (-((sample % 360) as f64 - centre).powi(2) / (2.0 * width * width)).exp();
    wave(100.0, 6.0) - 0.2 * wave(112.0, 5.0) + 0.3 * wave(200.0, 25.0) + 0.01 * noise(sample as u64)
}

/// From -1 to 1, and always the same for a number: the finaliser of `SplitMix64` (Steele, Lea, Flood 2014).
fn noise(number: u64) -> f64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}
