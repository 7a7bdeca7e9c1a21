//! What must hold for any fingerprint: it is laid out as specified, and normalised it has length one or is refused.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test stops where it fails; exact results are compared exactly"
)]

use dsp::{
    fingerprint::{Channel, Fingerprint, Layout, Normaliser, Part, Refused, Response, relative, unit},
    similarity,
};

use proptest::prelude::*;

/// Any number and what is none.
fn anything() -> impl Strategy<Value = f64> {
    let extremes = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, -0.0];
    prop_oneof![4 => any::<f64>(), 1 => prop::sample::select(extremes.to_vec())]
}

/// Numbers of single precision, and some that are special in sums.
fn single() -> impl Strategy<Value = f32> {
    let special = [0.0, -0.0, f32::MIN_POSITIVE, 1e-30, 1e30, -1e30, f32::INFINITY];
    prop_oneof![8 => -1.0_f32..1.0, 1 => prop::sample::select(special.to_vec())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_normalised_fingerprint_has_length_one_or_is_refused(
        values in prop::collection::vec(prop::option::weighted(0.8, anything()), 88),
        medians in prop::collection::vec(prop_oneof![3 => -1e3..1e3, 1 => anything()], 88),
        ranges in prop::collection::vec(prop_oneof![3 => 0.0..1e3, 1 => anything()], 88),
    ) {
        let parts: Vec<Part> = values.iter().map(|steady| Part { steady: *steady, ..Part::default() }).collect();
        let mut fingerprint = Fingerprint::new(Layout::Basic);
        fingerprint.fill(&parts, &[], &[]);
        let normaliser = Normaliser::new(Layout::Basic, &medians, &ranges).unwrap();
        let (mut scores, mut direction) = ([0.0; 88], [0.0; 88]);
        let mask = normaliser.normalise(&fingerprint, &mut scores).unwrap();
        for (index, score) in scores.iter().enumerate() {
            prop_assert!(score.is_finite());
            prop_assert!(*score == 0.0 || !mask.is_missing(index));
            prop_assert!(values[index].is_some() || mask.is_missing(index));
        }
        match unit(&scores, &mut direction) {
            Ok(()) => prop_assert!((similarity::dot(&direction, &direction) - 1.0).abs() < 2e-6),
            Err(refused) => prop_assert!(refused == Refused::Zero && scores.iter().all(|score| *score == 0.0)),
        }
    }

    #[test]
    fn the_scale_of_scores_does_not_change_a_direction(
        scores in prop::collection::vec(-5.0..5.0, 1..200), exponent in -100_i32..300,
    ) {
        let scaled: Vec<f64> = scores.iter().map(|score| score * 2.0_f64.powi(exponent)).collect();
        let (mut first, mut second) = (vec![0.0; scores.len()], vec![0.0; scores.len()]);
        prop_assert_eq!(unit(&scores, &mut first), unit(&scaled, &mut second));
        prop_assert_eq!(first, second);
    }

    #[test]
    fn products_of_rows_are_those_of_vectors(
        query in prop::collection::vec(-1.0_f32..1.0, 1..70), rows in prop::collection::vec(-1.0_f32..1.0, 0..700),
    ) {
        let mut products = vec![f32::NAN; rows.len() / query.len() + 1];
        similarity::dots(&rows, &query, &mut products);
        for (row, product) in rows.chunks_exact(query.len()).zip(&products) {
            prop_assert_eq!(product.to_bits(), similarity::dot(row, &query).to_bits());
            let exact: f64 = row.iter().zip(&query).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum();
            prop_assert!((f64::from(*product) - exact).abs() < 2e-6);
            prop_assert!(similarity::cosine(row, &query).is_none_or(|cosine| (-1.0..=1.0).contains(&cosine)));
        }
        prop_assert!(products[rows.len() / query.len()].is_nan());
    }

    #[test]
    fn a_product_has_the_bits_of_its_definition(
        pairs in prop::collection::vec((single(), single()), 0..70),
    ) {
        let (left, right): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
        // Product `i` goes to lane `i mod 16`, in order; the lanes are added pairwise.
        let mut lanes = [0.0_f32; 16];
        for (index, (left, right)) in pairs.iter().enumerate() {
            lanes[index % 16] += left * right;
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        let found = similarity::dot(&left, &right);
        prop_assert!(found.to_bits() == lanes[0].to_bits() || (found.is_nan() && lanes[0].is_nan()), "{} {}", found, lanes[0]);
    }

    #[test]
    fn a_channel_is_sound_for_any_samples(samples in prop::collection::vec(prop_oneof![20 => -1e3..1e3, 1 => anything()], 0..600), baseline in anything(), ratio in any::<bool>()) {
        let response = if ratio { Response::Ratio } else { Response::Difference };
        let mut channel = Channel::new(50.0, 500).unwrap();
        for baseline in [baseline, 0.0, 2.0] {
            let part = channel.read(&samples, baseline, response);
            let numbers = [part.rises, part.falls].concat().into_iter();
            let mut numbers = numbers.chain([part.steady, part.slope, part.power_db]).flatten();
            prop_assert!(numbers.all(f64::is_finite), "{:?}", part);
            prop_assert_eq!(part, channel.read(&samples, baseline, response));
        }
    }
}
/// Parts whose every number is its place in the longest fingerprint.
fn numbered() -> Vec<Part> {
    let place = |channel: usize, feature: usize| {
        Some((88 * feature + channel + if feature > 4 { 8 } else { 0 }) as f64)
    };
    (0..88)
        .map(|channel| Part {
            steady: place(channel, 0),
            relative: place(channel, 1),
            rises: [2, 3, 4].map(|feature| place(channel, feature)),
            falls: [5, 6, 7].map(|feature| place(channel, feature)),
            slope: place(channel, 8),
            power_db: place(channel, 9),
        })
        .collect()
}

#[test]
fn layouts_nest_and_fill_exactly() {
    let nose: Vec<Option<f64>> = (440..448).map(|place| Some(f64::from(place))).collect();
    let tongue: Vec<Option<f64>> = (888..896).map(|place| Some(f64::from(place))).collect();
    for layout in [Layout::Basic, Layout::Enhanced, Layout::Full] {
        let mut fingerprint = Fingerprint::new(layout);
        assert_eq!(fingerprint.mask().count() as usize, layout.dimensions());
        fingerprint.fill(&numbered(), &nose, &tongue);
        let expected: Vec<f64> = (0..layout.dimensions()).map(|place| place as f64).collect();
        assert_eq!(fingerprint.values(), expected);
        assert_eq!(fingerprint.mask().count(), 0);
    }
    let ids = [Layout::Basic, Layout::Enhanced, Layout::Full, Layout::Raw448, Layout::Raw896]
        .map(|layout| (layout.id(), layout.dimensions(), layout.channels()));
    let expected =
        [("v1-88", 88, 88), ("v1-448", 448, 88), ("v1-896", 896, 88), ("raw", 448, 448), ("raw", 896, 896)];
    assert_eq!(ids, expected);
}

#[test]
fn what_is_missing_is_zero_and_masked() {
    let mut parts = numbered();
    parts[3].steady = Some(f64::NAN);
    parts[5].rises[1] = None;
    let mut fingerprint = Fingerprint::new(Layout::Enhanced);
    fingerprint.fill(&parts, &[Some(f64::INFINITY), Some(1.0)], &[]);
    let missing: Vec<usize> = (0..448).filter(|index| fingerprint.mask().is_missing(*index)).collect();
    assert_eq!(missing, [3, 264 + 5, 440, 442, 443, 444, 445, 446, 447]);
    assert!(missing.iter().all(|index| fingerprint.values()[*index] == 0.0));
    assert_eq!(fingerprint.mask().to_bytes()[0], 0b1000);
    assert_eq!(fingerprint.mask().to_bytes()[33], 1 << 5);
}

#[test]
fn a_channel_is_read_as_laid_down() {
    // Half a unit above the baseline of 2 for 3 s, then a step to 5 that ends 6 s later.
    let signal: Vec<f64> = (0..450).map(|sample| if sample < 150 { 2.5 } else { 5.0 }).collect();
    let mut channel = Channel::new(50.0, 450).unwrap();
    let part = channel.read(&signal, 2.0, Response::Difference);
    assert_eq!((part.steady, part.relative, part.slope), (Some(3.0), Some(1.5), Some(0.0)));
    // 1 - 0.9² of the step of 2.5: the weight at half the reference rate.
    assert!((part.rises[0].unwrap() - 0.19 * 2.5).abs() < 1e-15);
    assert_eq!(part.falls, [Some(0.0); 3]);
    assert!(part.power_db.is_some());
    let part = channel.read(&signal, -2.0, Response::Ratio);
    assert_eq!((part.steady, part.relative), (Some(-3.5), Some(3.5)));
    assert_eq!(channel.read(&signal, 0.0, Response::Ratio).steady, None);
    assert!((relative(1.0, 0.0) - 1e9).abs() < 1.0);
    assert_eq!(channel.read(&signal[..200], 2.0, Response::Difference).power_db, None);
}

#[test]
fn scores_are_those_of_the_definition() {
    let normaliser = Normaliser::new(Layout::Basic, &[10.0; 88], &[1.349; 88]).unwrap();
    let mut parts = vec![Part::default(); 88];
    let values = [10.0, 10.0 + 1e-9, 10.5, 11.0, 12.0, 1e4, 1e9, 1e10, 1e30, -1e30];
    for (part, value) in parts.iter_mut().zip(values) {
        part.steady = Some(value);
    }
    let mut fingerprint = Fingerprint::new(Layout::Basic);
    fingerprint.fill(&parts, &[], &[]);
    let mut scores = [0.0; 88];
    normaliser.normalise(&fingerprint, &mut scores).unwrap();
    for (score, value) in scores.iter().zip(values) {
        // The standard library's is the second opinion.
        let exact = (value - 10.0).asinh();
        assert!((score - exact).abs() <= 1e-15 * exact.abs(), "{score} is not {exact}");
    }
    let mut direction = [0.0; 2];
    assert_eq!(unit(&[0.0, 0.0], &mut direction), Err(Refused::Zero));
    assert_eq!(unit(&[1.0, f64::NAN], &mut direction), Err(Refused::NotFinite));
    assert_eq!(unit(&[1.0, f64::INFINITY], &mut direction), Err(Refused::NotFinite));
    assert_eq!(unit(&[1.0, 1e200], &mut direction), Err(Refused::NotFinite));
    assert_eq!(unit(&[1.0], &mut direction), Err(Refused::Length));
    assert_eq!(direction, [0.0; 2]);
}

#[test]
fn scores_are_those_of_the_golden_row() {
    #[derive(serde::Deserialize)]
    struct Golden {
        fingerprint_batch1: Batch,
    }
    #[derive(serde::Deserialize)]
    struct Batch {
        #[serde(rename = "median0_4")]
        medians: [f64; 4],
        #[serde(rename = "scale0_4")]
        scales: [f64; 4],
        #[serde(rename = "z_row0_0_4")]
        scores: [f64; 4],
    }
    let golden =
        serde_json::from_str::<Golden>(include_str!("data/golden_features.json")).unwrap().fingerprint_batch1;
    // First four columns of the first row of batch 1 of the Gas Sensor Array Drift data set, University of California, Irvine.
    let row = [15_596.162_1, 1.868_245, 2.371_604, 2.803_678];
    let (mut medians, mut ranges, mut parts) = ([0.0; 88], [1.0; 88], [Part::default(); 88]);
    for column in 0..4 {
        medians[column] = golden.medians[column];
        ranges[column] = 1.349 * golden.scales[column];
        parts[column].steady = Some(row[column]);
    }
    let mut fingerprint = Fingerprint::new(Layout::Basic);
    fingerprint.fill(&parts, &[], &[]);
    let mut scores = [0.0; 88];
    Normaliser::new(Layout::Basic, &medians, &ranges).unwrap().normalise(&fingerprint, &mut scores).unwrap();
    // The golden scores are divided by the length of the whole row of 128, so their ratios are compared.
    for column in 1..4 {
        let (ours, theirs) = (scores[column] / scores[0], golden.scores[column] / golden.scores[0]);
        assert!((ours - theirs).abs() <= 1e-9 * theirs, "{ours} is not {theirs}");
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    assert!(Channel::new(50.0, 1).is_err());
    assert!(Channel::new(0.0, 500).is_err());
    assert!(Normaliser::new(Layout::Basic, &[0.0; 88], &[1.0; 87]).is_err());
    let normaliser = Normaliser::new(Layout::Raw896, &[0.0; 896], &[1.0; 896]).unwrap();
    assert!(normaliser.normalise(&Fingerprint::new(Layout::Full), &mut [0.0; 896]).is_err());
}
