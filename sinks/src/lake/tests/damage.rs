//! Every kind of damage is found by looking at everything, and named with the next step.

use super::rig::{DIR, Rig};
use crate::{
    disk::Disk,
    lake::{FOLDS, INCOMING, Report, manifest, manifest::Manifest, verify},
};
use std::path::{Path, PathBuf};

/// Ten flushes with joined files and folds.
fn whole() -> Rig {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    for n in 0..10 {
        process.toggle([n, n + 30, n / 3 * 2]);
        rig.flush(&mut process).unwrap();
    }
    rig
}

fn report(rig: &Rig) -> Report {
    verify(&rig.disk, Path::new(DIR))
}

/// The findings after `damage`, each with its path; that there are some, and that each has a next step.
fn found(rig: &Rig, damage: impl FnOnce(&Rig)) -> Vec<(PathBuf, String)> {
    let rig = rig.copy(1);
    damage(&rig);
    let report = report(&rig);
    assert!(!report.ok(), "not found");
    let text = report.to_string();
    for finding in &report.findings {
        assert!(text.contains(&finding.detail) && finding.detail.contains(": "), "{text}");
    }
    report.findings.into_iter().map(|finding| (finding.path, finding.detail)).collect()
}

fn change(rig: &Rig, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = rig.disk.read(path).unwrap();
    change(&mut bytes);
    rig.disk.write(path, &bytes).unwrap();
}

#[test]
fn a_whole_lake_is_whole_and_its_garbage_is_counted() {
    let rig = whole();
    let before = report(&rig);
    assert!(before.ok(), "{before}");
    assert_eq!((before.manifests, before.folds, before.rows), (10, 3, rig.standing.len() as u64));
    assert!(before.files > 0 && before.removed > 3 && before.orphans == 0, "{before}");
    assert_eq!(before.to_string().lines().count(), 3);
    rig.disk.write(&Path::new(DIR).join(INCOMING).join("x"), b"12345").unwrap();
    let after = report(&rig);
    assert_eq!((after.orphans, after.garbage_bytes, after.ok()), (1, before.garbage_bytes + 5, true));
}

#[test]
fn a_flipped_short_long_or_missing_file() {
    let rig = whole();
    let file = rig.open().unwrap().lake.files("vitals").remove(0).path;
    let one = |damage: &dyn Fn(&Rig), says: &str| {
        let findings = found(&rig, damage);
        assert!(findings.len() == 1 && findings[0].0 == file && findings[0].1.contains(says), "{findings:?}");
    };
    for at in [0, 100, 500] {
        one(&|rig| change(rig, &file, |bytes| bytes[at] ^= 4), "content changed");
    }
    one(&|rig| change(rig, &file, |bytes| bytes.truncate(bytes.len() - 1)), "were written: restore it");
    one(&|rig| change(rig, &file, |bytes| bytes.push(0)), "were written: restore it");
    one(&|rig| rig.disk.remove(&file).unwrap(), "could not read");
}

#[test]
fn a_flipped_exchanged_or_missing_manifest() {
    let rig = whole();
    let manifest = Path::new(DIR).join(manifest::path(5));
    let first = |findings: Vec<(PathBuf, String)>| findings.into_iter().next().unwrap();
    let (path, detail) = first(found(&rig, |rig| change(rig, &manifest, |bytes| bytes[9] ^= 1)));
    assert!(path == manifest && detail.contains("damaged manifest: restore"), "{detail}");
    let (path, detail) = first(found(&rig, |rig| rig.disk.remove(&manifest).unwrap()));
    assert!(path == manifest && detail.contains("could not read"), "{detail}");
    let (path, detail) = first(found(&rig, |rig| {
        let other = rig.disk.read(&Path::new(DIR).join(manifest::path(4))).unwrap();
        rig.disk.write(&manifest, &other).unwrap();
    }));
    assert!(path == manifest && detail.contains("does not follow"), "{detail}");
}

/// A lake of one manifest whose entry for its one file was changed, with a good digest.
fn forged(change: impl FnOnce(&mut Manifest)) -> Vec<(PathBuf, String)> {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    process.toggle([0, 2, 4]);
    rig.flush(&mut process).unwrap();
    found(&rig, |rig| {
        let path = Path::new(DIR).join(manifest::path(1));
        let (mut manifest, _) = Manifest::read(&rig.disk, &path).unwrap();
        change(&mut manifest);
        rig.disk.write(&path, &manifest.encode().0).unwrap();
    })
}

#[test]
fn a_manifest_that_describes_its_files_wrongly() {
    let says = |findings: Vec<(PathBuf, String)>, says: &str| {
        assert!(findings.len() == 1 && findings[0].1.contains(says), "{findings:?}");
    };
    says(forged(|manifest| manifest.add[0].rows += 1), "has 3 rows, the manifest says 4");
    says(forged(|manifest| manifest.add[0].time_min += 2_000_000), "of its rows are of another day or time");
    says(forged(|manifest| manifest.add[0].time_max -= 1_000_000), "of its rows are of another day or time");
    says(forged(|manifest| manifest.sequence = 3), "does not follow");
    says(forged(|manifest| manifest.add[0].table = "moons".into()), "a table this version does not know");
    says(
        forged(|manifest| {
            let removed = manifest.add[0].path.clone();
            manifest.remove.push(crate::lake::manifest::Removed { table: "vitals".into(), path: removed });
        }),
        "removes a file that was never added",
    );
}

#[test]
fn a_file_in_the_folder_of_another_day() {
    let rig = Rig::new(0);
    let mut rig = rig.copy(0);
    let mut process = rig.open().unwrap();
    process.toggle([0, 2]);
    rig.flush(&mut process).unwrap();
    let findings = found(&rig, |rig| {
        let path = Path::new(DIR).join(manifest::path(1));
        let (mut manifest, _) = Manifest::read(&rig.disk, &path).unwrap();
        let old = Path::new(DIR).join(&manifest.add[0].path);
        manifest.add[0].path = manifest.add[0].path.replace("date=2023-11-14", "date=2023-11-15");
        let new = Path::new(DIR).join(&manifest.add[0].path);
        rig.disk.make_dir(new.parent().unwrap()).unwrap();
        rig.disk.rename(&old, &new).unwrap();
        rig.disk.write(&path, &manifest.encode().0).unwrap();
    });
    assert!(findings[0].1.contains("2 of its rows are of another day or time"), "{findings:?}");
}

#[test]
fn rows_that_stand_twice() {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    process.toggle([0, 2]);
    rig.flush(&mut process).unwrap();
    let findings = found(&rig, |rig| {
        let path = Path::new(DIR).join(manifest::path(1));
        let (mut manifest, _) = Manifest::read(&rig.disk, &path).unwrap();
        let mut twin = manifest.add[0].clone();
        twin.path = twin.path.replace(".parquet", "a.parquet");
        rig.disk.link(&Path::new(DIR).join(&manifest.add[0].path), &Path::new(DIR).join(&twin.path)).unwrap();
        manifest.add.push(twin);
        rig.disk.write(&path, &manifest.encode().0).unwrap();
    });
    assert!(findings[0].1.contains("2 of its rows stand twice in table vitals"), "{findings:?}");
}

#[test]
fn a_flipped_false_renamed_or_foreign_fold() {
    let rig = whole();
    let folder = Path::new(DIR).join(FOLDS);
    let mut names = rig.disk.list(&folder).unwrap();
    names.sort_unstable();
    let one = |damage: &dyn Fn(&Rig), says: &str| {
        let findings = found(&rig, damage);
        assert!(findings.len() == 1 && findings[0].1.contains(says), "{findings:?}");
    };
    let (first, last) = (folder.join(&names[0]), folder.join(&names[2]));
    one(&|rig| change(rig, &first, |bytes| bytes[3] ^= 1), "damaged fold: remove it");
    let forge = |rig: &Rig, change: &dyn Fn(&mut crate::lake::fold::Fold)| {
        let (mut fold, _) = crate::lake::fold::Fold::read(&rig.disk, &last).unwrap();
        change(&mut fold);
        let (bytes, digest) = fold.encode();
        rig.disk.remove(&last).unwrap();
        let path = folder.join(crate::lake::names::numbered(fold.sequence, digest));
        rig.disk.write(&path, &bytes).unwrap();
    };
    one(&|rig| forge(rig, &|fold| drop(fold.files.pop())), "not what the manifests come to");
    one(&|rig| forge(rig, &|fold| fold.sequence = 12), "manifests that are not there");
    one(
        &|rig| rig.disk.rename(&last, &folder.join(names[2].replace("0009-", "0008-"))).unwrap(),
        "has the name of another",
    );
}

#[test]
fn a_directory_that_is_not_there() {
    let rig = Rig::new(0);
    let report = verify(&rig.disk, Path::new("/nowhere"));
    assert!(!report.ok() && report.to_string().contains("/nowhere"), "{report}");
    assert!(report.findings[0].detail.ends_with("set commit.lake.dir to a directory"), "{report}");
}
