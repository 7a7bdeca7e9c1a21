//! Takes the mean or the straight line out of a stretch of signal.
//!
//! The results are those of `scipy.signal.detrend` 1.17.1 with `type='constant'` and `type='linear'` (least squares).
//! The line is found from centred sample numbers, whose sums are known in closed form, so no system is solved.
//!
//! # Invariants
//! Works in place, in two passes; nothing is allocated.

/// What is taken out of each segment before it is tapered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detrend {
    /// Nothing.
    Nothing,
    /// The mean.
    #[default]
    Constant,
    /// The straight line of least squares.
    Linear,
}

/// A straight line `level + slope · (index - middle)` over the samples of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    level: f64,
    slope: f64,
    middle: f64,
}

impl Line {
    /// What `detrend` takes out of the samples. Nothing of an empty segment.
    pub(crate) fn of(samples: &[f64], detrend: Detrend) -> Self {
        if samples.is_empty() || detrend == Detrend::Nothing {
            return Self { level: 0.0, slope: 0.0, middle: 0.0 };
        }
        let count = samples.len() as f64;
        let level = samples.iter().sum::<f64>() / count;
        let middle = (count - 1.0) / 2.0;
        let slope = if detrend == Detrend::Linear && samples.len() > 1 {
            let weighed: f64 = samples
                .iter()
                .enumerate()
                .map(|(index, sample)| (index as f64 - middle) * (sample - level))
                .sum();
            // The sum of the squares of the centred sample numbers.
            weighed * 12.0 / (count * (count * count - 1.0))
        } else {
            0.0
        };
        Self { level, slope, middle }
    }

    /// Height of the line at a sample.
    #[inline]
    pub(crate) fn at(&self, index: usize) -> f64 {
        self.level + self.slope * (index as f64 - self.middle)
    }
}

/// Takes the mean out of the samples.
pub fn constant(samples: &mut [f64]) {
    subtract(samples, Detrend::Constant);
}

/// Takes the straight line of least squares out of the samples. A single sample becomes zero.
///
/// # Examples
/// ```
/// let mut ramp = [1.0, 3.0, 5.0, 7.0];
/// dsp::detrend::linear(&mut ramp);
/// assert_eq!(ramp, [0.0; 4]);
/// ```
pub fn linear(samples: &mut [f64]) {
    subtract(samples, Detrend::Linear);
}

fn subtract(samples: &mut [f64], detrend: Detrend) {
    let line = Line::of(samples, detrend);
    for (index, sample) in samples.iter_mut().enumerate() {
        *sample -= line.at(index);
    }
}
