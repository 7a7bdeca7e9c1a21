//! Removes snapshots that no start will want, and what was left of unfinished ones.
//!
//! # Invariants
//! - The newest snapshot that the lake has reached always stays: it is the one a start can use.
//! - A manifest goes before its chunks, durably: there is never one that names what is gone.
//! - What is damaged stays for whoever looks into it.

use super::{Name, Stored, list, refused, stored::all};
use crate::{Error, disk::Shared};
use model::Epoch;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Keeps the newest `keep` snapshots up to `newest`, the one just taken, and the newest that a lake holding
/// everything up to `through` has reached.
///
/// What is newer than `newest` is of another history, whose log was replaced: it stays and counts for nothing.
///
/// # Errors
/// [`Error::Disk`]; what is left goes the next time.
pub(super) fn prune(
    disk: &Shared,
    dir: &Path,
    keep: usize,
    newest: Name,
    through: Option<Epoch>,
) -> Result<(), Error> {
    let (mut snapshots, _) = all(disk, dir)?;
    snapshots.retain(|stored| stored.name <= newest);
    let needed = snapshots.iter().position(|stored| stored.mark.is_reached_by(through));
    let known: BTreeMap<Name, (bool, BTreeSet<&str>)> = snapshots
        .iter()
        .enumerate()
        .map(|(place, stored)| (stored.name, (place < keep.max(1) || Some(place) == needed, files(stored))))
        .collect();
    let names = list(&**disk, dir)?;
    let manifests: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let gone = |file: &str| {
        let Some(name) = Name::of(file) else { return false };
        match known.get(&name) {
            Some((kept, files)) => !kept || !(files.contains(file) || is_manifest(file)),
            // Without a manifest it was never finished, unless it is being written now.
            None => name < newest && !manifests.contains(name.manifest().as_str()),
        }
    };
    let (first, then): (Vec<&String>, Vec<&String>) =
        names.iter().filter(|file| gone(file)).partition(|file| is_manifest(file));
    for files in [first, then] {
        for file in &files {
            let path = dir.join(file);
            disk.remove(&path).map_err(refused("remove", &path))?;
        }
        if !files.is_empty() {
            disk.sync_dir(dir).map_err(refused("sync", dir))?;
        }
    }
    Ok(())
}

fn is_manifest(file: &str) -> bool {
    Name::of(file).is_some_and(|name| file == name.manifest())
}

fn files(stored: &Stored) -> BTreeSet<&str> {
    stored.chunks.iter().map(|chunk| chunk.file.as_str()).collect()
}
