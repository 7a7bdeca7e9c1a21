//! One comparison: what is timed, and how near the reference its result must be.
//!
//! # Invariants
//! The tolerances are those of the golden tests of the calculator, or tighter.

use anyhow::{Result, ensure};

use super::reference::Reference;

/// How near a number must be: `relative` times its size, or times `floor` of the root mean square of all if it is smaller.
#[derive(Clone, Copy)]
pub(super) struct Tolerance {
    relative: f64,
    floor: f64,
}

/// The same operations in the same order.
pub(super) const EXACT: Tolerance = Tolerance { relative: 0.0, floor: 0.0 };
/// Filtered signals.
pub(super) const FILTERED: Tolerance = Tolerance { relative: 1e-12, floor: 1.0 };
/// Coefficients of filters.
pub(super) const DESIGNED: Tolerance = Tolerance { relative: 1e-12, floor: 1e-3 };
/// Spectra and what is read off them.
pub(super) const SPECTRAL: Tolerance = Tolerance { relative: 1e-9, floor: 1e-3 };
/// Numbers with names of their own.
pub(super) const NAMED: Tolerance = Tolerance { relative: 1e-9, floor: 0.0 };
/// Single precision. Of 896 numbers thirty times the root mean square is the length of the vector, and that of the products
/// with a thousand rows is about the product of the lengths.
pub(super) const SINGLE: Tolerance = Tolerance { relative: 2e-6, floor: 30.0 };

/// What a result is held against.
pub(super) enum Right {
    /// What the reference calculates.
    Reference(Tolerance),
    /// Numbers that are known by themselves.
    Numbers(Vec<f64>),
}

/// What is timed.
type Work<'a> = dyn FnMut(&mut [f64]) + 'a;

/// One kernel and its input.
pub(super) struct Case<'a> {
    pub(super) name: &'static str,
    /// How many of what one call works on.
    pub(super) per: (usize, &'static str),
    pub(super) right: Right,
    pub(super) result: Vec<f64>,
    /// Writes the result.
    pub(super) work: Box<Work<'a>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        name: &'static str,
        per: (usize, &'static str),
        numbers: usize,
        tolerance: Tolerance,
        work: impl FnMut(&mut [f64]) + 'a,
    ) -> Self {
        let right = Right::Reference(tolerance);
        Self { name, per, right, result: vec![0.0; numbers], work: Box::new(work) }
    }
    /// Whether the result is right; without a reference, whether it is what is known by itself.
    pub(super) fn check(&self, reference: Option<&Reference>) -> Result<()> {
        let (right, tolerance) = match (&self.right, reference) {
            (Right::Numbers(numbers), _) => (numbers.clone(), EXACT),
            (Right::Reference(tolerance), Some(reference)) => (reference.result(self.name)?, *tolerance),
            (Right::Reference(_), None) => return Ok(()),
        };
        let (name, count) = (self.name, right.len());
        ensure!(self.result.len() == count, "{name} has {} numbers instead of {count}", self.result.len());
        let size = (right.iter().map(|value| value * value).sum::<f64>() / count as f64).sqrt();
        for (place, (ours, right)) in self.result.iter().zip(&right).enumerate() {
            let most = tolerance.relative * right.abs().max(tolerance.floor * size);
            // Not the reverse comparison: what is no number must fail.
            ensure!((ours - right).abs() <= most, "number {place} of {name} is {ours} instead of {right}");
        }
        Ok(())
    }
}
