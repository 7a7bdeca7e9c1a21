//! What leaves is what stood when the export began, and nothing old stays.

use super::{States, Stored, Unreadable};
use model::state::{Export, Pieces, StepVersion};
use proptest::prelude::*;
use std::collections::BTreeMap;

impl Stored for u64 {
    const VERSION: u32 = 2;

    fn older(version: u32, bytes: &[u8]) -> Option<Self> {
        (version == 1).then(|| postcard::from_bytes::<u32>(bytes).ok()).flatten().map(Self::from)
    }
}

impl Stored for Vec<u8> {
    const VERSION: u32 = 1;
}

const HORIZON: i64 = 1_000;

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what a store asks for")]
fn route(key: &u32) -> u64 {
    u64::from(*key)
}

/// What was exported, as keys and values.
fn content(exports: &[Export]) -> BTreeMap<u32, u64> {
    let states = States::default();
    let store = states.store::<u32, u64>("numbers", route, HORIZON);
    for export in exports {
        states.import(export, 0, 1).unwrap();
    }
    (0..64).filter_map(|key| store.borrow().get(&key).map(|value| (key, *value))).collect()
}

#[derive(Clone, Debug)]
enum Act {
    Set(u32, u64),
    Remove(u32),
    Begin,
    Export(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_u32..64, any::<u64>()).prop_map(|(key, value)| Act::Set(key, value)),
        2 => (0_u32..64).prop_map(Act::Remove),
        1 => Just(Act::Begin),
        3 => (0_usize..20).prop_map(Act::Export),
    ]
}

proptest! {
    /// Whatever happens during an export, what leaves is the state at its beginning, each key once.
    #[test]
    fn an_export_is_the_state_at_its_beginning(acts in prop::collection::vec(act(), 0..200)) {
        let states = States::default();
        let store = states.store::<u32, u64>("numbers", route, HORIZON);
        let mut model = BTreeMap::new();
        let (mut expected, mut exports) = (None, Vec::new());
        for act in acts {
            match act {
                Act::Set(key, value) => {
                    model.insert(key, value);
                    *store.borrow_mut().entry(&key, 5, || 0) = value;
                }
                Act::Remove(key) => {
                    prop_assert_eq!(store.borrow_mut().remove(&key), model.remove(&key));
                }
                Act::Begin => {
                    states.begin();
                    (expected, exports) = (Some(model.clone()), Vec::new());
                }
                Act::Export(bytes) => {
                    if states.export(bytes, &mut exports) && let Some(expected) = expected.take() {
                        let entries: usize = exports.iter().map(|export| export.pieces.len()).sum();
                        prop_assert_eq!(entries, expected.len());
                        prop_assert_eq!(content(&exports), expected);
                    }
                }
            }
        }
        prop_assert_eq!(states.len(), model.len());
    }
}

#[test]
fn a_slice_stays_small_though_every_entry_changed_before_the_walk_came_to_it() {
    let states = States::default();
    let store = states.store::<u32, Vec<u8>>("texts", route, HORIZON);
    for key in 0..1_000 {
        store.borrow_mut().insert(key, 0, vec![1; 1_024]);
    }
    states.begin();
    (0..1_000).for_each(|key| store.borrow_mut().entry(&key, 0, Vec::new).push(2));
    let (mut entries, mut done) = (0, false);
    while !done {
        let mut exports = Vec::new();
        done = states.export(1 << 10, &mut exports);
        let bytes: usize = exports.iter().map(|export| export.pieces.bytes()).sum();
        assert!(bytes < 3_000, "{bytes} bytes in one slice");
        entries += exports.iter().map(|export| export.pieces.len()).sum::<usize>();
    }
    assert_eq!(entries, 1_000);
}

#[test]
fn thousands_of_entries_are_found_while_others_go_and_come() {
    let states = States::default();
    let store = states.store::<u32, u64>("numbers", route, HORIZON);
    let mut model = BTreeMap::new();
    for round in 0..4_u32 {
        let mut store = store.borrow_mut();
        for key in (0..20_000).filter(|key| (key * 7 + round) % 4 > 0) {
            let value = u64::from(key ^ round);
            *store.entry(&key, 5, || 0) = value;
            model.insert(key, value);
        }
        for key in (0..20_000).filter(|key| key % 3 == round % 3) {
            assert_eq!(store.remove(&key), model.remove(&key));
        }
        assert_eq!(store.len(), model.len());
        for key in 0..20_000 {
            assert_eq!(store.get(&key), model.get(&key), "key {key} in round {round}");
        }
    }
    let mut walked: Vec<_> = store.borrow().iter().map(|(key, value)| (*key, *value)).collect();
    walked.sort_unstable();
    assert_eq!(walked, model.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_entry_goes_to_one_worker_of_any_number() {
    let states = States::default();
    let store = states.store::<u32, u64>("numbers", route, HORIZON);
    (0..64).for_each(|key| *store.borrow_mut().entry(&key, 0, || 0) = u64::from(key) * 3);
    states.begin();
    let mut exports = Vec::new();
    while !states.export(7, &mut exports) {}
    for peers in 1..5 {
        let mut found = BTreeMap::new();
        for index in 0..peers {
            let states = States::default();
            let store = states.store::<u32, u64>("numbers", route, HORIZON);
            for export in &exports {
                states.import(export, index, peers).unwrap();
            }
            for key in 0..64 {
                let value = store.borrow().get(&key).copied();
                assert_eq!(value.is_some(), key as usize % peers == index);
                found.extend(value.map(|value| (key, value)));
            }
        }
        assert_eq!(found, content(&exports), "{peers} workers");
    }
}

#[test]
fn entries_go_a_horizon_after_they_were_last_dated_unless_they_are_kept() {
    let states = States::default();
    let store = states.store::<u32, u64>("numbers", route, HORIZON);
    let mut store = store.borrow_mut();
    for key in 0..10_u32 {
        store.insert(key, i64::from(key) * 100, 0);
    }
    assert_eq!(store.expire(HORIZON, |_, _| false), 0, "nothing is older than the horizon yet");
    *store.entry(&0, 5_000, || 0) = 1;
    assert_eq!(store.expire(HORIZON + 600, |key, _| *key == 2), 4, "1, 3, 4 and 5");
    assert!(store.get(&0).is_some() && store.get(&2).is_some() && store.get(&6).is_some());
    assert_eq!(store.expire(HORIZON + 2_000, |key, _| *key == 2), 4);
    assert_eq!(store.expire(2 * HORIZON + 2_100, |_, _| false), 1, "2 is not held any more");
    assert_eq!(store.expire(7_000, |_, _| false), 1);
    assert!(store.is_empty());
}

proptest! {
    /// An import in between does not show in when entries go: states after a recovery are those without one.
    #[test]
    fn when_an_entry_goes_does_not_depend_on_an_import(
        touches in prop::collection::vec((0_u32..8, 0_i64..500, any::<bool>()), 1..60), at in 0_usize..60
    ) {
        let (straight, mut cut) = (States::default(), States::default());
        let one = straight.store::<u32, u64>("numbers", route, HORIZON);
        let mut other = cut.store::<u32, u64>("numbers", route, HORIZON);
        let mut watermark = 0;
        for (place, (key, step, held)) in touches.into_iter().enumerate() {
            if place == at {
                cut.begin();
                let mut exports = Vec::new();
                while !cut.export(3, &mut exports) {}
                cut = States::default();
                other = cut.store::<u32, u64>("numbers", route, HORIZON);
                for export in &exports {
                    cut.import(export, 0, 1).unwrap();
                }
            }
            watermark += step;
            for store in [&one, &other] {
                *store.borrow_mut().entry(&key, watermark + i64::from(key), || 0) = u64::from(held);
                store.borrow_mut().expire(watermark, |_, held| *held == 1);
            }
            let left = |store: &super::Store<u32, u64>| (0..8).filter(|key| store.get(key).is_some()).collect::<Vec<_>>();
            prop_assert_eq!(left(&one.borrow()), left(&other.borrow()));
        }
    }
}

#[test]
fn a_removed_slot_that_is_used_again_keeps_its_own_age() {
    let states = States::default();
    let store = states.store::<u32, u64>("numbers", route, HORIZON);
    let mut store = store.borrow_mut();
    store.insert(1, 0, 0);
    store.remove(&1);
    store.insert(2, 10_000, 0);
    assert_eq!(store.expire(5_000, |_, _| false), 0);
    assert!(store.get(&2).is_some());
}

#[test]
fn the_form_before_is_read_and_a_newer_one_or_another_step_is_refused() {
    let states = States::default();
    let store = states.store::<u32, u64>("numbers", route, HORIZON);
    let export = |step: &str, version, bytes: Vec<u8>| {
        let mut pieces = Pieces::default();
        let value = [postcard::to_allocvec(&0_i64).unwrap(), bytes].concat();
        pieces.push(&postcard::to_allocvec(&3_u32).unwrap(), &value);
        Export { of: StepVersion { step: step.to_owned(), version }, pieces }
    };
    let small = postcard::to_allocvec(&7_u32).unwrap();
    states.import(&export("numbers", 1, small.clone()), 0, 1).unwrap();
    assert_eq!(store.borrow().get(&3), Some(&7));
    let why = |export| states.import(&export, 0, 1).map_err(|Unreadable { why, .. }| why).unwrap_err();
    assert!(why(export("numbers", 3, small.clone())).contains("newer"));
    assert!(why(export("numbers", 0, small.clone())).contains("too old"));
    assert!(why(export("letters", 1, small)).contains("does not have"));
    assert!(why(export("numbers", 2, vec![0x80; 3])).contains("cannot be read"));
}
