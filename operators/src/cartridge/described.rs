//! The newest window of ten seconds, described channel by channel.

use dsp::{
    features::{Motion, Power, Reading, Spread},
    wavelet::LEVELS,
};
use serde::{Deserialize, Serialize};

/// Numbers that describe a channel: 9 of spread, 4 of motion, 7 of power, 6 energies.
pub(super) const NUMBERS: usize = 20 + LEVELS + 1;

/// A described window; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Described {
    /// Slots before its end, counted from the session's first.
    pub(super) end: i64,
    channels: Vec<[f64; NUMBERS]>,
}

impl Described {
    /// Keeps the readings of all channels.
    pub(super) fn new(end: i64, readings: impl Iterator<Item = Reading>) -> Self {
        Self { end, channels: readings.map(|reading| flat(&reading)).collect() }
    }

    /// The readings of all channels.
    pub(super) fn readings(&self) -> Vec<Reading> {
        self.channels.iter().map(read).collect()
    }

    /// Bytes it takes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.channels.capacity() * size_of::<[f64; NUMBERS]>()
    }
}

fn flat(reading: &Reading) -> [f64; NUMBERS] {
    let Reading { spread, motion, power, energies, .. } = reading;
    let energies = energies.unwrap_or_default();
    let mut numbers = [0.0; NUMBERS];
    let parts = [
        &[
            spread.mean,
            spread.deviation,
            spread.root_mean_square,
            spread.skewness,
            spread.kurtosis,
            spread.median,
            spread.median_deviation,
            spread.quartile_range,
            spread.peak_to_peak,
        ][..],
        &[motion.zero_crossings, motion.line_length, motion.mobility, motion.complexity],
        &[power.centroid_hz, power.spread_hz, power.entropy, power.flatness],
        &[power.roll_off_85_hz, power.roll_off_95_hz, power.peak_hz],
        &energies,
    ];
    for (place, number) in numbers.iter_mut().zip(parts.into_iter().flatten()) {
        *place = *number;
    }
    numbers
}

fn read(numbers: &[f64; NUMBERS]) -> Reading {
    let [
        mean,
        deviation,
        root_mean_square,
        skewness,
        kurtosis,
        median,
        median_deviation,
        quartile_range,
        peak_to_peak,
        zero_crossings,
        line_length,
        mobility,
        complexity,
        centroid_hz,
        spread_hz,
        entropy,
        flatness,
        roll_off_85_hz,
        roll_off_95_hz,
        peak_hz,
        energies @ ..,
    ] = *numbers;
    Reading {
        spread: Spread {
            mean,
            deviation,
            root_mean_square,
            skewness,
            kurtosis,
            median,
            median_deviation,
            quartile_range,
            peak_to_peak,
        },
        motion: Motion { zero_crossings, line_length, mobility, complexity },
        power: Power { centroid_hz, spread_hz, entropy, flatness, roll_off_85_hz, roll_off_95_hz, peak_hz },
        slope_per_second: None,
        energies: Some(energies),
    }
}
