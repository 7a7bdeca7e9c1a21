//! PREPARE and PUBLISH: the lake is written beside the commits, and its answers are heard between them.

use super::{Committer, Pending, errand::Answer};
use crate::{Error, lake::Lake};
use model::{
    Micros,
    planted::{self, Bug, Step},
};
use std::sync::Arc;

impl Committer {
    /// PREPARE: begins a flush if one is due, and gives `pending` the intent of one that is on disk.
    ///
    /// With `last` everything that changed is on disk when it returns, or the lake is behind.
    pub(super) fn flush(&mut self, pending: &mut Pending, last: bool) -> Result<(), Error> {
        if last && let Some(prepared) = self.prepared.take() {
            // A binding names one flush, and the last one has to name everything.
            self.lake.discard(&prepared);
            self.views.give_up();
        }
        let free = self.is_lake_free();
        let rows = self.views.pending();
        if free && (last && rows > 0 || self.flushing.due(rows, self.views.bytes())) {
            let (epoch, cut, lake) = (pending.binding.epoch, self.views.cut(), Arc::clone(&self.lake));
            self.flushing.begin(epoch);
            self.errands.begin(move || Answer::Prepared(lake.prepare(epoch, &cut)));
        }
        if last {
            self.hear_all()?;
        }
        self.hear()?;
        if self.prepared.is_none() {
            self.hold_back()?;
        }
        if let Some(prepared) = self.prepared.take() {
            if !planted::is(Bug::ForgetIntent) {
                pending.binding.intent = Some(prepared.intent.clone());
            }
            pending.prepared = Some(prepared);
        }
        Ok(())
    }

    /// PUBLISH, if a committed manifest has no number yet; `now` waits for it.
    pub(super) fn publish(&mut self, now: bool) -> Result<(), Error> {
        let Some(intent) = self.flushing.unpublished().filter(|_| self.errands.is_idle()).cloned() else {
            return Ok(());
        };
        let lake = Arc::clone(&self.lake);
        self.flushing.begin(self.last.as_ref().map_or(0, |last| last.epoch));
        self.errands.begin(move || Answer::Published(lake.publish(&intent)));
        if now {
            self.hear_all()?;
        }
        self.hear()
    }

    /// Begins to collect garbage, unless the lake is being written.
    pub(super) fn sweep(&mut self, now: Micros, age: Micros) -> Result<bool, Error> {
        let free = self.is_lake_free();
        if free {
            let lake = Arc::clone(&self.lake);
            self.errands.begin(move || Answer::Swept(lake.sweep(now, age)));
            self.hear()?;
        }
        Ok(free)
    }

    /// Whether nothing of the lake is being written, or waits for its binding or its number.
    fn is_lake_free(&self) -> bool {
        self.prepared.is_none() && self.errands.is_idle() && self.flushing.unpublished().is_none()
    }

    /// The lake, to be changed; no errand may be under way.
    pub(super) fn lake_alone(&mut self) -> &mut Lake {
        Arc::get_mut(&mut self.lake).expect("whoever changes the lake has heard the last errand")
    }

    /// Takes the answer of the errand under way, if it is there.
    pub(super) fn hear(&mut self) -> Result<(), Error> {
        self.errands.look().map_or(Ok(()), |answer| self.heard(answer))
    }

    /// Takes the answer of the errand under way, waiting for it.
    pub(super) fn hear_all(&mut self) -> Result<(), Error> {
        self.errands.wait().map_or(Ok(()), |answer| self.heard(answer))
    }

    /// A lake that cannot be written is behind from now on, and only that.
    ///
    /// Another manifest under a number means another pipeline in this lake: that does not pass.
    fn heard(&mut self, answer: Answer) -> Result<(), Error> {
        match answer {
            Answer::Prepared(Ok(prepared)) => {
                planted::reached(Step::Prepared);
                self.flushing.over();
                self.prepared = Some(prepared);
            }
            Answer::Prepared(Err(error @ (Error::Disk { .. } | Error::Damaged { .. }))) => {
                self.flushing.failed(&error);
                if planted::is(Bug::DropOutbox) {
                    self.views.flushed(&self.lake);
                } else {
                    self.views.give_up();
                }
            }
            Answer::Published(Ok(())) => {
                planted::reached(Step::Published);
                self.flushing.published();
            }
            Answer::Published(Err(error @ Error::Disk { .. })) => self.flushing.failed(&error),
            Answer::Swept(Ok(swept)) => {
                let collected = swept.collected;
                if collected.files > 0 {
                    tracing::info!(collected.files, collected.bytes, "old files deleted");
                }
                self.lake_alone().forget(&swept);
            }
            Answer::Swept(Err(error @ (Error::Disk { .. } | Error::Damaged { .. }))) => {
                tracing::warn!(%error, "old files stay until the next time");
            }
            Answer::Prepared(Err(error)) | Answer::Published(Err(error)) | Answer::Swept(Err(error)) => {
                return Err(error);
            }
        }
        Ok(())
    }

    /// With more in memory than may wait, a lake that is slow is waited for; one that fails ends the process.
    fn hold_back(&mut self) -> Result<(), Error> {
        if self.flushing.is_too_much(self.views.bytes()) {
            self.hear_all()?;
        }
        if self.prepared.is_some() { Ok(()) } else { self.flushing.check_bound(self.views.bytes()) }
    }
}
