//! An electrocardiogram kept as a WFDB record: `NAME.hea`, `NAME.dat` in format 212, and beats in `NAME.atr`.
//!
//! Written from the public description of the formats in the WFDB Applications Guide: header(5), signal(5) and
//! annot(5), <https://physionet.org/physiotools/wag/header-5.htm>, `signal-5.htm` and `annot-5.htm` there.
//!
//! # Layout
//! `header` reads what the record is, `signal` its samples, `annotation` where its beats are.
//!
//! # Invariants
//! - No bytes panic; a file that is cut, damaged or of another record is an error that names it.
//! - Files are found by the name of the record; what a header calls its files is never opened.

mod annotation;
mod header;
mod signal;

use super::{clock::Clock, file, track::Mark};
use crate::{Error, Result};
use header::Header;
use std::path::{Path, PathBuf};

/// A file that cannot be used: what is wrong and what to do.
type Problem = &'static str;

/// More bytes than any header or annotation file of a record has.
const LARGEST_TEXT: u64 = 64 << 20;
/// More bytes than any signal file that is replayed from memory has: a week of one signal at 1 kHz.
const LARGEST_SIGNAL: u64 = 1 << 30;

/// A record: one lead, and its beats.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) clock: Clock,
    /// The lead, mV; NaN where the file marks a sample as none.
    pub(super) samples: Vec<f32>,
    /// The annotated beats, in order; none without annotations.
    pub(super) beats: Option<Vec<Mark>>,
}

impl Record {
    /// Reads record `name` in `folder`, whose header is `NAME.hea`.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(format!("{name}.hea"));
        let text = file::bytes(&path, LARGEST_TEXT)?;
        let header = Header::read(&text).map_err(|problem| unusable(&path, problem))?;
        let clock = Clock::of_rate(header.rate_hz).ok_or_else(|| {
            unusable(
                &path,
                "its sampling frequency is none from 0.25 mHz to 1 MHz, write it in samples per second",
            )
        })?;
        let data = file::find(folder, &format!("{name}.dat")).ok_or_else(|| {
            unusable(&path, "the samples are missing, put NAME.dat or NAME.dat.gz beside it")
        })?;
        let bytes = file::bytes(&data, LARGEST_SIGNAL)?;
        let samples = signal::read(&bytes, &header).map_err(|problem| unusable(&data, problem))?;
        let beats = match file::find(folder, &format!("{name}.atr")) {
            None => None,
            Some(path) => {
                let bytes = file::bytes(&path, LARGEST_TEXT)?;
                let beats = annotation::beats(&bytes, samples.len(), header.rate_hz);
                Some(beats.map_err(|problem| unusable(&path, problem))?)
            }
        };
        Ok(Self { clock, samples, beats })
    }
}

fn unusable(path: &Path, problem: Problem) -> Error {
    Error::Unusable { path: PathBuf::from(path), problem }
}

#[cfg(test)]
mod tests;
