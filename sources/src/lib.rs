//! Bytes become facts or faults: device packets, domain events, and recordings replayed as device traffic.
//!
//! # Layout
//! [`packet`] and [`event`] turn one record of the log into one fact; [`stream`] is the thin timely
//! shell around both. [`replay`] goes the other way: recordings become the records that devices and
//! services would have written.
//!
//! # Invariants
//! - No byte string panics; whatever cannot be used becomes a `Fault` that keeps the whole record.
//! - Never does a payload reach an error text, a fault's detail or a log line: names, places and
//!   lengths only.
//! - Decoding is a pure function of the record: no clock, no state, no order.
//! - Only replay touches files.

pub mod event;
pub mod packet;
pub mod replay;
pub mod stream;

mod error;
mod instant;
mod refusal;

pub use error::{Error, Result};
