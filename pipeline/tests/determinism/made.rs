//! Recordings made up for a purpose, where the shipped ones hold no such case.

use crate::river::{PARTITIONS, placed};
use eventlog::Record;
use sources::replay::Recordings;
use std::{f64::consts::TAU, fmt::Write, fs, path::Path};

/// Samples per second of the signals made here.
const RATE_HZ: u32 = 50;

/// The log of a folder of recordings that `write` fills.
fn replayed(write: impl FnOnce(&Path)) -> Vec<Record> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    placed(Recordings::open(folder.path()).unwrap().traffic(PARTITIONS, false))
}

fn signals(folder: &Path, name: &str, seconds: u32, wave: impl Fn(f64) -> f64) {
    let mut text = "Time [s],PLETH\n".to_owned();
    for sample in 0..seconds * RATE_HZ {
        let at = f64::from(sample) / f64::from(RATE_HZ);
        writeln!(text, "{at},{:.5}", wave(at)).unwrap();
    }
    fs::write(folder.join(format!("{name}_Signals.csv")), text).unwrap();
}

/// People who breathe fast three times, calm for long enough between that each is an alert of its own.
pub(crate) fn relapsing(people: u32) -> Vec<Record> {
    replayed(|folder| {
        for person in 0..people {
            let mut text = "Time [s],RESP\n".to_owned();
            for second in 0..2_200 {
                let breaths = if second % 720 < 70 { 30 + person } else { 16 };
                writeln!(text, "{second},{breaths}").unwrap();
            }
            fs::write(folder.join(format!("{person:02}_Numerics.csv")), text).unwrap();
            signals(folder, &format!("{person:02}"), 1, |at| at);
        }
    })
}

/// Hearts whose rate swings once over the limit from which on the pulse band warns, each 0.03/min faster than the one
/// before: for some, a fraction of a beat decides between one window above it, which says nothing, and two in a row.
pub(crate) fn borderline() -> Vec<Record> {
    replayed(|folder| {
        for person in 0..24 {
            let middle = 126.4 + 0.03 * f64::from(person);
            signals(folder, &format!("{person:02}"), 75, |at| {
                // The integral of a rate that swings by 6/min around `middle` and is highest after 32.5 s.
                let beats = (middle * at - 6.0 * 60.0 / TAU * (TAU * (at - 2.5) / 60.0).sin()) / 60.0;
                let phase = TAU * beats;
                phase.cos().exp() + 0.2 * (2.0 * phase).sin()
            });
        }
    })
}
