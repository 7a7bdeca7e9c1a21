//! What SQL can ask about an alert: what it was raised from.
//!
//! ```sql
//! SELECT * FROM explain('4b1d…');
//! ```
//! One row per piece of evidence that the tables of the snapshot have: the rule, changes, what it claims and by which
//! limits, values, ranges of records on the log, windows, measurements and sessions behind them; then what the program
//! that answers says of itself: parameters in force for the rule, versions of steps, formats and code.
//!
//! # Limits
//! The table `alerts` keeps when an alert was raised and its newest change; all changes stand on the topic of alerts.

use async_trait::async_trait;
use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, RecordBatch, StringArray, new_null_array},
        compute::{SortColumn, cast, concat_batches, lexsort_to_indices, take_record_batch},
        datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    },
    catalog::{MemTable, Session, TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, ScalarValue, plan_datafusion_err, plan_err},
    execution::SessionState,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
    prelude::SessionContext,
};
use model::{EventId, view::About};
use std::sync::Arc;

/// The question; the id is put in once it is known to be one.
const QUESTION: &str = include_str!("explain.sql");

/// `explain(alert)`: what an alert was raised from, in the epoch the statement sees.
#[derive(Debug)]
pub(crate) struct Explain(pub(crate) Arc<About>);

impl TableFunctionImpl for Explain {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let usage = "explain takes the id of an alert: explain('6ba7b810-9dad-11d1-80b4-00c04fd430c8')";
        let [Expr::Literal(alert, _)] = args.exprs() else { return plan_err!("{usage}") };
        let alert = match alert {
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)) => text.parse::<EventId>().ok(),
            _ => None,
        };
        let Some(alert) = alert else { return plan_err!("{usage}") };
        Ok(Arc::new(Explained { alert, about: Arc::clone(&self.0) }))
    }
}

/// One alert, explained when it is read.
#[derive(Debug)]
struct Explained {
    alert: EventId,
    about: Arc<About>,
}

#[async_trait]
impl TableProvider for Explained {
    fn schema(&self) -> SchemaRef {
        columns()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let session = state.as_any().downcast_ref::<SessionState>();
        let session = session.ok_or_else(|| plan_datafusion_err!("explain needs a session of the door"))?;
        // Names, memory and the end of interest are those of the statement.
        let session = SessionContext::new_with_state(session.clone());
        let evidence = session.sql(&QUESTION.replace("{alert}", &self.alert.to_string())).await?;
        let evidence = evidence.collect().await?;
        let Some(first) = evidence.iter().find(|rows| rows.num_rows() > 0) else {
            return plan_err!(
                "no alert {} stands: it may have been withdrawn; SELECT alert_id, rule, onset FROM alerts lists those \
                 that do",
                self.alert
            );
        };
        let evidence = sorted(&concat_batches(&first.schema(), &evidence)?)?;
        let said = said(&self.about, &rule(&evidence)?)?;
        MemTable::try_new(columns(), vec![vec![shaped(&evidence)?, said]])?
            .scan(state, projection, filters, limit)
            .await
    }
}

/// The columns, each as [`QUESTION`] names it.
fn columns() -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let columns = [
        ("kind", DataType::Utf8),
        ("name", DataType::Utf8),
        ("at", time()),
        ("topic", DataType::Utf8),
        ("partition", DataType::Int32),
        ("first_offset", DataType::Int64),
        ("last_offset", DataType::Int64),
        ("packets", DataType::Int64),
        ("window_start", time()),
        ("window_end", time()),
        ("value", DataType::Float64),
        ("unit", DataType::Utf8),
        ("limits", DataType::Utf8),
        ("source", DataType::Utf8),
        ("text", DataType::Utf8),
    ];
    Arc::new(Schema::new(columns.map(|(name, kind)| Field::new(name, kind, true)).to_vec()))
}

/// What comes first, and what is told of each by the place on the log, then by time.
const ORDER: [&str; 6] = ["place", "topic", "partition", "first_offset", "at", "name"];

fn sorted(rows: &RecordBatch) -> Result<RecordBatch> {
    let column = |name: &&str| {
        rows.column_by_name(name).map(|values| SortColumn { values: Arc::clone(values), options: None })
    };
    let order: Vec<_> = ORDER.iter().filter_map(column).collect();
    Ok(take_record_batch(rows, &lexsort_to_indices(&order, None)?)?)
}

/// Rows of the answer in the columns of the table.
fn shaped(rows: &RecordBatch) -> Result<RecordBatch> {
    let schema = columns();
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        let found = rows.column_by_name(field.name());
        let found = found.ok_or_else(|| plan_datafusion_err!("explain has no column {}", field.name()))?;
        Ok(cast(found, field.data_type())?)
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The rule of the alert: that of the first row.
fn rule(rows: &RecordBatch) -> Result<String> {
    let rows = shaped(rows)?;
    let names = rows.column_by_name("name").map(|names| names.as_string::<i32>().value(0).to_owned());
    names.ok_or_else(|| plan_datafusion_err!("explain has no column name"))
}

/// What the program says of itself that concerns `rule`.
fn said(about: &About, rule: &str) -> Result<RecordBatch> {
    let own = about.parameters.iter().any(|known| known.rule.as_deref() == Some(rule));
    let concerns = |of: Option<&str>| if own { of == Some(rule) } else { of.is_none() };
    let parameters = about.parameters.iter().filter(|known| concerns(known.rule.as_deref()));
    let parameters = parameters.map(|known| ("parameter", known.name.as_str(), known.value.as_str()));
    let versions = about.versions.iter().map(|(name, version)| ("version", name.as_str(), version.as_str()));
    let code = (!about.code.is_empty()).then_some(("version", "code", about.code.as_str()));
    let rows: Vec<_> = parameters.chain(versions).chain(code).collect();
    let schema = columns();
    let column = |field: &Arc<Field>| -> ArrayRef {
        let texts = |get: fn(&(&'static str, &str, &str)) -> String| -> ArrayRef {
            Arc::new(rows.iter().map(|row| Some(get(row))).collect::<StringArray>())
        };
        match field.name().as_str() {
            "kind" => texts(|(kind, ..)| (*kind).to_owned()),
            "name" => texts(|(_, name, _)| (*name).to_owned()),
            "text" => texts(|(.., text)| (*text).to_owned()),
            _ => new_null_array(field.data_type(), rows.len()),
        }
    };
    let columns = schema.fields().iter().map(column).collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}
