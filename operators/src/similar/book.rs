//! All fingerprints of one epoch: an index for each partition, and what is known of each session.
//!
//! A partition is what can be compared: one layout, one normaliser, one kind of cartridge. A version shares with the
//! next everything the epoch between them did not touch.
//!
//! # Invariants
//! - A session has one fingerprint: of several that are asserted the greatest stands.
//! - What a version answers depends on the epochs, not on the order of changes within one.
//!
//! # Bound
//! One entry and two copies of its vector per session (for 896 values 8 kB).

use super::{Index, MOST, Options, Version};
use model::{
    CartridgeKind, Fingerprint, Micros, SessionId, UserId,
    similar::{Follows, Neighbour, Similar, Unanswered},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Entries are shared between versions in so many parts: an epoch copies the parts it touches.
const SHARDS: usize = 256;

/// What can be compared: layout, normaliser, dimensions, cartridge.
type Partition = (String, String, usize, CartridgeKind);
type Shard = Arc<BTreeMap<SessionId, Arc<Entry>>>;

/// What is known of a session.
#[derive(Debug, PartialEq)]
struct Entry {
    partition: Arc<Partition>,
    user: UserId,
    measured_at: Micros,
    calibrated_until: Option<Micros>,
    vector: Box<[f32]>,
}

/// The fingerprints as they are.
#[derive(Debug)]
pub struct Book {
    shards: Vec<Shard>,
    partitions: BTreeMap<Arc<Partition>, Index<SessionId>>,
}

/// The fingerprints as they were after some epoch.
#[derive(Debug)]
struct Page {
    shards: Vec<Shard>,
    partitions: BTreeMap<Arc<Partition>, Version<SessionId>>,
}

impl Default for Book {
    fn default() -> Self {
        Self { shards: vec![Shard::default(); SHARDS], partitions: BTreeMap::new() }
    }
}

impl Book {
    /// An empty book, behind the seam that sinks know.
    pub fn follow() -> Box<dyn Follows> {
        Box::new(Self::default())
    }

    /// Replaces the entry of a session; the indices are told by [`Book::apply`].
    fn put(&mut self, session: SessionId, entry: Option<Arc<Entry>>) -> Option<Arc<Entry>> {
        let shard = Arc::make_mut(&mut self.shards[place(session)]);
        match entry {
            Some(entry) => shard.insert(session, entry),
            None => shard.remove(&session),
        }
    }

    fn partition(&mut self, fingerprint: &Fingerprint) -> Option<Arc<Partition>> {
        let Fingerprint { layout, normaliser, cartridge, vector, .. } = fingerprint;
        let partition: Partition = (layout.clone(), normaliser.clone(), vector.values().len(), *cartridge);
        if let Some((known, _)) = self.partitions.get_key_value(&partition) {
            return Some(Arc::clone(known));
        }
        // A vector of no length cannot be compared with anything.
        let index = Index::new(Options::new(partition.2)).ok()?;
        let partition = Arc::new(partition);
        self.partitions.insert(Arc::clone(&partition), index);
        Some(partition)
    }
}

impl Follows for Book {
    fn apply(&mut self, changes: &[(Fingerprint, i64)]) {
        // 1. What each session comes to: an assertion outweighs the retraction of what it replaces.
        let mut sessions = BTreeMap::<SessionId, Option<&Fingerprint>>::new();
        for (fingerprint, difference) in changes {
            let stands = sessions.entry(fingerprint.session).or_insert(None);
            if *difference > 0 {
                *stands = (*stands).max(Some(fingerprint));
            }
        }
        // 2. Each index hears of the sessions that leave it and of those that stay or come.
        let mut by_partition = BTreeMap::<Arc<Partition>, Vec<(SessionId, Option<Arc<Entry>>)>>::new();
        for (session, fingerprint) in sessions {
            let entry = fingerprint.and_then(|fingerprint| {
                Some(Arc::new(Entry {
                    partition: self.partition(fingerprint)?,
                    user: fingerprint.user,
                    measured_at: fingerprint.measured_at,
                    calibrated_until: fingerprint.calibrated_until,
                    vector: fingerprint.vector.values().into(),
                }))
            });
            let before = self.put(session, entry.clone());
            let stays = before.as_ref().zip(entry.as_ref()).is_some_and(|(b, e)| b.partition == e.partition);
            if let Some(before) = before.filter(|_| !stays) {
                by_partition.entry(Arc::clone(&before.partition)).or_default().push((session, None));
            }
            if let Some(entry) = entry {
                by_partition.entry(Arc::clone(&entry.partition)).or_default().push((session, Some(entry)));
            }
        }
        let mut refused = BTreeSet::new();
        for (partition, changes) in &by_partition {
            let Some(index) = self.partitions.get_mut(partition) else { continue };
            let vectors =
                changes.iter().map(|(session, entry)| (*session, entry.as_ref().map(|entry| &*entry.vector)));
            refused.extend(index.apply(vectors).into_iter().map(|(session, _)| session));
        }
        // 3. What is not of length one is in no index, and is not asked for.
        for session in refused {
            self.put(session, None);
        }
    }

    fn version(&self) -> Arc<dyn Similar> {
        let partitions =
            self.partitions.iter().map(|(key, index)| (Arc::clone(key), index.version())).collect();
        Arc::new(Page { shards: self.shards.clone(), partitions })
    }
}

impl Similar for Page {
    fn nearest(&self, session: SessionId, count: usize) -> Result<Vec<Neighbour>, Unanswered> {
        let entry = |session: SessionId| self.shards[place(session)].get(&session);
        let own = entry(session).ok_or(Unanswered::NoFingerprint)?;
        let version = self.partitions.get(&own.partition).ok_or(Unanswered::NoFingerprint)?;
        let found = version.search(&own.vector, count, |other| *other == session);
        let found = found.map_err(|_| Unanswered::Count { most: MOST })?;
        let certain = found.certain;
        let neighbour = |(place, (session, cosine)): (usize, (SessionId, f32))| {
            let other = entry(session)?;
            let (older, newer) =
                if own.measured_at < other.measured_at { (own, other) } else { (other, own) };
            Some(Neighbour {
                session,
                user: other.user,
                measured_at: other.measured_at,
                cosine,
                certain: place < certain,
                older_by: own.measured_at.saturating_sub(other.measured_at),
                drifted: older.calibrated_until.is_some_and(|until| until < newer.measured_at),
            })
        };
        Ok(found.neighbours.into_iter().enumerate().filter_map(neighbour).collect())
    }
}

fn place(session: SessionId) -> usize {
    session.route() as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Vector;

    fn fingerprint(n: u32, revision: u32, values: &[f32]) -> Fingerprint {
        let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        let values = values.iter().map(|value| value / norm).collect();
        Fingerprint {
            session: session(n),
            measured_at: i64::from(n) * 1_000,
            revision,
            user: UserId::derive(&["u"]),
            cartridge: CartridgeKind { category: 1, kind: 1 },
            layout: "v1".into(),
            normaliser: "n".into(),
            calibration: None,
            calibrated_until: Some(2_500),
            mask: Vec::new(),
            vector: Vector::finite(values).unwrap(),
            hash: String::new(),
        }
    }

    fn session(n: u32) -> SessionId {
        SessionId::derive(&[&n.to_string()])
    }

    fn ids(neighbours: &[Neighbour]) -> Vec<SessionId> {
        neighbours.iter().map(|neighbour| neighbour.session).collect()
    }

    #[test]
    fn revisions_move_and_retractions_remove_and_old_versions_stay() {
        let mut book = Book::default();
        let all = [
            (fingerprint(1, 0, &[1.0, 0.0, 0.0]), 1),
            (fingerprint(2, 0, &[1.0, 0.1, 0.0]), 1),
            (fingerprint(3, 0, &[0.0, 1.0, 0.0]), 1),
        ];
        book.apply(&all);
        let before = book.version();
        let found = before.nearest(session(1), 5).unwrap();
        assert_eq!(ids(&found), [session(2), session(3)]);
        assert!(found.iter().all(|neighbour| neighbour.certain) && found[0].cosine > 0.99);
        assert_eq!([found[0].older_by, found[1].older_by], [-1_000, -2_000]);
        // Calibrated until 2,500: what was measured at 3,000 came after.
        assert_eq!([found[0].drifted, found[1].drifted], [false, true]);
        book.apply(&[all[1].clone()].map(|(old, _)| (old, -1)));
        book.apply(&[(all[2].0.clone(), -1), (fingerprint(3, 1, &[1.0, 0.01, 0.0]), 1)]);
        assert_eq!(ids(&book.version().nearest(session(1), 5).unwrap()), [session(3)]);
        assert_eq!(book.version().nearest(session(2), 5), Err(Unanswered::NoFingerprint));
        assert_eq!(ids(&before.nearest(session(1), 5).unwrap()), [session(2), session(3)]);
        assert_eq!(before.nearest(session(1), 0), Err(Unanswered::Count { most: MOST }));
        assert_eq!(before.nearest(session(1), MOST + 1), Err(Unanswered::Count { most: MOST }));
    }

    #[test]
    fn what_cannot_be_compared_is_not_found() {
        let mut book = Book::default();
        let other = |change: fn(&mut Fingerprint), n: u32| {
            let mut fingerprint = fingerprint(n, 0, &[1.0, 0.0, 0.0]);
            change(&mut fingerprint);
            (fingerprint, 1)
        };
        book.apply(&[
            other(|_| (), 1),
            other(|it| it.layout = "raw".into(), 2),
            other(|it| it.normaliser = "m".into(), 3),
            other(|it| it.cartridge.kind = 2, 4),
            other(|it| it.vector = Vector::finite(vec![1.0, 0.0]).unwrap(), 5),
            other(|it| it.vector = Vector::finite(vec![0.5, 0.0, 0.0]).unwrap(), 6),
            other(|it| it.vector = Vector::default(), 7),
        ]);
        let version = book.version();
        assert_eq!(version.nearest(session(1), 5), Ok(Vec::new()));
        assert_eq!(version.nearest(session(6), 5), Err(Unanswered::NoFingerprint), "not of length one");
        assert_eq!(version.nearest(session(7), 5), Err(Unanswered::NoFingerprint), "of no dimension");
        // A revision that can be compared comes, one that cannot goes.
        book.apply(&[(fingerprint(2, 0, &[1.0, 0.0, 0.0]), -1), other(|it| it.revision = 1, 2)]);
        assert_eq!(ids(&book.version().nearest(session(1), 5).unwrap()), [session(2)]);
    }
}
