//! Holds the filters of a cartridge against scipy and numpy, on real samples.
//!
//! `data/README.md` tells where the numbers come from; each test states its tolerance.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeMap;

use dsp::{
    butterworth::{self, Band, Section},
    differential::{self, Ambient, Coefficients, Differential},
    hampel, notch,
    savgol::{self, Causal, Centred, Fit},
    zero_phase::ZeroPhase,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    notch50_q30_fs125: Transfer,
    notch60_q30_fs125: Transfer,
    notch10_q30_fs50: Transfer,
    sosfiltfilt: Points,
    sosfiltfilt_eis_first200: Points,
    sosfiltfilt_ecg_hp_first200: Points,
    zero_phase_rms: f64,
    savgol: BTreeMap<String, Vec<f64>>,
    savgol_exact: Vec<Polynomial>,
    savgol_slope_11_3_fs125: Points,
    hampel: Hampel,
    hampel_imputed_floor: Imputed,
    differential: Corrected,
}

#[derive(Deserialize)]
struct Transfer {
    b: [f64; 3],
    a: [f64; 3],
}

#[derive(Deserialize)]
struct Points {
    idx: Vec<usize>,
    y: Vec<f64>,
}

#[derive(Deserialize)]
struct Polynomial {
    window: usize,
    order: usize,
    derivative: usize,
    position: usize,
    rate_hz: f64,
    weights: Vec<f64>,
}

#[derive(Deserialize)]
struct Hampel {
    spike_idx: Vec<usize>,
    spike_add: Vec<f64>,
    centered_k5_n3_flag_idx: Vec<usize>,
    centered_vals_at_spikes: Vec<f64>,
}

#[derive(Deserialize)]
struct Imputed {
    #[serde(rename = "imputed_idx")]
    places: Vec<usize>,
    floor: f64,
    flag_idx: Vec<usize>,
    idx: Vec<usize>,
    y: Vec<f64>,
}

#[derive(Deserialize)]
struct Corrected {
    alpha: f64,
    det: Vec<f64>,
    #[serde(rename = "ref")]
    reference: Vec<f64>,
    out: Vec<f64>,
}

const AMBIENT: Ambient = Ambient { celsius: 25.0, humidity_percent: 50.0 };

fn golden() -> Golden {
    serde_json::from_str(include_str!("data/cartridge.json")).unwrap()
}

fn samples() -> Vec<f64> {
    include_str!("data/bidmc_01_pleth.csv").lines().skip(1).map(|line| line.parse().unwrap()).collect()
}

#[track_caller]
fn assert_near(what: &str, ours: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), expected.len(), "{what}");
    let differences = ours.iter().zip(expected).map(|(ours, expected)| (ours - expected).abs());
    let largest = differences.max_by(f64::total_cmp).unwrap();
    assert!(largest <= tolerance, "{what}: {largest:e} is more than {tolerance:e}");
}

#[track_caller]
fn assert_points(what: &str, ours: &[f64], points: &Points, tolerance: f64) {
    let picked: Vec<f64> = points.idx.iter().map(|index| ours[*index]).collect();
    assert_near(what, &picked, &points.y, tolerance);
}

#[test]
fn notches_are_those_of_scipy() {
    let golden = golden();
    for (section, scipy) in [
        (notch::design(50.0, 125.0, 30.0).unwrap(), &golden.notch50_q30_fs125),
        (notch::mains(50.0, 125.0, 30.0).unwrap(), &golden.notch50_q30_fs125),
        (notch::mains(60.0, 125.0, 30.0).unwrap(), &golden.notch60_q30_fs125),
        // Sampled at 50 Hz, mains of 60 Hz are found at 10 Hz.
        (notch::mains(60.0, 50.0, 30.0).unwrap(), &golden.notch10_q30_fs50),
    ] {
        let Section { b, a } = section;
        // Coefficients are at most 2: 1e-12 of the specification is relative.
        let expected = [scipy.b[0], scipy.b[1], scipy.b[2], scipy.a[0], scipy.a[1], scipy.a[2]];
        assert_near("notch", &[b[0], b[1], b[2], 1.0, a[0], a[1]], &expected, 5e-13);
    }
}

#[test]
fn filtering_both_ways_is_that_of_scipy() {
    let golden = golden();
    // 1e-9 of the root mean square is the specification; the arithmetic is better.
    let tolerance = 1e-12 * golden.zero_phase_rms;
    let mut pulse = samples();
    let sections = butterworth::design::<3>(3, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, 125.0).unwrap();
    ZeroPhase::new(sections).process(&mut pulse).unwrap();
    assert_points("both ways, band-pass", &pulse, &golden.sosfiltfilt, tolerance);

    let mut slow = samples()[..200].to_vec();
    let sections = butterworth::design::<2>(4, Band::Low { corner_hz: 2.0 }, 50.0).unwrap();
    ZeroPhase::new(sections).process(&mut slow).unwrap();
    assert_points("both ways, low-pass", &slow, &golden.sosfiltfilt_eis_first200, tolerance);

    // An odd order has a section of first order, so the continuation is shorter.
    let mut fast = samples()[..200].to_vec();
    let sections = butterworth::design::<3>(5, Band::High { corner_hz: 0.5 }, 360.0).unwrap();
    let mut filter = ZeroPhase::new(sections);
    filter.process(&mut fast).unwrap();
    assert_points("both ways, high-pass", &fast, &golden.sosfiltfilt_ecg_hp_first200, 100.0 * tolerance);
    assert_eq!(filter.least_samples(), 19, "3 * (2 * 3 + 1 - 1) + 1");
}

#[test]
fn weights_of_polynomials_are_those_of_scipy() {
    let golden = golden();
    let reversed = |fit, position| -> Vec<f64> {
        let weights = savgol::weights(fit, position).unwrap();
        weights.into_iter().rev().collect()
    };
    let fit = Fit { window: 11, order: 3, derivative: 0, rate_hz: 125.0 };
    // 1e-12 is the specification, of weights up to 1 and slopes up to 20 per second.
    assert_near("smooth", &reversed(fit, 5), &golden.savgol["coeffs_11_3_d0"], 1e-12);
    assert_near("newest", &reversed(fit, 10), &golden.savgol["coeffs_11_3_d0_causal_pos10"], 1e-12);
    let slope = Fit { derivative: 1, ..fit };
    assert_near("slope", &reversed(slope, 5), &golden.savgol["coeffs_11_3_d1_fs125"], 2e-11);
}

/// The truth is the least squares solution in rational numbers: scipy solves for powers of the sample number, which
/// keeps eleven digits of 25 samples and none of 101.
#[test]
fn weights_of_polynomials_are_those_of_exact_arithmetic() {
    for expected in &golden().savgol_exact {
        let Polynomial { window, order, derivative, position, rate_hz, ref weights } = *expected;
        let ours = savgol::weights(Fit { window, order, derivative, rate_hz }, position).unwrap();
        let largest = ours.iter().fold(0.0_f64, |largest, weight| largest.max(weight.abs()));
        // 1e-12 is the specification. Of the longest windows only the first weights are kept.
        let what = format!("window {window}, order {order}");
        assert_near(&what, &ours[..weights.len()], weights, 1e-12 * largest);
        // A constant has no slope, and is its own smooth; the latter holds for any window.
        let sum: f64 = ours.iter().sum();
        let constant = if derivative == 0 { 1.0 } else { 0.0 };
        assert_near(&what, &[sum], &[constant], 1e-12 * largest.max(1.0) * window as f64);
    }
}

/// The table of Savitzky and Golay is a quotient of integers: 11 samples, third order, over 429; the slope over 5148.
#[test]
fn weights_of_polynomials_are_those_of_the_exact_table() {
    let fit = Fit { window: 11, order: 3, derivative: 0, rate_hz: 1.0 };
    let smooth =
        [-36.0, 9.0, 44.0, 69.0, 84.0, 89.0, 84.0, 69.0, 44.0, 9.0, -36.0].map(|weight| weight / 429.0);
    assert_near("exact smooth", &savgol::weights(fit, 5).unwrap(), &smooth, 1e-15);
    let slope = [300.0, -294.0, -532.0, -503.0, -296.0, 0.0, 296.0, 503.0, 532.0, 294.0, -300.0];
    let ours = savgol::weights(Fit { derivative: 1, ..fit }, 5).unwrap();
    assert_near("exact slope", &ours, &slope.map(|weight| weight / 5148.0), 1e-15);
}

#[test]
fn smoothed_recordings_are_those_of_scipy() {
    let golden = golden();
    let samples = samples();
    let mut output = vec![0.0; samples.len()];
    let fit = Fit { window: 11, order: 3, derivative: 0, rate_hz: 125.0 };
    Centred::new(fit).unwrap().apply(&samples, &mut output).unwrap();
    assert_near("first", &output[..20], &golden.savgol["filt_11_3_interp_first20"], 1e-12);
    assert_near("last", &output[output.len() - 5..], &golden.savgol["filt_11_3_interp_last5"], 1e-12);
    let slope = Fit { derivative: 1, ..fit };
    Centred::new(slope).unwrap().apply(&samples, &mut output).unwrap();
    // The slopes reach 4 per second, from samples below 1 times weights up to 20: 1e-12 of those.
    assert_points("slopes", &output, &golden.savgol_slope_11_3_fs125, 2e-11);

    // The stream's value at the last sample of a window is the one `interp` puts at the end of a recording.
    let mut causal = Causal::new(fit).unwrap();
    let mut stream = samples.clone();
    causal.process(&mut stream);
    let newest = &golden.savgol["filt_11_3_interp_last5"][4..];
    assert_near("causal", &stream[stream.len() - 1..], newest, 1e-12);
}

fn spiked() -> Vec<f64> {
    let golden = golden().hampel;
    let mut samples = samples()[..400].to_vec();
    for (index, add) in golden.spike_idx.iter().zip(&golden.spike_add) {
        samples[*index] += add;
    }
    samples
}

fn places(flags: &[bool]) -> Vec<usize> {
    (0..flags.len()).filter(|index| flags[*index]).collect()
}

#[test]
fn outliers_are_those_of_numpy() {
    let (golden, samples) = (golden(), spiked());
    let (mut output, mut flags) = (vec![0.0; 400], vec![false; 400]);
    let options = hampel::Options { side: 5, threshold: 3.0, floor: 0.0 };
    hampel::clean(options, &samples, &[], &mut output, &mut flags).unwrap();
    // Flags are exact, values to 1e-15.
    assert_eq!(places(&flags), golden.hampel.centered_k5_n3_flag_idx);
    let spikes = Points { idx: golden.hampel.spike_idx, y: golden.hampel.centered_vals_at_spikes };
    assert_points("outliers", &output, &spikes, 1e-15);
    assert!((0..400).all(|index| flags[index] || output[index].to_bits() == samples[index].to_bits()));

    // The same as a stream, five samples later.
    let mut bank = hampel::Bank::<f64>::new(options, 1).unwrap();
    let (mut values, mut outliers) = (Vec::new(), Vec::new());
    let mut keep = |row: hampel::Row<'_>| {
        values.push(row.values[0]);
        outliers.push(row.outliers[0]);
    };
    for (index, sample) in samples.iter().enumerate() {
        let row = bank.push(&[*sample], false);
        assert_eq!(row.is_some(), index >= 5);
        row.map(&mut keep);
    }
    bank.finish(keep);
    assert_eq!((values, outliers), (output, flags));
}

#[test]
fn imputed_samples_do_not_take_part_in_the_median() {
    let (golden, samples) = (golden().hampel_imputed_floor, spiked());
    let mut imputed = vec![false; 400];
    for index in &golden.places {
        imputed[*index] = true;
    }
    let (mut output, mut flags) = (vec![0.0; 400], vec![false; 400]);
    let options = hampel::Options { side: 5, threshold: 3.0, floor: golden.floor };
    hampel::clean(options, &samples, &imputed, &mut output, &mut flags).unwrap();
    assert_eq!(places(&flags), golden.flag_idx);
    assert_points("imputed", &output, &Points { idx: golden.idx, y: golden.y }, 1e-15);
}

#[test]
fn the_difference_is_that_of_the_packet_document() {
    let golden = golden().differential;
    let differential = Differential::new(Coefficients::new(golden.alpha), 4).unwrap();
    let mut output = [0.0; 4];
    differential.apply(&golden.det, &golden.reference, AMBIENT, &mut output);
    // 1e-15 relative is the specification.
    for (ours, expected) in output.iter().zip(&golden.out) {
        assert!((ours - expected).abs() <= 1e-15 * expected, "{ours} is not {expected}");
    }
    let mut single = [0.0];
    Differential::new(Coefficients::new(0.95), 1).unwrap().apply(&[1.234], &[0.012], AMBIENT, &mut single);
    assert!((single[0] - 1.2226).abs() <= 1e-15 * 1.2226, "{}", single[0]);
    // The figure of the specification: 26.02 dB.
    assert!((differential::common_mode_db(1.0, 0.95) - 20.0 * 20.0_f64.log10()).abs() < 1e-9);
}

#[test]
fn a_corrected_channel_is_that_of_the_formula() {
    let coefficients = Coefficients { per_celsius: 0.01, per_percent: -0.002, ..Coefficients::new(0.9) };
    let mut differential = Differential::new(coefficients, 1).unwrap();
    differential.calibrate(&[0.2], &[2.0]).unwrap();
    let mut corrected = [0.0];
    let ambient = Ambient { celsius: 35.0, humidity_percent: 60.0 };
    differential.apply(&[5.0], &[2.0], ambient, &mut corrected);
    // ((5 - 0.9 * 2) - 0.2) * 2 * 1.1 * 0.98
    assert_near("corrected", &corrected, &[6.468], 1e-14);
}
