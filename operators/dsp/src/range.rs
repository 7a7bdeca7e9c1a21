//! Says which numbers the calculator takes for measurements.
//!
//! Fourth powers of samples must stay finite when they are added up, and squares of differences must not vanish. No quantity
//! of medicine comes near to either bound in any unit.

/// Largest magnitude of a sample that is calculated with, in any unit.
pub(crate) const LARGEST: f64 = 1e60;
/// Least distance between the lowest and the highest sample of a window that is not taken for constant, in any unit.
pub(crate) const SMALLEST: f64 = 1e-60;

/// Whether the number can be calculated with: finite, and no larger than [`LARGEST`].
#[inline]
pub(crate) fn usable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// Whether signals of this rate, in Hz, can be calculated with: from one sample in a quarter of an hour to a million a second.
pub(crate) fn usable_rate(rate_hz: f64) -> bool {
    (1e-3..=1e6).contains(&rate_hz)
}

/// Whether all the numbers can be calculated with.
pub(crate) fn all_usable(values: &[f64]) -> bool {
    // Without a way out in the middle the loop runs on vectors.
    values.iter().fold(true, |usable_so_far, value| usable_so_far & usable(*value))
}

/// `top / bottom`, 0 where that says nothing: if `bottom` is not above zero or the ratio is not finite.
pub(crate) fn ratio(top: f64, bottom: f64) -> f64 {
    let ratio = top / bottom;
    if bottom > 0.0 && ratio.is_finite() { ratio } else { 0.0 }
}
