//! What stops the replay of recordings; each message says which file and what to do.
//!
//! Unusable records of the log are faults, never errors.

use std::{io, path::PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Recordings that cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder holds nothing to replay.
    #[error(
        "no recordings in {}: name a folder that holds files called NAME_Signals.csv or NAME_Signals.csv.gz, or \
         NAME.hea with NAME.dat",
        .folder.display()
    )]
    NoRecordings {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("could not read {}: check that it exists and that this user may read it", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not the table it should be.
    #[error("could not read row {row} of {}: save it again as comma-separated text with one header row", .path.display())]
    NotTable {
        /// The file.
        path: PathBuf,
        /// Row, counted from 1 with the header.
        row: u64,
        /// What the reader said; it names places, not contents.
        source: csv::Error,
    },
    /// A column is missing.
    #[error("no column {column} in {}: its header needs {needed}", .path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// All columns the file needs.
        needed: &'static str,
    },
    /// A cell is not a number.
    #[error(
        "row {row} of {} has no number in column {column}: write a decimal number, or leave an unobserved one empty",
        .path.display()
    )]
    NotNumber {
        /// The file.
        path: PathBuf,
        /// Row, counted from 1 with the header.
        row: u64,
        /// The column.
        column: &'static str,
    },
    /// The samples cannot be put on an even time base.
    #[error("the times in {} cannot be replayed at row {row}: {problem}", .path.display())]
    Uneven {
        /// The file.
        path: PathBuf,
        /// Row, counted from 1 with the header.
        row: u64,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// A file of a WFDB record cannot be used.
    #[error("{} cannot be replayed: {problem}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: &'static str,
    },
}
