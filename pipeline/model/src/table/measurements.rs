//! `measurements`: result of every completed session of a cartridge, newest revision.

use super::{
    Row, Table, assemble, column, ids, numbers, optional_texts, schema, text_list, text_lists, texts,
    time_type, times,
};
use crate::{Measurement, Micros, view::RowId};
use arrow::{
    array::{BooleanArray, Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Boolean, Float64, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "measurements",
        about: "result of every completed session of a cartridge, newest revision",
        schema: schema(&[
            ("session_id", Utf8, false, "session"),
            ("user_id", Utf8, false, "person measured"),
            ("started_at", time_type(), false, "time of the first sample"),
            ("completed_at", time_type(), false, "time just after the last sample"),
            ("revision", Int32, false, "how often late packets amended it"),
            ("cartridge_category", Int32, true, "category of the cartridge"),
            ("cartridge_type", Int32, true, "type within the category"),
            ("lot", Utf8, true, "lot of the cartridge"),
            ("calibration_id", Utf8, true, "calibration used"),
            ("calibration_status", Utf8, false, "VALID, EXPIRING, EXPIRED or NEEDED when the session began"),
            ("alpha", Float64, false, "share of the reference that was taken off"),
            ("alpha_applied", Boolean, false, "whether there was a reference"),
            ("channels", Int32, false, "channels"),
            ("n_expected", Int32, false, "samples per channel without loss"),
            ("n_real", Int32, false, "samples per channel that arrived"),
            ("n_imputed", Int32, false, "samples per channel interpolated"),
            ("outliers", Int32, false, "outliers replaced, all channels, detector and reference"),
            ("value", Float64, true, "mean plateau of the channels, corrected"),
            ("uncertainty", Float64, true, "expanded uncertainty of the value (k = 2)"),
            ("unit", Utf8, false, "unit of the value"),
            ("snr_db", Float64, true, "plateau over noise, dB"),
            ("drift", Float64, true, "drift over the session relative to the plateau"),
            ("alpha_seen", Float64, true, "coupling of detector and reference before exposure"),
            ("confidence", Float64, false, "0 to 1, own definition"),
            ("confidence_version", Int32, false, "version of that definition"),
            ("warnings", text_list(), false, "codes of what the operator should know"),
            ("raw_to_filtered", Utf8, false, "SHA-256 after outliers were replaced"),
            ("filtered_to_corrected", Utf8, false, "SHA-256 after correction, over the one before"),
            ("corrected_to_result", Utf8, false, "SHA-256 of the result, over the one before"),
            ("partition", Int32, false, "partition of its packets"),
            ("first_offset", Int64, false, "lowest offset of its packets"),
            ("last_offset", Int64, false, "highest offset of its packets"),
            ("device_id", Utf8, true, "device, as its maker names it"),
            ("temperature_c", Float64, true, "mean temperature, °C"),
            ("humidity_percent", Float64, true, "mean relative humidity, %"),
            ("pressure_kpa", Float64, true, "mean air pressure, kPa"),
            ("fingerprint_dimension", Int32, true, "values of its fingerprint"),
            ("fingerprint_hash", Utf8, true, "sha256 of its fingerprint"),
        ]),
        time: "started_at",
    }
}

impl Row for Measurement {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.started_at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.session.to_string()),
                texts(rows, |row| row.user.to_string()),
                times(rows, |row| Some(row.started_at)),
                times(rows, |row| Some(row.completed_at)),
                column!(Int32Array, rows, |row: &Self| Some(row.revision as i32)),
                column!(Int32Array, rows, |row: &Self| row
                    .cartridge
                    .map(|cartridge| i32::from(cartridge.category))),
                column!(Int32Array, rows, |row: &Self| row
                    .cartridge
                    .map(|cartridge| i32::from(cartridge.kind))),
                optional_texts(rows, |row| row.lot.as_deref()),
                optional_texts(rows, |row| row.calibration.as_deref()),
                texts(rows, |row| row.calibration_status.name()),
                numbers(rows, |row| Some(row.alpha)),
                column!(BooleanArray, rows, |row: &Self| Some(row.alpha_applied)),
                column!(Int32Array, rows, |row: &Self| Some(row.channels as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.n_expected as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.n_real as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.n_imputed as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.outliers as i32)),
                numbers(rows, |row| row.value),
                numbers(rows, |row| row.uncertainty),
                texts(rows, |row| &row.unit),
                numbers(rows, |row| row.snr_db),
                numbers(rows, |row| row.drift),
                numbers(rows, |row| row.alpha_seen),
                numbers(rows, |row| Some(row.confidence)),
                column!(Int32Array, rows, |row: &Self| Some(row.confidence_version as i32)),
                text_lists(rows, |row| &row.warnings),
                texts(rows, |row| &row.transform_log[0]),
                texts(rows, |row| &row.transform_log[1]),
                texts(rows, |row| &row.transform_log[2]),
                column!(Int32Array, rows, |row: &Self| Some(row.packets.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.first as i64)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.last as i64)),
                optional_texts(rows, |row| row.device.as_deref()),
                numbers(rows, |row| row.temperature_c),
                numbers(rows, |row| row.humidity_percent),
                numbers(rows, |row| row.pressure_kpa),
                column!(Int32Array, rows, |row: &Self| row
                    .fingerprint
                    .as_ref()
                    .map(|(dimension, _)| *dimension as i32)),
                optional_texts(rows, |row| row.fingerprint.as_ref().map(|(_, hash)| hash.as_str())),
            ],
        )
    }
}
