//! Files that survive a power cut: written under another name, synced, named, and the name synced.

use crate::{Error, disk::Disk};
use model::planted::{self, Bug};
use std::{
    io::{self, ErrorKind},
    path::Path,
};

/// Writes `bytes` to `target`, whole or not at all; `incoming` is a folder of the same file system.
///
/// The name is durable only after [`sync_dir`] of the folder of `target`.
pub(super) fn write(disk: &dyn Disk, incoming: &Path, target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let name = target.file_name().expect("the target is a file");
    let temporary = incoming.join(name);
    let written = disk
        .write(&temporary, bytes)
        .and_then(|()| if planted::is(Bug::SkipSync) { Ok(()) } else { disk.sync(&temporary) });
    let named = written.and_then(|()| disk.rename(&temporary, target));
    named.map_err(|error| {
        // What is half written takes space that others may need; if it stays it is an orphan.
        disk.remove(&temporary).unwrap_or_default();
        Error::disk("write", target)(error)
    })
}

/// Gives the file `from` the second name `to`; false if `to` is taken or there is no `from`.
pub(super) fn link_if_absent(disk: &dyn Disk, from: &Path, to: &Path) -> Result<bool, Error> {
    match disk.link(from, to) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(Error::disk("publish", to)(error)),
    }
}

/// Makes `dir` and what is missing above it; durable once what is above is synced.
pub(super) fn make_dir(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    if disk.is_dir(dir) {
        return Ok(());
    }
    disk.make_dir(dir).map_err(Error::disk("create", dir))
}

/// Makes the name of `root` durable, and those above it as far as this user may.
///
/// A folder that is there may be one whose maker died before its name was durable, so this is done at every
/// start; only for a new one a refusal counts, as what is above may not be ours to open.
pub(super) fn sync_above(disk: &dyn Disk, root: &Path, new: bool) -> Result<(), Error> {
    for (level, above) in root.ancestors().skip(1).enumerate() {
        let synced = sync_dir(disk, above);
        if new && level == 0 {
            synced?;
        }
    }
    Ok(())
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    if planted::is(Bug::SkipDirSync) {
        return Ok(());
    }
    disk.sync_dir(dir).map_err(Error::disk("sync", dir))
}

/// The names in `folder`, ascending; none if there is no such folder.
pub(super) fn names(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, Error> {
    match disk.list(folder) {
        Ok(mut names) => {
            names.sort_unstable();
            Ok(names)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::disk("list", folder)(error)),
    }
}

/// The numbers that name files in `folder`, ascending; names without `suffix` or number are ignored.
pub(super) fn numbers(disk: &dyn Disk, folder: &Path, suffix: &str) -> Result<Vec<u64>, Error> {
    let names = names(disk, folder)?;
    let numbers = names.iter().filter_map(|name| name.strip_suffix(suffix)?.parse::<u64>().ok());
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Length of the file `path`; `None` if it is not there.
pub(super) fn length(disk: &dyn Disk, path: &Path) -> io::Result<Option<u64>> {
    match disk.len(path) {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
