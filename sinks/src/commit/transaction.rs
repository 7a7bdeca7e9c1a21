//! COMMIT: one transaction, tried until the log says what became of it.
//!
//! An answer that was lost is not guessed: a new writer settles the open transaction, and then the
//! bindings say whether the epoch is among them.

use super::{Committer, Pending};
use crate::{Error, binding, topics};
use eventlog::{Draft, Error as LogError, Outcome};
use model::planted::{self, Bug, Step};
use std::{thread, time::Duration};

/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

impl Committer {
    /// Commits `pending` exactly once; blocks until it is known to be durable.
    pub(super) fn transact(&mut self, pending: &Pending) -> Result<(), Error> {
        let epoch = pending.binding.epoch;
        let (mut last, mut doubtful) = (None, false);
        for attempt in 0..self.options.attempts {
            if attempt > 0 {
                let reason = last.as_ref().map(ToString::to_string);
                tracing::warn!(epoch, attempt, reason, "the log did not commit; trying again");
                thread::sleep(self.wait(attempt));
            }
            (self.on_attempt)();
            match self.attempt(pending, &mut doubtful) {
                Ok(true) => return Ok(()),
                Ok(false) => last = None,
                Err(Error::Log(error)) if passes(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Uncommitted { epoch, attempts: self.options.attempts, last })
    }

    /// One attempt; true if the epoch is committed, `doubtful` if nobody knows.
    pub(super) fn attempt(&mut self, pending: &Pending, doubtful: &mut bool) -> Result<bool, Error> {
        if *doubtful && planted::is(Bug::DoubtIsNo) {
            self.writer = self.log.writer(&self.options.transactional_id)?;
        } else if *doubtful && self.was_committed(pending)? {
            return Ok(true);
        }
        (self.on_attempt)();
        // Whatever interrupts what follows leaves a doubt.
        *doubtful = true;
        let outcome = self.write(pending)?;
        *doubtful = outcome == Outcome::Unknown;
        if *doubtful && planted::is(Bug::DoubtIsYes) {
            self.writer = self.log.writer(&self.options.transactional_id)?;
            return Ok(true);
        }
        Ok(outcome == Outcome::Committed)
    }

    fn write(&mut self, pending: &Pending) -> Result<Outcome, LogError> {
        let offsets = pending.binding.offsets();
        if planted::is(Bug::OffsetsOutside) {
            self.writer.begin()?;
            self.writer.commit(&self.options.group, &offsets)?;
        }
        let outside =
            |draft: &Draft| planted::is(Bug::LettersOutside) && *draft.topic == *topics::DEAD_LETTERS;
        if pending.letters.drafts.iter().any(outside) {
            let letters = pending.letters.drafts.iter().filter(|draft| outside(draft));
            eventlog::write_all(&mut *self.writer, &self.options.group, letters.cloned())?;
        }
        self.writer.begin()?;
        planted::reached(Step::Begun);
        for draft in pending.letters.drafts.iter().filter(|draft| !outside(draft)) {
            self.writer.send(draft.clone())?;
        }
        self.writer.send(topics::binding(&pending.binding))?;
        planted::reached(Step::Sent);
        let with = if planted::is(Bug::OffsetsOutside) { &[][..] } else { &offsets };
        self.writer.commit(&self.options.group, with)
    }

    /// Takes a new writer, which settles what the old one left, and looks.
    fn was_committed(&mut self, pending: &Pending) -> Result<bool, Error> {
        self.writer = self.log.writer(&self.options.transactional_id)?;
        let (newer, _) = binding::read(&*self.log, self.history_end)?;
        match newer.iter().map(|(_, binding)| binding).find(|binding| binding.epoch >= pending.binding.epoch)
        {
            None => Ok(false),
            Some(binding) if *binding == pending.binding => Ok(true),
            Some(_) => Err(LogError::Fenced(self.options.transactional_id.clone()).into()),
        }
    }

    pub(super) fn wait(&self, attempt: u32) -> Duration {
        let first = Duration::from_millis(self.options.retry_ms);
        first.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(LONGEST_WAIT)
    }
}

/// Whether an error may pass by itself.
fn passes(error: &LogError) -> bool {
    matches!(error, LogError::Unreachable { .. } | LogError::Abort { .. } | LogError::Stopped { .. })
}
