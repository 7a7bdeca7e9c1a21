//! Divides a cell that has grown too large in two.
//!
//! Lloyd's two means ("Least squares quantization in PCM", IEEE Trans. Inf. Theory 28(2), 1982), begun at the row farthest
//! from the first row and the row farthest from that one. The cut is moved until neither part is below a quarter:
//! a row far from all others cannot make cells of one row, and rows that are all alike can still be divided.
//!
//! # Invariants
//! What comes out depends on the rows and their order only.

use super::{
    cell::{Cell, mean},
    code::rough,
};
use std::sync::Arc;

/// Rounds of Lloyd's method; more change few rows.
const ROUNDS: usize = 4;

/// The two parts of a cell of at least two rows.
pub(super) fn divide<Id: Clone + Ord>(cell: &Cell<Id>, dimensions: usize) -> [Cell<Id>; 2] {
    let rows = cell.rows();
    let farthest = |from: &[f32]| {
        let nearest_to_opposite = |vector: &[f32]| -rough(from, vector);
        rows.iter().max_by(|left, right| {
            nearest_to_opposite(&left.vector).total_cmp(&nearest_to_opposite(&right.vector))
        })
    };
    let first =
        rows.first().and_then(|row| farthest(&row.vector)).map_or(Vec::new(), |row| row.vector.to_vec());
    let second = farthest(&first).map_or(Vec::new(), |row| row.vector.to_vec());
    let mut centres = [first, second];
    let mut order: Vec<(f32, usize)> = Vec::new();
    let mut cut = rows.len() / 2;
    for _ in 0..ROUNDS {
        (order, cut) = arrange(cell, &centres);
        let part = |part: &[(f32, usize)]| {
            mean(part.iter().map(|(_, place)| Arc::clone(&rows[*place].vector)), dimensions)
        };
        centres = [part(&order[..cut]), part(&order[cut..])];
    }
    let part = |part: &[(f32, usize)]| {
        let mut places: Vec<_> = part.iter().map(|(_, place)| *place).collect();
        places.sort_unstable();
        let rows = places.iter().map(|place| &rows[*place]);
        Cell::of(rows.map(|row| (row.id.clone(), Arc::clone(&row.vector))), dimensions)
    };
    [part(&order[..cut]), part(&order[cut..])]
}

/// Rows from the nearest to the first centre to the nearest to the second, and how many of them are the first's.
fn arrange<Id: Clone>(cell: &Cell<Id>, [first, second]: &[Vec<f32>; 2]) -> (Vec<(f32, usize)>, usize) {
    let across: Vec<f32> = second.iter().zip(first).map(|(second, first)| second - first).collect();
    let middle = (rough(second, second) - rough(first, first)) / 2.0;
    let side = |vector: &[f32]| rough(&across, vector) - middle;
    let rows = cell.rows().iter().enumerate();
    let mut order: Vec<_> = rows.map(|(place, row)| (side(&row.vector), place)).collect();
    order.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
    let cut = order.partition_point(|(side, _)| *side < 0.0);
    let least = (order.len() / 4).max(1);
    let cut = cut.clamp(least, (order.len() - least).max(least));
    (order, cut)
}
