//! The filter of a stream: the polynomial is read off at its newest sample, so nothing is delayed.

use super::{Fit, sum, weights};
use crate::Error;

/// The samples that the next value depends on, oldest first: one less than the window has.
pub type State = Vec<f64>;

/// A filter of one channel with its memory. It is noisier than [`super::Centred`] and does not wait for half a window.
///
/// A sample that is not finite spoils the values of one window and is then forgotten.
#[derive(Debug, Clone, PartialEq)]
pub struct Causal {
    weights: Vec<f64>,
    /// The last window, as a ring.
    samples: Vec<f64>,
    /// Place of the oldest sample, which the next one overwrites.
    oldest: usize,
}

impl Causal {
    /// A filter at rest: it has seen zeros forever.
    ///
    /// # Errors
    /// As [`weights`].
    pub fn new(fit: Fit) -> Result<Self, Error> {
        let weights = weights(fit, fit.window.saturating_sub(1))?;
        Ok(Self { samples: vec![0.0; weights.len()], weights, oldest: 0 })
    }

    /// Forgets the past and takes the state of having seen `level` forever. Use it with the first sample of a stream,
    /// and with the first one after a stretch that is missing.
    pub fn settle(&mut self, level: f64) {
        self.samples.fill(level);
        self.oldest = 0;
    }

    /// Filters one sample.
    ///
    /// # Examples
    /// ```
    /// use dsp::savgol::{Causal, Fit};
    ///
    /// let mut slope = Causal::new(Fit { window: 11, order: 3, derivative: 1, rate_hz: 10.0 })?;
    /// let last = (0..50).map(|sample| slope.step((f64::from(sample) / 10.0).powi(2))).last();
    /// assert!((last.expect("there are samples") - 9.8).abs() < 1e-9);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn step(&mut self, sample: f64) -> f64 {
        self.samples[self.oldest] = sample;
        self.oldest = (self.oldest + 1) % self.samples.len();
        let (newer, older) = self.samples.split_at(self.oldest);
        sum(&self.weights, older.iter().chain(newer))
    }

    /// Filters the samples in place.
    pub fn process(&mut self, samples: &mut [f64]) {
        for sample in samples {
            *sample = self.step(*sample);
        }
    }

    /// Writes the present memory to `state`, whose room is used again.
    pub fn save(&self, state: &mut State) {
        let (newer, older) = self.samples.split_at(self.oldest);
        state.clear();
        state.extend(older.iter().chain(newer).skip(1));
    }

    /// Goes back to a saved memory.
    ///
    /// # Errors
    /// [`Error::Outside`] if it was saved by a filter of another window; the memory is left as it was.
    pub fn restore(&mut self, state: &State) -> Result<(), Error> {
        let needed = self.samples.len() - 1;
        if state.len() != needed {
            return Err(Error::Outside {
                what: "saved memory in numbers",
                value: state.len() as f64,
                least: needed as f64,
                most: needed as f64,
            });
        }
        self.oldest = 0;
        self.samples[0] = 0.0;
        self.samples[1..].copy_from_slice(state);
        Ok(())
    }
}
