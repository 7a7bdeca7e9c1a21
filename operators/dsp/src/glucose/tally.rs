//! Sums over readings that can be taken back: what a day holds is added to a fortnight, and a reading that was replaced leaves.
//!
//! # Invariants
//! Sums are of whole numbers, so that they do not depend on the order of what was added and removed, to the last bit: readings
//! in nanograms per decilitre, indices of risk in units of 2⁻⁴⁰. A reading that is not plausible is neither added nor
//! removed. There is room for nine million readings.

use super::{Bands, HIGH, LEAST_MEASURED, LOW, Outcome, PLAUSIBLE, Summary, VERY_HIGH, VERY_LOW, gmi, gri};

/// Why nothing falls below zero.
const ADDED: &str = "what is removed was added";
/// Units of a mg/dL.
const FINE: f64 = 1e9;
/// Units of one of the indices.
const RISK_FINE: f64 = (1_u64 << 40) as f64;
/// Kovatchev's symmetric scale of mg/dL: `1.509 · (ln(g)^1.084 - 5.381)`, and the factor of the risk, its square.
const SCALE: (f64, f64, f64) = (1.509, 1.084, 5.381);
const RISK: f64 = 10.0;

/// Sums over readings. Plain data: keep it to go on later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Readings in each band, lowest first; all together are those added.
    pub bands: [u64; 5],
    /// Their sum, in 10⁻⁹ mg/dL.
    pub sum: u128,
    /// The sum of their squares, in 10⁻¹⁸ (mg/dL)².
    pub squares: u128,
    /// The sums of the indices of low and of high glucose, in 2⁻⁴⁰.
    pub risks: [u128; 2],
}

impl Tally {
    /// Adds a reading, in mg/dL.
    pub fn add(&mut self, reading: f64) {
        if let Some(one) = Self::of(reading) {
            self.merge(&one);
        }
    }

    /// Removes a reading that was added.
    ///
    /// # Panics
    /// If it was not, and the sums tell.
    pub fn remove(&mut self, reading: f64) {
        let Some(one) = Self::of(reading) else { return };
        for (band, of_one) in self.bands.iter_mut().zip(one.bands) {
            *band = band.checked_sub(of_one).expect(ADDED);
        }
        for (risk, of_one) in self.risks.iter_mut().zip(one.risks) {
            *risk = risk.checked_sub(of_one).expect(ADDED);
        }
        self.sum = self.sum.checked_sub(one.sum).expect(ADDED);
        self.squares = self.squares.checked_sub(one.squares).expect(ADDED);
    }

    /// Adds what `other` was added.
    ///
    /// # Examples
    /// ```
    /// use dsp::glucose::Tally;
    ///
    /// let (mut all, mut rest) = (Tally::default(), Tally::default());
    /// [100.0, 55.5, 300.25].iter().for_each(|reading| all.add(*reading));
    /// [55.5, 300.25].iter().for_each(|reading| rest.add(*reading));
    /// all.remove(100.0);
    /// assert_eq!(all, rest);
    /// ```
    pub fn merge(&mut self, other: &Self) {
        for (band, of_other) in self.bands.iter_mut().zip(other.bands) {
            *band += of_other;
        }
        for (risk, of_other) in self.risks.iter_mut().zip(other.risks) {
            *risk += of_other;
        }
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Readings that were added.
    pub fn readings(&self) -> usize {
        self.bands.iter().sum::<u64>() as usize
    }

    /// What it comes to, of a span in which there could have been `slots` readings.
    pub fn outcome(&self, slots: usize) -> Outcome {
        let readings = self.readings();
        if readings < 2 || (readings as f64) < LEAST_MEASURED * slots as f64 {
            return Outcome::Insufficient { readings, slots };
        }
        let (whole, count) = (readings as u128, readings as f64);
        let mean = self.sum as f64 / FINE / count;
        // n Σx² is at least (Σx)² (Cauchy and Schwarz), and so it is in whole numbers.
        let spread = whole * self.squares - self.sum * self.sum;
        let deviation = (spread as f64 / (count * (count - 1.0))).sqrt() / FINE;
        let [very_low, low, in_range, high, very_high] =
            self.bands.map(|readings| 100.0 * readings as f64 / count);
        let bands = Bands { very_low, low, in_range, high, very_high };
        let [lbgi, hbgi] = self.risks.map(|risk| risk as f64 / RISK_FINE / count);
        Outcome::Sufficient(Summary {
            readings,
            mean,
            deviation,
            variation_percent: 100.0 * deviation / mean,
            gmi_percent: gmi(mean),
            bands,
            gri: gri(&bands),
            lbgi,
            hbgi,
        })
    }

    /// One reading, if it is plausible.
    fn of(reading: f64) -> Option<Self> {
        if !PLAUSIBLE.contains(&reading) {
            return None;
        }
        let places = [reading >= VERY_LOW, reading >= LOW, reading > HIGH, reading > VERY_HIGH];
        let mut bands = [0; 5];
        bands[places.into_iter().filter(|is_above| *is_above).count()] = 1;
        let sum = (reading * FINE).round() as u128;
        let scaled = scaled(reading);
        let risk = |side: f64| (RISK * side * side * RISK_FINE).round() as u128;
        Some(Self { bands, sum, squares: sum * sum, risks: [risk(scaled.min(0.0)), risk(scaled.max(0.0))] })
    }
}

/// A reading, in mg/dL, on the scale where low and high are equally risky: 0 at 112.5.
fn scaled(reading: f64) -> f64 {
    SCALE.0 * (reading.ln().powf(SCALE.1) - SCALE.2)
}
