//! Makes Observations of the rows of a table: a function over its columns, never named in SQL, whose result is a list of rows.

use super::{
    record,
    resource::Observation,
    rows::{Row, Rows},
    vital, window,
};
use datafusion::{
    arrow::{
        array::{
            ArrayRef, Int32Builder, ListArray, ListBuilder, RecordBatch, StringBuilder, StructArray,
            TimestampMicrosecondBuilder,
        },
        buffer::OffsetBuffer,
        datatypes::{DataType, Field, Fields, Schema, TimeUnit},
    },
    common::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};
use std::sync::Arc;

/// A table that Observations are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// Results of cartridges.
    Records,
    /// Vital signs.
    Vitals,
    /// Heart rates.
    Windows,
}

impl Source {
    /// Every table.
    pub(super) const ALL: [Self; 3] = [Self::Records, Self::Vitals, Self::Windows];

    /// Name of the table, and its column of the time that Observations have.
    pub(super) const fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Records => ("health_records", "measured_at"),
            Self::Vitals => ("vitals", "observed_at"),
            Self::Windows => ("windows", "window_start"),
        }
    }

    /// Columns that they are made of.
    pub(super) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Records => &record::COLUMNS,
            Self::Vitals => &vital::COLUMNS,
            Self::Windows => &window::COLUMNS,
        }
    }

    fn observations(self, row: Row<'_>) -> Vec<Observation> {
        match self {
            Self::Records => vec![record::observation(row)],
            Self::Vitals => vital::observations(row),
            Self::Windows => window::observation(row).into_iter().collect(),
        }
    }
}

/// Columns of the answer.
pub(super) fn fields() -> Fields {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let codes = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    Fields::from(vec![
        Field::new("resource_id", DataType::Utf8, false),
        Field::new("category", DataType::Utf8, false),
        Field::new("status", DataType::Utf8, false),
        Field::new("version_id", DataType::Int32, false),
        Field::new("code", DataType::Utf8, true),
        Field::new("codes", codes, false),
        Field::new("name", DataType::Utf8, true),
        Field::new("effective", time, false),
        Field::new("resource", DataType::Utf8, false),
    ])
}

/// Makes them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Make {
    source: Source,
    signature: Signature,
}

impl Make {
    /// Of the rows of `source`.
    pub(super) fn of(source: Source) -> Self {
        Self { source, signature: Signature::any(source.columns().len(), Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Make {
    fn name(&self) -> &'static str {
        "fhir"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new("item", DataType::Struct(fields()), false))))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let length = arguments.number_rows;
        let named = self.source.columns().iter().zip(arguments.args);
        let columns = named.map(|(name, value)| Ok((*name, value.into_array(length)?)));
        let columns = columns.collect::<Result<Vec<(&str, ArrayRef)>>>()?;
        let of = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
        let schema = Schema::new(columns.iter().map(of).collect::<Vec<_>>());
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        let rows = Rows::new(RecordBatch::try_new(Arc::new(schema), columns)?);
        let mut written = Written::default();
        let lengths: Vec<usize> = rows
            .iter()
            .map(|row| {
                let observations = self.source.observations(row);
                written.push(&observations);
                observations.len()
            })
            .collect();
        let items = StructArray::try_new(fields(), written.finish(), None)?;
        let item = Arc::new(Field::new("item", DataType::Struct(fields()), false));
        let lists = ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), Arc::new(items), None)?;
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}

/// Observations, column by column.
#[derive(Default)]
struct Written {
    id: StringBuilder,
    category: StringBuilder,
    status: StringBuilder,
    version: Int32Builder,
    code: StringBuilder,
    codes: ListBuilder<StringBuilder>,
    name: StringBuilder,
    effective: TimestampMicrosecondBuilder,
    resource: StringBuilder,
}

impl Written {
    /// The Observations of one row.
    fn push(&mut self, observations: &[Observation]) {
        for observation in observations {
            self.push_one(observation);
        }
    }

    fn push_one(&mut self, observation: &Observation) {
        self.id.append_value(&observation.id);
        self.category.append_value(observation.category());
        self.status.append_value(&observation.status);
        self.version.append_value(observation.version);
        self.code.append_option(observation.code.coding.first().map(|coding| coding.code));
        for coding in &observation.code.coding {
            self.codes.values().append_value(format!("{}|{}", coding.system, coding.code));
        }
        self.codes.append(true);
        self.name.append_option(observation.code.text.as_deref());
        self.effective.append_value(observation.at);
        self.resource.append_value(observation.text());
    }

    fn finish(mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.id.finish()),
            Arc::new(self.category.finish()),
            Arc::new(self.status.finish()),
            Arc::new(self.version.finish()),
            Arc::new(self.code.finish()),
            Arc::new(self.codes.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.effective.finish().with_timezone("UTC")),
            Arc::new(self.resource.finish()),
        ]
    }
}
