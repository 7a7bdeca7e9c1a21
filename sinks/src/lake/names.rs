//! The names of the lake's own files, and nothing else: what is named otherwise is never touched.
//!
//! Data files are `<epoch>-<incarnation>-<digest>.parquet`, manifests on their way and folds are
//! `<sequence>-<digest>.json`; numbers are padded with zeros, the digest is its first 16 digits.

use super::durable;
use crate::{Digest, Error, disk::Disk};
use model::Epoch;
use std::path::Path;

/// What the folder of a day begins with.
const DAY: &str = "date=";

pub(super) fn data(epoch: Epoch, incarnation: u64, digest: Digest) -> String {
    format!("{epoch:012}-{incarnation:06}-{}.parquet", digest.short())
}

pub(super) fn numbered(sequence: u64, digest: Digest) -> String {
    format!("{sequence:020}-{}.json", digest.short())
}

pub(super) fn folder(day: &str) -> String {
    format!("{DAY}{day}")
}

/// The start that wrote the data file `name`; `None` for any other name.
pub(super) fn incarnation_of(name: &str) -> Option<u64> {
    let mut parts = name.strip_suffix(".parquet")?.split('-');
    number(parts.next()?, 12)?;
    let incarnation = number(parts.next()?, 6)?;
    (is_short(parts.next()?) && parts.next().is_none()).then_some(incarnation)
}

/// The number of the prepared manifest or fold `name`; `None` for any other name.
pub(super) fn sequence_of(name: &str) -> Option<u64> {
    let (sequence, digest) = name.strip_suffix(".json")?.split_once('-')?;
    is_short(digest).then_some(number(sequence, 20)?)
}

/// Every data file below `dir`, counted or not, by its path from there; ascending.
pub(super) fn data_files(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>, Error> {
    let mut files = Vec::new();
    for table in model::table::all() {
        for folder in durable::names(disk, &dir.join(table.name))? {
            let below = dir.join(table.name).join(&folder);
            if !folder.starts_with(DAY) || !disk.is_dir(&below) {
                continue;
            }
            let names = durable::names(disk, &below)?.into_iter();
            let own = names.filter(|name| incarnation_of(name).is_some());
            files.extend(own.map(|name| format!("{}/{folder}/{name}", table.name)));
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn number(digits: &str, width: usize) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (digits == format!("{number:0width$}")).then_some(number)
}

fn is_short(digest: &str) -> bool {
    digest.len() == 16 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_names_are_known_and_others_are_not() {
        let digest = Digest::of(b"content");
        assert_eq!(incarnation_of(&data(7, 3, digest)), Some(3));
        assert_eq!(incarnation_of(&data(u64::MAX, 1_234_567, digest)), Some(1_234_567));
        assert_eq!(sequence_of(&numbered(9, digest)), Some(9));
        let name = data(7, 3, digest);
        for other in [
            name.replace(".parquet", ".csv"),
            name.replacen('0', "+", 1),
            name.replacen('0', "", 1),
            format!("0{name}"),
            format!("{name}.parquet"),
            name.replace(&digest.short(), "0123456789ABCDEF"),
            name.replace('-', "_"),
            numbered(9, digest),
            "part-0001.parquet".to_owned(),
            "-.parquet".to_owned(),
            String::new(),
        ] {
            assert_eq!(incarnation_of(&other), None, "{other}");
        }
        for other in [name, "00000000000000000009.json".to_owned(), "9-0123456789abcdef.json".to_owned()] {
            assert_eq!(sequence_of(&other), None, "{other}");
        }
    }
}
