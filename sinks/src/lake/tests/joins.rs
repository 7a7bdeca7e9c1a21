//! Joined files and folds change where rows lie and how much is read, never which rows there are.

use super::rig::{DIR, Rig};
use crate::{
    Error, Output,
    disk::{Disk, sim::Fault},
    lake::{FOLDS, Lake, Tuning, chain::Chain, compact::REST, file, manifest, names},
    samples,
    views::Views,
};
use model::{ChangeKind, Micros, Session, table::Row};
use proptest::prelude::*;
use std::{collections::BTreeSet, path::Path};

/// Flushes of which each toggles some rows; `true` starts another process before.
fn flushes() -> impl Strategy<Value = Vec<(BTreeSet<u32>, bool)>> {
    let toggle = prop::collection::btree_set(0_u32..60, 1..12);
    prop::collection::vec((toggle, prop::bool::weighted(0.2)), 1..24)
}

/// What a reader of these files finds, each row once.
fn rows(rig: &Rig, files: &[model::view::LakeFile]) -> usize {
    let ids: Vec<_> = files.iter().flat_map(|file| rig.identities(&file.path)).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    ids.len()
}

fn run(steps: &[(BTreeSet<u32>, bool)]) -> usize {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    let (mut old, mut joins) = (Vec::<(Vec<_>, usize)>::new(), 0);
    for (toggle, restart) in steps {
        if *restart {
            process = rig.open().unwrap();
        }
        process.toggle(toggle.iter().copied());
        rig.flush(&mut process).unwrap();
        rig.check();
        let files = process.lake.files("vitals");
        let before = old.last().map_or(0, |(files, _)| files.len());
        joins += usize::from(files.len() < before);
        // Two days, two sizes.
        assert!(files.len() <= 2 * 2 * 3, "{} files", files.len());
        // Who holds an older list reads what stood then.
        old.push((files, rig.standing.len()));
        for (files, standing) in old.iter().rev().take(4) {
            assert_eq!(rows(&rig, files), *standing);
        }
    }
    rig.verify();
    joins
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn rows_are_the_same_over_flushes_retractions_joins_and_starts(steps in flushes()) {
        run(&steps);
    }
}

#[test]
fn many_flushes_leave_few_files_and_retractions_go_on() {
    let steps: Vec<_> = (0..40_u32).map(|n| ([n, n + 1, n / 2].into(), n % 7 == 3)).collect();
    assert!(run(&steps) > 5);
}

#[test]
fn a_bound_of_zero_joins_nothing_and_a_small_one_little() {
    let files = |compact_bytes: u64| {
        let mut rig = Rig::new(0);
        rig.tuning.compact_bytes = compact_bytes;
        let mut process = rig.open().unwrap();
        for n in 0..9 {
            process.toggle([n * 2]);
            rig.flush(&mut process).unwrap();
        }
        rig.verify();
        process.lake.files("vitals").len()
    };
    assert_eq!(files(0), 9);
    let one = {
        let mut rig = Rig::new(0);
        let mut process = rig.open().unwrap();
        process.toggle([0]);
        rig.flush(&mut process).unwrap();
        process.lake.files("vitals")[0].bytes
    };
    assert_eq!(files(one), 9, "a join takes two");
    assert_eq!((files(one * 2 + one / 2), files(1 << 20)), (3, 3));
}

#[test]
fn a_damaged_file_is_left_alone_and_the_flush_goes_on() {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    for n in 0..3 {
        process.toggle([n * 2, n * 2 + 1]);
        rig.flush(&mut process).unwrap();
    }
    let file = process.lake.files("vitals").remove(0);
    let whole = rig.disk.read(&file.path).unwrap();
    let mut bytes = whole.clone();
    bytes[20] ^= 1;
    rig.disk.write(&file.path, &bytes).unwrap();
    for n in 3..9 {
        process.toggle([n * 2, n * 2 + 1]);
        rig.flush(&mut process).unwrap();
    }
    let files = process.lake.files("vitals");
    assert!(files.contains(&file), "nothing of it is passed on");
    assert!(files.len() < 10, "the others are joined: {}", files.len());
    rig.disk.write(&file.path, &whole).unwrap();
    rig.verify();
}

#[test]
fn what_is_too_large_in_memory_is_read_once_and_left_alone() {
    let mut rig = Rig::new(0);
    rig.tuning.memory = 1;
    let mut process = rig.open().unwrap();
    for n in 0..8 {
        process.toggle([n * 2]);
        rig.flush(&mut process).unwrap();
    }
    assert_eq!((process.lake.files("vitals").len(), process.lake.alone.len()), (8, 5));
    rig.verify();
}

#[test]
fn a_disk_that_refuses_a_join_takes_the_flush_and_is_left_alone_for_a_while() {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    let flush = |rig: &mut Rig, process: &mut super::rig::Process, n: u32| {
        process.toggle([n * 2]);
        rig.flush(process).unwrap();
        process.lake.files("vitals").len()
    };
    for n in 0..3 {
        assert_eq!(flush(&mut rig, &mut process, n), n as usize + 1);
    }
    // The first operation that only the join needs.
    let refused = (1..40).find(|n| {
        let mut copy = rig.copy(0);
        let mut process = copy.open().unwrap();
        process.toggle([6]);
        copy.disk.fail_at(copy.disk.operations() + n, Fault::Io);
        copy.flush(&mut process).is_ok() && process.lake.rest == REST
    });
    let refused = refused.unwrap();
    rig.disk.fail_at(rig.disk.operations() + refused, Fault::Io);
    assert_eq!(flush(&mut rig, &mut process, 3), 4);
    for n in 4..4 + REST {
        assert_eq!(flush(&mut rig, &mut process, n), n as usize + 1, "it rests");
    }
    assert!(flush(&mut rig, &mut process, 4 + REST) < 4);
    rig.verify();
}

#[test]
fn rows_are_dated_from_their_columns_as_by_themselves() {
    fn check<R: Row>(rows: Vec<R>) {
        for row in rows {
            let batch = R::batch(&[([7; 16], &row)]);
            assert_eq!(file::dated(&R::table(), &batch), [row.dated()], "{}", R::table().name);
        }
    }
    check(vec![samples::window(3, 0)]);
    check(vec![samples::vitals(3)]);
    check(vec![samples::alert(3, ChangeKind::Raised)]);
    check(vec![samples::fault(3)]);
    let session = samples::session(3, true);
    let started = |started_at: Option<Micros>, ended_at| Session { started_at, ended_at, ..session.clone() };
    check(vec![
        started(Some(5), Some(9)),
        started(None, Some(9)),
        started(None, None),
        started(Some(5), None),
    ]);
}

/// `n` flushes of one row each.
fn flushed(n: u32) -> Rig {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    for row in 0..n {
        process.toggle([row]);
        rig.flush(&mut process).unwrap();
    }
    rig
}

/// Files of the lake read by an opening.
fn read_by_opening(rig: &Rig) -> u64 {
    let before = rig.disk.operations();
    let chain = Chain::read(&rig.disk, Path::new(DIR)).unwrap();
    assert_eq!(chain.sequence(), rig.intents.len() as u64);
    rig.disk.operations() - before
}

fn folds(rig: &Rig) -> Vec<String> {
    let mut names = rig.disk.list(&Path::new(DIR).join(FOLDS)).unwrap();
    names.sort_unstable();
    names
}

#[test]
fn opening_reads_as_little_after_many_manifests_as_after_few() {
    let (few, many) = (flushed(7), flushed(40));
    assert!(read_by_opening(&many) <= read_by_opening(&few) + 3);
    let sequences: Vec<_> = folds(&many).iter().filter_map(|name| names::sequence_of(name)).collect();
    assert_eq!(sequences, (1..=13).map(|n| n * 3).collect::<Vec<_>>());
    many.verify();
}

#[test]
fn without_folds_or_with_damaged_or_false_ones_the_manifests_are_read() {
    let rig = flushed(17);
    let folder = Path::new(DIR).join(FOLDS);
    let expected = Chain::read(&rig.disk, Path::new(DIR)).unwrap().fold();
    let check = |rig: &Rig| {
        assert_eq!(Chain::read(&rig.disk, Path::new(DIR)).unwrap().fold(), expected);
        rig.check();
    };
    // 1. Damaged: the one before is used, in the end none.
    for name in folds(&rig).iter().rev() {
        let mut bytes = rig.disk.read(&folder.join(name)).unwrap();
        bytes[30] ^= 1;
        rig.disk.write(&folder.join(name), &bytes).unwrap();
        check(&rig);
    }
    // 2. None.
    for name in folds(&rig) {
        rig.disk.remove(&folder.join(name)).unwrap();
    }
    check(&rig);
    rig.verify();
    // 3. A whole one that no manifest vouches for.
    let mut fold = Chain::read(&rig.disk, Path::new(DIR)).unwrap().fold().unwrap();
    fold.sequence = 12;
    fold.files.clear();
    let (bytes, digest) = fold.encode();
    rig.disk.write(&folder.join(names::numbered(12, digest)), &bytes).unwrap();
    check(&rig);
}

#[test]
fn intents_older_than_the_fold_are_vouched_for_by_later_ones() {
    let rig = flushed(17);
    let refused = |change: fn(&mut Rig)| {
        let mut other = rig.copy(0);
        change(&mut other);
        match other.open().map(drop) {
            Err(Error::Damaged { detail, .. }) => detail,
            other => panic!("{other:?}"),
        }
    };
    for detail in [
        refused(|rig| rig.intents[3].digest = rig.intents[4].digest),
        refused(|rig| {
            rig.intents.remove(3);
        }),
        refused(|rig| rig.intents.truncate(5)),
        refused(|rig| rig.intents.truncate(16)),
        refused(Rig::forget_all),
    ] {
        assert!(detail.contains("belongs to another log"), "{detail}");
    }
    // A start from a snapshot of the state knows the later ones only.
    let mut late = rig.copy(0);
    late.intents.drain(..9);
    assert!(late.open().is_ok());
}

#[test]
fn defaults_join_by_size_and_leave_large_files_alone() {
    let tuning = Tuning { compact_bytes: 32 << 20, ..Tuning::default() };
    assert_eq!((tuning.fold_every, tuning.alike), (256, 8));
    let mut rig = Rig::new(0);
    rig.tuning = tuning;
    let mut process = rig.open().unwrap();
    for n in 0..7 {
        process.toggle([n * 2]);
        rig.flush(&mut process).unwrap();
    }
    assert_eq!(process.lake.files("vitals").len(), 7);
    process.toggle([20]);
    rig.flush(&mut process).unwrap();
    process.toggle([22]);
    rig.flush(&mut process).unwrap();
    assert_eq!(process.lake.files("vitals").len(), 2, "eight joined, and the newest");
    rig.verify();
    assert_eq!(manifest::newest(&rig.disk, Path::new(DIR)).unwrap(), 9);
    // Everything else of it as for any lake.
    let mut views = Views::new(&process.lake);
    views.apply(&Output::default()).unwrap();
    assert!(Lake::read(&rig.disk, Path::new(DIR)).is_ok());
}

/// Files from before a table had its newest columns are joined with those that have them; what has others is not.
#[test]
fn columns_that_a_file_is_from_before_are_null_and_others_are_refused() {
    let table = <model::Vitals as Row>::table();
    let now = model::Vitals::batch(&[([7; 16], &samples::vitals(3))]);
    assert_eq!(file::widened(&table, &now), Some(now.clone()));
    let old = now.project(&(0..10).collect::<Vec<_>>()).unwrap();
    let widened = file::widened(&table, &old).unwrap();
    assert_eq!(widened.schema(), table.schema);
    for (place, column) in widened.columns().iter().enumerate() {
        if place < 10 { assert_eq!(column, now.column(place)) } else { assert_eq!(column.null_count(), 1) }
    }
    let without_offset = now.project(&(0..9).collect::<Vec<_>>()).unwrap();
    assert_eq!(file::widened(&table, &without_offset), None, "it must be there");
    let other = samples::fault(3);
    assert_eq!(file::widened(&table, &model::Fault::batch(&[([7; 16], &other)])), None);
}
