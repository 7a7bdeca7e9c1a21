//! Weighs the evidence of a window into one number, and decides whether its heart rate passes.
//!
//! Our own definition, versioned by [`crate::pulse::QUALITY_VERSION`]: the geometric mean of four ramps from 0 to 1, so
//! that one witness against the window outweighs three for it. The ends of the ramps were set on twelve BIDMC recordings;
//! `examples/bidmc.rs --gates` shows how little the result moves with them.

use crate::pulse::Estimate;

/// Least quality of a heart rate that passes.
const GATE: f64 = 0.75;
/// Least share of measured samples in a window that passes.
const LEAST_MEASURED: f64 = 0.8;

/// 0 up to `from`, 1 from `to` on, straight between; falls if `to` is less than `from`.
fn ramp(value: f64, from: f64, to: f64) -> f64 {
    ((value - from) / (to - from)).clamp(0.0, 1.0)
}

/// Quality of an estimate, 0 to 1.
pub(crate) fn quality(estimate: &Estimate) -> f64 {
    let (Some(beats), Some(spectrum)) = (estimate.beats_bpm, estimate.spectrum_bpm) else { return 0.0 };
    let witnesses = [
        ramp(estimate.similarity, 0.7, 1.0),
        ramp(estimate.regularity, 0.7, 1.0),
        ramp(estimate.evenness, 0.7, 1.0),
        ramp((beats - spectrum).abs(), 15.0, 5.0),
    ];
    witnesses.iter().product::<f64>().powf(1.0 / witnesses.len() as f64)
}

/// Whether the heart rate passes, given the share of the window that was measured.
pub(crate) fn passes(estimate: &Estimate, measured: f64) -> bool {
    measured >= LEAST_MEASURED && estimate.quality >= GATE
}
