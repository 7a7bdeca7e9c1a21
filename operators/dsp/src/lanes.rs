//! Adds up in a fixed number of lanes, so that sums run on vectors and still have the same bits everywhere.
//!
//! # Invariants
//! Term `i` goes to lane `i mod LANES`, in order; the lanes are added pairwise at the end. What the machine has for vectors
//! does not change the order of a single addition.

/// Sums that are carried side by side; two vectors of an x86-64, one of wider machines.
const LANES: usize = 4;

/// The sums of the `K` terms of every value.
#[inline]
pub(crate) fn sums<const K: usize>(values: &[f64], term: impl Fn(f64) -> [f64; K]) -> [f64; K] {
    let mut lanes = [[0.0; LANES]; K];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        let terms = block.map(&term);
        for (number, lane) in lanes.iter_mut().enumerate() {
            for (sum, terms) in lane.iter_mut().zip(&terms) {
                *sum += terms[number];
            }
        }
    }
    for (position, value) in rest.iter().enumerate() {
        for (lane, term) in lanes.iter_mut().zip(term(*value)) {
            lane[position] += term;
        }
    }
    lanes.map(|lane| (lane[0] + lane[2]) + (lane[1] + lane[3]))
}

/// The sum of one term of every value.
#[inline]
pub(crate) fn sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    sums(values, |value| [term(value)])[0]
}

/// The least and the greatest value, infinite for none. Values must be numbers.
#[inline]
pub(crate) fn extremes(values: &[f64]) -> (f64, f64) {
    let mut least = [f64::INFINITY; LANES];
    let mut most = [f64::NEG_INFINITY; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut take = |position: usize, value: f64| {
        // Not f64::min: its care for NaN costs more than the comparison.
        least[position] = if value < least[position] { value } else { least[position] };
        most[position] = if value > most[position] { value } else { most[position] };
    };
    for block in blocks {
        for (position, value) in block.iter().enumerate() {
            take(position, *value);
        }
    }
    for (position, value) in rest.iter().enumerate() {
        take(position, *value);
    }
    (least.into_iter().fold(f64::INFINITY, f64::min), most.into_iter().fold(f64::NEG_INFINITY, f64::max))
}
