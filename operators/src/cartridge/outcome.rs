//! The result of a session: a measurement, from a course that is complete.
//!
//! The plateau of a channel is the median of its last two seconds, filtered without delay (signals.md §4.4); the value is
//! their mean. Noise is that of the last ten seconds before the low-pass.
//!
//! # Uncertainty
//! JCGM 100: what differs from channel to channel, the noise of a median of `n` rows, `σ²·π/2 / n`, is averaged over channels;
//! what all channels share, the uncertainty of α times the reference, is not. It is an upper bound of the former: the
//! low-pass takes some of that noise away.

use super::{
    baseline::median,
    chain::Session,
    correction::{Correction, ambient},
    course::Course,
    plan::{Lengths, Shape, Tools},
    print::Print,
    recent::Mark,
    registry::Profile,
    warning::Warnings,
};
use dsp::{
    confidence::{self, Evidence, confidence},
    differential::{Spread, expanded},
};
use model::{CalibrationStatus, Fingerprint, Measurement, Micros, Number};

/// Version of the definition of the confidence: [`dsp::confidence::VERSION`], with a calibration that is needed counted as
/// a tag that holds or not at all, and the failures of [`Warnings`].
pub(super) const CONFIDENCE_VERSION: u32 = 1;
/// Standard uncertainty of α, which tables and tags give to two digits: half a digit, evenly spread (JCGM 100, 4.3.7).
const ALPHA_DEVIATION: f64 = 0.005 / 1.732_050_807_568_877_2;
/// Variance of a median over that of a mean, of many normal samples: π/2 (Kendall & Stuart, vol. 1, 10.10).
const MEDIAN_TO_MEAN: f64 = std::f64::consts::FRAC_PI_2;
/// Bound of a drift relative to a signal that is hardly there.
pub(super) const MOST_DRIFT: f64 = 1e6;

/// What was read off every channel.
pub(super) struct Channels {
    /// Level of the last two seconds; empty if these held no sample.
    pub(super) plateaus: Vec<f64>,
    /// Level before exposure.
    pub(super) baselines: Vec<f64>,
    /// Standard deviation of the noise of one sample.
    noises: Vec<f64>,
    /// Signal over noise, dB.
    snrs_db: Vec<f64>,
    /// Slope of the last third, per second.
    pub(super) slopes: Vec<f64>,
    /// Change over the last third relative to the signal.
    drifts: Vec<f64>,
    /// Rows of the last two seconds.
    steady: usize,
}

/// The rows a session leads to; `course` is closed.
pub(super) fn read(
    session: &Session,
    course: &Course,
    (correction, profile): (&Correction, &Profile),
    (lengths, tools, shape): (&Lengths, &mut Tools, &mut Shape),
) -> (Measurement, Option<Fingerprint>) {
    let channels = Channels::read(course, (lengths, &mut *tools, shape));
    let warnings = Warnings::of(session, course, correction, profile, lengths);
    let value = mean(&channels.plateaus).and_then(rounded);
    let snr_db = value.and(middle(&channels.snrs_db)).and_then(rounded);
    let drift = value.and(middle(&channels.drifts)).and_then(rounded);
    let status = session.identity.status(session.started_at);
    let (expected, counts) = (course.counts.slots.max(1) as u32, course.counts);
    let trust = match (snr_db, drift) {
        (Some(snr_db), Some(drift)) if !warnings.grave => confidence(&Evidence {
            snr_db: snr_db.get(),
            loss: 1.0 - f64::from(counts.real) / f64::from(expected),
            drift: drift.get(),
            ambient_celsius: worst(course.celsius),
            ..calibrated(session)
        }),
        _ => 0.0,
    };
    let coupling = course.baseline.coupling().filter(|_| course.referenced);
    let uncertainty = value.and_then(|_| rounded(uncertainty(course, correction, &channels)));
    let tag = session.identity.tag();
    let alpha = rounded(correction.alpha).unwrap_or_default();
    let [temperature_c, humidity_percent, pressure_kpa] =
        course.surroundings().map(|mean| mean.and_then(rounded));
    let normalisers = &tools.normalisers;
    let fingerprint =
        Print { session, course, profile, channels: &channels, lengths, normalisers }.fingerprint();
    let measurement = Measurement {
        session: session.id,
        started_at: session.started_at,
        completed_at: session.end,
        revision: session.revision,
        user: session.user,
        device: session.device.as_deref().map(str::to_owned),
        cartridge: tag.and_then(|tag| tag.kind),
        lot: tag.map(|tag| tag.lot.clone()),
        calibration: session.identity.calibration().map(|calibration| calibration.id.clone()),
        calibration_status: status,
        alpha,
        alpha_applied: course.referenced,
        channels: course.channels as u32,
        n_expected: expected,
        n_real: counts.real,
        n_imputed: counts.imputed,
        outliers: counts.outliers,
        value,
        uncertainty,
        unit: profile.unit.to_owned(),
        snr_db,
        drift,
        alpha_seen: coupling.and_then(|coupling| rounded(coupling.alpha)),
        confidence: rounded(trust).unwrap_or_default(),
        confidence_version: CONFIDENCE_VERSION,
        temperature_c,
        humidity_percent,
        // A device without a barometer sends 0.
        pressure_kpa: pressure_kpa.filter(|pressure| pressure.get() > 0.0),
        fingerprint: fingerprint
            .as_ref()
            .map(|print| (print.vector.values().len() as u32, print.hash.clone())),
        warnings: warnings.codes(),
        transform_log: course.journal.seal(&canonical(value, uncertainty, alpha, session.end)),
        packets: session.packets,
    };
    (measurement, fingerprint)
}

impl Channels {
    fn read(course: &Course, (lengths, tools, shape): (&Lengths, &mut Tools, &mut Shape)) -> Self {
        let rows = course.ring.columns(lengths.ring, &mut shape.columns);
        let last = lengths.steady as usize;
        let steady = course.ring.marks(last).filter(|mark| *mark != Mark::Missing).count();
        let mut found = Self {
            plateaus: Vec::new(),
            baselines: Vec::new(),
            noises: Vec::new(),
            snrs_db: Vec::new(),
            slopes: Vec::new(),
            drifts: Vec::new(),
            steady,
        };
        if steady == 0 {
            return found;
        }
        let (mut smooth, mut points) = (Vec::with_capacity(rows), Vec::new());
        for (channel, column) in shape.columns.chunks_exact(rows).enumerate() {
            smooth.clear();
            smooth.extend_from_slice(column);
            // What is too short to be filtered keeps its noise.
            let _short = tools.zero_phase.process(&mut smooth);
            let plateau = median(&mut smooth[rows - steady..]);
            let baseline = course.baseline.level(channel).unwrap_or(plateau);
            course.trend.last_third(channel, &mut points);
            let slope = tools.slopes.slope(&points);
            let change = slope.abs() * points.len() as f64;
            let drift =
                if change == 0.0 { 0.0 } else { (change / (plateau - baseline).abs()).min(MOST_DRIFT) };
            found.plateaus.push(plateau);
            found.baselines.push(baseline);
            found.noises.push(tools.noise.deviation(column));
            found.snrs_db.push(tools.noise.snr_db(column, plateau, baseline));
            found.slopes.push(slope * lengths.rate_hz / course.trend.stride() as f64);
            found.drifts.push(drift);
        }
        found
    }
}

/// The score of the calibration. Where there is none, a tag that is valid carries the coefficients of its lot and counts as
/// a calibration that expires soon; without a tag nothing is known, and nothing is trusted (our own).
pub(super) fn calibrated(session: &Session) -> Evidence {
    let status = session.identity.status(session.started_at);
    let score = session.identity.calibration().map(|calibration| calibration.score.get());
    let (calibration, calibration_score) = match status {
        CalibrationStatus::Valid => (confidence::Calibration::Valid, score.unwrap_or(0.0)),
        CalibrationStatus::Expiring => (confidence::Calibration::Expiring, score.unwrap_or(0.0)),
        CalibrationStatus::Expired => (confidence::Calibration::Expired, 0.0),
        CalibrationStatus::Needed => {
            (confidence::Calibration::Expiring, f64::from(u8::from(session.identity.tag().is_some())))
        }
    };
    Evidence { snr_db: 0.0, loss: 0.0, drift: 0.0, calibration_score, calibration, ambient_celsius: f64::NAN }
}

/// The temperature that is farthest from where devices are at home, °C.
pub(super) fn worst(celsius: Option<(f32, f32)>) -> f64 {
    let Some((low, high)) = celsius else { return f64::NAN };
    let (low, high) = (f64::from(low), f64::from(high));
    if confidence::ambient_ramp(low) < confidence::ambient_ramp(high) { low } else { high }
}

/// Expanded uncertainty of the value.
fn uncertainty(course: &Course, correction: &Correction, channels: &Channels) -> f64 {
    let count = course.channels as f64;
    let noise: f64 = channels.noises.iter().map(|noise| noise * noise).sum();
    let own = noise * MEDIAN_TO_MEAN / channels.steady as f64 / (count * count);
    let rows = f64::from(course.counts.real + course.counts.imputed).max(1.0);
    let references: Vec<f64> = course.references.iter().map(|sum| sum / rows).collect();
    let spread = Spread { detection: 0.0, reference: 0.0, alpha: ALPHA_DEVIATION };
    let mut variances = vec![0.0; course.channels];
    correction.differential().variance(&references, spread, ambient(course.last_ambient), &mut variances);
    let shared = variances.iter().map(|variance| variance.sqrt()).sum::<f64>() / count;
    expanded(own + shared * shared)
}

/// The result as it is sealed: numbers as 64-bit floats with a byte before that tells whether there is one, time in
/// microseconds, all little-endian.
fn canonical(value: Option<Number>, uncertainty: Option<Number>, alpha: Number, at: Micros) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [value, uncertainty, Some(alpha)] {
        bytes.push(u8::from(number.is_some()));
        bytes.extend_from_slice(&number.unwrap_or_default().get().to_le_bytes());
    }
    bytes.extend_from_slice(&at.to_le_bytes());
    bytes
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

pub(super) fn middle(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| median(&mut values.to_vec()))
}

/// A result to nine significant digits: far below what it can mean, far above where mathematical libraries differ in their
/// last digit, so that a replay on another machine agrees.
pub(super) fn rounded(value: f64) -> Option<Number> {
    format!("{value:.8e}").parse().ok().and_then(Number::finite)
}
