//! The tables about the program itself: `system.progress`, `system.tables`, `system.status`.
//!
//! They are built from the same snapshot as the tables beside them, so a statement that joins an
//! alert with the progress sees both at one epoch.

use crate::readiness::State;
use datafusion::arrow::{
    array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
};
use model::{
    table::Table,
    view::{Progress, Snapshot, TableView},
};
use std::sync::Arc;

/// Names of the tables with their rows.
pub(crate) fn all(
    snapshot: &Snapshot,
    tables: &[Table],
    state: Option<&State>,
) -> Result<Vec<(&'static str, RecordBatch)>, ArrowError> {
    Ok(vec![
        ("progress", progress(&snapshot.progress)?),
        ("status", status(snapshot, state)?),
        ("tables", contents(snapshot, tables)?),
    ])
}

fn schema(columns: &[(&str, DataType, bool)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind, nullable)| Field::new(*name, kind.clone(), *nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn whole<'a, T: 'a>(rows: &'a [T], get: impl Fn(&'a T) -> u64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| get(row) as i64)))
}

fn texts<'a, T: 'a>(rows: &'a [T], get: impl Fn(&'a T) -> &'a str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(get)))
}

/// How far each input partition was processed; lag is in records.
fn progress(rows: &[Progress]) -> Result<RecordBatch, ArrowError> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let watermarks = rows.iter().map(|row| row.watermark).collect::<TimestampMicrosecondArray>();
    RecordBatch::try_new(
        schema(&[
            ("topic", DataType::Utf8, false),
            ("partition", DataType::Int32, false),
            ("next_offset", DataType::Int64, false),
            ("end_offset", DataType::Int64, false),
            ("lag", DataType::Int64, false),
            ("watermark", time, true),
        ]),
        vec![
            texts(rows, |row| &row.topic),
            Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.partition as i32))),
            whole(rows, |row| row.next_offset),
            whole(rows, |row| row.end_offset),
            whole(rows, |row| row.end_offset.saturating_sub(row.next_offset)),
            Arc::new(watermarks.with_timezone("UTC")),
        ],
    )
}

/// What each table holds, in rows, files and bytes.
fn contents(snapshot: &Snapshot, tables: &[Table]) -> Result<RecordBatch, ArrowError> {
    let empty = TableView::default();
    let rows: Vec<(&Table, &TableView)> =
        tables.iter().map(|table| (table, snapshot.tables.get(table.name).unwrap_or(&empty))).collect();
    RecordBatch::try_new(
        schema(&[
            ("name", DataType::Utf8, false),
            ("about", DataType::Utf8, false),
            ("live_rows", DataType::Int64, false),
            ("lake_rows", DataType::Int64, false),
            ("hidden_rows", DataType::Int64, false),
            ("files", DataType::Int64, false),
            ("bytes", DataType::Int64, false),
        ]),
        vec![
            texts(&rows, |(table, _)| table.name),
            texts(&rows, |(table, _)| table.about),
            whole(&rows, |(_, view)| view.live.iter().map(|batch| batch.num_rows() as u64).sum()),
            whole(&rows, |(_, view)| view.files.iter().map(|file| file.rows).sum()),
            whole(&rows, |(_, view)| view.hidden.len() as u64),
            whole(&rows, |(_, view)| view.files.len() as u64),
            whole(&rows, |(_, view)| view.files.iter().map(|file| file.bytes).sum()),
        ],
    )
}

/// One row: which epoch this is, and what the program is doing; `offline` if none is running.
fn status(snapshot: &Snapshot, state: Option<&State>) -> Result<RecordBatch, ArrowError> {
    let lag: u64 = snapshot.progress.iter().map(|row| row.end_offset.saturating_sub(row.next_offset)).sum();
    RecordBatch::try_new(
        schema(&[
            ("as_of_epoch", DataType::Int64, true),
            ("state", DataType::Utf8, false),
            ("detail", DataType::Utf8, true),
            ("lag", DataType::Int64, false),
            ("version", DataType::Utf8, false),
        ]),
        vec![
            Arc::new(Int64Array::from(vec![snapshot.as_of_epoch.map(|epoch| epoch as i64)])),
            Arc::new(StringArray::from(vec![state.map_or("offline", State::name)])),
            Arc::new(StringArray::from(vec![state.and_then(State::detail)])),
            Arc::new(Int64Array::from(vec![lag as i64])),
            Arc::new(StringArray::from(vec![env!("CARGO_PKG_VERSION")])),
        ],
    )
}
