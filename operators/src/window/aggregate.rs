//! What is kept of the events of a span: enough to answer, and mergeable.
//!
//! # Invariants
//! Merging is associative and commutative, exactly. A sum of floating-point numbers is neither, which is
//! why [`Mean`] sums whole numbers.
//!
//! Two aggregates of the same value make one, as a pair: `(Mean, Extremes)`.

use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// A summary of a set of events that can be merged with the summary of another set.
///
/// The laws, for all summaries: `a.merge(b) == b.merge(a)`, `a.merge(b).merge(c) == a.merge(b.merge(c))`
/// and `a.merge(EMPTY) == a`. Whoever breaks them gets windows that depend on the order of arrival.
pub trait Aggregate: Copy + Debug {
    /// Value of one event.
    type Value: Copy;
    /// The summary of no event.
    const EMPTY: Self;

    /// The summary of one event; `None` for a value that has none, which is then handed out as
    /// [`super::Reason::Value`].
    fn of(value: Self::Value) -> Option<Self>;

    /// The summary of the events of both.
    fn merge(self, other: Self) -> Self;

    /// Whether it is the summary of no event.
    fn is_empty(&self) -> bool;
}

/// Both summaries of the same events.
impl<A: Aggregate, B: Aggregate<Value = A::Value>> Aggregate for (A, B) {
    type Value = A::Value;
    const EMPTY: Self = (A::EMPTY, B::EMPTY);

    #[inline]
    fn of(value: A::Value) -> Option<Self> {
        Some((A::of(value)?, B::of(value)?))
    }

    #[inline]
    fn merge(self, other: Self) -> Self {
        (self.0.merge(other.0), self.1.merge(other.1))
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Steps of a sum per unit of the value.
const STEPS_PER_UNIT: f64 = (1_u64 << 39) as f64;

/// Count and sum of `f32` values; from them the mean.
///
/// The sum is a whole number of steps of 2⁻³⁹ units. An `f32` of magnitude 2⁻¹⁶ or more is a whole number
/// of such steps (24 significant bits); a smaller one loses less than one step, 2·10⁻¹² units. So the sum
/// is exact in any order, and the mean is the same to the last bit. It is so for up to `u32::MAX` values.
///
/// Both stand in one number, sum · 2³² + count, so that merging is one addition: 96 bits hold the sum of
/// 2³³ values of the largest magnitude, which is 2⁶² steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mean(i128);

impl Mean {
    /// The largest magnitude taken, in units of the value: what a 24-bit converter gives.
    pub const LARGEST: f32 = 8_388_608.0;

    /// Number of values.
    #[inline]
    pub fn count(&self) -> u32 {
        self.0 as u32
    }

    /// Arithmetic mean, in units of the value; NaN of no value.
    #[inline]
    pub fn mean(&self) -> f64 {
        let steps = self.0 >> 32;
        // Most sums fit 64 bits, and those the processor converts. Either way the nearest `f64` comes out.
        let sum = i64::try_from(steps).map_or_else(|_| wide(steps), |narrow| narrow as f64);
        sum / (f64::from(self.count()) * STEPS_PER_UNIT)
    }
}

impl Aggregate for Mean {
    type Value = f32;
    const EMPTY: Self = Self(0);

    /// `None` for NaN, the infinities and magnitudes above [`Mean::LARGEST`].
    #[inline]
    fn of(value: f32) -> Option<Self> {
        // Also false for NaN.
        (value.abs() <= Self::LARGEST).then(|| {
            let steps = (f64::from(value) * STEPS_PER_UNIT) as i64;
            Self((i128::from(steps) << 32) + 1)
        })
    }

    #[inline]
    fn merge(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

/// The nearest `f64`, for sums that need more than 64 bits.
#[cold]
#[inline(never)]
fn wide(steps: i128) -> f64 {
    steps as f64
}

/// Smallest and largest of `f32` values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    min: f32,
    max: f32,
}

impl Extremes {
    /// Smallest value; +∞ of no value.
    pub fn min(&self) -> f32 {
        self.min
    }

    /// Largest value; −∞ of no value.
    pub fn max(&self) -> f32 {
        self.max
    }
}

impl Aggregate for Extremes {
    type Value = f32;
    const EMPTY: Self = Self { min: f32::INFINITY, max: f32::NEG_INFINITY };

    /// `None` for NaN and the infinities.
    #[inline]
    fn of(value: f32) -> Option<Self> {
        // Adding zero turns −0 into 0: which of the two came first must not show.
        value.is_finite().then_some(Self { min: value + 0.0, max: value + 0.0 })
    }

    #[inline]
    fn merge(self, other: Self) -> Self {
        Self {
            min: if other.min < self.min { other.min } else { self.min },
            max: if other.max > self.max { other.max } else { self.max },
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.min > self.max
    }
}

#[cfg(test)]
mod tests {
    use super::{Aggregate, Extremes, Mean};
    use proptest::prelude::*;

    type Both = (Mean, Extremes);

    fn of(values: &[f32]) -> Both {
        values.iter().fold(Both::EMPTY, |sum, value| sum.merge(Both::of(*value).unwrap()))
    }

    #[test]
    fn a_hand_made_set() {
        let (mean, extremes) = of(&[1.5, -2.0, 4.0]);
        assert_eq!((mean.count(), extremes.min(), extremes.max()), (3, -2.0, 4.0));
        assert!((mean.mean() - 3.5 / 3.0).abs() < 1e-15);
        assert!(Both::EMPTY.is_empty() && Both::EMPTY.0.mean().is_nan());
        // In f32 the middle value would be lost: 2²³ + 2⁻¹⁶ rounds to 2²³.
        let (exact, _) = of(&[Mean::LARGEST, 1.0 / 65_536.0, -Mean::LARGEST]);
        assert!((exact.mean() - 1.0 / 65_536.0 / 3.0).abs() < 1e-18);
    }

    #[test]
    fn a_sum_beyond_64_bits_is_still_one() {
        for value in [Mean::LARGEST, -Mean::LARGEST, -8_388_607.5] {
            let (mean, _) = of(&[value; 1_000]);
            assert_eq!(mean.mean().to_bits(), f64::from(value).to_bits());
        }
    }

    #[test]
    fn what_is_no_measurement_is_refused() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -8_388_609.0, f32::MAX] {
            assert!(Both::of(value).is_none(), "{value}");
        }
        assert_eq!(of(&[0.0, -0.0]).1.min().to_bits(), of(&[-0.0, 0.0]).1.min().to_bits());
    }

    proptest! {
        #[test]
        fn order_and_grouping_never_show(
            mut values in prop::collection::vec(-8_388_608.0_f32..=8_388_608.0, 1..50),
            cut in any::<prop::sample::Index>(),
        ) {
            let forward = of(&values);
            let (left, right) = values.split_at(cut.index(values.len()));
            prop_assert_eq!(of(left).merge(of(right)), forward);
            values.reverse();
            prop_assert_eq!(of(&values), forward);
            let steps = |value: &f32| (f64::from(*value) * super::STEPS_PER_UNIT) as i128;
            let exact: i128 = values.iter().map(steps).sum();
            let mean = exact as f64 / (values.len() as f64 * super::STEPS_PER_UNIT);
            prop_assert_eq!(forward.0.mean().to_bits(), mean.to_bits());
        }
    }
}
