//! `fingerprints`: fingerprint of every completed session of a cartridge, newest revision.

use super::{Row, Table, assemble, bytes, column, ids, optional_texts, schema, texts, time_type, times};
use crate::{CartridgeKind, Fingerprint, Micros, Vector, view::RowId};
use arrow::{
    array::{
        Array, ArrayRef, AsArray, FixedSizeListBuilder, Float32Builder, Int32Array, RecordBatch, StringArray,
    },
    datatypes::{
        DataType::{self, Binary, FixedSizeList, Float32, Int32, Utf8},
        Field, Float32Type, Int32Type, TimestampMicrosecondType,
    },
};
use std::sync::Arc;

/// Lengths of vectors; each has its column, the others are null.
pub const LENGTHS: [usize; 3] = [88, 448, 896];

/// The table.
pub fn table() -> Table {
    Table {
        name: "fingerprints",
        about: "fingerprint of every completed session of a cartridge, newest revision",
        schema: schema(&[
            ("session_id", Utf8, false, "session"),
            ("user_id", Utf8, false, "person measured"),
            ("measured_at", time_type(), false, "when the session was completed"),
            ("revision", Int32, false, "revision of its measurement"),
            ("cartridge_category", Int32, false, "category of the cartridge"),
            ("cartridge_type", Int32, false, "type within the category"),
            ("layout", Utf8, false, "what stands where; never compare over layouts"),
            ("normaliser", Utf8, false, "medians and scales it was normalised with"),
            ("calibration_id", Utf8, true, "calibration used"),
            ("calibrated_until", time_type(), true, "until when that holds"),
            ("mask", Binary, false, "one bit per value, lowest first: set where it is missing"),
            ("hash", Utf8, false, "sha256 of the vector"),
            ("vector_88", list(LENGTHS[0]), true, "88 values of length one together"),
            ("vector_448", list(LENGTHS[1]), true, "448 values of length one together"),
            ("vector_896", list(LENGTHS[2]), true, "896 values of length one together"),
        ]),
        time: "measured_at",
    }
}

impl Row for Fingerprint {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.measured_at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.session.to_string()),
                texts(rows, |row| row.user.to_string()),
                times(rows, |row| Some(row.measured_at)),
                column!(Int32Array, rows, |row: &Self| Some(row.revision as i32)),
                column!(Int32Array, rows, |row: &Self| Some(i32::from(row.cartridge.category))),
                column!(Int32Array, rows, |row: &Self| Some(i32::from(row.cartridge.kind))),
                texts(rows, |row| &row.layout),
                texts(rows, |row| &row.normaliser),
                optional_texts(rows, |row| row.calibration.as_deref()),
                times(rows, |row| row.calibrated_until),
                bytes(rows, |row| Some(&row.mask)),
                texts(rows, |row| &row.hash),
                vectors(rows, LENGTHS[0]),
                vectors(rows, LENGTHS[1]),
                vectors(rows, LENGTHS[2]),
            ],
        )
    }
}

fn list(length: usize) -> DataType {
    FixedSizeList(Arc::new(Field::new("item", Float32, true)), length as i32)
}

fn vectors(rows: &[(RowId, &Fingerprint)], length: usize) -> ArrayRef {
    let mut lists = FixedSizeListBuilder::new(Float32Builder::new(), length as i32);
    for (_, row) in rows {
        let values = row.vector.values();
        if values.len() == length {
            lists.values().append_slice(values);
        } else {
            lists.values().append_nulls(length);
        }
        lists.append(values.len() == length);
    }
    Arc::new(lists.finish())
}

/// The rows of a batch of this table; one whose text is not what was written is left out.
pub fn read(batch: &RecordBatch) -> Vec<Fingerprint> {
    (0..batch.num_rows()).filter_map(|row| read_row(batch, row)).collect()
}

fn read_row(batch: &RecordBatch, row: usize) -> Option<Fingerprint> {
    let text = |name: &str| {
        let column: &StringArray = batch.column_by_name(name)?.as_string_opt()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let integer = |name: &str| Some(batch.column_by_name(name)?.as_primitive_opt::<Int32Type>()?.value(row));
    let time = |name: &str| {
        let column = batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let vector = ["vector_88", "vector_448", "vector_896"].into_iter().find_map(|name| {
        let column = batch.column_by_name(name)?.as_fixed_size_list_opt()?;
        column.is_valid(row).then(|| column.value(row).as_primitive::<Float32Type>().values().to_vec())
    });
    Some(Fingerprint {
        session: text("session_id")?.parse().ok()?,
        measured_at: time("measured_at")?,
        revision: integer("revision")? as u32,
        user: text("user_id")?.parse().ok()?,
        cartridge: CartridgeKind {
            category: u8::try_from(integer("cartridge_category")?).ok()?,
            kind: u8::try_from(integer("cartridge_type")?).ok()?,
        },
        layout: text("layout")?.to_owned(),
        normaliser: text("normaliser")?.to_owned(),
        calibration: text("calibration_id").map(str::to_owned),
        calibrated_until: time("calibrated_until"),
        mask: batch.column_by_name("mask")?.as_binary_opt::<i32>()?.value(row).to_vec(),
        vector: Vector::finite(vector?)?,
        hash: text("hash")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SessionId, UserId};

    #[test]
    fn what_is_written_is_read_back() {
        let row = |n: u8, length: usize| Fingerprint {
            session: SessionId::derive(&[&n.to_string()]),
            measured_at: i64::from(n),
            revision: 2,
            user: UserId::derive(&["u"]),
            cartridge: CartridgeKind { category: 255, kind: n },
            layout: "v1".into(),
            normaliser: "n".into(),
            calibration: (n == 1).then(|| "c".into()),
            calibrated_until: (n == 2).then_some(7),
            mask: vec![n; 11],
            vector: Vector::finite((0..length).map(|i| i as f32 + f32::from(n)).collect()).unwrap(),
            hash: "sha256:0".into(),
        };
        let rows = [row(1, 88), row(2, 448), row(3, 896)];
        let batch = Fingerprint::batch(&rows.iter().map(|row| ([0; 16], row)).collect::<Vec<_>>());
        assert_eq!(read(&batch), rows);
    }
}
