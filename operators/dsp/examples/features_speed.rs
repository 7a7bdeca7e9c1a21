//! Measures what the features of a window cost, part by part, and what a fingerprint costs.
//!
//! `cargo run --release -p dsp --example features_speed`: windows of 500 samples (10 s at 50 Hz), each of another stretch of a
//! noisy, drifting, low-passed transient, as a cartridge's 88 channels would send them.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a command-line tool that measures time")]

use std::{error::Error, hint::black_box, time::Instant};

use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    confidence::Noise,
    ema::Ema,
    features::{self, Features, Set},
    fingerprint::{Fingerprint, Layout, Normaliser, Part, unit},
    similarity,
    theil_sen::TheilSen,
    wavelet::Wavelet,
    welch::Welch,
};

const RATE_HZ: f64 = 50.0;
const SAMPLES: usize = 500;
const CHANNELS: usize = 88;
const ROUNDS: usize = 20;

/// Uniform noise between -1 and 1 (SplitMix64).
fn noise(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Runs the part on every window a number of times and prints the time per window of the fastest and of the median round.
fn measure(name: &str, windows: &[Vec<f64>], mut part: impl FnMut(&[f64])) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for window in windows {
                part(black_box(window));
            }
            1e6 * start.elapsed().as_secs_f64() / windows.len() as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name:<44} {:>8.2} µs, median {:>8.2} µs", rounds[0], rounds[ROUNDS / 2]);
}

fn windows(samples: usize) -> Result<Vec<Vec<f64>>, dsp::Error> {
    let mut state = 1;
    let design = butterworth::design::<2>(4, Band::Low { corner_hz: 2.0 }, RATE_HZ)?;
    Ok((0..CHANNELS)
        .map(|channel| {
            let mut filter = Cascade::new(design);
            let mut window: Vec<f64> = (0..samples)
                .map(|sample| {
                    let seconds = sample as f64 / RATE_HZ;
                    1.0 - (-seconds / (1.0 + channel as f64 / 20.0)).exp()
                        + 0.01 * seconds
                        + 0.05 * noise(&mut state)
                })
                .collect();
            filter.settle(window[0]);
            filter.process(&mut window);
            window
        })
        .collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let windows_500 = windows(SAMPLES)?;
    let windows_3000 = windows(6 * SAMPLES)?;
    for (name, high_hz) in [("band 0.1-5 Hz", 5.0), ("band 0.1-25 Hz", 25.0)] {
        let mut features = Features::new(RATE_HZ, SAMPLES, features::Band { low_hz: 0.1, high_hz })?;
        for set in [Set::Basic, Set::Scales, Set::All] {
            measure(&format!("features {set:?}, {name}"), &windows_500, |window| {
                black_box(features.read(window, set));
            });
        }
    }
    let mut welch = Welch::new(RATE_HZ, 256, 256)?;
    measure("  Welch 256", &windows_500, |window| {
        black_box(welch.density(window));
    });
    let mut wavelet = Wavelet::new(SAMPLES);
    measure("  wavelet", &windows_500, |window| {
        black_box(wavelet.energies(window));
    });
    let mut slopes = TheilSen::new(6 * SAMPLES);
    measure("  slope, 500 samples", &windows_500, |window| {
        black_box(slopes.slope(window));
    });
    measure("  slope, 3,000 samples", &windows_3000, |window| {
        black_box(slopes.slope(window));
    });
    measure("  slope, 167 samples", &windows_500, |window| {
        black_box(slopes.slope(&window[333..]));
    });
    let ramps: Vec<Vec<f64>> = vec![(0..500).map(|sample| 0.1 * f64::from(sample)).collect(); 8];
    measure("  slope, 500 samples on a line", &ramps, |window| {
        black_box(slopes.slope(window));
    });
    let mut noise = Noise::new(SAMPLES);
    measure("noise", &windows_500, |window| {
        black_box(noise.deviation(window));
    });
    let mut ema = Ema::new(RATE_HZ)?;
    measure("averages of 500 increments", &windows_500, |window| ema.process(black_box(window)));
    measure_fingerprint(&windows_500)
}

fn measure_fingerprint(windows: &[Vec<f64>]) -> Result<(), Box<dyn Error>> {
    let normaliser = Normaliser::new(Layout::Full, &[0.1; 896], &[2.0; 896])?;
    let mut fingerprint = Fingerprint::new(Layout::Full);
    let (mut scores, mut direction) = (vec![0.0; 896], vec![0.0; 896]);
    let some = |window: &[f64], number: usize| Some(100.0 * window[number]);
    measure("fingerprint 896: fill, normalise, unit", windows, |window| {
        let part = |channel: usize| Part {
            steady: some(window, channel),
            relative: some(window, channel + 1),
            rises: [some(window, 2), some(window, 3), some(window, channel + 4)],
            falls: [some(window, 5), some(window, 6), some(window, channel + 7)],
            slope: some(window, channel + 8),
            power_db: some(window, channel + 9),
        };
        let parts: [Part; CHANNELS] = std::array::from_fn(part);
        fingerprint.fill(&parts, &[some(window, 10); 8], &[some(window, 11); 8]);
        normaliser.normalise(&fingerprint, &mut scores).expect("the layouts are the same");
        unit(&scores, &mut direction).expect("the scores are not zero");
        black_box(&direction);
    });
    let rows = direction.repeat(10_000);
    let mut products = vec![0.0; 10_000];
    measure("dot products, 10,000 rows of 896", &windows[..1], |_| {
        similarity::dots(black_box(&rows), &direction, &mut products);
        black_box(&products);
    });
    measure("dot product, one row of 896", windows, |_| {
        black_box(similarity::dot(black_box(&rows[..896]), black_box(&direction)));
    });
    Ok(())
}
