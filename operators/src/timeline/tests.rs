//! Why each test exists: the oracle proves that a timeline equals one pass over the facts that
//! stand, at every moment; the cost test proves that a correction does not re-run the future.

use super::{Fold, Timeline, run::STRIDE};
use crate::Diff;
use model::Micros;
use proptest::{prelude::*, test_runner::TestCaseError};
use serde::{Deserialize, Serialize};
use std::{cell::Cell, collections::BTreeMap};

/// Says something whenever the running sum (mod 16) leaves or enters its upper half.
#[derive(Clone)]
struct Alarm {
    steps: Cell<usize>,
}

#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct State {
    sum: u32,
    high: bool,
}

impl Fold for Alarm {
    type Fact = (u32, u32);
    type State = State;
    type Output = (u32, u32, bool);

    const VERSION: u32 = 1;

    fn step(&self, state: &mut State, &(at, value): &(u32, u32)) -> Option<(u32, u32, bool)> {
        self.steps.set(self.steps.get() + 1);
        // A fact divisible by 7 resets the state, so that corrections can converge.
        state.sum = if value % 7 == 0 { 0 } else { (state.sum + value) % 16 };
        let high = state.sum >= 8;
        let changed = high != state.high;
        state.high = high;
        changed.then_some((at, state.sum, high))
    }

    fn at(fact: &(u32, u32)) -> Micros {
        Micros::from(fact.0)
    }

    fn floor(_newest: &(u32, u32), watermark: Micros, horizon: Micros) -> Micros {
        watermark - horizon
    }

    fn may_go(&self, state: &State) -> bool {
        *state == State::default()
    }
}

fn alarm() -> Alarm {
    Alarm { steps: Cell::new(0) }
}

fn facts_of(timeline: &Timeline<Alarm>) -> usize {
    timeline.runs.iter().map(|run| run.facts.len()).sum()
}

/// Runs are in order, none is empty, none is much longer than others.
fn sound(timeline: &Timeline<Alarm>) -> Result<(), TestCaseError> {
    let facts: Vec<_> = timeline.runs.iter().flat_map(|run| &run.facts).map(|known| known.fact).collect();
    prop_assert!(facts.is_sorted_by(|one, other| one < other));
    let length = 1..2 * STRIDE;
    prop_assert!(timeline.runs.iter().all(|run| length.contains(&run.facts.len())));
    Ok(())
}

fn from_scratch(facts: &BTreeMap<(u32, u32), Diff>) -> BTreeMap<(u32, u32, bool), Diff> {
    let (fold, mut state, mut outputs) = (alarm(), State::default(), BTreeMap::new());
    for (fact, count) in facts {
        if *count > 0
            && let Some(output) = fold.step(&mut state, fact)
        {
            *outputs.entry(output).or_insert(0) += 1;
        }
    }
    outputs
}

/// Facts, and whether they are retracted; sometimes more than go into one run.
fn batch() -> impl Strategy<Value = Vec<((u32, u32), bool)>> {
    let change = || ((0_u32..400, 0_u32..30), any::<bool>());
    prop_oneof![
        8 => prop::collection::vec(change(), 1..40),
        1 => prop::collection::vec(change(), 200..500),
    ]
}

proptest! {
    #[test]
    fn every_batch_leaves_what_one_pass_would(
        batches in prop::collection::vec(batch(), 1..20)
    ) {
        let (fold, mut timeline) = (alarm(), Timeline::<Alarm>::default());
        let mut facts: BTreeMap<(u32, u32), Diff> = BTreeMap::new();
        let mut outputs: BTreeMap<(u32, u32, bool), Diff> = BTreeMap::new();
        for batch in batches {
            let mut changes = Vec::new();
            for (fact, retract) in batch {
                // Retract only what stands; otherwise assert, sometimes a second copy.
                let count = facts.entry(fact).or_insert(0);
                let diff = if retract && *count > 0 { -1 } else { 1 };
                *count += diff;
                changes.push((fact, diff));
            }
            timeline.apply(&fold, changes, |output, diff| *outputs.entry(output).or_insert(0) += diff);
            outputs.retain(|_, count| *count != 0);
            prop_assert_eq!(&outputs, &from_scratch(&facts));
            sound(&timeline)?;
        }
    }
}

#[test]
fn appending_costs_one_step_and_a_correction_stops_where_it_is_forgotten() {
    let (fold, mut timeline) = (alarm(), Timeline::<Alarm>::default());
    for at in 0..10_000 {
        timeline.apply(&fold, [((at, at % 30), 1)], |_, _| {});
    }
    assert_eq!(fold.steps.get(), 10_000);
    timeline.apply(&fold, [((5_000, 29), 1)], |_, _| {});
    let correction = fold.steps.get() - 10_000;
    assert!(correction < 150, "a correction that is soon forgotten took {correction} steps");
}

type Round = (u32, bool, Vec<(u32, u32, bool)>);

/// A round: how far the watermark moves, whether the timeline leaves and comes back, and changes by how far before
/// the newest they are.
fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let change = (0_u32..HORIZON, 0_u32..30, any::<bool>());
    prop::collection::vec((0_u32..60, any::<bool>(), prop::collection::vec(change, 1..40)), 1..30)
}

const HORIZON: u32 = 100;

proptest! {
    /// Facts that leave, and states that leave and come back, do not show: changes within the horizon lead to what
    /// one pass over all facts ever would lead to.
    #[test]
    fn what_leaves_below_the_floor_does_not_show(rounds in rounds()) {
        let (fold, mut timeline) = (alarm(), Timeline::<Alarm>::default());
        let mut facts: BTreeMap<(u32, u32), Diff> = BTreeMap::new();
        let mut outputs: BTreeMap<(u32, u32, bool), Diff> = BTreeMap::new();
        let mut watermark = HORIZON;
        for (step, travels, changes) in rounds {
            watermark += step;
            if travels {
                let bytes = postcard::to_allocvec(&timeline).unwrap();
                timeline = postcard::from_bytes(&bytes).unwrap();
            }
            let mut batch = Vec::new();
            for (age, value, retract) in changes {
                // Retract the first that still may be, or assert something near.
                let fact = (watermark - age, value);
                let old = facts.range(fact..).find(|(_, count)| **count > 0).map(|(fact, _)| *fact);
                let (fact, diff) = old.filter(|_| retract).map_or((fact, 1), |old| (old, -1));
                *facts.entry(fact).or_insert(0) += diff;
                batch.push((fact, diff));
            }
            timeline.apply(&fold, batch, |output, diff| *outputs.entry(output).or_insert(0) += diff);
            timeline.compact(Micros::from(watermark), Micros::from(HORIZON));
            outputs.retain(|_, count| *count != 0);
            prop_assert_eq!(&outputs, &from_scratch(&facts));
            let recent = facts.range((watermark - HORIZON, 0)..).count();
            let kept = facts_of(&timeline);
            prop_assert!(kept <= recent + STRIDE + 40, "{kept} of {recent}");
            sound(&timeline)?;
        }
    }
}

#[test]
fn a_long_timeline_keeps_what_its_horizon_holds() {
    let (fold, mut timeline) = (alarm(), Timeline::<Alarm>::default());
    for at in 0..10_000 {
        timeline.apply(&fold, [((at, at % 30), 1)], |_, _| {});
        timeline.compact(Micros::from(at), Micros::from(HORIZON));
        assert!(facts_of(&timeline) <= HORIZON as usize + STRIDE + 1);
    }
    assert_eq!(fold.steps.get(), 10_000, "no fact is folded for leaving");
    let tail = timeline.tail().clone();
    timeline.settle();
    assert!(timeline.is_settled() && *timeline.base == tail && *timeline.tail() == tail);
}
