//! Start: fence, read what is committed, roll the lake forward, choose the snapshot to begin with.
//!
//! ```text
//! R1  take the next incarnation, in the lake
//! R2  open the writer: fences earlier ones, settles a transaction in doubt
//! R3  read the snapshots' manifests, then the bindings from the oldest of them on
//! R4  publish every committed intent without a manifest
//! R5  take the newest snapshot that belongs to this log, that the lake has reached, and that is whole
//! ```
//! Every step can be repeated: a process that dies in one of them is followed by one that begins again.

use super::{Committer, Hand, Options, errand::Errands, flushing::Flushing, past::Past};
use crate::{
    Binding, Error, binding, disk,
    lake::Lake,
    snapshot::{Mark, Stored},
    topics::{BINDINGS, Shape},
    views::Views,
};
use eventlog::{Log, TopicPartition};
use model::planted::{self, Bug, Step};
use model::{Epoch, Input, similar::Follows, state::StepVersion, view::Shelf};
use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// What a committer works with.
#[derive(Clone)]
pub struct Means {
    /// The log.
    pub log: eventlog::Shared,
    /// The disk of lake and snapshots.
    pub disk: disk::Shared,
    /// Where committed tables are put.
    pub shelf: Arc<Shelf>,
    /// Makes what finds similar fingerprints; it is told of all of them.
    pub similar: fn() -> Box<dyn Follows>,
    /// Who writes the lake.
    pub hand: Hand,
    /// When the lake is written.
    pub clock: Clock,
}

/// Monotonic time since some moment: decides when the lake is written, never what is in it.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The time that passed since this was called.
pub fn stopwatch() -> Clock {
    let start = Instant::now();
    Arc::new(move || start.elapsed())
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Means").field("disk", &self.disk).finish_non_exhaustive()
    }
}

/// Where snapshots lie, and which of them can be used.
#[derive(Clone, Copy, Debug)]
pub struct Snapshots<'a> {
    /// Their directory.
    pub dir: &'a Path,
    /// The steps of this version: of each it reads the version named, and the one before.
    pub steps: &'a [StepVersion],
    /// Only those of epochs before this one, if there is one: what came after is to be computed again.
    pub before: Option<Epoch>,
}

/// A pipeline that was taken over, and what is to be done before it goes on.
#[derive(Debug)]
pub struct Opened {
    /// Stands at the snapshot, or before the first epoch.
    pub committer: Committer,
    /// The state to begin with; without one everything is computed again.
    pub snapshot: Option<Stored>,
    /// The epochs to compute again and hand to [`Committer::replay`], oldest first.
    pub bindings: Vec<Binding>,
    /// Snapshots that could not be used, each with the next step.
    pub refused: Vec<String>,
}

impl Committer {
    /// Takes the pipeline over and finds out what is committed.
    ///
    /// The caller imports the state of [`Opened::snapshot`], computes every one of [`Opened::bindings`] again,
    /// hands it to [`Self::replay`], and calls [`Self::ready`]. Without `snapshots` that is
    /// every epoch there ever was.
    ///
    /// # Errors
    /// A lake that cannot be written, a log or lake that cannot be read or do not belong together.
    pub fn open(means: &Means, options: &Options, snapshots: Option<Snapshots<'_>>) -> Result<Opened, Error> {
        let Means { log, disk, shelf, similar, hand, clock } = means.clone();
        let shape = Shape::ensure(&*log, options)?;
        let mut lake =
            Lake::open(Arc::clone(&disk), &options.lake.dir)?.compacting(options.lake.compact_bytes);
        planted::reached(Step::Numbered);
        let early =
            if planted::is(Bug::ReadBeforeFence) { Some(Past::read(&*log, &disk, snapshots)?) } else { None };
        let writer = log.writer(&options.transactional_id)?;
        planted::reached(Step::Fenced);
        let mut past = match early {
            Some(past) => past,
            None => Past::read(&*log, &disk, snapshots)?,
        };
        planted::reached(Step::BindingsRead);
        lake.roll_forward(past.intents())?;
        planted::reached(Step::RolledForward);
        let snapshot = past.choose(lake.through())?;
        if snapshot.is_none() && !past.is_whole() {
            past = past.read_whole(&*log)?;
            lake.roll_forward(past.intents())?;
        }
        planted::reached(Step::SnapshotChosen);
        match past.last() {
            _ if options.ignore_group_offsets => {}
            Some(last) => check_group(&*log, &options.group, last)?,
            None => check_no_group(&*log, &options.group)?,
        }
        let mut committer = Self {
            views: Views::new(&lake).followed_by(similar(), &lake)?,
            flushing: Flushing::new(options.lake.clone(), clock),
            options: options.clone(),
            last: None,
            changed: None,
            intent: past.intents().last().cloned(),
            reached: BTreeMap::new(),
            last_at: past.last_at(),
            history_end: past.end(),
            on_attempt: Box::new(|| ()),
            log,
            shelf,
            writer,
            shape,
            lake: Arc::new(lake),
            errands: Errands::new(hand),
            prepared: None,
        };
        committer.begin_at(snapshot.as_ref())?;
        let (bindings, refused) = past.after(snapshot.as_ref().map(Stored::epoch));
        Ok(Opened { committer, snapshot, bindings, refused })
    }

    /// Stands where `snapshot` was taken.
    fn begin_at(&mut self, snapshot: Option<&Stored>) -> Result<(), Error> {
        let Some(Stored { mark: Mark { binding, .. }, .. }) = snapshot else { return Ok(()) };
        binding::check_next(&mut self.reached, None, binding).map_err(Error::Broken)?;
        // Rows up to here are in the lake, or the snapshot had not been chosen: `changed` begins anew.
        self.last = Some(binding.clone());
        Ok(())
    }
}

/// Whether nothing shows that epochs were committed: without bindings they would be computed and published again.
fn check_no_group(log: &dyn Log, group: &str) -> Result<(), Error> {
    for input in Input::ALL {
        let partitions = match log.partitions(input.topic()) {
            Err(eventlog::Error::UnknownPartition(_)) => continue,
            partitions => 0..partitions?,
        };
        let places: Vec<_> =
            partitions.map(|partition| TopicPartition::new(input.topic(), partition)).collect();
        if log.committed(group, &places)?.iter().flatten().any(|offset| *offset > 0) {
            return Err(Error::History(format!(
                "there are none, and group \"{group}\" has read {} already: restore topic {} from a copy, or, if \
                 another program used the group, start with ignore_group_offsets = true",
                input.topic(),
                BINDINGS
            )));
        }
    }
    Ok(())
}

/// Whether the offsets that show on the log are those of the last binding; a group may have expired.
fn check_group(log: &dyn Log, group: &str, last: &Binding) -> Result<(), Error> {
    let (places, offsets): (Vec<TopicPartition>, Vec<u64>) = last.offsets().into_iter().unzip();
    let shown = log.committed(group, &places)?;
    for ((place, offset), shown) in places.iter().zip(offsets).zip(shown) {
        if shown.is_some_and(|shown| shown != offset) {
            return Err(Error::History(format!(
                "group \"{group}\" stands elsewhere on {place} than the last committed epoch: another program \
                 used the group; give each its own, then start with ignore_group_offsets = true"
            )));
        }
    }
    Ok(())
}
