//! Keeps the cells of an index neither too large nor too small while vectors come and go.
//!
//! # Invariants
//! A vector is in one cell, and `home` says in which. A cell that holds no vector is the first to be used again.

use super::{Index, cell::Cell, divide::divide};
use std::sync::Arc;

impl<Id: Ord + Clone> Index<Id> {
    /// Whether the id stands for exactly this vector already.
    pub(super) fn holds(&self, id: &Id, vector: &[f32]) -> bool {
        let Some(home) = self.home.get(id) else { return false };
        let row = self.version.cells[*home].rows().iter().find(|row| row.id == *id);
        row.is_some_and(|row| {
            row.vector.len() == vector.len()
                && row.vector.iter().zip(vector).all(|(left, right)| left.to_bits() == right.to_bits())
        })
    }

    /// Adds a vector that is not there to the cell with the nearest centre.
    pub(super) fn insert(&mut self, id: Id, vector: Arc<[f32]>) {
        let home = self.nearest(&vector).unwrap_or_else(|| self.place(Cell::new(vector.to_vec())));
        self.home.insert(id.clone(), home);
        self.version.rows += 1;
        let full = self.full;
        let cell = self.cell(home);
        cell.push(id, vector);
        if cell.len() > full {
            for part in divide(&self.vacate(home), self.version.options.dimensions) {
                self.place(part);
            }
        }
    }

    /// Takes a vector out, if it is there.
    pub(super) fn remove(&mut self, id: &Id) {
        let Some(home) = self.home.remove(id) else { return };
        self.version.rows -= 1;
        let cell = self.cell(home);
        if let Some(place) = cell.rows().iter().position(|row| row.id == *id) {
            cell.remove(place);
        }
        let left = cell.len();
        if left == 0 {
            self.vacate(home);
        } else if left < self.full / 10 && left < self.version.rows {
            let cell = self.vacate(home);
            for row in cell.rows() {
                self.version.rows -= 1;
                self.insert(row.id.clone(), Arc::clone(&row.vector));
            }
        }
    }

    /// The cell to which a vector lies nearest.
    fn nearest(&self, vector: &[f32]) -> Option<usize> {
        let cells = self.version.cells.iter().enumerate().filter(|(_, cell)| cell.len() > 0);
        let nearness = cells.map(|(home, cell)| (cell.nearness(vector), home));
        nearness
            .max_by(|left, right| left.0.total_cmp(&right.0).then(right.1.cmp(&left.1)))
            .map(|(_, home)| home)
    }

    /// Puts a cell where none is.
    fn place(&mut self, cell: Cell<Id>) -> usize {
        let home = self.version.cells.iter().position(|cell| cell.len() == 0);
        let cells = Arc::make_mut(&mut self.version.cells);
        let home = home.unwrap_or(cells.len());
        for row in cell.rows() {
            self.home.insert(row.id.clone(), home);
        }
        let cell = Arc::new(cell);
        if home < cells.len() {
            cells[home] = cell;
        } else {
            cells.push(cell);
        }
        home
    }

    /// Leaves a cell without vectors, and gives what it was.
    fn vacate(&mut self, home: usize) -> Arc<Cell<Id>> {
        let cells = Arc::make_mut(&mut self.version.cells);
        std::mem::replace(&mut cells[home], Arc::new(Cell::new(Vec::new())))
    }

    /// A cell of this version alone.
    fn cell(&mut self, home: usize) -> &mut Cell<Id> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.version.cells)[home])
    }
}
