//! Which calibration each device uses with each kind of cartridge, and how long it still holds.
//!
//! Looked up as signals.md §1.3 says: a factory calibration that holds, then a field calibration that holds, then the
//! newest that expired. The document is silent about what the device made itself (AUTO): one that holds comes after
//! the field (ours). Among those of one source the newest counts; of two made at one instant, the one with the greater
//! id of its event.
//!
//! [`field`] makes a field calibration from samples whose content is known.
//!
//! A pair of device and cartridge that was named by a cartridge's event, and has no calibration, is NEEDED.
//!
//! # Bound
//! Per pair the calibrations that can still come to count: of each source one, as long as later ones hold longer.

pub mod field;

use crate::{
    Collection,
    ageing::{Ages, age},
    cartridge::registry,
    state::Memory,
};
use model::{
    CalibrationCompleted, CalibrationRecord, CalibrationSource, CalibrationStatus, CartridgeEvent,
    CartridgeKind, DeviceCalibration, DomainEvent, EventId, Micros, Origin, time::DAY,
};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// A field calibration holds a third of what a factory calibration of the model holds, where it does not say itself
/// (signals.md §1.3: 30 days of 90).
const FIELD_SHARE: u16 = 3;

/// The calibration in force of every pair of device and cartridge that events named; other events say nothing here.
pub fn calibrations<'scope>(
    events: Collection<'scope, DomainEvent>,
    memory: &Memory<'scope>,
) -> Collection<'scope, DeviceCalibration> {
    age::<Calibrations>(events.flat_map(fact), memory)
}

#[derive(Clone)]
struct Calibrations;

/// Device and kind of cartridge.
type Pair = (String, CartridgeKind);

/// What an event says of a pair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Fact {
    /// The device was calibrated.
    Calibrated(CalibrationRecord),
    /// It held such a cartridge.
    Named(Micros),
}

/// What is known of a pair.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Known {
    /// When it was first named.
    named_at: Option<Micros>,
    /// Newest first, without those that another one of their source outlasts.
    records: Vec<CalibrationRecord>,
}

fn fact(event: DomainEvent) -> Option<(Pair, Fact, Micros)> {
    let heard = event.at();
    match event {
        DomainEvent::Calibration(completed) => {
            let pair = (completed.device.clone(), completed.cartridge);
            Some((pair, Fact::Calibrated(record(completed)), heard))
        }
        DomainEvent::Cartridge(CartridgeEvent { change, .. }) => {
            let (device, label) = (change.device()?, change.label()?);
            Some(((device.to_owned(), label.kind), Fact::Named(heard), heard))
        }
        _ => None,
    }
}

fn record(completed: CalibrationCompleted) -> CalibrationRecord {
    let days = validity_days(completed.source, completed.cartridge, completed.validity_days);
    CalibrationRecord {
        calibrated_at: completed.calibrated_at,
        event: completed.event,
        id: completed.id,
        source: completed.source,
        alpha: completed.alpha,
        score: completed.score,
        reference_values: completed.reference_values,
        coefficients_hash: completed.coefficients_hash,
        valid_until: completed.calibrated_at + Micros::from(days) * DAY,
        origin: completed.origin,
    }
}

/// For how many days a calibration holds that says so itself, or leaves it to its model.
fn validity_days(source: CalibrationSource, cartridge: CartridgeKind, said: Option<u16>) -> u16 {
    let model_days = registry::profile(Some(cartridge)).validity_days;
    said.unwrap_or(match source {
        CalibrationSource::Factory => model_days,
        CalibrationSource::Field | CalibrationSource::Auto => model_days / FIELD_SHARE,
    })
}

/// The order of age; of two copies of one event the first on the log counts.
fn newness(record: &CalibrationRecord) -> (Micros, EventId, Reverse<Origin>) {
    (record.calibrated_at, record.event, Reverse(record.origin))
}

/// Whether `other` never counts any more now that `record` stands: it is not newer and does not hold longer.
fn outlasts(record: &CalibrationRecord, other: &CalibrationRecord) -> bool {
    record.source == other.source
        && newness(record) >= newness(other)
        && record.valid_until >= other.valid_until
}

/// The calibration in force at `now`; `records` are newest first.
fn in_force(records: &[CalibrationRecord], now: Micros) -> Option<&CalibrationRecord> {
    let holds = |source: CalibrationSource| {
        records.iter().find(|record| record.source == source && record.valid_until > now)
    };
    CalibrationSource::ALL.into_iter().find_map(holds).or(records.first())
}

impl Ages for Calibrations {
    type Key = Pair;
    type Fact = Fact;
    type Known = Known;
    type Row = DeviceCalibration;

    const STEP: &'static str = "calibrations";
    const VERSION: u32 = 1;

    fn route((device, cartridge): &Pair) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[cartridge.category, cartridge.kind]).update(device.as_bytes());
        u64::from_le_bytes(*hasher.finalize().as_bytes().first_chunk().expect("a digest has 32 bytes"))
    }

    fn learn(known: &mut Known, fact: Fact) {
        match fact {
            Fact::Named(at) => known.named_at = Some(known.named_at.map_or(at, |first| first.min(at))),
            Fact::Calibrated(record) => {
                if known.records.iter().any(|other| outlasts(other, &record)) {
                    return;
                }
                known.records.retain(|other| !outlasts(&record, other));
                let place = known.records.partition_point(|other| newness(other) > newness(&record));
                known.records.insert(place, record);
            }
        }
    }

    fn row((device, cartridge): &Pair, known: &Known, now: Micros) -> DeviceCalibration {
        let record = in_force(&known.records, now).cloned();
        let (status, since) = record.as_ref().map_or_else(
            || (CalibrationStatus::Needed, known.named_at.unwrap_or_default()),
            |record| status(record, now),
        );
        DeviceCalibration { device: device.clone(), cartridge: *cartridge, status, since, record }
    }

    fn until(row: &DeviceCalibration) -> Option<Micros> {
        let valid_until = row.record.as_ref()?.valid_until;
        match row.status {
            // With exactly a week left it still is.
            CalibrationStatus::Valid => Some(valid_until - CalibrationStatus::SOON + 1),
            CalibrationStatus::Expiring => Some(valid_until),
            CalibrationStatus::Expired | CalibrationStatus::Needed => None,
        }
    }

    /// A pair stays: there are as many as devices and kinds of cartridge, not as many as measurements.
    fn horizons(_row: &DeviceCalibration) -> Option<u32> {
        None
    }
}

/// How long `record` holds, and since when that is so.
fn status(record: &CalibrationRecord, now: Micros) -> (CalibrationStatus, Micros) {
    let status = CalibrationStatus::of(record.valid_until, now);
    let since = match status {
        CalibrationStatus::Valid | CalibrationStatus::Needed => record.calibrated_at,
        CalibrationStatus::Expiring => {
            (record.valid_until - CalibrationStatus::SOON).max(record.calibrated_at)
        }
        CalibrationStatus::Expired => record.valid_until,
    };
    (status, since)
}

#[cfg(test)]
mod tests;
