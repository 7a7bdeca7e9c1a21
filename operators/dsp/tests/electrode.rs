//! What must hold for any samples of an electrode whatever.
//!
//! * Every feature is finite, in its range, and depends on nothing but its window; windows that say nothing say so.
//! * The averaged increments have the same bits however the stream is cut.
//! * A confidence is 0 to 1, 0 if any mark is 0, and does not rise as evidence worsens.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test stops where it fails; exact results are compared exactly"
)]

use dsp::{
    confidence::{self, Calibration, Evidence, Noise},
    ema::Ema,
    features::{Band, Features, Motion, Power, Reading, Set, Spread},
    wavelet::Wavelet,
};

use proptest::prelude::*;

/// Any number and what is none.
fn anything() -> impl Strategy<Value = f64> {
    let extremes = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, -0.0];
    prop_oneof![4 => any::<f64>(), 1 => prop::sample::select(extremes.to_vec())]
}

/// Samples of all kinds: any bits, and noise of any scale and offset, so that most windows can be calculated with.
fn samples() -> impl Strategy<Value = Vec<f64>> {
    let tame = (prop::collection::vec(-1.0..1.0, 0..600), -60_i32..60, prop_oneof![Just(0.0), -1e9..1e9]);
    prop_oneof![
        1 => prop::collection::vec(anything(), 0..600),
        1 => prop::collection::vec(prop_oneof![20 => -1e3..1e3, 1 => anything()], 0..60),
        1 => prop::collection::vec(prop_oneof![Just(0.0), Just(1e60), Just(-1e60), Just(1e-300), Just(-0.0)], 0..600),
        4 => tame.prop_map(|(noise, exponent, offset)| {
            noise.iter().map(|value| offset + value * 10.0_f64.powi(exponent)).collect()
        }),
    ]
}

fn numbers(reading: &Reading) -> Vec<f64> {
    let Reading { spread, motion, power, slope_per_second, energies } = reading;
    let mut numbers =
        vec![spread.mean, spread.deviation, spread.root_mean_square, spread.skewness, spread.kurtosis];
    numbers.extend([spread.median, spread.median_deviation, spread.quartile_range, spread.peak_to_peak]);
    numbers.extend([motion.zero_crossings, motion.line_length, motion.mobility, motion.complexity]);
    numbers.extend([power.centroid_hz, power.spread_hz, power.entropy, power.flatness]);
    numbers.extend([power.roll_off_85_hz, power.roll_off_95_hz, power.peak_hz]);
    numbers.extend(slope_per_second);
    numbers.extend(energies.iter().flatten());
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn features_are_sound_for_any_samples(samples in samples(), rate_hz in 20.0..130.0) {
        let band = Band { low_hz: 0.0, high_hz: rate_hz / 2.0 };
        let mut features = Features::new(rate_hz, 500, band).unwrap();
        for set in [Set::Basic, Set::Scales, Set::All] {
            let reading = features.read(&samples, set);
            prop_assert!(numbers(&reading).iter().all(|number| number.is_finite()), "{:?}", reading);
            let Reading { spread, motion, power, slope_per_second, energies } = reading;
            for share in [motion.zero_crossings, power.entropy, power.flatness] {
                prop_assert!((0.0..=1.0).contains(&share), "{:?}", reading);
            }
            for hz in [power.centroid_hz, power.roll_off_85_hz, power.roll_off_95_hz, power.peak_hz] {
                prop_assert!((0.0..=rate_hz / 2.0 * (1.0 + 1e-12)).contains(&hz), "{:?}", reading);
            }
            prop_assert!(power.roll_off_85_hz <= power.roll_off_95_hz);
            prop_assert!(spread.quartile_range <= spread.peak_to_peak);
            prop_assert_eq!((slope_per_second.is_some(), energies.is_some()), (set == Set::All, set != Set::Basic));
            // The same once more: nothing is left over from one window to the next.
            prop_assert_eq!(reading, features.read(&samples, set));
        }
    }

    #[test]
    fn energies_add_up_where_the_length_halves_evenly(
        samples in prop::collection::vec(-1e3..1e3, 1..20_usize), repeats in 1..4_usize,
    ) {
        let signal: Vec<f64> = samples.iter().cycle().copied().take(32 * repeats).collect();
        let energy: f64 = signal.iter().map(|value| value * value).sum();
        let sum: f64 = Wavelet::new(128).energies(&signal).iter().sum();
        // The filter is printed to 16 digits and is orthonormal to 1e-12.
        prop_assert!((sum - energy).abs() <= 1e-10 * energy, "{} {}", sum, energy);
    }

    #[test]
    fn the_cut_of_a_stream_does_not_change_an_average(
        samples in samples(), cut in 0.0..1.0, rate_hz in 20.0..100.0,
    ) {
        let mut whole = Ema::new(rate_hz).unwrap();
        whole.process(&samples);
        let (before, after) = samples.split_at((cut * samples.len() as f64) as usize);
        let mut first = Ema::new(rate_hz).unwrap();
        first.process(before);
        let mut second = Ema::new(rate_hz).unwrap();
        second.restore(first.state());
        second.process(after);
        prop_assert_eq!(whole, second);
        let state = whole.state();
        prop_assert!(state.averages.iter().chain(&state.most).chain(&state.least).all(|number| number.is_finite()));
        prop_assert!(state.most.iter().all(|most| *most >= 0.0) && state.least.iter().all(|least| *least <= 0.0));
    }

    #[test]
    fn a_confidence_is_from_0_to_1_and_falls_as_evidence_worsens(
        numbers in prop::array::uniform5(prop_oneof![4 => -10.0..60.0, 4 => 0.0..1.0, 1 => anything()]),
        snr_db in 0.0..30.0, worse_db in 0.0..10.0,
    ) {
        let [any_db, loss, drift, calibration_score, ambient_celsius] = numbers;
        let evidence = |snr_db| Evidence {
            snr_db,
            loss,
            drift,
            calibration_score,
            calibration: Calibration::Expiring,
            ambient_celsius,
        };
        prop_assert!((0.0..=1.0).contains(&confidence::confidence(&evidence(any_db))));
        let better = confidence::confidence(&evidence(snr_db));
        prop_assert!(confidence::confidence(&evidence(snr_db - worse_db)) <= better + 1e-15);
    }

    #[test]
    fn signal_over_noise_is_bounded(samples in samples(), plateau in anything(), baseline in anything()) {
        let mut noise = Noise::new(500);
        prop_assert!(noise.deviation(&samples).is_finite());
        prop_assert!(noise.snr_db(&samples, plateau, baseline).abs() <= confidence::MOST_SNR_DB);
    }
}
#[test]
fn windows_that_say_nothing_say_so() {
    let mut features = Features::new(50.0, 500, Band { low_hz: 0.1, high_hz: 5.0 }).unwrap();
    let nothing = Reading { slope_per_second: Some(0.0), energies: Some([0.0; 6]), ..Reading::default() };
    for window in [vec![], vec![f64::NAN; 500], vec![0.0, f64::INFINITY], vec![1e61, 1.0]] {
        assert_eq!(features.read(&window, Set::All), nothing);
    }
    // A tenth is not exact in binary: rounding must not become a spread, a motion or a spectrum.
    for count in [1, 2, 499, 500] {
        let reading = features.read(&vec![-0.1; count], Set::Basic);
        let spread = Spread { mean: -0.1, root_mean_square: 0.1, ..Spread::default() };
        assert_eq!(reading, Reading { spread, ..Reading::default() });
    }
    // Too short for a spectrum, but not for the rest.
    let reading = features.read(&[1.0, 2.0, 4.0], Set::All);
    assert_eq!(reading.power, Power::default());
    assert_eq!(reading.slope_per_second, Some(1.5 * 50.0));
    let motion = Motion { zero_crossings: 0.0, line_length: 1.5, ..reading.motion };
    assert_eq!(reading.motion, motion);
    // A ramp has no second difference, and its first ones do not vary.
    let ramp: Vec<f64> = (0..500).map(f64::from).collect();
    let reading = features.read(&ramp, Set::Basic);
    assert_eq!((reading.motion.mobility, reading.motion.complexity), (0.0, 0.0));
    assert_eq!((reading.spread.median, reading.spread.quartile_range), (249.5, 249.5));
}

#[test]
fn parameters_out_of_range_are_refused() {
    let band = Band { low_hz: 0.1, high_hz: 5.0 };
    assert!(Features::new(f64::NAN, 500, band).is_err());
    assert!(Features::new(0.0, 500, band).is_err());
    assert!(Features::new(50.0, 1, band).is_err());
    assert!(Features::new(50.0, 500, Band { low_hz: 5.0, high_hz: 0.1 }).is_err());
    assert!(Features::new(50.0, 500, Band { low_hz: 0.1, high_hz: 25.1 }).is_err());
    // Between two frequencies of the spectrum.
    assert!(Features::new(50.0, 500, Band { low_hz: 0.05, high_hz: 0.06 }).is_err());
    assert!(Features::new(50.0, 500, Band { low_hz: f64::NAN, high_hz: 5.0 }).is_err());
    assert!(Ema::new(f64::INFINITY).is_err());
}

#[test]
fn marks_and_noise_are_as_laid_down() {
    assert_eq!([5.0, 12.5, 20.0].map(confidence::snr_ramp), [0.0, 0.5, 1.0]);
    assert_eq!([0.0, 0.05, 0.1].map(confidence::loss_ramp), [1.0, 0.5, 0.0]);
    assert_eq!([0.0, 0.015, 0.03].map(confidence::drift_ramp), [1.0, 0.5, 0.0]);
    assert_eq!(
        [5.0, 10.0, 15.0, 40.0, 42.5, 45.0].map(confidence::ambient_ramp),
        [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    );
    let states = [Calibration::Valid, Calibration::Expiring, Calibration::Expired];
    assert_eq!(states.map(|state| confidence::calibration_ramp(0.5, state)), [0.5, 0.4, 0.0]);
    assert!((confidence::geometric_mean(&[0.25, 1.0]) - 0.5).abs() < 1e-15);
    assert_eq!(confidence::geometric_mean(&[1.0, 0.0, 1.0]), 0.0);
    assert_eq!(confidence::geometric_mean(&[1.0, f64::NAN]), 0.0);
    assert!(confidence::geometric_mean(&[1e-300; 5]) > 0.99e-300);

    // Differences of 1, -1, 3, -3, …: their median is 0, their median distance from it 2.
    let signal = [0.0, 1.0, 0.0, 3.0, 0.0, 1.0, 0.0, 3.0, 0.0];
    let mut noise = Noise::new(9);
    let deviation = 1.4826 * 2.0 / std::f64::consts::SQRT_2;
    assert!((noise.deviation(&signal) - deviation).abs() < 1e-15);
    assert!((noise.snr_db(&signal, 10.0 * deviation + 1.0, 1.0) - 20.0).abs() < 1e-12);
    assert_eq!(noise.snr_db(&[1.0; 9], 2.0, 1.0), confidence::MOST_SNR_DB);
    assert_eq!(noise.snr_db(&signal, 1.0, 1.0), -confidence::MOST_SNR_DB);
}
