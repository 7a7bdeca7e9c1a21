//! A digest of state that does not depend on who held which entry or in what order it was told.

use crate::Digest;
use model::state::Export;

/// Digest of a multiset of entries: each a step, a key and a value.
///
/// Every entry is hashed under the name of its step and the hashes are added up, lane by lane, so any number
/// of workers, chunks or slices comes to the same. It finds accidents; it does not withstand somebody who
/// constructs entries.
///
/// # Examples
/// ```
/// # use sinks::snapshot::StateDigest;
/// let (mut one, mut two) = (StateDigest::default(), StateDigest::default());
/// one.add("sequence", b"device-1", b"7");
/// two.add("sequence", b"device-2", b"8");
/// let mut other = two.clone();
/// other.add("sequence", b"device-1", b"7");
/// one.add("sequence", b"device-2", b"8");
/// assert_eq!(one.finish(), other.finish());
/// assert_ne!(one.finish(), two.finish());
/// ```
#[derive(Clone, Debug, Default)]
pub struct StateDigest {
    lanes: [u64; 4],
    entries: u64,
    /// The step added last, and the key its entries are hashed under.
    step: Option<(String, [u8; 32])>,
    scratch: Vec<u8>,
}

impl StateDigest {
    /// Adds an entry.
    pub fn add(&mut self, step: &str, key: &[u8], value: &[u8]) {
        let under = match &self.step {
            Some((name, under)) if name == step => *under,
            _ => self.step.insert((step.to_owned(), *blake3::hash(step.as_bytes()).as_bytes())).1,
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(&(key.len() as u64).to_le_bytes());
        self.scratch.extend_from_slice(key);
        self.scratch.extend_from_slice(value);
        let hash = blake3::keyed_hash(&under, &self.scratch);
        let (hash, _) = hash.as_bytes().as_chunks::<8>();
        for (lane, part) in self.lanes.iter_mut().zip(hash) {
            *lane = lane.wrapping_add(u64::from_le_bytes(*part));
        }
        self.entries += 1;
    }

    /// Adds every entry of `export`; the version of the step does not count.
    pub fn add_export(&mut self, export: &Export) {
        for (key, value) in export.pieces.iter() {
            self.add(&export.of.step, key, value);
        }
    }

    /// Entries added.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// What it all comes down to.
    pub fn finish(&self) -> Digest {
        let mut bytes = self.entries.to_le_bytes().to_vec();
        bytes.extend(self.lanes.iter().flat_map(|lane| lane.to_le_bytes()));
        Digest::of(&bytes)
    }
}
