//! `beats`: every beat of an electrocardiogram.

use super::{Row, Table, assemble, column, ids, schema, texts, time_type, times};
use crate::{Beat, Micros, view::RowId};
use arrow::{
    array::{BooleanArray, RecordBatch},
    datatypes::DataType::{Boolean, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "beats",
        about: "every beat of an electrocardiogram",
        schema: schema(&[
            ("session_id", Utf8, false, "session"),
            ("user_id", Utf8, false, "person measured"),
            ("beat_at", time_type(), false, "instant of the R wave"),
            ("overdue", Boolean, false, "found only when searched for again"),
        ]),
        time: "beat_at",
    }
}

impl Row for Beat {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.session.to_string()),
                texts(rows, |row| row.user.to_string()),
                times(rows, |row| Some(row.at)),
                column!(BooleanArray, rows, |row: &Self| Some(row.overdue)),
            ],
        )
    }
}
