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

/// Where the time of a record went, from its arrival until what came of it was visible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Until its epoch was cut and given to the workers.
    pub wait: Duration,
    /// Until the workers had computed the epoch.
    pub compute: Duration,
    /// Until the epoch was committed and its tables were shown, waiting for the epochs before it included.
    pub commit: Duration,
}

impl Way {
    /// Its parts, in order.
    pub const fn parts(self) -> [Duration; 3] {
        [self.wait, self.compute, self.commit]
    }
}

/// The whole way of records, and its parts.
#[derive(Debug)]
struct Times {
    all: Histogram<u64>,
    parts: [Histogram<u64>; 3],
}

/// Counts and latencies, shared by the threads of the process.
#[derive(Debug)]
pub struct Account {
    inner: Mutex<(Counts, Times)>,
}

impl Default for Account {
    fn default() -> Self {
        let histogram =
            || Histogram::new_with_bounds(1, LONGEST_US, 2).expect("the bounds are constants that fit");
        let times = Times { all: histogram(), parts: [histogram(), histogram(), histogram()] };
        Self { inner: Mutex::new((Counts::default(), times)) }
    }
}

impl Account {
    fn lock(&self) -> MutexGuard<'_, (Counts, Times)> {
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

    /// Notes that `records` came this way from being read to being visible.
    pub fn visible(&self, way: Way, records: u64) {
        let micros =
            |took: Duration| u64::try_from(took.as_micros()).unwrap_or(LONGEST_US).clamp(1, LONGEST_US);
        let times = &mut self.lock().1;
        times.all.saturating_record_n(micros(way.parts().into_iter().sum()), records);
        for (histogram, part) in times.parts.iter_mut().zip(way.parts()) {
            histogram.saturating_record_n(micros(part), records);
        }
    }

    /// Counts so far.
    pub fn counts(&self) -> Counts {
        self.lock().0
    }

    /// The latency that 99 % of the records kept below, from read to visible.
    pub fn p99(&self) -> Duration {
        Duration::from_micros(self.lock().1.all.value_at_quantile(0.99))
    }

    /// The same of each part of the way.
    pub fn p99_of_parts(&self) -> Way {
        let [wait, compute, commit] = {
            let times = &self.lock().1;
            [0, 1, 2].map(|part: usize| Duration::from_micros(times.parts[part].value_at_quantile(0.99)))
        };
        Way { wait, compute, commit }
    }

    /// Forgets how long records took until now, to measure from here on.
    pub fn forget_latencies(&self) {
        let times = &mut self.lock().1;
        times.all.reset();
        times.parts.iter_mut().for_each(Histogram::reset);
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
        let whole = |commit| Way { commit, ..Way::default() };
        account.visible(whole(Duration::from_millis(20)), 1_000);
        account.visible(whole(Duration::from_hours(1)), 5);
        assert!((19..=21).contains(&account.p99().as_millis()), "{:?}", account.p99());
        account.visible(whole(Duration::from_hours(1)), 1_000);
        // What is longer than can be told apart counts as the longest.
        assert!(account.p99() >= Duration::from_micros(LONGEST_US), "{:?}", account.p99());
    }

    #[test]
    fn the_parts_of_the_way_are_told_apart_and_add_up() {
        let account = Account::default();
        let ms = Duration::from_millis;
        account.visible(Way { wait: ms(80), compute: ms(10), commit: ms(30) }, 100);
        let Way { wait, compute, commit } = account.p99_of_parts();
        let near = |took: Duration, is: u128| took.as_millis().abs_diff(is) <= 1;
        assert!(near(wait, 80) && near(compute, 10) && near(commit, 30), "{wait:?} {compute:?} {commit:?}");
        assert!(near(account.p99(), 120), "{:?}", account.p99());
        account.forget_latencies();
        assert_eq!(account.p99(), Duration::ZERO);
    }
}
