//! Reads a channel's part of a fingerprint off its corrected signal, once per session.

use super::Part;
use crate::{Error, ema::Ema, features, lanes, order::Order, range, theil_sen::TheilSen, welch::Welch};

/// A baseline nearer to zero than this counts as this in ratios, in units of the signal (our own).
pub const LEAST_BASELINE: f64 = 1e-9;
/// A power less than this counts as this in decibels, in squared units of the signal (our own).
pub const LEAST_POWER: f64 = 1e-30;
/// The steady state is the median of so many seconds at the end.
const STEADY_SECONDS: f64 = 2.0;
/// Where power is added up, in Hz, and the share of the rate that it never exceeds.
const POWER_HZ: (f64, f64) = (1.0, 10.0);
const POWER_SHARE: f64 = 0.45;

/// How a steady state is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// As the difference from the baseline.
    Difference,
    /// As the difference over the baseline: gas sensors, `ΔR / R0`.
    Ratio,
}

/// A steady state over the magnitude of its baseline, which counts as at least 1e-9.
pub fn relative(steady: f64, baseline: f64) -> f64 {
    steady / baseline.abs().max(LEAST_BASELINE)
}

/// Power of a density ([`Welch::density`]) from 1 Hz to 10 Hz, or to 45 % of the rate if that is less, in dB of squared
/// units of the signal, -300 at least. `None` if the density has no frequency there.
pub fn power_db(density: &[f64], step_hz: f64, rate_hz: f64) -> Option<f64> {
    let most_hz = POWER_HZ.1.min(POWER_SHARE * rate_hz);
    let (mut power, mut found) = (0.0, false);
    for (bin, density) in density.iter().enumerate() {
        let frequency_hz = bin as f64 * step_hz;
        if frequency_hz >= POWER_HZ.0 && frequency_hz <= most_hz {
            power += density;
            found = true;
        }
    }
    found.then(|| 10.0 * (power * step_hz).max(LEAST_POWER).log10())
}

/// A planned reading of channels of one rate.
#[derive(Debug)]
pub struct Channel {
    rate_hz: f64,
    ema: Ema,
    order: Order,
    slopes: TheilSen,
    welch: Welch,
    segment: usize,
    most_samples: usize,
}

impl Channel {
    /// Plans sessions of up to `most_samples` at `rate_hz`.
    ///
    /// # Errors
    /// [`Error::Rate`] if the rate is not between 0.001 Hz and 1 MHz, [`Error::Length`] if there are less than two samples.
    pub fn new(rate_hz: f64, most_samples: usize) -> Result<Self, Error> {
        let ema = Ema::new(rate_hz)?;
        let segment = features::segment(rate_hz).min(most_samples);
        Ok(Self {
            rate_hz,
            ema,
            order: Order::new(most_samples),
            slopes: TheilSen::new(most_samples.div_ceil(3)),
            welch: Welch::new(rate_hz, segment, segment)?,
            segment,
            most_samples,
        })
    }

    /// Reads a corrected signal whose level before the exposure was `baseline`. Of a signal longer than planned only the end
    /// is read.
    ///
    /// All is missing if there are less than two samples, or if one, or the baseline, is not finite or larger than 1e60. The
    /// power is missing if the signal is shorter than a segment of its spectrum.
    pub fn read(&mut self, signal: &[f64], baseline: f64, response: Response) -> Part {
        let signal = &signal[signal.len().saturating_sub(self.most_samples)..];
        if signal.len() < 2 || !range::all_usable(signal) || !range::usable(baseline) {
            return Part::default();
        }
        let change = self.level(signal) - baseline;
        let steady = match response {
            Response::Difference => Some(change),
            Response::Ratio => (baseline.abs() >= LEAST_BASELINE).then(|| change / baseline),
        };
        let mut ema = self.ema;
        ema.process(signal);
        let two_thirds = signal.len() - signal.len() / 3;
        let step_hz = self.welch.step_hz();
        let long_enough = signal.len() >= self.segment;
        let density = self.welch.density(signal);
        Part {
            steady,
            relative: Some(relative(change, baseline)),
            rises: ema.state().most.map(Some),
            falls: ema.state().least.map(Some),
            slope: Some(self.slopes.slope(&signal[two_thirds..]) * self.rate_hz),
            power_db: power_db(density, step_hz, self.rate_hz).filter(|_| long_enough),
        }
    }

    /// The median of the last two seconds, or of all if the signal is shorter.
    fn level(&mut self, signal: &[f64]) -> f64 {
        let wanted = (STEADY_SECONDS * self.rate_hz).round().max(1.0) as usize;
        let end = &signal[signal.len().saturating_sub(wanted)..];
        let (least, most) = lanes::extremes(end);
        self.order.sort(end, least, most).median()
    }
}
