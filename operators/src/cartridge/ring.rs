//! The last ten seconds of the corrected signal, before the low-pass.

use super::recent::Mark;
use serde::{Deserialize, Serialize};

/// Channels that are turned into columns at a time: what they fill stays in the nearest cache.
const STRIP: usize = 8;

/// A ring of rows; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ring {
    channels: usize,
    /// Row after row; grows up to the ring's length, then the oldest row is overwritten.
    values: Vec<f32>,
    marks: Vec<Mark>,
    /// Place of the oldest row.
    oldest: usize,
    most_rows: usize,
}

impl Ring {
    pub(super) fn new(channels: usize, most_rows: usize) -> Self {
        let (values, marks) = (Vec::with_capacity(channels * most_rows), Vec::with_capacity(most_rows));
        Self { channels, values, marks, oldest: 0, most_rows }
    }

    /// Rows that are held.
    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }

    /// Appends a row; of a missing one, only that it is missing.
    pub(super) fn push(&mut self, row: Option<&[f64]>, mark: Mark) {
        let place = if self.marks.len() < self.most_rows {
            self.values.resize(self.values.len() + self.channels, 0.0);
            self.marks.push(mark);
            self.marks.len() - 1
        } else {
            let place = self.oldest;
            self.marks[place] = mark;
            self.oldest = (place + 1) % self.most_rows;
            place
        };
        if let Some(row) = row {
            let kept = &mut self.values[place * self.channels..][..self.channels];
            for (kept, value) in kept.iter_mut().zip(row) {
                *kept = *value as f32;
            }
        }
    }

    /// Marks of the newest `rows` rows, oldest first.
    pub(super) fn marks(&self, rows: usize) -> impl Iterator<Item = Mark> {
        self.places(rows).map(|place| self.marks[place])
    }

    /// Writes the newest `rows` rows, as far as they are not missing, channel after channel; gives how many they are.
    pub(super) fn columns(&self, rows: usize, columns: &mut Vec<f64>) -> usize {
        let present = |place: &usize| self.marks[*place] != Mark::Missing;
        let count = self.places(rows).filter(present).count();
        columns.resize(count * self.channels, 0.0);
        for strip in (0..self.channels).step_by(STRIP) {
            let wide = STRIP.min(self.channels - strip);
            for (number, place) in self.places(rows).filter(present).enumerate() {
                let row = &self.values[place * self.channels + strip..][..wide];
                for (offset, value) in row.iter().enumerate() {
                    columns[(strip + offset) * count + number] = f64::from(*value);
                }
            }
        }
        count
    }

    fn places(&self, rows: usize) -> impl Iterator<Item = usize> {
        let held = self.marks.len();
        (held - rows.min(held)..held).map(move |age| (self.oldest + age) % held)
    }
}
