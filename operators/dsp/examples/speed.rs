//! Measures what a sample costs: the filter alone, an estimate, and both as the pipeline runs them.
//!
//! `cargo run --release -p dsp --example speed`: a 10-minute wave at 125 Hz with a wandering rate, filtered sample by sample in
//! blocks of a pane, read off a 30 s window every 5 s, ten times over.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a command-line tool that measures time")]

use std::{error::Error, hint::black_box, time::Instant};

use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    pulse::Pulse,
};

const RATE_HZ: f64 = 125.0;
const PANE: usize = 625;
const ROUNDS: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut phase = 0.0;
    let wave: Vec<f64> = (0..120 * PANE)
        .map(|sample| {
            let seconds = sample as f64 / RATE_HZ;
            phase += (1.3 + 0.2 * (seconds / 20.0).sin()) / RATE_HZ;
            (std::f64::consts::TAU * phase).cos().exp() + 0.1 * (seconds * 50.0).sin()
        })
        .collect();
    let mut filter =
        Cascade::new(butterworth::design::<3>(3, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, RATE_HZ)?);
    let mut pulse = Pulse::new(RATE_HZ, 30.0)?;
    let samples = (ROUNDS * wave.len()) as f64;
    let mut filtered = wave.clone();

    let start = Instant::now();
    for _ in 0..ROUNDS {
        filtered.copy_from_slice(&wave);
        filter.settle(wave[0]);
        for pane in filtered.chunks_exact_mut(PANE) {
            filter.process(black_box(pane));
        }
    }
    let filter_seconds = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let mut windows = 0.0;
    for _ in 0..ROUNDS {
        for window in filtered.windows(pulse.samples()).step_by(PANE) {
            black_box(pulse.estimate(black_box(window), &[]));
            windows += 1.0;
        }
    }
    let estimate_seconds = start.elapsed().as_secs_f64();

    println!("filter   {:>7.1} ns per sample", 1e9 * filter_seconds / samples);
    println!("estimate {:>7.1} µs per window", 1e6 * estimate_seconds / windows);
    println!("both     {:>7.1} ns per sample", 1e9 * (filter_seconds + estimate_seconds) / samples);
    Ok(())
}
