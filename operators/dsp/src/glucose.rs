//! Sums up readings of a continuous glucose monitor, and follows episodes of low glucose.
//!
//! Bands and shares: Battelino et al., "Clinical targets for continuous glucose monitoring data interpretation: recommendations
//! from the international consensus on time in range", Diabetes Care 42(8), 2019. GMI: Bergenstal et al., "Glucose management
//! indicator (GMI)", Diabetes Care 41(11), 2018. GRI: Klonoff et al., "A glycemia risk index (GRI) of hypoglycemia and
//! hyperglycemia for continuous glucose monitoring", J. Diabetes Sci. Technol. 17(5), 2023. LBGI and HBGI: Kovatchev et al.,
//! "Assessment of risk for severe hypoglycemia among adults with IDDM", Diabetes Care 21(11), 1998.
//!
//! # Invariants
//! Every number is finite. Nothing is allocated. What readings sum up to does not depend on their order, to the last bit.

mod episode;
mod tally;

pub use episode::{Change, Course, Depth, Episodes, GAP_MS, Reading};
pub use tally::Tally;

/// Below this a reading is very low, in mg/dL.
pub const VERY_LOW: f64 = 54.0;
/// Below this a reading is low, in mg/dL; at it, it is in range.
pub const LOW: f64 = 70.0;
/// Up to this a reading is in range, in mg/dL.
pub const HIGH: f64 = 180.0;
/// Above this a reading is very high, in mg/dL.
pub const VERY_HIGH: f64 = 250.0;
/// What can be the glucose of a living person, in mg/dL; a reading outside is none (our own; sensors read 40 to 400).
pub const PLAUSIBLE: std::ops::RangeInclusive<f64> = 10.0..=2_000.0;

/// Least share of the slots with a reading (consensus, table 1: 70 % of 14 days).
const LEAST_MEASURED: f64 = 0.7;
/// `GMI = 3.31 + 0.02392 · mean` (Bergenstal).
const GMI: (f64, f64) = (3.31, 0.02392);
/// Weights of the shares very low, low, very high and high in the risk index, and its upper end (Klonoff).
const GRI: [f64; 4] = [3.0, 2.4, 1.6, 0.8];
const MOST_GRI: f64 = 100.0;

/// Share of the readings in each band, in percent; together 100.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bands {
    /// Below 54 mg/dL.
    pub very_low: f64,
    /// From 54 to below 70 mg/dL.
    pub low: f64,
    /// From 70 to 180 mg/dL, both included: time in range.
    pub in_range: f64,
    /// Above 180 up to 250 mg/dL.
    pub high: f64,
    /// Above 250 mg/dL.
    pub very_high: f64,
}

/// What a day or a fortnight of readings says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Readings it is made of.
    pub readings: usize,
    /// Mean, in mg/dL.
    pub mean: f64,
    /// Standard deviation (of a sample, n - 1), in mg/dL.
    pub deviation: f64,
    /// Coefficient of variation, in percent.
    pub variation_percent: f64,
    /// Glucose management indicator, in percent of glycated haemoglobin.
    pub gmi_percent: f64,
    /// Shares of the bands.
    pub bands: Bands,
    /// Glycaemia risk index, 0 to 100.
    pub gri: f64,
    /// Low blood glucose index.
    pub lbgi: f64,
    /// High blood glucose index.
    pub hbgi: f64,
}

/// A summary, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Enough slots hold a reading.
    Sufficient(Summary),
    /// Fewer than 70 % of the slots hold a reading, or fewer than two readings there are.
    Insufficient {
        /// Readings there are.
        readings: usize,
        /// Readings there could be.
        slots: usize,
    },
}

/// Sums up `readings`, in mg/dL, of a span in which there could have been `slots`: 288 a day for one in five minutes.
///
/// Readings that are not finite or not between 10 and 2,000 mg/dL do not count.
///
/// # Examples
/// ```
/// use dsp::glucose::{self, Outcome};
///
/// let Outcome::Sufficient(summary) = glucose::sum_up(&[60.0, 100.0, 140.0, 200.0], 5) else { unreachable!() };
/// assert_eq!((summary.bands.low, summary.bands.in_range, summary.bands.high), (25.0, 50.0, 25.0));
/// assert_eq!(glucose::sum_up(&[60.0, 100.0], 5), Outcome::Insufficient { readings: 2, slots: 5 });
/// ```
pub fn sum_up(readings: &[f64], slots: usize) -> Outcome {
    let mut tally = Tally::default();
    for reading in readings {
        tally.add(*reading);
    }
    tally.outcome(slots)
}

/// Glucose management indicator, in percent of glycated haemoglobin, of a mean in mg/dL.
pub fn gmi(mean: f64) -> f64 {
    GMI.0 + GMI.1 * mean
}

/// Glycaemia risk index, 0 to 100, of the shares of the bands.
pub fn gri(bands: &Bands) -> f64 {
    let shares = [bands.very_low, bands.low, bands.very_high, bands.high];
    GRI.iter().zip(shares).map(|(weight, share)| weight * share).sum::<f64>().min(MOST_GRI)
}
