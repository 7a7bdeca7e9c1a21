//! The samples of a record in format 212, as signal(5) describes it: two samples of twelve bits in three bytes.

use super::{Problem, header::Header};

/// What format 212 writes where there is no sample.
const NONE: i32 = -2_048;

const CUT: Problem = "it is shorter than its header says, copy it again from its source";

/// The lead of `header` in mV, from the bytes of a signal file.
///
/// All signals are checked against their first value and their checksum, where the header has them.
pub(super) fn read(bytes: &[u8], header: &Header) -> Result<Vec<f32>, Problem> {
    let signals = header.signals.len();
    let in_file = bytes.len() / 3 * 2 + bytes.len() % 3 / 2;
    let count = match header.samples {
        // Only whole pairs of bytes are samples here, and only whole rounds of all signals.
        None if bytes.len() % 3 == 1 || !in_file.is_multiple_of(signals) => return Err(CUT),
        None => in_file,
        Some(samples) => samples.checked_mul(signals).filter(|count| *count <= in_file).ok_or(CUT)?,
    };
    // An odd last sample stands in two bytes or, filled up, in three.
    if bytes.len() > count.div_ceil(2) * 3 {
        return Err("it is longer than its header says, copy both again from their source");
    }
    if count / signals < 2 {
        return Err("it has fewer than two samples, record for longer");
    }
    for (k, signal) in header.signals.iter().enumerate() {
        let samples = || samples(bytes).take(count).skip(k).step_by(signals);
        if signal.initial.is_some_and(|initial| samples().next() != Some(initial)) {
            return Err("its first sample is not that of its header, copy both again from their source");
        }
        let sum = samples().fold(0_i16, |sum, sample| sum.wrapping_add(sample as i16));
        if signal.checksum.is_some_and(|checksum| checksum != sum) {
            return Err("its checksum is not that of its header, copy both again from their source");
        }
    }
    let lead = &header.signals[header.lead];
    let millivolt = |step: i32| {
        let value = ((f64::from(step) - f64::from(lead.baseline)) / lead.gain) as f32;
        // A value too large for f32 is no sample either.
        if step == NONE || !value.is_finite() { f32::NAN } else { value }
    };
    Ok(samples(bytes).take(count).skip(header.lead).step_by(signals).map(millivolt).collect())
}

/// All samples in the order of the file; of a last pair that is cut, the first.
fn samples(bytes: &[u8]) -> impl Iterator<Item = i32> {
    bytes.chunks(3).flat_map(|three| {
        let [first, middle, last] = [0, 1, 2].map(|k| three.get(k).map(|byte| u16::from(*byte)));
        let low = first.zip(middle).map(|(first, middle)| first | ((middle & 0x0f) << 8));
        let high = middle.zip(last).map(|(middle, last)| last | ((middle & 0xf0) << 4));
        [low, high].into_iter().flatten().map(signed)
    })
}

/// Twelve bits as a number from -2048 to 2047.
fn signed(bits: u16) -> i32 {
    i32::from(((bits << 4) as i16) >> 4)
}
