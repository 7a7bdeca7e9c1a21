//! The signal of a session as its device sent it: what the door asks, and what whoever holds the log answers.
//!
//! Tables name the records that results rest on; the samples themselves are on the log only. This is the seam between what
//! reads the log (pipeline) and what asks for samples (api).

use crate::{Micros, SessionId, Signal, Span};
use std::fmt;

/// Reads signals from the log; for as long as it takes.
pub trait Waveforms: fmt::Debug + Send + Sync {
    /// The samples of a session within a span of time, among these records.
    ///
    /// # Errors
    /// [`Unread`].
    fn read(&self, wanted: &Wanted) -> Result<Waveform, Unread>;
}

/// Which samples are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of this session.
    pub session: SessionId,
    /// Among these records.
    pub records: Span,
    /// Not before this.
    pub from: Micros,
    /// Before this.
    pub until: Micros,
}

/// A signal: its first channel, a sample every so often.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveform {
    /// Kind of signal.
    pub signal: Signal,
    /// Time of the first sample.
    pub start: Micros,
    /// Nominal time between two samples, microseconds; positive.
    pub period_us: u32,
    /// What came, as it was sent; nothing where a sample is missing. At least one came, the first among them.
    pub samples: Vec<Option<f32>>,
}

/// Why there is no signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The log does not keep its records any more.
    Deleted,
    /// It stands among too many records.
    TooMany {
        /// Most that are looked through.
        most: u64,
    },
    /// No sample is within that time.
    Nothing,
    /// It is not one wave: many channels, or another rate in between.
    NoWave,
    /// The log did not answer.
    Failed,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str(
                "the log does not keep these packets any more: ask for a later time, or raise the retention of the topic",
            ),
            Self::TooMany { most } => {
                write!(f, "the signal stands among more than {most} records of the log: ask for a shorter time")
            }
            Self::Nothing => f.write_str("there is no sample of the session within this time: ask for another"),
            Self::NoWave => f.write_str(
                "the signal is not one wave within this time: it has many channels, or changed its rate; ask for a \
                 session of one channel, or for a shorter time",
            ),
            Self::Failed => f.write_str("the log did not answer: ask again"),
        }
    }
}
