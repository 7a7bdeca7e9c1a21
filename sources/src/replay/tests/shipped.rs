//! The recordings the demo ships, against what other readers made of their sources.

use super::*;
use mitbih::{RATE_HZ, SAMPLES};
use model::Signal;

#[path = "../../../../operators/dsp/tests/data/mitbih.rs"]
mod mitbih;

/// A folder with those shipped files whose name begins with `name`.
fn shipped(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipeline/recordings");
    for entry in fs::read_dir(source).unwrap().map(Result::unwrap) {
        if entry.file_name().to_str().unwrap().starts_with(name) {
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    folder
}

#[test]
fn record_100_is_what_wfdb_reads_sample_by_sample_and_beat_by_beat() {
    let folder = shipped("mitdb_100");
    let recordings = Recordings::open(folder.path()).unwrap();
    let [track] = recordings.iter().next().unwrap().tracks() else { panic!("one lead") };
    assert_eq!((track.signal(), track.samples.len()), (Signal::Ecg, SAMPLES));
    let steps = mitbih::record().into_iter();
    assert!(steps.map(|step| ((step - 1_024.0) / 200.0) as f32).eq(track.samples.iter().copied()));
    let at = |sample: u64| ANCHOR + (sample as f64 / RATE_HZ * 1e6).floor() as Micros;
    let expected: Vec<_> = mitbih::annotated().into_iter().map(|(sample, _)| at(sample)).collect();
    assert_eq!(expected.len(), 2_273);
    assert_eq!(recordings.beats()[&track.session()], expected);
}

#[test]
fn record_01_has_pulse_respiration_and_the_breaths_a_person_marked() {
    let folder = shipped("bidmc_01_");
    let recordings = Recordings::open(folder.path()).unwrap();
    let [pulse, respiration] = recordings.iter().next().unwrap().tracks() else { panic!("two signals") };
    assert_eq!((pulse.signal(), respiration.signal()), (Signal::Pulse, Signal::Respiration));
    assert_eq!((pulse.samples.len(), respiration.samples.len()), (60_001, 60_001));
    assert_eq!((pulse.samples[1], respiration.samples[1]), (0.43206, 0.35679));
    let marked = include_str!("../../../../operators/dsp/tests/data/bidmc_breaths.csv").lines();
    let marked = marked.filter_map(|line| line.strip_prefix("01,"));
    let expected: Vec<_> = marked.map(|sample| ANCHOR + sample.parse::<Micros>().unwrap() * 8_000).collect();
    assert!(!expected.is_empty());
    assert_eq!(recordings.breaths()[&respiration.session()], expected);
}
