//! Selects the median slope by going through all pairs: for few samples, and where counting cannot tell slopes apart.
//!
//! # Invariants
//! Exact for any samples; holds at most as many slopes as there is room for, and goes through the pairs again for the rest.

/// Calls `take` with the slope of every pair, in units of the signal per sample.
#[inline]
pub(super) fn each(samples: &[f64], mut take: impl FnMut(f64)) {
    for distance in 1..samples.len() {
        let spacing = distance as f64;
        for (first, second) in samples.iter().zip(&samples[distance..]) {
            take((second - first) / spacing);
        }
    }
}

/// The mean of the slopes at two neighbouring or equal ranks; `guess` is a slope that may be the one at the first.
pub(super) fn median(
    samples: &[f64],
    ranks: (usize, usize),
    guess: f64,
    slopes: &mut Vec<f64>,
    room: usize,
) -> f64 {
    let first = at(samples, ranks.0, guess, slopes, room);
    if ranks.0 == ranks.1 || ranks.1 < count(samples, first).1 {
        return first;
    }
    let mut next = f64::INFINITY;
    each(samples, |slope| next = if slope > first && slope < next { slope } else { next });
    f64::midpoint(first, next)
}

/// The slope at a rank.
fn at(samples: &[f64], rank: usize, guess: f64, slopes: &mut Vec<f64>, room: usize) -> f64 {
    // The slope is strictly between these; so many slopes are not above the lower one.
    let (mut low, mut high, mut below) = (f64::NEG_INFINITY, f64::INFINITY, 0);
    let mut pivot = guess;
    loop {
        let (less, up_to) = count(samples, pivot);
        if rank < less {
            high = pivot;
        } else if rank < up_to {
            return pivot;
        } else {
            (low, below) = (pivot, up_to);
        }
        let all = write_down(samples, (low, high), slopes, room);
        let wanted = if all { rank - below } else { slopes.len() / 2 };
        pivot = *slopes.select_nth_unstable_by(wanted, f64::total_cmp).1;
        if all {
            return pivot;
        }
    }
}

/// How many slopes are below the pivot, and how many are not above it.
fn count(samples: &[f64], pivot: f64) -> (usize, usize) {
    let (mut less, mut up_to) = (0, 0);
    each(samples, |slope| {
        less += usize::from(slope < pivot);
        up_to += usize::from(slope <= pivot);
    });
    (less, up_to)
}

/// Writes down the slopes strictly between the bounds and says whether these are all; if there is no room for all, every
/// second one, every fourth, and so on.
fn write_down(samples: &[f64], (low, high): (f64, f64), slopes: &mut Vec<f64>, room: usize) -> bool {
    let (mut stride, mut wait) = (1, 0_usize);
    slopes.clear();
    each(samples, |slope| {
        if slope <= low || slope >= high {
            return;
        }
        if wait > 0 {
            wait -= 1;
            return;
        }
        if slopes.len() == room {
            let mut number = 0;
            slopes.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            stride *= 2;
        }
        slopes.push(slope);
        wait = stride - 1;
    });
    stride == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_rank_is_found_however_little_room_there_is(
            samples in prop::collection::vec(prop_oneof![(-2_i8..3).prop_map(f64::from), -1.0..1.0], 2..14),
            guess in prop_oneof![(-2_i8..3).prop_map(f64::from), -1.0..1.0],
            room in 2_usize..9,
        ) {
            let mut sorted = Vec::new();
            each(&samples, |slope| sorted.push(slope));
            sorted.sort_by(f64::total_cmp);
            let mut slopes = Vec::new();
            for rank in 0..sorted.len() {
                prop_assert_eq!(at(&samples, rank, guess, &mut slopes, room).to_bits(), sorted[rank].to_bits());
                prop_assert!(slopes.len() <= room);
                let next = (rank + 1).min(sorted.len() - 1);
                let mean = f64::midpoint(sorted[rank], sorted[next]);
                let ours = median(&samples, (rank, next), guess, &mut slopes, room);
                prop_assert_eq!(ours.to_bits(), mean.to_bits());
            }
        }
    }
}
