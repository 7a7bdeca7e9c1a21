//! One step of the lake: which files it adds, which it removes, and which step it follows.
//!
//! # Layout
//! Two lines of JSON: the manifest, and the digest of the first line, so that damage is seen even in
//! the newest manifest, which no other one names.

use super::{MANIFESTS, durable};
use crate::{
    Digest, Error,
    digest::{seal, unseal},
    disk::Disk,
};
use model::{Epoch, Micros};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(super) sequence: u64,
    pub(super) previous: Option<Digest>,
    pub(super) incarnation: u64,
    pub(super) first_epoch: Epoch,
    pub(super) last_epoch: Epoch,
    pub(super) add: Vec<Added>,
    pub(super) remove: Vec<Removed>,
    /// Digest of the fold of the manifests before, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fold: Option<Digest>,
}

/// A file that counts from this step on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Added {
    pub(super) table: String,
    /// From the directory of the lake.
    pub(super) path: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) blake3: Digest,
    /// No row is dated before this …
    pub(super) time_min: Micros,
    /// … or after this.
    pub(super) time_max: Micros,
}

/// A file that does not count any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Removed {
    pub(super) table: String,
    pub(super) path: String,
}

impl Manifest {
    /// The bytes of the file and the digest that names this manifest.
    pub(super) fn encode(&self) -> (Vec<u8>, Digest) {
        seal(serde_json::to_vec(self).expect("a manifest is text and integers"))
    }

    /// Reads a manifest and its digest.
    pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<(Self, Digest), Error> {
        let bytes = disk.read(path).map_err(Error::disk("read", path))?;
        Self::decode(&bytes).map_err(|detail| Error::damaged(path, detail))
    }

    fn decode(bytes: &[u8]) -> Result<(Self, Digest), &'static str> {
        let damaged = "damaged manifest: restore it from a copy; nothing of it was used";
        let (body, digest) = unseal(bytes).ok_or(damaged)?;
        let manifest = serde_json::from_slice(body);
        Ok((manifest.map_err(|_| "manifest of another version: start the version that wrote it")?, digest))
    }
}

impl Added {
    /// The folder of its day.
    pub(super) fn folder(&self) -> &str {
        self.path.split('/').nth(1).expect("table/day/name")
    }
}

/// Where manifest `sequence` stands, from the directory of the lake.
pub(super) fn path(sequence: u64) -> String {
    format!("{MANIFESTS}/{sequence:020}.json")
}

/// Number of the newest manifest in `dir`, 0 if there is none.
pub(super) fn newest(disk: &dyn Disk, dir: &Path) -> Result<u64, Error> {
    Ok(durable::numbers(disk, &dir.join(MANIFESTS), ".json")?.last().copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let added = Added {
            table: "windows".into(),
            path: "windows/date=2023-11-14/a.parquet".into(),
            rows: 1,
            bytes: 2,
            blake3: Digest::of(b"file"),
            time_min: -3,
            time_max: 4,
        };
        let removed = Removed { table: "alerts".into(), path: "alerts/date=2023-11-14/b.parquet".into() };
        let manifest = Manifest {
            sequence: 7,
            previous: Some(Digest::of(b"six")),
            incarnation: 3,
            first_epoch: 10,
            last_epoch: 12,
            add: vec![added],
            remove: vec![removed],
            fold: Some(Digest::of(b"fold")),
        };
        let (bytes, digest) = manifest.encode();
        assert_eq!(Manifest::decode(&bytes), Ok((manifest, digest)));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
