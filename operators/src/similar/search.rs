//! Finds the nearest vectors: first by bounds over cells and codes, then by the vectors themselves.
//!
//! Cells are visited from the nearest centre outwards. A cell is passed over if no row in it can reach the `k`-th highest
//! lower bound found so far; else its codes are scanned and the rows that can reach it are kept. At the end those
//! that still can are scored in full, from the highest upper bound downwards, until no more can enter the result.
//! Without a limit on scanned rows that is the same result, to the bit, as scoring every vector; with one, what lies
//! beyond the limit is known by the bounds of its cells, so a result says how many of its neighbours are certain.

use super::{
    cell::{Cell, View},
    code::{Query, dot},
};
use std::{cmp::Ordering, sync::Arc};

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<Id> {
    /// Ids and scores (cosines), from the nearest on; equal scores in the order of ids.
    pub neighbours: Vec<(Id, f32)>,
    /// How many of the neighbours, from the first on, are proven to be those of a full scan: all of them in an exact
    /// search.
    pub certain: usize,
    /// Rows whose codes were looked at.
    pub scanned: usize,
    /// Rows that were scored in full.
    pub scored: usize,
}

/// A row that can be in the result.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    upper: f64,
    cell: u32,
    place: u32,
}

/// The `k` highest of the numbers shown so far.
struct Highest {
    numbers: Vec<f64>,
    k: usize,
}

impl Highest {
    /// The `k`-th highest, minus infinity before there are as many.
    fn last(&self) -> f64 {
        if self.numbers.len() < self.k { f64::NEG_INFINITY } else { self.numbers[self.k - 1] }
    }

    fn show(&mut self, number: f64) {
        if number > self.last() {
            let place = self.numbers.partition_point(|kept| *kept >= number);
            self.numbers.insert(place, number);
            self.numbers.truncate(self.k);
        }
    }
}

/// The `k` nearest rows that are not excluded, after looking at no more rows than `limit` and one cell allow.
pub(super) fn search<Id: Ord + Clone>(
    cells: &[Arc<Cell<Id>>],
    query: &Query<'_>,
    k: usize,
    limit: usize,
    exclude: impl Fn(&Id) -> bool,
) -> Found<Id> {
    let views: Vec<View> = cells.iter().map(|cell| cell.view(query)).collect();
    let mut order: Vec<usize> = (0..cells.len()).filter(|cell| cells[*cell].len() > 0).collect();
    order.sort_by(|left, right| views[*right].centre.total_cmp(&views[*left].centre).then(left.cmp(right)));

    let mut lowers = Highest { numbers: Vec::with_capacity(k + 1), k };
    let mut candidates = Vec::new();
    let mut scanned = 0;
    let mut unseen = f64::NEG_INFINITY;
    for index in order {
        let (cell, view) = (&cells[index], views[index]);
        if view.most < lowers.last() {
            continue;
        }
        if scanned >= limit {
            unseen = unseen.max(view.most);
            continue;
        }
        scanned += cell.len();
        cell.scan(query, view, |place, lower, upper| {
            if upper >= lowers.last() && !exclude(&cell.row(place).id) {
                lowers.show(lower);
                candidates.push(Candidate { upper, cell: index as u32, place });
            }
        });
    }
    let (neighbours, scored) = score(cells, query, k, lowers.last(), candidates);
    let certain = neighbours.iter().take_while(|(_, score)| f64::from(*score) > unseen).count();
    Found { neighbours, certain, scanned, scored }
}

/// The `k` highest scores among the candidates, and how many were scored.
fn score<Id: Ord + Clone>(
    cells: &[Arc<Cell<Id>>],
    query: &Query<'_>,
    k: usize,
    least: f64,
    mut candidates: Vec<Candidate>,
) -> (Vec<(Id, f32)>, usize) {
    candidates.retain(|candidate| candidate.upper >= least);
    candidates.sort_by(|left, right| right.upper.total_cmp(&left.upper));
    let mut nearest: Vec<(f32, &Id)> = Vec::with_capacity(k + 1);
    let mut scored = 0;
    for candidate in candidates {
        if nearest.len() == k && candidate.upper < f64::from(nearest[k - 1].0) {
            break;
        }
        let row = cells[candidate.cell as usize].row(candidate.place);
        let found = (dot(&row.vector, query.vector) as f32, &row.id);
        scored += 1;
        let place = nearest.partition_point(|kept| before(kept, &found) == Ordering::Less);
        if place < k {
            nearest.insert(place, found);
            nearest.truncate(k);
        }
    }
    (nearest.into_iter().map(|(score, id)| (id.clone(), score)).collect(), scored)
}

/// Higher scores first, then lower ids.
fn before<Id: Ord>(left: &(f32, &Id), right: &(f32, &Id)) -> Ordering {
    right.0.total_cmp(&left.0).then_with(|| left.1.cmp(right.1))
}
