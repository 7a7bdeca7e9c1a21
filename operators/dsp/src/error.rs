//! What can be wrong with a request to the calculator: only its parameters, never its samples.

use std::fmt;

/// A filter, spectrum or estimator that cannot be planned. Samples are never an error: a window that says nothing
/// gives an estimate that says so.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A corner frequency is not strictly between 0 and half the rate, or the corners are not in rising order.
    Corner {
        /// The corner that does not fit, in Hz.
        corner_hz: f64,
        /// The sampling rate, in Hz.
        rate_hz: f64,
    },
    /// The order needs another number of second-order sections than the type of the result has.
    Sections {
        /// Sections the order needs.
        needed: usize,
        /// Sections of the requested array.
        given: usize,
    },
    /// The sampling rate is outside what the estimator was made for.
    Rate {
        /// The sampling rate, in Hz.
        rate_hz: f64,
    },
    /// The window or segment is too short, too long, or not shorter than its transform.
    Length {
        /// The length, in samples.
        samples: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corner { corner_hz, rate_hz } => write!(
                formatter,
                "corner of {corner_hz} Hz does not fit a rate of {rate_hz} Hz; choose rising corners between 0 and {} Hz",
                rate_hz / 2.0
            ),
            Self::Sections { needed, given } => {
                write!(formatter, "filter of {needed} sections does not fit {given}; ask for {needed}")
            }
            Self::Rate { rate_hz } => {
                write!(formatter, "rate of {rate_hz} Hz is not supported; resample to between 25 and 500 Hz")
            }
            Self::Length { samples } => {
                write!(
                    formatter,
                    "length of {samples} samples is not supported; choose a window of 10 to 120 seconds"
                )
            }
        }
    }
}

impl std::error::Error for Error {}
