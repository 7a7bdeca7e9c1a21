//! Unusable data: kept whole, with its reason and its place, and never printed.

use crate::{Micros, Origin};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a record could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The envelope around a packet or event cannot be read.
    BadEnvelope,
    /// The packet has the wrong length for what it says it is.
    BadLength,
    /// The packet is of a version this product does not read.
    BadVersion,
    /// The checksum does not match.
    BadChecksum,
    /// A number is NaN or infinite.
    NotFinite,
    /// A value is outside what the format or the rule allows.
    OutOfRange,
    /// A required field is missing or of the wrong type.
    MissingField,
    /// The event type is not one this topic carries.
    UnknownType,
    /// It came after its place in the order was settled.
    TooLate,
    /// A rule set that cannot be read, or may not be published.
    BadRules,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::BadEnvelope,
        Self::BadLength,
        Self::BadVersion,
        Self::BadChecksum,
        Self::NotFinite,
        Self::OutOfRange,
        Self::MissingField,
        Self::UnknownType,
        Self::TooLate,
        Self::BadRules,
    ];

    /// The reason with this code.
    pub fn named(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Stable code, as the dead letters carry it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadEnvelope => "BAD_ENVELOPE",
            Self::BadLength => "BAD_LENGTH",
            Self::BadVersion => "BAD_VERSION",
            Self::BadChecksum => "BAD_CHECKSUM",
            Self::NotFinite => "NOT_FINITE",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::MissingField => "MISSING_FIELD",
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::TooLate => "TOO_LATE",
            Self::BadRules => "BAD_RULES",
        }
    }
}

/// A record as it stood on the log, for when it cannot be used.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Raw {
    /// When it was written to the log.
    pub recorded_at: Micros,
    /// Original key.
    pub key: Option<Vec<u8>>,
    /// Original value.
    pub value: Vec<u8>,
    /// Original headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// A record that could not be used, whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fault {
    /// Where it stands on the log.
    pub origin: Origin,
    /// Why it could not be used.
    pub reason: Reason,
    /// What exactly was wrong and what to do, without any of the data.
    pub detail: String,
    /// The record.
    pub raw: Raw,
}

// The bytes may be health data: what prints is the place, the reason and the size.
impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.value.len())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({} {} {:?})", self.reason.code(), self.origin, self.raw)
    }
}
