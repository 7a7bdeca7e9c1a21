//! `calibrations`: which calibration a device uses with a kind of cartridge, and how long it still holds.

use super::{Row, Table, assemble, column, ids, numbers, optional_texts, schema, texts, time_type, times};
use crate::{CalibrationRecord, DeviceCalibration, Micros, view::RowId};
use arrow::{
    array::{ArrayRef, Float64Builder, Int32Array, Int64Array, ListBuilder, RecordBatch, StringArray},
    datatypes::{
        DataType::{Float64, Int32, Int64, List, Utf8},
        Field,
    },
};
use std::sync::Arc;

/// The table.
pub fn table() -> Table {
    let values = List(Arc::new(Field::new("item", Float64, true)));
    Table {
        name: "calibrations",
        about: "calibration in force per device and kind of cartridge, and how long it still holds",
        schema: schema(&[
            ("device_id", Utf8, false, "device, as its maker names it"),
            ("cartridge_category", Int32, false, "category of the cartridge"),
            ("cartridge_type", Int32, false, "type within the category"),
            ("state", Utf8, false, "VALID, EXPIRING in less than 7 days, EXPIRED, or NEEDED: there is none"),
            ("since", time_type(), false, "since when that is so"),
            ("calibration_id", Utf8, true, "calibration in force; of those that expired, the newest"),
            ("kind", Utf8, true, "FACTORY, FIELD or AUTO"),
            ("alpha", Float64, true, "share of the reference to take off; of a factory calibration only"),
            ("accuracy_score", Float64, true, "how well it fits, 0 to 1"),
            ("reference_values", values, true, "what the samples it was made with are known to hold"),
            ("coefficients_hash", Utf8, true, "SHA-256 of its gains and offsets"),
            ("calibrated_at", time_type(), true, "when it was made"),
            ("valid_until", time_type(), true, "when it stops to hold"),
            ("event_id", Utf8, true, "event that brought it"),
            ("partition", Int32, true, "partition of that event"),
            ("event_offset", Int64, true, "offset of that event"),
        ]),
        time: "since",
    }
}

impl Row for DeviceCalibration {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.since
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        let event = |row: &Self| row.record.as_ref().map(|record| record.event.to_string());
        let origin = |row: &Self| row.record.as_ref().map(|record| record.origin);
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| &row.device),
                column!(Int32Array, rows, |row: &Self| Some(i32::from(row.cartridge.category))),
                column!(Int32Array, rows, |row: &Self| Some(i32::from(row.cartridge.kind))),
                texts(rows, |row| row.status.name()),
                times(rows, |row| Some(row.since)),
                optional_texts(rows, |row| row.record.as_ref().map(|record| record.id.as_str())),
                optional_texts(rows, |row| row.record.as_ref().map(|record| record.source.name())),
                numbers(rows, |row| row.record.as_ref().and_then(|record| record.alpha)),
                numbers(rows, |row| row.record.as_ref().and_then(|record| record.score)),
                reference_values(rows),
                optional_texts(rows, |row| row.record.as_ref().and_then(hash)),
                times(rows, |row| row.record.as_ref().map(|record| record.calibrated_at)),
                times(rows, |row| row.record.as_ref().map(|record| record.valid_until)),
                column!(StringArray, rows, event),
                column!(Int32Array, rows, |row: &Self| origin(row).map(|at| at.partition as i32)),
                column!(Int64Array, rows, |row: &Self| origin(row).map(|at| at.offset as i64)),
            ],
        )
    }
}

fn hash(record: &CalibrationRecord) -> Option<&str> {
    record.coefficients_hash.as_deref()
}

fn reference_values(rows: &[(RowId, &DeviceCalibration)]) -> ArrayRef {
    let mut lists = ListBuilder::new(Float64Builder::new());
    for (_, row) in rows {
        if let Some(record) = &row.record {
            record.reference_values.iter().for_each(|value| lists.values().append_value(value.get()));
        }
        lists.append(row.record.is_some());
    }
    Arc::new(lists.finish())
}
