//! What each call does when it is done, cut or refused.

use super::{How, Kind, SimDisk};
use crate::disk::Disk;
use model::Micros;
use std::{
    io,
    path::{Path, PathBuf},
};

impl Disk for SimDisk {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.name(Kind::Grow, |tree, _| tree.make_dir(dir))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.put(path, bytes, false)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.put(path, bytes, true)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.operate(Kind::Sync, |state, how| match how {
            How::Failed(_) => state.tree.lose(path, &mut state.random),
            How::Cut if state.random.coin() => Ok(()),
            How::Cut | How::Whole => state.tree.sync(path),
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.name(Kind::Sync, |tree, _| tree.sync_dir(dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.name(Kind::Change, |tree, _| tree.rename(from, to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.name(Kind::Grow, |tree, _| tree.link(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.name(Kind::Change, |tree, _| tree.remove(path))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.look(|tree| tree.content(path).map(<[u8]>::to_vec))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        self.look(|tree| tree.content(path).map(|bytes| bytes.len() as u64))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.look(|tree| tree.list(dir))
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.look(|tree| tree.list(path)).is_ok()
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        self.name(Kind::Change, |tree, now| tree.touch(path, now))
    }

    fn modified(&self, path: &Path) -> io::Result<Micros> {
        self.look(|tree| tree.modified(path))
    }

    fn space(&self, _path: &Path) -> io::Result<u64> {
        self.operate(Kind::Look, |state, _| {
            let all = state.budget.unwrap_or(1 << 40);
            Ok(all.saturating_sub(state.tree.used()))
        })
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.look(|tree| tree.canonical(path))
    }
}
