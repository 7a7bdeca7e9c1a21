//! A real file system that is full, and one that is read-only; needs the right to mount one.

use super::output;
use crate::{
    Error,
    disk::{Machine, machine},
    lake::{Lake, verify},
    views::Views,
};
use std::{fs, path::Path, process::Command};

/// A file system of one mebibyte in memory, for as long as this is held.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    /// `None` if this user may not.
    fn new(dir: &'a Path) -> Option<Self> {
        mount(&["-t", "tmpfs", "-o", "size=1m", "none"], dir).then_some(Self(dir))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg(self.0).output().unwrap();
    }
}

fn mount(arguments: &[&str], dir: &Path) -> bool {
    Command::new("mount").args(arguments).arg(dir).output().is_ok_and(|done| done.status.success())
}

#[test]
fn a_full_and_a_read_only_file_system_say_so_and_it_goes_on_after() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mounted) = Mounted::new(dir.path()) else {
        return eprintln!("not tested: this user may not mount a file system");
    };
    let root = dir.path().join("lake");
    let mut lake = Lake::open(machine(), &root).unwrap();
    let mut views = Views::new(&lake);
    views.apply(&output(0)).unwrap();
    let refused = |result: Result<(), Error>, cause: &str, step: &str| {
        let error = result.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Disk { .. }), "{text}");
        assert!(
            text.contains(cause) && text.ends_with(step) && text.contains(root.to_str().unwrap()),
            "{text}"
        );
    };
    // 1. Full.
    let ballast = dir.path().join("ballast");
    fs::write(&ballast, vec![1; 1 << 21]).unwrap_err();
    let (cause, step) = ("No space left on device", "free some space or set another commit.lake.dir");
    refused(lake.prepare(0, &views.cut()).map(drop), cause, step);
    assert!(Lake::read(&Machine, &root).unwrap().is_empty());
    fs::remove_file(&ballast).unwrap();
    let prepared = lake.prepare(0, &views.cut()).unwrap();
    lake.advance(&prepared).unwrap();
    // 2. Read-only.
    assert!(mount(&["-o", "remount,ro"], dir.path()));
    let (cause, step) =
        ("Read-only file system", "make it writable for this user or set another commit.lake.dir");
    refused(lake.publish(&prepared.intent), cause, step);
    refused(Lake::open(machine(), &root).map(drop), cause, step);
    refused(lake.prepare(1, &views.cut()).map(drop), cause, step);
    assert!(Lake::read(&Machine, &root).unwrap().is_empty(), "a reader needs no right to write");
    assert!(mount(&["-o", "remount,rw"], dir.path()));
    lake.publish(&prepared.intent).unwrap();
    assert_eq!(Lake::read(&Machine, &root).unwrap().len(), 5);
    let report = verify(&Machine, &root);
    assert!(report.ok() && report.orphans == 0, "{report}");
}
