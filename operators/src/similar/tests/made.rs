//! Histories of epochs over vectors made to trouble an index, and a plain map that follows them.

use super::super::code::dot;
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(super) type Map = BTreeMap<u16, Vec<f32>>;
pub(super) type Change = (u16, Option<Vec<f32>>);

/// Brings to length one; a vector without a length becomes the first axis.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = dot(&vector, &vector).sqrt();
    if norm > 1e-30 {
        for value in &mut vector {
            *value = (f64::from(*value) / norm) as f32;
        }
    } else {
        vector.fill(0.0);
        vector[0] = 1.0;
    }
    vector
}

/// A vector of one of the kinds that make trouble, from a seed.
pub(super) fn vector(dimensions: usize, kind: u8, seed: u64) -> Vec<f32> {
    let value = |seed: u64, place: usize| {
        let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ (place as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    let all = |seed: u64| (0..dimensions).map(move |place| value(seed, place));
    let group = seed % 3;
    match kind {
        // Anywhere.
        0 => unit(all(seed).collect()),
        // One of three places: ties.
        1 => unit(all(group).collect()),
        // About one of three places: near ties.
        2 => unit(all(group).zip(all(seed)).map(|(centre, own)| centre + 0.003 * own).collect()),
        // Opposite to one of them.
        3 => unit(all(group).map(|value| -value).collect()),
        // An axis, with next to nothing on the others.
        4 => {
            let mut vector: Vec<f32> = all(seed).map(|value| value * 1e-38).collect();
            vector[seed as usize % dimensions] = if seed.is_multiple_of(2) { 1.0 } else { -1.0 };
            vector
        }
        // Almost alike to the last bit, and not quite of length one.
        _ => {
            let mut vector = unit(all(group).collect());
            let place = seed as usize % dimensions;
            vector[place] = vector[place].next_up();
            for value in &mut vector {
                *value *= 1.0 + 0.0002 * (seed % 5) as f32;
            }
            vector
        }
    }
}

/// Epochs of changes, and questions.
pub(super) fn history() -> impl Strategy<Value = (usize, Vec<Vec<Change>>, Vec<Vec<f32>>)> {
    let dimensions = prop::sample::select(vec![1_usize, 2, 3, 8, 33, 88]);
    (dimensions, 0_u8..8).prop_flat_map(|(dimensions, mix)| {
        let kind = if mix < 6 { mix..mix + 1 } else { 0..6 };
        let made = (kind.clone(), any::<u32>())
            .prop_map(move |(kind, seed)| vector(dimensions, kind, u64::from(seed)));
        let change = (0_u16..400, prop::option::weighted(0.7, made));
        let epochs = prop::collection::vec(prop::collection::vec(change, 0..250), 1..6);
        let question =
            (0_u8..6, any::<u32>()).prop_map(move |(kind, seed)| vector(dimensions, kind, u64::from(seed)));
        (Just(dimensions), epochs, prop::collection::vec(question, 1..6))
    })
}

/// Every id once per epoch, as the index takes it: a vector outweighs its absence, the last vector stands.
pub(super) fn settle(map: &mut Map, epoch: &[Change]) {
    let mut changes: BTreeMap<u16, Option<Vec<u32>>> = BTreeMap::new();
    for (id, vector) in epoch {
        // Total order of floats as unsigned numbers.
        let order = |value: &f32| value.to_bits() ^ (((value.to_bits() as i32 >> 31) as u32) | 0x8000_0000);
        let vector = vector.as_ref().map(|vector| vector.iter().map(order).collect());
        let standing = changes.entry(*id).or_default();
        *standing = standing.take().max(vector);
    }
    let value = |order: u32| f32::from_bits(order ^ ((!(order as i32 >> 31)) as u32 | 0x8000_0000));
    for (id, vector) in changes {
        match vector {
            Some(vector) => map.insert(id, vector.into_iter().map(value).collect()),
            None => map.remove(&id),
        };
    }
}
