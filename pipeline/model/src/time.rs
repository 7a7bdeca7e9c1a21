//! Two kinds of time that never mix: epochs order the computation, micros are data.

/// The timely timestamp: a batch of input between two offset vectors.
pub type Epoch = u64;

/// Event time in microseconds since 1970-01-01 UTC: data, never a timestamp of the dataflow.
pub type Micros = i64;

/// A day of a calendar, counted from 1970-01-01: a person's own, by their offset from UTC.
pub type Day = i32;

/// Microseconds in one second.
pub const SECOND: Micros = 1_000_000;

/// Microseconds in one day.
pub const DAY: Micros = 86_400 * SECOND;

/// How far ahead of an epoch's "now" the time of a record is believed: five minutes. A producer with a wrong clock
/// must not make everything behind it too late.
pub const AHEAD: Micros = 300 * SECOND;

/// What an epoch knows of time: data like any other, the same whenever the epoch is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick {
    /// The one clock reading of the epoch.
    pub now: Micros,
    /// Up to here every input that is not idle has been read, by the time its records were written;
    /// `Micros::MIN` before the first record. Never goes back.
    pub watermark: Micros,
}
