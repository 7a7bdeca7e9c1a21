//! What retention drops leaves the disk, nothing else does, and a crash in between is made good.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use eventlog::{Budget, Error, Log, Outcome, TopicPartition, Writer, embedded::Embedded};

use crate::{
    drafts::{EVERYTHING, at, draft},
    topic,
};

/// One commit fills about one file.
const BYTES: usize = 3_000;

fn options(dir: &Path) -> eventlog::embedded::Options {
    eventlog::embedded::Options { segment_bytes: 4_096, ..crate::options(dir) }
}

fn commit(writer: &mut dyn Writer, at: &TopicPartition) {
    writer.begin().unwrap();
    writer.send(draft(&at.topic, at.partition, vec![7; BYTES])).unwrap();
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
}

/// The data files, with what is in them.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir.join("segments")).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn count(log: &Embedded, at: &TopicPartition) -> usize {
    let mut reader = log.reader().unwrap();
    let range = log.range(at).unwrap();
    reader.assign(&[(at.clone(), range.start)]).unwrap();
    let mut records = Vec::new();
    while reader.positions()[0].1 < range.end {
        reader.poll(EVERYTHING, Duration::ZERO, &mut records).unwrap();
    }
    records.len()
}

#[test]
fn files_nobody_needs_are_removed_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let log = Embedded::open(&options(dir.path())).unwrap();
    let topic = topic(&log, "t", 2);
    let (old, kept) = (at(&topic, 0), at(&topic, 1));
    let mut writer = log.writer("w").unwrap();
    (0..10).for_each(|_| commit(&mut *writer, &old));
    commit(&mut *writer, &kept);
    // Written out before the truncation, committed after it.
    let mut open = log.writer("open").unwrap();
    open.begin().unwrap();
    (0..3).for_each(|_| open.send(draft(&topic, 1, vec![9; 900_000])).unwrap());
    (0..3).for_each(|_| commit(&mut *writer, &old));
    let before = files(dir.path()).len();
    log.truncate(&old, 10).unwrap();
    assert_eq!(files(dir.path()).len(), before - 10);
    assert_eq!(open.commit("", &[]).unwrap(), Outcome::Committed);
    log.truncate(&old, 13).unwrap();
    assert_eq!((count(&log, &old), count(&log, &kept)), (0, 4));
    drop((log, writer, open));
    let log = Embedded::open(&options(dir.path())).unwrap();
    assert_eq!((log.range(&old).unwrap(), count(&log, &kept)), (13..13, 4));
}

#[test]
fn files_left_by_a_crash_are_harmless_and_go_with_the_next_truncation() {
    let dir = tempfile::tempdir().unwrap();
    let log = Embedded::open(&options(dir.path())).unwrap();
    let place = at(&topic(&log, "t", 1), 0);
    let mut writer = log.writer("w").unwrap();
    (0..6).for_each(|_| commit(&mut *writer, &place));
    let before = files(dir.path());
    log.truncate(&place, 4).unwrap();
    drop((log, writer));
    // As if the process had ended before it removed the first of them.
    let after = files(dir.path());
    for (name, bytes) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
        fs::write(dir.path().join("segments").join(name), bytes).unwrap();
    }
    let log = Embedded::open(&options(dir.path())).unwrap();
    assert_eq!((log.range(&place).unwrap(), count(&log, &place)), (4..6, 2));
    assert_eq!(files(dir.path()).len(), 6);
    commit(&mut *log.writer("w").unwrap(), &place);
    log.truncate(&place, 5).unwrap();
    assert_eq!((files(dir.path()).len(), count(&log, &place)), (2, 2));
}

#[test]
fn a_reader_overtaken_by_retention_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = Embedded::open(&options(dir.path())).unwrap();
    let place = at(&topic(&log, "t", 1), 0);
    let mut writer = log.writer("w").unwrap();
    (0..8).for_each(|_| commit(&mut *writer, &place));
    let mut reader = log.reader().unwrap();
    reader.assign(&[(place.clone(), 0)]).unwrap();
    let (one, mut records) = (Budget { records: 2, bytes: 1 << 20 }, Vec::new());
    reader.poll(one, Duration::ZERO, &mut records).unwrap();
    log.truncate(&place, 2).unwrap();
    reader.poll(one, Duration::ZERO, &mut records).unwrap();
    assert_eq!(records.len(), 4);
    log.truncate(&place, 6).unwrap();
    let met = reader.poll(one, Duration::ZERO, &mut records).unwrap_err();
    assert!(matches!(&met, Error::OutOfRange { offset: 4, range, .. } if *range == (6..8)), "{met:?}");
    assert!(met.to_string().contains("start from an offset inside"), "{met}");
}
