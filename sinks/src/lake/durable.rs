//! Files that survive a power cut: written under another name, synced, named, and the name synced.

use crate::Error;
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
};

/// Writes `bytes` to `target`, whole or not at all; `incoming` is a folder of the same file system.
///
/// The name is durable only after [`sync_dir`] of the folder of `target`.
pub(super) fn write(incoming: &Path, target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let name = target.file_name().expect("the target is a file");
    let temporary = incoming.join(name);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let named = written.and_then(|()| fs::rename(&temporary, target));
    named.map_err(|error| {
        // What is half written takes space that others may need; if it stays it is an orphan.
        fs::remove_file(&temporary).unwrap_or_default();
        Error::disk("write", target)(error)
    })
}

/// Gives the file `from` the second name `to`; false if `to` is taken or there is no `from`.
pub(super) fn link_if_absent(from: &Path, to: &Path) -> Result<bool, Error> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(Error::disk("publish", to)(error)),
    }
}

/// Makes `dir` and what is missing above it; durable from `root` down.
pub(super) fn make_dir(dir: &Path, root: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(Error::disk("create", dir))?;
    let above = dir.ancestors().skip(1).take_while(|above| above.starts_with(root));
    above.chain(root.parent().filter(|parent| parent.is_dir())).try_for_each(sync_dir)
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::disk("sync", dir))
}

/// The numbers that name files in `folder`, ascending; names without `suffix` or number are ignored.
pub(super) fn numbers(folder: &Path, suffix: &str) -> Result<Vec<u64>, Error> {
    let mut numbers = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(numbers),
        entries => entries.map_err(Error::disk("list", folder))?,
    };
    for entry in entries {
        let name = entry.map_err(Error::disk("list", folder))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(suffix)?.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}
