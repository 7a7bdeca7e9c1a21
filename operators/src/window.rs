//! Sliding windows over single events, keyed, in event time, and alarms on their values.
//!
//! For streams of one value at a time: what a device says of itself, a vital sign, a rate of loss.
//! (A packet of many samples goes through [`crate::pulse`], which needs the samples themselves.)
//!
//! # Layout
//! - [`aggregate`]: what is kept of the events of a span; [`Mean`] is one.
//! - [`options`]: length, slide and lateness, checked once.
//! - [`panes`]: a key's history cut into panes of one slide each, and windows put together from them.
//! - [`slider`]: which pane an event belongs to and when a window is complete: [`Slider`].
//! - [`hysteresis`]: when a value raises an alarm and when it clears it: [`Hysteresis`].
//! - [`stream`]: the same two as operators, [`Slide`] and [`Cross`].
//!
//! # Invariants
//! - A window is a function of the events inside it: neither how they were batched nor their order
//!   within the lateness shows, and nothing is ever subtracted, so nothing drifts.
//! - An event costs one merge, a pane with its window three on average, whatever the length, the slide
//!   and the number of keys. No event of a known key hashes, and none allocates but in output buffers.
//! - No event disappears: it is in its windows or handed out with a reason.
//! - Every event and every result is of its key alone; a quiet key keeps its last windows open until
//!   [`Event::end`].
//!
//! # Bound
//! Per live key one aggregate for each pane of a window and of the lateness; per ended key 5 bytes.

pub mod aggregate;
pub mod hysteresis;
pub mod options;
pub mod panes;
pub mod slider;
pub mod stream;
#[cfg(test)]
mod tests;

pub use aggregate::{Aggregate, Extremes, Mean};
pub use hysteresis::{Crossing, Direction, Hysteresis, Limits};
pub use options::{Error, Options, Shape};
pub use slider::Slider;
pub use stream::{Cross, Slide};

use model::Micros;
use serde::{Deserialize, Serialize};

/// Which stream of events: a small number given at the border, counted up from zero over all workers,
/// never given twice.
pub type Key = u32;

/// The farthest event time from 1970 that is taken, in microseconds: some 70,000 years. It keeps every
/// sum of times inside 64 bits.
pub const FARTHEST: Micros = i64::MAX / 4;

/// One value of one key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event<V> {
    /// Whose.
    pub key: Key,
    /// Event time, within ±[`FARTHEST`].
    pub at: Micros,
    /// What, in the caller's unit.
    pub value: V,
}

impl<V: Default> Event<V> {
    /// The end of a key: closes all its windows and frees its memory. Later events of the key are late.
    pub fn end(key: Key) -> Self {
        Self { key, at: Micros::MAX, value: V::default() }
    }
}

impl<V> Event<V> {
    /// Whether this is the end of its key and no value.
    pub fn is_end(&self) -> bool {
        self.at == Micros::MAX
    }
}

/// What the events of one key between `end` − length and `end` (excluded) come to; never of no event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window<A> {
    /// Whose.
    pub key: Key,
    /// First instant after the window: a multiple of the slide.
    pub end: Micros,
    /// What its events come to.
    pub value: A,
}

/// Why an event is in no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// A window it belongs to had left: older than the key's newest event by more than the lateness, or
    /// of a key that has ended.
    Late,
    /// The aggregate does not take the value; see [`Aggregate::of`].
    Value,
    /// Farther from 1970 than [`FARTHEST`].
    Time,
    /// Not below [`Options::keys`].
    Key,
}

/// An event that is in no window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused<V> {
    /// The event.
    pub event: Event<V>,
    /// Why.
    pub reason: Reason,
}
