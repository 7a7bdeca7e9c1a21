//! A chunk: the records one transaction wrote to one partition, as consecutive bytes.
//!
//! # Layout
//! Per record, little endian: timestamp `i64`, key length `u32` (`u32::MAX`: no key), value length `u32`, number of
//! headers `u32`, key, value, then per header name length `u32`, value length `u32`, name, value. Offsets are not
//! stored: record *i* of a chunk has the chunk's base offset plus *i*.
//!
//! # Invariants
//! - Bytes are decoded only after their checksum was compared; [`Decoder`] still never reads outside them.

use std::sync::Arc;

use crate::{Draft, Record, TopicPartition};

const NO_KEY: u32 = u32::MAX;

/// Appends `draft` to the chunk `into`.
pub(super) fn encode(draft: &Draft, into: &mut Vec<u8>) {
    into.extend_from_slice(&draft.timestamp_ms.max(1).to_le_bytes());
    into.extend_from_slice(&draft.key.as_ref().map_or(NO_KEY, |key| key.len() as u32).to_le_bytes());
    into.extend_from_slice(&(draft.value.len() as u32).to_le_bytes());
    into.extend_from_slice(&(draft.headers.len() as u32).to_le_bytes());
    into.extend_from_slice(draft.key.as_deref().unwrap_or_default());
    into.extend_from_slice(&draft.value);
    for (name, value) in &draft.headers {
        into.extend_from_slice(&(name.len() as u32).to_le_bytes());
        into.extend_from_slice(&(value.len() as u32).to_le_bytes());
        into.extend_from_slice(name.as_bytes());
        into.extend_from_slice(value);
    }
}

/// Walks over the records of a chunk.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    at: usize,
}

impl Decoder {
    /// Starts at the first record of `bytes`, whose checksum was compared.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// Gives the buffer back for reuse.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes of key, value and headers of the next record, without consuming it; `None` if it does not end here.
    pub(super) fn peek_bytes(&self) -> Option<usize> {
        let mut cursor = Cursor { bytes: &self.bytes, at: self.at };
        cursor.record().map(|parts| parts.payload)
    }

    /// Passes over one record; `None` if it does not end inside the chunk.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut cursor = Cursor { bytes: &self.bytes, at: self.at };
        cursor.record()?;
        self.at = cursor.at;
        Some(())
    }

    /// The next record, which stands at `offset` of `place`; `None` if it does not end inside the chunk.
    pub(super) fn next(&mut self, place: &TopicPartition, offset: u64) -> Option<Record> {
        let mut cursor = Cursor { bytes: &self.bytes, at: self.at };
        let parts = cursor.record()?;
        self.at = cursor.at;
        let mut headers = Vec::with_capacity(parts.headers as usize);
        let mut cursor = Cursor { bytes: parts.header_bytes, at: 0 };
        for _ in 0..parts.headers {
            let (name, value) = cursor.header()?;
            headers.push((Arc::from(std::str::from_utf8(name).ok()?), value.to_vec()));
        }
        Some(Record {
            topic: Arc::clone(&place.topic),
            partition: place.partition,
            offset,
            timestamp_ms: parts.timestamp_ms,
            key: parts.key.map(<[u8]>::to_vec),
            value: parts.value.to_vec(),
            headers,
        })
    }
}

struct Parts<'chunk> {
    timestamp_ms: i64,
    key: Option<&'chunk [u8]>,
    value: &'chunk [u8],
    headers: u32,
    header_bytes: &'chunk [u8],
    payload: usize,
}

struct Cursor<'chunk> {
    bytes: &'chunk [u8],
    at: usize,
}

impl<'chunk> Cursor<'chunk> {
    fn take(&mut self, length: usize) -> Option<&'chunk [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn header(&mut self) -> Option<(&'chunk [u8], &'chunk [u8])> {
        let (name, value) = (self.number()?, self.number()?);
        Some((self.take(name as usize)?, self.take(value as usize)?))
    }

    fn record(&mut self) -> Option<Parts<'chunk>> {
        let timestamp_ms = self.take(8)?.try_into().ok().map(i64::from_le_bytes)?;
        let (key, value, headers) = (self.number()?, self.number()?, self.number()?);
        let key = if key == NO_KEY { None } else { Some(self.take(key as usize)?) };
        let value = self.take(value as usize)?;
        let first_header = self.at;
        let mut payload = key.map_or(0, <[u8]>::len) + value.len();
        for _ in 0..headers {
            let (name, value) = self.header()?;
            payload += name.len() + value.len();
        }
        let header_bytes = &self.bytes[first_header..self.at];
        Some(Parts { timestamp_ms, key, value, headers, header_bytes, payload })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn drafts() -> impl Strategy<Value = Vec<Draft>> {
        let header =
            ("[a-z]{0,9}", vec(any::<u8>(), 0..20)).prop_map(|(name, value)| (Arc::from(name), value));
        let draft = (
            any::<i64>(),
            proptest::option::of(vec(any::<u8>(), 0..30)),
            vec(any::<u8>(), 0..90),
            vec(header, 0..4),
        );
        vec(draft, 0..12).prop_map(|drafts| {
            let draft = |(timestamp_ms, key, value, headers)| Draft {
                topic: Arc::from("t"),
                partition: 0,
                timestamp_ms,
                key,
                value,
                headers,
            };
            drafts.into_iter().map(draft).collect()
        })
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(drafts in drafts()) {
            let mut bytes = Vec::new();
            for draft in &drafts {
                encode(draft, &mut bytes);
            }
            let place = TopicPartition::new("t", 0);
            let mut decoder = Decoder::new(bytes);
            for (offset, draft) in drafts.iter().enumerate() {
                prop_assert_eq!(decoder.peek_bytes(), Some(draft.payload_bytes()));
                let record = decoder.next(&place, offset as u64).unwrap();
                prop_assert_eq!(record.offset, offset as u64);
                prop_assert_eq!(record.timestamp_ms, draft.timestamp_ms.max(1));
                prop_assert_eq!(&record.key, &draft.key);
                prop_assert_eq!(&record.value, &draft.value);
                prop_assert_eq!(&record.headers, &draft.headers);
            }
            prop_assert!(decoder.skip().is_none());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::new(bytes);
            while decoder.next(&TopicPartition::new("t", 0), 0).is_some() {}
        }
    }
}
