//! One recording: an optical pulse signal, and what the monitor beside it showed.

use super::{
    ANCHOR,
    clock::{Clock, LONGEST},
    table::{Column, Table},
};
use crate::{Error, Result};
use model::{Micros, Number, SessionId, UserId};
use std::path::Path;

const PLETH: &str = "PLETH";
const TIME: &str = "Time";
/// What a file of waveforms needs.
const NEEDED: &str = "a time column \"Time [s]\" and the optical signal \"PLETH\"";

/// One recording, in memory.
#[derive(Clone, Debug)]
pub struct Recording {
    name: String,
    pub(super) clock: Clock,
    /// Optical signal, in the units of the file; NaN where the file has no number.
    pub(super) pleth: Vec<f32>,
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
    /// Reads recording `name` from its files.
    pub(super) fn open(name: String, signals: &Path, numerics: Option<&Path>) -> Result<Self> {
        let (seconds, pleth) = read_signals(signals)?;
        let clock = Clock::of(&seconds).map_err(|(index, problem)| Error::Uneven {
            path: signals.to_owned(),
            // Row 1 is the header.
            row: index as u64 + 2,
            problem,
        })?;
        let observations = numerics.map_or(Ok(Vec::new()), |path| read_numerics(path, seconds[0]))?;
        Ok(Self { name, clock, pleth, observations })
    }

    /// Name of the recording: its file name without `_Signals.csv`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The session it is replayed as.
    pub fn session(&self) -> SessionId {
        SessionId::derive(&["replay", &self.name])
    }

    /// The person it is replayed as.
    pub fn user(&self) -> UserId {
        UserId::derive(&["replay", &self.name])
    }

    /// The device it is replayed as.
    pub fn device(&self) -> String {
        format!("replay-{}", self.name)
    }

    /// Time from the first sample to the end of the last, microseconds.
    pub fn length_us(&self) -> Micros {
        self.clock.stamp_us(self.pleth.len())
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

/// Times in seconds and the optical signal of `path` (`NAME_Signals.csv`).
fn read_signals(path: &Path) -> Result<(Vec<f64>, Vec<f32>)> {
    let mut table = Table::open(path)?;
    let time = table.need(table.starting(TIME), TIME, NEEDED)?;
    let signal = table.need(table.column(PLETH), PLETH, NEEDED)?;
    let (mut seconds, mut pleth) = (Vec::new(), Vec::new());
    while table.advance()? {
        seconds.push(table.number(time)?.ok_or_else(|| table.not_number(time))?);
        // A value too large for f32 is no sample either.
        let sample = table.number(signal)?.map_or(f32::NAN, |value| value as f32);
        pleth.push(if sample.is_finite() { sample } else { f32::NAN });
    }
    Ok((seconds, pleth))
}

/// What the monitor showed, from `path` (`NAME_Numerics.csv`); `zero` is the time of the first sample, s.
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
