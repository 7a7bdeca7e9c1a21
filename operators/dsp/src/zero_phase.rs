//! Filters a whole recording forwards and backwards, so that nothing is delayed.
//!
//! `scipy.signal.sosfiltfilt` 1.17.1 with its defaults: the recording is continued at both ends by its own odd
//! reflection, of three times the length of the filter, and either pass starts settled on the first sample it meets.
//! The gain is that of the sections squared.
//!
//! # Invariants
//! Nothing is allocated by [`ZeroPhase::process`]. For a recording that is finite, and far from the largest number,
//! the result is.

use crate::{Error, butterworth::Section, cascade::Cascade};

/// A planned filter.
#[derive(Debug, Clone, PartialEq)]
pub struct ZeroPhase<const N: usize> {
    filter: Cascade<N>,
    /// Room for the continuation of a recording at one end.
    continuation: Vec<f64>,
}

impl<const N: usize> ZeroPhase<N> {
    /// Plans the filter; the sections are those of a causal filter.
    pub fn new(sections: [Section; N]) -> Self {
        let count =
            |is_zero: fn(&Section) -> bool| sections.iter().filter(|section| is_zero(section)).count();
        // A section of first order has one tap less.
        let first_order = count(|section| section.b[2] == 0.0).min(count(|section| section.a[1] == 0.0));
        let taps = 2 * N + 1 - first_order;
        Self { filter: Cascade::new(sections), continuation: vec![0.0; 3 * taps] }
    }

    /// Least number of samples that can be filtered: one more than the continuation has.
    pub fn least_samples(&self) -> usize {
        self.continuation.len() + 1
    }

    /// Filters the recording in place.
    ///
    /// # Errors
    /// [`Error::Outside`] if the recording has less than [`ZeroPhase::least_samples`]; it is left as it was.
    ///
    /// # Examples
    /// ```
    /// use dsp::{butterworth::{self, Band}, zero_phase::ZeroPhase};
    ///
    /// let sections = butterworth::design::<2>(4, Band::Low { corner_hz: 2.0 }, 50.0)?;
    /// let ramp: Vec<f64> = (0..200).map(f64::from).collect();
    /// let mut filtered = ramp.clone();
    /// ZeroPhase::new(sections).process(&mut filtered)?;
    /// // A ramp is below every corner, and is not delayed; causally it would be, by ten samples.
    /// assert!((ramp[100] - filtered[100]).abs() < 1e-3);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn process(&mut self, samples: &mut [f64]) -> Result<(), Error> {
        let least = self.least_samples();
        let (&[first, ..], &[.., last]) = (&*samples, &*samples) else {
            return Err(short(samples.len(), least));
        };
        if samples.len() < least {
            return Err(short(samples.len(), least));
        }
        // 1. Forwards: over the continuation before the first sample, of which nothing is kept, …
        let before = samples[1..least].iter().rev().map(|sample| 2.0 * first - sample);
        self.filter.settle(2.0 * first - samples[least - 1]);
        for sample in before {
            self.filter.step(sample);
        }
        // … over the recording, and over the continuation behind it.
        let behind = samples.iter().rev().skip(1).map(|sample| 2.0 * last - sample);
        for (place, sample) in self.continuation.iter_mut().zip(behind) {
            *place = sample;
        }
        self.filter.process(samples);
        self.filter.process(&mut self.continuation);
        // 2. Backwards: the same, but for the part before the first sample, which nobody asks for.
        self.filter.settle(self.continuation[self.continuation.len() - 1]);
        for sample in self.continuation.iter().rev() {
            self.filter.step(*sample);
        }
        for sample in samples.iter_mut().rev() {
            *sample = self.filter.step(*sample);
        }
        Ok(())
    }
}

fn short(samples: usize, least: usize) -> Error {
    Error::Outside {
        what: "length of a recording in samples",
        value: samples as f64,
        least: least as f64,
        most: f64::INFINITY,
    }
}
