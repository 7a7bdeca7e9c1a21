//! Follows how steeply a transient rises and falls: extremes of exponential moving averages of its increments.
//!
//! The transient features of Vergara et al., "Chemical gas sensor drift compensation using classifier ensembles", Sens.
//! Actuators B 166–167, 2012 (after Muezzinoglu et al., 2009): `y[k] = (1 - a) y[k-1] + a (r[k] - r[k-1])`, `y[0] = 0`, with
//! `a` of 0.1, 0.01 and 0.001 at 100 Hz. At another rate `a' = 1 - (1 - a)^(100 / rate)` keeps the time constant. It does not
//! keep the scale: an increment per sample grows as the rate falls, so that values of streams of different rates are not to
//! be compared.
//!
//! # Invariants
//! The same bits however the stream is cut into calls. The extremes include the zero at the beginning, so a maximum is
//! never negative and a minimum never positive. A sample that is not finite or larger than 1e60 is passed over.

use crate::range;

/// Averages that are followed.
pub const AVERAGES: usize = 3;
/// Weights of a new increment at [`REFERENCE_HZ`], from fast to slow.
pub const WEIGHTS: [f64; AVERAGES] = [0.1, 0.01, 0.001];
/// Rate at which the weights were published, in Hz.
pub const REFERENCE_HZ: f64 = 100.0;

/// The memory of a transient. Save it with [`Ema::state`] and put it back with [`Ema::restore`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct State {
    /// The sample before, if there was one, in units of the signal.
    pub last: Option<f64>,
    /// The averages, fast to slow, in units of the signal per sample.
    pub averages: [f64; AVERAGES],
    /// Their maxima since the beginning.
    pub most: [f64; AVERAGES],
    /// Their minima since the beginning.
    pub least: [f64; AVERAGES],
}

/// The averages of one channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ema {
    weights: [f64; AVERAGES],
    state: State,
}

impl Ema {
    /// A transient that has not begun, of a signal at `rate_hz`.
    ///
    /// # Errors
    /// [`crate::Error::Rate`] if the rate is not between 0.001 Hz and 1 MHz.
    ///
    /// # Examples
    /// ```
    /// let mut ema = dsp::ema::Ema::new(100.0)?;
    /// ema.process(&[0.0, 0.0, 2.0, 2.0]);
    /// // A step of 2 gives 0.1 · 2 at once and fades.
    /// assert!((ema.state().most[0] - 0.2).abs() < 1e-15);
    /// assert_eq!(ema.state().least, [0.0; 3]);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn new(rate_hz: f64) -> Result<Self, crate::Error> {
        if !range::usable_rate(rate_hz) {
            return Err(crate::Error::Rate { rate_hz });
        }
        // 1 - (1 - a)^x without the loss of digits of a small a.
        let weights = WEIGHTS.map(|weight| -((REFERENCE_HZ / rate_hz) * (-weight).ln_1p()).exp_m1());
        Ok(Self { weights, state: State::default() })
    }

    /// Takes the next sample.
    #[inline]
    pub fn step(&mut self, sample: f64) {
        if !range::usable(sample) {
            return;
        }
        let increment = sample - self.state.last.unwrap_or(sample);
        self.state.last = Some(sample);
        for (number, weight) in self.weights.iter().enumerate() {
            let average = (1.0 - weight) * self.state.averages[number] + weight * increment;
            self.state.averages[number] = average;
            self.state.most[number] = self.state.most[number].max(average);
            self.state.least[number] = self.state.least[number].min(average);
        }
    }

    /// Takes the next samples.
    pub fn process(&mut self, samples: &[f64]) {
        // A local copy keeps the memory in registers.
        let mut local = *self;
        for sample in samples {
            local.step(*sample);
        }
        *self = local;
    }

    /// The present memory, with the extremes so far.
    pub fn state(&self) -> State {
        self.state
    }

    /// Goes back to a saved memory.
    pub fn restore(&mut self, state: State) {
        self.state = state;
    }
}
