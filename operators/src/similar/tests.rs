//! Holds the index against a plain scan of a plain map.
//!
//! * Exactness: after any history of epochs, over vectors made to tie, to nearly tie, to oppose each other and to lie in
//!   one place, the search gives the ids and the bits of the scores of a scan of all vectors. A bound that is too
//!   tight anywhere shows here.
//! * Certainty: what a limited search calls certain is the beginning of the exact result.
//! * Determinism: the order within an epoch changes nothing at all in the state.
//! * Versions: an old one answers as before, and a small epoch copies one cell.
//! * Refusals: what is no unit vector neither enters nor asks.

mod made;

use super::{
    Error, Index, Options, Version,
    code::{Query, dot, encode, product},
    vote,
};
use made::{Change, Map, history, settle, vector};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc};

/// Small cells, so that a few hundred vectors divide and dissolve many.
fn index(dimensions: usize, scan: usize) -> Index<u16> {
    let exact = if scan == usize::MAX { usize::MAX } else { 0 };
    let mut index = Index::new(Options { dimensions, exact, scan }).unwrap();
    index.full = 20;
    index
}

fn apply(index: &mut Index<u16>, epoch: &[Change]) -> Vec<(u16, Error)> {
    index.apply(epoch.iter().map(|(id, vector)| (*id, vector.as_deref())))
}

/// The result by definition.
fn scan(map: &Map, query: &[f32], k: usize, exclude: impl Fn(&u16) -> bool) -> Vec<(u16, f32)> {
    let rows = map.iter().filter(|(id, _)| !exclude(id));
    let mut scores: Vec<_> = rows.map(|(id, vector)| (*id, dot(vector, query) as f32)).collect();
    scores.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    scores.truncate(k);
    scores
}

fn bits(neighbours: &[(u16, f32)]) -> Vec<(u16, u32)> {
    neighbours.iter().map(|(id, score)| (*id, score.to_bits())).collect()
}

/// Every vector is where it should be, once, and no cell is too large.
fn check(index: &Index<u16>, map: &Map) {
    let cells = index.version.cells.iter().enumerate();
    let found: BTreeMap<u16, (usize, Vec<f32>)> = cells
        .flat_map(|(home, cell)| cell.rows().iter().map(move |row| (row.id, (home, row.vector.to_vec()))))
        .collect();
    assert_eq!(index.version.cells.iter().map(|cell| cell.len()).sum::<usize>(), map.len());
    assert_eq!((index.version.len(), found.len(), index.home.len()), (map.len(), map.len(), map.len()));
    assert!(index.version.cells.iter().all(|cell| cell.len() <= index.full));
    for (id, vector) in map {
        assert_eq!(found[id], (index.home[id], vector.clone()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_search_is_a_scan_of_everything((dimensions, epochs, questions) in history(), k in 1_usize..=100) {
        let (mut index, mut map) = (index(dimensions, usize::MAX), Map::new());
        for epoch in &epochs {
            prop_assert_eq!(apply(&mut index, epoch), vec![]);
            settle(&mut map, epoch);
            check(&index, &map);
            for question in &questions {
                let exclude = |id: &u16| *id % 5 == 3;
                let found = index.search(question, k, exclude).unwrap();
                prop_assert_eq!(bits(&found.neighbours), bits(&scan(&map, question, k, exclude)));
                prop_assert_eq!(found.certain, found.neighbours.len());
            }
        }
    }

    #[test]
    fn what_is_certain_is_exact((dimensions, epochs, questions) in history(), k in 1_usize..20, limit in 0_usize..100) {
        let (mut index, mut map) = (index(dimensions, limit), Map::new());
        for epoch in &epochs {
            apply(&mut index, epoch);
            settle(&mut map, epoch);
        }
        for question in &questions {
            let found = index.search(question, k, |_| false).unwrap();
            let truth = scan(&map, question, k, |_| false);
            prop_assert_eq!(bits(&found.neighbours[..found.certain]), bits(&truth[..found.certain]));
            prop_assert!(found.scanned < limit + index.full);
            let exact = index.version().search_exact(question, k, |_| false).unwrap();
            prop_assert_eq!(bits(&exact.neighbours), bits(&truth));
        }
    }

    #[test]
    fn the_order_within_an_epoch_changes_nothing((dimensions, epochs, _) in history(), turn in any::<u32>()) {
        let (mut one, mut other) = (index(dimensions, 50), index(dimensions, 50));
        for mut epoch in epochs {
            apply(&mut one, &epoch);
            epoch.sort_by_key(|(id, vector)| (u32::from(*id) ^ turn).wrapping_mul(0x9e37_79b9) ^ u32::from(vector.is_some()));
            epoch.reverse();
            apply(&mut other, &epoch);
            prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
        }
    }

    #[test]
    fn an_old_version_answers_as_before((dimensions, epochs, questions) in history()) {
        let mut index = index(dimensions, 50);
        let mut kept: Vec<(Version<u16>, String)> = Vec::new();
        let answers = |version: &Version<u16>| {
            let answers: Vec<_> = questions.iter().map(|question| version.search(question, 7, |_| false)).collect();
            format!("{} {answers:?}", version.len())
        };
        for epoch in &epochs {
            apply(&mut index, epoch);
            let version = index.version();
            kept.push((version.clone(), answers(&version)));
        }
        for (version, before) in kept {
            prop_assert_eq!(answers(&version), before);
        }
    }

    #[test]
    fn the_bounds_hold(dimensions in 1_usize..200, kinds in (0_u8..6, 0_u8..6, 0_u8..6), seeds in any::<(u32, u32, u32)>()) {
        let [row, centre, question] = [(kinds.0, seeds.0), (kinds.1, seeds.1), (kinds.2, seeds.2)]
            .map(|(kind, seed)| vector(dimensions, kind, u64::from(seed)));
        let query = Query::new(&question);
        let score = f64::from(dot(&row, &question) as f32);
        for scale in [1.0, 0.5, 1e-3, 0.0] {
            let centre: Vec<f32> = centre.iter().map(|value| value * scale).collect();
            let mut cell = super::cell::Cell::new(centre);
            cell.push((), Arc::from(row.as_slice()));
            let view = cell.view(&query);
            prop_assert!(score <= view.most, "{} above {:?}", score, view);
            cell.scan(&query, view, |_, lower, upper| {
                assert!((lower..=upper).contains(&score), "{score} not in {lower}..={upper}");
                // Half a level of at most 2 / 127 per dimension, times a distance of at most 2, to either side: a bound
                // of infinity would hold too.
                let most = 4.0 / 127.0 * (dimensions as f64).sqrt() + 1e-3;
                assert!(upper - lower < most, "{lower}..={upper}");
            });
        }
    }
}

#[test]
fn whole_numbers_never_overflow() {
    for dimensions in [1, 31, 32, 88, 448, 896, 897, 1_032, 8_192] {
        let mut codes = Vec::new();
        let same = vec![1.0 / (dimensions as f32).sqrt(); dimensions];
        encode(&same, &vec![0.0; dimensions], &mut codes);
        let query = Query::new(&same);
        let wide: i64 =
            codes.iter().zip(&query.levels).map(|(code, level)| i64::from(*code) * i64::from(*level)).sum();
        assert!(codes.iter().all(|code| *code == 127) && query.levels[0] > 2_000);
        assert_eq!(i64::from(product(&codes, &query.levels)), wide);
    }
}

#[test]
fn a_small_epoch_copies_one_cell() {
    let mut index = index(33, usize::MAX);
    let epoch: Vec<Change> = (0..400).map(|id| (id, Some(vector(33, 0, u64::from(id))))).collect();
    apply(&mut index, &epoch);
    let before = index.version();
    apply(&mut index, &[(7, None)]);
    let after = index.version();
    let shared = before.cells.iter().zip(after.cells.iter()).filter(|(left, right)| Arc::ptr_eq(left, right));
    assert_eq!(shared.count(), before.cells.len() - 1);
    assert!(before.cells.len() > 10);
    // What stands already is no change.
    apply(&mut index, &[(8, Some(vector(33, 0, 8))), (8, None)]);
    assert!(Arc::ptr_eq(&index.version().cells, &after.cells));
}

#[test]
fn what_is_no_unit_vector_neither_enters_nor_asks() {
    let mut index = index(3, usize::MAX);
    let good = vec![0.6, 0.8, 0.0];
    apply(&mut index, &[(1, Some(good.clone())), (2, Some(good.clone()))]);
    let bad: [&[f32]; 7] = [
        &[0.0, 0.0, 0.0],
        &[f32::NAN, 1.0, 0.0],
        &[f32::INFINITY, 0.0, 0.0],
        &[f32::MAX, f32::MAX, f32::MAX],
        &[1.0, 0.1, 0.0],
        &[1.0, 0.0],
        &[],
    ];
    for vector in bad {
        let refused = apply(&mut index, &[(1, Some(vector.to_vec()))]);
        assert_eq!(refused.len(), 1);
        assert!(index.search(vector, 1, |_| false).is_err());
        // What it was before is not true any more.
        assert_eq!(index.search(&good, 5, |_| false).unwrap().neighbours, [(2, 1.0)]);
        apply(&mut index, &[(1, Some(good.clone()))]);
    }
    assert_eq!(index.search(&good, 0, |_| false), Err(Error::Neighbours { k: 0 }));
    assert_eq!(index.search(&good, 101, |_| false), Err(Error::Neighbours { k: 101 }));
    assert_eq!(index.search(&good, 5, |_| false).unwrap().neighbours, [(1, 1.0), (2, 1.0)]);
    for dimensions in [0, 8_193] {
        let refused = Index::<u16>::new(Options::new(dimensions)).err();
        assert_eq!(refused, Some(Error::Dimensions { dimensions }));
    }
}

#[test]
fn an_index_can_be_emptied_and_filled_again() {
    let mut index = index(8, usize::MAX);
    let fill: Vec<Change> = (0..300).map(|id| (id, Some(vector(8, 2, u64::from(id))))).collect();
    let empty: Vec<Change> = (0..300).map(|id| (id, None)).collect();
    for _ in 0..3 {
        apply(&mut index, &fill);
        assert_eq!(index.version().len(), 300);
        apply(&mut index, &empty);
        assert!(index.version().is_empty() && index.home.is_empty());
        assert_eq!(index.search(&vector(8, 0, 1), 5, |_| false).unwrap().neighbours, []);
    }
    // Cells without vectors are used again.
    assert!(index.version.cells.len() < 60, "{}", index.version.cells.len());
}

#[test]
fn recall_is_one_where_all_is_looked_at() {
    let mut index = index(8, 60);
    assert_eq!(index.version().recall(5, 10), None);
    let fill: Vec<Change> = (0..390).map(|id| (id, Some(vector(8, 0, u64::from(id))))).collect();
    apply(&mut index, &fill);
    let limited = index.version().recall(5, 40).unwrap();
    assert!((0.3..1.0).contains(&limited), "{limited}");
    index.version.options.scan = usize::MAX;
    assert_eq!(index.version().recall(5, 40), Some(1.0));
}

#[test]
fn the_majority_names_and_the_nearest_breaks_a_tie() {
    assert_eq!(vote::<u8>(&[]), None);
    assert_eq!(vote(&[3]), Some(&3));
    assert_eq!(vote(&[1, 2, 2]), Some(&2));
    assert_eq!(vote(&[2, 1, 1, 2, 3]), Some(&2));
    assert_eq!(vote(&[1, 1, 2, 2]), Some(&1));
}
