//! When the lake is written, and what is said while it cannot be.

use super::{Clock, Intent};
use crate::{Error, lake::Options};
use model::Epoch;
use std::time::Duration;

/// After a failure the lake is left alone for a second, then for twice as long each time, up to a minute.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// What the columns of one file may come to: offsets within a column of text have 31 bits.
const LARGEST: usize = 1 << 30;

/// The lake is behind the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeLag {
    /// Epoch in which it first could not be written.
    pub since: Epoch,
    /// How often it was tried since.
    pub attempts: u32,
    /// Why, with the next step.
    pub reason: String,
}

/// The rhythm of the flushes.
pub(super) struct Flushing {
    options: Options,
    clock: Clock,
    /// When the lake was last written, or the process started.
    last: Duration,
    /// Not before.
    not_before: Duration,
    lag: Option<LakeLag>,
    unpublished: Option<Intent>,
}

impl Flushing {
    pub(super) fn new(options: Options, clock: Clock) -> Self {
        let last = clock();
        Self { options, clock, last, not_before: last, lag: None, unpublished: None }
    }

    /// Whether `rows` of `bytes` are to be written now.
    pub(super) fn due(&self, rows: usize, bytes: usize) -> bool {
        let now = (self.clock)();
        let interval = Duration::from_millis(self.options.flush_interval_ms);
        let enough = rows >= self.options.flush_rows
            || bytes >= self.options.flush_bytes
            || now.saturating_sub(self.last) >= interval;
        rows > 0 && enough && self.may_try()
    }

    /// Whether the last failure was long enough ago.
    pub(super) fn may_try(&self) -> bool {
        (self.clock)() >= self.not_before
    }

    /// Refuses to hold more than was allowed while the lake is behind.
    pub(super) fn check_bound(&self, bytes: usize) -> Result<(), Error> {
        let limit = self.options.outbox_bytes.min(LARGEST);
        match &self.lag {
            Some(lag) if bytes > limit => Err(Error::OutboxFull { bytes, limit, reason: lag.reason.clone() }),
            _ => Ok(()),
        }
    }

    pub(super) fn failed(&mut self, epoch: Epoch, error: &Error) {
        let reason = error.to_string();
        let (since, attempts) = self.lag.as_ref().map_or((epoch, 1), |lag| (lag.since, lag.attempts + 1));
        if attempts == 1 {
            tracing::warn!(epoch, reason, "the lake is behind; commits go on");
        }
        let (first, most) = BACKOFF;
        self.not_before = (self.clock)() + most.min(first * 2_u32.saturating_pow(attempts - 1));
        self.lag = Some(LakeLag { since, attempts, reason });
    }

    pub(super) fn committed(&mut self, intent: Intent) {
        self.last = (self.clock)();
        self.unpublished = Some(intent);
    }

    pub(super) fn published(&mut self) {
        self.unpublished = None;
        if let Some(lag) = self.lag.take() {
            tracing::info!(since = lag.since, attempts = lag.attempts, "the lake caught up");
        }
    }

    pub(super) const fn unpublished(&self) -> Option<&Intent> {
        self.unpublished.as_ref()
    }

    pub(super) fn lag(&self) -> Option<LakeLag> {
        self.lag.clone()
    }
}
