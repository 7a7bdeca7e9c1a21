//! Runs the same second-order sections over many channels at once.
//!
//! A row holds one sample of every channel. The memory lies section by section with the channels side by side, so
//! that the arithmetic of neighbouring channels is done by one instruction.
//!
//! # Invariants
//! Each channel comes out bit for bit as from a [`Cascade`] of its own, however the rows are cut into calls. Nothing
//! is allocated after `new`. A sample that is not finite stays in the memory of its channel for good, and of no
//! other: callers keep such samples out.

use crate::{
    Error,
    butterworth::Section,
    cascade::{Cascade, State},
};

/// A filter of `N` second-order sections for a fixed number of channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Bank<const N: usize> {
    sections: [Section; N],
    /// Memory of each section after it has seen ones forever (`sosfilt_zi`).
    settled: State<N>,
    channels: usize,
    /// Per section the first numbers of all channels, then the second numbers of all channels.
    memory: Vec<f64>,
}

impl<const N: usize> Bank<N> {
    /// Filters at rest for `channels` channels: they have seen zeros forever.
    pub fn new(sections: [Section; N], channels: usize) -> Self {
        let mut unit = Cascade::new(sections);
        unit.settle(1.0);
        Self { sections, settled: unit.state(), channels, memory: vec![0.0; 2 * N * channels] }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Forgets the past and takes the state of each channel having seen its level forever, as [`Cascade::settle`].
    /// Use it with the first row of a stream, and with the first one after a stretch that is missing.
    ///
    /// # Panics
    /// If there is not one level per channel.
    pub fn settle(&mut self, levels: &[f64]) {
        assert_eq!(levels.len(), self.channels, "a row holds one number per channel");
        let numbers = self.settled.as_flattened();
        // Without channels there is no memory either, and a chunk must not be empty.
        for (memory, value) in self.memory.chunks_exact_mut(self.channels.max(1)).zip(numbers) {
            for (memory, level) in memory.iter_mut().zip(levels) {
                *memory = value * level;
            }
        }
    }

    /// The present memory: per section the first numbers of all channels, then their second numbers; `2 * N` times
    /// the number of channels.
    pub fn state(&self) -> &[f64] {
        &self.memory
    }

    /// Goes back to a saved memory.
    ///
    /// # Errors
    /// [`Error::Outside`] if it was saved by a bank of another shape; the memory is left as it was.
    pub fn restore(&mut self, state: &[f64]) -> Result<(), Error> {
        let numbers = self.memory.len();
        if state.len() != numbers {
            return Err(Error::Outside {
                what: "saved memory in numbers",
                value: state.len() as f64,
                least: numbers as f64,
                most: numbers as f64,
            });
        }
        self.memory.copy_from_slice(state);
        Ok(())
    }

    /// Filters rows in place, one after the other: one sample of every channel, then the next of every channel.
    ///
    /// # Panics
    /// If the last row is not whole.
    ///
    /// # Examples
    /// ```
    /// use dsp::{bank::Bank, butterworth::{self, Band}, cascade::Cascade};
    ///
    /// let sections = butterworth::design::<2>(4, Band::Low { corner_hz: 2.0 }, 50.0)?;
    /// let mut rows = [1.0, -3.0, 1.5, -3.5];
    /// let mut bank = Bank::new(sections, 2);
    /// bank.settle(&rows[..2]);
    /// bank.process(&mut rows);
    ///
    /// let mut alone = Cascade::new(sections);
    /// alone.settle(-3.0);
    /// assert_eq!([alone.step(-3.0), alone.step(-3.5)], [rows[1], rows[3]]);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn process(&mut self, rows: &mut [f64]) {
        let channels = self.channels.max(1);
        assert!(rows.len().is_multiple_of(channels), "the last row holds one number per channel, too");
        for row in rows.chunks_exact_mut(channels) {
            for (section, memory) in self.sections.iter().zip(self.memory.chunks_exact_mut(2 * channels)) {
                let (first, second) = memory.split_at_mut(channels);
                run(section, row, first, second);
            }
        }
    }
}

/// One sample of every channel through one section: the arithmetic of [`Cascade::step`], in its order of operations.
#[inline]
fn run(section: &Section, row: &mut [f64], first: &mut [f64], second: &mut [f64]) {
    let Section { b, a } = *section;
    for ((value, first), second) in row.iter_mut().zip(first).zip(second) {
        let output = b[0] * *value + *first;
        *first = b[1] * *value - a[0] * output + *second;
        *second = b[2] * *value - a[1] * output;
        *value = output;
    }
}
