//! `goals`: how each period of each goal stands, or stood when it was over.

use super::{Row, Table, assemble, column, ids, optional_texts, schema, texts, time_type, times};
use crate::{GoalProgress, Micros, view::RowId};
use arrow::{
    array::{Date32Array, Int32Array, RecordBatch},
    datatypes::DataType::{Date32, Int32, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "goals",
        about: "how each period of each goal stands: a day, or a week from the goal's first day on",
        schema: schema(&[
            ("goal_id", Utf8, false, "goal"),
            ("user_id", Utf8, false, "person"),
            ("kind", Utf8, false, "MEASUREMENTS_PER_DAY, MEASUREMENTS_PER_WEEK or DAYS_IN_RANGE_PER_WEEK"),
            ("biomarker", Utf8, true, "what is counted; null counts everything measured"),
            ("period_start", Date32, false, "first day of the period, of the person's calendar"),
            ("period_end", Date32, false, "last day of the period"),
            ("ends_at", time_type(), false, "first moment after the period"),
            ("target", Int32, false, "how much is asked for"),
            ("done", Int32, false, "how much there is; of days in range, those that are over"),
            ("state", Utf8, false, "open, reached or missed"),
            ("since", time_type(), false, "when it came to stand so"),
            ("template_version", Utf8, false, "version of the templates"),
            ("text_ko", Utf8, false, "what is told of it in Korean"),
            ("text_en", Utf8, false, "what is told of it in English"),
        ]),
        time: "ends_at",
    }
}

impl Row for GoalProgress {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.ends_at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.goal.to_string()),
                texts(rows, |row| row.user.to_string()),
                texts(rows, |row| row.kind.name()),
                optional_texts(rows, |row| row.biomarker.as_deref()),
                column!(Date32Array, rows, |row: &Self| Some(row.from)),
                column!(Date32Array, rows, |row: &Self| Some(row.until())),
                times(rows, |row| Some(row.ends_at)),
                column!(Int32Array, rows, |row: &Self| Some(i32::from(row.target))),
                column!(Int32Array, rows, |row: &Self| Some(row.done as i32)),
                texts(rows, |row| row.state.name()),
                times(rows, |row| Some(row.since)),
                texts(rows, |row| row.version.as_str()),
                texts(rows, |row| row.text.ko.as_str()),
                texts(rows, |row| row.text.en.as_str()),
            ],
        )
    }
}
