//! What stops the log, and the next step for whoever can act.
//!
//! # Invariants
//! - A message names places (topics, partitions, directories, brokers) and sizes, never keys, values or headers.
//! - Every message ends with a next step.

use std::{io, ops::Range, path::PathBuf, sync::Arc};

use crate::TopicPartition;

/// Result of the log.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the log could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No broker answered in time.
    #[error(
        "could not reach kafka at {brokers} ({reason}): start the broker or correct `brokers`, then try again"
    )]
    Unreachable {
        /// The brokers configured.
        brokers: String,
        /// What the client said.
        reason: String,
    },
    /// The broker refused the user or what the user wants to do.
    #[error("kafka refused {what}: grant it to this user (kafka-acls.sh) or correct the sasl.* properties")]
    Unauthorised {
        /// What was refused.
        what: String,
    },
    /// The topic or the partition does not exist.
    #[error(
        "topic partition {0} does not exist: create the topic or correct its name or its number of partitions"
    )]
    UnknownPartition(TopicPartition),
    /// The topic cannot be made as asked.
    #[error("could not create topic \"{topic}\": {reason}")]
    Topic {
        /// Name of the topic.
        topic: Arc<str>,
        /// What stands against it, with the next step.
        reason: String,
    },
    /// The record is larger than the log takes.
    #[error(
        "a record for {at} of {bytes} bytes is larger than {setting} allows: send smaller records or raise it"
    )]
    TooLarge {
        /// Where it was to go.
        at: TopicPartition,
        /// Bytes of key, value and headers.
        bytes: usize,
        /// The setting that holds the limit, and the limit where it is known.
        setting: String,
    },
    /// A later writer took over the transactional id.
    #[error(
        "another writer took over \"{0}\": stop this process, or give each process its own transactional id"
    )]
    Fenced(String),
    /// The offset is not in the partition.
    #[error("offset {offset} of {at} is outside {}..{}: start from an offset inside", range.start, range.end)]
    OutOfRange {
        /// Where it was looked for.
        at: TopicPartition,
        /// The offset asked for.
        offset: u64,
        /// The offsets that can be read.
        range: Range<u64>,
    },
    /// Another process holds the data directory.
    #[error("log directory {0} is in use by another process: stop that process or set another `dir`")]
    Locked(PathBuf),
    /// The file system refused.
    #[error("could not {doing} {path}: {}", disk_step(source.kind()))]
    Disk {
        /// What was attempted.
        doing: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// What is on disk is not what was written.
    #[error(
        "log at {path} is damaged ({detail}): restore the directory from a copy; nothing damaged was handed out"
    )]
    Corrupt {
        /// The damaged file or directory.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// TLS or SCRAM is configured in a build without OpenSSL.
    #[error("property \"{0}\" needs TLS, which this build leaves out: build with --features kafka-tls")]
    TlsNotBuilt(String),
    /// A property cannot be used.
    #[error("kafka property \"{name}\" cannot be used: {reason}")]
    Setting {
        /// Name of the property.
        name: String,
        /// Why, with the next step.
        reason: String,
    },
    /// The open transaction failed; after `abort` the writer can begin again.
    #[error("the transaction failed ({reason}): abort it and write the same records again")]
    Abort {
        /// What the log said.
        reason: String,
    },
    /// The reader, writer or log can no longer be used.
    #[error("the log stopped ({reason}): open it again")]
    Stopped {
        /// What the log said.
        reason: String,
    },
    /// The log itself can no longer be used: what is on disk may not be what it believes.
    #[error("the log failed ({reason}): start this program again, which opens and checks it")]
    Failed {
        /// What failed before.
        reason: String,
    },
    /// The caller broke the order begin, send, commit.
    #[error("the writer was used out of order: {0}")]
    Order(&'static str),
}

impl Error {
    /// Whether the same writer can go on after [`crate::Writer::abort`].
    ///
    /// If [`crate::Writer::begin`] then says [`Error::Stopped`], the log refused late and a new writer is needed after all.
    /// False where a new writer, another configuration or a person is needed.
    pub fn can_abort(&self) -> bool {
        matches!(
            self,
            Self::Abort { .. } | Self::TooLarge { .. } | Self::UnknownPartition(_) | Self::Order(_)
        )
    }
}

fn disk_step(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "the disk is full; free some space or set another `dir`, then start again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "it is not writable; make it writable for this user or set another `dir`"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "the path does not lead to a directory; correct `dir`"
        }
        _ => "the file system failed; check the disk, then start again",
    }
}
