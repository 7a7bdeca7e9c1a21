//! Results against the last word on each, at every epoch: corrected, taken back, out of order and twice; on any number of
//! workers.

use super::{results, turns};
use crate::testing::{Feed, standing};
use model::{
    DomainEvent, EventId, Input, LaboratoryEvent, LaboratoryResult, LaboratoryValue, Micros, Number, Origin,
    ResultId, Tick, UserId, time::SECOND,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const HORIZON: Micros = 1_000 * SECOND;

fn said(number: usize, at: Micros, (user, result): (u8, u8), value: Option<u32>) -> LaboratoryEvent {
    LaboratoryEvent {
        at,
        event: EventId::derive(&["said", &number.to_string()]),
        user: UserId::derive(&[&user.to_string()]),
        result: ResultId::derive(&[&result.to_string()]),
        value: value.map(|value| LaboratoryValue {
            code: "2524-7".into(),
            value: Number::from(value),
            unit: "mmol/L".into(),
        }),
        origin: Origin { input: Input::Laboratory, partition: 0, offset: number as u64 },
    }
}

/// The last word on each result.
fn plain(said: &[LaboratoryEvent]) -> BTreeSet<LaboratoryResult> {
    let mut of_each = BTreeMap::<_, BTreeSet<_>>::new();
    for one in said {
        of_each.entry((one.user, one.result)).or_default().insert((one.at, one.origin.offset, one.clone()));
    }
    let last = |words: BTreeSet<(Micros, u64, LaboratoryEvent)>| {
        let (revision, released) = (words.len() as u32 - 1, words.first()?.0);
        // Words of one moment follow each other a microsecond apart.
        let at = words.iter().fold(Micros::MIN, |last, (at, ..)| (*at).max(last + 1));
        let (.., LaboratoryEvent { event, user, result, value, origin, .. }) =
            words.into_iter().next_back()?;
        Some(LaboratoryResult { released, at, user, result, event, value: value?, revision, origin })
    };
    of_each.into_values().filter_map(last).collect()
}

fn stands(
    epochs: &[(Micros, Vec<LaboratoryEvent>)],
    workers: usize,
) -> (Vec<BTreeSet<LaboratoryResult>>, usize) {
    let tick = |watermark| Tick { now: watermark, watermark };
    let feeds: Vec<Feed> = epochs
        .iter()
        .map(|(watermark, said)| {
            (tick(*watermark), said.iter().cloned().map(DomainEvent::Laboratory).collect())
        })
        .collect();
    standing(&feeds, workers, HORIZON, |events, memory| results(turns(events, memory)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn what_stands_of_each_result_is_the_last_word_on_it(
        epochs in prop::collection::vec(
            (0_i64..400, prop::collection::vec((0_i64..1_200, (0_u8..2, 0_u8..3), prop::option::of(0_u32..4)), 0..6)),
            1..10,
        ),
        workers in 1_usize..=3,
    ) {
        let (mut watermark, mut number, mut fed) = (0, 0, Vec::new());
        for (step, words) in epochs {
            watermark += step * SECOND;
            let said = words.into_iter().map(|(place, whose, value)| {
                number += 1;
                said(number, watermark - HORIZON + place * SECOND, whose, value)
            });
            fed.push((watermark, said.collect::<Vec<_>>()));
        }
        let (found, _) = stands(&fed, workers);
        let mut all = Vec::new();
        for ((_, said), rows) in fed.into_iter().zip(found) {
            all.extend(said);
            prop_assert_eq!(rows, plain(&all));
        }
    }
}

#[test]
fn a_correction_finds_its_result_for_thirty_horizons() {
    let first = (0, vec![said(1, 0, (0, 0), Some(9))]);
    let corrected = |at: Micros| {
        let epochs = [first.clone(), (at, vec![said(2, at, (0, 0), Some(2))])];
        stands(&epochs, 1)
            .0
            .pop()
            .unwrap()
            .into_iter()
            .map(|row| (row.value.value, row.revision))
            .collect::<Vec<_>>()
    };
    assert_eq!(corrected(29 * HORIZON), [(Number::from(2), 1)]);
    assert_eq!(corrected(32 * HORIZON).len(), 2, "after that it is a result of its own");
    let epochs = [first.clone(), (32 * HORIZON, vec![])];
    assert_eq!(stands(&epochs, 1).1, 0);
}
