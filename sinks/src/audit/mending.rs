//! Publishes again what an audit missed.
//!
//! The epochs are computed again, from a snapshot before the first that does not fit; what of their records does not
//! stand on the topic is published once more, as it was: same key, same value, same identity. Then an epoch says
//! what stands there now, and the next audit compares with that.
//!
//! # Invariants
//! - What stands is left: a consumer that remembers identities sees every record once, and one that had seen a record
//!   sees nothing new of it.
//! - Dying anywhere is harmless: what was published again stands, and the next repair finds it there.

use super::{Audit, BUDGET};
use crate::{
    Binding, Error, Output,
    binding::{Repair, TopicDigest},
    commit::Options,
    topics::{self, Borrowed, Letters, Shape},
};
use eventlog::{Draft, Log, TopicPartition, read_range};
use model::Epoch;
use std::collections::HashMap;

/// Records that are published again at once: what a log takes in one transaction.
const AT_ONCE: usize = if cfg!(test) { 3 } else { 20_000 };

/// A repair under way.
#[derive(Debug)]
pub struct Mending {
    shape: Shape,
    torn: Vec<Torn>,
}

/// What a repair came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The partition.
    pub place: TopicPartition,
    /// Records that were missing and were published again.
    pub published: u64,
    /// Records that no epoch published, or published once and that stand there again: they cannot be taken away.
    pub strange: u64,
}

/// A partition that is not as committed.
#[derive(Debug)]
struct Torn {
    place: TopicPartition,
    /// The first epoch whose records are looked for; without one all are there.
    from: Option<Epoch>,
    /// What stands from the first misfit on: how many, what they come to, and each of them.
    records: u64,
    hasher: blake3::Hasher,
    standing: HashMap<blake3::Hash, u64>,
    missing: Vec<Draft>,
}

impl Mending {
    /// Reads what stands where `audit` says that something is wrong; nobody may commit any more.
    ///
    /// # Errors
    /// Those of the log; [`Error::Unmendable`] if it cannot be known what is missing.
    pub fn begin(log: &dyn Log, options: &Options, audit: &Audit) -> Result<Self, Error> {
        // A topic that is gone is made again.
        let (shape, mut torn) = (Shape::ensure(log, options)?, Vec::new());
        for finding in &audit.findings {
            if !finding.mendable {
                return Err(Error::Unmendable(finding.to_string()));
            }
            let place = finding.place.clone();
            let range = log.range(&place)?;
            let mut one = Torn {
                from: finding.epoch,
                records: 0,
                hasher: blake3::Hasher::new(),
                standing: HashMap::new(),
                missing: Vec::new(),
                place,
            };
            read_range(&mut *log.reader()?, &finding.place, finding.from..range.end, BUDGET, |record| {
                one.stands(&Borrowed::from(&record));
            })?;
            torn.push(one);
        }
        Ok(Self { shape, torn })
    }

    /// Takes an epoch that was computed again: what of it does not stand is missing.
    ///
    /// # Errors
    /// [`Error::Unmendable`] if it went to other partitions than there can be.
    pub fn add(&mut self, binding: &Binding, output: &Output) -> Result<(), Error> {
        if !self.torn.iter().any(|torn| torn.from.is_some_and(|from| binding.epoch >= from)) {
            return Ok(());
        }
        let now = topics::letters(output, self.shape);
        for torn in self.torn.iter_mut().filter(|torn| torn.from.is_some_and(|from| binding.epoch >= from)) {
            let topic = &*torn.place.topic;
            let published = |letters: &Letters| {
                let of = |digests: &[TopicDigest]| {
                    digests.iter().find(|one| one.topic == topic).map(|one| one.runs.clone())
                };
                of(&letters.digests) == of(&binding.outputs)
            };
            if published(&now) {
                torn.miss(&now);
                continue;
            }
            // A topic may have had fewer partitions then.
            let most = self.shape.partitions(topic);
            let then = (1..most).rev().map(|fewer| topics::letters(output, self.shape.with(topic, fewer)));
            let then = then.into_iter().find(published).ok_or_else(|| {
                let epoch = binding.epoch;
                Error::Unmendable(format!("epoch {epoch} went to partitions of {topic} that are not there"))
            })?;
            torn.miss(&then);
        }
        Ok(())
    }

    /// What is to be published again, in pieces that a transaction takes.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[Draft]> {
        self.torn.iter().flat_map(|torn| torn.missing.chunks(AT_ONCE))
    }

    /// What stands there once the missing records do, to be said by the epoch `now`; and what it came to.
    pub(crate) fn finish(self, now: Epoch) -> (Vec<Repair>, Vec<Mended>) {
        self.torn.into_iter().map(|torn| torn.finish(now)).unzip()
    }
}

impl Torn {
    fn stands(&mut self, record: &Borrowed<'_>) {
        record.update(&mut self.hasher);
        self.records += 1;
        *self.standing.entry(identity(record)).or_default() += 1;
    }

    /// Notes which of `letters` for this partition do not stand there.
    fn miss(&mut self, letters: &Letters) {
        let here =
            |draft: &&Draft| (&*draft.topic, draft.partition) == (&*self.place.topic, self.place.partition);
        for draft in letters.drafts.iter().filter(here) {
            match self.standing.get_mut(&identity(&Borrowed::from(draft))) {
                Some(times) if *times > 0 => *times -= 1,
                _ => self.missing.push(draft.clone()),
            }
        }
    }

    fn finish(mut self, now: Epoch) -> (Repair, Mended) {
        for draft in &self.missing {
            Borrowed::from(draft).update(&mut self.hasher);
        }
        let published = self.missing.len() as u64;
        let TopicPartition { topic, partition } = &self.place;
        let repair = Repair {
            topic: topic.to_string(),
            partition: *partition,
            from: self.from.unwrap_or(now),
            records: self.records + published,
            check: self.hasher.finalize().into(),
        };
        (repair, Mended { published, strange: self.standing.values().sum(), place: self.place })
    }
}

fn identity(record: &Borrowed<'_>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    record.update(&mut hasher);
    hasher.finalize()
}
