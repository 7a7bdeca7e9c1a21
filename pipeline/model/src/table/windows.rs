//! `windows`: one row per 30 s window of optical pulse, in its newest revision.

use super::{Row, Table, assemble, column, ids, numbers, schema, texts, time_type, times};
use crate::{Micros, PulseWindow, view::RowId};
use arrow::{
    array::{BooleanArray, Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Boolean, Float64, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "windows",
        about: "heart rate and signal quality of every 30 s window of optical pulse, newest revision",
        schema: schema(&[
            ("session_id", Utf8, false, "session"),
            ("user_id", Utf8, false, "person measured"),
            ("window_start", time_type(), false, "first instant of the window"),
            ("window_end", time_type(), false, "first instant after the window"),
            ("revision", Int32, false, "late packets that amended the window after it first left"),
            ("n_expected", Int32, false, "samples of a full window"),
            ("n_real", Int32, false, "samples that arrived"),
            ("n_imputed", Int32, false, "samples interpolated"),
            ("hr_bpm", Float64, true, "heart rate, 1/min; null below 80 % real samples"),
            ("beats_bpm", Float64, true, "heart rate from beat intervals, 1/min"),
            ("spectrum_bpm", Float64, true, "heart rate from the spectrum, 1/min"),
            ("beats", Int32, false, "beats found"),
            ("regularity", Float64, true, "share of beat intervals within 30 % of their median"),
            ("snr_db", Float64, true, "harmonic signal-to-noise ratio, dB"),
            ("skewness", Float64, true, "skewness of the filtered samples"),
            ("quality", Float64, true, "0 to 1, own definition"),
            ("quality_version", Int32, false, "version of that definition"),
            ("good", Boolean, false, "passed the quality gate"),
            ("partition", Int32, false, "partition of its packets"),
            ("first_offset", Int64, false, "lowest offset of its packets"),
            ("last_offset", Int64, false, "highest offset of its packets"),
        ]),
        time: "window_start",
    }
}

impl Row for PulseWindow {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.start
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.session.to_string()),
                texts(rows, |row| row.user.to_string()),
                times(rows, |row| Some(row.start)),
                times(rows, |row| Some(row.end)),
                column!(Int32Array, rows, |row: &Self| Some(row.revision as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.n_expected as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.n_real as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.n_imputed as i32)),
                numbers(rows, |row| row.hr_bpm),
                numbers(rows, |row| row.beats_bpm),
                numbers(rows, |row| row.spectrum_bpm),
                column!(Int32Array, rows, |row: &Self| Some(row.beats as i32)),
                numbers(rows, |row| row.regularity),
                numbers(rows, |row| row.snr_db),
                numbers(rows, |row| row.skewness),
                numbers(rows, |row| row.quality),
                column!(Int32Array, rows, |row: &Self| Some(row.quality_version as i32)),
                column!(BooleanArray, rows, |row: &Self| Some(row.good)),
                column!(Int32Array, rows, |row: &Self| Some(row.packets.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.first as i64)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.last as i64)),
            ],
        )
    }
}
