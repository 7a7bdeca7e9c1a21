//! Exported state: what a step remembers of each key, as bytes that only the step itself understands.
//!
//! Steps write pieces, snapshots keep them, steps read them back; nobody in between looks inside.
//!
//! # Invariants
//! - The content may be health data: what prints is counts and sizes.

use std::fmt;

/// Exported entries of one step, keys and values in one arena.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pieces {
    bytes: Vec<u8>,
    /// Where the key and the value of each entry end.
    ends: Vec<(usize, usize)>,
}

impl Pieces {
    /// Appends an entry; `write` appends its key, then says where the value begins, then appends the value.
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<usize, E>) -> Result<(), E> {
        let before = self.bytes.len();
        match write(&mut self.bytes) {
            Ok(key) => {
                self.ends.push((key, self.bytes.len()));
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(before);
                Err(error)
            }
        }
    }

    /// Appends an entry.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((end, self.bytes.len()));
    }

    /// Keys and values, in the order appended.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut from = 0;
        self.ends.iter().map(move |(key, value)| {
            let start = std::mem::replace(&mut from, *value);
            (&self.bytes[start..*key], &self.bytes[*key..*value])
        })
    }

    /// Number of entries.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no entry.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all keys and values.
    pub const fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pieces({} entries, {} bytes)", self.len(), self.bytes())
    }
}

/// A step and the version in which it writes its state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct StepVersion {
    /// Stable name of the step.
    pub step: String,
    /// Version of the form of its entries.
    pub version: u32,
}

/// What one worker exported of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The step.
    pub of: StepVersion,
    /// Its entries, in no particular order.
    pub pieces: Pieces,
}
