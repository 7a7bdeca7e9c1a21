//! Holds spectra and features against numpy, scipy and `PyWavelets`, on real samples.
//!
//! `data/README.md` tells where the samples and the reference come from. The tolerance is 1e-9 relative, as specified, unless
//! a test states another; where a number can be all but zero, 1e-12 of the largest is the floor of the arithmetic itself.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where it fails and shows what it measured"
)]

use std::collections::BTreeMap;

use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    detrend::{self, Detrend},
    ema::Ema,
    features::{self, Features, Set},
    stft::Stft,
    wavelet::Wavelet,
    welch::Welch,
};
use serde::Deserialize;
use serde_json::Value;

const RATE_HZ: f64 = 125.0;

#[derive(Deserialize)]
struct Window {
    raw: bool,
    first: usize,
    end: usize,
    rate_hz: f64,
    low_hz: f64,
    high_hz: f64,
    spread: Vec<f64>,
    motion: Vec<f64>,
    power: Vec<f64>,
    slope: f64,
    energies: Vec<f64>,
}

fn golden(name: &str) -> Value {
    serde_json::from_str::<Value>(include_str!("data/golden_features.json")).unwrap()[name].clone()
}

fn reference(name: &str) -> Value {
    serde_json::from_str::<Value>(include_str!("data/reference.json")).unwrap()[name].clone()
}

fn numbers(value: Value) -> Vec<f64> {
    serde_json::from_value(value).unwrap()
}

fn samples() -> Vec<f64> {
    include_str!("data/bidmc_01_pleth.csv").lines().skip(1).map(|line| line.parse().unwrap()).collect()
}

fn filtered() -> Vec<f64> {
    let mut samples = samples();
    let sections = butterworth::design::<3>(3, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, RATE_HZ).unwrap();
    let mut filter = Cascade::new(sections);
    filter.settle(samples[0]);
    filter.process(&mut samples);
    samples
}

/// Within 1e-9 relative, and prints the greatest relative difference (`--nocapture`).
#[track_caller]
fn assert_near(name: &str, ours: &[f64], theirs: &[f64], floor: f64) {
    assert!(ours.len() >= theirs.len() && !theirs.is_empty(), "{name}");
    let mut worst: f64 = 0.0;
    for (number, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!(
            (ours - theirs).abs() <= 1e-9 * theirs.abs() + floor,
            "{name} {number}: {ours} is not {theirs}"
        );
        if theirs.abs() > floor {
            worst = worst.max((ours - theirs).abs() / theirs.abs());
        }
    }
    println!("{name}: {worst:.1e}");
}

fn floor(values: &[f64]) -> f64 {
    1e-12 * values.iter().fold(0.0, |most, value| f64::max(most, value.abs()))
}

#[test]
fn the_median_spectrum_is_that_of_scipy() {
    let mut welch = Welch::new(RATE_HZ, 1024, 1024).unwrap().with_median(3_750);
    let density = welch.median(&samples()).to_vec();
    assert_near("median of 6", &density, &numbers(golden("welch_median_P0_20")), floor(&density));
    let mut welch = Welch::new(RATE_HZ, 500, 500).unwrap().with_median(3_000);
    let density = welch.median(&samples()[..3_000]).to_vec();
    assert_near("median of 11", &density, &numbers(reference("welch_median_even")), floor(&density));
    // What was not planned for gives zeros.
    assert!(welch.median(&samples()).iter().all(|power| *power == 0.0));
}

#[test]
fn the_periodogram_is_that_of_scipy() {
    let mut welch = Welch::new(RATE_HZ, 3_750, 3_750).unwrap().with_detrend(Detrend::Linear);
    let density = welch.density(&samples()).to_vec();
    assert_near("periodogram", &density, &numbers(golden("periodogram_linear_P0_20")), floor(&density));
}

#[test]
fn the_columns_are_those_of_scipy() {
    let samples = samples();
    let mut stft = Stft::new(RATE_HZ, 256, 192).unwrap();
    let golden = golden("stft_256_192_psd");
    assert_eq!(golden["shape"], serde_json::json!([129, stft.columns(samples.len())]));
    for (number, name) in [(0, "absZ_col0_0_20"), (5, "absZ_col5_0_20")] {
        let column: Vec<f64> = stft.column(&samples, number).unwrap().iter().map(|bin| bin.norm()).collect();
        assert_eq!(column.len(), 129);
        assert_near(name, &column, &numbers(golden[name].clone()), floor(&column));
    }
    for (place, number) in [3, 54].into_iter().enumerate() {
        let column: Vec<f64> =
            stft.column(&samples, number).unwrap().iter().flat_map(|bin| [bin.re, bin.im]).collect();
        let theirs: Vec<Vec<f64>> =
            serde_json::from_value(reference("stft_columns_3_and_54")[place].clone()).unwrap();
        assert_near("column", &column, &theirs.concat(), floor(&column));
    }
    assert!((stft.seconds(54) - reference("stft_seconds_54").as_f64().unwrap()).abs() < 1e-12);
    assert!(stft.column(&samples, 55).is_none());
}

#[test]
fn detrending_is_that_of_scipy() {
    let mut ours = samples();
    detrend::linear(&mut ours);
    assert_near("linear", &ours, &numbers(golden("detrend_linear_first10")), 0.0);
    let mut ours = samples();
    detrend::constant(&mut ours);
    assert_near("constant", &ours, &numbers(reference("detrend_constant_first5")), 0.0);
}

#[test]
fn energies_are_those_of_pywavelets() {
    let mut wavelet = Wavelet::new(2_048);
    let ours = wavelet.energies(&filtered()[..2_048]);
    assert_near("energies", &ours, &numbers(golden("dwt_db4_per_L5_energy")), 0.0);
    let by_length: BTreeMap<usize, Vec<f64>> =
        serde_json::from_value(reference("energies_by_length")).unwrap();
    for (length, theirs) in by_length {
        // A short signal repeated is nearly a constant, whose details are rounding.
        let ours = wavelet.energies(&samples()[..length]);
        assert_near(&format!("energies of {length}"), &ours, &theirs, 1e-15 * theirs[0]);
    }
}

#[test]
fn averaged_increments_are_those_of_the_definition() {
    let mut ema = Ema::new(100.0).unwrap();
    for sample in 0..3_000 {
        // The script's `np.arange(0, 300, 0.1)`.
        let seconds = f64::from(sample) * 0.1;
        ema.step(match seconds {
            ..60.0 => 0.0,
            60.0..180.0 => 1.0 - (-(seconds - 60.0) / 15.0).exp(),
            _ => (1.0 - (-120.0_f64 / 15.0).exp()) * (-(seconds - 180.0) / 25.0).exp(),
        });
    }
    let golden = golden("ema");
    for (number, weight) in ["0.1", "0.01", "0.001"].into_iter().enumerate() {
        let theirs = [golden[weight]["max"].as_f64().unwrap(), golden[weight]["min"].as_f64().unwrap()];
        assert_near(weight, &[ema.state().most[number], ema.state().least[number]], &theirs, 0.0);
    }
}

#[test]
fn features_are_those_of_the_golden_window() {
    let band = features::Band { low_hz: 0.5, high_hz: 8.0 };
    let reading = Features::new(RATE_HZ, 3_750, band).unwrap().read(&filtered(), Set::Basic);
    let (spread, motion, power) =
        (reading.spread.numbers(), reading.motion.numbers(), reading.power.numbers());
    // The mean of a filtered wave is what is left of it: 1e-9 of it is 7e-14, and the wave has an amplitude of 0.1.
    let golden = golden("features_30s_causal");
    let theirs =
        |names: &[&str]| -> Vec<f64> { names.iter().map(|name| golden[*name].as_f64().unwrap()).collect() };
    let names = ["mean", "sd_pop", "rms", "skew", "kurt_excess"];
    assert_near("moments", &spread, &theirs(&names), 0.0);
    assert_near("order", &spread[6..], &theirs(&["mad", "iqr", "ptp"]), 0.0);
    assert_near("motion", &motion, &theirs(&["zcr", "line_len", "hj_mob", "hj_comp"]), 0.0);
    let names = ["sp_centroid", "sp_spread", "sp_entropy", "sp_flat", "sp_roll85", "sp_roll95", "f_peak"];
    assert_near("power", &power, &theirs(&names), 0.0);
    // Frequencies of bins are exact.
    assert_eq!(power[4..], theirs(&names[4..]));
}

#[test]
fn features_of_other_rates_and_lengths_are_those_of_the_reference() {
    for window in serde_json::from_value::<Vec<Window>>(reference("windows")).unwrap() {
        let samples = if window.raw { samples() } else { filtered() };
        let band = features::Band { low_hz: window.low_hz, high_hz: window.high_hz };
        let mut features = Features::new(window.rate_hz, window.end - window.first, band).unwrap();
        let reading = features.read(&samples[window.first..window.end], Set::All);
        let (spread, motion, power) =
            (reading.spread.numbers(), reading.motion.numbers(), reading.power.numbers());
        assert_near("spread", &spread, &window.spread, 1e-15);
        assert_near("motion", &motion, &window.motion, 0.0);
        assert_near("power", &power, &window.power, 0.0);
        assert_near("slope", &[reading.slope_per_second.unwrap()], &[window.slope], 0.0);
        assert_near("energies", &reading.energies.unwrap(), &window.energies, 0.0);
    }
}
