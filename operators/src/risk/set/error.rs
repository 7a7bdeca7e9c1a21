//! Why a rule set cannot be used, told with file and line.

use std::fmt;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Why a rule set cannot be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is not TOML.
    #[error("{at}: not valid TOML: {message}")]
    Syntax {
        /// Where.
        at: Place,
        /// What is wrong.
        message: String,
    },
    /// A key that does not exist.
    #[error("{at}: unknown key \"{key}\"; did you mean \"{nearest}\"?")]
    UnknownKey {
        /// Where.
        at: Place,
        /// The key.
        key: String,
        /// The valid key closest to it.
        nearest: String,
    },
    /// A key that is not there.
    #[error("{at}: key \"{key}\" is missing")]
    MissingKey {
        /// Where its table begins.
        at: Place,
        /// The key.
        key: String,
    },
    /// A value that cannot be used.
    #[error("{at}: key \"{key}\" {expected}")]
    BadValue {
        /// Where.
        at: Place,
        /// The key.
        key: String,
        /// What it must be.
        expected: String,
    },
    /// Rows that do not go together.
    #[error("{at}: {problem}")]
    Limits {
        /// Where the row begins that does not fit.
        at: Place,
        /// What is wrong with it.
        problem: String,
    },
}
