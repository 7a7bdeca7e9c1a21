//! One recording: the signals of one person, and what the monitor beside them showed.

use super::{
    ANCHOR,
    clock::{Clock, LONGEST},
    file,
    table::{Column, Table},
    track::{Mark, Track},
    wfdb,
};
use crate::{Error, Result};
use model::{Micros, Number, Signal, UserId};
use std::path::Path;

const TIME: &str = "Time";
/// Columns of a file of waveforms that are replayed, in the order of their tracks.
const COLUMNS: [(&str, Signal); 2] = [("PLETH", Signal::Pulse), ("RESP", Signal::Respiration)];
/// What a file of waveforms needs.
const NEEDED: &str =
    "a time column \"Time [s]\" and the optical signal \"PLETH\", the respiration \"RESP\" or both";
/// How the column begins in which the first of two people marked breaths.
const BREATHS: &str = "breaths ann1";

/// One recording, in memory.
#[derive(Clone, Debug)]
pub struct Recording {
    name: String,
    /// At least one; pulse, respiration, electrocardiogram, of those that are there.
    tracks: Vec<Track>,
    pub(super) observations: Vec<Observation>,
}

/// What the monitor showed at one moment; a sign it did not show is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When, in event time.
    pub at: Micros,
    /// Heart rate, 1/min.
    pub hr: Option<Number>,
    /// Pulse rate, 1/min.
    pub pulse: Option<Number>,
    /// Respiration rate, 1/min.
    pub resp: Option<Number>,
    /// Oxygen saturation, %.
    pub spo2: Option<Number>,
}

impl Recording {
    /// Reads recording `name` in `folder`: waveforms from `signals`, a WFDB record if `is_wfdb`, and what belongs
    /// to them.
    pub(super) fn open(folder: &Path, name: &str, signals: Option<&Path>, is_wfdb: bool) -> Result<Self> {
        let (mut zero, mut tracks) = (0.0, Vec::new());
        if let Some(path) = signals {
            let waves = read_signals(path)?;
            zero = waves.seconds[0];
            let breaths = file::find(folder, &format!("{name}_Breaths.csv"));
            for (signal, samples) in waves.columns {
                let marks = match &breaths {
                    Some(path) if signal == Signal::Respiration => Some(read_breaths(path, samples.len())?),
                    _ => None,
                };
                tracks.push(Track::new(name, signal, waves.clock, samples, marks));
            }
        }
        if is_wfdb {
            let wfdb::Record { clock, samples, beats } = wfdb::Record::open(folder, name)?;
            tracks.push(Track::new(name, Signal::Ecg, clock, samples, beats));
        }
        let numerics = file::find(folder, &format!("{name}_Numerics.csv"));
        let observations = numerics.map_or(Ok(Vec::new()), |path| read_numerics(&path, zero))?;
        Ok(Self { name: name.to_owned(), tracks, observations })
    }

    /// Patient `number`, who is as ill as this person is well: breathes faster, with less oxygen and a faster heart.
    ///
    /// The one track has no samples, and is no session.
    pub(super) fn patient(&self, number: u32) -> Self {
        let name = format!("{}~{number}", self.name);
        let worse = f64::from(10 + number % 10);
        let moved =
            |sign: Option<Number>, by: f64| sign.and_then(|sign| Number::finite((sign.get() + by).max(1.0)));
        let ill = |seen: &Observation| Observation {
            at: seen.at,
            hr: moved(seen.hr, 2.0 * worse),
            pulse: moved(seen.pulse, 2.0 * worse),
            resp: moved(seen.resp, worse),
            spo2: moved(seen.spo2, -worse / 2.0),
        };
        let observations = self.observations.iter().map(ill).collect();
        Self { tracks: vec![self.tracks[0].without_samples(&name)], name, observations }
    }

    /// Name of the recording: its file name without `_Signals.csv` or `.hea`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The person it is replayed as.
    pub fn user(&self) -> UserId {
        UserId::derive(&["replay", &self.name])
    }

    /// Its signals, each a session: pulse, respiration, electrocardiogram, of those that are there; at least one.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Length of its longest track, microseconds.
    pub fn length_us(&self) -> Micros {
        self.tracks.iter().map(Track::length_us).max().unwrap_or(0)
    }

    /// What the monitor showed, in time order.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// The heart rate the monitor showed, 1/min, where it showed one.
    pub fn monitor_heart_rate(&self) -> Vec<(Micros, f64)> {
        self.observations.iter().filter_map(|seen| Some((seen.at, seen.hr?.get()))).collect()
    }
}

/// What a file of waveforms holds.
struct Waves {
    /// Times of the samples, s; at least two.
    seconds: Vec<f64>,
    clock: Clock,
    columns: Vec<(Signal, Vec<f32>)>,
}

/// The waveforms in `path` (`NAME_Signals.csv`).
fn read_signals(path: &Path) -> Result<Waves> {
    let mut table = Table::open(path)?;
    let time = table.need(table.starting(TIME), TIME, NEEDED)?;
    let present = COLUMNS.iter().filter_map(|(name, signal)| Some((*signal, table.column(name)?)));
    let present: Vec<(Signal, Column)> = present.collect();
    if present.is_empty() {
        table.need(None, COLUMNS[0].0, NEEDED)?;
    }
    let mut seconds = Vec::new();
    let mut columns: Vec<_> = present.iter().map(|(signal, _)| (*signal, Vec::new())).collect();
    while table.advance()? {
        seconds.push(table.number(time)?.ok_or_else(|| table.not_number(time))?);
        for ((_, column), (_, samples)) in present.iter().zip(&mut columns) {
            // A value too large for f32 is no sample either.
            let sample = table.number(*column)?.map_or(f32::NAN, |value| value as f32);
            samples.push(if sample.is_finite() { sample } else { f32::NAN });
        }
    }
    let clock = Clock::of(&seconds).map_err(|(index, problem)| Error::Uneven {
        path: path.to_owned(),
        // Row 1 is the header.
        row: index as u64 + 2,
        problem,
    })?;
    Ok(Waves { seconds, clock, columns })
}

/// Sample numbers, counted from 0, of the breaths that the first annotator marked in `path` (`NAME_Breaths.csv`).
///
/// The annotators marked different breaths, so either column may end early or say NaN.
fn read_breaths(path: &Path, samples: usize) -> Result<Vec<Mark>> {
    let mut table = Table::open(path)?;
    let needed = "the sample numbers of one annotator as \"breaths ann1 [signal sample no]\"";
    let column = table.need(table.starting(BREATHS), BREATHS, needed)?;
    let mut breaths = Vec::new();
    while table.advance()? {
        let Some(breath) = table.number(column)? else { continue };
        if breath < 0.0 || breath >= samples as f64 || breath.fract() != 0.0 {
            return Err(
                table.uneven("a breath is no sample of the signal, write the number of a sample from 0")
            );
        }
        breaths.push(Mark { sample: breath as usize, is_normal: true });
    }
    breaths.sort_unstable();
    Ok(breaths)
}

/// What the monitor showed, from `path` (`NAME_Numerics.csv`); `zero` is the time of the
/// first sample, s.
fn read_numerics(path: &Path, zero: f64) -> Result<Vec<Observation>> {
    let mut table = Table::open(path)?;
    let time = table.need(table.starting(TIME), TIME, "a time column \"Time [s]\"")?;
    let [hr, pulse, resp, spo2] = ["HR", "PULSE", "RESP", "SpO2"].map(|name| table.column(name));
    let mut observations = Vec::new();
    while table.advance()? {
        let seconds = table.number(time)?.ok_or_else(|| table.not_number(time))? - zero;
        if seconds.abs() >= LONGEST {
            return Err(table.uneven("it is a century away from the signal, check column and unit"));
        }
        let sign = |column: Option<Column>| match column {
            Some(column) => Ok::<_, Error>(table.number(column)?.and_then(Number::finite)),
            None => Ok(None),
        };
        observations.push(Observation {
            at: ANCHOR + (seconds * 1e6).round() as Micros,
            hr: sign(hr)?,
            pulse: sign(pulse)?,
            resp: sign(resp)?,
            spo2: sign(spo2)?,
        });
    }
    observations.sort_by_key(|seen| seen.at);
    Ok(observations)
}
