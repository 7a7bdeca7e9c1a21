//! Recordings replayed as the traffic of devices and monitors.
//!
//! A folder of recordings, each file plain or `.gz`, becomes one session per recorded signal: its start, its packets,
//! its end, and once per person the vital signs the monitor showed. All sessions start at [`ANCHOR`] and are merged
//! in time. What people marked in the signals is no traffic: it is the truth that results are judged by.
//!
//! | file | gives |
//! |---|---|
//! | `NAME_Signals.csv` | a session of pulse (column PLETH), of respiration (RESP) or of each |
//! | `NAME_Numerics.csv` | what the monitor showed |
//! | `NAME_Breaths.csv` | truth: the breaths annotator 1 marked in RESP |
//! | `NAME.hea` (plain only) with `NAME.dat` | a session of electrocardiogram, mV: a WFDB record in format 212 |
//! | `NAME.atr` | truth: the beats of that record |
//!
//! Patients can be added of whom nothing is sent but what a monitor shows, and that is made of what was recorded: so
//! that there are as many alerts as somebody wants to look at.
//!
//! # Layout
//! `file` opens files, `table` reads columns by name, `wfdb` WFDB records, `recording` what belongs to one person,
//! [`Track`] is one signal of it, `clock` its time base, `script` plays one session, [`Traffic`] merges them, `spoil`
//! adds records that are bad on purpose.
//!
//! # Invariants
//! - The same folder always gives the same drafts in the same order: ids are derived from names, times
//!   from the files, and no clock is read.
//! - What is sent was recorded: nothing is smoothed, filled in or made up, but for patients that were asked for. A
//!   sample that is not a number is not sent.

mod clock;
mod file;
mod recording;
mod script;
mod spoil;
mod table;
mod track;
mod traffic;
mod wfdb;

pub use recording::{Observation, Recording};
pub use track::{Mark, Track};
pub use traffic::Traffic;

use crate::{Error, Result};
use model::{Micros, SessionId, Signal};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Event time at which every recording starts: 2026-01-01T00:00:00Z.
///
/// Fixed, so that a replay of the same files always makes the same facts.
pub const ANCHOR: Micros = 1_767_225_600_000_000;

const SIGNALS: &str = "_Signals.csv";
const HEADER: &str = ".hea";

/// The recordings of a folder, in memory, ordered by name.
#[derive(Clone, Debug)]
pub struct Recordings {
    recordings: Vec<Arc<Recording>>,
}

impl Recordings {
    /// Reads every recording in `folder`; files with other names are ignored.
    ///
    /// A recording that is there both plain and compressed is read from the plain file.
    pub fn open(folder: &Path) -> Result<Self> {
        let names = Found::in_folder(folder)?;
        if names.is_empty() {
            return Err(Error::NoRecordings { folder: folder.to_owned() });
        }
        let open = |(name, found): (String, Found)| {
            Recording::open(folder, &name, found.signals.as_deref(), found.is_wfdb).map(Arc::new)
        };
        Ok(Self { recordings: names.into_iter().map(open).collect::<Result<_>>()? })
    }

    /// The same, and so many patients: people of whom nothing is sent but what their monitor shows, which is what the
    /// monitor of a recording showed, made worse.
    pub fn with_patients(mut self, count: u32) -> Self {
        let shown = self.recordings.iter().filter(|recording| !recording.observations().is_empty());
        let patients = (0..count).zip(shown.cycle()).map(|(number, of)| Arc::new(of.patient(number)));
        let patients: Vec<_> = patients.collect();
        self.recordings.extend(patients);
        self.recordings.sort_by(|a, b| a.name().cmp(b.name()));
        self
    }

    /// The recordings, ordered by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Recording> {
        self.recordings.iter().map(Arc::as_ref)
    }

    /// How many recordings there are; never zero.
    #[expect(clippy::len_without_is_empty, reason = "a folder without recordings does not open")]
    pub fn len(&self) -> usize {
        self.recordings.len()
    }

    /// Everything the devices and monitors of all recordings send, in time order.
    ///
    /// Each input topic has `partitions` partitions. With `spoil`, records are added that are bad on
    /// purpose, so that there are dead letters to look at: one for each way in which decoding refuses a
    /// record, the same every time, under the first session, every 2 s from 10 s after the start. They
    /// are extra; every good record is sent as without them.
    ///
    /// # Panics
    /// If `partitions` is zero.
    pub fn traffic(&self, partitions: u32, spoil: bool) -> Traffic {
        assert!(partitions > 0, "a topic has at least one partition");
        Traffic::new(&self.recordings, partitions, spoil)
    }

    /// The heart rate each monitor showed, 1/min, with the event time it was shown at, by pulse session.
    ///
    /// The truth that estimates from the optical signal are judged by; seconds without a value are
    /// left out.
    pub fn monitor_heart_rate(&self) -> BTreeMap<SessionId, Vec<(Micros, f64)>> {
        let pulse = self.tracks().filter(|(_, track)| track.signal() == Signal::Pulse);
        pulse.map(|(recording, track)| (track.session(), recording.monitor_heart_rate())).collect()
    }

    /// Event times of the breaths that annotator 1 marked, in order, by respiration session.
    ///
    /// Sessions without annotations are left out.
    pub fn breaths(&self) -> BTreeMap<SessionId, Vec<Micros>> {
        self.events(Signal::Respiration)
    }

    /// Event times of the annotated beats, in order, by electrocardiogram session.
    ///
    /// Sessions without annotations are left out.
    pub fn beats(&self) -> BTreeMap<SessionId, Vec<Micros>> {
        self.events(Signal::Ecg)
    }

    fn events(&self, signal: Signal) -> BTreeMap<SessionId, Vec<Micros>> {
        let tracks = self.tracks().filter(|(_, track)| track.signal() == signal);
        tracks.filter_map(|(_, track)| Some((track.session(), track.events()?))).collect()
    }

    fn tracks(&self) -> impl Iterator<Item = (&Recording, &Track)> {
        self.iter().flat_map(|recording| recording.tracks().iter().map(move |track| (recording, track)))
    }
}

/// Where the signals of a recording are.
#[derive(Debug, Default)]
struct Found {
    /// The table of waveforms, the plain one of two.
    signals: Option<PathBuf>,
    is_wfdb: bool,
}

impl Found {
    /// The files in `folder` that hold signals, by name of the recording.
    fn in_folder(folder: &Path) -> Result<BTreeMap<String, Self>> {
        let unreadable = |source| Error::Unreadable { path: folder.to_owned(), source };
        let mut names = BTreeMap::<String, Self>::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?.file_name();
            let Some(entry) = entry.to_str() else { continue };
            let signals = entry.strip_suffix(".gz").unwrap_or(entry).strip_suffix(SIGNALS);
            let header = entry.strip_suffix(HEADER);
            let Some(name) = signals.or(header).filter(|name| !name.is_empty()) else { continue };
            let found = names.entry(name.to_owned()).or_default();
            found.is_wfdb |= header.is_some();
            if signals.is_some() {
                let readable = file::find(folder, &format!("{name}{SIGNALS}"));
                found.signals = readable.or_else(|| Some(folder.join(entry)));
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
