//! What is refused, and what it says: parameters, never samples.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
#![allow(clippy::float_cmp, reason = "bounds, and what must not have changed, are exact")]

use dsp::{
    Error,
    bank::Bank,
    cascade::Cascade,
    differential::{self, Coefficients, Differential, calibration},
    hampel::{self, Options, State},
    notch,
    savgol::{self, Causal, Centred, Fit},
    zero_phase::ZeroPhase,
};
use proptest::prelude::*;

#[track_caller]
fn assert_outside<T>(result: Result<T, Error>) {
    assert!(matches!(result.err(), Some(Error::Outside { .. })));
}

#[test]
fn the_mains_are_found_where_they_are_folded_to() {
    // The table of the specification.
    for (mains_hz, rate_hz, expected_hz) in [
        (60.0, 20.0, 0.0),
        (60.0, 40.0, 20.0),
        (60.0, 50.0, 10.0),
        (60.0, 100.0, 40.0),
        (50.0, 50.0, 0.0),
        (50.0, 20.0, 10.0),
    ] {
        assert!((notch::alias_hz(mains_hz, rate_hz) - expected_hz).abs() < 1e-12, "{mains_hz} at {rate_hz}");
    }
    assert!(notch::alias_hz(50.0, 0.0).is_nan());
}

#[test]
fn mains_that_cannot_be_taken_out_are_refused_with_the_periods_that_can() {
    let refused = notch::mains(60.0, 20.0, 30.0).unwrap_err();
    assert_eq!(refused, Error::Alias { mains_hz: 60.0, rate_hz: 20.0 });
    assert_eq!(
        refused.to_string(),
        "mains of 60 Hz fold onto 0 Hz at a rate of 20 Hz; choose a packet period of 10 to 32 or 34 to 49 ms"
    );
    let refused = notch::mains(50.0, 50.0, 30.0).unwrap_err();
    assert!(
        refused.to_string().ends_with("choose a packet period of 10 to 19 or 21 to 39 or 41 to 50 ms"),
        "{refused}"
    );
    // At 33 ms, 60 Hz fold onto 0.6 Hz.
    assert!(matches!(notch::mains(60.0, 1e3 / 33.0, 30.0), Err(Error::Alias { .. })));
    // 1,000 Hz fold onto nothing at any period of whole milliseconds.
    let refused = notch::mains(1e3, 50.0, 30.0).unwrap_err();
    assert!(refused.to_string().ends_with("another length: none from 10 to 50 ms is legal"), "{refused}");
}

proptest! {
    #[test]
    fn a_notch_for_the_mains_takes_them_out_or_is_refused(
        mains_hz in prop::sample::select(vec![50.0, 60.0]),
        rate_hz in 20.0..500.0,
    ) {
        match notch::mains(mains_hz, rate_hz, 5.0) {
            Err(error) => {
                prop_assert_eq!(error, Error::Alias { mains_hz, rate_hz });
                prop_assert!(notch::alias_hz(mains_hz, rate_hz) < 1.0 && rate_hz <= 2.0 * mains_hz);
            }
            Ok(section) => {
                let mut filter = Cascade::new([section]);
                // Twenty seconds pass before the last one is looked at; close to half the rate they are not enough.
                let sampled = |index: usize| (std::f64::consts::TAU * mains_hz * index as f64 / rate_hz + 0.4).sin();
                let wave: Vec<f64> = (0..(21.0 * rate_hz) as usize).map(|index| filter.step(sampled(index))).collect();
                let rest = wave[(20.0 * rate_hz) as usize..].iter().fold(0.0_f64, |most, value| most.max(value.abs()));
                let apart_hz = rate_hz / 2.0 - notch::alias_hz(mains_hz, rate_hz);
                prop_assert!(rest < 1e-3 || apart_hz < 1.0, "{}", rest);
                // A constant passes.
                let mut filter = Cascade::new([section]);
                filter.settle(2.0);
                prop_assert!((filter.step(2.0) - 2.0).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn mains_at_half_the_rate_are_taken_out() {
    // A packet period of 25 ms and mains of 60 Hz, which scipy has no notch for.
    let section = notch::mains(60.0, 40.0, 30.0).unwrap();
    // A second pole would lie on the unit circle, and rounding errors would stay for good.
    assert!(section.a[1] == 0.0 && section.a[0].abs() < 1.0);
    let mut filter = Cascade::new([section]);
    let last = (0..400).map(|index| filter.step(if index % 2 == 0 { 1.0 } else { -1.0 })).last().unwrap();
    assert!(last.abs() < 1e-6, "{last}");
    filter.settle(3.0);
    assert!((filter.step(3.0) - 3.0).abs() < 1e-12);
}

#[test]
fn notches_out_of_range_are_refused() {
    for notch_hz in [0.0, -1.0, 62.6, f64::NAN, f64::INFINITY] {
        assert!(matches!(notch::design(notch_hz, 125.0, 30.0), Err(Error::Corner { .. })), "{notch_hz}");
    }
    for q in [0.0, -30.0, f64::NAN, f64::INFINITY, 0.5] {
        assert_outside(notch::design(50.0, 125.0, q));
    }
    assert!(notch::mains(f64::NAN, 50.0, 30.0).is_err() && notch::mains(50.0, f64::NAN, 30.0).is_err());
}

#[test]
fn outlier_filters_out_of_range_are_refused() {
    let fine = Options { side: 5, threshold: 3.0, floor: 0.0 };
    for options in [
        Options { side: 0, ..fine },
        Options { side: hampel::MOST_SIDE + 1, ..fine },
        Options { threshold: -1.0, ..fine },
        Options { threshold: f64::NAN, ..fine },
        Options { floor: f64::INFINITY, ..fine },
    ] {
        assert_outside(hampel::Bank::<f64>::new(options, 3));
        assert_outside(hampel::clean(options, &[], &[], &mut [], &mut []));
    }
    let mut bank = hampel::Bank::<f64>::new(fine, 3).unwrap();
    assert_outside(bank.restore(&State { samples: vec![0.0; 4], imputed: vec![false] }));
    assert_outside(bank.restore(&State { samples: vec![0.0; 33], imputed: vec![false; 11] }));
}

#[test]
fn an_outlier_is_farther_than_three_spreads() {
    // The median is 0 and the median absolute deviation 1, so the limit is 3 * 1.4826 = 4.4478.
    let options = Options { side: 3, threshold: 3.0, floor: 0.0 };
    let mut output = [0.0; 7];
    for (sample, outlier) in [(4.4477, false), (4.4479, true), (-4.4477, false), (-4.4479, true)] {
        let mut outliers = [false; 7];
        let samples = [-sample, -1.0, 0.0, sample, 1.0, 1.0, -1.0];
        hampel::clean(options, &samples, &[], &mut output, &mut outliers).unwrap();
        assert_eq!((outliers[3], output[3]), (outlier, if outlier { 0.0 } else { sample }));
    }
}

#[test]
fn polynomials_out_of_range_are_refused() {
    let fine = Fit { window: 11, order: 3, derivative: 0, rate_hz: 50.0 };
    for fit in [
        Fit { window: 0, ..fine },
        Fit { window: 3, ..fine },
        Fit { window: savgol::MOST_WINDOW + 1, ..fine },
        Fit { derivative: savgol::MOST_ORDER + 1, ..fine },
    ] {
        assert_outside(Centred::new(Fit { window: fit.window | 1, ..fit }).and(Causal::new(fit)));
    }
    assert_outside(Centred::new(Fit { window: 12, ..fine }));
    assert_outside(savgol::weights(fine, 11));
    assert!(matches!(Causal::new(Fit { rate_hz: 0.0, ..fine }), Err(Error::Rate { .. })));
    assert!(savgol::weights(Fit { derivative: 4, ..fine }, 0).unwrap().iter().all(|weight| *weight == 0.0));
    assert_outside(Centred::new(fine).unwrap().apply(&[0.0; 10], &mut [0.0; 10]));
    assert_outside(Causal::new(fine).unwrap().restore(&vec![0.0; 11]));
    assert_eq!(savgol::weights(Fit { window: 1, order: 0, ..fine }, 0).unwrap(), [1.0]);
}

#[test]
fn memories_of_another_shape_and_short_recordings_are_refused() {
    let section = notch::mains(60.0, 50.0, 30.0).unwrap();
    assert_outside(Bank::new([section], 3).restore(&[0.0; 5]));
    let mut filter = ZeroPhase::new([section]);
    assert_eq!(filter.least_samples(), 10);
    let mut short = [1.0; 9];
    assert_outside(filter.process(&mut short));
    assert_eq!(short, [1.0; 9]);
    assert_outside(filter.process(&mut []));
}

#[test]
fn an_alpha_out_of_range_is_refused() {
    for alpha in [-0.01, 2.01, f64::NAN, f64::INFINITY] {
        assert_outside(Differential::new(Coefficients::new(alpha), 88));
    }
    assert_outside(Differential::new(Coefficients { per_celsius: f64::NAN, ..Coefficients::new(1.0) }, 88));
    let mut differential = Differential::new(Coefficients::new(2.0), 1).unwrap();
    assert_outside(differential.calibrate(&[f64::NAN], &[1.0]));
    assert_outside(differential.calibrate(&[0.0], &[f64::INFINITY]));
    assert_eq!(
        differential,
        Differential::new(Coefficients::new(2.0), 1).unwrap(),
        "what was refused changed nothing"
    );
    let refused = Differential::new(Coefficients::new(3.0), 1).unwrap_err();
    assert_eq!(refused.to_string(), "alpha of 3 is not supported; choose a value from 0 to 2");
}

#[test]
fn points_that_determine_nothing_are_no_calibration() {
    let degenerate = |points| Err(Error::Degenerate { points });
    assert_eq!(calibration::gain(&[], &[]), degenerate(0));
    assert_eq!(calibration::gain(&[0.0], &[1.0]), degenerate(1));
    assert_eq!(calibration::gain(&[1.0, 2.0], &[0.0, 0.0]), degenerate(2));
    assert_eq!(calibration::gain(&[1.0, f64::NAN], &[1.0, 2.0]), degenerate(2));
    assert_eq!(calibration::gain(&[2.0], &[3.0]).unwrap().score, None);
    assert_eq!(calibration::line(&[1.0, 2.0], &[1.0, 2.0]), degenerate(2));
    assert_eq!(calibration::line(&[0.1; 7], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), degenerate(7));
    assert_eq!(calibration::line(&[1.0, 2.0, 3.0], &[0.1; 3]), degenerate(3));
    // A parabola about its middle has no slope.
    assert_eq!(calibration::line(&[-1.0, 0.0, 1.0], &[1.0, 0.0, 1.0]), degenerate(3));
    // The mean of ratios, which this is not, would be 1.5.
    assert!((calibration::gain(&[1.0, 2.0], &[2.0, 2.0]).unwrap().gain - 1.2).abs() < 1e-15);
}

#[test]
fn the_reference_is_watched() {
    // Found 0.5 with all of the variance explained; 0.95 in use.
    let found = differential::coupling(&[0.5, 1.0, 1.5, 2.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    assert!((found.alpha - 0.5).abs() < 1e-15 && (found.r_squared - 1.0).abs() < 1e-12);
    assert!(found.contradicts(0.95) && !found.contradicts(0.55));
    let unclear = differential::coupling(&[1.0, -1.0, 1.0, -0.9], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    assert!(unclear.r_squared < 0.5 && !unclear.contradicts(0.95));
    assert_eq!(differential::coupling(&[1.0, 2.0, 3.0], &[0.1; 3]), None);
    assert_eq!(differential::common_mode_db(1.0, 1.0), differential::MOST_DB);
    assert_eq!(differential::common_mode_db(0.0, 0.0), 0.0);
    assert_eq!(
        differential::strangest(&[f64::NAN, 1.0], &[0.0; 2], &[1.0; 2]),
        Some((0, differential::MOST_Z))
    );
    assert_eq!(differential::strangest(&[1.0, -5.0], &[1.0, 1.0], &[0.0, 2.0]), Some((1, -3.0)));
}
