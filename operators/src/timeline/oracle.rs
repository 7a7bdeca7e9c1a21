//! What stands of facts and of what a fold says of them, epoch by epoch: for tests that look at it in another way.

use super::{Fold, Timeline};
use crate::Diff;
use differential_dataflow::consolidation::consolidate;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

/// Epochs of facts, each of which comes, or is taken back if it stands and is not said to come.
pub(crate) type Epochs<T> = Vec<Vec<(T, bool)>>;

/// Folds `epochs` and gives what was said and the facts that stand, both in order, to `check` after each.
pub(crate) fn follow<F>(
    fold: &F,
    epochs: Epochs<F::Fact>,
    mut check: impl FnMut(&[(F::Output, Diff)], &[F::Fact]) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError>
where
    F: Fold,
    F::Output: Ord,
{
    let mut timeline = Timeline::<F>::default();
    let mut standing = BTreeMap::<F::Fact, Diff>::new();
    let mut told: Vec<(F::Output, Diff)> = Vec::new();
    for epoch in epochs {
        let mut changes = Vec::new();
        for (fact, comes) in epoch {
            let count = standing.entry(fact.clone()).or_insert(0);
            let change = if *count > 0 && !comes {
                -1
            } else if *count == 0 {
                1
            } else {
                continue;
            };
            *count += change;
            changes.push((fact, change));
        }
        timeline.apply(fold, changes, |output, change| told.push((output, change)));
        consolidate(&mut told);
        let all: Vec<_> =
            standing.iter().filter(|(_, count)| **count > 0).map(|(fact, _)| fact.clone()).collect();
        check(&told, &all)?;
    }
    Ok(())
}
