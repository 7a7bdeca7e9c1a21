//! Holds the calculator against scipy, and the heart rate against the monitor, on real samples.
//!
//! `data/README.md` tells where the samples come from; each test states its tolerance.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeMap;

use dsp::{
    butterworth::{self, Band, Section},
    cascade::Cascade,
    pulse::Pulse,
    welch::Welch,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    sos: BTreeMap<String, Vec<[f64; 6]>>,
    sosfilt_zi: Vec<[f64; 2]>,
    sosfilt_causal: Causal,
    causal_rms: f64,
    welch_1024_512: Spectrum,
    peak_hz: f64,
    skewness: f64,
}

#[derive(Deserialize)]
struct Causal {
    idx: Vec<usize>,
    y: Vec<f64>,
}

#[derive(Deserialize)]
struct Spectrum {
    f0_20: Vec<f64>,
    #[serde(rename = "P0_40")]
    p0_40: Vec<f64>,
    #[serde(rename = "sumP_df")]
    sum: f64,
}

const RATE_HZ: f64 = 125.0;

fn golden() -> Golden {
    serde_json::from_str(include_str!("data/golden.json")).unwrap()
}

fn samples() -> Vec<f64> {
    include_str!("data/bidmc_01_pleth.csv").lines().skip(1).map(|line| line.parse().unwrap()).collect()
}

fn pulse_sections() -> [Section; 3] {
    butterworth::design(3, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, RATE_HZ).unwrap()
}

fn filtered() -> Vec<f64> {
    let mut samples = samples();
    let mut filter = Cascade::new(pulse_sections());
    filter.settle(samples[0]);
    filter.process(&mut samples);
    samples
}

/// Coefficients agree to 1e-12 relative, section by section: order and pairing are scipy's, too.
#[track_caller]
fn assert_design<const N: usize>(name: &str, order: usize, band: Band, rate_hz: f64) {
    let expected = &golden().sos[name];
    let sections = butterworth::design::<N>(order, band, rate_hz).unwrap();
    assert_eq!(expected.len(), N);
    for (section, row) in sections.iter().zip(expected) {
        let ours = [section.b[0], section.b[1], section.b[2], 1.0, section.a[0], section.a[1]];
        for (ours, scipy) in ours.iter().zip(row) {
            assert!((ours - scipy).abs() <= 1e-12 * scipy.abs().max(1e-3), "{name}: {ours} is not {scipy}");
        }
    }
}

#[test]
fn designs_are_those_of_scipy() {
    assert_design::<3>("ppg_bp_0p5_8_o3_fs125", 3, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, 125.0);
    assert_design::<2>("resp_bp_0p1_0p7_o2_fs125", 2, Band::Pass { low_hz: 0.1, high_hz: 0.7 }, 125.0);
    assert_design::<2>("eis_lp_2hz_o4_fs50", 4, Band::Low { corner_hz: 2.0 }, 50.0);
    assert_design::<1>("ecg_bp_5_15_o1_fs360", 1, Band::Pass { low_hz: 5.0, high_hz: 15.0 }, 360.0);
    assert_design::<3>("ecg_hp_0p5_o5_fs360", 5, Band::High { corner_hz: 0.5 }, 360.0);
}

#[test]
fn the_settled_state_is_that_of_scipy() {
    let mut filter = Cascade::new(pulse_sections());
    filter.settle(1.0);
    for (ours, scipy) in filter.state().iter().flatten().zip(golden().sosfilt_zi.iter().flatten()) {
        assert!((ours - scipy).abs() <= 1e-12, "{ours} is not {scipy}");
    }
}

#[test]
fn the_filtered_wave_is_that_of_scipy() {
    let golden = golden();
    let filtered = filtered();
    let rms = (filtered.iter().map(|value| value * value).sum::<f64>() / filtered.len() as f64).sqrt();
    assert!((rms - golden.causal_rms).abs() <= 1e-12 * rms);
    for (index, scipy) in golden.sosfilt_causal.idx.iter().zip(&golden.sosfilt_causal.y) {
        assert!(
            (filtered[*index] - scipy).abs() <= 1e-12 * rms,
            "sample {index}: {} is not {scipy}",
            filtered[*index]
        );
    }
}

#[test]
fn the_spectrum_is_that_of_scipy() {
    let golden = golden().welch_1024_512;
    let mut welch = Welch::new(RATE_HZ, 1024, 1024).unwrap();
    let step_hz = welch.step_hz();
    let density = welch.density(&samples()).to_vec();
    assert_eq!(density.len(), 513);
    for (index, scipy) in golden.f0_20.iter().enumerate() {
        assert!((index as f64 * step_hz - scipy).abs() <= 1e-12);
    }
    // 1e-9 relative is the specification; 1e-12 of the largest bin is the floor of the arithmetic itself.
    let floor = 1e-12 * density.iter().copied().fold(0.0, f64::max);
    for (ours, scipy) in density.iter().zip(&golden.p0_40) {
        assert!((ours - scipy).abs() <= 1e-9 * scipy + floor, "{ours} is not {scipy}");
    }
    assert!((density.iter().sum::<f64>() * step_hz - golden.sum).abs() <= 1e-9 * golden.sum);
}

#[test]
fn the_strongest_line_of_the_filtered_wave_is_where_scipy_finds_it() {
    let mut welch = Welch::new(RATE_HZ, 1024, 1024).unwrap();
    let step_hz = welch.step_hz();
    let density = welch.density(&filtered()).to_vec();
    let peak = (0..density.len()).max_by(|left, right| density[*left].total_cmp(&density[*right])).unwrap();
    assert!((peak as f64 * step_hz - golden().peak_hz).abs() <= 1e-12);
}

#[test]
fn the_heart_rate_is_that_of_the_monitor() {
    // The mean of the thirty HR numerics that the bedside monitor recorded along with these samples.
    let monitor_bpm = 93.9;
    let estimate = Pulse::new(RATE_HZ, 30.0).unwrap().estimate(&filtered(), &[]);
    assert!((estimate.hr_bpm.unwrap() - monitor_bpm).abs() < 0.3, "{estimate:?}");
    assert_eq!(estimate.beats, 47);
    assert!(estimate.good && estimate.quality > 0.95, "{estimate:?}");
    // The wave is thinned before its skewness is taken, so it is scipy's to the second digit only.
    assert!((estimate.skewness - golden().skewness).abs() < 0.01, "{estimate:?}");
}
