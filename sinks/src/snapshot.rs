//! Snapshots: what every step remembered at the end of a committed epoch, so that a start need not compute
//! everything again.
//!
//! # Layout
//! ```text
//! DIR/<epoch>-<incarnation>-<number>-<digest>.arrow   entries of one step, ordered by key
//! DIR/<epoch>-<incarnation>.json                      the manifest: what belongs together
//! DIR/*.tmp                                           files being written
//! ```
//!
//! # Invariants
//! - A snapshot counts once its manifest is there; the manifest appears whole, once, and after everything
//!   it names is durable.
//! - Every byte of a snapshot that is used was verified: chunks by the digests in the manifest, the manifest
//!   by the digest that seals it.
//! - A damaged snapshot is said loudly and left in place; the one before is used.
//! - Which epoch is committed is said by the log alone: a snapshot only spares work.
//! - Entries may be health data: what prints is counts, sizes, places and digests.

use crate::{Binding, Digest, Error, binding::Intent, disk::Disk};
use model::{Epoch, state::StepVersion};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Path, PathBuf},
};

mod chunk;
mod draft;
mod manifest;
mod prune;
mod state;
mod stored;

pub use draft::{Draft, Summary};
use prune::prune;
pub use state::StateDigest;
pub use stored::{Found, Stored, candidates, newest};

pub(crate) use stored::{all, first_whole};

/// Where snapshots lie and when they are taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Directory of the snapshots; created if missing.
    pub dir: PathBuf,
    /// A snapshot is taken when the last one was so many milliseconds ago …
    pub interval_ms: u64,
    /// … or when so many bytes of input were committed since.
    pub input_bytes: u64,
    /// So many of the newest are kept, and the newest one that the lake has reached.
    pub keep: usize,
    /// So many bytes leave a worker at a time.
    pub slice_bytes: usize,
}

/// Where in the history a snapshot stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The epoch at whose end the state was this.
    pub binding: Binding,
    /// Offset on the topic of bindings: the binding of the epoch stands there or behind, and every later one
    /// behind that.
    pub history: u64,
    /// The newest intent for the lake up to the epoch.
    pub intent: Option<Intent>,
    /// The last epoch the lake held when the snapshot was taken.
    pub through: Option<Epoch>,
    /// The lake must hold this epoch before the snapshot can be started from: rows up to it are in no
    /// snapshot. `None` if there never were rows.
    pub rows: Option<Epoch>,
    /// What the pipeline counted up to the epoch; opaque here.
    pub counts: serde_json::Value,
}

impl Mark {
    /// Whether nothing is missing between a lake that holds everything up to `through` and this snapshot.
    pub fn is_reached_by(&self, through: Option<Epoch>) -> bool {
        self.rows.is_none_or(|rows| through.is_some_and(|through| rows <= through))
    }
}

/// What all files of one snapshot begin with.
///
/// A start has a number of its own, so no two processes write under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    epoch: Epoch,
    incarnation: u64,
}

/// Digits of a number in a name: names sort as numbers do.
const DIGITS: usize = 20;

impl Name {
    fn prefix(self) -> String {
        format!("{:0DIGITS$}-{:0DIGITS$}", self.epoch, self.incarnation)
    }

    fn manifest(self) -> String {
        format!("{}.json", self.prefix())
    }

    fn chunk(self, number: usize, digest: Digest) -> String {
        format!("{}-{number:06}-{}.arrow", self.prefix(), digest.short())
    }

    /// The snapshot that `file` belongs to, if it is of one.
    fn of(file: &str) -> Option<Self> {
        let (prefix, rest) = file.split_at_checked(2 * DIGITS + 1)?;
        let (epoch, incarnation) = prefix.split_once('-').filter(|_| rest.starts_with(['-', '.']))?;
        let name = Self { epoch: epoch.parse().ok()?, incarnation: incarnation.parse().ok()? };
        (name.prefix() == prefix).then_some(name)
    }
}

/// Names in `dir`; none if it does not exist.
fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>, Error> {
    match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.map_err(refused("list", dir)),
    }
}

/// For `map_err` on a file operation.
fn refused(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    Error::disk_of("snapshot.dir", doing, path)
}

/// What a manifest says of a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Chunk {
    file: String,
    #[serde(flatten)]
    of: StepVersion,
    entries: u64,
    bytes: u64,
    blake3: Digest,
}

#[cfg(test)]
mod tests;
