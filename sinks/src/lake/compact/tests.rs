//! Which files are joined.

use super::{Added, Tuning, choose};
use crate::Digest;

fn added(day: u32, n: u32, bytes: u64, rows: u64) -> Added {
    let (table, blake3) = ("windows".to_owned(), Digest::of(b""));
    let path = format!("windows/date=2024-01-{day:02}/{n:03}.parquet");
    Added { table, path, rows, bytes, blake3, time_min: 0, time_max: 1 }
}

/// The numbers of the files joined, and what is left of a budget.
fn chosen(files: &[Added], mut budget: u64) -> (Vec<Vec<String>>, u64) {
    let name = |file: Added| file.path[file.path.len() - 14..file.path.len() - 8].replace('/', ":");
    let joins = choose(files.iter(), &Tuning::default(), &mut budget);
    (joins.into_iter().map(|files| files.into_iter().map(name).collect()).collect(), budget)
}

#[test]
fn eight_of_one_day_and_size_are_joined_and_seven_are_not() {
    let small: Vec<Added> = (0..7).map(|n| added(1, n, 1_000, 10)).collect();
    assert_eq!(chosen(&small, 1 << 30), (vec![], 1 << 30));
    let other_day = [small.clone(), vec![added(2, 7, 1_000, 10)]].concat();
    assert_eq!(chosen(&other_day, 1 << 30).0, Vec::<Vec<String>>::new());
    let other_size = [small.clone(), vec![added(1, 7, 5 << 20, 10)]].concat();
    assert_eq!(chosen(&other_size, 1 << 30).0, Vec::<Vec<String>>::new());
    let eight = [small, vec![added(1, 7, 400_000, 10)]].concat();
    let (joins, left) = chosen(&eight, 1 << 30);
    assert_eq!(
        joins.concat(),
        ["01:000", "01:001", "01:002", "01:003", "01:004", "01:005", "01:006", "01:007"]
    );
    assert_eq!(left, (1 << 30) - 407_000);
}

#[test]
fn large_and_long_files_are_left_alone() {
    let large: Vec<Added> = (0..20).map(|n| added(1, n, 16 << 20, 10)).collect();
    let long: Vec<Added> = (0..20).map(|n| added(1, n, 1_000, 1 << 18)).collect();
    assert_eq!((chosen(&large, 1 << 40).0.len(), chosen(&long, 1 << 40).0.len()), (0, 0));
}

#[test]
fn no_join_is_larger_than_the_target_or_the_budget() {
    let files: Vec<Added> = (0..20).map(|n| added(1, n, 10 << 20, 10)).collect();
    assert_eq!(chosen(&files, 1 << 40).0.concat().len(), 6, "64 MiB");
    let (joins, left) = chosen(&files, 32 << 20);
    assert_eq!((joins.concat().len(), left), (3, 2 << 20));
    assert_eq!(chosen(&files, 19 << 20), (vec![], 19 << 20), "one is no join");
    let rows: Vec<Added> = (0..20).map(|n| added(1, n, 1_000, 200_000)).collect();
    assert_eq!(chosen(&rows, 1 << 40).0.concat().len(), 5, "a million rows");
    // What one day takes of the budget, the next has not.
    let days: Vec<Added> = (1..=2).flat_map(|day| (0..8).map(move |n| added(day, n, 100, 1))).collect();
    assert_eq!((chosen(&days, 1_600).0.len(), chosen(&days, 1_000).0.concat().len()), (2, 10));
}

#[test]
fn a_row_is_written_again_once_for_every_size() {
    // 4,096 files of 16 KiB, joined as they come.
    let (mut files, mut written) = (Vec::new(), 0);
    for n in 0..4_096 {
        files.push(added(1, n, 16 << 10, 1));
        for join in choose(files.iter(), &Tuning::default(), &mut (1 << 40)) {
            let bytes = join.iter().map(|file| file.bytes).sum();
            written += bytes;
            files.retain(|file| !join.contains(file));
            files.push(added(1, 9_000 + n, bytes, 1));
        }
    }
    let all = 4_096 * (16 << 10);
    assert!(written < 12 * all, "{} times", written / all);
    assert!(files.len() < 30, "{} files", files.len());
}
