//! Continuous glucose: readings of a monitor, what a day or a fortnight of them sums up to, and episodes of low glucose.

use crate::{EventId, Micros, Number, Origin, Span, UserId, time::DAY};
use serde::{Deserialize, Serialize};

/// What can be the glucose of a living person, mg/dL (this product's own; sensors read 40 to 400).
pub const PLAUSIBLE: (f64, f64) = (10.0, 2_000.0);

/// Where a sensor's range may end: a reading of which no more is known than that it is below, mg/dL. Below 54 all is one band.
pub const MOST_BELOW: f64 = 54.0;
/// Likewise above: above 250 all is one band.
pub const LEAST_ABOVE: f64 = 250.0;

/// What is known of a reading outside its sensor's range, as FHIR's `Quantity.comparator` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Comparator {
    /// The glucose is below the value.
    Below,
    /// The glucose is above the value.
    Above,
}

impl Comparator {
    /// Both, with their signs in events and tables.
    pub const ALL: [(&'static str, Self); 2] = [("<", Self::Below), (">", Self::Above)];

    /// Sign in events and tables.
    pub const fn sign(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// One reading of a continuous glucose monitor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GlucoseReading {
    /// When it was taken.
    pub at: Micros,
    /// Of whom.
    pub user: UserId,
    /// Identity of the event that brought it.
    pub event: EventId,
    /// Interstitial glucose, mg/dL; the end of the sensor's range if it is outside.
    pub glucose: Number,
    /// On which side of its range, if it is outside.
    pub comparator: Option<Comparator>,
    /// Where it stood on the log.
    pub origin: Origin,
}

/// How long the readings are that are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Wear {
    /// 24 hours, every hour.
    Day,
    /// 14 days, every day of UTC (consensus of 2019: what its targets are for).
    Fortnight,
}

impl Wear {
    /// Both, with their names in tables.
    pub const ALL: [(&'static str, Self); 2] = [("24h", Self::Day), ("14d", Self::Fortnight)];

    /// Name in tables.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// How long.
    pub const fn length(self) -> Micros {
        match self {
            Self::Day => DAY,
            Self::Fortnight => 14 * DAY,
        }
    }

    /// Distance of two ends.
    pub const fn hop(self) -> Micros {
        match self {
            Self::Day => DAY / 24,
            Self::Fortnight => DAY,
        }
    }
}

/// What readings sum up to. Shares are in percent of the slots with a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GlucoseSummary {
    /// Mean, mg/dL.
    pub mean: Number,
    /// Standard deviation of a sample, mg/dL.
    pub deviation: Number,
    /// Coefficient of variation, %.
    pub variation: Number,
    /// Glucose management indicator, % of glycated haemoglobin.
    pub gmi: Number,
    /// Below 54 mg/dL, %.
    pub below_54: Number,
    /// Below 70 mg/dL, %: those below 54, too.
    pub below_70: Number,
    /// From 70 to 180 mg/dL, %.
    pub in_range: Number,
    /// Above 180 mg/dL, %: those above 250, too.
    pub above_180: Number,
    /// Above 250 mg/dL, %.
    pub above_250: Number,
    /// Glycaemia risk index, 0 to 100.
    pub gri: Number,
    /// Low blood glucose index.
    pub lbgi: Number,
    /// High blood glucose index.
    pub hbgi: Number,
}

/// A day or a fortnight of readings that is over; one without any is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GlucoseWindow {
    /// First moment after it.
    pub end: Micros,
    /// Of whom.
    pub user: UserId,
    /// How long it is.
    pub wear: Wear,
    /// Slots of five minutes with a reading.
    pub readings: u32,
    /// Slots there are.
    pub slots: u32,
    /// What they sum up to; none with a reading in fewer than 70 % of the slots.
    pub summary: Option<GlucoseSummary>,
    /// The records it rests on; if they are of several partitions, those of the highest.
    pub span: Span,
}

/// An episode of low glucose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GlucoseEpisode {
    /// First low reading.
    pub began: Micros,
    /// Of whom.
    pub user: UserId,
    /// Whether it is of glucose below 54 mg/dL; below 70 otherwise.
    pub is_very_low: bool,
    /// What is known of its end, once it is over.
    pub ended: Option<EpisodeEnd>,
}

/// The end of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpisodeEnd {
    /// First reading of those that ended it, or the last before readings stopped.
    pub at: Micros,
    /// Its lowest reading, mg/dL.
    pub lowest: Number,
    /// Whether readings stopped: nobody knows how it went on.
    pub is_cut_off: bool,
}

#[cfg(test)]
mod tests {
    use super::{Comparator, Wear};

    #[test]
    fn names_stand_in_the_order_of_the_enumeration() {
        assert_eq!([Comparator::Below, Comparator::Above].map(Comparator::sign), ["<", ">"]);
        assert_eq!([Wear::Day, Wear::Fortnight].map(Wear::name), ["24h", "14d"]);
    }
}
