//! Two kinds of time that never mix: epochs order the computation, micros are data.

/// The timely timestamp: a batch of input between two offset vectors.
pub type Epoch = u64;

/// Event time in microseconds since 1970-01-01 UTC: data, never a timestamp of the dataflow.
pub type Micros = i64;

/// Microseconds in one second.
pub const SECOND: Micros = 1_000_000;
