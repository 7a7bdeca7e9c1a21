//! A durable log on local disk, with nothing to install.
//!
//! Records stand in data files, a chunk per transaction and partition ([`segment`], [`chunk`]); an index in an
//! embedded store says where each chunk stands ([`index`]). A commit syncs the data files first and then writes
//! one atomic, synced batch to the index: that batch is the commit.
//!
//! # Invariants
//! - One process holds the directory; in it any number of readers and writers, side by side.
//! - Offsets are dense: an aborted transaction takes none.
//! - Readers see a commit in all its partitions at once.
//! - What does not match its checksum is an error, never a record.
//!
//! # Bound
//! A writer holds at most [`writer::BUFFER_BYTES`] of its transaction plus its largest record, a reader one chunk.

mod chunk;
mod index;
mod reader;
mod segment;
mod unfinished;
mod writer;

use std::{
    collections::HashMap,
    fmt,
    ops::Range,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use self::{
    index::{Index, TopicSlots},
    segment::Segments,
};
use crate::{Error, Log, Reader, Result, TopicPartition, TopicSpec, Writer};

/// Where the embedded log lives and how large its parts may grow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Directory of the log; created if missing, held by one process.
    pub dir: PathBuf,
    /// A new data file begins at so many bytes.
    pub segment_bytes: u64,
    /// The largest record taken: bytes of key, value and headers.
    pub max_record_bytes: usize,
}

/// The embedded log; clones share it.
#[derive(Clone)]
pub struct Embedded {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    index: Index,
    segments: Segments,
    /// Held over a whole commit: base offsets are given in the order in which commits become durable.
    commits: Mutex<u64>,
    visible: Mutex<Visible>,
    grown: Condvar,
}

/// What readers may see.
#[derive(Debug, Default)]
struct Visible {
    topics: HashMap<Arc<str>, TopicSlots>,
    /// The first offset kept, by slot.
    starts: Vec<u64>,
    /// One past the last committed offset, by slot.
    ends: Vec<u64>,
    /// The latest generation of each transactional id; an older one is fenced.
    generations: HashMap<String, Arc<AtomicU64>>,
}

impl Embedded {
    /// Opens the log in `options.dir`, or creates it.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Disk`] or [`Error::Corrupt`].
    pub fn open(options: &Options) -> Result<Self> {
        let index = Index::open(&options.dir)?;
        let segments =
            Segments::open(options.dir.join("segments"), options.segment_bytes, index.last_segment()?)?;
        let mut visible = Visible::default();
        for (name, slots) in index.topics()? {
            let past = (slots.first + slots.partitions) as usize;
            visible.grow(visible.ends.len().max(past));
            visible.topics.insert(name.into(), slots);
        }
        for slot in 0..visible.ends.len() {
            (visible.starts[slot], visible.ends[slot]) = (index.start(slot as u32)?, index.end(slot as u32)?);
        }
        let commits = Mutex::new(index.commits()?);
        let (visible, grown) = (Mutex::new(visible), Condvar::new());
        let inner = Inner { options: options.clone(), index, segments, commits, visible, grown };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl Inner {
    fn visible(&self) -> MutexGuard<'_, Visible> {
        self.visible.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visible {
    fn slot(&self, topic: &Arc<str>, partition: u32) -> Result<u32> {
        match self.topics.get(topic) {
            Some(slots) if partition < slots.partitions => Ok(slots.first + partition),
            _ => Err(Error::UnknownPartition(TopicPartition { topic: Arc::clone(topic), partition })),
        }
    }

    fn end(&self, slot: u32) -> u64 {
        self.ends[slot as usize]
    }

    fn range(&self, slot: u32) -> Range<u64> {
        self.starts[slot as usize]..self.end(slot)
    }

    /// Makes room for so many slots.
    fn grow(&mut self, slots: usize) {
        self.starts.resize(slots, 0);
        self.ends.resize(slots, 0);
    }
}

impl Log for Embedded {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        let refuse =
            |topic: &TopicSpec, reason: String| Err(Error::Topic { topic: Arc::clone(&topic.name), reason });
        // Only one thread numbers new slots: whoever holds the commit lock.
        let _committing = self.inner.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut new, mut slots) = (Vec::<(Arc<str>, TopicSlots)>::new(), {
            let visible = self.inner.visible();
            visible.ends.len() as u32
        });
        for topic in topics {
            if !crate::record::is_topic_name(&topic.name) {
                return refuse(topic, crate::record::TOPIC_NAME_RULE.into());
            }
            if topic.partitions == 0 {
                return refuse(topic, "it needs at least one partition: raise the number".into());
            }
            let known = self.inner.visible().topics.get(&topic.name).copied();
            let known =
                known.or_else(|| new.iter().find(|(name, _)| *name == topic.name).map(|(_, slots)| *slots));
            match known {
                Some(known) if known.partitions < topic.partitions => {
                    let (has, asked) = (known.partitions, topic.partitions);
                    return refuse(
                        topic,
                        format!(
                            "it has {has} partitions, {asked} were asked for: ask for {has} or use a new name"
                        ),
                    );
                }
                Some(_) => {}
                None => {
                    new.push((
                        Arc::clone(&topic.name),
                        TopicSlots { first: slots, partitions: topic.partitions },
                    ));
                    slots += topic.partitions;
                }
            }
        }
        self.inner.index.add_topics(new.iter().map(|(name, slots)| (&**name, *slots)))?;
        let mut visible = self.inner.visible();
        visible.grow(slots as usize);
        visible.topics.extend(new);
        Ok(())
    }

    fn partitions(&self, topic: &str) -> Result<u32> {
        match self.inner.visible().topics.get(topic) {
            Some(slots) => Ok(slots.partitions),
            None => Err(Error::UnknownPartition(TopicPartition::new(topic, 0))),
        }
    }

    fn range(&self, at: &TopicPartition) -> Result<Range<u64>> {
        let visible = self.inner.visible();
        Ok(visible.range(visible.slot(&at.topic, at.partition)?))
    }

    fn truncate(&self, at: &TopicPartition, before: u64) -> Result<()> {
        // Nobody commits meanwhile: what the index names and what writers hold is all there is.
        let _committing = self.inner.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = {
            let mut visible = self.inner.visible();
            let slot = visible.slot(&at.topic, at.partition)?;
            let range = visible.range(slot);
            if before > range.end {
                return Err(Error::OutOfRange { at: at.clone(), offset: before, range });
            }
            if before <= range.start {
                return Ok(());
            }
            // Before the index forgets: a reader that meets the gap must find it explained.
            visible.starts[slot as usize] = before;
            slot
        };
        if self.inner.index.truncate(slot, before)? {
            self.inner.segments.keep(&self.inner.index.segments()?)?;
        }
        Ok(())
    }

    fn committed(&self, group: &str, at: &[TopicPartition]) -> Result<Vec<Option<u64>>> {
        let slots: Result<Vec<u32>> = {
            let visible = self.inner.visible();
            at.iter().map(|at| visible.slot(&at.topic, at.partition)).collect()
        };
        slots?.into_iter().map(|slot| self.inner.index.offset(group, slot)).collect()
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(reader::EmbeddedReader::new(Arc::clone(&self.inner))))
    }

    fn writer(&self, transactional_id: &str) -> Result<Box<dyn Writer>> {
        // A commit under way ends before the writer is fenced, so it is either seen whole or never happens.
        let _committing = self.inner.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = {
            let mut visible = self.inner.visible();
            Arc::clone(visible.generations.entry(transactional_id.to_owned()).or_default())
        };
        let generation = latest.fetch_add(1, Ordering::SeqCst) + 1;
        let ticket = writer::Ticket { transactional_id: transactional_id.to_owned(), generation, latest };
        Ok(Box::new(writer::EmbeddedWriter::new(Arc::clone(&self.inner), ticket)))
    }
}
