//! Plans one question and computes its rows; runs on the lane.

use crate::{
    engine::{Purpose, Question, Shape},
    error::Error,
    options::Limits,
    patience::Interest,
    session::{self, Sessions},
};
use datafusion::{
    arrow::{
        array::{Array, RecordBatch},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    logical_expr::LogicalPlan,
    physical_plan::execute_stream,
};
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// One question on its way to an answer.
#[derive(Debug)]
pub(crate) struct Work {
    /// Where sessions come from.
    pub(crate) sessions: Arc<Sessions>,
    /// What it may cost.
    pub(crate) limits: Limits,
    /// What is asked.
    pub(crate) question: Question,
    /// How far to go.
    pub(crate) purpose: Purpose,
    /// Whether anyone still waits.
    pub(crate) interest: Interest,
}

impl Work {
    /// Tells the shape of the answer, then hands over its rows; an error is the last word of either.
    pub(crate) async fn run(
        self,
        tell: oneshot::Sender<Result<Shape, Error>>,
        rows: mpsc::Sender<Result<RecordBatch, Error>>,
    ) {
        let interest = self.interest.clone();
        let mut tell = Some(tell);
        let Err(error) = self.compute(&mut tell, &rows).await else { return };
        // Once it was stopped, the watch has the last word.
        if interest.ended() {
            return;
        }
        // Whoever is not there to hear it has stopped it.
        let _unheard = match tell.take() {
            Some(tell) => tell.send(Err(error)).is_ok(),
            None => rows.send(Err(error)).await.is_ok(),
        };
    }

    async fn compute(
        self,
        tell: &mut Option<oneshot::Sender<Result<Shape, Error>>>,
        rows: &mpsc::Sender<Result<RecordBatch, Error>>,
    ) -> Result<(), Error> {
        let question = &self.question;
        let session = self
            .sessions
            .open(&question.snapshot, question.state.as_ref(), self.interest.clone())
            .map_err(|error| Error::planning(&error))?;
        let plan = session::plan(&session, &question.sql, &question.values).await?;
        let parameters = parameters(&plan)?;
        let open = !parameters.fields().is_empty();
        if open && self.purpose == Purpose::Rows {
            return Err(unbound(&parameters));
        }
        let tell_columns = |tell: &mut Option<oneshot::Sender<_>>, columns| {
            let shape = Shape { columns, parameters: Arc::clone(&parameters) };
            // A client that left is noticed by the watch.
            let _unheard = tell.take().map(|tell| tell.send(Ok(shape)));
        };
        if open {
            // What is not bound cannot be planned to the end; the columns are known all the same.
            tell_columns(tell, Arc::clone(plan.schema().inner()));
            return Ok(());
        }
        let state = session.state();
        let physical = state.create_physical_plan(&plan).await.map_err(|error| Error::planning(&error))?;
        tell_columns(tell, physical.schema());
        if self.purpose == Purpose::Shape {
            return Ok(());
        }
        let mut batches =
            execute_stream(physical, session.task_ctx()).map_err(|error| Error::running(&error))?;
        let mut given = Given::default();
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| Error::running(&error))?;
            given.count(&batch, &self.limits)?;
            if rows.send(Ok(batch)).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// A statement whose placeholders have no values cannot be answered.
pub(crate) fn unbound(parameters: &Schema) -> Error {
    Error::Statement {
        message: format!("{} placeholder(s) have no value; bind parameters", parameters.fields().len()),
    }
}

/// What was handed over.
#[derive(Debug, Default)]
struct Given {
    rows: u64,
    bytes: u64,
}

impl Given {
    fn count(&mut self, batch: &RecordBatch, limits: &Limits) -> Result<(), Error> {
        self.rows += batch.num_rows() as u64;
        // What the rows take, not the buffers they are slices of.
        let bytes =
            batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0));
        self.bytes += bytes.sum::<usize>() as u64;
        let over = |what, limit| {
            Err(Error::Limit { what, limit, next: "add LIMIT, aggregate, or ask range by range" })
        };
        if self.rows > limits.answer_rows {
            return over("the number of rows of the answer", limits.answer_rows.to_string());
        }
        if self.bytes > limits.answer_bytes {
            return over("the size of the answer", format!("{} bytes", limits.answer_bytes));
        }
        Ok(())
    }
}

/// The open placeholders in order; one whose type does not follow from the statement is of type null.
fn parameters(plan: &LogicalPlan) -> Result<SchemaRef, Error> {
    let open = plan.get_parameter_fields().map_err(|error| Error::planning(&error))?;
    let fields = (1..=open.len()).map(|number| {
        let name = format!("${number}");
        match open.get(&name) {
            Some(Some(field)) => Ok(Field::new(&name, field.data_type().clone(), true)),
            Some(None) => Ok(Field::new(&name, DataType::Null, true)),
            None => Err(Error::Statement {
                message: format!("placeholders are numbered from $1 without gaps, and {name} is missing"),
            }),
        }
    });
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, _>>()?)))
}
