//! One file per table: its Arrow schema, and how its rows become a batch.
//!
//! Every table begins with `_row`, the identity of the row ([`crate::view::RowId`]); SQL hides it.
//! Times are microseconds in UTC. Every table has one time column, by whose date the lake is
//! partitioned.

use crate::{Micros, view::RowId};
use arrow::{
    array::{
        ArrayRef, BinaryBuilder, FixedSizeBinaryBuilder, Float64Array, ListBuilder, RecordBatch, StringArray,
        StringBuilder, StructBuilder, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit},
};
use std::sync::Arc;

pub mod alerts;
pub mod analyses;
pub mod beats;
pub mod breathings;
pub mod calibrations;
pub mod cartridges;
pub mod coachings;
pub mod daily_summaries;
pub mod dead_letters;
pub mod features;
pub mod fingerprints;
pub mod glucose_episodes;
pub mod glucose_readings;
pub mod glucose_windows;
pub mod goals;
pub mod health_records;
pub mod laboratory_results;
pub mod measurements;
pub mod notifications;
pub mod rhythms;
pub mod sessions;
pub mod unread_notifications;
pub mod vitals;
pub mod windows;

/// Name of the column that identifies a row.
pub const ROW: &str = "_row";

/// What is known of a table without its rows.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name in SQL and folder in the lake.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// Columns; the first is [`ROW`].
    pub schema: SchemaRef,
    /// Name of the column whose date partitions the lake.
    pub time: &'static str,
}

/// Every table; a new one is added at the end.
pub fn all() -> Vec<Table> {
    vec![
        windows::table(),
        vitals::table(),
        sessions::table(),
        alerts::table(),
        dead_letters::table(),
        breathings::table(),
        beats::table(),
        rhythms::table(),
        measurements::table(),
        fingerprints::table(),
        calibrations::table(),
        cartridges::table(),
        features::table(),
        analyses::table(),
        coachings::table(),
        notifications::table(),
        unread_notifications::table(),
        health_records::table(),
        daily_summaries::table(),
        goals::table(),
        glucose_readings::table(),
        glucose_windows::table(),
        glucose_episodes::table(),
        laboratory_results::table(),
    ]
}

/// A row that can be kept: it knows its table and its time.
pub trait Row: Clone + Ord + serde::Serialize {
    /// Its table.
    fn table() -> Table;
    /// Event time that dates it.
    fn dated(&self) -> Micros;
    /// Turns rows, each with its identity, into one batch of the table's schema.
    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch;
}

/// A schema that starts with the row identity; each column is name, type, nullable, meaning.
fn schema(columns: &[(&str, DataType, bool, &str)]) -> SchemaRef {
    let row =
        Field::new(ROW, DataType::FixedSizeBinary(16), false).with_metadata(about("identity of the row"));
    let rest = columns.iter().map(|(name, kind, nullable, meaning)| {
        Field::new(*name, kind.clone(), *nullable).with_metadata(about(meaning))
    });
    Arc::new(Schema::new(std::iter::once(row).chain(rest).collect::<Vec<_>>()))
}

fn about(meaning: &str) -> std::collections::HashMap<String, String> {
    [("comment".to_owned(), meaning.to_owned())].into()
}

/// The type of every time column.
fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type of a column of lists of `fields`.
fn list(fields: Fields) -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), false)))
}

/// What builds such a column, field by field.
fn list_builder(fields: Fields) -> ListBuilder<StructBuilder> {
    let item = Field::new("item", DataType::Struct(fields.clone()), false);
    ListBuilder::new(StructBuilder::from_fields(fields, 0)).with_field(item)
}

/// The type of a column of lists of texts.
fn text_list() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
}

/// A column of lists of texts.
fn text_lists<'a, R>(rows: &[(RowId, &'a R)], get: impl Fn(&'a R) -> &'a [String]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (_, row) in rows {
        for text in get(row) {
            lists.values().append_value(text);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// Why a field of a list is there.
const FIELD: &str = "the builder was made from the same fields";

fn ids<R>(rows: &[(RowId, &R)]) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(rows.len(), 16);
    for (id, _) in rows {
        builder.append_value(id).expect("a row id has 16 bytes");
    }
    Arc::new(builder.finish())
}

fn texts<'a, R, T: AsRef<str>>(rows: &[(RowId, &'a R)], get: impl Fn(&'a R) -> T) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, row)| get(row))))
}

fn optional_texts<'a, R>(rows: &[(RowId, &'a R)], get: impl Fn(&'a R) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(|(_, row)| get(row)).collect::<StringArray>())
}

fn times<R>(rows: &[(RowId, &R)], get: impl Fn(&R) -> Option<Micros>) -> ArrayRef {
    Arc::new(rows.iter().map(|(_, row)| get(row)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn numbers<R>(rows: &[(RowId, &R)], get: impl Fn(&R) -> Option<crate::Number>) -> ArrayRef {
    Arc::new(rows.iter().map(|(_, row)| get(row).map(crate::Number::get)).collect::<Float64Array>())
}

fn bytes<'a, R>(rows: &[(RowId, &'a R)], get: impl Fn(&'a R) -> Option<&'a [u8]>) -> ArrayRef {
    let mut builder = BinaryBuilder::new();
    for (_, row) in rows {
        builder.append_option(get(row));
    }
    Arc::new(builder.finish())
}

/// A column of a primitive type, by value.
macro_rules! column {
    ($array:ty, $rows:expr, $get:expr) => {
        std::sync::Arc::new($rows.iter().map(|(_, row)| ($get)(row)).collect::<$array>())
            as arrow::array::ArrayRef
    };
}
use column;

fn assemble(table: &Table, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(SchemaRef::clone(&table.schema), columns)
        .expect("the columns are built beside the schema")
}
