//! Sorts the windows of neighbouring channels at the same time, and reads their medians off.
//!
//! Batcher's merge exchange (Knuth, "The Art of Computer Programming", volume 3, 5.2.2, algorithm M): which two
//! places are compared does not depend on the values, so one instruction compares them for several channels.
//!
//! # Invariants
//! The values are finite and hold no negative zero; then what comes out has the bits of any other sort.

/// Channels that are sorted at the same time: enough to hide how long one comparison takes.
pub(super) const LANES: usize = 8;
/// One number of each of [`LANES`] channels.
pub(super) type Lanes<S = f64> = [S; LANES];
/// Two places of a window, of which there are less than 64; the smaller value goes to the first.
pub(super) type Comparison = (u8, u8);

/// The comparisons that sort `count` values, in their order.
pub(super) fn comparisons(count: usize) -> Vec<Comparison> {
    let mut pairs = Vec::new();
    let top = count.next_power_of_two() / 2;
    let mut step = top;
    while step > 0 {
        let (mut wave, mut rest, mut distance) = (top, 0, step);
        loop {
            let compared = (0..count.saturating_sub(distance)).filter(|low| low & step == rest);
            pairs.extend(compared.map(|low| (low as u8, (low + distance) as u8)));
            if wave == step {
                break;
            }
            (distance, wave, rest) = (wave - step, wave / 2, step);
        }
        step /= 2;
    }
    pairs
}

/// Sorts every lane by the comparisons.
#[inline]
pub(super) fn sort<S: Copy + PartialOrd>(rows: &mut [Lanes<S>], comparisons: &[Comparison]) {
    for (low, high) in comparisons {
        let (low, high) = (usize::from(*low), usize::from(*high));
        let (first, second) = (rows[low], rows[high]);
        rows[low] = least(first, second);
        rows[high] = most(first, second);
    }
}

/// Median, and median absolute deviation from it, of every lane of sorted rows, of which there is at least one.
///
/// The sort loses nothing in the narrower type of the samples; differences would.
#[inline]
pub(super) fn centre_and_deviation<S: Copy + Into<f64>>(sorted: &[Lanes<S>]) -> (Lanes, Lanes) {
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        let centre = middle(wide(sorted[half - 1]), wide(sorted[half]));
        let (below, above) = sorted.split_at(half);
        (centre, middle(nearest(below, above, centre, half), nearest(below, above, centre, half + 1)))
    } else {
        let centre = wide(sorted[half]);
        // The deviation of the median itself is zero and the least of all.
        (centre, nearest(&sorted[..half], &sorted[half + 1..], centre, half))
    }
}

/// The `rank`-th smallest distance from the centre; zero for rank 0. `below` and `above` are sorted and equally long.
///
/// Outwards from the centre either side is sorted already, and the k-th smallest of two sorted sequences is the least
/// of `max(i-th of the one, j-th of the other)` over all `i + j = k`.
#[inline]
fn nearest<S: Copy + Into<f64>>(below: &[Lanes<S>], above: &[Lanes<S>], centre: Lanes, rank: usize) -> Lanes {
    if rank == 0 {
        return [0.0; LANES];
    }
    let half = below.len();
    let down = |count: usize| difference(centre, wide(below[half - count]));
    let up = |count: usize| difference(wide(above[count - 1]), centre);
    let mut result = [f64::INFINITY; LANES];
    for count in rank.saturating_sub(half)..=rank.min(half) {
        let largest = match (count, rank - count) {
            (0, rest) => up(rest),
            (count, 0) => down(count),
            (count, rest) => most(down(count), up(rest)),
        };
        result = least(largest, result);
    }
    result
}

#[inline]
fn least<S: Copy + PartialOrd>(first: Lanes<S>, second: Lanes<S>) -> Lanes<S> {
    std::array::from_fn(|lane| if second[lane] < first[lane] { second[lane] } else { first[lane] })
}

#[inline]
fn most<S: Copy + PartialOrd>(first: Lanes<S>, second: Lanes<S>) -> Lanes<S> {
    std::array::from_fn(|lane| if first[lane] > second[lane] { first[lane] } else { second[lane] })
}

#[inline]
pub(super) fn wide<S: Copy + Into<f64>>(samples: Lanes<S>) -> Lanes {
    samples.map(Into::into)
}

#[inline]
fn difference(first: Lanes, second: Lanes) -> Lanes {
    std::array::from_fn(|lane| first[lane] - second[lane])
}

#[inline]
fn middle(low: Lanes, high: Lanes) -> Lanes {
    std::array::from_fn(|lane| super::middle(low[lane], high[lane]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network that sorts all zeros and ones sorts everything (Knuth, 5.3.4, theorem Z).
    #[test]
    fn every_network_sorts() {
        for count in 1..=15 {
            let comparisons = comparisons(count);
            for pattern in 0..1_u32 << count {
                let mut rows: Vec<Lanes> =
                    (0..count).map(|place| [f64::from(pattern >> place & 1); LANES]).collect();
                sort(&mut rows, &comparisons);
                assert!(rows.is_sorted_by(|low, high| low[0] <= high[0]), "{count} values, {pattern:b}");
            }
        }
    }
}
