//! `glucose_episodes`: when the glucose of a continuous monitor was low for at least 15 minutes.

use super::{Row, Table, assemble, column, ids, numbers, schema, texts, time_type, times};
use crate::{GlucoseEpisode, Micros, view::RowId};
use arrow::{
    array::{BooleanArray, RecordBatch},
    datatypes::DataType::{Boolean, Float64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "glucose_episodes",
        about: "at least 15 minutes of low glucose, until 15 minutes at 70 mg/dL or above; not a diagnosis",
        schema: schema(&[
            ("user_id", Utf8, false, "of whom"),
            ("depth", Utf8, false, "below_70 or below_54 mg/dL; the second lies within one of the first"),
            ("began_at", time_type(), false, "first low reading"),
            (
                "ended_at",
                time_type(),
                true,
                "first reading of those that ended it; none while it lasts, or nothing was read since",
            ),
            ("lowest", Float64, true, "its lowest reading once it is over, mg/dL"),
            (
                "is_cut_off",
                Boolean,
                true,
                "whether readings stopped for 45 minutes, and it is not known how it ended",
            ),
        ]),
        time: "began_at",
    }
}

impl Row for GlucoseEpisode {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.began
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.user.to_string()),
                texts(rows, |row| if row.is_very_low { "below_54" } else { "below_70" }),
                times(rows, |row| Some(row.began)),
                times(rows, |row| row.ended.map(|end| end.at)),
                numbers(rows, |row| row.ended.map(|end| end.lowest)),
                column!(BooleanArray, rows, |row: &Self| row.ended.map(|end| end.is_cut_off)),
            ],
        )
    }
}
