//! Rows as text: a table for eyes, CSV for spreadsheets, JSON lines for programs.

use crate::error::Error;
use datafusion::arrow::{
    array::{Array, ArrayRef, RecordBatch, StringArray},
    csv::WriterBuilder as CsvBuilder,
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
    json::{WriterBuilder as JsonBuilder, writer::LineDelimited},
    util::{display::FormatOptions, pretty::pretty_format_batches_with_options},
};
use std::sync::Arc;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table with borders; nested values in Arrow's own notation.
    Table,
    /// RFC 4180 with a header line; nested values as JSON, bytes as hexadecimal.
    Csv,
    /// One JSON object per line; nulls are written.
    Json,
}

/// Writes rows as text, with their column names, ending in a line feed.
///
/// # Errors
/// [`Error::Failed`] if a value has no form in the format.
pub fn render(columns: &SchemaRef, batches: &[RecordBatch], format: Format) -> Result<String, Error> {
    match format {
        Format::Table => table(columns, batches),
        Format::Csv => {
            let mut text = head(columns, Format::Csv)?;
            for batch in batches {
                text.extend(piece(batch, Format::Csv)?);
            }
            into_text(text)
        }
        Format::Json => {
            let pieces = batches.iter().map(|batch| piece(batch, Format::Json));
            into_text(pieces.collect::<Result<Vec<_>, _>>()?.concat())
        }
    }
}

/// What stands before all rows.
pub(crate) fn head(columns: &SchemaRef, format: Format) -> Result<Vec<u8>, Error> {
    if format != Format::Csv {
        return Ok(Vec::new());
    }
    let empty = flat(&RecordBatch::new_empty(Arc::clone(columns))).map_err(|_| no_form())?;
    let mut text = Vec::new();
    let mut writer = CsvBuilder::new().with_header(true).build(&mut text);
    writer.write(&empty).map_err(|_| no_form())?;
    drop(writer);
    Ok(text)
}

/// The rows of one batch, as CSV or JSON lines.
pub(crate) fn piece(batch: &RecordBatch, format: Format) -> Result<Vec<u8>, Error> {
    let written = match format {
        Format::Csv => flat(batch).and_then(|batch| {
            let mut text = Vec::new();
            let mut writer = CsvBuilder::new().with_header(false).build(&mut text);
            writer.write(&batch)?;
            drop(writer);
            Ok(text)
        }),
        Format::Json | Format::Table => json(batch),
    };
    written.map_err(|_| no_form())
}

fn table(columns: &SchemaRef, batches: &[RecordBatch]) -> Result<String, Error> {
    let options = FormatOptions::default().with_null("NULL");
    let empty = [RecordBatch::new_empty(Arc::clone(columns))];
    let shown = if batches.is_empty() { &empty } else { batches };
    pretty_format_batches_with_options(shown, &options)
        .map(|table| format!("{table}\n"))
        .map_err(|_| no_form())
}

fn json(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = JsonBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    Ok(writer.into_inner())
}

/// Columns that CSV has no form for become texts of JSON.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if column.data_type().is_nested() {
            fields.push(Field::new(field.name(), DataType::Utf8, true));
            columns.push(Arc::new(nested_texts(column)?));
        } else {
            fields.push(field.as_ref().clone());
            columns.push(Arc::clone(column));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn nested_texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    // One line `{"v":…}` per row; what stands between the braces is wanted.
    const NAME: &str = "v";
    let field = Field::new(NAME, column.data_type().clone(), true);
    let alone = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::clone(column)])?;
    let lines = json(&alone)?;
    let texts = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| {
        let mut row: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(line).map_err(|error| ArrowError::JsonError(error.to_string()))?;
        Ok(row.remove(NAME).filter(|value| !value.is_null()).map(|value| value.to_string()))
    });
    texts.collect()
}

fn into_text(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| no_form())
}

fn no_form() -> Error {
    Error::Failed { class: "a value has no form in this format" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::{
        array::{Int64Array, ListArray},
        datatypes::Int64Type,
    };

    fn rows() -> RecordBatch {
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]);
        let fields =
            vec![Field::new("n", DataType::Int64, true), Field::new("list", lists.data_type().clone(), true)];
        let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![Some(5), None])), Arc::new(lists)];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("two columns")
    }

    #[test]
    fn each_format_holds_every_value() {
        let rows = rows();
        let write = |format| render(rows.schema_ref(), std::slice::from_ref(&rows), format).expect("text");
        assert_eq!(write(Format::Csv), "n,list\n5,\"[1,null]\"\n,\n");
        assert_eq!(write(Format::Json), "{\"n\":5,\"list\":[1,null]}\n{\"n\":null,\"list\":null}\n");
        assert!(write(Format::Table).contains("| 5    | [1, NULL] |"), "{}", write(Format::Table));
    }

    #[test]
    fn no_rows_still_show_the_columns() {
        let columns = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
        assert_eq!(render(&columns, &[], Format::Csv).expect("text"), "a\n");
        assert_eq!(render(&columns, &[], Format::Json).expect("text"), "");
        assert!(render(&columns, &[], Format::Table).expect("text").contains("| a |"));
    }
}
