//! What is given up first when the disk fills: snapshots, then reading; never what was committed.
//!
//! | free | what happens |
//! |---|---|
//! | below `low_bytes` | no snapshots are taken |
//! | below `halt_bytes` | nothing more is read; what was committed is served, said to be stale |
//!
//! It comes back by itself once there is space again.

use super::Shared;
use crate::config::{Config, LogKind};
use api::State;
use serde::Deserialize;
use std::path::PathBuf;

/// When the disk counts as full.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskOptions {
    /// With fewer bytes free no snapshots are taken.
    pub low_bytes: u64,
    /// With fewer bytes free nothing more is read.
    pub halt_bytes: u64,
}

/// Where on the ladder the pipeline stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rung {
    Well,
    Low,
    Halted,
}

/// Looks at the disk and remembers what follows.
#[derive(Debug)]
pub(super) struct Ladder {
    options: DiskOptions,
    /// Of log, lake and snapshots.
    dirs: Vec<PathBuf>,
    rung: Rung,
    shared: Shared,
}

impl Ladder {
    pub(super) fn new(config: &Config, shared: &Shared) -> Self {
        let mut dirs = vec![config.commit.lake.dir.clone(), config.snapshot.dir.clone()];
        if config.log.kind == LogKind::Embedded {
            dirs.push(config.log.embedded.dir.clone());
        }
        Self { options: config.disk, dirs, rung: Rung::Well, shared: shared.clone() }
    }

    /// Looks at the disk.
    pub(super) fn look(&mut self) {
        // The fullest of their disks counts; one that cannot be asked is no reason to stop.
        let space = |dir: &PathBuf| Some((self.shared.disk.space(dir).ok()?, dir.clone()));
        let Some((free, dir)) = self.dirs.iter().filter_map(space).min() else { return };
        let rung = rung(self.options, free);
        if rung == self.rung {
            return;
        }
        match rung {
            Rung::Well => tracing::warn!(free, "the disk has space again"),
            Rung::Low => {
                tracing::error!(free, "the disk is nearly full: no snapshots are taken; free some space");
            }
            Rung::Halted => tracing::error!(free, "the disk is full: nothing more is read; free some space"),
        }
        if rung == Rung::Halted {
            let reason = format!("{free} bytes are free on the disk of {}: free some space", dir.display());
            self.shared.readiness.set(State::Stale { reason });
        } else if self.rung == Rung::Halted {
            self.shared.readiness.set(State::Ready);
        }
        self.rung = rung;
    }

    /// Whether snapshots are given up.
    pub(super) fn is_low(&self) -> bool {
        self.rung >= Rung::Low
    }

    /// Whether nothing is read.
    pub(super) fn is_halted(&self) -> bool {
        self.rung == Rung::Halted
    }
}

fn rung(options: DiskOptions, free: u64) -> Rung {
    match (free < options.low_bytes, free < options.halt_bytes) {
        (_, true) => Rung::Halted,
        (true, false) => Rung::Low,
        (false, false) => Rung::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::{DiskOptions, Rung, rung};

    #[test]
    fn snapshots_go_first_and_reading_last() {
        let options = DiskOptions { low_bytes: 100, halt_bytes: 20 };
        let at = |free| rung(options, free);
        assert_eq!(
            [at(1_000), at(100), at(99), at(20), at(19), at(0)],
            [Rung::Well, Rung::Well, Rung::Low, Rung::Low, Rung::Halted, Rung::Halted]
        );
        assert_eq!(rung(DiskOptions { low_bytes: 0, halt_bytes: 0 }, 0), Rung::Well);
    }
}
