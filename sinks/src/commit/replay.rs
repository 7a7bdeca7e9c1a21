//! Takes epochs that are committed already: they must come out as they did.

use super::Committer;
use crate::{
    Binding, Divergence, Error, Output,
    binding::TopicDigest,
    topics::{self, Letters},
};
use model::planted::{self, Bug};

impl Committer {
    /// Takes a committed epoch that was computed again; nothing is written to the log.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the output is not what was committed; [`Error::Broken`].
    pub fn replay(&mut self, binding: &Binding, output: &Output) -> Result<(), Error> {
        self.follow(binding)?;
        let letters = topics::letters(output, self.shape);
        if let Some(topic) = letters.differ(&binding.outputs) {
            return Err(diverged(binding, &letters, topic).into());
        }
        self.note_changes(binding, output);
        let again = planted::is(Bug::ReplayTwice);
        if again || self.lake.through().is_none_or(|through| binding.epoch > through) {
            self.views.apply(output)?;
        }
        self.last = Some(binding.clone());
        Ok(())
    }
}

fn diverged(binding: &Binding, letters: &Letters, topic: String) -> Box<Divergence> {
    let find = |of: &[TopicDigest]| of.iter().find(|one| one.topic == topic).cloned();
    let (committed, computed) = (find(&binding.outputs), find(&letters.digests));
    let (epoch, committed_by) = (binding.epoch, binding.code_version.clone());
    let computed_by = env!("CARGO_PKG_VERSION");
    Box::new(Divergence { epoch, topic, committed, computed, committed_by, computed_by })
}
