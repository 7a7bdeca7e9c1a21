//! The second implementation: all events, sorted, looked at from the start for every question.

use crate::made::Feed;
use model::{
    CalibrationCompleted, CalibrationRecord, CalibrationSource, CalibrationStatus, CartridgeChange,
    CartridgeEvent, CartridgeKind, CartridgeState, CartridgeSupply, CartridgeUid, DeviceCalibration,
    DomainEvent, EventId, Micros, time::DAY,
};
use std::collections::{BTreeMap, BTreeSet};

/// Both tables, by what has a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables {
    pub(crate) calibrations: BTreeMap<(String, CartridgeKind), DeviceCalibration>,
    pub(crate) cartridges: BTreeMap<CartridgeUid, CartridgeSupply>,
}

impl Tables {
    /// The states of a device's calibration and of a cartridge.
    pub(crate) fn states(&self, device: u32, cartridge: u32) -> (&'static str, &'static str) {
        let kind = CartridgeKind { category: 1, kind: 1 };
        let calibration = &self.calibrations[&(crate::made::device(device), kind)];
        (calibration.status.name(), self.cartridges[&crate::made::uid(cartridge)].state.name())
    }
}

/// What stands after the last of `feeds`.
pub(crate) fn tables(feeds: &[Feed]) -> Tables {
    let now = feeds.last().unwrap().now;
    let events = distinct(feeds);
    let mut tables = Tables::default();
    let named = events.iter().filter_map(|event| match event {
        DomainEvent::Calibration(completed) => Some((completed.device.clone(), completed.cartridge)),
        DomainEvent::Cartridge(event) => {
            Some((event.change.device()?.to_owned(), event.change.label()?.kind))
        }
        _ => None,
    });
    for pair in named.collect::<BTreeSet<_>>() {
        let row = calibration(&pair, &events, now);
        tables.calibrations.insert(pair, row);
    }
    let cartridges: Vec<&CartridgeEvent> = events
        .iter()
        .filter_map(|event| match event {
            DomainEvent::Cartridge(event) => Some(event),
            _ => None,
        })
        .collect();
    for uid in cartridges.iter().map(|event| event.uid).collect::<BTreeSet<_>>() {
        let of: Vec<_> = cartridges.iter().copied().filter(|event| event.uid == uid).collect();
        tables.cartridges.insert(uid, cartridge(uid, &of, now));
    }
    tables
}

/// Each event once: of its copies the first epoch's, of those in one epoch the first on the log; by time.
fn distinct(feeds: &[Feed]) -> Vec<DomainEvent> {
    let mut found = BTreeMap::<EventId, DomainEvent>::new();
    for feed in feeds {
        let mut events = feed.events.clone();
        events.sort_by_key(DomainEvent::origin);
        for event in events {
            found.entry(event.id()).or_insert(event);
        }
    }
    let mut events: Vec<_> = found.into_values().collect();
    events.sort_by_key(|event| (event.at(), event.id()));
    events
}

fn calibration(pair: &(String, CartridgeKind), events: &[DomainEvent], now: Micros) -> DeviceCalibration {
    let completed = events.iter().filter_map(|event| match event {
        DomainEvent::Calibration(completed) if completed.device == pair.0 => Some(completed),
        _ => None,
    });
    // The oldest first: made and said at one time here.
    let records: Vec<CalibrationRecord> = completed.map(record).collect();
    let factory = |record: &&CalibrationRecord| record.source == CalibrationSource::Factory;
    let field = |record: &&CalibrationRecord| record.source == CalibrationSource::Field;
    let holding = || records.iter().rev().filter(|record| now < record.valid_until);
    let record = holding()
        .find(factory)
        .or_else(|| holding().find(field))
        .or_else(|| holding().next())
        .or(records.last())
        .cloned();
    let (status, since) = match &record {
        None => (CalibrationStatus::Needed, first_named(pair, events)),
        Some(record) if now >= record.valid_until => (CalibrationStatus::Expired, record.valid_until),
        Some(record) if now > record.valid_until - 7 * DAY => {
            (CalibrationStatus::Expiring, record.calibrated_at.max(record.valid_until - 7 * DAY))
        }
        Some(record) => (CalibrationStatus::Valid, record.calibrated_at),
    };
    DeviceCalibration { device: pair.0.clone(), cartridge: pair.1, status, since, record }
}

fn first_named(pair: &(String, CartridgeKind), events: &[DomainEvent]) -> Micros {
    let names = |event: &&DomainEvent| match event {
        DomainEvent::Cartridge(event) => event.change.device() == Some(&pair.0),
        _ => false,
    };
    events.iter().find(names).unwrap().at()
}

fn record(completed: &CalibrationCompleted) -> CalibrationRecord {
    let days = completed.validity_days.unwrap_or(30);
    let CalibrationCompleted { event, id, source, alpha, score, reference_values, .. } = completed.clone();
    let CalibrationCompleted { coefficients_hash, calibrated_at, origin, .. } = completed.clone();
    let valid_until = calibrated_at + i64::from(days) * DAY;
    CalibrationRecord {
        calibrated_at,
        event,
        id,
        source,
        alpha,
        score,
        reference_values,
        coefficients_hash,
        valid_until,
        origin,
    }
}

fn cartridge(uid: CartridgeUid, events: &[&CartridgeEvent], now: Micros) -> CartridgeSupply {
    let mut uses = u16::MAX;
    for event in events {
        uses = match &event.change {
            CartridgeChange::Replaced { label, .. } => label.uses_left,
            CartridgeChange::Verified { label, .. } => uses.min(label.uses_left),
            CartridgeChange::Depleted => 0,
        };
    }
    let (newest, label) =
        (events.last().unwrap(), events.iter().rev().find_map(|event| event.change.label()));
    let state = match label {
        _ if uses == 0 => CartridgeState::Depleted,
        Some(label) if now >= label.expires_at => CartridgeState::Expired,
        _ => CartridgeState::Ok,
    };
    CartridgeSupply {
        uid,
        kind: label.map(|label| label.kind),
        lot: label.map(|label| label.lot.clone()),
        expires_at: label.map(|label| label.expires_at),
        uses_left: uses,
        state,
        heard_at: newest.at,
        event: newest.event,
        origin: newest.origin,
    }
}
