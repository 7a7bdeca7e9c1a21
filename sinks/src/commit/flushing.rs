//! When the lake is written, and what is said while it cannot be.

use super::{Clock, Intent};
use crate::{Error, lake::Options};
use model::Epoch;
use std::time::Duration;

/// After a failure the lake is left alone for a second, then for twice as long each time, up to a minute.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// A write to the lake that takes longer is said: it is slow, and rows wait meanwhile.
const SLOW: Duration = Duration::from_secs(10);
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
    /// What is written was of this epoch, and since when it is.
    begun: Option<(Epoch, Duration)>,
}

impl Flushing {
    pub(super) fn new(options: Options, clock: Clock) -> Self {
        let last = clock();
        Self { options, clock, last, not_before: last, lag: None, unpublished: None, begun: None }
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
        let limit = self.limit();
        match &self.lag {
            Some(lag) if bytes > limit => Err(Error::OutboxFull { bytes, limit, reason: lag.reason.clone() }),
            _ => Ok(()),
        }
    }

    /// Whether `bytes` are more than may wait.
    pub(super) fn is_too_much(&self, bytes: usize) -> bool {
        bytes > self.limit()
    }

    fn limit(&self) -> usize {
        self.options.outbox_bytes.min(LARGEST)
    }

    /// Something of `epoch` is being written.
    pub(super) fn begin(&mut self, epoch: Epoch) {
        self.begun = Some((epoch, (self.clock)()));
    }

    /// Nothing is being written any more.
    pub(super) fn over(&mut self) {
        self.begun = None;
    }

    /// What was being written could not be.
    pub(super) fn failed(&mut self, error: &Error) {
        let epoch = self.begun.take().map_or(0, |(epoch, _)| epoch);
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
        (self.unpublished, self.begun) = (None, None);
        if let Some(lag) = self.lag.take() {
            tracing::info!(since = lag.since, attempts = lag.attempts, "the lake caught up");
        }
    }

    pub(super) const fn unpublished(&self) -> Option<&Intent> {
        self.unpublished.as_ref()
    }

    pub(super) fn lag(&self) -> Option<LakeLag> {
        self.lag.clone().or_else(|| {
            let (since, begun) = self.begun?;
            let took = (self.clock)().saturating_sub(begun);
            let reason = || format!("the disk of the lake is slow: it has written for {} s", took.as_secs());
            (took > SLOW).then(|| LakeLag { since, attempts: 1, reason: reason() })
        })
    }
}
