//! `manpasik.measurement.completed`: the result of every session of a cartridge, and every later revision of it.
//!
//! A revision replaces what was said of the same session before. A result that is taken back without another one
//! in the same epoch is withdrawn by name.

use super::{
    MEASUREMENTS,
    event::{self, Event, Offsets, gone_and_standing, iso},
};
use eventlog::Draft;
use model::{CalibrationStatus, EventId, Measurement, Number};
use serde::Serialize;

const COMPLETED: &str = "manpasik.measurement.completed";
const WITHDRAWN: &str = "manpasik.measurement.completed.withdrawn";

/// What is said of a result: the payload that consumers of the platform know (events-background.md), down to
/// `environment`, and beside it the columns of the table `measurements`.
#[derive(Serialize)]
struct Said {
    session_id: String,
    device_id: Option<String>,
    /// As text, e.g. `"0x01"`.
    cartridge_type: Option<String>,
    cartridge_category: Option<u8>,
    primary_value: Option<Number>,
    unit: String,
    confidence: Number,
    fingerprint_dimension: Option<u32>,
    fingerprint_vector_hash: Option<String>,
    /// Samples per channel that arrived.
    measurement_count: u32,
    duration_ms: i64,
    environment: Surroundings,
    started_at: String,
    completed_at: String,
    revision: u32,
    lot: Option<String>,
    calibration_id: Option<String>,
    calibration_status: CalibrationStatus,
    alpha: Number,
    alpha_applied: bool,
    channels: u32,
    n_expected: u32,
    n_real: u32,
    n_imputed: u32,
    outliers: u32,
    uncertainty: Option<Number>,
    snr_db: Option<Number>,
    drift: Option<Number>,
    alpha_seen: Option<Number>,
    confidence_version: u32,
    warnings: Vec<String>,
    transform_log: [String; 3],
    offsets: [Offsets; 1],
}

/// Means over the session.
#[derive(Serialize)]
struct Surroundings {
    temp_c: Option<Number>,
    humidity_pct: Option<Number>,
    pressure_kpa: Option<Number>,
}

/// What is said of a result that does not hold any more.
#[derive(Serialize)]
struct Withdrawn {
    withdraws: String,
    session_id: String,
    revision: u32,
}

/// The records for `measurements`, which are consolidated and in order.
pub(super) fn drafts(measurements: &[(Measurement, i64)], partitions: u32) -> Vec<Draft> {
    let same = |a: &Measurement, b: &Measurement| a.session == b.session;
    let (gone, standing) = gone_and_standing(measurements, same);
    let withdrawals = gone.into_iter().map(|one| withdrawn(one).draft(MEASUREMENTS, partitions));
    let completed = standing.into_iter().map(|one| completed(one).draft(MEASUREMENTS, partitions));
    withdrawals.chain(completed).collect()
}

fn id(kind: &str, measurement: &Measurement) -> EventId {
    EventId::derive(&[kind, &measurement.session.to_string(), &measurement.revision.to_string()])
}

fn completed(measurement: &Measurement) -> Event<Said> {
    let Measurement { alpha, alpha_applied, channels, n_expected, n_real, n_imputed, outliers, .. } =
        *measurement;
    let Measurement { value, uncertainty, snr_db, drift, alpha_seen, confidence, confidence_version, .. } =
        *measurement;
    event(
        COMPLETED,
        measurement,
        Said {
            session_id: measurement.session.to_string(),
            device_id: measurement.device.clone(),
            cartridge_type: measurement.cartridge.map(|cartridge| format!("0x{:02x}", cartridge.kind)),
            cartridge_category: measurement.cartridge.map(|cartridge| cartridge.category),
            primary_value: value,
            unit: measurement.unit.clone(),
            confidence,
            fingerprint_dimension: measurement.fingerprint.as_ref().map(|(dimension, _)| *dimension),
            fingerprint_vector_hash: measurement.fingerprint.as_ref().map(|(_, hash)| hash.clone()),
            measurement_count: n_real,
            duration_ms: measurement.completed_at.saturating_sub(measurement.started_at) / 1_000,
            environment: Surroundings {
                temp_c: measurement.temperature_c,
                humidity_pct: measurement.humidity_percent,
                pressure_kpa: measurement.pressure_kpa,
            },
            started_at: iso(measurement.started_at),
            completed_at: iso(measurement.completed_at),
            revision: measurement.revision,
            lot: measurement.lot.clone(),
            calibration_id: measurement.calibration.clone(),
            calibration_status: measurement.calibration_status,
            alpha,
            alpha_applied,
            channels,
            n_expected,
            n_real,
            n_imputed,
            outliers,
            uncertainty,
            snr_db,
            drift,
            alpha_seen,
            confidence_version,
            warnings: measurement.warnings.clone(),
            transform_log: measurement.transform_log.clone(),
            offsets: [measurement.packets.into()],
        },
    )
}

fn withdrawn(measurement: &Measurement) -> Event<Withdrawn> {
    event(
        WITHDRAWN,
        measurement,
        Withdrawn {
            withdraws: id(COMPLETED, measurement).to_string(),
            session_id: measurement.session.to_string(),
            revision: measurement.revision,
        },
    )
}

fn event<P>(kind: &str, measurement: &Measurement, payload: P) -> Event<P> {
    let Measurement { completed_at, user, session, revision, .. } = *measurement;
    event::of_measurement((id(kind, measurement), kind), completed_at, user, (session, revision), payload)
}
