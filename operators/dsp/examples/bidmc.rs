//! Scores the heart rate against the monitor's on a folder of BIDMC-shaped recordings.
//!
//! `cargo run --release -p dsp --example bidmc -- DIR [--gates | --windows]`: for every record and in total, the mean absolute error
//! over all 30 s windows with a truth, the one behind the quality gate, the gate's coverage and the 95th percentile;
//! that of the beats and of the spectrum alone, then the worst windows. The truth is the mean of the monitor's HR numerics over the window. The rate is read off the
//! time column. `--gates` shows instead how error and coverage move with the gate, and their range when each record
//! is left out once; `--windows` prints one CSV line per window.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

use std::{error::Error, fs::File, io::Read, path::Path};

use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    pulse::{Estimate, Pulse},
};

const WINDOW_SECONDS: usize = 30;
const HOP_SECONDS: usize = 5;
const GATES: [f64; 7] = [0.70, 0.75, 0.80, 0.82, 0.85, 0.875, 0.90];

struct Window {
    record: String,
    start_seconds: usize,
    truth_bpm: f64,
    estimate: Estimate,
}

impl Window {
    fn error_bpm(&self) -> f64 {
        // No number is as wrong as a number can be: it costs the whole truth.
        (self.estimate.hr_bpm.unwrap_or(0.0) - self.truth_bpm).abs()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder with the recordings")?;
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    let mut windows = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(record) = name.split("_Signals.csv").next().filter(|record| record.len() < name.len()) {
            let numerics = path.with_file_name(name.replace("_Signals", "_Numerics"));
            let time = column(path, "Time [s]")?;
            let rate_hz =
                (time.len() as f64 - 1.0) / (time.last().unwrap_or(&0.0) - time.first().unwrap_or(&0.0));
            windows.extend(score(record, rate_hz, &column(path, "PLETH")?, &column(&numerics, "HR")?)?);
        }
    }
    if asked("--gates") {
        print_gates(&windows);
    } else if asked("--windows") {
        print_windows(&windows);
    } else {
        print_report(&windows);
    }
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

fn score(record: &str, rate_hz: f64, wave: &[f64], truth: &[f64]) -> Result<Vec<Window>, Box<dyn Error>> {
    let band = Band::Pass { low_hz: 0.5, high_hz: 8.0 };
    let mut filter = Cascade::new(butterworth::design::<3>(3, band, rate_hz)?);
    let mut pulse = Pulse::new(rate_hz, WINDOW_SECONDS as f64)?;
    let mut filtered = Vec::with_capacity(wave.len());
    let mut imputed = Vec::with_capacity(wave.len());
    filter.settle(wave.first().copied().unwrap_or(0.0));
    let mut last = 0.0;
    for value in wave {
        imputed.push(!value.is_finite());
        last = if value.is_finite() { *value } else { last };
        filtered.push(last);
    }
    filter.process(&mut filtered);

    let mut windows = Vec::new();
    for start_seconds in (0..).step_by(HOP_SECONDS) {
        let first = (start_seconds as f64 * rate_hz).round() as usize;
        let end = first + pulse.samples();
        if end > filtered.len() {
            break;
        }
        let rates: Vec<f64> = truth
            .iter()
            .skip(start_seconds)
            .take(WINDOW_SECONDS)
            .copied()
            .filter(|rate| rate.is_finite())
            .collect();
        if !rates.is_empty() {
            windows.push(Window {
                record: record.to_owned(),
                start_seconds,
                truth_bpm: rates.iter().sum::<f64>() / rates.len() as f64,
                estimate: pulse.estimate(&filtered[first..end], &imputed[first..end]),
            });
        }
    }
    Ok(windows)
}

fn print_report(windows: &[Window]) {
    println!("record      windows    MAE  gated  cover    p95");
    for record in windows.chunk_by(|left, right| left.record == right.record) {
        print_line(&record[0].record, record);
    }
    print_line("total", windows);
    let alone = |rate: fn(&Estimate) -> Option<f64>| {
        let error = |window: &Window| (rate(&window.estimate).unwrap_or(0.0) - window.truth_bpm).abs();
        windows.iter().map(error).sum::<f64>() / windows.len() as f64
    };
    let (beats, spectrum) = (alone(|estimate| estimate.beats_bpm), alone(|estimate| estimate.spectrum_bpm));
    println!("MAE of the beats alone {beats:.3}, of the spectrum alone {spectrum:.3}");
    let mut worst: Vec<&Window> = windows.iter().collect();
    worst.sort_by(|left, right| right.error_bpm().total_cmp(&left.error_bpm()));
    println!("\nworst windows");
    for window in worst.iter().take(12) {
        print_window(window);
    }
    println!("\nworst good windows");
    for window in worst.iter().filter(|window| window.estimate.good).take(8) {
        print_window(window);
    }
}

fn print_gates(windows: &[Window]) {
    println!("quality  gated  cover | each record left out once: gated, cover");
    for gate in GATES {
        let passed = |without: &str| {
            let kept: Vec<&Window> = windows.iter().filter(|window| window.record != without).collect();
            let good: Vec<f64> = kept
                .iter()
                .filter(|window| window.estimate.quality >= gate)
                .map(|window| window.error_bpm())
                .collect();
            (good.iter().sum::<f64>() / good.len() as f64, 100.0 * good.len() as f64 / kept.len() as f64)
        };
        let mut errors = Vec::new();
        let mut coverages = Vec::new();
        for record in windows.chunk_by(|left, right| left.record == right.record) {
            let (error, coverage) = passed(&record[0].record);
            errors.push(error);
            coverages.push(coverage);
        }
        errors.sort_by(f64::total_cmp);
        coverages.sort_by(f64::total_cmp);
        let (error, coverage) = passed("");
        println!(
            "{gate:>7.3} {error:>6.3} {coverage:>5.1}% | {:.3} to {:.3}, {:.1}% to {:.1}%",
            errors[0],
            errors[errors.len() - 1],
            coverages[0],
            coverages[coverages.len() - 1],
        );
    }
}

fn print_line(name: &str, windows: &[Window]) {
    let mut errors: Vec<f64> = windows.iter().map(Window::error_bpm).collect();
    errors.sort_by(f64::total_cmp);
    let good: Vec<f64> =
        windows.iter().filter(|window| window.estimate.good).map(Window::error_bpm).collect();
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    println!(
        "{name:<11} {:>7} {:>6.3} {:>6.3} {:>5.1}% {:>6.2}",
        errors.len(),
        mean(&errors),
        mean(&good),
        100.0 * good.len() as f64 / errors.len() as f64,
        errors[(errors.len() - 1) * 95 / 100],
    );
}

fn print_window(window: &Window) {
    let estimate = &window.estimate;
    println!(
        "{} {:>3} s: truth {:>6.2} hr {:>6.2} beats {:>6.2} spectrum {:>6.2} regularity {:.2} similarity {:.2} evenness {:.2} snr {:>5.1} skew {:>5.2} quality {:.2} {}",
        window.record,
        window.start_seconds,
        window.truth_bpm,
        estimate.hr_bpm.unwrap_or(f64::NAN),
        estimate.beats_bpm.unwrap_or(f64::NAN),
        estimate.spectrum_bpm.unwrap_or(f64::NAN),
        estimate.regularity,
        estimate.similarity,
        estimate.evenness,
        estimate.snr_db,
        estimate.skewness,
        estimate.quality,
        if estimate.good { "good" } else { "" },
    );
}

fn print_windows(windows: &[Window]) {
    println!(
        "record,start,truth,hr,beats,spectrum,count,regularity,similarity,evenness,snr,skew,quality,good"
    );
    for window in windows {
        let estimate = &window.estimate;
        println!(
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            window.record,
            window.start_seconds,
            window.truth_bpm,
            estimate.hr_bpm.unwrap_or(f64::NAN),
            estimate.beats_bpm.unwrap_or(f64::NAN),
            estimate.spectrum_bpm.unwrap_or(f64::NAN),
            estimate.beats,
            estimate.regularity,
            estimate.similarity,
            estimate.evenness,
            estimate.snr_db,
            estimate.skewness,
            estimate.quality,
            u8::from(estimate.good)
        );
    }
}
