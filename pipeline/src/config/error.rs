//! Why a configuration cannot be used, told with the place where the value came from.

use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `default.toml`.
    Default,
    /// A file, at a line.
    File(String, usize),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Why a configuration cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("could not read configuration {file}: {reason}; check the path given with --config")]
    Unreadable {
        /// File.
        file: String,
        /// What the system said.
        reason: std::io::ErrorKind,
    },
    /// The file is not TOML.
    #[error("{at}: not valid TOML: {message}")]
    Syntax {
        /// File and line.
        at: Source,
        /// What is wrong.
        message: String,
    },
    /// A key that does not exist.
    #[error("{at}: unknown key \"{key}\"; did you mean \"{nearest}\"? (`manpasik config` lists all keys)")]
    UnknownKey {
        /// Where it stands.
        at: Source,
        /// The key.
        key: String,
        /// The valid key closest to it.
        nearest: String,
    },
    /// A value that cannot be used.
    #[error("{at}: key \"{key}\" {expected}")]
    BadValue {
        /// Where it stands.
        at: Source,
        /// The key.
        key: String,
        /// What it must be.
        expected: String,
    },
    /// The layers together do not make a configuration.
    #[error("configuration cannot be used: {0}")]
    Whole(String),
}
