//! What stops the sinks, and the next step for whoever can act.
//!
//! # Invariants
//! - A message names places (topics, epochs, tables, files) and sizes, never a value of a record.
//! - Every message ends with a next step.

use crate::binding::TopicDigest;
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
    #[error(transparent)]
    Diverged(#[from] Box<Divergence>),
    /// The file system refused.
    #[error("could not {doing} {path} ({cause}): {} {setting}{}", next_step(cause.kind()).0, next_step(cause.kind()).1)]
    Disk {
        /// The setting that says where it lies.
        setting: &'static str,
        /// What was attempted.
        doing: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// What the lake or a snapshot holds is not what was written, or not what the log committed.
    #[error("{what} at {path}: {detail}")]
    Damaged {
        /// What lies there.
        what: &'static str,
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
    /// It cannot be known what a topic lost.
    #[error("{0}: its consumers have to read the tables instead; restore the topic from a mirror")]
    Unmendable(String),
    /// The log did not take what was to be published again.
    #[error("the log answered {0:?}: repair again, which finds what is there by then")]
    Unmended(eventlog::Outcome),
    /// The dataflow said something that cannot be: a defect.
    #[error("{0}: report it; start again to recompute from what was committed")]
    Broken(String),
}

/// A committed epoch, computed again, gave something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "epoch {epoch} gave other results for {topic} when it was computed again: version {committed_by} committed \
     {}, version {computed_by} computed {}: start version {committed_by}; if this is it, report it, its results \
     are not reproducible", told(committed.as_ref()), told(computed.as_ref())
)]
pub struct Divergence {
    /// The epoch.
    pub epoch: Epoch,
    /// First topic that differs.
    pub topic: String,
    /// What was committed; `None` if the topic got nothing.
    pub committed: Option<TopicDigest>,
    /// What came out this time.
    pub computed: Option<TopicDigest>,
    /// Code that committed the epoch.
    pub committed_by: String,
    /// Code that computed it again.
    pub computed_by: &'static str,
}

fn told(digest: Option<&TopicDigest>) -> String {
    digest.map_or_else(
        || "no records".into(),
        |TopicDigest { records, digest, .. }| format!("{records} records (blake3 {digest})"),
    )
}

impl Error {
    /// For `map_err` on a file operation of the lake.
    pub(crate) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::disk_of("commit.lake.dir", doing, path)
    }

    /// For `map_err` on a file operation below the directory of `setting`.
    pub(crate) fn disk_of(
        setting: &'static str,
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Disk { setting, doing, path, cause }
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged { what: "lake", path: path.to_owned(), detail: detail.into() }
    }
}

/// What stands before and after the name of the setting.
fn next_step(kind: io::ErrorKind) -> (&'static str, &'static str) {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ("free some space or set another", "")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ("make it writable for this user or set another", "")
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            ("set", " to a directory")
        }
        _ => ("check the disk or set another", ""),
    }
}
