//! A lake whose disk is slow: commits do not wait for it, and nothing is lost or twice whenever its answer comes.

use super::{Rig, binding, commit_all, output, undisturbed};
use crate::{
    Committer,
    commit::Hand,
    disk::{Disk, Machine},
    lake::Lake,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

/// The machine's disk behind a gate: while it is shut, what writes below the lake waits.
#[derive(Debug, Default)]
struct Gate {
    shut: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn shut(&self, shut: bool) {
        *self.shut.lock().unwrap() = shut;
        self.opened.notify_all();
    }

    fn pass(&self) -> &Machine {
        drop(self.opened.wait_while(self.shut.lock().unwrap(), |shut| *shut).unwrap());
        &Machine
    }
}

impl Disk for Gate {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.pass().make_dir(dir)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.pass().write(path, bytes)
    }
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.pass().write_new(path, bytes)
    }
    fn sync(&self, path: &Path) -> io::Result<()> {
        self.pass().sync(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.pass().sync_dir(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass().rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass().link(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass().remove(path)
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Machine.read(path)
    }
    fn len(&self, path: &Path) -> io::Result<u64> {
        Machine.len(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Machine.list(dir)
    }
    fn is_dir(&self, path: &Path) -> bool {
        Machine.is_dir(path)
    }
    fn touch(&self, path: &Path) -> io::Result<()> {
        self.pass().touch(path)
    }
    fn modified(&self, path: &Path) -> io::Result<model::Micros> {
        Machine.modified(path)
    }
    fn space(&self, path: &Path) -> io::Result<u64> {
        Machine.space(path)
    }
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        Machine.canonical(path)
    }
}

fn rows_of_lake(rig: &Rig) -> u64 {
    Lake::read(&Machine, &rig.lake()).unwrap().values().flatten().map(|file| file.rows).sum()
}

/// Commits `epochs`, and gives those whose binding brought a manifest.
fn commit(committer: &mut Committer, epochs: std::ops::Range<u64>) -> Vec<u64> {
    let manifest =
        |epoch: &u64| committer.commit(binding(*epoch), &output(*epoch)).unwrap().manifest.is_some();
    epochs.filter(manifest).collect()
}

#[test]
fn commits_go_on_while_the_disk_of_the_lake_stands_still() {
    let gate = Arc::new(Gate::default());
    let mut rig = Rig::new();
    (rig.hand, rig.disk) = (Hand::Thread, Arc::clone(&gate) as crate::disk::Shared);
    let (mut committer, _) = rig.resume();
    gate.shut(true);
    assert_eq!(commit(&mut committer, 0..12), Vec::<u64>::new(), "nothing of the lake is on disk");
    assert_eq!(rig.shelf.take().as_of_epoch, Some(11));
    rig.pass_seconds(11);
    let lag = committer.commit(binding(12), &output(12)).unwrap().lake_lag.unwrap();
    assert_eq!((lag.since, lag.attempts), (3, 1), "{lag:?}");
    assert!(lag.reason.contains("slow"), "{lag:?}");
    assert_eq!(rows_of_lake(&rig), 0);

    gate.shut(false);
    committer.drain(binding(13), &output(13)).unwrap();
    let expected = undisturbed(13);
    assert_eq!(rig.rows(), expected.rows());
    assert!(rig.published() == expected.published());
    assert_eq!(rows_of_lake(&rig), rows_of_lake(&expected));
}

#[test]
fn whenever_the_answer_comes_topics_tables_and_lake_are_the_same() {
    let expected = undisturbed(20);
    for looks in [1, 2, 3, 5, 8, 50] {
        let mut rig = Rig::new();
        rig.hand = Hand::Own(looks);
        let (mut committer, _) = rig.resume();
        let manifests = commit(&mut committer, 0..20);
        assert_eq!(manifests.is_empty(), looks == 50, "{looks} looks: {manifests:?}");
        committer.drain(binding(20), &output(20)).unwrap();
        assert!(rig.published() == expected.published(), "{looks} looks");
        assert_eq!(rig.rows(), expected.rows(), "{looks} looks");
        assert_eq!(rows_of_lake(&rig), rows_of_lake(&expected), "{looks} looks");
        assert!(crate::lake::verify(&Machine, &rig.lake()).ok());
    }
}

#[test]
fn dying_with_a_write_under_way_loses_nothing() {
    let expected = undisturbed(20);
    for looks in 1..6 {
        let mut rig = Rig::new();
        rig.hand = Hand::Own(looks);
        for stop in [4, 5, 7, 11, 12, 18] {
            let (mut committer, next) = rig.resume();
            commit(&mut committer, next..stop);
        }
        let (mut committer, next) = rig.resume();
        assert_eq!(next, 18);
        commit_all(&mut committer, 18..20);
        assert!(rig.published() == expected.published(), "{looks} looks");
        assert_eq!(rig.rows(), expected.rows(), "{looks} looks");
        assert_eq!(rows_of_lake(&rig), rows_of_lake(&expected), "{looks} looks");
    }
}

#[test]
fn more_than_may_wait_waits_for_a_slow_disk() {
    let gate = Arc::new(Gate::default());
    let mut rig = Rig::new();
    (rig.hand, rig.disk) = (Hand::Thread, Arc::clone(&gate) as crate::disk::Shared);
    let mut options = rig.options();
    options.lake.outbox_bytes = 1;
    let (mut committer, _) = rig.open_with(&options).unwrap();
    gate.shut(true);
    let opens = Arc::clone(&gate);
    let opener = std::thread::Builder::new().name("opener".into()).spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        opens.shut(false);
    });
    // The fourth epoch begins the flush, and waits for it: it is the one that names it.
    assert_eq!(commit(&mut committer, 0..5), [3]);
    opener.unwrap().join().unwrap();
}
