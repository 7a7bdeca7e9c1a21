//! A disk without room for the index; needs the right to mount one.

use crate::{options, topic};
use eventlog::{Error, Log, Outcome, TopicPartition, Writer, embedded::Embedded};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    slice::from_ref,
};

/// A small file system in memory, for as long as this is held.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    /// `None` if this user may not.
    fn new(dir: &'a Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=96m", "none"]).arg(dir).output();
        mount.is_ok_and(|done| done.status.success()).then_some(Self(dir))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0).output().unwrap();
    }
}

/// Takes all room there is.
fn fill(path: &PathBuf) {
    let mut file = File::create(path).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![1; size];
        while file.write_all(&block).is_ok() {}
    }
}

/// Commits an offset and no record: only the index is written.
pub(crate) fn commit(writer: &mut dyn Writer, at: &TopicPartition, offset: u64) -> Result<Outcome, Error> {
    writer.begin()?;
    writer.commit("group", &[(at.clone(), offset)])
}

#[test]
fn an_index_without_room_leaves_one_commit_in_doubt_and_fails_every_other_until_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mounted) = Mounted::new(dir.path()) else {
        return eprintln!("not tested: this user may not mount a file system");
    };
    let log = Embedded::open(&options(dir.path())).unwrap();
    let at = TopicPartition { topic: topic(&log, "t", 1), partition: 0 };
    let mut writer = log.writer("w").unwrap();
    assert_eq!(commit(&mut *writer, &at, 1).unwrap(), Outcome::Committed);
    let ballast = dir.path().join("ballast");
    fill(&ballast);
    // What still fits into the last page of the index is committed.
    let (doubtful, outcome) = (2..1_000_000)
        .map(|offset| (offset, commit(&mut *writer, &at, offset).unwrap()))
        .find(|(_, outcome)| *outcome != Outcome::Committed)
        .unwrap();
    assert_eq!(outcome, Outcome::Unknown);
    std::fs::remove_file(&ballast).unwrap();
    for _ in 0..3 {
        // The same writer, a new one: the next step is another process, and it is said, not tried for ever.
        let mut fresh = log.writer("w").unwrap();
        let error = commit(&mut *fresh, &at, doubtful).unwrap_err();
        assert!(matches!(error, Error::Failed { .. }), "{error:?}");
        assert!(error.to_string().contains("start this program again"), "{error}");
    }
    // What is read meanwhile is what was committed for certain.
    assert_eq!(log.committed("group", from_ref(&at)).unwrap(), [Some(doubtful - 1)]);
    drop((writer, log));
    let log = Embedded::open(&options(dir.path())).unwrap();
    let found = log.committed("group", from_ref(&at)).unwrap()[0].unwrap();
    assert!(found == doubtful || found == doubtful - 1, "{found} is neither before nor after {doubtful}");
    assert_eq!(commit(&mut *log.writer("w").unwrap(), &at, 1 << 40).unwrap(), Outcome::Committed);
    assert_eq!(log.committed("group", &[at]).unwrap(), [Some(1 << 40)]);
}
