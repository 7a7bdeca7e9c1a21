//! What can be wrong with a request to the calculator: only its parameters, never its samples.

use std::fmt;

use crate::notch;

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
    /// The mains fold onto less than 1 Hz at this rate: no filter can tell them from the signal any more.
    Alias {
        /// Frequency of the mains, in Hz.
        mains_hz: f64,
        /// The sampling rate, in Hz.
        rate_hz: f64,
    },
    /// A parameter is not a number between its bounds.
    Outside {
        /// What the parameter is, with its unit.
        what: &'static str,
        /// The value that was given.
        value: f64,
        /// Least value that is taken.
        least: f64,
        /// Largest value that is taken.
        most: f64,
    },
    /// The points determine no calibration: too few, not finite, or all alike.
    Degenerate {
        /// Number of points that were given.
        points: usize,
    },
    /// A saved memory is not one of the value it is to be restored to.
    Memory {
        /// The length of the memory, in numbers.
        numbers: usize,
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
                write!(
                    formatter,
                    "rate of {rate_hz} Hz is not supported; resample to the rates the estimator was made for"
                )
            }
            Self::Length { samples } => {
                write!(
                    formatter,
                    "length of {samples} samples is not supported; choose a window of 10 to 120 seconds"
                )
            }
            Self::Alias { mains_hz, rate_hz } => {
                write!(
                    formatter,
                    "mains of {mains_hz} Hz fold onto {} Hz at a rate of {rate_hz} Hz; choose a packet period of ",
                    notch::alias_hz(*mains_hz, *rate_hz)
                )?;
                notch::write_legal_periods(formatter, *mains_hz)
            }
            Self::Outside { what, value, least, most } => {
                write!(formatter, "{what} of {value} is not supported; choose a value from {least} to {most}")
            }
            Self::Degenerate { points } => write!(
                formatter,
                "calibration from {points} points is not determined; measure references that differ, three for an offset"
            ),
            Self::Memory { numbers } => {
                write!(
                    formatter,
                    "memory of {numbers} numbers does not fit; restore what the same plan saved"
                )
            }
        }
    }
}

impl std::error::Error for Error {}
