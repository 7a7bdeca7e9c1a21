//! `dead_letters`: one row per record that could not be used, whole, with its reason.

use super::{Row, Table, assemble, bytes, column, ids, schema, texts, time_type, times};
use crate::{Fault, Micros, view::RowId};
use arrow::{
    array::{Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Binary, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "dead_letters",
        about: "records that could not be used, whole, with reason and place",
        schema: schema(&[
            ("topic", Utf8, false, "topic it came from"),
            ("partition", Int32, false, "partition it came from"),
            ("record_offset", Int64, false, "offset it came from"),
            ("recorded_at", time_type(), false, "when it was written to the log"),
            ("reason", Utf8, false, "why it could not be used"),
            ("detail", Utf8, false, "what was wrong and what to do, without any of the data"),
            ("key", Binary, true, "original key"),
            ("value", Binary, false, "original value"),
        ]),
        time: "recorded_at",
    }
}

impl Row for Fault {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.raw.recorded_at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.origin.input.topic()),
                column!(Int32Array, rows, |row: &Self| Some(row.origin.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.origin.offset as i64)),
                times(rows, |row| Some(row.raw.recorded_at)),
                texts(rows, |row| row.reason.code()),
                texts(rows, |row| row.detail.as_str()),
                bytes(rows, |row| row.raw.key.as_deref()),
                bytes(rows, |row| Some(&row.raw.value)),
            ],
        )
    }
}
