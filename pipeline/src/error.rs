//! Why the pipeline cannot go on, and what to do.

use model::Epoch;
use std::io::{self, ErrorKind};

/// Why the pipeline stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log failed.
    #[error("log: {0}")]
    Log(#[from] eventlog::Error),
    /// An epoch could not be committed.
    #[error("commit: {0}")]
    Commit(#[from] sinks::Error),
    /// Workers could not start, or one ended.
    #[error("workers: {0}")]
    Workers(String),
    /// A committed epoch, computed again, is not what it was.
    #[error("epoch {epoch} cannot be repeated: {what}")]
    Diverged {
        /// The epoch.
        epoch: Epoch,
        /// What differs, and what to do.
        what: String,
    },
    /// Input that is still needed was deleted from the log.
    #[error(
        "{place} begins at {start}, offset {wanted} is needed: records were deleted before they were read or \
         before a snapshot held what came of them; restore the topic and raise its retention, or, to go on without \
         what was never read, start with epoch.skip_deleted = true"
    )]
    Overtaken {
        /// The partition.
        place: eventlog::TopicPartition,
        /// First offset that is needed.
        wanted: u64,
        /// First offset that is there.
        start: u64,
    },
    /// State that a snapshot holds cannot be taken over.
    #[error("snapshot: {0}")]
    State(#[from] operators::state::Unreadable),
    /// What a snapshot says was counted cannot be read.
    #[error("the counts of the newest snapshot are of another version: start the version that wrote it")]
    Counts,
    /// The recordings cannot be replayed.
    #[error("recordings: {0}")]
    Recordings(#[from] sources::Error),
    /// The log holds input that the replay did not write.
    #[error(
        "the log already holds other input than this replay: start over with --reset, or name another \
         --data-dir (on Kafka, delete the topics or name other brokers)"
    )]
    Occupied,
    /// The embedded log is held by the program, which runs.
    #[error(
        "another process holds the log, most likely the running program: stop it, run this command, and start \
         it again, for it reads what was sent then (on Kafka it need not stop)"
    )]
    Held,
    /// Dead letters were not sent again, or nobody knows.
    #[error("the log answered {outcome:?}: run the same command again; what was sent twice counts once")]
    Unsent {
        /// What the log said.
        outcome: eventlog::Outcome,
    },
    /// An answer about dead letters cannot be read.
    #[error("the answer about dead letters is of another version: use the version that runs")]
    Letters,
    /// An alert cannot be derived again: why, and what to do.
    #[error("{0}")]
    Unexplained(String),
    /// The door cannot open or answer.
    #[error("door: {0}")]
    Door(#[from] api::Error),
    /// A file or directory of the program's own.
    #[error("could not {what}: {source}")]
    Files {
        /// What was attempted, on what.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether it is the log that went away, or has no room, and may come back, so that recovering may help.
    pub fn passes(&self) -> bool {
        use eventlog::Error as Log;
        match self {
            Self::Log(error) | Self::Commit(sinks::Error::Log(error)) => is_away(error),
            Self::Commit(sinks::Error::Disk { cause, .. }) => has_no_room(cause),
            Self::Commit(sinks::Error::Uncommitted { last, .. }) => {
                last.as_ref().is_none_or(|last| is_away(last) || matches!(last, Log::Abort { .. }))
            }
            _ => false,
        }
    }
}

/// Whether the log may come back by itself: it cannot be reached, or a writer of it stopped, or its disk is full.
pub(crate) fn is_away(error: &eventlog::Error) -> bool {
    use eventlog::Error as Log;
    match error {
        Log::Unreachable { .. } | Log::Stopped { .. } => true,
        Log::Disk { source, .. } => has_no_room(source),
        _ => false,
    }
}

/// Whether a disk refuses what it takes again once somebody made room on it.
fn has_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem)
}
