//! Electrocardiogram: beats as they are found, and the variability of their rhythm off windows of five minutes.
//!
//! [`chain`] is one session's signal, [`instants`] says when its samples were taken, [`normal`] tells normal intervals from
//! those of ectopic beats, [`plan`] is what sessions of one rate share.
//!
//! # Retractions
//! The detector decides once: what comes in order never changes a beat it reported. A late packet lets it run again from
//! the start of its pane, and the beats and windows that are others then are taken back and asserted anew.

pub(crate) mod chain;
mod instants;
mod normal;
pub(crate) mod plan;
mod reading;

use serde::{Deserialize, Serialize};

/// Shape of the windows of the rhythm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Length of a window, seconds; a multiple of `hop_s`. Below 120 s there are no powers.
    pub window_s: u32,
    /// Distance between the starts of two windows, seconds; windows are aligned to it.
    pub hop_s: u32,
    /// Least share of real samples in a window that gets numbers, percent.
    pub real_percent: u32,
}

impl Options {
    /// The values of the specification (signals.md §4.5).
    pub const fn specified() -> Self {
        Self { window_s: 300, hop_s: 60, real_percent: 95 }
    }
}
