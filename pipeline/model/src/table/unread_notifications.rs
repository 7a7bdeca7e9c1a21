//! `unread_notifications`: how many notifications each person has not read.

use super::{Row, Table, assemble, column, ids, schema, texts, time_type, times};
use crate::{Micros, Unread, view::RowId};
use arrow::{
    array::{Int64Array, RecordBatch},
    datatypes::DataType::{Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "unread_notifications",
        about: "how many notifications of the last 30 days each person has not read; none, no row",
        schema: schema(&[
            ("user_id", Utf8, false, "person"),
            ("unread", Int64, false, "how many, at least one"),
            ("oldest_at", time_type(), false, "when the oldest of them went"),
            ("newest_at", time_type(), false, "when the newest did"),
        ]),
        time: "newest_at",
    }
}

impl Row for Unread {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.newest
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.user.to_string()),
                column!(Int64Array, rows, |row: &Self| Some(row.count as i64)),
                times(rows, |row| Some(row.oldest)),
                times(rows, |row| Some(row.newest)),
            ],
        )
    }
}
