//! Field calibrations against lines known beforehand, what is refused, and the way of a record to the log and back.

use super::*;
use eventlog::Record;
use model::DomainEvent;
use proptest::prelude::*;

const MADE_AT: Micros = 1_767_225_600_000_000;

/// What a channel answers to `known` at `celsius`: differences of `known / gain + offset`, over a reference.
fn answer(known: f64, celsius: f64, lines: &[(f64, f64)]) -> Sample {
    let factor = 1.0 + 0.01 * (celsius - 25.0);
    let reference: Vec<f64> = (0..lines.len()).map(|channel| 0.3 + channel as f64 / 10.0).collect();
    let detection = lines.iter().zip(&reference);
    Sample {
        known,
        detection: detection
            .map(|((gain, offset), reference)| known / factor / gain + offset + 0.9 * reference)
            .collect(),
        reference,
        ambient: Ambient { celsius, humidity_percent: 50.0 },
    }
}

fn coefficients() -> Coefficients {
    Coefficients { per_celsius: 0.01, ..Coefficients::new(0.9) }
}

fn fit(samples: &[Sample]) -> Result<Field, Refusal> {
    Field::fit(samples, coefficients(), None)
}

fn made() -> Made {
    Made {
        event: EventId::derive(&["field"]),
        id: "field-1".into(),
        device: "reader-1".into(),
        cartridge: CartridgeKind { category: 1, kind: 1 },
        at: MADE_AT,
        validity_days: None,
    }
}

const LINES: [(f64, f64); 2] = [(50.0, 0.25), (-8.0, -1.0)];

fn close(found: &[Number], expected: [f64; 2]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found.get() - expected).abs() < 1e-5 * expected.abs().max(0.1), "{found:?} {expected}");
    }
}

#[test]
fn three_samples_give_the_line_that_made_them_however_warm_it_was() {
    let samples = [(70.0, 20.0), (100.0, 25.0), (180.0, 33.0)];
    let field = fit(&samples.map(|(known, celsius)| answer(known, celsius, &LINES))).unwrap();
    close(field.gains(), [50.0, -8.0]);
    close(field.offsets(), [0.25, -1.0]);
    assert!(field.score().unwrap().get() > 1.0 - 1e-9);
}

#[test]
fn one_or_two_samples_give_the_gain_alone() {
    let through_origin = [(50.0, 0.0), (-8.0, 0.0)];
    let samples = [70.0, 180.0].map(|known| answer(known, 25.0, &through_origin));
    let (one, two) = (fit(&samples[..1]).unwrap(), fit(&samples).unwrap());
    for field in [&one, &two] {
        close(field.gains(), [50.0, -8.0]);
        assert!(field.offsets().iter().all(|offset| offset.get() == 0.0));
    }
    assert!(two.score().is_some() && one.score().is_none(), "one sample does not say how well it fits");
    assert_eq!(one.calibration(&made()).score, Number::default());
}

#[test]
fn the_score_is_that_of_the_worst_channel() {
    let mut samples = [70.0, 100.0, 130.0, 160.0].map(|known| answer(known, 25.0, &LINES));
    samples[1].detection[1] += 3.0;
    let field = fit(&samples).unwrap();
    // R² of a line is the square of the correlation.
    let (measured, known): (Vec<f64>, Vec<f64>) =
        samples.iter().map(|sample| (sample.detection[1], sample.known)).unzip();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / 4.0;
    let about = |values: &[f64]| values.iter().map(|value| value - mean(values)).collect::<Vec<f64>>();
    let (measured, known) = (about(&measured), about(&known));
    let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let expected =
        product(&measured, &known).powi(2) / product(&measured, &measured) / product(&known, &known);
    assert!((field.score().unwrap().get() - expected).abs() < 1e-9);
    assert!(expected < 0.97);
}

#[test]
fn samples_that_must_not_be_calculated_with_are_refused() {
    let good = || [70.0, 100.0, 130.0].map(|known| answer(known, 25.0, &LINES)).to_vec();
    let refused = |change: fn(&mut Vec<Sample>)| {
        let mut samples = good();
        change(&mut samples);
        fit(&samples).unwrap_err()
    };
    assert!(fit(&good()).is_ok());
    assert_eq!(refused(Vec::clear), Refusal::Count { samples: 0 });
    assert_eq!(refused(|all| *all = vec![all[0].clone(); 65]), Refusal::Count { samples: 65 });
    assert_eq!(refused(|all| _ = all[1].detection.pop()), Refusal::Channels { sample: 1 });
    assert_eq!(refused(|all| all[2].reference.clear()), Refusal::Channels { sample: 2 });
    assert_eq!(refused(|all| all[0].detection[1] = f64::NAN), Refusal::OutOfRange { sample: 0 });
    assert_eq!(refused(|all| all[2].known = f64::INFINITY), Refusal::OutOfRange { sample: 2 });
    assert_eq!(refused(|all| all[2].reference[0] = -2e30), Refusal::OutOfRange { sample: 2 });
    assert_eq!(refused(|all| all[1].ambient.celsius = 45.5), Refusal::Ambient { sample: 1 });
    assert_eq!(refused(|all| all[1].ambient.humidity_percent = f64::NAN), Refusal::Ambient { sample: 1 });
    assert_eq!(
        refused(|all| all.iter_mut().for_each(|sample| sample.known = 5.0)),
        Refusal::Undetermined { channel: 0 }
    );
    assert_eq!(
        refused(|all| all.iter_mut().for_each(|sample| sample.detection[1] = 1.0)),
        Refusal::Undetermined { channel: 1 }
    );
    // Two samples far from the origin, whose contents differ the other way round.
    let contradictory = |all: &mut Vec<Sample>| {
        all.truncate(2);
        (all[0].detection[0], all[1].detection[0]) = (40.0, 20.0);
    };
    assert_eq!(refused(contradictory), Refusal::Contradictory { channel: 0 });
    let alpha = Field::fit(&good(), Coefficients::new(2.5), None);
    assert_eq!(alpha.unwrap_err(), Refusal::Coefficients);
}

#[test]
fn strange_references_are_refused() {
    let mut samples = [70.0, 100.0, 130.0].map(|known| answer(known, 25.0, &LINES));
    let usual = || Usual { means: vec![0.3, 0.4], deviations: vec![0.01, 0.01] };
    assert!(Field::fit(&samples, coefficients(), Some(usual())).is_ok());
    samples[2].reference[1] = 0.4 + 0.0301;
    let found = Field::fit(&samples, coefficients(), Some(usual()));
    assert_eq!(found.unwrap_err(), Refusal::Strange { sample: 2, channel: 1 });
    let short = Usual { means: vec![0.3], ..usual() };
    let found = Field::fit(&samples, coefficients(), Some(short));
    assert_eq!(found.unwrap_err(), Refusal::Channels { sample: 0 });
}

#[test]
fn the_record_goes_to_the_log_and_comes_back_without_an_alpha() {
    let samples = [70.0, 100.0, 180.0].map(|known| answer(known, 25.0, &LINES));
    let field = fit(&samples).unwrap();
    let completed = field.completed(&made());
    let encoded = sources::event::encode(&DomainEvent::Calibration(completed.clone()), "field");
    assert!(!String::from_utf8(encoded.value.clone()).unwrap().contains("alpha"));
    let record = Record {
        topic: Input::Cartridges.topic().into(),
        partition: 0,
        offset: 0,
        timestamp_ms: 5,
        key: Some(encoded.key),
        value: encoded.value,
        headers: encoded.headers,
    };
    let decoded = sources::event::decode(Input::Cartridges, record).unwrap();
    assert_eq!(decoded, DomainEvent::Calibration(completed.clone()));
    let calibration = field.calibration(&made());
    assert_eq!((calibration.source, calibration.alpha), (CalibrationSource::Field, None));
    // A third of the 90 days of the model: both ways say the same.
    assert_eq!(calibration.valid_until, MADE_AT + 30 * DAY);
    assert_eq!(super::super::record(completed).valid_until, calibration.valid_until);
    // Of gains and offsets as packets carry them.
    let mut bytes: Vec<u8> = Vec::new();
    for number in calibration.gains.iter().chain(&calibration.offsets) {
        assert_eq!(f64::from(number.get() as f32).to_bits(), number.get().to_bits());
        bytes.extend((number.get() as f32).to_le_bytes());
    }
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
    let text = digest.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"));
    assert_eq!(field.coefficients_hash(), text);
}

proptest! {
    #[test]
    fn measuring_the_samples_again_gives_what_they_hold(
        known in prop::collection::vec((10.0..500.0_f64, 5.0..45.0_f64), 3..10),
        lines in prop::collection::vec((prop_oneof![0.1..100.0_f64, -100.0..-0.1_f64], -5.0..5.0_f64), 1..9),
    ) {
        let samples: Vec<Sample> = known.iter().map(|(known, celsius)| answer(*known, *celsius, &lines)).collect();
        prop_assume!(known.iter().any(|(value, _)| (value - known[0].0).abs() > 20.0));
        let field = fit(&samples).unwrap();
        let numbers = |list: &[Number]| list.iter().map(|number| number.get()).collect::<Vec<f64>>();
        let mut differential = Differential::new(coefficients(), lines.len()).unwrap();
        differential.calibrate(&numbers(field.offsets()), &numbers(field.gains())).unwrap();
        let mut corrected = vec![0.0; lines.len()];
        for sample in &samples {
            differential.apply(&sample.detection, &sample.reference, sample.ambient, &mut corrected);
            for value in &corrected {
                prop_assert!((value - sample.known).abs() < 1e-3 * (1.0 + sample.known), "{} {}", value, sample.known);
            }
        }
    }

    #[test]
    fn any_numbers_give_a_calibration_or_a_refusal(
        numbers in prop::collection::vec(any::<f64>(), 1..40), channels in 1..4_usize, count in 1..8_usize,
    ) {
        let at = |place: usize| numbers[place % numbers.len()];
        let samples: Vec<Sample> = (0..count).map(|sample| Sample {
            known: at(sample * 31),
            detection: (0..channels).map(|channel| at(sample * 7 + channel)).collect(),
            reference: (0..channels).map(|channel| at(sample * 5 + channel + 3)).collect(),
            ambient: Ambient { celsius: 20.0, humidity_percent: 40.0 },
        }).collect();
        if let Ok(field) = fit(&samples) {
            prop_assert!(field.gains().iter().all(|gain| gain.get() != 0.0));
            prop_assert!(field.score().is_none_or(|score| (0.0..=1.0).contains(&score.get())));
        }
    }
}
