//! `breathings`: respiratory rate of every 60 s window of breathing, newest revision.

use super::{Row, Table, assemble, column, ids, numbers, schema, texts, time_type, times};
use crate::{Breathing, Micros, view::RowId};
use arrow::{
    array::{BooleanArray, Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Boolean, Float64, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "breathings",
        about: "respiratory rate of every 60 s window of breathing, newest revision",
        schema: schema(&[
            ("session_id", Utf8, false, "session"),
            ("user_id", Utf8, false, "person measured"),
            ("window_start", time_type(), false, "first instant of the window"),
            ("window_end", time_type(), false, "first instant after the window"),
            ("revision", Int32, false, "late packets that amended the window after it first left"),
            ("n_expected", Int32, false, "samples of a full window"),
            ("n_real", Int32, false, "samples that arrived"),
            ("n_imputed", Int32, false, "samples interpolated"),
            ("rate_per_min", Float64, true, "respiratory rate, 1/min; null below 80 % real samples"),
            ("breaths_per_min", Float64, true, "the rate from breaths, 1/min"),
            ("spectrum_per_min", Float64, true, "the rate from the spectrum, 1/min"),
            ("breaths", Int32, false, "breaths found"),
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

impl Row for Breathing {
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
                numbers(rows, |row| row.rate_per_min),
                numbers(rows, |row| row.breaths_per_min),
                numbers(rows, |row| row.spectrum_per_min),
                column!(Int32Array, rows, |row: &Self| Some(row.breaths as i32)),
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
