//! Unpacks a recording.

use std::io::Read;

/// Each sample's difference to the one before, the first one's to zero: 8 bits, or after -128 another 16 (little-endian).
pub(crate) fn differences(packed: &[u8]) -> Vec<i16> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let mut bytes = bytes.into_iter();
    let mut differences = Vec::new();
    while let Some(byte) = bytes.next() {
        let narrow = byte.cast_signed();
        differences.push(if narrow == i8::MIN {
            let low = bytes.next().unwrap();
            i16::from_le_bytes([low, bytes.next().unwrap()])
        } else {
            i16::from(narrow)
        });
    }
    differences
}

/// The samples with these differences.
pub(crate) fn samples(differences: &[i16]) -> Vec<f64> {
    let mut level = 0;
    differences
        .iter()
        .map(|difference| {
            level += i32::from(*difference);
            f64::from(level)
        })
        .collect()
}
