//! Our side of the comparison: what is called, on what, and how near the reference its result must be.
//!
//! # Invariants
//! A case writes all of its result in every call, so that neither side saves what the other pays for. Recordings are filtered in
//! panes of five seconds, as a stream is; the reference gets them whole.

use anyhow::Result;
use dsp::{
    bank,
    butterworth::{self, Band, Section},
    cascade::Cascade,
    detrend,
    differential::{Ambient, Coefficients, Differential},
    features::{self, Features, Reading, Set},
    fingerprint::{Fingerprint, Layout, Normaliser, Part, unit},
    hampel, hrv, notch, qrs,
    savgol::{Centred, Fit},
    similarity,
    stft::Stft,
    theil_sen::TheilSen,
    wavelet::{LEVELS, Wavelet},
    welch::Welch,
    zero_phase::ZeroPhase,
};

use super::case::{Case, DESIGNED, EXACT, FILTERED, NAMED, Right, SINGLE, SPECTRAL};
use super::signals::{
    CHANNELS, FINGERPRINTS, INTERVALS, NUMBERS, RATE_HZ, SAMPLES, Signals, WINDOW, heartbeat,
};

/// Samples of a pane: five seconds.
const PANE: usize = 625;
/// Samples a slope is read off: ten seconds at 50 Hz.
const SLOPE: usize = 500;
/// Rate of the electrocardiogram, in Hz.
const ECG_HZ: usize = 360;
/// Distance from the R wave within which a beat is found, in samples: 150 ms (ANSI/AAMI EC57).
const NEAR: u64 = 54;
/// Seconds of the electrocardiogram that are checked: not the first ones, while levels are learned, nor the last.
const CHECKED: std::ops::Range<u64> = 4..160;

/// All cases, in the order of the rooms of the calculator.
pub(super) fn all(signals: &Signals) -> Result<Vec<Case<'_>>> {
    let mut cases = filters(signals);
    cases.extend(designs());
    cases.extend(smoothers(signals)?);
    cases.extend(spectra(signals)?);
    cases.extend(windows(signals)?);
    cases.extend(cartridges(signals)?);
    cases.push(beats()?);
    Ok(cases)
}

fn filters(signals: &Signals) -> Vec<Case<'_>> {
    let (wave, rows, sections) = (signals.get("wave"), signals.get("rows"), signals.sections);
    let mut cascade = Cascade::new(sections);
    let mut bank = bank::Bank::new(sections, CHANNELS);
    let mut both_ways = ZeroPhase::new(sections);
    vec![
        Case::new("sosfilt", (SAMPLES, "sample"), SAMPLES, FILTERED, move |result| {
            result.copy_from_slice(wave);
            cascade.settle(wave[0]);
            result.chunks_mut(PANE).for_each(|pane| cascade.process(pane));
        }),
        Case::new("bank", (rows.len(), "sample"), rows.len(), FILTERED, move |result| {
            result.copy_from_slice(rows);
            bank.settle(&rows[..CHANNELS]);
            result.chunks_mut(CHANNELS).for_each(|row| bank.process(row));
        }),
        Case::new("sosfiltfilt", (SAMPLES, "sample"), SAMPLES, FILTERED, move |result| {
            result.copy_from_slice(wave);
            both_ways.process(result).expect("the recording is long enough");
        }),
    ]
}

fn designs() -> [Case<'static>; 2] {
    let pulse = Band::Pass { low_hz: 0.5, high_hz: 8.0 };
    let write = |section: &Section, result: &mut [f64]| {
        result[..3].copy_from_slice(&section.b);
        result[3..].copy_from_slice(&section.a);
    };
    [
        Case::new("butter", (1, "design"), 15, DESIGNED, move |result| {
            let sections = butterworth::design::<3>(3, pulse, RATE_HZ).expect("the corners fit the rate");
            for (section, result) in sections.iter().zip(result.chunks_mut(5)) {
                write(section, result);
            }
        }),
        Case::new("iirnotch", (1, "design"), 5, DESIGNED, move |result| {
            write(&notch::design(50.0, RATE_HZ, 30.0).expect("the notch fits the rate"), result);
        }),
    ]
}

fn smoothers(signals: &Signals) -> Result<[Case<'_>; 4]> {
    let (wave, spiked, rows) = (signals.get("wave"), signals.get("spiked"), signals.get("rows"));
    let smooth = Centred::new(Fit { window: 11, order: 3, derivative: 0, rate_hz: RATE_HZ })?;
    let options = hampel::Options { side: 5, threshold: 3.0, floor: 0.0 };
    let mut outliers = vec![false; SAMPLES];
    let mut bank = hampel::Bank::<f64>::new(options, CHANNELS)?;
    Ok([
        Case::new("savgol", (SAMPLES, "sample"), SAMPLES, FILTERED, move |result| {
            smooth.apply(wave, result).expect("the recording is long enough");
        }),
        Case::new("hampel", (SAMPLES, "sample"), SAMPLES, EXACT, move |result| {
            hampel::clean(options, spiked, &[], result, &mut outliers).expect("the options are checked");
        }),
        Case::new("hampel_bank", (rows.len(), "sample"), rows.len(), EXACT, move |result| {
            let mut results = result.chunks_mut(CHANNELS);
            let mut keep = |row: hampel::Row<'_>| {
                results.next().expect("as many rows come out as go in").copy_from_slice(row.values);
            };
            for row in rows.chunks(CHANNELS) {
                bank.push(row, false).into_iter().for_each(&mut keep);
            }
            bank.finish(keep);
        }),
        Case::new("detrend", (SAMPLES, "sample"), SAMPLES, FILTERED, move |result| {
            result.copy_from_slice(wave);
            detrend::linear(result);
        }),
    ])
}

fn spectra(signals: &Signals) -> Result<[Case<'_>; 5]> {
    let (wave, window) = (signals.get("wave"), signals.get("window"));
    let mut mean = Welch::new(RATE_HZ, 1_024, 1_024)?;
    let mut median = Welch::new(RATE_HZ, 1_024, 1_024)?.with_median(SAMPLES);
    let mut short = Welch::new(RATE_HZ, 1_024, 1_024)?;
    let mut stft = Stft::new(RATE_HZ, 256, 192)?;
    let mut wavelet = Wavelet::new(SAMPLES);
    let (bins, columns) = (513, stft.columns(SAMPLES));
    Ok([
        Case::new("welch", (SAMPLES, "sample"), bins, SPECTRAL, move |result| {
            result.copy_from_slice(mean.density(wave));
        }),
        Case::new("welch_median", (SAMPLES, "sample"), bins, SPECTRAL, move |result| {
            result.copy_from_slice(median.median(wave));
        }),
        Case::new("welch_30s", (WINDOW, "sample"), bins, SPECTRAL, move |result| {
            result.copy_from_slice(short.density(window));
        }),
        Case::new("stft", (SAMPLES, "sample"), 2 * 129 * columns, SPECTRAL, move |result| {
            for (number, result) in result.chunks_mut(2 * 129).enumerate() {
                let column = stft.column(wave, number).expect("the column lies in the recording");
                for (pair, bin) in result.as_chunks_mut().0.iter_mut().zip(column) {
                    *pair = [bin.re, bin.im];
                }
            }
        }),
        Case::new("wavelet", (SAMPLES, "sample"), LEVELS + 1, NAMED, move |result| {
            result.copy_from_slice(&wavelet.energies(wave));
        }),
    ])
}

fn windows(signals: &Signals) -> Result<[Case<'_>; 4]> {
    let (window, intervals) = (signals.get("window"), signals.get("intervals"));
    let slope = || {
        let mut slopes = TheilSen::new(SLOPE);
        move |result: &mut [f64]| result[0] = slopes.slope(&window[..SLOPE])
    };
    let mut features = Features::new(RATE_HZ, WINDOW, features::Band { low_hz: 0.5, high_hz: 8.0 })?;
    let mut variability = hrv::Variability::new(INTERVALS)?;
    Ok([
        Case::new("theil_sen", (SLOPE, "sample"), 1, EXACT, slope()),
        Case::new("theil_sen_pairs", (SLOPE, "sample"), 1, EXACT, slope()),
        Case::new("features", (WINDOW, "sample"), 19, NAMED, move |result| {
            result.copy_from_slice(&numbers(&features.read(window, Set::Basic)));
        }),
        Case::new("hrv", (INTERVALS, "interval"), 6, NAMED, move |result| {
            let estimate = variability.read(intervals).expect("there are enough intervals");
            let powers = estimate.powers.expect("five minutes are long enough");
            let times = [estimate.mean_ms, estimate.sdnn_ms, estimate.rmssd_ms, estimate.pnn50_percent];
            result[..4].copy_from_slice(&times);
            result[4..].copy_from_slice(&[powers.low_ms2, powers.high_ms2]);
        }),
    ])
}

/// The numbers of a reading in the order of the reference, which has no median.
fn numbers(reading: &Reading) -> [f64; 19] {
    let mut numbers = [0.0; 19];
    let spread = reading.spread.numbers();
    numbers[..5].copy_from_slice(&spread[..5]);
    numbers[5..8].copy_from_slice(&spread[6..]);
    numbers[8..12].copy_from_slice(&reading.motion.numbers());
    numbers[12..].copy_from_slice(&reading.power.numbers());
    numbers
}

fn cartridges(signals: &Signals) -> Result<[Case<'_>; 3]> {
    let (detection, reference) = (signals.get("detection"), signals.get("reference"));
    let mut differential = Differential::new(Coefficients::new(0.97), NUMBERS)?;
    differential.calibrate(signals.get("offsets"), signals.get("gains"))?;
    let ambient = Ambient { celsius: 25.0, humidity_percent: 50.0 };
    // The reference divides by scales, the normaliser by quartile ranges over 1.349.
    let ranges: Vec<f64> = signals.get("scales").iter().map(|scale| scale * 1.349).collect();
    let normaliser = Normaliser::new(Layout::Raw896, signals.get("medians"), &ranges)?;
    let part = |value: &f64| Part { steady: Some(*value), ..Part::default() };
    let parts: Vec<Part> = signals.get("values").iter().map(part).collect();
    let mut fingerprint = Fingerprint::new(Layout::Raw896);
    let (mut scores, mut direction) = (vec![0.0; NUMBERS], vec![0.0; NUMBERS]);
    let (matrix, query) = (signals.single("matrix"), signals.single("query"));
    let mut products = vec![0.0; FINGERPRINTS];
    Ok([
        Case::new("differential", (NUMBERS, "channel"), NUMBERS, EXACT, move |result| {
            differential.apply(detection, reference, ambient, result);
        }),
        Case::new("fingerprint", (NUMBERS, "number"), NUMBERS, SINGLE, move |result| {
            fingerprint.fill(&parts, &[], &[]);
            normaliser.normalise(&fingerprint, &mut scores).expect("the layouts are the same");
            unit(&scores, &mut direction).expect("the scores are not zero");
            widen(&direction, result);
        }),
        Case::new("dots", (FINGERPRINTS, "row"), FINGERPRINTS, SINGLE, move |result| {
            similarity::dots(&matrix, &query, &mut products);
            widen(&products, result);
        }),
    ])
}

fn widen(singles: &[f32], result: &mut [f64]) {
    for (result, single) in result.iter_mut().zip(singles) {
        *result = f64::from(*single);
    }
}

/// Has no counterpart: the result is how many beats were found at each R wave.
fn beats() -> Result<Case<'static>> {
    let ecg: Vec<f64> = (0..SAMPLES).map(heartbeat).collect();
    let mut detector = qrs::Detector::new(ECG_HZ as f64)?;
    let mut beats = Vec::new();
    let count = (CHECKED.end - CHECKED.start) as usize;
    let work = move |result: &mut [f64]| {
        detector.restart();
        beats.clear();
        ecg.chunks(PANE).for_each(|pane| detector.process(pane, &mut beats));
        result.fill(0.0);
        for beat in &beats {
            let (second, place) = (beat.sample / ECG_HZ as u64, beat.sample % ECG_HZ as u64);
            if CHECKED.contains(&second) {
                // A beat that is not at its R wave makes the count of its second wrong.
                let found = if place.abs_diff(100) <= NEAR { 1.0 } else { f64::NAN };
                result[(second - CHECKED.start) as usize] += found;
            }
        }
    };
    let case = Case::new("qrs", (SAMPLES, "sample"), count, EXACT, work);
    Ok(Case { right: Right::Numbers(vec![1.0; count]), ..case })
}
