//! Garbage goes when it is old enough, and nothing else ever does.

use super::rig::{DIR, Rig};
use crate::{
    Error,
    disk::{Disk, sim::Fault},
    lake::{Collected, FOLDS, INCOMING, MANIFESTS, PREPARED, names},
};
use std::path::{Path, PathBuf};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

fn lake(path: &str) -> PathBuf {
    Path::new(DIR).join(path)
}

/// Every file below the lake.
fn all(rig: &Rig) -> Vec<PathBuf> {
    fn below(disk: &dyn Disk, dir: &Path) -> Vec<PathBuf> {
        let paths = disk.list(dir).unwrap().into_iter().map(|name| dir.join(name));
        paths.flat_map(|path| if disk.is_dir(&path) { below(disk, &path) } else { vec![path] }).collect()
    }
    below(&rig.disk, Path::new(DIR))
}

#[test]
fn removed_files_and_orphans_go_after_a_day_and_not_before() {
    let mut rig = Rig::new(0);
    rig.tuning.fold_every = 1_000;
    rig.disk.set_now(HOUR);
    // 1. An attempt of an earlier start, with what was on its way.
    let mut process = rig.open().unwrap();
    process.toggle([0, 2]);
    process.lake.prepare(0, &process.views.cut()).unwrap();
    let half = lake(INCOMING).join(names::data(3, 1, crate::Digest::of(b"half")));
    rig.disk.write(&half, b"half").unwrap();
    // 2. Files that a later start joins, ten hours later.
    let mut process = rig.open().unwrap();
    for n in 0..4 {
        rig.disk.set_now((2 + i64::from(n) * 3) * HOUR);
        process.toggle([n * 2]);
        rig.flush(&mut process).unwrap();
    }
    let kept = process.lake.files("vitals");
    let before = all(&rig);
    let collect = |process: &mut super::rig::Process, now| process.lake.collect_garbage(now, DAY).unwrap();
    assert_eq!(collect(&mut process, DAY), Collected::default());
    // 3. After a day the attempt goes: a data file, its manifest, the half.
    let collected = collect(&mut process, DAY + HOUR);
    assert_eq!(collected.files, 3);
    assert!(!rig.disk.list(&lake(INCOMING)).unwrap().contains(&"half".to_owned()));
    assert!(rig.disk.list(&lake(PREPARED)).unwrap().is_empty());
    // 4. What was joined in the eleventh hour is as old as its removal, not as its file.
    assert_eq!(collect(&mut process, DAY + 10 * HOUR), Collected::default());
    let collected = collect(&mut process, DAY + 11 * HOUR);
    assert_eq!(collected.files, 3);
    assert_eq!(all(&rig).len(), before.len() - 6);
    assert_eq!(process.lake.files("vitals"), kept);
    assert_eq!(collect(&mut process, 100 * DAY), Collected::default());
    rig.verify();
    // 5. Nothing depends on what was collected.
    process.toggle([0, 1, 4]);
    rig.flush(&mut process).unwrap();
    rig.verify();
}

#[test]
fn a_start_collects_what_was_removed_before_it_and_before_the_fold() {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    for n in 0..20 {
        rig.disk.set_now(i64::from(n) * HOUR);
        process.toggle([n * 2, n]);
        rig.flush(&mut process).unwrap();
    }
    let counted = process.lake.files("vitals").len() as u64;
    let files = |rig: &Rig| names::data_files(&rig.disk, Path::new(DIR)).unwrap().len() as u64;
    let garbage = files(&rig) - counted;
    let mut process = rig.open().unwrap();
    // Removed in hours 0 to 19; a day later some of them are old enough, two days later all.
    let some = process.lake.collect_garbage(DAY + 9 * HOUR, DAY).unwrap();
    assert!(some.files > 3 && files(&rig) > counted + 3, "{some:?}");
    rig.verify();
    process.lake.collect_garbage(2 * DAY, DAY).unwrap();
    assert_eq!(files(&rig), counted);
    assert!(garbage > 20);
    assert_eq!(rig.disk.list(&lake(FOLDS)).unwrap().len(), 3);
    rig.verify();
}

#[test]
fn foreign_files_and_manifests_stay_however_old() {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    process.toggle([0, 1]);
    rig.flush(&mut process).unwrap();
    let day = process.lake.files("vitals")[0].path.parent().unwrap().to_owned();
    let other_table = lake("doctors/date=2023-11-14");
    rig.disk.make_dir(&other_table).unwrap();
    rig.disk.make_dir(&lake("vitals/other")).unwrap();
    let name = names::data(0, 0, crate::Digest::of(b"other"));
    let foreign = [
        day.join("notes.parquet"),
        day.join("000000000000-000001-0123.parquet"),
        lake("vitals/other").join(&name),
        other_table.join(&name),
        lake("vitals").join(&name),
        lake("readme.json"),
        lake(INCOMING).join("notes.json"),
        lake(PREPARED).join("notes.json"),
        lake(FOLDS).join("notes.json"),
        lake(MANIFESTS).join("notes.json"),
    ];
    for path in &foreign {
        rig.disk.write(path, b"mine").unwrap();
    }
    let before = all(&rig);
    let mut process = rig.open().unwrap();
    assert_eq!(process.lake.collect_garbage(1_000 * DAY, 0).unwrap(), Collected::default());
    assert_eq!(all(&rig).len(), before.len() + 1, "and the mark of the start");
    // One that is the lake's own by its name and lies where its files lie.
    rig.disk.write(&day.join(&name), b"orphan").unwrap();
    let collected = process.lake.collect_garbage(1_000 * DAY, 0).unwrap();
    assert_eq!(collected, Collected { files: 1, bytes: 6 });
}

#[test]
fn a_process_that_woke_up_late_takes_nothing_from_its_successor() {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    process.toggle([0, 1, 2]);
    rig.flush(&mut process).unwrap();
    // 1. It was suspended with a commit under way, which the successor finds.
    process.toggle([4, 6]);
    let prepared = process.lake.prepare(1, &process.views.cut()).unwrap();
    rig.intents.push(prepared.intent);
    rig.standing.extend([4, 6]);
    let mut successor = rig.open().unwrap();
    process.lake.collect_garbage(1_000 * DAY, 0).unwrap();
    rig.verify();
    for n in 10..20 {
        successor.toggle([n, n + 20, n - 8]);
        rig.flush(&mut successor).unwrap();
    }
    // An attempt of the successor, not committed yet.
    successor.toggle([50]);
    let attempt = successor.lake.prepare(12, &successor.views.cut()).unwrap();
    process.lake.collect_garbage(1_000 * DAY, 0).unwrap();
    rig.verify();
    rig.intents.push(attempt.intent);
    rig.standing.extend([50]);
    rig.intents.last().inspect(|intent| successor.lake.publish(intent).unwrap());
    assert!(crate::lake::verify(&rig.disk, Path::new(DIR)).ok());
}

#[test]
fn nothing_goes_before_all_commits_are_known_or_while_one_is_not_published() {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    process.toggle([0]);
    rig.flush(&mut process).unwrap();
    let shared = std::sync::Arc::new(rig.disk.clone());
    let mut early = crate::lake::Lake::open(shared, Path::new(DIR)).unwrap();
    assert!(matches!(early.collect_garbage(DAY, 0), Err(Error::Broken(_))));
    let mut process = rig.open().unwrap();
    process.toggle([2]);
    let prepared = process.lake.prepare(1, &process.views.cut()).unwrap();
    process.lake.advance(&prepared).unwrap();
    assert_eq!(process.lake.collect_garbage(1_000 * DAY, 0).unwrap(), Collected::default());
    process.lake.publish(&prepared.intent).unwrap();
    rig.intents.push(prepared.intent);
    rig.standing.insert(2);
    process.lake.collect_garbage(1_000 * DAY, 0).unwrap();
    rig.verify();
}

#[test]
fn a_prepared_manifest_stays_until_its_number_is_durable() {
    let mut begun = Rig::new(0);
    let mut process = begun.open().unwrap();
    process.toggle([0]);
    begun.flush(&mut process).unwrap();
    let mut failed = 0;
    for (operation, seed) in (1..12).flat_map(|operation| (0..8).map(move |seed| (operation, seed))) {
        let mut rig = begun.copy(seed);
        let mut process = rig.open().unwrap();
        process.toggle([2]);
        let prepared = process.lake.prepare(1, &process.views.cut()).unwrap();
        process.lake.advance(&prepared).unwrap();
        rig.intents.push(prepared.intent.clone());
        rig.standing.insert(2);
        rig.disk.fail_at(rig.disk.operations() + operation, Fault::Io);
        failed += u32::from(process.lake.publish(&prepared.intent).is_err());
        rig.disk.heal();
        process.lake.collect_garbage(1_000 * DAY, 0).unwrap();
        rig.disk.crash();
        rig.check();
    }
    assert_eq!(failed, 2 * 8, "the link and the sync");
}
