//! `glucose_readings`: one row per reading of a continuous glucose monitor.

use super::{Row, Table, assemble, column, ids, numbers, optional_texts, schema, texts, time_type, times};
use crate::{Comparator, GlucoseReading, Micros, view::RowId};
use arrow::{
    array::{Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Float64, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "glucose_readings",
        about: "readings of continuous glucose monitors",
        schema: schema(&[
            ("event_id", Utf8, false, "event that brought the reading"),
            ("user_id", Utf8, false, "of whom"),
            ("observed_at", time_type(), false, "when it was taken"),
            (
                "glucose",
                Float64,
                false,
                "interstitial glucose, mg/dL; the end of the sensor's range if outside",
            ),
            ("comparator", Utf8, true, "< or > if the glucose was outside the range of the sensor"),
            ("partition", Int32, false, "partition of the event"),
            ("event_offset", Int64, false, "offset of the event"),
        ]),
        time: "observed_at",
    }
}

impl Row for GlucoseReading {
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
                texts(rows, |row| row.event.to_string()),
                texts(rows, |row| row.user.to_string()),
                times(rows, |row| Some(row.at)),
                numbers(rows, |row| Some(row.glucose)),
                optional_texts(rows, |row| row.comparator.map(Comparator::sign)),
                column!(Int32Array, rows, |row: &Self| Some(row.origin.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.origin.offset as i64)),
            ],
        )
    }
}
