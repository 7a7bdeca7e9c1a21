//! Sorts a window once and reads all its order statistics off the sorted samples.
//!
//! Samples are dealt into as many equal intervals between the least and the greatest as there are samples, and the few
//! that share an interval are put in order by insertion: linear time for any spread that is not extreme. Where too many
//! share an interval, as with one huge outlier, the standard library sorts. Both give the same order.
//!
//! # Invariants
//! Planned once; nothing is allocated by [`Order::sort`]. Samples must be finite numbers.

/// Samples per interval, on the average over samples, up to which insertion is cheaper than sorting anew.
const CROWDED: usize = 16;

/// Scratch for sorting windows.
#[derive(Debug)]
pub(crate) struct Order {
    sorted: Vec<f64>,
    /// Interval of each sample.
    places: Vec<u32>,
    /// Where the samples of each interval begin.
    starts: Vec<u32>,
}

impl Order {
    pub(crate) fn new(most_samples: usize) -> Self {
        Self {
            sorted: vec![0.0; most_samples],
            places: vec![0; most_samples],
            starts: vec![0; most_samples + 1],
        }
    }

    /// The samples in rising order; `least` and `most` are their extremes.
    pub(crate) fn sort(&mut self, samples: &[f64], least: f64, most: f64) -> Sorted<'_> {
        let count = samples.len();
        let sorted = &mut self.sorted[..count];
        let scale = (count as f64 - 1.0) / (most - least);
        // Without a finite scale all the samples are as good as one value, or none.
        let dealt = scale.is_finite()
            && deal(samples, (least, scale), &mut self.places[..count], &mut self.starts[..=count], sorted);
        if !dealt {
            sorted.copy_from_slice(samples);
            sorted.sort_unstable_by(f64::total_cmp);
        }
        Sorted(sorted)
    }
}

/// Adding this makes the low bits of a number from 0 to 2^51 its nearest integer.
const INTEGER: f64 = 6_755_399_441_055_744.0;

fn deal(
    samples: &[f64],
    (least, scale): (f64, f64),
    places: &mut [u32],
    starts: &mut [u32],
    sorted: &mut [f64],
) -> bool {
    let last = samples.len() as u32 - 1;
    starts.fill(0);
    for (place, sample) in places.iter_mut().zip(samples) {
        *place = ((((sample - least) * scale) + INTEGER).to_bits() as u32).min(last);
    }
    for place in places.iter() {
        starts[*place as usize] += 1;
    }
    let (mut total, mut work) = (0, 0);
    for start in starts.iter_mut() {
        let here = *start;
        work += here as usize * here as usize;
        *start = total;
        total += here;
    }
    if work > CROWDED * samples.len() {
        return false;
    }
    for (place, sample) in places.iter().zip(samples) {
        let start = &mut starts[*place as usize];
        sorted[*start as usize] = *sample;
        *start += 1;
    }
    insert(sorted);
    true
}

/// Sorts what is nearly sorted.
pub(crate) fn insert(values: &mut [f64]) {
    for index in 1..values.len() {
        let value = values[index];
        let mut hole = index;
        while hole > 0 && values[hole - 1] > value {
            values[hole] = values[hole - 1];
            hole -= 1;
        }
        values[hole] = value;
    }
}

/// Samples in rising order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sorted<'a>(&'a [f64]);

impl Sorted<'_> {
    /// The quantile at `share` of the way from the first to the last sample, linear between neighbours
    /// (`numpy.percentile`'s default). 0 for no samples.
    pub(crate) fn quantile(self, share: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else { return 0.0 };
        let position = share * last as f64;
        let below = (position as usize).min(last);
        let (low, high) = (self.0[below], self.0[(below + 1).min(last)]);
        low + (high - low) * (position - below as f64)
    }

    /// The middle sample, or the mean of the two middle ones. 0 for no samples.
    pub(crate) fn median(self) -> f64 {
        let count = self.0.len();
        if count == 0 { 0.0 } else { f64::midpoint(self.0[(count - 1) / 2], self.0[count / 2]) }
    }

    /// The median of the distances from the median. 0 for no samples.
    pub(crate) fn median_deviation(self) -> f64 {
        let (count, median) = (self.0.len(), self.median());
        if count == 0 {
            return 0.0;
        }
        f64::midpoint(self.distance(median, count.div_ceil(2)), self.distance(median, count / 2 + 1))
    }

    /// The distance from `middle` within which there are `wanted` samples, at least 1 and at most all.
    ///
    /// Neighbours in value are neighbours here: the samples within are a run of that many. Of all the runs, the farther
    /// of the two ends is nearest where they are about equally far.
    fn distance(self, middle: f64, wanted: usize) -> f64 {
        let runs = self.0.len() - wanted + 1;
        let right = |start: usize| self.0[start + wanted - 1] - middle;
        let left = |start: usize| middle - self.0[start];
        let (mut low, mut high) = (0, runs);
        while low < high {
            let start = usize::midpoint(low, high);
            if right(start) < left(start) {
                low = start + 1;
            } else {
                high = start;
            }
        }
        // At `low` and after it the right end is the farther one, before it the left end.
        let after = if low < runs { right(low) } else { f64::INFINITY };
        let before = if low > 0 { left(low - 1) } else { f64::INFINITY };
        after.min(before)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn median_of(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_standard_library(
            samples in prop::collection::vec(prop_oneof![-1.0..1.0, -1e9..1e9, (-3_i8..4).prop_map(f64::from)], 1..300),
        ) {
            let (least, most) = crate::lanes::extremes(&samples);
            let mut order = Order::new(300);
            let sorted = order.sort(&samples, least, most);
            let mut expected = samples.clone();
            expected.sort_by(f64::total_cmp);
            prop_assert!(sorted.0.iter().eq(&expected));
            let median = median_of(samples.clone());
            prop_assert_eq!(sorted.median().to_bits(), median.to_bits());
            let distances = samples.iter().map(|sample| (sample - median).abs()).collect();
            prop_assert_eq!(sorted.median_deviation().to_bits(), median_of(distances).to_bits());
        }
    }
}
