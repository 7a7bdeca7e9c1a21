//! An epoch that puts back what topics lost.
//!
//! # Invariants
//! - Records stand before the binding that says so is committed: dying between leaves records twice, never lost, and the next
//!   audit finds them.

use super::Committer;
use crate::{Binding, Error, Mended, Mending, Output};
use eventlog::Outcome;

impl Committer {
    /// Publishes again what a topic lost, then commits `binding`, which says so, as [`Self::drain`] does.
    ///
    /// # Errors
    /// As [`Self::commit`], and [`Error::Unmended`]: repair again.
    pub fn mend(
        &mut self,
        mut binding: Binding,
        output: &Output,
        mending: Mending,
    ) -> Result<Vec<Mended>, Error> {
        for piece in mending.pieces() {
            let drafts = piece.iter().cloned();
            let outcome = eventlog::write_all(&mut *self.writer, &self.options.group, drafts)?;
            if outcome != Outcome::Committed {
                return Err(Error::Unmended(outcome));
            }
        }
        let (repairs, mended) = mending.finish(binding.epoch);
        binding.repairs = repairs;
        self.drain(binding, output)?;
        Ok(mended)
    }
}
