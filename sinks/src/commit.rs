//! Makes an epoch true: one transaction of the log, before it the lake's files, after it the views.
//!
//! ```text
//! COLLECT  shape the output into records, with count and digest per topic
//! COMMIT   one transaction: records, dead letters, binding with intent, offsets   <== the only commit point
//! RELEASE  swap the views
//!
//! beside them, by another thread:
//! PREPARE  when a flush is due: write and sync files of what stood then, and a manifest that does not count yet;
//!          the next epoch's binding has the intent
//! PUBLISH  give the committed manifest its number
//! ```
//!
//! # Crashes
//! | after | what exists | what [`Committer::open`] does |
//! |---|---|---|
//! | COLLECT | nothing | the epoch is bound again |
//! | PREPARE | files no manifest names, a manifest no binding names | leaves them: orphans |
//! | in COMMIT | an open transaction, or a committed one whose answer was lost | opening the writer settles it; then the bindings say which |
//! | COMMIT | a committed intent | publishes it |
//! | PUBLISH, RELEASE | everything | nothing |
//!
//! # Invariants
//! - Bindings are read only after the writer was opened: nobody else can commit from then on, and no
//!   transaction of this pipeline is open or in doubt, so what can be read is all there is.
//! - A lake that is slow, or cannot be written, never delays a commit; its rows wait in memory, up to a bound. At the
//!   bound one that is slow is waited for, one that fails ends the process.
//! - An error means that the committer is no longer used; what was committed is found by opening again.

use crate::{
    Binding, Error, Output,
    binding::{self, Intent},
    lake::{self, Lake, Prepared},
    snapshot::Mark,
    topics::{self, Letters, Shape},
    views::Views,
};
use eventlog::Writer;
use model::planted::{self, Bug, Step};
use model::{Epoch, Input, Micros, view::Shelf};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};

mod errand;
mod flush;
mod flushing;
mod mend;
mod open;
mod past;
mod replay;
mod transaction;

use errand::Errands;
pub use errand::Hand;
use flushing::Flushing;
pub use flushing::LakeLag;
pub use open::{Clock, Means, Opened, Snapshots, stopwatch};

/// How epochs are committed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Identity of this pipeline towards the log: a second process with the same one stops the first.
    pub transactional_id: String,
    /// Consumer group under which progress shows on the log; no consumer may join it.
    pub group: String,
    /// Partitions of the topics of windows, measurements and sessions, when they are created.
    pub window_partitions: u32,
    /// Partitions of the topic of alerts, when it is created.
    pub alert_partitions: u32,
    /// The largest dead letter, in bytes of key, value and headers: below what the log takes.
    ///
    /// Changing it changes what a committed epoch with a larger letter comes to when it is computed again.
    pub dead_letter_bytes: usize,
    /// How often a commit is tried before the process stops.
    pub attempts: u32,
    /// Wait before the second attempt, milliseconds; doubles with every further one, up to 2 s.
    pub retry_ms: u64,
    /// Start although the offsets of `group` are not those of the last binding.
    pub ignore_group_offsets: bool,
    /// The lake.
    pub lake: lake::Options,
}

/// What became of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The epoch.
    pub epoch: Epoch,
    /// Records published, bindings not counted.
    pub records: u64,
    /// Number of the manifest, if the epoch wrote to the lake.
    pub manifest: Option<u64>,
    /// Why the lake is behind, if it is.
    pub lake_lag: Option<LakeLag>,
}

/// Commits epochs, one after the other.
pub struct Committer {
    log: eventlog::Shared,
    options: Options,
    shelf: Arc<Shelf>,
    writer: Box<dyn Writer>,
    shape: Shape,
    /// Shared with the errand under way; changed when there is none.
    lake: Arc<Lake>,
    views: Views,
    flushing: Flushing,
    errands: Errands,
    /// A flush that is on disk and in no binding.
    prepared: Option<Prepared>,
    /// The newest committed epoch.
    last: Option<Binding>,
    /// The newest epoch that changed rows of a table.
    changed: Option<Epoch>,
    /// The newest committed intent.
    intent: Option<Intent>,
    /// Where each input partition was left.
    reached: BTreeMap<(Input, u32), u64>,
    /// The newest binding stands at this offset or behind.
    last_at: u64,
    /// Offset behind the newest binding known, before any later one.
    history_end: u64,
    /// Told whenever the log is asked anew.
    on_attempt: Box<dyn Fn() + Send>,
}

/// An epoch on its way through the steps.
struct Pending {
    binding: Binding,
    letters: Letters,
    prepared: Option<Prepared>,
}

impl Committer {
    /// RELEASE: shows readers what is committed; call it after the last replay, [`Self::commit`] does by itself.
    pub fn ready(&self) {
        self.shelf.swap(self.views.snapshot(self.last.as_ref()));
    }

    /// `told` is called whenever a commit asks the log anew: what takes long between two calls hangs.
    pub fn on_attempt(&mut self, told: Box<dyn Fn() + Send>) {
        self.on_attempt = told;
    }

    /// Commits the next epoch; once this returns, it is durable and visible.
    ///
    /// # Errors
    /// [`Error::Log`], [`Error::Uncommitted`], [`Error::OutboxFull`], [`Error::Damaged`] or
    /// [`Error::Broken`]; open again.
    pub fn commit(&mut self, binding: Binding, output: &Output) -> Result<Committed, Error> {
        self.run(binding, output, false)
    }

    /// Commits the last epoch before a shutdown, and leaves nothing that the lake does not hold.
    ///
    /// If the lake cannot be written, [`Committed::lake_lag`] says why; the next start catches up.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn drain(&mut self, binding: Binding, output: &Output) -> Result<Committed, Error> {
        self.run(binding, output, true)
    }

    /// Where in the history the newest committed epoch stands, for a snapshot of its state.
    ///
    /// # Errors
    /// [`Error::Log`]; [`Error::Broken`] before the first epoch.
    pub fn mark(&mut self, counts: serde_json::Value) -> Result<Mark, Error> {
        let nothing = || Error::Broken("there is no epoch to take a snapshot of".into());
        let binding = self.last.clone().ok_or_else(nothing)?;
        // Nobody else commits: what ends the history now ends it behind this epoch.
        self.history_end = self.log.range(&binding::place())?.end;
        let (history, intent, through) = (self.last_at, self.intent.clone(), self.lake.through());
        // With nothing waiting the lake holds every row, however long ago it was written; a flush under way may yet
        // take a row out that came back meanwhile.
        let whole = self.views.pending() == 0 && !self.views.is_cut();
        let rows = if whole { through } else { self.changed };
        Ok(Mark { binding, history, intent, through, rows, counts })
    }

    /// Begins to delete what the lake does not count any more and was long enough ago; `now` is the time of the
    /// machine. False if the lake is being written: ask again later.
    ///
    /// # Errors
    /// [`Error::Broken`]; commits do not depend on the disk.
    pub fn collect_garbage(&mut self, now: Micros) -> Result<bool, Error> {
        let age = Micros::from(self.options.lake.garbage_age_s) * model::time::SECOND;
        self.sweep(now, age)
    }

    /// The last epoch whose rows the lake holds.
    pub fn lake_through(&self) -> Option<Epoch> {
        self.lake.through()
    }

    /// Number of this start.
    pub fn incarnation(&self) -> u64 {
        self.lake.incarnation()
    }

    fn run(&mut self, binding: Binding, output: &Output, last: bool) -> Result<Committed, Error> {
        if last {
            self.hear_all()?;
        }
        self.hear()?;
        if last || self.flushing.may_try() {
            self.publish(last)?;
        }
        let mut pending = self.collect(binding, output)?;
        self.flush(&mut pending, last)?;
        if let Some(prepared) = pending.prepared.as_ref().filter(|_| planted::is(Bug::PublishFirst)) {
            self.lake.publish(&prepared.intent)?;
        }
        self.transact(&pending)?;
        planted::reached(Step::Committed);
        let committed = self.settle(pending)?;
        if committed.manifest.is_some() {
            self.publish(last)?;
        }
        self.ready();
        planted::reached(Step::Released);
        Ok(Committed { lake_lag: self.flushing.lag(), ..committed })
    }

    /// COLLECT.
    fn collect(&mut self, mut binding: Binding, output: &Output) -> Result<Pending, Error> {
        self.follow(&binding)?;
        self.note_changes(&binding, output);
        self.views.apply(output)?;
        let letters = topics::letters(output, self.shape);
        binding.incarnation = self.lake.incarnation();
        binding.outputs.clone_from(&letters.digests);
        binding.intent = None;
        Ok(Pending { binding, letters, prepared: None })
    }

    /// What the commit changes in memory.
    fn settle(&mut self, pending: Pending) -> Result<Committed, Error> {
        let Pending { binding, letters, prepared } = pending;
        if let Some(prepared) = &prepared {
            self.lake_alone().advance(prepared)?;
            self.views.flushed(&self.lake);
            self.flushing.committed(prepared.intent.clone());
            self.intent = Some(prepared.intent.clone());
        }
        let manifest = prepared.map(|prepared| prepared.intent.sequence);
        let committed = Committed {
            epoch: binding.epoch,
            records: letters.drafts.len() as u64,
            manifest,
            lake_lag: None,
        };
        self.last = Some(binding);
        // At least the binding was appended; a log may put marks of its own behind it.
        self.last_at = self.history_end;
        self.history_end += 1;
        Ok(committed)
    }

    fn note_changes(&mut self, binding: &Binding, output: &Output) {
        if output.changes_tables() {
            self.changed = Some(binding.epoch);
        }
    }

    fn follow(&mut self, binding: &Binding) -> Result<(), Error> {
        let last = self.last.as_ref().map(|last| last.epoch);
        binding::check_next(&mut self.reached, last, binding).map_err(Error::Broken)
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epoch = self.last.as_ref().map(|last| last.epoch);
        f.debug_struct("Committer").field("epoch", &epoch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
