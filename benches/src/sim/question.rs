//! A question that is slow to be answered: it holds the list of files it found when it began, as the queries of
//! analysts do, and reads them later.
//!
//! # Invariants
//! - Until the lake's garbage may go, every file of the list is there in its full length, whatever was joined,
//!   corrected or collected meanwhile.

use super::world::Failure;
use model::{Micros, view::Snapshot};
use sinks::disk;
use std::{io::ErrorKind, sync::Arc};

/// The tables it began with, and when that was.
pub(crate) struct Question {
    pub(crate) asked: Micros,
    pub(crate) snapshot: Arc<Snapshot>,
}

impl Question {
    /// Reads what was found, unless `patience` microseconds have passed; a disk that fails says nothing of the files.
    pub(crate) fn answer(&self, disk: &disk::Shared, now: Micros, patience: Micros) -> Result<(), Failure> {
        if now - self.asked >= patience {
            return Ok(());
        }
        let files = self.snapshot.tables.values().flat_map(|table| table.files.iter());
        for file in files {
            let missed = match disk.len(&file.path) {
                Ok(there) if there == file.bytes => continue,
                Ok(there) => format!("there are {there} bytes of {}", file.bytes),
                Err(error) if error.kind() == ErrorKind::NotFound => "it is gone".to_owned(),
                Err(_) => continue,
            };
            let what =
                format!("a query looks for {} {} µs on: {missed}", file.path.display(), now - self.asked);
            return Err(Failure::new(what));
        }
        Ok(())
    }
}
