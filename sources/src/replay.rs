//! Recordings replayed as the traffic of devices and monitors.
//!
//! A folder of BIDMC-shaped files (`NAME_Signals.csv`, perhaps `NAME_Numerics.csv`, each plain or
//! `.gz`) becomes one session per recording: its start, its packets, the vital signs its monitor
//! showed, its end. All sessions start at [`ANCHOR`] and are merged in time.
//!
//! # Layout
//! `table` reads columns by name, `recording` one recording, `clock` its time base, `script` plays one
//! session, [`Traffic`] merges them, `spoil` adds records that are bad on purpose.
//!
//! # Invariants
//! - The same folder always gives the same drafts in the same order: ids are derived from names, times
//!   from the files, and no clock is read.
//! - What is sent was recorded: nothing is smoothed, filled in or made up. A sample that is not a
//!   number is not sent.

mod clock;
mod recording;
mod script;
mod spoil;
mod table;
mod traffic;

pub use recording::{Observation, Recording};
pub use traffic::Traffic;

use crate::{Error, Result};
use model::{Micros, SessionId};
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
const NUMERICS: &str = "_Numerics.csv";

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
        let unreadable = |source| Error::Unreadable { path: folder.to_owned(), source };
        let mut signals = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let Some((name, is_plain)) = name_of(&path) else { continue };
            if is_plain || !signals.contains_key(&name) {
                signals.insert(name, path);
            }
        }
        if signals.is_empty() {
            return Err(Error::NoRecordings { folder: folder.to_owned() });
        }
        let open = |(name, path): (String, PathBuf)| {
            let numerics = [NUMERICS.to_owned(), format!("{NUMERICS}.gz")]
                .map(|ending| folder.join(format!("{name}{ending}")))
                .into_iter()
                .find(|path| path.is_file());
            Recording::open(name, &path, numerics.as_deref()).map(Arc::new)
        };
        Ok(Self { recordings: signals.into_iter().map(open).collect::<Result<_>>()? })
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

    /// The heart rate each monitor showed, 1/min, with the event time it was shown at.
    ///
    /// The truth that estimates from the optical signal are judged by; seconds without a value are
    /// left out.
    pub fn monitor_heart_rate(&self) -> BTreeMap<SessionId, Vec<(Micros, f64)>> {
        self.iter().map(|recording| (recording.session(), recording.monitor_heart_rate())).collect()
    }
}

/// The recording whose waveforms are in `path`, and whether the file is plain.
fn name_of(path: &Path) -> Option<(String, bool)> {
    let file = path.file_name()?.to_str()?;
    let (file, is_plain) = file.strip_suffix(".gz").map_or((file, true), |file| (file, false));
    let name = file.strip_suffix(SIGNALS).filter(|name| !name.is_empty())?;
    Some((name.to_owned(), is_plain))
}

#[cfg(test)]
mod tests;
