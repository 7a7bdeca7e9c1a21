//! `vitals`: one row per observation of vital signs.

use super::{Row, Table, assemble, column, ids, numbers, optional_texts, schema, texts, time_type, times};
use crate::{Consciousness, Micros, Vitals, view::RowId};
use arrow::{
    array::{BooleanArray, Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Boolean, Float64, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "vitals",
        about: "vital signs as monitors observed them",
        schema: schema(&[
            ("event_id", Utf8, false, "event that brought the observation"),
            ("user_id", Utf8, false, "person observed"),
            ("observed_at", time_type(), false, "when"),
            ("hr", Float64, true, "heart rate from the electrocardiogram, 1/min"),
            ("pulse", Float64, true, "pulse rate from the oximeter, 1/min"),
            ("resp", Float64, true, "respiration rate, 1/min"),
            ("spo2", Float64, true, "peripheral oxygen saturation, %"),
            ("partition", Int32, false, "partition of the event"),
            ("event_offset", Int64, false, "offset of the event"),
            // Last, because files of the lake that were written before do not have them.
            ("systolic", Float64, true, "systolic blood pressure by a cuff, mm[Hg]"),
            ("diastolic", Float64, true, "diastolic blood pressure by a cuff, mm[Hg]"),
            ("temperature", Float64, true, "body temperature, Cel"),
            ("consciousness", Utf8, true, "A alert, C new confusion, V voice, P pain, U unresponsive"),
            ("oxygen", Boolean, true, "whether oxygen is given"),
        ]),
        time: "observed_at",
    }
}

impl Row for Vitals {
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
                numbers(rows, |row| row.hr),
                numbers(rows, |row| row.pulse),
                numbers(rows, |row| row.resp),
                numbers(rows, |row| row.spo2),
                column!(Int32Array, rows, |row: &Self| Some(row.origin.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.origin.offset as i64)),
                numbers(rows, |row| row.systolic),
                numbers(rows, |row| row.diastolic),
                numbers(rows, |row| row.temperature),
                optional_texts(rows, |row| row.consciousness.map(Consciousness::letter)),
                column!(BooleanArray, rows, |row: &Self| row.oxygen),
            ],
        )
    }
}
