//! Facts become better facts: order, windows, pulse, vital signs, risk.
//!
//! # Layout
//! In the order a datum meets them. First [`arrival`]. Fast half, append-only streams: [`sequence`],
//! [`signals`] with [`pulse`], [`respiration`], [`ecg`] and [`cartridge`], [`window`]. Slow half, facts that may be revised:
//! [`vitals`], [`session`], [`risk`] over
//! [`gather`] and [`timeline`]; [`calibration`], [`supply`] and [`daily`], which change by time alone. What cannot be used stands in [`letters`] until it can.
//! [`similar`] finds the fingerprints nearest to one. What they remember stands in [`state`].
//!
//! # Invariants
//! - No operator reads a clock or a random source; "now" is a value in the input.
//! - A result depends on which records arrived and on their order within one key, never on how they
//!   were batched into epochs or spread over workers.

mod ageing;
pub mod arrival;
pub mod calibration;
pub mod cartridge;
pub mod coaching;
pub mod daily;
mod deadlines;
pub mod ecg;
pub mod gather;
pub mod glucose;
mod keyed;
pub mod laboratory;
pub mod letters;
pub mod notify;
pub mod pulse;
pub mod record;
pub mod respiration;
pub mod risk;
pub mod sequence;
pub mod session;
pub mod signals;
pub mod similar;
pub mod state;
pub mod supply;
#[cfg(test)]
mod testing;
pub mod timeline;
mod turns;
pub mod vitals;
mod wave;
pub mod window;

use differential_dataflow::VecCollection;
use model::Epoch;
use timely::dataflow::StreamVec;

/// How often a fact counts: +1 asserts it, −1 retracts it.
pub type Diff = i64;
/// Facts as they arrive: appended, never retracted.
pub type Stream<'scope, D> = StreamVec<'scope, Epoch, D>;
/// Facts that may be revised: each change is a row, an epoch and a difference.
pub type Collection<'scope, D> = VecCollection<'scope, Epoch, D, Diff>;
