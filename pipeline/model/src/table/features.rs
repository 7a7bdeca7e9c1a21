//! `features`: what every window of a cartridge's session looks like, channel by channel, newest revision.

use super::{Row, Table, assemble, column, ids, numbers, optional_texts, schema, texts, time_type, times};
use crate::{FeatureWindow, Micros, feature::FEATURES, view::RowId};
use arrow::{
    array::{ArrayRef, Float32Builder, Int32Array, ListBuilder, RecordBatch},
    datatypes::{
        DataType::{self, Float32, Float64, Int32, List, Utf8},
        Field,
    },
};
use std::sync::Arc;

/// The table.
pub fn table() -> Table {
    let mut columns = vec![
        ("session_id", Utf8, false, "session"),
        ("user_id", Utf8, false, "person measured"),
        ("window_start", time_type(), false, "first instant of the window"),
        ("window_end", time_type(), false, "first instant after the window"),
        ("revision", Int32, false, "revision of the measurement it belongs to; 0 before the session ended"),
        ("device_id", Utf8, true, "device, as its maker names it"),
        ("cartridge_category", Int32, true, "category of the cartridge"),
        ("cartridge_type", Int32, true, "type within the category"),
        ("channels", Int32, false, "channels: the length of every list, in their order"),
        ("n_expected", Int32, false, "samples per channel of a full window"),
        ("n_real", Int32, false, "samples per channel that arrived"),
        ("n_imputed", Int32, false, "samples per channel interpolated"),
        ("snr_db", Float64, true, "level less that before exposure over noise, middle of the channels, dB"),
        ("drift", Float64, true, "change over the window relative to that level, middle of the channels"),
        ("quality", Float64, true, "0 to 1, own definition; null below 80 % real samples"),
        ("quality_version", Int32, false, "version of that definition"),
        ("confidence", Float64, false, "0 to 1, own definition"),
        ("confidence_version", Int32, false, "version of that definition"),
    ];
    columns.extend(FEATURES.map(|(name, about)| (name, list(), true, about)));
    Table {
        name: "features",
        about: "what every window of a cartridge's session looks like, channel by channel, newest revision",
        schema: schema(&columns),
        time: "window_start",
    }
}

impl Row for FeatureWindow {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.start
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        let mut columns = vec![
            ids(rows),
            texts(rows, |row| row.session.to_string()),
            texts(rows, |row| row.user.to_string()),
            times(rows, |row| Some(row.start)),
            times(rows, |row| Some(row.end)),
            column!(Int32Array, rows, |row: &Self| Some(row.revision as i32)),
            optional_texts(rows, |row| row.device.as_deref()),
            column!(Int32Array, rows, |row: &Self| row.cartridge.map(|kind| i32::from(kind.category))),
            column!(Int32Array, rows, |row: &Self| row.cartridge.map(|kind| i32::from(kind.kind))),
            column!(Int32Array, rows, |row: &Self| Some(row.channels as i32)),
            column!(Int32Array, rows, |row: &Self| Some(row.n_expected as i32)),
            column!(Int32Array, rows, |row: &Self| Some(row.n_real as i32)),
            column!(Int32Array, rows, |row: &Self| Some(row.n_imputed as i32)),
            numbers(rows, |row| row.snr_db),
            numbers(rows, |row| row.drift),
            numbers(rows, |row| row.quality),
            column!(Int32Array, rows, |row: &Self| Some(row.quality_version as i32)),
            numbers(rows, |row| Some(row.confidence)),
            column!(Int32Array, rows, |row: &Self| Some(row.confidence_version as i32)),
        ];
        columns.extend((0..FEATURES.len()).map(|place| lists(rows, place)));
        assemble(&table(), columns)
    }
}

fn list() -> DataType {
    List(Arc::new(Field::new("item", Float32, true)))
}

/// One feature of every row, by channel.
fn lists(rows: &[(RowId, &FeatureWindow)], place: usize) -> ArrayRef {
    let mut lists = ListBuilder::new(Float32Builder::new());
    for (_, row) in rows {
        let feature = row.feature(place);
        lists.values().append_slice(feature.unwrap_or_default());
        lists.append(feature.is_some());
    }
    Arc::new(lists.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Number, SessionId, UserId, Vector};
    use arrow::{
        array::{Array, AsArray},
        datatypes::Float32Type,
    };

    #[test]
    fn every_feature_has_its_own_list_of_channels() {
        let values = (0..FEATURES.len() * 2).map(|value| value as f32).collect();
        let full = FeatureWindow {
            session: SessionId::derive(&["s"]),
            start: 1,
            end: 2,
            revision: 3,
            user: UserId::derive(&["u"]),
            device: None,
            cartridge: None,
            channels: 2,
            n_expected: 500,
            n_real: 499,
            n_imputed: 1,
            snr_db: None,
            drift: None,
            quality: None,
            quality_version: 1,
            confidence: Number::default(),
            confidence_version: 1,
            values: Vector::finite(values),
        };
        let empty = FeatureWindow { values: None, ..full.clone() };
        let batch = FeatureWindow::batch(&[([0; 16], &full), ([1; 16], &empty)]);
        for (place, (name, _)) in FEATURES.into_iter().enumerate() {
            let column = batch.column_by_name(name).unwrap().as_list::<i32>();
            assert!(column.is_null(1), "{name}");
            let found = column.value(0).as_primitive::<Float32Type>().values().to_vec();
            assert_eq!(found, [place as f32 * 2.0, place as f32 * 2.0 + 1.0], "{name}");
        }
    }
}
