//! What went in, what came out, and how long it took: counted where epochs are committed.
//!
//! # Invariants
//! - Counts are of committed epochs only. A start takes them from the snapshot and counts the epochs since
//!   again, so they are the same as if the process had never stopped. Latencies are of this start.

use hdrhistogram::Histogram;
use operators::sequence::Tally;
use serde::{Deserialize, Serialize};
use sinks::Output;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Longest latency that is told apart, microseconds: ten minutes.
const LONGEST_US: u64 = 600_000_000;

/// Counts so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Records read.
    pub records: u64,
    /// What became of packets.
    pub tally: Tally,
    /// Windows that stand.
    pub windows: i64,
    /// Windows asserted, each revision counted.
    pub revisions: i64,
    /// Changes of alerts asserted.
    pub changes: i64,
    /// Alerts that stand, open or cleared.
    pub alerts: i64,
    /// Dead letters.
    pub dead_letters: i64,
    /// Observations of vital signs.
    pub vitals: i64,
    /// Epochs committed.
    pub epochs: u64,
    /// The last of them.
    pub last_epoch: Option<model::Epoch>,
}

impl Counts {
    /// Packets whose samples were put in order.
    pub fn used(&self) -> i64 {
        self.tally.packets - self.tally.duplicates - self.tally.too_late
    }
}

/// Counts and latencies, shared by the threads of the process.
#[derive(Debug)]
pub struct Account {
    inner: Mutex<(Counts, Histogram<u64>)>,
}

impl Default for Account {
    fn default() -> Self {
        let histogram =
            Histogram::new_with_bounds(1, LONGEST_US, 2).expect("the bounds are constants that fit");
        Self { inner: Mutex::new((Counts::default(), histogram)) }
    }
}

impl Account {
    fn lock(&self) -> MutexGuard<'_, (Counts, Histogram<u64>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a committed epoch; gives the counts with it.
    pub fn committed(&self, epoch: model::Epoch, records: u64, output: &Output, tally: Tally) -> Counts {
        fn sum<R>(rows: &[(R, i64)]) -> i64 {
            rows.iter().map(|(_, diff)| diff).sum()
        }
        fn asserted<R>(rows: &[(R, i64)]) -> i64 {
            rows.iter().filter(|(_, diff)| *diff > 0).count() as i64
        }
        let counts = &mut self.lock().0;
        counts.records += records;
        counts.tally += tally;
        counts.windows += sum(&output.windows);
        counts.revisions += asserted(&output.windows);
        counts.changes += asserted(&output.changes);
        counts.alerts += sum(&output.alerts);
        counts.dead_letters += sum(&output.faults);
        counts.vitals += sum(&output.vitals);
        counts.epochs += 1;
        counts.last_epoch = Some(epoch);
        *counts
    }

    /// Goes on from `counts`.
    pub fn restore(&self, counts: Counts) {
        self.lock().0 = counts;
    }

    /// Notes that `records` were visible `latency` after they were read.
    pub fn visible(&self, latency: Duration, records: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US).min(LONGEST_US);
        self.lock().1.saturating_record_n(micros.max(1), records);
    }

    /// Counts so far.
    pub fn counts(&self) -> Counts {
        self.lock().0
    }

    /// The latency that 99 % of the records kept below, from read to visible.
    pub fn p99(&self) -> Duration {
        Duration::from_micros(self.lock().1.value_at_quantile(0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_add_up_and_unused_packets_are_not_out() {
        let account = Account::default();
        let tally =
            |packets, duplicates, too_late| Tally { packets, duplicates, too_late, ..Tally::default() };
        account.committed(4, 10, &Output::default(), tally(8, 2, 1));
        let counts = account.committed(6, 5, &Output::default(), tally(5, 0, 0));
        assert_eq!((counts.records, counts.epochs, counts.last_epoch), (15, 2, Some(6)));
        assert_eq!((counts.tally.packets, counts.used()), (13, 10));
    }

    #[test]
    fn the_latency_of_most_records_is_told_not_of_most_epochs() {
        let account = Account::default();
        assert_eq!(account.p99(), Duration::ZERO);
        account.visible(Duration::from_millis(20), 1_000);
        account.visible(Duration::from_hours(1), 5);
        assert!((19..=21).contains(&account.p99().as_millis()), "{:?}", account.p99());
        account.visible(Duration::from_hours(1), 1_000);
        // What is longer than can be told apart counts as the longest.
        assert!(account.p99() >= Duration::from_micros(LONGEST_US), "{:?}", account.p99());
    }
}
