//! Judges the same window of many channels at once.
//!
//! # Layout
//! [`LANES`] channels make a block. A block's samples lie together, a ring of as many rows as the window is long; a
//! window is copied out of the ring, sorted by a network, and judged, for all channels of the block at the same time.

use std::{fmt::Debug, ops::Add};

use super::{
    MOST_WINDOW, Options, collect, judge, judge_lanes,
    network::{Comparison, LANES, Lanes, comparisons, wide},
};
use crate::Error;

/// What samples are kept as. `f32`, as they come over the wire, takes half the room and at least a sixth less time
/// than `f64`; the values that come out are the same.
pub trait Sample: Copy + Default + PartialEq + PartialOrd + Add<Output = Self> + Into<f64> + Debug {}

impl Sample for f32 {}
impl Sample for f64 {}

/// The rows that the next ones are judged by, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State<S = f64> {
    /// Samples, channel by channel within a row, as they came; at most `2 * side` rows.
    pub samples: Vec<S>,
    /// Whether each row was imputed.
    pub imputed: Vec<bool>,
}

/// One judged sample of every channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// The samples, with outliers replaced by the median of their window.
    pub values: &'a [f64],
    /// Which of them were outliers.
    pub outliers: &'a [bool],
}

/// Outlier filters for the streams of a fixed number of channels. A row comes out `side` rows after it went in.
///
/// Nothing is allocated after `new`.
#[derive(Debug, Clone)]
pub struct Bank<S = f64> {
    options: Options,
    channels: usize,
    /// The comparisons that sort a window, by the number of its samples.
    networks: Vec<Vec<Comparison>>,
    /// Block by block, one ring each.
    samples: Vec<Lanes<S>>,
    /// What is the same in every channel of a row; a ring like those of the samples.
    rows: Vec<Kind>,
    /// Place of the newest row in a ring.
    newest: usize,
    /// Rows in a ring, at most its length.
    held: usize,
    /// Places of the rows of the window that were measured.
    measured: Vec<usize>,
    /// The window being sorted.
    window: Vec<Lanes<S>>,
    values: Vec<Lanes>,
    outliers: Vec<[bool; LANES]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    imputed: bool,
    finite: bool,
}

impl<S: Sample> Bank<S> {
    /// Plans filters for `channels` channels.
    ///
    /// # Errors
    /// As [`super::clean`].
    pub fn new(options: Options, channels: usize) -> Result<Self, Error> {
        options.check()?;
        let length = 2 * options.side + 1;
        let blocks = channels.div_ceil(LANES);
        Ok(Self {
            options,
            channels,
            networks: (0..=length).map(comparisons).collect(),
            samples: vec![[S::default(); LANES]; blocks * length],
            rows: vec![Kind { imputed: false, finite: true }; length],
            newest: length - 1,
            held: 0,
            measured: Vec::with_capacity(length),
            window: vec![[S::default(); LANES]; length],
            values: vec![[0.0; LANES]; blocks],
            outliers: vec![[false; LANES]; blocks],
        })
    }

    /// Takes the next sample of every channel; `imputed` if they were not measured but filled in. Returns the row
    /// from `side` rows before, once there is one.
    ///
    /// # Panics
    /// If the row does not hold one sample per channel.
    ///
    /// # Examples
    /// ```
    /// use dsp::hampel::{Bank, Options};
    ///
    /// let mut bank = Bank::<f64>::new(Options { side: 2, threshold: 3.0, floor: 0.1 }, 2)?;
    /// let mut first = Vec::new();
    /// for row in [[1.0, 5.0], [1.1, 5.0], [9.0, 5.0], [1.0, 5.0], [1.0, 5.0]] {
    ///     first.extend(bank.push(&row, false).map(|row| row.values[0]));
    /// }
    /// bank.finish(|row| first.push(row.values[0]));
    /// assert_eq!(first, [1.0, 1.1, 1.0, 1.0, 1.0]);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn push(&mut self, row: &[S], imputed: bool) -> Option<Row<'_>> {
        self.take(row, imputed);
        if self.held <= self.options.side {
            return None;
        }
        Some(self.judge(self.options.side))
    }

    /// Hands out the rows that still wait, and forgets the stream: the next row is the first of another.
    pub fn finish(&mut self, mut each: impl FnMut(Row<'_>)) {
        for age in (0..self.options.side.min(self.held)).rev() {
            each(self.judge(age));
        }
        self.held = 0;
    }

    /// Writes the rows that the next ones are judged by to `state`, whose room is used again.
    pub fn save(&self, state: &mut State<S>) {
        state.samples.clear();
        state.imputed.clear();
        for age in (0..self.held.min(2 * self.options.side)).rev() {
            let place = self.place(age);
            state.imputed.push(self.rows[place].imputed);
            let row = self.samples.iter().skip(place).step_by(self.rows.len()).flatten();
            state.samples.extend(row.take(self.channels));
        }
    }

    /// Goes back to a saved state.
    ///
    /// # Errors
    /// [`Error::Outside`] if it was saved by a bank of another shape; the present state is left as it was.
    pub fn restore(&mut self, state: &State<S>) -> Result<(), Error> {
        let rows = state.imputed.len();
        if rows > 2 * self.options.side || state.samples.len() != rows * self.channels {
            let most = (2 * self.options.side * self.channels) as f64;
            let value = state.samples.len() as f64;
            return Err(Error::Outside { what: "saved rows in samples", value, least: 0.0, most });
        }
        self.held = 0;
        for (index, imputed) in state.imputed.iter().enumerate() {
            self.take(&state.samples[index * self.channels..][..self.channels], *imputed);
        }
        Ok(())
    }

    fn take(&mut self, row: &[S], imputed: bool) {
        assert_eq!(row.len(), self.channels, "a row holds one sample per channel");
        let length = self.rows.len();
        self.newest = (self.newest + 1) % length;
        self.held = (self.held + 1).min(length);
        let blocks = self.samples.iter_mut().skip(self.newest).step_by(length);
        for (block, samples) in blocks.zip(row.chunks(LANES)) {
            for (place, sample) in block.iter_mut().zip(samples) {
                // Turns negative zero into zero, which sorts alike everywhere.
                *place = *sample + S::default();
            }
        }
        let finite = row.iter().all(|sample| (*sample).into().is_finite());
        self.rows[self.newest] = Kind { imputed, finite };
    }

    /// Place in the ring of the row `age` rows before the newest.
    fn place(&self, age: usize) -> usize {
        let length = self.rows.len();
        (self.newest + length - age) % length
    }

    /// Judges the row `age` rows before the newest, by all rows within reach.
    fn judge(&mut self, age: usize) -> Row<'_> {
        let judged = self.place(age);
        let oldest = (age + self.options.side).min(self.held - 1);
        let mut finite = self.rows[judged].finite;
        self.measured.clear();
        for age in (0..=oldest).rev() {
            let place = self.place(age);
            if !self.rows[place].imputed {
                self.measured.push(place);
                finite &= self.rows[place].finite;
            }
        }
        if finite && !self.measured.is_empty() {
            self.judge_together(judged);
        } else {
            self.judge_apart(judged);
        }
        Row {
            values: &self.values.as_flattened()[..self.channels],
            outliers: &self.outliers.as_flattened()[..self.channels],
        }
    }

    /// All samples are finite and some were measured: the windows of all channels are equally long.
    fn judge_together(&mut self, judged: usize) {
        let window = &mut self.window[..self.measured.len()];
        let network = &self.networks[window.len()];
        let rings = self.samples.chunks_exact(self.rows.len());
        for ((ring, values), outliers) in rings.zip(&mut self.values).zip(&mut self.outliers) {
            for (row, place) in window.iter_mut().zip(&self.measured) {
                *row = ring[*place];
            }
            (*values, *outliers) = judge_lanes(&self.options, network, window, wide(ring[judged]));
        }
    }

    /// Channel by channel, because their windows may be of different lengths.
    fn judge_apart(&mut self, judged: usize) {
        let rings = self.samples.chunks_exact(self.rows.len());
        let mut window = [0.0; MOST_WINDOW];
        for ((ring, values), outliers) in rings.zip(&mut self.values).zip(&mut self.outliers) {
            for lane in 0..LANES {
                let count = collect(self.measured.iter().map(|place| ring[*place][lane].into()), &mut window);
                (values[lane], outliers[lane]) =
                    judge(&self.options, ring[judged][lane].into(), &mut window[..count]);
            }
        }
    }
}
