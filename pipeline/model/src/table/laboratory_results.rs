//! `laboratory_results`: results of laboratories as they stand.

use super::{Row, Table, assemble, column, ids, numbers, optional_texts, schema, texts, time_type, times};
use crate::{LaboratoryResult, Micros, laboratory::analyte_of, view::RowId};
use arrow::{
    array::{Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Float64, Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "laboratory_results",
        about: "results of laboratories as they stand; what is said of one after 30 horizons of silence is of a new one",
        schema: schema(&[
            ("result_id", Utf8, false, "the result"),
            ("event_id", Utf8, false, "event that said it last"),
            ("user_id", Utf8, false, "of whom"),
            ("released_at", time_type(), false, "when anything was first said of it"),
            ("said_at", time_type(), false, "when it was said as it stands: later, if it was corrected"),
            ("code", Utf8, false, "LOINC code"),
            ("biomarker", Utf8, true, "what rules know it as; none if no rule asks for it"),
            ("value", Float64, false, "value"),
            ("unit", Utf8, false, "UCUM unit"),
            ("revision", Int32, false, "how many words on it came before"),
            ("partition", Int32, false, "partition of the event"),
            ("event_offset", Int64, false, "offset of the event"),
        ]),
        time: "released_at",
    }
}

impl Row for LaboratoryResult {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.released
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.result.to_string()),
                texts(rows, |row| row.event.to_string()),
                texts(rows, |row| row.user.to_string()),
                times(rows, |row| Some(row.released)),
                times(rows, |row| Some(row.at)),
                texts(rows, |row| row.value.code.as_str()),
                optional_texts(rows, |row| analyte_of(&row.value.code).map(|analyte| analyte.name)),
                numbers(rows, |row| Some(row.value.value)),
                texts(rows, |row| row.value.unit.as_str()),
                column!(Int32Array, rows, |row: &Self| Some(row.revision as i32)),
                column!(Int32Array, rows, |row: &Self| Some(row.origin.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.origin.offset as i64)),
            ],
        )
    }
}
