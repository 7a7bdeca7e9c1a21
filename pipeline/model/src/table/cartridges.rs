//! `cartridges`: one row per cartridge, with what is left of it.

use super::{Row, Table, assemble, column, ids, optional_texts, schema, texts, time_type, times};
use crate::{CartridgeSupply, Micros, view::RowId};
use arrow::{
    array::{Int32Array, Int64Array, RecordBatch},
    datatypes::DataType::{Int32, Int64, Utf8},
};

/// The table.
pub fn table() -> Table {
    Table {
        name: "cartridges",
        about: "cartridges as events tell of them: kind, lot, expiry and uses left",
        schema: schema(&[
            ("cartridge_uid", Utf8, false, "identity of the cartridge's chip, hexadecimal"),
            ("cartridge_category", Int32, true, "category; null until its tag was read"),
            ("cartridge_type", Int32, true, "type within the category; null until its tag was read"),
            ("lot", Utf8, true, "lot; null until its tag was read"),
            (
                "expires_at",
                time_type(),
                true,
                "from when on it must not be used; null until its tag was read",
            ),
            ("remaining_uses", Int32, false, "uses left, as events say"),
            ("state", Utf8, false, "OK, EXPIRED, or DEPLETED: no use is left"),
            ("heard_at", time_type(), false, "when it was last heard of"),
            ("event_id", Utf8, false, "event that was heard"),
            ("partition", Int32, false, "partition of that event"),
            ("event_offset", Int64, false, "offset of that event"),
        ]),
        time: "heard_at",
    }
}

impl Row for CartridgeSupply {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.heard_at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.uid.to_string()),
                column!(Int32Array, rows, |row: &Self| row.kind.map(|kind| i32::from(kind.category))),
                column!(Int32Array, rows, |row: &Self| row.kind.map(|kind| i32::from(kind.kind))),
                optional_texts(rows, |row| row.lot.as_deref()),
                times(rows, |row| row.expires_at),
                column!(Int32Array, rows, |row: &Self| Some(i32::from(row.uses_left))),
                texts(rows, |row| row.state.name()),
                times(rows, |row| Some(row.heard_at)),
                texts(rows, |row| row.event.to_string()),
                column!(Int32Array, rows, |row: &Self| Some(row.origin.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.origin.offset as i64)),
            ],
        )
    }
}
