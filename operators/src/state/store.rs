//! One step's entries: looked up by key, exported while they change, forgotten when they are old.
//!
//! Entries stand in slots; an export walks the slots and remembers how far it came. An entry it has not
//! reached yet is copied before it is handed out for a change, and the copy leaves at the pace of the export: a load
//! may touch every key right after an export began. Entries wait for their age in buckets of event time, so that work
//! is proportional to what is looked at, never to what is remembered.
//!
//! # Invariants
//! - The walk of an export is over slots, and its order means nothing.

use super::{
    Key, Step, Stored,
    slots::{Index, Slots},
};
use model::planted::{self, Bug};
use model::{
    Micros,
    state::{Pieces, StepVersion},
};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

/// An age bucket is this share of the horizon: all of a bucket go in one epoch, which others wait for.
const BUCKETS: Micros = 1_024;

/// Where an entry stands, until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(usize);

/// What leaves with an export.
#[derive(Clone)]
struct Entry<K, V> {
    key: K,
    /// It is as old as this.
    dated: Micros,
    value: V,
}

struct Slot<K, V> {
    entry: Entry<K, V>,
    /// The bucket it waits in; other buckets may still name the slot, and are wrong.
    bucket: Micros,
    /// The newest export it is in, or that it is too young for.
    exported: u32,
}

/// Which worker remembers an entry.
pub(super) enum Home<K> {
    /// `route(key) % workers`.
    One(fn(&K) -> u64),
    /// Every worker the same; one of them exports.
    Every {
        /// Whether it is this one.
        exports: bool,
    },
}

/// The entries of one step on one worker.
pub struct Store<K, V> {
    step: &'static str,
    home: Home<K>,
    horizon: Micros,
    index: Index,
    slots: Slots<Slot<K, V>>,
    buckets: BTreeMap<Micros, Vec<usize>>,
    /// Number of the newest export.
    export: u32,
    /// The slots the export has still to walk.
    walk: std::ops::Range<usize>,
    /// Entries that changed before the walk reached them, as they were.
    early: VecDeque<Entry<K, V>>,
}

impl<K: Key, V: Stored> Store<K, V> {
    pub(super) fn new(step: &'static str, home: Home<K>, horizon: Micros) -> Self {
        Self {
            step,
            home,
            horizon,
            index: Index::new(),
            slots: Slots::new(),
            buckets: BTreeMap::new(),
            export: 0,
            walk: 0..0,
            early: VecDeque::new(),
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entry of `key`, to look at.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.slots.get(self.find(key)?.0).map(|slot| &slot.entry.value)
    }

    /// Where the entry of `key` stands.
    pub fn find(&self, key: &K) -> Option<Place> {
        self.index.find(key, |at| self.slots.key(at)).map(Place)
    }

    /// Adds an entry as old as `dated`; one that stood under `key` is replaced.
    pub fn insert(&mut self, key: K, dated: Micros, value: V) -> Place {
        self.remove(&key);
        let bucket = bucket_of(dated, self.width());
        let at = self.slots.put(Slot { entry: Entry { key, dated, value }, bucket, exported: self.export });
        self.buckets.entry(bucket).or_default().push(at);
        self.index.insert(at, |at| self.slots.key(at));
        Place(at)
    }

    /// The entry of `key` for a change, made by `make` if there is none; it is at least as young as `dated`.
    pub fn entry(&mut self, key: &K, dated: Micros, make: impl FnOnce() -> V) -> &mut V {
        let place = match self.find(key) {
            Some(place) => place,
            None => self.insert(key.clone(), dated, make()),
        };
        self.at(place, dated)
    }

    /// The entry at `place` for a change; it is at least as young as `dated` from now on.
    ///
    /// # Panics
    /// If it was removed.
    pub fn at(&mut self, place: Place, dated: Micros) -> &mut V {
        self.save(place.0);
        let slot = self.slots.get_mut(place.0).expect("a place is given up with its entry");
        slot.entry.dated = slot.entry.dated.max(dated);
        &mut slot.entry.value
    }

    /// Removes the entry of `key`.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let Place(at) = self.find(key)?;
        self.save(at);
        self.index.remove(at, key);
        self.slots.take(at).map(|slot| slot.entry.value)
    }

    /// The entry at `place` is as old as this.
    ///
    /// # Panics
    /// If it was removed.
    pub fn dated(&self, place: Place) -> Micros {
        self.slots.get(place.0).expect("a place is given up with its entry").entry.dated
    }

    /// The entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().map(|slot| (&slot.entry.key, &slot.entry.value))
    }

    /// Removes the entries whose age bucket is wholly older than `watermark` less the horizon, unless `keep`
    /// holds them.
    ///
    /// What is kept is looked at again a horizon later, so that `keep` should depend on the entry alone: then
    /// when an entry goes depends on its date and on the watermarks, whether or not it was imported between.
    /// Gives the number removed.
    pub fn expire(&mut self, watermark: Micros, mut keep: impl FnMut(&K, &V) -> bool) -> usize {
        let horizon = if planted::is(Bug::ForgetEarly) { self.horizon / 8 } else { self.horizon };
        let oldest = watermark.saturating_sub(horizon);
        let (width, mut gone) = (self.width(), 0);
        while let Some(entry) = self.buckets.first_entry()
            && entry.key().saturating_add(width) <= oldest
        {
            let (bucket, slots) = entry.remove_entry();
            for at in slots {
                let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.bucket == bucket) else {
                    continue;
                };
                let Entry { key, dated, value } = &slot.entry;
                let (dated, own) = (*dated, bucket_of(*dated, width));
                // Never by the bucket it happened to wait in: an import puts it into that of its date.
                let due = own.saturating_add(width) <= oldest;
                if due && !keep(key, value) {
                    let key = key.clone();
                    self.remove(&key);
                    gone += 1;
                    continue;
                }
                let next = bucket_of(if due { watermark } else { dated }, width);
                slot.bucket = next;
                self.buckets.entry(next).or_default().push(at);
            }
        }
        gone
    }

    /// Whether this worker exports what it has.
    const fn exports(&self) -> bool {
        !matches!(self.home, Home::Every { exports: false })
    }

    fn width(&self) -> Micros {
        (self.horizon / BUCKETS).max(1)
    }

    /// Copies the entry in slot `at` before it changes, if the export under way still needs it.
    fn save(&mut self, at: usize) {
        if !self.walk.contains(&at) || planted::is(Bug::SnapshotBlurred) {
            return;
        }
        let (export, early) = (self.export, &mut self.early);
        if let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.exported != export) {
            slot.exported = export;
            early.push_back(slot.entry.clone());
        }
    }
}

impl<K, V> Slots<Slot<K, V>> {
    /// The key in a slot that is not empty.
    fn key(&self, at: usize) -> &K {
        &self.get(at).expect("the index names slots that hold an entry").entry.key
    }
}

/// The bucket of entries as old as `dated`, in buckets so wide.
const fn bucket_of(dated: Micros, width: Micros) -> Micros {
    dated.div_euclid(width).saturating_mul(width)
}

impl<K: Key, V: Stored> Entry<K, V> {
    fn write(&self, into: &mut Pieces) {
        let written = into.push_with(|bytes| {
            // Extends what is there: `bytes` is the arena of all entries.
            let mut with_key = postcard::to_extend(&self.key, std::mem::take(bytes))?;
            let key = with_key.len();
            with_key = postcard::to_extend(&self.dated, with_key)?;
            *bytes = postcard::to_extend(&self.value, with_key)?;
            Ok::<_, postcard::Error>(key)
        });
        written.expect("state is plain data, which always has a form");
    }
}

impl<K: Key, V: Stored> Step for Store<K, V> {
    fn of(&self) -> StepVersion {
        StepVersion { step: self.step.to_owned(), version: V::VERSION }
    }

    fn begin(&mut self) {
        self.export = self.export.wrapping_add(1);
        self.walk = 0..if self.exports() { self.slots.end() } else { 0 };
        self.early = VecDeque::new();
    }

    fn export(&mut self, bytes: usize, into: &mut Pieces) -> bool {
        while into.bytes() < bytes
            && let Some(entry) = self.early.pop_front()
        {
            entry.write(into);
        }
        while into.bytes() < bytes
            && let Some(at) = self.walk.next()
        {
            if at == 1 && planted::is(Bug::SnapshotShort) {
                continue;
            }
            if let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.exported != self.export) {
                slot.exported = self.export;
                slot.entry.write(into);
            }
        }
        self.walk.is_empty() && self.early.is_empty()
    }

    fn import(
        &mut self,
        version: u32,
        pieces: &Pieces,
        index: usize,
        peers: usize,
    ) -> Result<(), &'static str> {
        if version > V::VERSION {
            return Err("is newer than this version: start the version that wrote it");
        }
        let damaged = "cannot be read";
        for (key, rest) in pieces.iter() {
            let key: K = postcard::from_bytes(key).map_err(|_| damaged)?;
            let is_ours = match self.home {
                Home::One(route) => route(&key) % peers as u64 == index as u64,
                Home::Every { .. } => true,
            };
            if !is_ours {
                continue;
            }
            let (dated, bytes) = postcard::take_from_bytes::<Micros>(rest).map_err(|_| damaged)?;
            let value = if version == V::VERSION {
                postcard::from_bytes(bytes).map_err(|_| damaged)?
            } else {
                V::older(version, bytes).ok_or("is too old for this version")?
            };
            self.insert(key, dated, value);
        }
        Ok(())
    }

    fn len(&self) -> usize {
        if self.exports() { Self::len(self) } else { 0 }
    }
}

impl<K, V> fmt::Debug for Store<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({}, {} entries)", self.step, self.slots.len())
    }
}
