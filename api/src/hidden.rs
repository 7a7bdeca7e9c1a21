//! The condition that a row still counts.
//!
//! A correction retracts rows that the lake already holds; until the lake is rewritten their
//! identities are kept beside it, and every scan drops them.

use datafusion::{
    arrow::{
        array::{Array, BooleanArray, FixedSizeBinaryArray, RecordBatch},
        datatypes::{DataType, Schema},
    },
    common::{Result, internal_err},
    logical_expr::ColumnarValue,
    physical_expr::PhysicalExpr,
};
use model::view::RowId;
use std::{
    collections::HashSet,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// True for a row whose identity is not among the hidden ones.
#[derive(Debug)]
pub(crate) struct StillCounts {
    row: Arc<dyn PhysicalExpr>,
    hidden: Arc<HashSet<RowId>>,
}

impl StillCounts {
    /// `row` yields the identity of a row.
    pub(crate) fn new(row: Arc<dyn PhysicalExpr>, hidden: Arc<HashSet<RowId>>) -> Self {
        Self { row, hidden }
    }
}

impl PhysicalExpr for StillCounts {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(false)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let rows = self.row.evaluate(batch)?.into_array(batch.num_rows())?;
        let Some(rows) = rows.as_any().downcast_ref::<FixedSizeBinaryArray>() else {
            return internal_err!("the identity of a row is not fixed-size binary");
        };
        let keep: BooleanArray = rows
            .iter()
            .map(|row| {
                let id = row.and_then(|row| RowId::try_from(row).ok());
                Some(id.is_none_or(|id| !self.hidden.contains(&id)))
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(keep)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.row]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let Ok([row]) = <[Arc<dyn PhysicalExpr>; 1]>::try_from(children) else {
            return internal_err!("the condition has exactly one input");
        };
        Ok(Arc::new(Self { row, hidden: Arc::clone(&self.hidden) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for StillCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "still counts ({} hidden)", self.hidden.len())
    }
}

// Equal when they hide by the very same set: a set is never changed, so identity is enough.
impl PartialEq for StillCounts {
    fn eq(&self, other: &Self) -> bool {
        self.row.eq(&other.row) && Arc::ptr_eq(&self.hidden, &other.hidden)
    }
}

impl Eq for StillCounts {}

impl Hash for StillCounts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.row.hash(state);
        Arc::as_ptr(&self.hidden).hash(state);
    }
}
