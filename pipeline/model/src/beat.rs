//! Beats of an electrocardiogram, and how their rhythm varies.

use crate::{Micros, Number, SessionId, Span, UserId};
use serde::{Deserialize, Serialize};

/// One beat: the instant of its R wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Beat {
    /// Session.
    pub session: SessionId,
    /// The instant.
    pub at: Micros,
    /// Person measured.
    pub user: UserId,
    /// Whether it was found only when searched for again, below the threshold.
    pub overdue: bool,
}

/// The variability of the heart rate over one window of five minutes; a late packet replaces it by the next revision.
///
/// Task Force of the European Society of Cardiology and the North American Society of Pacing and Electrophysiology, 1996.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rhythm {
    /// Session.
    pub session: SessionId,
    /// First instant of the window.
    pub start: Micros,
    /// First instant after the window.
    pub end: Micros,
    /// How often the window was corrected since it first left.
    pub revision: u32,
    /// Person measured.
    pub user: UserId,
    /// Samples a full window has.
    pub n_expected: u32,
    /// Samples that arrived.
    pub n_real: u32,
    /// Beats found.
    pub beats: u32,
    /// Intervals between normal beats that count.
    pub intervals: u32,
    /// Mean heart rate, 1/min; this and all below are absent where fewer than 95 % of the samples are real.
    pub hr_bpm: Option<Number>,
    /// Standard deviation of the intervals, ms.
    pub sdnn_ms: Option<Number>,
    /// Root mean square of successive differences, ms.
    pub rmssd_ms: Option<Number>,
    /// Successive differences above 50 ms, percent.
    pub pnn50_percent: Option<Number>,
    /// Power from 0.04 to 0.15 Hz, ms².
    pub low_ms2: Option<Number>,
    /// Power from 0.15 to 0.4 Hz, ms².
    pub high_ms2: Option<Number>,
    /// The packets it rests on.
    pub packets: Span,
}
