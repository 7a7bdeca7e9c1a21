//! What stops the sinks, and the next step for whoever can act.
//!
//! # Invariants
//! - A message names places (topics, epochs, tables, files) and sizes, never a value of a record.
//! - Every message ends with a next step.

use model::Epoch;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the sinks could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log refused.
    #[error(transparent)]
    Log(#[from] eventlog::Error),
    /// The log did not commit an epoch although it was asked again and again.
    #[error(
        "the log did not confirm epoch {epoch} in {attempts} attempts: check the log, then start again, which \
         finds out whether it was committed; nothing is lost"
    )]
    Uncommitted {
        /// The epoch.
        epoch: Epoch,
        /// How often it was tried.
        attempts: u32,
        /// What the log said last; `None` if it only aborted.
        #[source]
        last: Option<eventlog::Error>,
    },
    /// The record of what was committed cannot be used.
    #[error("the bindings on the log cannot be used: {0}")]
    History(String),
    /// A committed epoch, computed again, gave something else.
    #[error(
        "epoch {epoch} gave other results for {topic} when it was computed again: start the version that \
         committed it ({committed_by}); if this is it, report it, its results are not reproducible"
    )]
    Diverged {
        /// The epoch.
        epoch: Epoch,
        /// First topic that differs.
        topic: String,
        /// Code that committed the epoch.
        committed_by: String,
    },
    /// The file system refused.
    #[error("could not {doing} {path} ({cause}): {}", next_step(cause.kind()))]
    Disk {
        /// What was attempted.
        doing: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// What the lake holds is not what was written, or not what the log committed.
    #[error("lake at {path}: {detail}")]
    Damaged {
        /// The file or directory.
        path: PathBuf,
        /// What does not fit, with the next step.
        detail: String,
    },
    /// The lake could not be written for too long.
    #[error(
        "{bytes} bytes of rows wait for the lake, {limit} may (lake.outbox_bytes); the lake said: {reason}"
    )]
    OutboxFull {
        /// Bytes of the rows that wait.
        bytes: usize,
        /// Bytes that may wait.
        limit: usize,
        /// Why the lake cannot take them, with the next step.
        reason: String,
    },
    /// The dataflow said something that cannot be: a defect.
    #[error("{0}: report it; start again to recompute from what was committed")]
    Broken(String),
}

impl Error {
    /// For `map_err` on a file operation.
    pub(crate) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Disk { doing, path, cause }
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.into() }
    }
}

fn next_step(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free some space or set another commit.lake.dir"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make it writable for this user or set another commit.lake.dir"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "set commit.lake.dir to a directory"
        }
        _ => "check the disk or set another commit.lake.dir",
    }
}
