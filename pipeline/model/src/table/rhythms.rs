//! `rhythms`: heart rate variability of every five minutes of electrocardiogram, newest revision.

use super::{Row, Table, assemble, column, ids, numbers, schema, texts, time_type, times};
use crate::{Micros, Rhythm, view::RowId};
use arrow::{
    array::{Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Float64, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "rhythms",
        about: "heart rate variability of every five minutes of electrocardiogram, newest revision",
        schema: schema(&[
            ("session_id", Utf8, false, "session"),
            ("user_id", Utf8, false, "person measured"),
            ("window_start", time_type(), false, "first instant of the window"),
            ("window_end", time_type(), false, "first instant after the window"),
            ("revision", Int32, false, "late packets that amended the window after it first left"),
            ("n_expected", Int32, false, "samples of a full window"),
            ("n_real", Int32, false, "samples that arrived"),
            ("beats", Int32, false, "beats found"),
            ("intervals", Int32, false, "intervals between normal beats"),
            ("hr_bpm", Float64, true, "mean heart rate, 1/min; null below 95 % real samples"),
            ("sdnn_ms", Float64, true, "standard deviation of the intervals, ms"),
            ("rmssd_ms", Float64, true, "root mean square of successive differences, ms"),
            ("pnn50_percent", Float64, true, "successive differences above 50 ms, percent"),
            ("low_ms2", Float64, true, "power from 0.04 to 0.15 Hz, ms²"),
            ("high_ms2", Float64, true, "power from 0.15 to 0.4 Hz, ms²"),
            ("partition", Int32, false, "partition of its packets"),
            ("first_offset", Int64, false, "lowest offset of its packets"),
            ("last_offset", Int64, false, "highest offset of its packets"),
        ]),
        time: "window_start",
    }
}

impl Row for Rhythm {
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
                column!(Int32Array, rows, |row: &Self| Some(row.beats as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.intervals as i32)),
                numbers(rows, |row| row.hr_bpm),
                numbers(rows, |row| row.sdnn_ms),
                numbers(rows, |row| row.rmssd_ms),
                numbers(rows, |row| row.pnn50_percent),
                numbers(rows, |row| row.low_ms2),
                numbers(rows, |row| row.high_ms2),
                column!(Int32Array, rows, |row: &Self| Some(row.packets.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.first as i64)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.last as i64)),
            ],
        )
    }
}
