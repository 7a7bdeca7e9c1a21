//! Recordings of people, sent as packets: record 100 of the MIT-BIH Arrhythmia Database and the breath of a BIDMC record.

use crate::run::{SECOND, START, Total, at_once, packet, run};
use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    respiration::{BAND_HZ, Respiration},
};
use model::{Number, Signal};
use operators::signals::Options;
use std::collections::BTreeMap;

#[path = "../../dsp/tests/data/mitbih.rs"]
pub(crate) mod mitbih;

use mitbih::{RATE_HZ, SAMPLES, annotated, record};

/// The electrocardiogram as a device of its true rate sends it, eighteen samples at a time and two seconds per epoch.
fn heart() -> Total {
    let samples: Vec<f32> = record().into_iter().map(|sample| sample as f32).collect();
    let packets: Vec<_> = (0..)
        .zip(samples.chunks(18))
        .map(|(number, samples)| {
            // The nominal period is a whole number of microseconds; the stamps tell the true one.
            let stamp_us = START + (18.0 * number as f64 / RATE_HZ * 1e6).round() as i64;
            packet(Signal::Ecg, number, stamp_us, 2_778, samples)
        })
        .collect();
    run(&Options::specified(), packets.chunks(40))
}

#[test]
fn the_beats_and_the_rhythm_are_those_that_were_annotated() {
    let total = heart();
    // 1. Beats within 150 ms (ANSI/AAMI EC57) of an annotated one.
    let truth: Vec<f64> = annotated().iter().map(|(sample, _)| *sample as f64 / RATE_HZ).collect();
    let (mut found, mut error, mut next) = (0, 0.0, 0);
    for beat in &total.beats {
        let seconds = (beat.at - START) as f64 / 1e6;
        while next < truth.len() && truth[next] < seconds - 0.15 {
            next += 1;
        }
        if next < truth.len() && truth[next] <= seconds + 0.15 {
            found += 1;
            error += (truth[next] - seconds).abs();
            next += 1;
        }
    }
    let sensitivity = 100.0 * f64::from(found) / truth.len() as f64;
    let predictive = 100.0 * f64::from(found) / total.beats.len() as f64;
    // Measured: 99.956 and 100, off by 1.5 ms; the beat 25 ms before the end of the record is missed.
    assert!(sensitivity >= 99.8 && predictive >= 99.8, "{sensitivity} {predictive}");
    assert!(1e3 * error / f64::from(found) < 3.0);

    // 2. Every window of five minutes, one a minute, that ends ten seconds before the record does.
    let seconds = (SAMPLES as f64 / RATE_HZ) as i64;
    assert_eq!(total.rhythms.len() as i64, (seconds - 310) / 60 + 1);
    let first = &total.rhythms[0];
    assert_eq!((first.start, first.end, first.revision), (START, START + 300 * SECOND, 0));
    assert_eq!((first.packets.first, first.packets.last), (0, 5_999));
    let golden: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(include_str!("../../dsp/tests/data/golden2.json")).unwrap();
    let golden = &golden["hrv_mitbih100_first300s"];
    // Of the annotated beats, on whose R waves the detected ones lie to 1.5 ms: measured off by 0.10 ms, 0.24 ms, nothing,
    // 0.06 ms² and 2.2 ms².
    assert_eq!((first.beats, first.intervals), (371, 362));
    let mean_bpm = 60_000.0 / golden["mean"].as_f64().unwrap();
    assert!((first.hr_bpm.unwrap().get() - mean_bpm).abs() < 0.01, "{first:?}");
    for (ours, name, most) in [
        (first.sdnn_ms, "sdnn1", 0.15),
        (first.rmssd_ms, "rmssd", 0.3),
        (first.pnn50_percent, "pnn50", 0.001),
        (first.low_ms2, "lf", 0.1),
        (first.high_ms2, "hf", 3.0),
    ] {
        let (ours, golden) = (ours.unwrap().get(), golden[name].as_f64().unwrap());
        assert!((ours - golden).abs() < most, "{name}: {ours} is not {golden}");
    }
    assert!(total.rhythms.iter().all(|row| row.low_ms2.is_some() && row.high_ms2.is_some()));
}

#[test]
fn the_rates_of_breathing_are_those_of_the_calculator() {
    const RATE: f64 = 25.0;
    // Record 01: the first 12,001 samples.
    let differences =
        mitbih::delta::differences(include_bytes!("../../dsp/tests/data/bidmc_resp_25hz.delta.gz"));
    let samples: Vec<f32> =
        mitbih::delta::samples(&differences[..12_001]).into_iter().map(|sample| sample as f32).collect();
    let packets: Vec<_> = (0..)
        .zip(samples.chunks(5))
        .map(|(number, samples)| {
            packet(Signal::Respiration, number, START + number * 200_000, 40_000, samples)
        })
        .collect();
    let rows = at_once(&packets).breathings;

    let mut wave: Vec<f64> = samples.iter().copied().map(f64::from).collect();
    let band = Band::Pass { low_hz: BAND_HZ.0, high_hz: BAND_HZ.1 };
    let mut filter = Cascade::new(butterworth::design::<2>(2, band, RATE).unwrap());
    filter.settle(wave[0]);
    filter.process(&mut wave);
    let mut respiration = Respiration::new(RATE, 60.0).unwrap();
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    assert_eq!(rows.len(), 29);
    for (hop, row) in rows.iter().enumerate() {
        let estimate = respiration.estimate(&wave[375 * hop..375 * hop + 1_500], &[]);
        assert_eq!(row.start, START + 15 * hop as i64 * SECOND);
        assert_eq!((row.n_expected, row.n_real, row.n_imputed), (1_500, 1_500, 0));
        assert_eq!(row.rate_per_min.map(Number::get), estimate.rate_bpm.map(rounded));
        assert_eq!(row.breaths_per_min.map(Number::get), estimate.breaths_bpm.map(rounded));
        assert_eq!(row.spectrum_per_min.map(Number::get), estimate.spectrum_bpm.map(rounded));
        assert_eq!(row.quality.map(Number::get), Some(rounded(estimate.quality)));
        assert_eq!((row.breaths as usize, row.good), (estimate.breaths, estimate.good));
        assert!(row.rate_per_min.is_some());
    }
}
