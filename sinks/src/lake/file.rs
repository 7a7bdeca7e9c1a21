//! The bytes of one Parquet file: zstd, row groups of 65,536 rows, statistics, rows in the order given.

use crate::Error;
use arrow::{
    array::{AsArray, BooleanArray, RecordBatch, new_null_array},
    compute::{concat_batches, filter_record_batch},
    datatypes::{FieldRef, SchemaRef, TimestampMicrosecondType},
};
use bytes::Bytes;
use model::{
    Micros,
    table::{ROW, Table},
    view::RowId,
};
use parquet::{
    arrow::{ArrowWriter, ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::{EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// Large enough to compress and skip well, small enough for a query to decode side by side.
const GROUP_ROWS: usize = 65_536;

/// The bytes of a file with the rows of `batch`; equal rows give equal bytes.
pub(super) fn encode(batch: &RecordBatch) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_created_by("manpasik".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).expect("zstd has a level 3")))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        // Identities never repeat.
        .set_column_dictionary_enabled(ColumnPath::from(ROW), false)
        .build();
    let written =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).and_then(|mut writer| {
            writer.write(batch)?;
            writer.into_inner()
        });
    written.expect("memory takes any bytes and the schemas are made of types Parquet has")
}

/// The identities of the rows of the file `path` that holds `bytes`, in order.
pub(super) fn identities_in(path: &Path, bytes: &Bytes) -> Result<Vec<RowId>, Error> {
    let batches = decode(path, bytes, Some(ROW))?;
    Ok(batches.iter().flat_map(crate::views::identities).collect())
}

/// The identities of the rows of a file of the machine, in order.
#[cfg(test)]
pub(crate) fn identities(path: &Path) -> Result<Vec<RowId>, Error> {
    identities_in(path, &std::fs::read(path).map_err(Error::disk("read", path))?.into())
}

/// The rows of the file `path` that holds `bytes`.
pub(super) fn rows(path: &Path, bytes: &Bytes) -> Result<Vec<RecordBatch>, Error> {
    decode(path, bytes, None)
}

/// The time that dates each row of `batch`, as [`model::table::Row::dated`] says it.
///
/// A session that was only seen to end is dated by its end, and one without either by 1970.
pub(super) fn dated(table: &Table, batch: &RecordBatch) -> Vec<Micros> {
    let times = |name: &str| {
        let column = batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        Some(column.iter().collect::<Vec<Option<Micros>>>())
    };
    let mut dates = times(table.time).unwrap_or_else(|| vec![None; batch.num_rows()]);
    if dates.contains(&None)
        && let Some(ends) = times("ended_at")
    {
        dates.iter_mut().zip(ends).for_each(|(date, end)| *date = date.or(end));
    }
    dates.into_iter().map(Option::unwrap_or_default).collect()
}

/// The rows of the file `path` that holds `bytes`, but those in `gone`.
pub(super) fn without(path: &Path, bytes: &Bytes, gone: &BTreeSet<RowId>) -> Result<RecordBatch, Error> {
    let batches = decode(path, bytes, None)?;
    let schema = batches.first().map(RecordBatch::schema).ok_or_else(|| unreadable(path, "no rows"))?;
    let kept = batches.iter().map(|batch| drop_rows(batch, |id| gone.contains(id)));
    Ok(join(&schema, &kept.collect::<Vec<_>>()))
}

/// The rows of `batch` whose identity is not `gone`.
pub(crate) fn drop_rows(batch: &RecordBatch, gone: impl Fn(&RowId) -> bool) -> RecordBatch {
    let keep: BooleanArray = crate::views::identities(batch).iter().map(|id| Some(!gone(id))).collect();
    filter_record_batch(batch, &keep).expect("one flag per row")
}

/// All rows of `batches` as one batch.
pub(crate) fn join(schema: &SchemaRef, batches: &[RecordBatch]) -> RecordBatch {
    concat_batches(schema, batches).expect("the batches of a table have its schema")
}

/// `batch` with the columns of `table`; those that it is from before are null. None if it has others.
pub(super) fn widened(table: &Table, batch: &RecordBatch) -> Option<RecordBatch> {
    let known = batch.schema();
    let is_of_table = |field: &FieldRef| table.schema.fields().iter().any(|known| known == field);
    if !known.fields().iter().all(is_of_table) {
        return None;
    }
    let column = |field: &FieldRef| match batch.column_by_name(field.name()) {
        Some(column) => Some(Arc::clone(column)),
        None => field.is_nullable().then(|| new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = table.schema.fields().iter().map(column).collect::<Option<Vec<_>>>()?;
    RecordBatch::try_new(Arc::clone(&table.schema), columns).ok()
}

/// The batches of a file: all columns, or one.
fn decode(path: &Path, bytes: &Bytes, column: Option<&str>) -> Result<Vec<RecordBatch>, Error> {
    let batches = || -> Result<Vec<RecordBatch>, ParquetError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone())?;
        let mask = match column {
            Some(column) => ProjectionMask::columns(builder.parquet_schema(), [column]),
            None => ProjectionMask::all(),
        };
        let reader = builder.with_projection(mask).with_batch_size(GROUP_ROWS).build()?;
        Ok(reader.collect::<Result<_, _>>()?)
    };
    batches().map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::damaged(path, format!("cannot be read ({why}): restore it from a copy"))
}
