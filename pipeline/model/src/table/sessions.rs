//! `sessions`: one row per session, open or ended.

use super::{Row, Table, assemble, column, ids, schema, texts, time_type, times};
use crate::{Micros, Session, SessionStream, view::RowId};
use arrow::{
    array::{Int32Array, Int64Array, RecordBatch, StringArray},
    datatypes::DataType::{Int32, Int64, Utf8},
};
use std::sync::Arc;

/// The table.
pub fn table() -> Table {
    Table {
        name: "sessions",
        about: "measurement sessions: who, with which device, from when to when, and how far their packets came",
        schema: schema(&[
            ("session_id", Utf8, false, "session"),
            ("user_id", Utf8, true, "person measured"),
            ("device_id", Utf8, true, "device, as its maker names it"),
            ("started_at", time_type(), true, "when it began: as its event says, else its first sample"),
            ("ended_at", time_type(), true, "when it ended, likewise; null while it is open"),
            ("status", Utf8, true, "how it ended: as its event says, else completed or timeout"),
            (
                "packets",
                Int64,
                true,
                "packets of samples used, each once; null if none came, as what follows",
            ),
            ("last_sequence_no", Int64, true, "packet number after which the device goes on when it resumes"),
            (
                "progress_percent",
                Int32,
                true,
                "share of the cartridge's measuring time that passed, if known",
            ),
            ("resumed", Int32, true, "how often it went on after an end"),
            ("streamed_from", time_type(), true, "time of the first sample"),
            ("streamed_until", time_type(), true, "time just after the newest sample of the last step told"),
            ("partition", Int32, true, "partition of its packets"),
            ("first_offset", Int64, true, "lowest offset of its packets"),
            ("last_offset", Int64, true, "highest offset of its packets"),
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
        let stream = |get: fn(&SessionStream) -> i64| {
            column!(Int64Array, rows, |row: &Self| row.stream.as_ref().map(get))
        };
        let small = |get: fn(&SessionStream) -> Option<i32>| {
            column!(Int32Array, rows, |row: &Self| row.stream.as_ref().and_then(get))
        };
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
                stream(|stream| stream.packets as i64),
                stream(|stream| stream.last_sequence),
                small(|stream| stream.progress_percent.map(i32::from)),
                small(|stream| Some(stream.resumed as i32)),
                times(rows, |row| row.stream.as_ref().and_then(|stream| stream.from)),
                times(rows, |row| row.stream.as_ref().map(|stream| stream.until)),
                small(|stream| Some(stream.span.partition as i32)),
                stream(|stream| stream.span.first as i64),
                stream(|stream| stream.span.last as i64),
            ],
        )
    }
}
