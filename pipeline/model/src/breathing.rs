//! What one window of a respiration signal says.

use crate::{Micros, Number, SessionId, Span, UserId};
use serde::{Deserialize, Serialize};

/// The result of one 60 s window of one session; a late packet replaces it by the next revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Breathing {
    /// Session.
    pub session: SessionId,
    /// First instant of the window.
    pub start: Micros,
    /// First instant after the window.
    pub end: Micros,
    /// How many late packets amended the window since it first left.
    pub revision: u32,
    /// Person measured.
    pub user: UserId,
    /// Samples a full window has.
    pub n_expected: u32,
    /// Samples that arrived.
    pub n_real: u32,
    /// Samples filled in by interpolation.
    pub n_imputed: u32,
    /// Respiratory rate, 1/min: the published estimate; absent where fewer than 80 % of the samples are real.
    pub rate_per_min: Option<Number>,
    /// The rate from breaths, 1/min.
    pub breaths_per_min: Option<Number>,
    /// The rate from the spectrum, 1/min.
    pub spectrum_per_min: Option<Number>,
    /// Breaths found.
    pub breaths: u32,
    /// Quality, 0 to 1: this product's own definition, see `quality_version`.
    pub quality: Option<Number>,
    /// Version of the definition of `quality` and `good`.
    pub quality_version: u32,
    /// Whether the window passed the quality gate.
    pub good: bool,
    /// The packets it rests on.
    pub packets: Span,
}
