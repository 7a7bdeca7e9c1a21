//! The transform log: what was done to the samples, sealed step by step (signals.md §1.2, §4.3).
//!
//! `raw_to_filtered` is a chain over the rows after outliers were replaced, detectors then references; `filtered_to_corrected`
//! one over the rows after correction; `corrected_to_result` covers the result. A row changes its chain by
//! `next = SHA-256(chain, index, values)`, both little-endian, 64 bits each; chains begin with zeros. The second step
//! is sealed with the first, the third with the second: `SHA-256(digest before, chain)`.
//!
//! # Invariants
//! A row that is missing changes nothing, and its index is missed: the log tells where samples are missing.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Chains over rows; plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Journal {
    filtered: [u8; 32],
    corrected: [u8; 32],
}

impl Journal {
    /// Notes a row after outliers were replaced; `index` counts from the session's first slot.
    pub(super) fn filtered(&mut self, index: i64, detection: &[f64], reference: &[f64], room: &mut Vec<u8>) {
        self.filtered = next(&self.filtered, index, detection.iter().chain(reference), room);
    }

    /// Notes a row after correction.
    pub(super) fn corrected(&mut self, index: i64, values: &[f64], room: &mut Vec<u8>) {
        self.corrected = next(&self.corrected, index, values.iter(), room);
    }

    /// The three digests of a result whose canonical bytes are `result`.
    pub(super) fn seal(&self, result: &[u8]) -> [String; 3] {
        let second = digest(&[&self.filtered, &self.corrected]);
        let third = digest(&[&second, result]);
        [hex(&self.filtered), hex(&second), hex(&third)]
    }
}

fn next<'row>(
    chain: &[u8; 32],
    index: i64,
    values: impl Iterator<Item = &'row f64>,
    room: &mut Vec<u8>,
) -> [u8; 32] {
    room.clear();
    room.extend_from_slice(chain);
    room.extend_from_slice(&index.to_le_bytes());
    for value in values {
        room.extend_from_slice(&value.to_le_bytes());
    }
    Sha256::digest(&*room).into()
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}

/// `sha256:` and the digest of `values`, 32-bit floats, little-endian: of a fingerprint, or of gains and offsets.
pub(crate) fn hash(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    format!("sha256:{}", hex(&digest(&[&bytes])))
}

#[cfg(test)]
mod tests {
    use super::{Journal, digest, hex};

    #[test]
    fn digests_are_those_of_the_standard_and_every_step_counts() {
        // FIPS 180-4, the example "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&digest(&[b"a", b"bc"])), abc);
        let log = |detection: f64, corrected: f64, index: i64, result: &[u8]| {
            let (mut journal, mut room) = (Journal::default(), Vec::new());
            journal.filtered(index, &[detection], &[0.5], &mut room);
            journal.corrected(index, &[corrected], &mut room);
            journal.seal(result)
        };
        let usual = log(1.0, 2.0, 0, b"r");
        let differ = |other: [String; 3]| [0, 1, 2].map(|step| usual[step] != other[step]);
        assert_eq!(differ(log(1.5, 2.0, 0, b"r")), [true, true, true]);
        assert_eq!(differ(log(1.0, 2.5, 0, b"r")), [false, true, true]);
        assert_eq!(differ(log(1.0, 2.0, 0, b"s")), [false, false, true]);
        assert_eq!(differ(log(1.0, 2.0, 1, b"r")), [true, true, true]);
        assert_eq!(differ(log(1.0, 2.0, 0, b"r")), [false, false, false]);
    }
}
