//! Why the pipeline cannot go on, and what to do.

use model::Epoch;

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
    /// The recordings cannot be replayed.
    #[error("recordings: {0}")]
    Recordings(#[from] sources::Error),
    /// The log holds input that the replay did not write.
    #[error(
        "the log already holds other input than this replay: start over with --reset, or name another \
         --data-dir (on Kafka, delete the topics or name other brokers)"
    )]
    Occupied,
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
