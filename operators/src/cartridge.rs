//! Cartridge sessions (classes A and B): from packets in any order to one measurement and one fingerprint.
//!
//! ```text
//! packets ─► Recent (slots, gaps) ─► Course: outliers ─► difference ─► low-pass ─► running summaries ─┐
//!               ▲ late packets               (rows no late packet can change)                         ├─► Outcome
//!               └────────────────────────────── at the end, a copy of the course takes the rest ──────┘
//! ```
//!
//! [`chain`] is one session, `recent` the rows that may still change, `course` what is known of those that cannot,
//! `outcome` the result, [`features`] the windows on the way. [`registry`] knows the kinds of cartridges, [`normaliser`] what makes
//! their fingerprints comparable, `correction` what to calculate with, [`plan`] holds
//! what sessions of one rate share.
//!
//! # Invariants
//! - Results depend on which packets arrived: a row enters the course once no late packet can change it any more, so
//!   there is nothing to undo.
//! - What leaves is finite.
//!
//! # Retractions
//! A measurement leaves when its session ends. A late packet, or a session that goes on, replaces it by the next revision.
//! Windows whose rows are final are; those of a session's last seconds go the way of its measurement.

pub mod chain;
pub mod features;
pub mod normaliser;
pub mod plan;
pub mod registry;

mod baseline;
mod correction;
mod course;
mod journal;
mod outcome;
mod print;
mod recent;
mod ring;
#[cfg(test)]
mod tests;
mod trend;
mod warning;

pub(crate) use course::LARGEST;
pub(crate) use journal::hash;
pub(crate) use warning::{AMBIENT_CELSIUS, MOST_Z};

use crate::sequence;
use model::{FeatureWindow, Fingerprint, Measurement};
use serde::{Deserialize, Serialize};

/// Rows asserted (+1) and taken back (−1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Measurements.
    pub measurements: Vec<(Measurement, i64)>,
    /// Fingerprints.
    pub fingerprints: Vec<(Fingerprint, i64)>,
    /// Windows.
    pub features: Vec<(FeatureWindow, i64)>,
}

/// Outliers, filter and windows, and how packets are ordered before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How packets are ordered: as those of every other session.
    #[serde(skip, default = "sequence::Options::specified")]
    pub sequence: sequence::Options,
    /// Samples on either side of one that is judged as an outlier.
    pub outlier_side: u32,
    /// Distance from the median at which a sample is an outlier, in spreads of its window.
    pub outlier_threshold: f64,
    /// One step of the converter in the unit of the wire; the least spread of a window is two.
    pub step: f64,
    /// Corner of the low-pass, Hz; a fifth of the rate if that is lower.
    pub corner_hz: f64,
    /// Frequency of the mains, Hz.
    pub mains_hz: f64,
    /// Whether devices average over whole periods of the mains (100 ms hold whole ones of 50 and of 60 Hz), so that none are
    /// left: then a period that folds them onto less than 1 Hz is only warned of, else its packets are refused.
    pub mains_averaged: bool,
    /// Length of the window before exposure, seconds.
    pub baseline_s: f64,
    /// What fingerprints are normalised by, for the kinds of cartridges of which that was learnt.
    pub normalisers: Vec<normaliser::Frozen>,
    /// How often every channel's newest 10 s are described.
    pub features: features::Options,
}

impl Options {
    /// The values of the specification (signals.md §4.2–4.6).
    ///
    /// Its own are the step, that of a 24-bit converter whose full scale is ±1 in the unit of the wire, which is also the
    /// step of 32-bit floats at 1; the mains, 60 Hz as in Korea, averaged by the front end, which is how the filters of the
    /// original documents can be meant (§1.9); and 2 s before exposure, as long as the plateau.
    pub const fn specified() -> Self {
        Self {
            sequence: sequence::Options::specified(),
            outlier_side: 5,
            outlier_threshold: 3.0,
            step: 1.0 / 8_388_608.0,
            corner_hz: 2.0,
            mains_hz: 60.0,
            mains_averaged: true,
            baseline_s: 2.0,
            normalisers: Vec::new(),
            features: features::Options::specified(),
        }
    }
}
