//! What must hold for any samples whatever.
//!
//! * The filter gives the same bits however the stream is cut, and continues from a saved state: the pipeline cuts by
//!   panes and goes back to one after a late packet.
//! * An estimate never panics, holds finite numbers only, and depends on nothing but its window.
//! * Known rates come out at every sampling rate; what is no pulse does not pass the gate.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    pulse::{Estimate, Pulse},
};
use proptest::prelude::*;

fn filter(rate_hz: f64) -> Cascade<3> {
    Cascade::new(butterworth::design(3, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, rate_hz).unwrap())
}

fn bits(samples: &[f64]) -> Vec<u64> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

/// A filtered window of 30 s of a wave with a steep systole and a dicrotic wave 0.35 s behind it.
fn wave(rate_hz: f64, beats_per_minute: f64) -> Vec<f64> {
    let mut filter = filter(rate_hz);
    let beat_seconds = 60.0 / beats_per_minute;
    let bump = |seconds: f64, centre: f64, width: f64| (-((seconds - centre) / width).powi(2)).exp();
    let mut samples: Vec<f64> = (0..(40.0 * rate_hz) as usize)
        .map(|sample| {
            let seconds = (sample as f64 / rate_hz) % beat_seconds;
            bump(seconds, 0.15, 0.07) + 0.25 * bump(seconds, 0.5, 0.07)
        })
        .collect();
    filter.settle(samples[0]);
    filter.process(&mut samples);
    samples.split_off(samples.len() - (30.0 * rate_hz).round() as usize)
}

/// Uniform noise between -1 and 1 (xorshift, Marsaglia 2003), the same in every run.
fn noise(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(next).collect()
}

fn numbers(estimate: &Estimate) -> [f64; 9] {
    [
        estimate.hr_bpm.unwrap_or(0.0),
        estimate.beats_bpm.unwrap_or(0.0),
        estimate.spectrum_bpm.unwrap_or(0.0),
        estimate.regularity,
        estimate.similarity,
        estimate.evenness,
        estimate.snr_db,
        estimate.skewness,
        estimate.quality,
    ]
}

fn assert_sound(estimate: &Estimate) {
    assert!(numbers(estimate).iter().all(|number| number.is_finite()), "{estimate:?}");
    for share in [estimate.regularity, estimate.evenness, estimate.quality] {
        assert!((0.0..=1.0).contains(&share), "{estimate:?}");
    }
    assert!(estimate.hr_bpm.is_none_or(|bpm| (20.0..=250.0).contains(&bpm)), "{estimate:?}");
    assert!(!estimate.good || estimate.hr_bpm.is_some(), "{estimate:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_cut_of_a_stream_does_not_change_a_bit(
        samples in prop::collection::vec(-1e6..1e6, 1..400),
        cuts in prop::collection::vec(1_usize..50, 1..40),
    ) {
        let mut whole = samples.clone();
        let mut filter = filter(125.0);
        filter.settle(samples[0]);
        let mut again = filter;
        filter.process(&mut whole);

        let mut pieces = samples;
        let mut rest = pieces.as_mut_slice();
        for cut in cuts {
            let (piece, others) = rest.split_at_mut(cut.min(rest.len()));
            again.process(piece);
            rest = others;
        }
        again.process(rest);
        prop_assert_eq!(bits(&whole), bits(&pieces));
        prop_assert_eq!(filter, again);
    }

    #[test]
    fn a_restored_state_continues_as_if_nothing_had_happened(
        before in prop::collection::vec(-1e3..1e3, 1..100),
        after in prop::collection::vec(-1e3..1e3, 1..100),
    ) {
        let mut filter = filter(125.0);
        filter.process(&mut before.clone());
        let saved = filter.state();
        let mut first = after.clone();
        filter.process(&mut first);
        filter.restore(saved);
        let mut second = after;
        filter.process(&mut second);
        prop_assert_eq!(bits(&first), bits(&second));
    }

    #[test]
    fn an_estimate_is_sound_for_any_samples(
        rate_hz in 25.0..500.0,
        seconds in 10.0..40.0,
        kinds in prop::collection::vec((any::<f64>(), 0_u8..8, any::<bool>()), 1..60),
        seed in any::<u64>(),
    ) {
        let mut pulse = Pulse::new(rate_hz, seconds).unwrap();
        let noise = noise(seed, pulse.samples() + 7);
        let count = noise.len();
        let (mut samples, mut imputed) = (Vec::new(), Vec::new());
        for (index, noise) in noise.iter().enumerate() {
            let (value, kind, lost) = kinds[index * kinds.len() / count];
            samples.push(match kind {
                0 => value,
                1 => f64::NAN,
                2 => f64::INFINITY * noise,
                3 => f64::MAX * noise,
                4 => 0.0,
                5 => 1e-300 * noise,
                6 => (index as f64 / rate_hz * 7.0).sin(),
                _ => *noise,
            });
            imputed.push(lost);
        }
        for (length, flags) in [(samples.len(), imputed.as_slice()), (samples.len(), &[]), (samples.len() / 3, &imputed[..5]), (0, &[])] {
            let estimate = pulse.estimate(&samples[..length], flags);
            assert_sound(&estimate);
            // The same once more: nothing is left over from one window to the next.
            prop_assert_eq!(estimate, pulse.estimate(&samples[..length], flags));
        }
    }

    #[test]
    fn a_known_rate_comes_out_at_any_sampling_rate(rate_hz in 25.0..500.0, bpm in 50.0..130.0) {
        let mut pulse = Pulse::new(rate_hz, 30.0).unwrap();
        let estimate = pulse.estimate(&wave(rate_hz, bpm), &[]);
        // 1 bpm: at 25 Hz a crest is known to 20 ms, at either end of some 20 s.
        prop_assert!((estimate.hr_bpm.unwrap() - bpm).abs() < 1.0, "{:?}", estimate);
        prop_assert!(estimate.good, "{:?}", estimate);
    }

    #[test]
    fn the_scale_of_a_wave_does_not_matter(bpm in 50.0..130.0, exponent in -6_i32..200) {
        let wave = wave(125.0, bpm);
        let mut pulse = Pulse::new(125.0, 30.0).unwrap();
        let scaled: Vec<f64> = wave.iter().map(|value| value * 2.0_f64.powi(exponent)).collect();
        prop_assert_eq!(pulse.estimate(&wave, &[]), pulse.estimate(&scaled, &[]));
    }

    #[test]
    fn noise_does_not_pass_the_gate(seed in any::<u64>()) {
        let mut samples = noise(seed, 3_750);
        let mut filter = filter(125.0);
        filter.process(&mut samples);
        let estimate = Pulse::new(125.0, 30.0).unwrap().estimate(&samples, &[]);
        prop_assert!(!estimate.good, "{:?}", estimate);
    }
}

#[test]
fn a_constant_holds_no_pulse() {
    let mut pulse = Pulse::new(125.0, 30.0).unwrap();
    for level in [0.0, 0.37, -1e4] {
        let mut samples = vec![level; 3_750];
        let mut filter = filter(125.0);
        filter.settle(level);
        filter.process(&mut samples);
        assert_eq!(pulse.estimate(&samples, &[]), Estimate::default());
    }
}

#[test]
fn a_window_that_was_hardly_measured_does_not_pass() {
    let mut pulse = Pulse::new(125.0, 30.0).unwrap();
    let wave = wave(125.0, 75.0);
    let mut imputed = vec![false; wave.len()];
    imputed[..700].fill(true);
    assert!(pulse.estimate(&wave, &imputed).good);
    imputed[..800].fill(true);
    assert!(!pulse.estimate(&wave, &imputed).good);
}

#[test]
fn a_turned_wave_keeps_its_rate() {
    let mut pulse = Pulse::new(125.0, 30.0).unwrap();
    let turned: Vec<f64> = wave(125.0, 66.0).iter().map(|value| -value).collect();
    assert!((pulse.estimate(&turned, &[]).hr_bpm.unwrap() - 66.0).abs() < 1.0);
}

#[test]
fn parameters_out_of_range_are_refused() {
    assert!(Pulse::new(20.0, 30.0).is_err());
    assert!(Pulse::new(f64::NAN, 30.0).is_err());
    assert!(Pulse::new(125.0, 5.0).is_err());
    assert!(Pulse::new(125.0, f64::INFINITY).is_err());
    assert!(butterworth::design::<3>(3, Band::Pass { low_hz: 8.0, high_hz: 0.5 }, 125.0).is_err());
    assert!(butterworth::design::<3>(3, Band::Pass { low_hz: 0.5, high_hz: 80.0 }, 125.0).is_err());
    assert!(butterworth::design::<3>(4, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, 125.0).is_err());
    assert!(butterworth::design::<0>(0, Band::Low { corner_hz: 1.0 }, 125.0).is_err());
}
