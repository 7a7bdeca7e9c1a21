//! What SQL can ask about FHIR: the Observations of a person, and one by its id, of the epoch the statement sees.
//!
//! ```sql
//! SELECT code, effective, resource FROM fhir_observations('6ba7…') WHERE status <> 'preliminary';
//! SELECT resource FROM fhir_observations('6ba7…', '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z');
//! SELECT resource FROM fhir_observation('6ba7…-hr');
//! ```
//!
//! Rows become Observations batch by batch while the statement runs, within its limits: a function is a view of the tables.

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
        compute::kernels::cast_utils::string_to_timestamp_nanos,
        datatypes::{DataType, Field, Fields, Schema, TimeUnit},
    },
    catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, ScalarValue, plan_err},
    datasource::{ViewTable, provider_as_source},
    functions::core::expr_fn::get_field,
    logical_expr::{
        ColumnarValue, Expr, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility, col, lit,
    },
};
use model::{EventId, Micros, SessionId, UserId};
use std::sync::Arc;

/// Name of the Observations of a row before they become rows.
const MADE: &str = "made";

/// A table that Observations are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Records,
    Vitals,
    Windows,
}

impl Source {
    const ALL: [Self; 3] = [Self::Records, Self::Vitals, Self::Windows];

    /// Name of the table, and its column of the time that Observations have.
    const fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Records => ("health_records", "measured_at"),
            Self::Vitals => ("vitals", "observed_at"),
            Self::Windows => ("windows", "window_start"),
        }
    }

    const fn columns(self) -> &'static [&'static str] {
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

/// What is asked for: the functions are two forms of one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// `fhir_observations(user [, from, until])`: those of a person.
    OfPerson,
    /// `fhir_observation(id)`: that of this id.
    OfId,
}

/// A table function over the tables of one snapshot.
#[derive(Debug)]
pub(crate) struct Asked {
    form: Form,
    tables: [Arc<dyn TableProvider>; 3],
}

impl Asked {
    /// Every form, by its name, over the tables that `table` gives by theirs; none if one is missing.
    pub(crate) fn functions(
        table: impl Fn(&str) -> Option<Arc<dyn TableProvider>>,
    ) -> Option<[(&'static str, Self); 2]> {
        let [records, vitals, windows] = Source::ALL.map(|source| table(source.table().0));
        let tables = [records?, vitals?, windows?];
        let function = |form| Self { form, tables: tables.clone() };
        Some([("fhir_observations", function(Form::OfPerson)), ("fhir_observation", function(Form::OfId))])
    }

    /// The Observations of the rows of `source` for which `condition` is true.
    fn part(&self, source: Source, condition: Expr) -> Result<LogicalPlanBuilder> {
        let table = Arc::clone(&self.tables[source as usize]);
        let make = ScalarUDF::new_from_impl(Make::of(source));
        let columns = source.columns().iter().map(|name| col(*name)).collect();
        LogicalPlanBuilder::scan(source.table().0, provider_as_source(table), None)?
            .filter(condition)?
            .project([make.call(columns).alias(MADE)])?
            .unnest_column(MADE)?
            .project(fields().iter().map(|field| get_field(col(MADE), field.name()).alias(field.name())))
    }

    fn of_person(
        &self,
        user: UserId,
        (from, until): (Option<Micros>, Option<Micros>),
    ) -> Result<LogicalPlanBuilder> {
        let part = |source: Source| {
            let moment = |at| lit(ScalarValue::TimestampMicrosecond(Some(at), Some("UTC".into())));
            let time = || col(source.table().1);
            let mut condition = col("user_id").eq(lit(user.to_string()));
            if let Some(from) = from {
                condition = condition.and(time().gt_eq(moment(from)));
            }
            if let Some(until) = until {
                condition = condition.and(time().lt(moment(until)));
            }
            if source == Source::Windows {
                condition = condition.and(col("good"));
            }
            self.part(source, condition)
        };
        let [records, vitals, windows] = Source::ALL.map(part);
        records?.union(vitals?.build()?)?.union(windows?.build()?)
    }

    fn of_id(&self, id: &str) -> Result<LogicalPlanBuilder> {
        let nothing = || self.part(Source::Records, lit(false));
        let found = match Id::parse(id) {
            None => return nothing(),
            Some(Id::Record(record)) => {
                self.part(Source::Records, col("record_id").eq(lit(record.to_string())))
            }
            Some(Id::Vital(event)) => self.part(Source::Vitals, col("event_id").eq(lit(event.to_string()))),
            Some(Id::Window(session, start)) => {
                let start = lit(ScalarValue::TimestampMicrosecond(Some(start), Some("UTC".into())));
                let session = col("session_id").eq(lit(session.to_string()));
                self.part(Source::Windows, session.and(col("window_start").eq(start)).and(col("good")))
            }
        };
        found?.filter(col("resource_id").eq(lit(id)))
    }
}

impl TableFunctionImpl for Asked {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let texts: Vec<Option<&str>> = args.exprs().iter().map(text).collect();
        let plan = match (self.form, &texts[..]) {
            (Form::OfPerson, [Some(user), span @ ..]) if span.len() <= 2 => {
                let moments: Option<Vec<_>> = span.iter().map(|moment| micros((*moment)?)).collect();
                let (Ok(user), Some(moments)) = (user.parse(), moments) else {
                    return plan_err!("{}", self.form.usage());
                };
                self.of_person(user, (moments.first().copied(), moments.get(1).copied()))
            }
            (Form::OfId, [Some(id)]) => self.of_id(id),
            _ => return plan_err!("{}", self.form.usage()),
        };
        Ok(Arc::new(ViewTable::new(plan?.build()?, None)))
    }
}

impl Form {
    const fn usage(self) -> &'static str {
        match self {
            Self::OfPerson => {
                "fhir_observations takes the id of a person, and from when and until before when, if not all are \
                 wanted: fhir_observations('6ba7b810-9dad-11d1-80b4-00c04fd430c8', '2026-01-01T00:00:00Z', \
                 '2026-02-01T00:00:00Z')"
            }
            Self::OfId => {
                "fhir_observation takes the id of an Observation, as fhir_observations has it in resource_id"
            }
        }
    }
}

/// What an id is of.
#[derive(Debug, PartialEq, Eq)]
enum Id {
    Record(EventId),
    Vital(EventId),
    Window(SessionId, Micros),
}

impl Id {
    /// `None` of what no Observation is called.
    fn parse(text: &str) -> Option<Self> {
        /// Length of a UUID in words.
        const UUID: usize = 36;
        let (uuid, ending) = (text.get(..UUID)?, text.get(UUID..)?);
        let Some(ending) = ending.strip_prefix('-') else {
            return ending.is_empty().then(|| uuid.parse().ok()).flatten().map(Self::Record);
        };
        if vital::endings().any(|known| known == ending) {
            return uuid.parse().ok().map(Self::Vital);
        }
        Some(Self::Window(uuid.parse().ok()?, ending.parse().ok()?))
    }
}

fn text(argument: &Expr) -> Option<&str> {
    match argument {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)),
            _,
        ) => Some(text),
        _ => None,
    }
}

/// A moment, to the microsecond.
pub(super) fn micros(text: &str) -> Option<Micros> {
    string_to_timestamp_nanos(text).ok().map(|nanos| nanos.div_euclid(1_000))
}

/// Columns of the answer.
fn fields() -> Fields {
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

/// Makes Observations of rows; never named in SQL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Make {
    source: Source,
    signature: Signature,
}

impl Make {
    fn of(source: Source) -> Self {
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
