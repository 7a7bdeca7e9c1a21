//! What SQL can ask about fingerprints: which are alike, and how much.
//!
//! ```sql
//! SELECT * FROM similar_fingerprints('4b1d…', 10);
//! SELECT cosine(a.vector_88, b.vector_88) FROM fingerprints a, fingerprints b WHERE …;
//! ```

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int32Array, RecordBatch,
            StringArray, TimestampMicrosecondArray,
        },
        compute::cast,
        datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, TimeUnit},
    },
    catalog::{MemTable, TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, ScalarValue, exec_err, plan_err},
    logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};
use model::{SessionId, similar::Similar, time::SECOND};
use std::sync::Arc;

/// `similar_fingerprints(session, count)`: the nearest fingerprints of the epoch the statement sees.
#[derive(Debug)]
pub(crate) struct SimilarFingerprints(pub(crate) Arc<dyn Similar>);

impl TableFunctionImpl for SimilarFingerprints {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let usage = "similar_fingerprints takes the id of a session and a number: \
                     similar_fingerprints('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 10)";
        let [Expr::Literal(session, _), Expr::Literal(count, _)] = args.exprs() else {
            return plan_err!("{usage}");
        };
        let session = match session {
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)) => text.parse::<SessionId>().ok(),
            _ => None,
        };
        let count = match count {
            ScalarValue::Int64(Some(count)) => usize::try_from(*count).ok(),
            _ => None,
        };
        let (Some(session), Some(count)) = (session, count) else { return plan_err!("{usage}") };
        let found = match self.0.nearest(session, count) {
            Ok(found) => found,
            Err(why) => return plan_err!("{why}"),
        };
        let days = |micros: i64| micros as f64 / (86_400 * SECOND) as f64;
        let warning = |drifted: bool| drifted.then_some("measured beyond the validity of the calibration");
        let columns: Vec<ArrayRef> = vec![
            Arc::new((1..=found.len() as i32).collect::<Int32Array>()),
            Arc::new(found.iter().map(|one| Some(one.session.to_string())).collect::<StringArray>()),
            Arc::new(found.iter().map(|one| Some(one.user.to_string())).collect::<StringArray>()),
            Arc::new(
                found
                    .iter()
                    .map(|one| Some(one.measured_at))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
            Arc::new(found.iter().map(|one| Some(one.cosine)).collect::<Float32Array>()),
            Arc::new(found.iter().map(|one| Some(one.certain)).collect::<BooleanArray>()),
            Arc::new(found.iter().map(|one| Some(days(one.older_by))).collect::<Float64Array>()),
            Arc::new(found.iter().map(|one| warning(one.drifted)).collect::<StringArray>()),
        ];
        let rows = RecordBatch::try_new(columns_of(), columns)?;
        Ok(Arc::new(MemTable::try_new(columns_of(), vec![vec![rows]])?))
    }
}

fn columns_of() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("rank", DataType::Int32, false),
        Field::new("session_id", DataType::Utf8, false),
        Field::new("user_id", DataType::Utf8, false),
        Field::new("measured_at", time, false),
        Field::new("cosine", DataType::Float32, false),
        Field::new("certain", DataType::Boolean, false),
        Field::new("older_by_days", DataType::Float64, false),
        Field::new("warning", DataType::Utf8, true),
    ]))
}

/// `cosine(a, b)`: of the angle between two lists of numbers; null if one is null, of length zero, or not finite.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cosine {
    signature: Signature,
}

impl Default for Cosine {
    fn default() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Cosine {
    fn name(&self) -> &'static str {
        "cosine"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let is_list = |kind: &DataType| {
            matches!(
                kind,
                DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Null
            )
        };
        if arguments.iter().all(is_list) {
            return Ok(DataType::Float64);
        }
        plan_err!(
            "cosine takes two lists of numbers, as the columns vector_88, vector_448 and vector_896 of fingerprints"
        )
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let wanted = DataType::List(Arc::new(Field::new("item", DataType::Float64, true)));
        let (left, right) = (cast(&arrays[0], &wanted)?, cast(&arrays[1], &wanted)?);
        let (left, right) = (left.as_list::<i32>(), right.as_list::<i32>());
        let mut cosines = Vec::with_capacity(left.len());
        for row in 0..left.len() {
            let both = left.is_valid(row) && right.is_valid(row);
            cosines.push(if both { cosine(&left.value(row), &right.value(row))? } else { None });
        }
        Ok(ColumnarValue::Array(Arc::new(Float64Array::from(cosines))))
    }
}

fn cosine(left: &ArrayRef, right: &ArrayRef) -> Result<Option<f64>> {
    if left.len() != right.len() {
        return exec_err!(
            "cosine of lists of {} and {} values: compare fingerprints of one layout",
            left.len(),
            right.len()
        );
    }
    let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
    if left.null_count() + right.null_count() > 0 {
        return Ok(None);
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (left, right) = (left.values(), right.values());
    let length = (dot(left, left) * dot(right, right)).sqrt();
    let cosine = dot(left, right) / length;
    Ok(cosine.is_finite().then(|| cosine.clamp(-1.0, 1.0)))
}
