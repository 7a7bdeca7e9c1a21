//! What a window of a cartridge's session looks like, channel by channel, in numbers.

use crate::{CartridgeKind, Micros, Number, SessionId, UserId, Vector};
use serde::{Deserialize, Serialize};

/// Name and meaning of every number that describes a channel, in the order in which [`FeatureWindow::values`] holds them
/// (Specification §4.6). Units are those of the corrected signal unless stated.
pub const FEATURES: [(&str, &str); 26] = [
    ("mean", "mean"),
    ("deviation", "population standard deviation"),
    ("root_mean_square", "root of the mean square"),
    ("skewness", "third moment over the deviation cubed, a number"),
    ("kurtosis", "fourth moment over the variance squared, less 3, a number"),
    ("median", "median"),
    ("median_deviation", "1.4826 times the median distance from the median"),
    ("quartile_range", "distance between the quartiles"),
    ("peak_to_peak", "distance between the extremes"),
    ("zero_crossings", "share of neighbouring samples of different sign"),
    ("line_length", "mean distance between neighbouring samples"),
    ("mobility", "deviation of the differences over that of the signal, per sample"),
    ("complexity", "mobility of the differences over that of the signal, a number"),
    ("centroid_hz", "mean frequency, Hz"),
    ("spread_hz", "deviation of the frequency, Hz"),
    ("entropy", "entropy of the power over the greatest possible, 0 to 1"),
    ("flatness", "geometric over arithmetic mean of the power, 0 to 1"),
    ("roll_off_85_hz", "frequency up to which 85 % of the power lie, Hz"),
    ("roll_off_95_hz", "frequency up to which 95 % of the power lie, Hz"),
    ("peak_hz", "frequency of the greatest power, Hz"),
    ("energy_a5", "energy of the db4 approximation of level 5, squared"),
    ("energy_d5", "energy of the db4 details of level 5, squared"),
    ("energy_d4", "energy of the db4 details of level 4, squared"),
    ("energy_d3", "energy of the db4 details of level 3, squared"),
    ("energy_d2", "energy of the db4 details of level 2, squared"),
    ("energy_d1", "energy of the db4 details of level 1, squared"),
];

/// One window of a cartridge's session; late packets replace it by the next revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeatureWindow {
    /// Session.
    pub session: SessionId,
    /// First instant, by the nominal period since the first sample.
    pub start: Micros,
    /// First instant after it.
    pub end: Micros,
    /// Revision of the session's measurement it belongs to; 0 for one that left before the session ended.
    pub revision: u32,
    /// Person measured.
    pub user: UserId,
    /// Device, as its maker names it.
    pub device: Option<String>,
    /// Cartridge, if the device said which.
    pub cartridge: Option<CartridgeKind>,
    /// Channels.
    pub channels: u32,
    /// Samples per channel of a full window.
    pub n_expected: u32,
    /// Samples per channel that arrived; at least one.
    pub n_real: u32,
    /// Samples per channel filled in by interpolation.
    pub n_imputed: u32,
    /// Level less that before exposure, over noise, dB: the middle of all channels.
    pub snr_db: Option<Number>,
    /// Change over the window relative to the level less that before exposure: the middle of all channels.
    pub drift: Option<Number>,
    /// How clean the window is, 0 to 1: this product's own definition, see `quality_version`.
    pub quality: Option<Number>,
    /// Version of the definition of `quality`.
    pub quality_version: u32,
    /// Confidence, 0 to 1: this product's own definition, see `confidence_version`.
    pub confidence: Number,
    /// Version of the definition of `confidence`.
    pub confidence_version: u32,
    /// Each of [`FEATURES`] for all channels, one after the other; absent below 80 % real samples.
    pub values: Option<Vector>,
}

impl FeatureWindow {
    /// The feature at `place` of [`FEATURES`], channel by channel.
    pub fn feature(&self, place: usize) -> Option<&[f32]> {
        let channels = self.channels as usize;
        self.values.as_ref()?.values().get(place * channels..(place + 1) * channels)
    }
}
