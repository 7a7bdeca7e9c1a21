//! Start: fence, read what is committed, roll the lake forward.

use super::{Clock, Committer, Options, flushing::Flushing};
use crate::{Binding, Error, binding, lake::Lake, topics::Shape, views::Views};
use eventlog::{Log, TopicPartition};
use model::view::Shelf;
use std::{collections::BTreeMap, sync::Arc, time::Instant};

impl Committer {
    /// Takes the pipeline over and finds out what is committed: every binding, oldest first.
    ///
    /// Fences earlier writers, reads the bindings to their end, and rolls the lake forward. The caller
    /// computes every binding again, hands it to [`Self::replay`], and calls [`Self::ready`].
    ///
    /// # Errors
    /// A lake that cannot be written, a log or lake that cannot be read or do not belong together.
    pub fn open(
        log: eventlog::Shared,
        options: &Options,
        shelf: Arc<Shelf>,
    ) -> Result<(Self, Vec<Binding>), Error> {
        let start = Instant::now();
        Self::open_with_clock(log, options, shelf, Box::new(move || start.elapsed()))
    }

    /// Like [`Self::open`], with another clock.
    pub fn open_with_clock(
        log: eventlog::Shared,
        options: &Options,
        shelf: Arc<Shelf>,
        clock: Clock,
    ) -> Result<(Self, Vec<Binding>), Error> {
        let shape = Shape::ensure(&*log, options)?;
        let mut lake = Lake::open(&options.lake.dir)?;
        let writer = log.writer(&options.transactional_id)?;
        let (bindings, history_end) = binding::read(&*log, 0)?;
        binding::check(&bindings)?;
        if let Some(last) = bindings.last().filter(|_| !options.ignore_group_offsets) {
            check_group(&*log, &options.group, last)?;
        }
        lake.roll_forward(bindings.iter().filter_map(|binding| binding.intent.as_ref()))?;
        let committer = Self {
            views: Views::new(&lake),
            flushing: Flushing::new(options.lake.clone(), clock),
            options: options.clone(),
            last: None,
            reached: BTreeMap::new(),
            log,
            shelf,
            writer,
            shape,
            lake,
            history_end,
        };
        Ok((committer, bindings))
    }
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
