//! Publishes again what a log lost although it had said it held it, and lets an epoch say so.
//!
//! ```text
//! audit     from which epoch on is a topic not as committed?
//! recover   as any start does, from a snapshot before that epoch; the writer fences whoever still commits
//! audit     nobody commits now: this is what is missing
//! replay    what of each epoch's records does not stand on its topic is kept
//! publish   the records that were kept, then one epoch without input whose binding says what stands there now
//! ```
//!
//! # Invariants
//! - Tables, lake and state are what they were: they never depended on what a topic holds.
//! - Whoever dies in between repairs again; what was published again by then is found.

use crate::{
    Error,
    config::Config,
    recover::{self, Ground, Standing, Step},
};
use model::Epoch;
use sinks::{Audit, Auditor, Mended, Mending};
use std::time::Duration;

/// A repair that is committed.
#[derive(Debug)]
pub struct Repaired {
    /// What came of each partition.
    pub mended: Vec<Mended>,
    /// The pipeline after the epoch that says so, with everything in the lake.
    pub standing: Standing,
}

/// Looks for what the topics of results lost, and publishes it again; nothing to do is `None`.
///
/// # Errors
/// Those of a start; [`sinks::Error::Unmendable`] if it cannot be known what is missing.
pub fn repair(
    config: &Config,
    ground: &Ground,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Option<Repaired>, Error> {
    let found = audit(ground)?;
    if found.ok() {
        return Ok(None);
    }
    let ground = Ground { before: first(&found), ..ground.clone() };
    let mut mending = None;
    let mut standing = recover::recover(config, &ground, &mut |step| {
        match (&step, &mut mending) {
            (Step::Opened, _) => mending = Some(begin(config, &ground)),
            (Step::Replayed { binding, output, .. }, Some(Ok(under_way))) => {
                if let Err(error) = under_way.add(binding, output) {
                    mending = Some(Err(error.into()));
                }
            }
            _ => {}
        }
        tell(step);
    })?;
    let mending = mending.unwrap_or_else(|| begin(config, &ground))?;
    // Time stands still: nothing is to come of this epoch but what it says.
    let (binding, records) = standing.intake.cut(standing.next, standing.now_us);
    standing.workers.feed(binding.epoch, recover::tick(&binding), records)?;
    let (output, tally) = standing.workers.collect(binding.epoch)?;
    let mended = standing.committer.mend(binding.clone(), &output, mending)?;
    tell(Step::Replayed { binding: &binding, output: &output, tally, done: (1, 1) });
    standing.next = binding.epoch + 1;
    Ok(Some(Repaired { mended, standing }))
}

/// In turns time stands still: what is there now is all there will be.
fn audit(ground: &Ground) -> Result<Audit, sinks::Error> {
    match ground.seed {
        None => sinks::audit(&*ground.means.log),
        Some(_) => Auditor::of_everything(Duration::ZERO).look(&*ground.means.log),
    }
}

/// The first epoch that does not fit.
fn first(audit: &Audit) -> Option<Epoch> {
    audit.findings.iter().filter_map(|finding| finding.epoch).min()
}

/// What is missing, now that nobody commits.
fn begin(config: &Config, ground: &Ground) -> Result<Mending, Error> {
    let log = &*ground.means.log;
    let audit = audit(ground)?;
    let earlier = |epoch| ground.before.is_none_or(|before| epoch < before);
    if first(&audit).is_some_and(earlier) {
        let what = "the topics of results changed while they were looked at";
        return Err(sinks::Error::Unmendable(what.into()).into());
    }
    Ok(Mending::begin(log, &config.commit, &audit)?)
}
