//! Scores the respiratory rate against breaths that people marked, on a folder of BIDMC-shaped recordings.
//!
//! `cargo run --release -p dsp --example respiration -- DIR`: for every record that has the files `*_Signals.csv[.gz]` with a column RESP
//! and `*_Breaths.csv[.gz]`, and in total, over all 60 s windows, one every 15 s: the mean absolute error, the share within 2 breaths per minute,
//! that of the breaths and the spectrum alone, and the error and coverage behind the quality gate. The truth is 60 over the mean interval
//! between the breaths that annotator 1 marked in the window.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

use std::{error::Error, fs::File, io::Read, path::Path};

use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    respiration::{BAND_HZ, Estimate, Respiration},
};

const RATE_HZ: f64 = 125.0;
const WINDOW_SECONDS: usize = 60;
const HOP_SECONDS: usize = 15;

struct Window {
    truth_bpm: f64,
    estimate: Estimate,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder with the recordings")?;
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    println!("record      windows    MAE  within2  breaths  spectrum  gated  cover");
    let mut all = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(record) = name.split("_Signals.csv").next().filter(|record| record.len() < name.len()) {
            let breaths = path.with_file_name(name.replace("_Signals", "_Breaths"));
            let windows =
                score(&column(path, "RESP")?, &column(&breaths, "breaths ann1 [signal sample no]")?)?;
            print_line(record, &windows);
            all.extend(windows);
        }
    }
    print_line("total", &all);
    Ok(())
}

/// One named column of a CSV file, plain or gzipped; what is no number becomes NaN.
fn column(path: &Path, name: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let file = File::open(path)?;
    let gzipped = path.extension().is_some_and(|extension| extension == "gz");
    let bytes: Box<dyn Read> =
        if gzipped { Box::new(flate2::read::GzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(bytes);
    let index =
        reader.headers()?.iter().position(|header| header == name).ok_or("a recording lacks its column")?;
    let value =
        |row: csv::StringRecord| row.get(index).and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
    Ok(reader.records().collect::<Result<Vec<_>, _>>()?.into_iter().map(value).collect())
}

fn score(wave: &[f64], breaths: &[f64]) -> Result<Vec<Window>, Box<dyn Error>> {
    let band = Band::Pass { low_hz: BAND_HZ.0, high_hz: BAND_HZ.1 };
    let mut filter = Cascade::new(butterworth::design::<2>(2, band, RATE_HZ)?);
    let mut respiration = Respiration::new(RATE_HZ, WINDOW_SECONDS as f64)?;
    let imputed: Vec<bool> = wave.iter().map(|value| !value.is_finite()).collect();
    let mut last = wave.iter().copied().find(|value| value.is_finite()).unwrap_or(0.0);
    filter.settle(last);
    let mut filtered = Vec::with_capacity(wave.len());
    for value in wave {
        last = if value.is_finite() { *value } else { last };
        filtered.push(filter.step(last));
    }
    let mut windows = Vec::new();
    for start_seconds in (0_usize..).step_by(HOP_SECONDS) {
        let first = (start_seconds as f64 * RATE_HZ).round() as usize;
        let end = first + respiration.samples();
        if end > filtered.len() {
            break;
        }
        let within: Vec<f64> =
            breaths.iter().copied().filter(|breath| (first as f64..end as f64).contains(breath)).collect();
        if let [first_breath, .., last_breath] = within.as_slice() {
            let seconds = (last_breath - first_breath) / RATE_HZ;
            windows.push(Window {
                truth_bpm: 60.0 * (within.len() - 1) as f64 / seconds,
                estimate: respiration.estimate(&filtered[first..end], &imputed[first..end]),
            });
        }
    }
    Ok(windows)
}

fn print_line(name: &str, windows: &[Window]) {
    let count = windows.len() as f64;
    // No number is as wrong as a number can be: it costs the whole truth.
    let error = |window: &Window, rate: Option<f64>| (rate.unwrap_or(0.0) - window.truth_bpm).abs();
    let mean = |rate: fn(&Estimate) -> Option<f64>| {
        windows.iter().map(|window| error(window, rate(&window.estimate))).sum::<f64>() / count
    };
    let best = |window: &Window| error(window, window.estimate.rate_bpm);
    let near = windows.iter().filter(|window| best(window) <= 2.0).count() as f64;
    let good: Vec<f64> = windows.iter().filter(|window| window.estimate.good).map(best).collect();
    println!(
        "{name:<11} {:>7} {:>6.3} {:>7.1}% {:>8.3} {:>9.3} {:>6.3} {:>5.1}%",
        windows.len(),
        mean(|estimate| estimate.rate_bpm),
        100.0 * near / count,
        mean(|estimate| estimate.breaths_bpm),
        mean(|estimate| estimate.spectrum_bpm),
        good.iter().sum::<f64>() / good.len() as f64,
        100.0 * good.len() as f64 / count,
    );
}
