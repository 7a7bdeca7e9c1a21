//! `notifications`: what people were notified of, and what of it they read.

use super::{Row, Table, assemble, ids, optional_texts, schema, texts, time_type, times};
use crate::{Micros, NotificationListed, view::RowId};
use arrow::{array::RecordBatch, datatypes::DataType::Utf8};

/// The table.
pub fn table() -> Table {
    Table {
        name: "notifications",
        about: "what people were notified of, or would have been had it not been long past; what waits for the end of quiet hours is not there yet",
        schema: schema(&[
            ("notification_id", Utf8, false, "its identity"),
            ("user_id", Utf8, false, "person"),
            ("created_at", time_type(), false, "when it was asked for"),
            (
                "sent_at",
                time_type(),
                false,
                "when it went, or would have: then, or at the end of quiet hours",
            ),
            (
                "state",
                Utf8,
                false,
                "sent; or expired: it was too old to be told when it became known, and did not go",
            ),
            ("read_at", time_type(), true, "when it was first read; null while it was not"),
            ("type", Utf8, false, "what kind it is, as who asked for it names it"),
            ("title", Utf8, false, "one line"),
            ("body", Utf8, false, "what was told"),
            ("priority", Utf8, false, "LOW, NORMAL, HIGH or CRITICAL"),
            ("channel", Utf8, false, "IN_APP, PUSH, EMAIL or SMS"),
            ("about", Utf8, true, "session or alert it is about; null where a service did not say"),
        ]),
        time: "sent_at",
    }
}

impl Row for NotificationListed {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.notification.due
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.notification.id.to_string()),
                texts(rows, |row| row.notification.user.to_string()),
                times(rows, |row| Some(row.notification.at)),
                times(rows, |row| Some(row.notification.due)),
                texts(rows, NotificationListed::state),
                times(rows, |row| row.read_at),
                texts(rows, |row| row.notification.kind.as_str()),
                texts(rows, |row| row.notification.title.as_str()),
                texts(rows, |row| row.notification.body.as_str()),
                texts(rows, |row| row.notification.priority.name()),
                texts(rows, |row| row.notification.channel.name()),
                optional_texts(rows, |row| row.notification.about.as_deref()),
            ],
        )
    }
}
