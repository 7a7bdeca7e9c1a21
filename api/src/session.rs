//! The SQL session of one statement: the names of one snapshot, and nothing that writes.
//!
//! What is expensive to make, the functions, is made once at the first statement; what belongs to a
//! statement, names and memory, is made for it and dropped with it.

use crate::{
    catalog::{CATALOG, Catalog, Catalogs, PUBLIC},
    error::Error,
    explain::Explain,
    fhir::Asked,
    memory::Share,
    options::Limits,
    patience::{GiveWay, Interest},
    policy,
    readiness::State,
    similar::{Cosine, SimilarFingerprints},
};
use datafusion::{
    arrow::datatypes::DataType,
    common::{Result as DataResult, ScalarValue},
    execution::{
        SessionStateDefaults,
        context::SQLOptions,
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::{GreedyMemoryPool, MemoryPool},
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
        session_state::{SessionState, SessionStateBuilder},
    },
    logical_expr::{
        ColumnarValue, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
    prelude::{SessionConfig, SessionContext},
};
use model::{Epoch, view::Snapshot};
use std::sync::{Arc, OnceLock};

/// Makes sessions that share functions, memory and footers of files.
#[derive(Debug)]
pub(crate) struct Sessions {
    shared: Arc<RuntimeEnv>,
    memory: Arc<dyn MemoryPool>,
    question_memory_bytes: usize,
    threads: usize,
    functions: OnceLock<SessionState>,
}

impl Sessions {
    /// Makes nothing yet but the pools.
    pub(crate) fn new(limits: &Limits) -> DataResult<Self> {
        let memory: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(limits.total_memory_bytes));
        let disk = match &limits.spill {
            None => DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            Some(spill) => DiskManagerBuilder::default()
                .with_mode(DiskManagerMode::Directories(vec![spill.directory.clone()]))
                .with_max_temp_directory_size(spill.bytes),
        };
        let shared = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(disk)
            .with_memory_pool(Arc::clone(&memory))
            .with_metadata_cache_limit(limits.footer_cache_bytes)
            .build_arc()?;
        Ok(Self {
            shared,
            memory,
            question_memory_bytes: limits.question_memory_bytes,
            threads: limits.threads.max(1),
            functions: OnceLock::new(),
        })
    }

    /// A session over `snapshot` that stops computing when `interest` ends.
    pub(crate) fn open(
        &self,
        snapshot: &Snapshot,
        state: Option<&State>,
        interest: Interest,
    ) -> DataResult<SessionContext> {
        let share = Share::new(self.question_memory_bytes, Arc::clone(&self.memory));
        let runtime = RuntimeEnv { memory_pool: Arc::new(share), ..self.shared.as_ref().clone() };
        let functions = self.functions.get_or_init(|| functions(self.threads)).clone();
        let catalog = Catalog::new(snapshot, state)?;
        let fhir = Asked::functions(|table| catalog.table(table));
        let state = SessionStateBuilder::new_from_existing(functions)
            .with_catalog_list(Arc::new(Catalogs(catalog)))
            .with_runtime_env(Arc::new(runtime))
            .with_physical_optimizer_rule(Arc::new(GiveWay(interest)))
            .build();
        let session = SessionContext::new_with_state(state);
        session.register_udf(ScalarUDF::new_from_impl(AsOfEpoch::new(snapshot.as_of_epoch)));
        session.register_udf(ScalarUDF::new_from_impl(Cosine::default()));
        let similar = SimilarFingerprints(Arc::clone(&snapshot.similar));
        session.register_udtf("similar_fingerprints", Arc::new(similar));
        session.register_udtf("explain", Arc::new(Explain(Arc::clone(&snapshot.about))));
        for (name, function) in fhir.into_iter().flatten() {
            session.register_udtf(name, Arc::new(function));
        }
        Ok(session)
    }
}

/// Parses, admits and plans one statement; `?` and `$1` are left open if no values are given.
pub(crate) async fn plan(
    session: &SessionContext,
    sql: &str,
    values: &[ScalarValue],
) -> Result<LogicalPlan, Error> {
    policy::admit_size(sql)?;
    let state = session.state();
    let dialect = state.config().options().sql_parser.dialect;
    let mut statement = state.sql_to_statement(sql, &dialect).map_err(|error| Error::planning(&error))?;
    policy::admit(&statement)?;
    policy::number_placeholders(&mut statement);
    let plan = state.statement_to_plan(statement).await.map_err(|error| Error::planning(&error))?;
    // A second lock behind the first: the plan is checked as well as the text.
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|_| Error::Refused { what: "a statement that changes something".to_owned() })?;
    if values.is_empty() {
        return Ok(plan);
    }
    plan.with_param_values(values.to_vec()).map_err(|error| Error::planning(&error))
}

/// Everything of a session that does not belong to one statement.
fn functions(threads: usize) -> SessionState {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, PUBLIC)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_target_partitions(threads);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    // A recursive query has no bound of its own on the length of a value.
    options.execution.enable_recursive_ctes = false;
    // No file formats and no table factories: there is nothing that could open a path.
    SessionStateBuilder::new()
        .with_config(config)
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_table_function_list(SessionStateDefaults::default_table_functions())
        .with_scalar_functions(
            SessionStateDefaults::default_scalar_functions()
                .into_iter()
                .filter(|function| !policy::BOUNDLESS.contains(&function.name()))
                .collect(),
        )
        .build()
}

/// `as_of_epoch()`: the epoch the statement sees.
#[derive(Debug, PartialEq, Eq, Hash)]
struct AsOfEpoch {
    signature: Signature,
    epoch: Option<Epoch>,
}

impl AsOfEpoch {
    fn new(epoch: Option<Epoch>) -> Self {
        Self { signature: Signature::exact(vec![], Volatility::Immutable), epoch }
    }
}

impl ScalarUDFImpl for AsOfEpoch {
    fn name(&self) -> &'static str {
        "as_of_epoch"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DataResult<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> DataResult<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::Int64(self.epoch.map(|epoch| epoch as i64))))
    }
}
