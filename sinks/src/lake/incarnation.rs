//! The number of a start: files are named by it, so that no two processes ever write the same name.

use super::{INCARNATIONS, durable};
use crate::{Error, disk::Disk};
use std::{io, path::Path};

/// Takes the next free number by creating its file, which also proves that the directory is writable.
pub(super) fn take(disk: &dyn Disk, dir: &Path) -> Result<u64, Error> {
    let folder = dir.join(INCARNATIONS);
    let taken = durable::numbers(disk, &folder, "")?.last().copied().unwrap_or(0);
    for number in taken + 1.. {
        let path = folder.join(format!("{number:020}"));
        match disk.write_new(&path, b"").and_then(|()| disk.sync(&path)) {
            Ok(()) => {
                durable::sync_dir(disk, &folder)?;
                return Ok(number);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::disk("write", &path)(error)),
        }
    }
    unreachable!("there are more numbers than starts")
}
