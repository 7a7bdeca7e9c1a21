//! Where the power of a window lies within a band.

use super::{Band, lanes, ratio};
use crate::Error;

/// Powers below this count as this in logarithms, so that an empty frequency does not make them infinite.
const LEAST_POWER: f64 = 1e-300;
/// Shares of the power at which the roll-offs stand.
const ROLL_OFFS: [f64; 2] = [0.85, 0.95];

/// Where the power lies within the band. All zeros if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Power {
    /// Mean frequency, weighed by power, in Hz.
    pub centroid_hz: f64,
    /// Standard deviation of frequency about the centroid, weighed by power, in Hz.
    pub spread_hz: f64,
    /// Entropy of the shares of power over the greatest possible, 0 (one line) to 1 (all frequencies alike).
    pub entropy: f64,
    /// Geometric over arithmetic mean of power, 0 to 1.
    pub flatness: f64,
    /// Lowest frequency up to which 85 % of the power lie, in Hz.
    pub roll_off_85_hz: f64,
    /// Lowest frequency up to which 95 % of the power lie, in Hz.
    pub roll_off_95_hz: f64,
    /// Frequency of the greatest power, the lowest of several, in Hz.
    pub peak_hz: f64,
}

impl Power {
    /// Every number, in the order of the fields.
    pub const fn numbers(&self) -> [f64; 7] {
        let Self { centroid_hz, spread_hz, entropy, flatness, .. } = *self;
        let Self { roll_off_85_hz, roll_off_95_hz, peak_hz, .. } = *self;
        [centroid_hz, spread_hz, entropy, flatness, roll_off_85_hz, roll_off_95_hz, peak_hz]
    }
}

/// The frequencies of a band.
#[derive(Debug)]
pub(super) struct Bins {
    first: usize,
    end: usize,
    step_hz: f64,
}

impl Bins {
    /// The frequencies of the transform of `segment` samples that lie in the band.
    pub(super) fn new(band: Band, rate_hz: f64, segment: usize) -> Result<Self, Error> {
        let step_hz = rate_hz / segment as f64;
        let Band { low_hz, high_hz } = band;
        if !(0.0 <= low_hz && low_hz < high_hz && high_hz <= rate_hz / 2.0) {
            return Err(Error::Corner { corner_hz: high_hz, rate_hz });
        }
        // Compared as frequencies: a quotient could round a corner off its bin.
        let below = (0..=segment / 2).take_while(|bin| *bin as f64 * step_hz < low_hz).count();
        let end = (0..=segment / 2).take_while(|bin| *bin as f64 * step_hz <= high_hz).count();
        if below == end {
            return Err(Error::Corner { corner_hz: high_hz, rate_hz });
        }
        Ok(Self { first: below, end, step_hz })
    }

    fn frequency(&self, offset: usize) -> f64 {
        (self.first + offset) as f64 * self.step_hz
    }

    /// Describes the part of a density that is in the band.
    pub(super) fn read(&self, density: &[f64]) -> Power {
        let powers = &density[self.first..self.end.min(density.len())];
        let total = lanes::sum(powers, |power| power);
        if total < LEAST_POWER {
            return Power::default();
        }
        let (mut moment, mut logarithms, mut weighed, mut peak) = (0.0, 0.0, 0.0, 0);
        for (offset, power) in powers.iter().enumerate() {
            let logarithm = power.max(LEAST_POWER).ln();
            moment += offset as f64 * power;
            logarithms += logarithm;
            weighed += power * logarithm;
            peak = if *power > powers[peak] { offset } else { peak };
        }
        let count = powers.len() as f64;
        let centre = moment / total;
        let variance: f64 =
            powers.iter().enumerate().map(|(offset, power)| (offset as f64 - centre).powi(2) * power).sum();
        // Of shares q = P / total: -Σ q ln q = ln total - Σ P ln P / total.
        let entropy = ratio(total.ln() - weighed / total, count.ln());
        let [roll_off_85_hz, roll_off_95_hz] = self.roll_offs(powers, total);
        Power {
            centroid_hz: (self.first as f64 + centre) * self.step_hz,
            spread_hz: (variance / total).sqrt() * self.step_hz,
            entropy: entropy.clamp(0.0, 1.0),
            flatness: ratio((logarithms / count).exp(), total / count).min(1.0),
            roll_off_85_hz,
            roll_off_95_hz,
            peak_hz: self.frequency(peak),
        }
    }

    fn roll_offs(&self, powers: &[f64], total: f64) -> [f64; 2] {
        let (mut sum, mut reached) = (0.0, [self.frequency(powers.len() - 1); 2]);
        let mut next = 0;
        for (offset, power) in powers.iter().enumerate() {
            sum += power;
            while next < ROLL_OFFS.len() && sum >= ROLL_OFFS[next] * total {
                reached[next] = self.frequency(offset);
                next += 1;
            }
        }
        reached
    }
}
