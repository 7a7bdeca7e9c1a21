//! `glucose_windows`: what 24 hours and 14 days of continuous glucose sum up to.

use super::{Row, Table, assemble, column, ids, numbers, schema, texts, time_type, times};
use crate::{GlucoseSummary, GlucoseWindow, Micros, Number, view::RowId};
use arrow::{
    array::{BooleanArray, Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Boolean, Float64, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "glucose_windows",
        about: "what 24 hours and 14 days of continuous glucose sum up to; not a diagnosis",
        schema: schema(&[
            ("user_id", Utf8, false, "of whom"),
            ("length", Utf8, false, "24h, one for every hour, or 14d, one for every day of UTC"),
            ("window_start", time_type(), false, "first moment"),
            ("window_end", time_type(), false, "first moment after it"),
            ("readings", Int32, false, "slots of five minutes with a reading: of several the last counts"),
            ("slots", Int32, false, "slots there are"),
            ("is_sufficient", Boolean, false, "whether at least 70 % of the slots have a reading"),
            ("mean", Float64, true, "mean, mg/dL; this and what follows only if sufficient"),
            ("deviation", Float64, true, "standard deviation of a sample, mg/dL"),
            ("variation", Float64, true, "coefficient of variation, %"),
            ("gmi", Float64, true, "glucose management indicator, % of glycated haemoglobin"),
            ("below_54", Float64, true, "share below 54 mg/dL, %"),
            ("below_70", Float64, true, "share below 70 mg/dL, those below 54 included, %"),
            ("in_range", Float64, true, "share from 70 to 180 mg/dL, %"),
            ("above_180", Float64, true, "share above 180 mg/dL, those above 250 included, %"),
            ("above_250", Float64, true, "share above 250 mg/dL, %"),
            ("gri", Float64, true, "glycaemia risk index, 0 to 100"),
            ("lbgi", Float64, true, "low blood glucose index"),
            ("hbgi", Float64, true, "high blood glucose index"),
            ("partition", Int32, false, "partition of the events"),
            ("first_offset", Int64, false, "offset of the first event"),
            ("last_offset", Int64, false, "offset of the last event"),
        ]),
        time: "window_end",
    }
}

impl Row for GlucoseWindow {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.end
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        let of = |get: fn(&GlucoseSummary) -> Number| numbers(rows, |row| row.summary.as_ref().map(get));
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.user.to_string()),
                texts(rows, |row| row.wear.name()),
                times(rows, |row| Some(row.end - row.wear.length())),
                times(rows, |row| Some(row.end)),
                column!(Int32Array, rows, |row: &Self| Some(row.readings as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.slots as i32)),
                column!(BooleanArray, rows, |row: &Self| Some(row.summary.is_some())),
                of(|summary| summary.mean),
                of(|summary| summary.deviation),
                of(|summary| summary.variation),
                of(|summary| summary.gmi),
                of(|summary| summary.below_54),
                of(|summary| summary.below_70),
                of(|summary| summary.in_range),
                of(|summary| summary.above_180),
                of(|summary| summary.above_250),
                of(|summary| summary.gri),
                of(|summary| summary.lbgi),
                of(|summary| summary.hbgi),
                column!(Int32Array, rows, |row: &Self| Some(row.span.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.span.first as i64)),
                column!(Int64Array, rows, |row: &Self| Some(row.span.last as i64)),
            ],
        )
    }
}
