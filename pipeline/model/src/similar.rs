//! Which fingerprints are alike: what the writer of views maintains, and what readers ask.
//!
//! The index itself lives elsewhere; this is the seam between what keeps it (operators), what publishes it with the
//! tables of an epoch (sinks) and what asks it (api).

use crate::{Fingerprint, Micros, SessionId, UserId};
use std::{fmt, sync::Arc};

/// Finds neighbours among the fingerprints of one epoch; never changes.
pub trait Similar: fmt::Debug + Send + Sync {
    /// The up to `count` fingerprints most similar to that of `session`, best first, without itself.
    ///
    /// # Errors
    /// [`Unanswered`].
    fn nearest(&self, session: SessionId, count: usize) -> Result<Vec<Neighbour>, Unanswered>;
}

/// Follows the fingerprints, epoch by epoch.
pub trait Follows: fmt::Debug + Send {
    /// Takes consolidated changes: a fingerprint and +1 if it stands from now on, −1 if it does not any more.
    fn apply(&mut self, changes: &[(Fingerprint, i64)]);
    /// The fingerprints as they are now, for readers.
    fn version(&self) -> Arc<dyn Similar>;
}

/// A fingerprint that is like another.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Its session.
    pub session: SessionId,
    /// Person measured.
    pub user: UserId,
    /// When the session was completed.
    pub measured_at: Micros,
    /// Cosine of the angle between the two, −1 to 1.
    pub cosine: f32,
    /// Whether it is proven to belong at this place; beyond the size that is searched in full it may not be.
    pub certain: bool,
    /// By how much it is older than the one asked for, microseconds; negative if newer.
    pub older_by: Micros,
    /// Whether the older of the two was calibrated for a time that was over when the newer was measured: sensors
    /// drift, and the likeness with them.
    pub drifted: bool,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The session has none.
    #[error(
        "the session has no fingerprint: ask `SELECT session_id FROM fingerprints` for those that have one"
    )]
    NoFingerprint,
    /// Too many were asked for, or none.
    #[error("1 to {most} neighbours can be asked for")]
    Count {
        /// The most.
        most: usize,
    },
}

/// No fingerprint at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Similar for Nothing {
    fn nearest(&self, _session: SessionId, _count: usize) -> Result<Vec<Neighbour>, Unanswered> {
        Err(Unanswered::NoFingerprint)
    }
}

impl Follows for Nothing {
    fn apply(&mut self, _changes: &[(Fingerprint, i64)]) {}

    fn version(&self) -> Arc<dyn Similar> {
        Arc::new(Self)
    }
}
