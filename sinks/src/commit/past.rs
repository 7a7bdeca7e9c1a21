//! What a start finds: the bindings on the log, and the snapshots that belong to them.
//!
//! # Invariants
//! - A snapshot belongs to the log if its own binding stands there, to the last field: another log, or a
//!   copy that lost epochs, is noticed before anything of the snapshot is used.
//! - Between the first binding held and the end of the log none is missing.

use super::Snapshots;
use crate::{
    Binding, Error,
    binding::{self, Intent, Placed},
    disk,
    snapshot::{self, Stored},
};
use eventlog::Log;
use model::{
    Epoch,
    planted::{self, Bug},
    state::StepVersion,
};

/// The past of a pipeline, from its oldest usable snapshot on or from the beginning.
#[derive(Debug)]
pub(super) struct Past {
    bindings: Vec<Placed>,
    end: u64,
    /// The newest intent before the first binding.
    before: Option<Intent>,
    /// Snapshots of this log, newest first.
    snapshots: Vec<Stored>,
    refused: Vec<String>,
    whole: bool,
}

impl Past {
    /// Reads no more than the snapshots that can be used leave to be read.
    pub(super) fn read(
        log: &dyn Log,
        disk: &disk::Shared,
        snapshots: Option<Snapshots<'_>>,
    ) -> Result<Self, Error> {
        let all = snapshots.map(|from| snapshot::all(disk, from.dir)).transpose()?;
        let (snapshots, refused) = match (all, snapshots) {
            (Some((all, refused)), Some(from)) => {
                let all = all.into_iter().filter(|stored| from.before.is_none_or(|end| stored.epoch() < end));
                let is_read = |stored: &Stored| {
                    stored.steps.iter().all(|held| from.steps.iter().any(|known| reads(known, held)))
                };
                let (ours, strange): (Vec<_>, Vec<_>) = all.partition(is_read);
                (ours, refused.into_iter().chain(strange.iter().map(of_other_version)).collect())
            }
            _ => (Vec::new(), Vec::new()),
        };
        let past = Self { bindings: Vec::new(), end: 0, before: None, snapshots, refused, whole: false };
        let Some(from) = past.snapshots.iter().map(|stored| stored.mark.history).min() else {
            return past.read_whole(log);
        };
        past.read_from(log, from)
    }

    fn read_from(mut self, log: &dyn Log, from: u64) -> Result<Self, Error> {
        let (mut bindings, end) = binding::read(log, from)?;
        let stands = |stored: &Stored| {
            planted::is(Bug::SnapshotUncommitted)
                || bindings.iter().any(|(_, binding)| *binding == stored.mark.binding)
        };
        let (ours, foreign): (Vec<_>, Vec<_>) = self.snapshots.into_iter().partition(stands);
        self.refused.extend(foreign.iter().map(refuse));
        self.snapshots = ours;
        let Some(oldest) = self.snapshots.last().map(|oldest| oldest.mark.clone()) else {
            return self.read_whole(log);
        };
        bindings.retain(|(_, binding)| binding.epoch >= oldest.binding.epoch);
        binding::check(bindings.iter().map(|(_, binding)| binding))?;
        // The intent of the oldest epoch itself is in its binding.
        let before = oldest.intent.filter(|intent| Some(intent) != oldest.binding.intent.as_ref());
        Ok(Self { bindings, end, before, ..self })
    }

    /// Reads every binding there ever was.
    pub(super) fn read_whole(self, log: &dyn Log) -> Result<Self, Error> {
        let start = log.range(&binding::place())?.start;
        if start > 0 {
            return Err(Error::History(format!(
                "they begin at {start} and there is no snapshot to begin with: put the snapshots back, or \
                 restore the topic from a copy, and let the topic keep more"
            )));
        }
        let (bindings, end) = binding::read(log, 0)?;
        binding::check(bindings.iter().map(|(_, binding)| binding))?;
        Ok(Self { bindings, end, before: None, whole: true, ..self })
    }

    /// Whether every binding there ever was is held.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// What was committed for the lake, oldest first.
    pub(super) fn intents(&self) -> impl Iterator<Item = &Intent> {
        self.before.iter().chain(self.bindings.iter().filter_map(|(_, binding)| binding.intent.as_ref()))
    }

    /// The newest snapshot that can be used with a lake that holds everything up to `through`.
    ///
    /// # Errors
    /// [`Error::Disk`] if one cannot be read.
    pub(super) fn choose(&mut self, through: Option<Epoch>) -> Result<Option<Stored>, Error> {
        let reached = |stored: &Stored| {
            let reached = stored.mark.is_reached_by(through) || planted::is(Bug::SnapshotAhead);
            if !reached {
                let (epoch, rows) = (stored.epoch(), stored.mark.rows);
                tracing::info!(
                    epoch,
                    rows,
                    lake = through,
                    "a snapshot is ahead of the lake; an older one is looked for"
                );
            }
            reached
        };
        snapshot::first_whole(&mut self.snapshots.drain(..).filter(reached), &mut self.refused)
    }

    /// The last committed epoch.
    pub(super) fn last(&self) -> Option<&Binding> {
        self.bindings.last().map(|(_, binding)| binding)
    }

    pub(super) fn last_at(&self) -> u64 {
        self.bindings.last().map_or(0, |(offset, _)| *offset)
    }

    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// The epochs after `epoch`, and what was refused.
    pub(super) fn after(self, epoch: Option<Epoch>) -> (Vec<Binding>, Vec<String>) {
        let bindings = self.bindings.into_iter().map(|(_, binding)| binding);
        (bindings.filter(|binding| Some(binding.epoch) > epoch).collect(), self.refused)
    }
}

/// Whether a step reads what was held: its own version, and the one before.
fn reads(known: &StepVersion, held: &StepVersion) -> bool {
    known.step == held.step && (held.version..=held.version.saturating_add(1)).contains(&known.version)
}

/// Says loudly that a snapshot holds what this version does not read.
fn of_other_version(stored: &Stored) -> String {
    let reason = format!(
        "snapshot at {}: it holds state of another version; what it holds is computed again from the log",
        stored.path().display()
    );
    tracing::error!(reason, "a snapshot cannot be used");
    reason
}

/// Says loudly that a snapshot is of another history.
fn refuse(stored: &Stored) -> String {
    let (path, epoch) = (stored.path(), stored.epoch());
    let reason = format!(
        "snapshot at {}: the log does not hold epoch {epoch} as the snapshot does: it belongs to another log, or \
         this log lost epochs; put the log of these snapshots in place or set another snapshot.dir",
        path.display()
    );
    tracing::error!(reason, "a snapshot cannot be used");
    reason
}
