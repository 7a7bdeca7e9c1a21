//! Damage on disk is an error, or does not matter; it is never handed out as data.

use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use eventlog::{Error, Log, Outcome, Record, Result, embedded::Embedded};

use crate::{
    drafts::{EVERYTHING, at, draft},
    full, options, topic,
};

const COMMITS: u64 = 30;

/// A log with some commits, closed.
fn write(dir: &Path) {
    let log = Embedded::open(&options(dir)).unwrap();
    let topic = topic(&log, "t", 2);
    let mut writer = log.writer("w").unwrap();
    for number in 0..COMMITS {
        writer.begin().unwrap();
        for n in 0..3 {
            let mut value = format!("{number}.{n}").into_bytes();
            value.resize(200, number as u8);
            writer.send(draft(&topic, n % 2, value)).unwrap();
        }
        assert_eq!(writer.commit("g", &[(at(&topic, 0), number)]).unwrap(), Outcome::Committed);
    }
}

/// All there is, with the group's offset as one more record's worth of truth.
fn read(dir: &Path) -> Result<(Vec<Record>, Vec<Option<u64>>)> {
    let log = Embedded::open(&options(dir))?;
    let topic = "t".into();
    let places = [at(&topic, 0), at(&topic, 1)];
    let mut reader = log.reader()?;
    reader.assign(&places.clone().map(|place| (place, 0)))?;
    let mut records = Vec::new();
    while reader.positions() != places.clone().map(|place| (place.clone(), log.range(&place).unwrap().end)) {
        reader.poll(EVERYTHING, Duration::ZERO, &mut records)?;
    }
    Ok((records, log.committed("g", &places)?))
}

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

/// Copies a closed log; the preallocated rest of the journal stays a hole.
fn copy(from: &Path, to: &Path) {
    let mut all = Vec::new();
    files(from, &mut all);
    for path in all {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let bytes = content(&path);
        let mut file = fs::File::create(&target).unwrap();
        file.write_all(&bytes).unwrap();
        file.set_len(fs::metadata(&path).unwrap().len()).unwrap();
    }
}

/// The bytes of a file up to its last one that is not zero.
fn content(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open(path).unwrap().take(4 << 20).read_to_end(&mut bytes).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(used);
    bytes
}

/// The journal of the index, where a commit is written first.
fn journal(dir: &Path) -> PathBuf {
    let mut all = Vec::new();
    files(&dir.join("index"), &mut all);
    all.into_iter().find(|path| path.extension().is_some_and(|name| name == "jnl")).unwrap()
}

#[test]
fn a_flipped_bit_is_found_or_harmless() {
    let original = tempfile::tempdir().unwrap();
    write(original.path());
    let expected = {
        let intact = tempfile::tempdir().unwrap();
        copy(original.path(), intact.path());
        read(intact.path()).unwrap()
    };
    assert_eq!(expected.0.len() as u64, COMMITS * 3);
    let mut all = Vec::new();
    files(original.path(), &mut all);
    let (mut found, mut harmless) = (0, 0);
    for path in all {
        let used = content(&path).len() as u64;
        for position in (0..used).step_by((used as usize / 3).max(1)) {
            let damaged = tempfile::tempdir().unwrap();
            copy(original.path(), damaged.path());
            let name = path.strip_prefix(original.path()).unwrap();
            let mut file =
                fs::OpenOptions::new().read(true).write(true).open(damaged.path().join(name)).unwrap();
            let mut byte = [0];
            file.seek(SeekFrom::Start(position)).unwrap();
            file.read_exact(&mut byte).unwrap();
            file.seek(SeekFrom::Start(position)).unwrap();
            file.write_all(&[byte[0] ^ 0x10]).unwrap();
            drop(file);
            match read(damaged.path()) {
                Ok(read) => {
                    assert!(read == expected, "{} byte {position}: other data", name.display());
                    harmless += 1;
                }
                Err(_) => found += 1,
            }
        }
    }
    assert!(found > harmless, "{found} found, {harmless} harmless");
}

#[test]
fn a_damaged_record_names_its_file() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let path = dir.path().join("segments/0000000000.log");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = read(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { path: named, .. } if *named == path), "{error:?}");
    assert!(error.to_string().contains("restore"), "{error}");
}

#[test]
fn a_lost_tail_of_the_index_is_found() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let journal = journal(dir.path());
    let used = content(&journal).len() as u64;
    fs::OpenOptions::new().write(true).open(&journal).unwrap().set_len(used - 40).unwrap();
    let error = Embedded::open(&options(dir.path())).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { detail, .. } if detail.contains("acknowledged")), "{error:?}");
}

#[test]
fn a_commit_that_is_torn_at_any_byte_is_as_if_it_had_not_been() {
    let original = tempfile::tempdir().unwrap();
    let log = Embedded::open(&options(original.path())).unwrap();
    let at = at(&topic(&log, "t", 1), 0);
    let used = || content(&journal(original.path())).len();
    let mut writer = log.writer("w").unwrap();
    let mut commit =
        |offset| assert_eq!(full::commit(&mut *writer, &at, offset).unwrap(), Outcome::Committed);
    commit(1);
    let before = used();
    let witness = fs::read(original.path().join("witness")).unwrap();
    commit(2);
    for cut in before..=used() {
        let torn = tempfile::tempdir().unwrap();
        copy(original.path(), torn.path());
        // Nobody was told of the second: it did not return.
        fs::write(torn.path().join("witness"), &witness).unwrap();
        // What was not written of the preallocated file reads as zeros.
        let file = fs::OpenOptions::new().write(true).open(journal(torn.path())).unwrap();
        let whole = file.metadata().unwrap().len();
        file.set_len(cut as u64).unwrap();
        file.set_len(whole).unwrap();
        let log = Embedded::open(&options(torn.path())).unwrap_or_else(|error| panic!("byte {cut}: {error}"));
        let found = log.committed("group", std::slice::from_ref(&at)).unwrap();
        assert_eq!(found, [Some(if cut < used() { 1 } else { 2 })], "byte {cut}");
        let next = full::commit(&mut *log.writer("w").unwrap(), &at, 3).unwrap();
        assert_eq!(next, Outcome::Committed, "byte {cut}");
    }
}
