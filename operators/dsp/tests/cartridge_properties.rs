//! What must hold for any samples of a cartridge whatever.
//!
//! * Many channels at once give the bits of each alone, however the stream is cut, and continue from a saved state.
//! * Nothing panics, and what is documented as finite is finite.
//! * Corrections are linear.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use dsp::{
    Error,
    bank::Bank,
    butterworth::{self, Band, Section},
    cascade::Cascade,
    differential::{self, Ambient, Coefficients, Differential, Spread, calibration},
    hampel::{self, Options, Row, Sample, State},
    savgol::{Causal, Centred, Fit},
    zero_phase::ZeroPhase,
};
use proptest::{collection::vec, prelude::*};

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn low_pass() -> [Section; 2] {
    butterworth::design(4, Band::Low { corner_hz: 2.0 }, 50.0).unwrap()
}

/// Samples of every kind: few levels, so that there are ties and still windows; zeros of both signs; anything.
fn sample() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        6 => (-4_i32..5).prop_map(f64::from),
        6 => -1e3..1e3,
        1 => Just(-0.0),
        1 => prop::sample::select(vec![f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324]),
    ]
}

fn any_sample() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![20 => sample(), 1 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

/// Rows of up to 19 channels, most of them measured.
fn rows(of: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = (usize, Vec<(Vec<f64>, bool)>)> {
    (1_usize..20).prop_flat_map(move |channels| {
        let row = (vec(of.clone(), channels), prop::bool::weighted(0.2));
        (Just(channels), vec(row, 1..60))
    })
}

/// The rows of a bank as values and flags, saved and put into another bank after `cut` rows.
fn through_bank<S: Sample>(
    options: Options,
    channels: usize,
    rows: &[(Vec<S>, bool)],
    cut: usize,
) -> (Vec<f64>, Vec<bool>) {
    let mut bank = hampel::Bank::<S>::new(options, channels).unwrap();
    // What was there before a stream must not matter.
    bank.push(&vec![S::default(); channels], false);
    bank.finish(|_| ());
    let (mut values, mut outliers) = (Vec::new(), Vec::new());
    let mut keep = |row: Row<'_>| {
        values.extend_from_slice(row.values);
        outliers.extend_from_slice(row.outliers);
    };
    for (index, (row, imputed)) in rows.iter().enumerate() {
        if index == cut {
            let mut state = State { samples: vec![S::default(); 3], imputed: vec![true] };
            bank.save(&mut state);
            bank = hampel::Bank::<S>::new(options, channels).unwrap();
            bank.restore(&state).unwrap();
        }
        bank.push(row, *imputed).map(&mut keep);
    }
    bank.finish(keep);
    (values, outliers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_bank_of_outlier_filters_is_each_of_them(
        (channels, rows) in rows(any_sample()),
        side in 1_usize..9,
        threshold in prop::sample::select(vec![0.0, 1.0, 3.0]),
        floor in prop::sample::select(vec![0.0, 0.5]),
        cut in 0_usize..60,
    ) {
        let options = Options { side, threshold, floor };
        let (values, outliers) = through_bank(options, channels, &rows, cut);
        // In the width of the wire nothing changes for what came over the wire.
        let narrow: Vec<(Vec<f32>, bool)> =
            rows.iter().map(|(row, imputed)| (row.iter().map(|sample| *sample as f32).collect(), *imputed)).collect();
        let widened: Vec<(Vec<f64>, bool)> =
            narrow.iter().map(|(row, imputed)| (row.iter().copied().map(f64::from).collect(), *imputed)).collect();
        let (narrow, narrow_outliers) = through_bank(options, channels, &narrow, cut);
        let (widened, widened_outliers) = through_bank(options, channels, &widened, cut);
        prop_assert_eq!((bits(&narrow), narrow_outliers), (bits(&widened), widened_outliers));

        prop_assert_eq!(values.len(), rows.len() * channels);
        prop_assert!(values.iter().all(|value| value.is_finite()));
        let imputed: Vec<bool> = rows.iter().map(|(_, imputed)| *imputed).collect();
        for channel in 0..channels {
            let alone: Vec<f64> = rows.iter().map(|(row, _)| row[channel]).collect();
            let (mut output, mut flags) = (vec![0.0; alone.len()], vec![false; alone.len()]);
            hampel::clean(options, &alone, &imputed, &mut output, &mut flags).unwrap();
            let ours: Vec<f64> = values.iter().skip(channel).step_by(channels).copied().collect();
            prop_assert_eq!(bits(&ours), bits(&output));
            let ours: Vec<bool> = outliers.iter().skip(channel).step_by(channels).copied().collect();
            prop_assert_eq!(ours, flags);
        }
    }

    #[test]
    fn a_bank_of_cascades_is_each_of_them((channels, rows) in rows(-1e6..1e6), cut in 0_usize..60) {
        let mut bank = Bank::new(low_pass(), channels);
        bank.settle(&rows[0].0);
        let mut together: Vec<f64> = rows.iter().flat_map(|(row, _)| row).copied().collect();
        // Cut, and continued by another bank from the saved memory.
        let (before, behind) = together.split_at_mut(cut.min(rows.len()) * channels);
        bank.process(before);
        let mut other = Bank::new(low_pass(), channels);
        other.restore(bank.state()).unwrap();
        other.process(behind);
        for channel in 0..channels {
            let mut alone: Vec<f64> = rows.iter().map(|(row, _)| row[channel]).collect();
            let mut cascade = Cascade::new(low_pass());
            cascade.settle(alone[0]);
            cascade.process(&mut alone);
            let ours: Vec<f64> = together.iter().skip(channel).step_by(channels).copied().collect();
            prop_assert_eq!(bits(&ours), bits(&alone));
        }
    }

    #[test]
    fn a_causal_polynomial_does_not_depend_on_the_cut(samples in vec(-1e3..1e3, 1..80), cut in 0_usize..80) {
        let fit = Fit { window: 11, order: 3, derivative: 1, rate_hz: 50.0 };
        let (mut whole, mut pieces) = (samples.clone(), samples.clone());
        let mut causal = Causal::new(fit).unwrap();
        causal.settle(samples[0]);
        let mut first = causal.clone();
        causal.process(&mut whole);
        let (before, behind) = pieces.split_at_mut(cut.min(samples.len()));
        first.process(before);
        let mut state = vec![3.0; 2];
        first.save(&mut state);
        let mut second = Causal::new(fit).unwrap();
        second.restore(&state).unwrap();
        second.process(behind);
        prop_assert_eq!(bits(&whole), bits(&pieces));
        // Beyond the first window it is what the whole recording gives at its end.
        let mut output = vec![0.0; samples.len()];
        if Centred::new(fit).unwrap().apply(&samples, &mut output).is_ok() {
            prop_assert_eq!(bits(&whole[samples.len() - 1..]), bits(&output[samples.len() - 1..]));
        }
    }

    #[test]
    fn filtering_both_ways_is_linear_and_does_not_panic(
        samples in vec(-1e3..1e3, 0..80),
        scale in -1e3_f64..1e3,
        anything in vec(any::<f64>(), 0..80),
    ) {
        let mut filter = ZeroPhase::new(low_pass());
        let mut scaled: Vec<f64> = samples.iter().map(|sample| scale * sample).collect();
        let mut filtered = samples.clone();
        prop_assert_eq!(filter.process(&mut filtered).is_ok(), samples.len() >= filter.least_samples());
        if filter.process(&mut scaled).is_ok() {
            for (scaled, filtered) in scaled.iter().zip(&filtered) {
                prop_assert!((scaled - scale * filtered).abs() <= 1e-9 * scale.abs() * 1e3);
            }
        } else {
            prop_assert_eq!(samples, filtered);
        }
        // Nothing is left over, not even from what is no number.
        let mut again = scaled.clone();
        filter.process(&mut scaled).ok();
        filter.process(&mut anything.clone()).ok();
        filter.process(&mut again).ok();
        prop_assert_eq!(bits(&scaled), bits(&again));
    }

    #[test]
    fn the_differential_is_linear(
        alpha in 0.0..=2.0,
        (first, second) in (vec(-1e3..1e3, 10), vec(-1e3..1e3, 10)),
        (gain, scale) in (-3.0..3.0, -100.0..100.0_f64),
        (celsius, humidity_percent) in (5.0..45.0, 0.0..100.0),
    ) {
        let coefficients = Coefficients { per_celsius: 0.01, per_percent: -0.002, ..Coefficients::new(alpha) };
        let mut differential = Differential::new(coefficients, 5).unwrap();
        differential.calibrate(&[0.0; 5], &[gain; 5]).unwrap();
        let ambient = Ambient { celsius, humidity_percent };
        let apply = |row: &[f64]| {
            let mut corrected = [0.0; 5];
            differential.apply(&row[..5], &row[5..], ambient, &mut corrected);
            corrected
        };
        let both: Vec<f64> = first.iter().zip(&second).map(|(first, second)| first + scale * second).collect();
        let (first, second, both) = (apply(&first), apply(&second), apply(&both));
        for ((first, second), both) in first.iter().zip(&second).zip(&both) {
            prop_assert!((first + scale * second - both).abs() <= 1e-9 * (1.0 + scale.abs()) * 1e3);
        }
    }

    #[test]
    fn the_uncertainty_is_that_of_disturbed_inputs(
        reference in -10.0..10.0,
        (detection_u, reference_u, alpha_u) in (0.0..1.0, 0.0..1.0, 0.0..0.5),
        (gain, celsius) in (-3.0..3.0, 5.0..45.0),
    ) {
        let ambient = Ambient { celsius, humidity_percent: 60.0 };
        let at = |alpha: f64, detection: f64, reference: f64| {
            let coefficients = Coefficients { per_celsius: 0.01, per_percent: 0.002, ..Coefficients::new(alpha) };
            let mut differential = Differential::new(coefficients, 1).unwrap();
            differential.calibrate(&[0.3], &[gain]).unwrap();
            let mut corrected = [0.0];
            differential.apply(&[detection], &[reference], ambient, &mut corrected);
            let spread = Spread { detection: detection_u, reference: reference_u, alpha: alpha_u };
            let mut variance = [0.0];
            differential.variance(&[reference], spread, ambient, &mut variance);
            (corrected[0], variance[0])
        };
        let (middle, variance) = at(0.95, 5.0, reference);
        // The correction is linear in each input, so the law of propagation is exact.
        let disturbed = [at(0.95, 5.0 + detection_u, reference), at(0.95, 5.0, reference + reference_u), at(0.95 + alpha_u, 5.0, reference)];
        let expected: f64 = disturbed.iter().map(|(corrected, _)| (corrected - middle).powi(2)).sum();
        prop_assert!((variance - expected).abs() <= 1e-9 * (1.0 + expected));
        prop_assert!((differential::expanded(variance) - 2.0 * variance.sqrt()).abs() <= 1e-15);
    }

    #[test]
    fn a_calibration_of_exact_points_is_found(
        gain in prop_oneof![0.1..10.0_f64, -10.0..-0.1_f64],
        offset in -10.0..10.0_f64,
        measured in vec(-100.0..100.0, 0..20),
    ) {
        let reference: Vec<f64> = measured.iter().map(|measured| (measured - offset) * gain).collect();
        let spread = measured.iter().copied().fold(f64::MIN, f64::max) - measured.iter().copied().fold(f64::MAX, f64::min);
        let found = calibration::line(&measured, &reference);
        if measured.len() < 3 {
            prop_assert_eq!(found, Err(Error::Degenerate { points: measured.len() }));
        } else if spread > 1.0 {
            let found = found.unwrap();
            prop_assert!((found.gain - gain).abs() < 1e-9 * gain.abs() && (found.offset - offset).abs() < 1e-8);
            prop_assert!(found.score.unwrap() > 1.0 - 1e-9);
        }
        let coupled = differential::coupling(&reference, &measured);
        prop_assert_eq!(coupled.is_some(), found.is_ok());
        prop_assert!(coupled.is_none_or(|coupled| spread < 1.0 || (coupled.alpha - gain).abs() < 1e-9 * gain.abs()));
    }

    #[test]
    fn what_is_found_is_finite_for_any_samples(
        first in vec(any_sample(), 0..12),
        second in vec(any_sample(), 12),
        third in vec(any_sample(), 12),
    ) {
        let (second, third) = (&second[..first.len()], &third[..first.len()]);
        for found in [calibration::gain(&first, second), calibration::line(&first, second)] {
            let sound = found.is_err() || found.is_ok_and(|found| {
                found.gain.is_finite() && found.offset.is_finite() && found.score.is_none_or(|score| score <= 1.0)
            });
            prop_assert!(sound, "{:?}", found);
        }
        if let Some(coupling) = differential::coupling(&first, second) {
            prop_assert!(coupling.alpha.is_finite() && (0.0..=1.0).contains(&coupling.r_squared));
        }
        let strangest = differential::strangest(&first, second, third);
        prop_assert_eq!(strangest.is_none(), first.is_empty());
        prop_assert!(strangest.is_none_or(|(_, z)| z.abs() <= differential::MOST_Z));
        for (coupling, alpha) in first.iter().zip(second) {
            prop_assert!(differential::common_mode_db(*coupling, *alpha).abs() <= differential::MOST_DB);
        }
    }
}
