//! Holds the median slope against sorting the slopes of all pairs: the bits must be the same.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test stops where it fails; exact results are compared exactly"
)]

use dsp::theil_sen::TheilSen;
use proptest::prelude::*;

/// The definition, by sorting.
fn by_sorting(samples: &[f64]) -> f64 {
    let mut slopes = Vec::new();
    for first in 0..samples.len() {
        for second in first + 1..samples.len() {
            slopes.push((samples[second] - samples[first]) / (second - first) as f64);
        }
    }
    if slopes.is_empty() {
        return 0.0;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    f64::midpoint(slopes[(slopes.len() - 1) / 2], slopes[slopes.len() / 2])
}

/// Samples of many kinds: with ties, levels, drifts, steps, outliers, and offsets that leave few digits.
fn samples() -> impl Strategy<Value = Vec<f64>> {
    let noise = prop_oneof![
        3 => prop::collection::vec(-1.0..1.0, 1..420),
        2 => prop::collection::vec((-3_i8..4).prop_map(f64::from), 1..420),
        1 => prop::collection::vec((0_i8..2).prop_map(f64::from), 1..420),
        1 => prop::collection::vec(prop_oneof![9 => -1e-3..1e-3, 1 => -1e6..1e6], 1..420),
    ];
    let drift = prop_oneof![Just(0.0), Just(0.1), Just(1.0), -10.0..10.0];
    let scale = prop_oneof![Just(1.0), Just(1e-9), Just(1e-16), Just(0.0), Just(1e12)];
    let offset = prop_oneof![Just(0.0), Just(73_888.5), Just(-1e15)];
    (noise, drift, scale, offset).prop_map(|(noise, drift, scale, offset)| {
        noise.iter().enumerate().map(|(index, noise)| offset + drift * index as f64 + scale * noise).collect()
    })
}

/// Any number and what is none.
fn anything() -> impl Strategy<Value = f64> {
    let extremes = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, -0.0];
    prop_oneof![4 => any::<f64>(), 1 => prop::sample::select(extremes.to_vec())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_slope_is_that_of_sorting_all_slopes(samples in samples()) {
        let mut slopes = TheilSen::new(420);
        let slope = slopes.slope(&samples);
        let expected = by_sorting(&samples);
        prop_assert!(slope.to_bits() == expected.to_bits() || slope == 0.0 && expected == 0.0, "{slope} {expected}");
        // The same once more: nothing is left over.
        prop_assert_eq!(slope.to_bits(), slopes.slope(&samples).to_bits());
    }

    #[test]
    fn any_samples_give_a_finite_slope(samples in prop::collection::vec(anything(), 0..200)) {
        prop_assert!(TheilSen::new(150).slope(&samples).is_finite());
    }
}

/// Uniform noise between -1 and 1 (SplitMix64), the same in every run.
fn noise(count: usize) -> Vec<f64> {
    let mut state = 7_u64;
    let next = |_| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(next).collect()
}

#[test]
fn long_windows_have_the_slope_of_sorting_all_slopes() {
    for count in [1_499, 2_000, 3_001] {
        let mut slopes = TheilSen::new(count);
        let noise = noise(count);
        let walk: Vec<f64> = noise
            .iter()
            .scan(0.0, |sum, step| {
                *sum += step;
                Some(*sum)
            })
            .collect();
        let rounded: Vec<f64> = noise
            .iter()
            .enumerate()
            .map(|(index, noise)| (5.0 * noise + 0.01 * index as f64).round())
            .collect();
        let wave: Vec<f64> = (0..count).map(|index| (index as f64 * 0.05).sin()).collect();
        for samples in [&noise, &walk, &rounded, &wave] {
            assert_eq!(slopes.slope(samples).to_bits(), by_sorting(samples).to_bits());
        }
    }
}

#[test]
fn windows_without_a_slope_have_none() {
    let mut slopes = TheilSen::new(600);
    assert_eq!(slopes.slope(&[]), 0.0);
    assert_eq!(slopes.slope(&[3.0]), 0.0);
    assert_eq!(slopes.slope(&[3.0; 600]), 0.0);
    assert_eq!(slopes.slope(&[1.0, f64::NAN, 3.0]), 0.0);
    assert_eq!(slopes.slope(&[1.0, f64::INFINITY]), 0.0);
    assert_eq!(slopes.slope(&[-1e300, 1e300]), 0.0);
    // More than was planned: the end is read.
    let turn: Vec<f64> = (0..700).map(|index: i32| f64::from(index.max(100))).collect();
    assert_eq!(slopes.slope(&turn), 1.0);
}
