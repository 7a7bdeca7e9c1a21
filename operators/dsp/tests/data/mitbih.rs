//! Record 100 of the MIT-BIH Arrhythmia Database.

#[path = "delta.rs"]
pub(crate) mod delta;

/// Sampling rate, in Hz.
pub(crate) const RATE_HZ: f64 = 360.0;
/// Samples of the record.
pub(crate) const SAMPLES: usize = 650_000;

/// The record, in steps of 5 µV.
pub(crate) fn record() -> Vec<f64> {
    let samples = delta::samples(&delta::differences(include_bytes!("mitbih_100_mlii.delta.gz")));
    assert_eq!(samples.len(), SAMPLES);
    // The checksum the record's header gives: the sum of the samples in 16 bits.
    assert_eq!(samples.iter().sum::<f64>() as i64 as i16, -22_131);
    samples
}

/// Annotated beats: R wave and kind.
pub(crate) fn annotated() -> Vec<(u64, char)> {
    let beats = include_str!("mitbih_100_beats.csv").lines().skip(1).map(|line| {
        let (sample, kind) = line.split_once(',').unwrap();
        (sample.parse().unwrap(), kind.chars().next().unwrap())
    });
    beats.collect()
}
