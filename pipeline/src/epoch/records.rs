//! The records of an epoch, counted and digested.

use eventlog::Record;
use model::Input;
use sinks::Digest;

/// The records of an epoch, by partition.
pub type Records = Vec<((Input, u32), Vec<Record>)>;

pub(super) fn size(record: &Record) -> usize {
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    record.key.as_ref().map_or(0, Vec::len) + record.value.len() + headers
}

/// Bytes of key, value and headers.
pub(crate) fn bytes_of(record: &Record) -> u64 {
    size(record) as u64
}

/// Bytes of keys, values and headers.
pub fn bytes(records: &Records) -> u64 {
    records.iter().flat_map(|(_, records)| records).map(|record| size(record) as u64).sum()
}

pub(super) fn count(records: &Records) -> u64 {
    records.iter().map(|(_, records)| records.len() as u64).sum()
}

/// Digest over every record: place, key and value, as the first version did it. Times and headers, which decide
/// results too, are held by the digests of what came out.
pub(super) fn digest(records: &Records) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for ((input, partition), records) in records {
        for record in records {
            let key = record.key.as_deref().unwrap_or_default();
            hasher.update(input.topic().as_bytes());
            hasher.update(&partition.to_le_bytes());
            hasher.update(&record.offset.to_le_bytes());
            hasher.update(&(key.len() as u64).to_le_bytes());
            hasher.update(key);
            hasher.update(&(record.value.len() as u64).to_le_bytes());
            hasher.update(&record.value);
        }
    }
    Digest::from(*hasher.finalize().as_bytes())
}
