//! Shows how the spectrum of a signal changes: the short-time Fourier transform.
//!
//! The columns are those of `scipy.signal.stft(window='hann', scaling='psd', boundary=None, padded=False)` 1.17.1: periodic
//! Hann taper, nothing taken out, no padding at the ends, so that the first column begins with the first sample and a rest
//! shorter than a segment is left over. The squared magnitude of a column is a two-sided density.
//!
//! # Invariants
//! Planned once; [`Stft::column`] allocates nothing. A column depends on the samples of its own segment only.

pub use rustfft::num_complex::Complex64;

use crate::{Error, detrend::Detrend, segment::Segment};

/// A planned short-time Fourier transform.
#[derive(Debug)]
pub struct Stft {
    rate_hz: f64,
    segment: Segment,
    hop: usize,
    scale: f64,
    column: Vec<Complex64>,
}

impl Stft {
    /// Plans columns of `segment` samples of which neighbours share `overlap` (scipy's `nperseg`, `noverlap`).
    ///
    /// # Errors
    /// [`Error::Length`] if the segment has less than two samples or the overlap is not shorter than the segment.
    pub fn new(rate_hz: f64, segment: usize, overlap: usize) -> Result<Self, Error> {
        if overlap >= segment {
            return Err(Error::Length { samples: overlap });
        }
        let hop = segment - overlap;
        let segment = Segment::new(segment, segment, Detrend::Nothing)?;
        let scale = (1.0 / (rate_hz * segment.power())).sqrt();
        let column = vec![Complex64::ZERO; segment.samples() / 2 + 1];
        Ok(Self { rate_hz, segment, hop, scale, column })
    }

    /// Distance between two neighbouring frequencies, in Hz.
    pub fn step_hz(&self) -> f64 {
        self.rate_hz / self.segment.samples() as f64
    }

    /// Number of columns of a signal of so many samples.
    pub fn columns(&self, samples: usize) -> usize {
        samples.checked_sub(self.segment.samples()).map_or(0, |rest| rest / self.hop + 1)
    }

    /// Middle of a column, in seconds from the first sample.
    pub fn seconds(&self, number: usize) -> f64 {
        (number * self.hop) as f64 / self.rate_hz + self.segment.samples() as f64 / (2.0 * self.rate_hz)
    }

    /// Column `number` at the frequencies `0, step_hz, …, rate_hz / 2`, in units of the signal per √Hz. `None` if the signal
    /// has no such column.
    pub fn column(&mut self, signal: &[f64], number: usize) -> Option<&[Complex64]> {
        if number >= self.columns(signal.len()) {
            return None;
        }
        let start = number * self.hop;
        let bins = self.segment.transform(&signal[start..start + self.segment.samples()]);
        for (value, bin) in self.column.iter_mut().zip(bins) {
            *value = bin * self.scale;
        }
        Some(&self.column)
    }
}
