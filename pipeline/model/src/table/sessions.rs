//! `sessions`: one row per session, open or ended.

use super::{Row, Table, assemble, ids, schema, texts, time_type, times};
use crate::{Micros, Session, view::RowId};
use arrow::{
    array::{RecordBatch, StringArray},
    datatypes::DataType::Utf8,
};
use std::sync::Arc;

/// The table.
pub fn table() -> Table {
    Table {
        name: "sessions",
        about: "measurement sessions: who, with which device, from when to when",
        schema: schema(&[
            ("session_id", Utf8, false, "session"),
            ("user_id", Utf8, true, "person measured; null until the start event was seen"),
            ("device_id", Utf8, true, "device, as its maker names it"),
            ("started_at", time_type(), true, "when it began"),
            ("ended_at", time_type(), true, "when it ended; null while it is open"),
            ("status", Utf8, true, "how it ended; null while it is open"),
        ]),
        time: "started_at",
    }
}

impl Row for Session {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.started_at.or(self.ended_at).unwrap_or_default()
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        let optional = |get: fn(&Self) -> Option<String>| {
            Arc::new(rows.iter().map(|(_, row)| get(row)).collect::<StringArray>()) as _
        };
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.session.to_string()),
                optional(|row| row.user.map(|user| user.to_string())),
                optional(|row| row.device.clone()),
                times(rows, |row| row.started_at),
                times(rows, |row| row.ended_at),
                optional(|row| row.status.clone()),
            ],
        )
    }
}
