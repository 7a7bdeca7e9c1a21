//! Weighs the evidence of a window into one number, and decides whether its heart rate passes.
//!
//! Our own definition, versioned by [`crate::pulse::QUALITY_VERSION`]: the geometric mean of four ramps from 0 to 1, so
//! that one witness against the window outweighs three for it. The ends of the ramps were set on twelve BIDMC recordings;
//! `examples/bidmc.rs --gates` shows how little the result moves with them.

use crate::pulse::Estimate;

/// Least quality of a heart rate that passes.
const GATE: f64 = 0.82;
/// Difference up to which beats and spectrum agree, in beats per minute.
const AGREEMENT_BPM: f64 = 5.0;
/// Least share of measured samples in a window that passes.
const LEAST_MEASURED: f64 = 0.8;

/// 0 up to `from`, 1 from `to` on, straight between; falls if `to` is less than `from`.
fn ramp(value: f64, from: f64, to: f64) -> f64 {
    ((value - from) / (to - from)).clamp(0.0, 1.0)
}

/// How much the beats look like one heart's, 0 to 1: alike, regular, of even height.
fn steadiness(estimate: &Estimate) -> f64 {
    let witnesses = [estimate.similarity, estimate.regularity, estimate.evenness];
    witnesses.iter().map(|witness| ramp(*witness, 0.7, 1.0)).product::<f64>().cbrt()
}

/// Whether the heart rate is to be taken from the spectrum although there are beats, given by how many dB the lines of the
/// spectrum's rate are clearer than those of the beats' rate.
///
/// A detector that counts dicrotic waves or skips fast beats contradicts the spectrum grossly; a spectrum that follows
/// ectopic beats or an artefact is not much clearer than the beats. So the spectrum wins only where the two differ and its
/// lines are 3 dB clearer, and up to 10 dB more the steadier the beats.
pub(crate) fn prefers_spectrum(estimate: &Estimate, clearer_db: f64) -> bool {
    let (Some(beats), Some(spectrum)) = (estimate.beats_bpm, estimate.spectrum_bpm) else {
        return estimate.beats_bpm.is_none();
    };
    (beats - spectrum).abs() > AGREEMENT_BPM && clearer_db > 3.0 + 10.0 * steadiness(estimate)
}

/// Quality of an estimate, 0 to 1.
///
/// Beats and spectrum agree if they give the same rate, or if the spectrum holds the beats' rate at least as clearly as
/// its own: the highest line of a wave with a large dicrotic wave is the second harmonic.
pub(crate) fn quality(estimate: &Estimate, clearer_db: f64) -> f64 {
    let (Some(beats), Some(spectrum)) = (estimate.beats_bpm, estimate.spectrum_bpm) else { return 0.0 };
    let near = ramp((beats - spectrum).abs(), 3.0 * AGREEMENT_BPM, AGREEMENT_BPM);
    let agreement = near.max(ramp(clearer_db, 3.0, 0.0));
    (steadiness(estimate).powi(3) * agreement).powf(0.25)
}

/// Whether the heart rate passes, given the share of the window that was measured.
pub(crate) fn passes(estimate: &Estimate, measured: f64) -> bool {
    measured >= LEAST_MEASURED && estimate.quality >= GATE
}
