//! A second computation from the whole recording at once, step by step as the specification has it.

use super::*;
use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    ema::Ema,
    fingerprint::power_db,
    hampel,
    welch::Welch,
    zero_phase::ZeroPhase,
};

pub(super) const SAMPLES: usize = 2_250;

/// Detector and reference of one channel, outliers replaced.
pub(super) fn clean(channel: usize) -> [Vec<f64>; 2] {
    let options = hampel::Options { side: 5, threshold: 3.0, floor: 2.0 / 8_388_608.0 };
    let blocks: [fn((f32, f32)) -> f32; 2] = [|pair| pair.0, |pair| pair.1];
    blocks.map(|block| {
        let raw: Vec<f64> =
            (0..SAMPLES as i64).map(|sample| f64::from(block(rise(channel, sample)))).collect();
        let (mut clean, mut outliers) = (vec![0.0; SAMPLES], vec![false; SAMPLES]);
        hampel::clean(options, &raw, &[], &mut clean, &mut outliers).unwrap();
        clean
    })
}

/// The steps for one channel: outliers replaced, difference, calibration.
pub(super) fn corrected([det, reference]: &[Vec<f64>; 2]) -> Vec<f64> {
    det.iter().zip(reference).map(|(det, reference)| ((det - 0.5 * reference) - 0.2) * 2.0).collect()
}

/// The first two seconds about their mean.
fn about_mean(signal: &[f64]) -> impl Iterator<Item = f64> {
    let mean = signal[..100].iter().sum::<f64>() / 100.0;
    signal[..100].iter().map(move |value| value - mean)
}

pub(super) fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

#[test]
fn value_and_fingerprint_are_those_of_the_whole_recording() {
    let mut device = Device::new(88, rise);
    device.cartridge.tag = Some(tag(5, 4, 88));
    let (measured, print) = device.measured(SAMPLES as i64);
    let design = butterworth::design::<2>(4, Band::Low { corner_hz: 2.0 }, 50.0).unwrap();
    let (mut plateaus, mut scores, mut before) = (Vec::new(), vec![0.0; 896], [vec![], vec![]]);
    for channel in 0..88 {
        let clean = clean(channel);
        before[0].extend(about_mean(&clean[0]));
        before[1].extend(about_mean(&clean[1]));
        let signal = corrected(&clean);
        let mut smooth = signal.clone();
        ZeroPhase::new(design).process(&mut smooth).unwrap();
        let plateau = middle(&smooth[SAMPLES - 100..]);
        let baseline = middle(&signal[..100]);
        plateaus.push(plateau);
        let mut causal = Cascade::new(design);
        causal.settle(signal[0]);
        let filtered: Vec<f64> = signal.iter().map(|value| causal.step(*value)).collect();
        let mut ema = Ema::new(50.0).unwrap();
        ema.process(&filtered);
        let mut welch = Welch::new(50.0, 256, 256).unwrap();
        let step_hz = welch.step_hz();
        let change = plateau - baseline;
        scores[channel] = change.asinh();
        scores[88 + channel] = (change / baseline.abs()).asinh();
        for number in 0..3 {
            scores[176 + 88 * number + channel] = ema.state().most[number].asinh();
            scores[448 + 88 * number + channel] = ema.state().least[number].asinh();
        }
        scores[800 + channel] = power_db(welch.density(&signal), step_hz, 50.0).unwrap().asinh();
    }
    let coupling = dsp::differential::coupling(&before[0], &before[1]).unwrap();
    close(measured.alpha_seen, coupling.alpha, 1e-6);
    close(measured.value, plateaus.iter().sum::<f64>() / 88.0, 1e-6);
    let print = print.unwrap();
    assert_eq!((print.layout.as_str(), print.mask.len()), ("v1-896", 112));
    let missing = |place: usize| print.mask[place / 8] >> (place % 8) & 1 == 1;
    for place in 0..896 {
        assert_eq!(missing(place), (440..448).contains(&place) || place >= 888, "{place}");
    }
    // Slopes are of fewer points than a recording has: they have a test of their own.
    let slopes = 712..800;
    let length = 1.0 / (f64::from(print.vector.values()[800]) / scores[800]);
    for (place, score) in scores.iter().enumerate().filter(|(place, _)| !slopes.contains(place)) {
        let found = f64::from(print.vector.values()[place]) * length;
        assert!((found - score).abs() < 1e-5 * (1.0 + score.abs()), "{place}: {found} is not {score}");
    }
}

#[test]
fn the_uncertainty_covers_what_noise_does() {
    // A drift of two thousandths a second, noise of 5e-3 evenly spread on both blocks: sigma = 2 * 5e-3 * sqrt(1.25 / 3).
    let drifting = |channel: usize, sample: i64| {
        let own = |kind| 0.005 * noise(channel, sample, kind);
        let level = if sample < 100 { 0.0 } else { 1.0 };
        ((level + 0.001 * sample as f64 / 50.0 + own(2)) as f32, (0.3 + own(3)) as f32)
    };
    let (measured, _) = Device::new(88, drifting).measured(1_500);
    let noise = 2.0 * 0.005 * (1.25_f64 / 3.0).sqrt();
    let alpha = 2.0 * 0.3 * 0.005 / 3.0_f64.sqrt();
    let own = noise * noise * std::f64::consts::FRAC_PI_2 / 100.0 / 88.0;
    close(measured.uncertainty, 2.0 * (own + alpha * alpha).sqrt(), 2e-6);
    close(measured.snr_db, 20.0 * (2.06 / noise).log10(), 1.0);
    // A third of 30 s at 2e-3 a second, over a signal of 2 and the drift up to the last two seconds.
    close(measured.drift, 0.02 / 2.056, 5e-4);
}
