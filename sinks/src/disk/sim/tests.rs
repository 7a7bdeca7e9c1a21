//! Every way in which the simulated disk loses something, and that it never loses what was synced.

use super::{Fault, SimDisk};
use crate::disk::Disk;
use std::{
    collections::BTreeSet,
    io::ErrorKind::{self, AlreadyExists, NotFound, ReadOnlyFilesystem, StorageFull},
    path::Path,
};

const BEFORE: &[u8] = &[1; 2_000];
const AFTER: &[u8] = &[2; 3_000];

fn p(path: &str) -> &Path {
    Path::new(path)
}

/// A disk with the durable file `/d/old`.
fn disk(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    disk.make_dir(p("/d")).unwrap();
    disk.write(p("/d/old"), BEFORE).unwrap();
    disk.sync(p("/d/old")).unwrap();
    disk.sync_dir(p("/d")).unwrap();
    disk.sync_dir(p("/")).unwrap();
    disk
}

/// What is found over many seeds after `act` and a power cut.
fn found<T: Ord>(act: impl Fn(&SimDisk), look: impl Fn(&SimDisk) -> T) -> BTreeSet<T> {
    let after = |seed| {
        let disk = disk(seed);
        act(&disk);
        disk.crash();
        look(&disk)
    };
    (0..200).map(after).collect()
}

fn kind<T: std::fmt::Debug>(result: std::io::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn content_not_synced_is_lost_or_torn_and_synced_content_stays() {
    let content = |disk: &SimDisk| disk.read(p("/d/old")).unwrap();
    let found_after = found(|disk| disk.write(p("/d/old"), AFTER).unwrap(), content);
    let prefixes = found_after.iter().filter(|bytes| AFTER.starts_with(bytes) && bytes.len() < AFTER.len());
    let holes = found_after.iter().filter(|bytes| bytes.contains(&0));
    assert!(prefixes.count() > 20 && holes.clone().count() > 10);
    assert!(holes.clone().all(|bytes| bytes.len() == AFTER.len()));
    assert!(found_after.contains(BEFORE) && found_after.contains(AFTER));
    let synced = found(
        |disk| {
            disk.write(p("/d/old"), AFTER).unwrap();
            disk.sync(p("/d/old")).unwrap();
        },
        content,
    );
    assert_eq!(synced, [AFTER.to_vec()].into());
}

#[test]
fn names_not_synced_are_lost_or_come_back() {
    let names = |disk: &SimDisk| disk.list(p("/d")).unwrap();
    let sets = |sets: &[&[&str]]| -> BTreeSet<Vec<String>> {
        sets.iter().map(|set| set.iter().map(|name| (*name).to_owned()).collect()).collect()
    };
    let act = |disk: &SimDisk| disk.write(p("/d/new"), AFTER).unwrap();
    assert_eq!(found(act, names), sets(&[&["old"], &["new", "old"]]));
    let act = |disk: &SimDisk| disk.remove(p("/d/old")).unwrap();
    assert_eq!(found(act, names), sets(&[&["old"], &[]]));
    let act = |disk: &SimDisk| disk.link(p("/d/old"), p("/d/twin")).unwrap();
    assert_eq!(found(act, names), sets(&[&["old"], &["old", "twin"]]));
    let act = |disk: &SimDisk| disk.rename(p("/d/old"), p("/d/new")).unwrap();
    assert_eq!(found(act, names), sets(&[&["old"], &["new"], &["new", "old"], &[]]));
    let act = |disk: &SimDisk| {
        disk.rename(p("/d/old"), p("/d/new")).unwrap();
        disk.sync_dir(p("/d")).unwrap();
    };
    assert_eq!(found(act, names), sets(&[&["new"]]));
    // A directory takes with it what was durable in it.
    let act = |disk: &SimDisk| {
        disk.make_dir(p("/a/b")).unwrap();
        disk.write(p("/a/b/file"), AFTER).unwrap();
        disk.sync(p("/a/b/file")).unwrap();
        disk.sync_dir(p("/a/b")).unwrap();
        disk.sync_dir(p("/a")).unwrap();
    };
    let there = |disk: &SimDisk| disk.read(p("/a/b/file")).map_err(|error| error.kind());
    assert_eq!(found(act, there), [Ok(AFTER.to_vec()), Err(NotFound)].into());
}

#[test]
fn two_names_are_one_file() {
    let disk = disk(1);
    disk.link(p("/d/old"), p("/d/twin")).unwrap();
    assert_eq!(disk.used(), 2_000, "counted once");
    disk.write(p("/d/twin"), AFTER).unwrap();
    assert_eq!(disk.read(p("/d/old")).unwrap(), AFTER);
    disk.remove(p("/d/old")).unwrap();
    assert_eq!((disk.read(p("/d/twin")).unwrap(), disk.used()), (AFTER.to_vec(), 3_000));
}

#[test]
fn a_killed_process_leaves_all_it_wrote_and_a_later_power_cut_takes_it() {
    for seed in 0..50 {
        let disk = disk(seed);
        disk.write(p("/d/old"), AFTER).unwrap();
        disk.write(p("/d/new"), AFTER).unwrap();
        disk.kill();
        assert_eq!(disk.read(p("/d/old")).unwrap(), AFTER);
        assert_eq!(disk.read(p("/d/new")).unwrap(), AFTER);
    }
    let act = |disk: &SimDisk| {
        disk.write(p("/d/new"), AFTER).unwrap();
        disk.kill();
    };
    assert_eq!(found(act, |disk| disk.len(p("/d/new")).is_ok()), [false, true].into());
}

#[test]
fn a_full_disk_takes_what_fits() {
    let disk = disk(1);
    disk.budget(Some(4_500));
    assert_eq!(disk.space(p("/")).unwrap(), 2_500);
    assert_eq!(kind(disk.write(p("/d/new"), AFTER)), StorageFull);
    assert_eq!(disk.read(p("/d/new")).unwrap(), AFTER[..2_500]);
    disk.remove(p("/d/old")).unwrap();
    disk.write(p("/d/new"), AFTER).unwrap();
    disk.heal();
    disk.write(p("/d/old"), AFTER).unwrap();
}

#[test]
fn the_operation_that_was_chosen_fails_and_no_other() {
    let disk = disk(1);
    let next = disk.operations() + 1;
    disk.fail_at(next + 1, Fault::Io);
    disk.read(p("/d/old")).unwrap();
    assert_eq!(disk.read(p("/d/old")).unwrap_err().raw_os_error(), Some(5));
    disk.read(p("/d/old")).unwrap();
    // Lasting, and only where it can be.
    disk.fail_from(disk.operations() + 1, Fault::ReadOnly);
    disk.read(p("/d/old")).unwrap();
    assert_eq!(kind(disk.write(p("/d/old"), AFTER)), ReadOnlyFilesystem);
    assert_eq!(kind(disk.remove(p("/d/old"))), ReadOnlyFilesystem);
    assert_eq!(disk.read(p("/d/old")).unwrap(), BEFORE);
    disk.fail_from(disk.operations() + 1, Fault::Full);
    disk.rename(p("/d/old"), p("/d/older")).unwrap();
    assert_eq!(kind(disk.link(p("/d/older"), p("/d/old"))), StorageFull);
    disk.heal();
    disk.link(p("/d/older"), p("/d/old")).unwrap();
    assert_eq!(kind(disk.link(p("/d/older"), p("/d/old"))), AlreadyExists);
}

#[test]
fn after_a_failed_sync_the_next_one_says_nothing_and_the_content_is_gone() {
    let act = |disk: &SimDisk| {
        disk.write(p("/d/old"), AFTER).unwrap();
        disk.fail_at(disk.operations() + 1, Fault::Io);
        disk.sync(p("/d/old")).unwrap_err();
        disk.sync(p("/d/old")).unwrap();
        disk.sync_dir(p("/d")).unwrap();
    };
    let content = |disk: &SimDisk| disk.read(p("/d/old")).unwrap();
    let left = found(act, content);
    assert!(left.len() > 20 && left.contains(BEFORE) && left.iter().any(|bytes| bytes.contains(&0)));
    // Already before a power cut it may be seen, or not.
    let seen = |seed| {
        let disk = disk(seed);
        act(&disk);
        content(&disk) == AFTER
    };
    assert_eq!((0..50).map(seen).collect::<BTreeSet<bool>>(), [false, true].into());
}

#[test]
fn a_stop_happens_in_the_middle_and_lasts_until_the_next_start() {
    let mut left = BTreeSet::new();
    for seed in 0..100 {
        let disk = disk(seed);
        disk.stop_at(disk.operations() + 2);
        disk.read(p("/d/old")).unwrap();
        assert!(!disk.stopped());
        disk.write(p("/d/new"), AFTER).unwrap_err();
        assert!(disk.stopped());
        disk.read(p("/d/old")).unwrap_err();
        disk.kill();
        left.insert(disk.len(p("/d/new")).unwrap());
        disk.write(p("/d/new"), AFTER).unwrap();
    }
    assert!(left.len() > 50, "{left:?}");
}

#[test]
fn a_seed_says_it_all() {
    let run = |seed| {
        let disk = disk(seed);
        for n in 0..10 {
            disk.write(p(&format!("/d/{n}")), AFTER).unwrap();
        }
        disk.crash();
        let names = disk.list(p("/d")).unwrap();
        let content = names.iter().map(|name| disk.read(&p("/d").join(name)).unwrap()).collect::<Vec<_>>();
        (names, content, disk.operations())
    };
    assert!(run(7) == run(7) && run(7) != run(8));
    // A copy is another disk.
    let (one, two) = (disk(7), disk(7).copy(9));
    one.remove(p("/d/old")).unwrap();
    assert_eq!(two.read(p("/d/old")).unwrap(), BEFORE);
}

#[test]
fn paths_are_refused_as_by_the_machine() {
    let disk = disk(1);
    let machine = crate::disk::Machine;
    let dir = tempfile::tempdir().unwrap();
    let of = |disk: &dyn Disk, root: &Path| {
        let (file, none) = (root.join("file"), root.join("none"));
        disk.make_dir(&root.join("sub")).unwrap();
        disk.write(&file, b"1").unwrap();
        vec![
            kind(disk.read(&none)),
            kind(disk.read(root)),
            kind(disk.write(&root.join("sub"), b"")),
            kind(disk.write(&none.join("x"), b"")),
            kind(disk.write(&file.join("x"), b"")),
            kind(disk.write_new(&file, b"")),
            kind(disk.make_dir(&file)),
            kind(disk.make_dir(&file.join("x"))),
            kind(disk.list(&file)),
            kind(disk.list(&none)),
            kind(disk.rename(&none, &file)),
            kind(disk.rename(&file, &root.join("sub"))),
            kind(disk.link(&none, &root.join("x"))),
            kind(disk.link(&file, &root.join("sub"))),
            kind(disk.remove(&none)),
            kind(disk.remove(&root.join("sub"))),
            kind(disk.sync(&none)),
            kind(disk.sync_dir(&none)),
            kind(disk.canonical(&none)),
        ]
    };
    assert_eq!(of(&disk, p("/d")), of(&machine, dir.path()));
}
