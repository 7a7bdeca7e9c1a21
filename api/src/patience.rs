//! Makes joins give way, so that a deadline or a client that left can stop them.
//!
//! A join that has its input in memory produces, or rejects, any number of rows without a pause:
//! neither a timeout nor a cancelled task reaches it. Two things are changed in every plan, after
//! all other rules:
//!
//! - every join spends the cooperative budget of its task per batch, so that it pauses;
//! - the condition of a join first looks at whether anyone still waits, so that a join which
//!   rejects everything, and so produces no batch to pause after, ends as well.

use datafusion::{
    arrow::{
        array::RecordBatch,
        datatypes::{DataType, FieldRef, Schema},
    },
    common::{
        Result,
        config::ConfigOptions,
        exec_err, internal_err,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::ColumnarValue,
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        coop::CooperativeExec,
        joins::{
            CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PiecewiseMergeJoinExec, SortMergeJoinExec,
            utils::JoinFilter,
        },
    },
};
use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether anyone still waits for the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interest(Arc<AtomicBool>);

impl Interest {
    /// Nobody waits any more.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits any more.
    pub(crate) fn ended(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The rule; belongs to one statement.
#[derive(Debug)]
pub(crate) struct GiveWay(pub(crate) Interest);

impl PhysicalOptimizerRule for GiveWay {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| self.change(node)).map(|changed| changed.data)
    }

    fn name(&self) -> &'static str {
        "GiveWay"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl GiveWay {
    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
        let join: Arc<dyn ExecutionPlan> = if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>()
            && let Some(filter) = join.filter()
        {
            let inputs = (Arc::clone(join.left()), Arc::clone(join.right()));
            let projection = join.projection().as_ref().map(|columns| columns.to_vec());
            let filter = Some(self.guard(filter));
            Arc::new(NestedLoopJoinExec::try_new(inputs.0, inputs.1, filter, join.join_type(), projection)?)
        } else if let Some(join) = node.downcast_ref::<HashJoinExec>()
            && let Some(filter) = join.filter()
        {
            join.builder().with_filter(Some(self.guard(filter))).build_exec()?
        } else if node.is::<NestedLoopJoinExec>()
            || node.is::<HashJoinExec>()
            || node.is::<CrossJoinExec>()
            || node.is::<SortMergeJoinExec>()
            || node.is::<PiecewiseMergeJoinExec>()
        {
            node
        } else {
            return Ok(Transformed::no(node));
        };
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(join))))
    }

    fn guard(&self, filter: &JoinFilter) -> JoinFilter {
        let guarded = WhileWanted { inner: Arc::clone(filter.expression()), interest: self.0.clone() };
        JoinFilter::new(Arc::new(guarded), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
    }
}

/// A condition that fails once nobody waits for it.
#[derive(Debug)]
struct WhileWanted {
    inner: Arc<dyn PhysicalExpr>,
    interest: Interest,
}

impl PhysicalExpr for WhileWanted {
    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.inner.return_field(input)
    }

    fn data_type(&self, input: &Schema) -> Result<DataType> {
        self.inner.data_type(input)
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.inner.nullable(input)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.interest.ended() {
            return exec_err!("nobody waits for the answer");
        }
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let Ok([inner]) = <[Arc<dyn PhysicalExpr>; 1]>::try_from(children) else {
            return internal_err!("the condition has exactly one input");
        };
        Ok(Arc::new(Self { inner, interest: self.interest.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

impl fmt::Display for WhileWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PartialEq for WhileWanted {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner) && Arc::ptr_eq(&self.interest.0, &other.interest.0)
    }
}

impl Eq for WhileWanted {}

impl Hash for WhileWanted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}
