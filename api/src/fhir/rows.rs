//! The rows of a table, column by column, as they are read for a resource.

use datafusion::arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch,
        StringArray, StructArray, TimestampMicrosecondArray,
    },
    datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
};
use model::Micros;

/// Rows of one table, or of a list in it.
#[derive(Debug)]
pub(super) struct Rows(RecordBatch);

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    rows: &'a RecordBatch,
    row: usize,
}

impl Rows {
    /// Those of `batch`.
    pub(super) fn new(batch: RecordBatch) -> Self {
        Self(batch)
    }

    /// Each, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.0.num_rows()).map(|row| Row { rows: &self.0, row })
    }
}

impl<'a> Row<'a> {
    /// The column, if there is something in this row.
    fn column(self, name: &str) -> Option<&'a ArrayRef> {
        self.rows.column_by_name(name).filter(|column| column.is_valid(self.row))
    }

    /// A text.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.column(name)?.as_string_opt::<i32>().map(|texts: &StringArray| texts.value(self.row))
    }

    /// A text that is never null.
    pub(super) fn must(self, name: &str) -> &'a str {
        self.text(name).unwrap_or_default()
    }

    /// A number.
    pub(super) fn number(self, name: &str) -> Option<f64> {
        let numbers: &Float64Array = self.column(name)?.as_primitive_opt::<Float64Type>()?;
        Some(numbers.value(self.row))
    }

    /// A whole number.
    pub(super) fn whole(self, name: &str) -> Option<i32> {
        let numbers: &Int32Array = self.column(name)?.as_primitive_opt::<Int32Type>()?;
        Some(numbers.value(self.row))
    }

    /// A long whole number.
    pub(super) fn long(self, name: &str) -> Option<i64> {
        let numbers: &Int64Array = self.column(name)?.as_primitive_opt::<Int64Type>()?;
        Some(numbers.value(self.row))
    }

    /// Yes or no.
    pub(super) fn flag(self, name: &str) -> Option<bool> {
        let flags: &BooleanArray = self.column(name)?.as_boolean_opt()?;
        Some(flags.value(self.row))
    }

    /// A moment that is never null.
    pub(super) fn time(self, name: &str) -> Micros {
        let times =
            self.column(name).and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        times.map_or(0, |times: &TimestampMicrosecondArray| times.value(self.row))
    }

    fn list(self, name: &str) -> Option<ArrayRef> {
        let lists: &ListArray = self.column(name)?.as_list_opt::<i32>()?;
        Some(lists.value(self.row))
    }

    /// A list of texts.
    pub(super) fn texts(self, name: &str) -> Vec<String> {
        let list = self.list(name);
        let texts = list.as_ref().and_then(|list| list.as_string_opt::<i32>());
        texts.into_iter().flatten().flatten().map(str::to_owned).collect()
    }

    /// A list of rows.
    pub(super) fn rows(self, name: &str) -> Option<Rows> {
        let list = self.list(name)?;
        let fields: &StructArray = list.as_struct_opt()?;
        Some(Rows(RecordBatch::from(fields.clone())))
    }
}
