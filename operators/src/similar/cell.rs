//! Vectors that lie close together, with a centre: what is scanned, copied and divided as one.
//!
//! # Invariants
//! - A centre never moves; codes are differences from it.
//! - `widest` and `longest` hold for every row; they are not narrowed when a row leaves.

use super::{
    TOLERANCE,
    code::{Coded, Query, SLACK, dot, encode, product, rough},
};
use std::sync::Arc;

/// One vector of a cell.
#[derive(Debug, Clone)]
pub(super) struct Row<Id> {
    pub(super) id: Id,
    pub(super) vector: Arc<[f32]>,
    coded: Coded,
}

/// A centre and the rows nearest to it.
#[derive(Debug, Clone)]
pub(super) struct Cell<Id> {
    centre: Vec<f32>,
    /// `⟨c, c⟩`.
    square: f64,
    rows: Vec<Row<Id>>,
    /// The rows' codes, one after the other.
    codes: Vec<i8>,
    /// The lowest cosine between a row and the centre.
    widest: f64,
    /// The largest norm of a row.
    longest: f64,
}

/// How a query lies to a cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// `⟨c, y⟩`.
    pub(super) centre: f64,
    /// No score in the cell is above this.
    pub(super) most: f64,
    /// `‖y − c‖`, rounded up.
    distance: f64,
}

/// Rows that are added to a cell's storage at a time: little is lost to room that is never used.
const GROWTH: usize = 32;

impl<Id: Clone> Cell<Id> {
    pub(super) fn new(centre: Vec<f32>) -> Self {
        let square = dot(&centre, &centre);
        Self { centre, square, rows: Vec::new(), codes: Vec::new(), widest: 1.0, longest: 0.0 }
    }

    /// A cell of the given rows about their mean.
    pub(super) fn of(rows: impl Iterator<Item = (Id, Arc<[f32]>)> + Clone, dimensions: usize) -> Self {
        let mut cell = Self::new(mean(rows.clone().map(|(_, vector)| vector), dimensions));
        for (id, vector) in rows {
            cell.push(id, vector);
        }
        cell
    }

    pub(super) fn push(&mut self, id: Id, vector: Arc<[f32]>) {
        if self.rows.len() == self.rows.capacity() {
            self.rows.reserve_exact(GROWTH);
            self.codes.reserve_exact(GROWTH * self.centre.len());
        }
        let coded = encode(&vector, &self.centre, &mut self.codes);
        let norm = dot(&vector, &vector).sqrt();
        let length = norm * self.square.sqrt();
        let cosine = if length > 0.0 { dot(&vector, &self.centre) / length } else { -1.0 };
        self.widest = self.widest.min(cosine).max(-1.0);
        self.longest = self.longest.max(norm);
        self.rows.push(Row { id, vector, coded });
    }

    /// Takes a row out; the last one takes its place.
    pub(super) fn remove(&mut self, place: usize) {
        let width = self.centre.len();
        self.rows.swap_remove(place);
        let last = self.rows.len() * width;
        self.codes.copy_within(last..last + width, place * width);
        self.codes.truncate(last);
    }

    pub(super) fn rows(&self) -> &[Row<Id>] {
        &self.rows
    }

    pub(super) fn row(&self, place: u32) -> &Row<Id> {
        &self.rows[place as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How near a vector of length one lies to the centre; larger is nearer.
    pub(super) fn nearness(&self, vector: &[f32]) -> f32 {
        2.0 * rough(&self.centre, vector) - self.square as f32
    }

    /// How the query lies to this cell.
    ///
    /// The angle between a row and the query is at least that between centre and query, less that between row and
    /// centre.
    pub(super) fn view(&self, query: &Query<'_>) -> View {
        let centre = dot(&self.centre, query.vector);
        let norms = (self.square * query.square).sqrt();
        let cosine = if norms > 0.0 { (centre / norms).clamp(-1.0, 1.0) } else { 1.0 };
        let inside = cosine >= self.widest || norms == 0.0;
        let sine = |cosine: f64| (1.0 - cosine * cosine).max(0.0).sqrt();
        // 10⁻⁶: more than a sine loses near 0, where it is the root of a difference.
        let nearest =
            if inside { 1.0 } else { cosine * self.widest + sine(cosine) * sine(self.widest) + 1e-6 };
        // The highest score is that of the longest row if it is positive, of the shortest if it is negative.
        let length = if nearest > 0.0 { self.longest } else { 1.0 - TOLERANCE };
        let most = nearest * length * query.square.sqrt() + SLACK;
        let distance = ((self.square - 2.0 * centre + query.square).max(0.0) + 1e-12).sqrt();
        View { centre, most, distance }
    }

    /// Gives each row's place, and the lowest and highest score it can have.
    pub(super) fn scan(&self, query: &Query<'_>, view: View, mut each: impl FnMut(u32, f64, f64)) {
        let codes = self.codes.chunks_exact(self.centre.len());
        for (place, (row, code)) in self.rows.iter().zip(codes).enumerate() {
            let Coded { scale, rest, length, along } = row.coded;
            let coded = f64::from(product(code, &query.levels)) * query.step * f64::from(scale);
            let middle = view.centre + coded + f64::from(along);
            let error = f64::from(rest) * view.distance + f64::from(length) * query.left + SLACK;
            each(place as u32, middle - error, middle + error);
        }
    }

    /// Bytes held for this cell, without what an allocator adds.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.centre.len() * size_of::<f32>()
            + self.rows.capacity() * size_of::<Row<Id>>()
            + self.codes.capacity()
            // Each vector stands alone behind two counters.
            + self.rows.len() * (self.centre.len() * size_of::<f32>() + 2 * size_of::<usize>())
    }
}

/// The mean of vectors, summed in the order given.
pub(super) fn mean(vectors: impl Iterator<Item = Arc<[f32]>>, dimensions: usize) -> Vec<f32> {
    let (mut sums, mut count) = (vec![0.0_f64; dimensions], 0.0);
    for vector in vectors {
        for (sum, value) in sums.iter_mut().zip(vector.iter()) {
            *sum += f64::from(*value);
        }
        count += 1.0;
    }
    sums.iter().map(|sum| (sum / f64::max(count, 1.0)) as f32).collect()
}
