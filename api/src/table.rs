//! One table to SQL: what the lake keeps and what lives in memory, minus what was retracted.
//!
//! # Invariants
//! - Only files that the snapshot names are opened; no directory is ever listed.
//! - The identity of a row is read only when rows are hidden, and never leaves the scan.
//! - All of a scan comes from one snapshot, so every table of a statement shows the same epoch.

use crate::hidden::StillCounts;
use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::{Schema, SchemaRef},
    catalog::{Session, TableProvider},
    common::{DataFusionError, Result, Statistics, stats::Precision},
    datasource::{
        listing::PartitionedFile,
        memory::MemorySourceConfig,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource},
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    execution::object_store::ObjectStoreUrl,
    logical_expr::{Expr, TableType},
    physical_expr::expressions::Column,
    physical_plan::{ExecutionPlan, empty::EmptyExec, filter::FilterExecBuilder, union::UnionExec},
};
use model::{
    table::{ROW, Table},
    view::{Snapshot, TableView},
};
use object_store::{ObjectMeta, path::Path};
use std::sync::Arc;

/// One table of one snapshot.
#[derive(Debug)]
pub(crate) struct LakeAndLive {
    /// With the identity of the row, as it is stored.
    stored: SchemaRef,
    /// Without it, as SQL sees it.
    visible: SchemaRef,
    view: TableView,
}

impl LakeAndLive {
    /// The table as the snapshot has it; empty if the snapshot does not name it yet.
    pub(crate) fn new(table: &Table, snapshot: &Snapshot) -> Self {
        Self {
            stored: Arc::clone(&table.schema),
            visible: visible(&table.schema),
            view: snapshot.tables.get(table.name).cloned().unwrap_or_default(),
        }
    }

    /// The given stored columns of the lake's files, in as many groups as may be read at once.
    fn lake(&self, columns: &[usize], limit: Option<usize>, groups: usize) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.view.files.iter().map(partitioned).collect::<Result<Vec<_>>>()?;
        let rows = self.view.files.iter().map(|file| file.rows as usize).sum();
        let mut statistics = Statistics::new_unknown(&self.stored);
        // Inexact: a count is answered from the files, not from what was written about them.
        statistics.num_rows = Precision::Inexact(rows);
        let source = ParquetSource::new(TableSchema::from(Arc::clone(&self.stored)));
        let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(FileGroup::new(files).split_files(groups.max(1)))
            .with_statistics(statistics)
            .with_limit(limit)
            .with_projection_indices(Some(columns.to_vec()))?
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }

    /// The given stored columns of the rows in memory.
    fn live(&self, columns: &[usize], limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = [self.view.live.clone()];
        let source =
            MemorySourceConfig::try_new(&partitions, Arc::clone(&self.stored), Some(columns.to_vec()))?;
        Ok(DataSourceExec::from_data_source(source.with_limit(limit)))
    }
}

#[async_trait]
impl TableProvider for LakeAndLive {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.visible)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // The condition of the statement stays above the scan; the optimiser hands it down to the
        // Parquet reader, which skips row groups and pages by it.
        let hides = !self.view.hidden.is_empty();
        let wanted: Vec<usize> = match projection {
            Some(columns) => columns.iter().map(|column| column + 1).collect(),
            None => (1..self.stored.fields().len()).collect(),
        };
        let columns = if hides { [&[0], wanted.as_slice()].concat() } else { wanted };
        // A limit may only be applied where every row counts.
        let limit = limit.filter(|_| !hides);

        let mut parts = Vec::new();
        if !self.view.files.is_empty() {
            parts.push(self.lake(&columns, limit, state.config().target_partitions())?);
        }
        if !self.view.live.is_empty() {
            parts.push(self.live(&columns, limit)?);
        }
        let rows: Arc<dyn ExecutionPlan> = match parts.pop() {
            None => Arc::new(EmptyExec::new(Arc::new(self.stored.project(&columns)?))),
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                UnionExec::try_new(parts)?
            }
        };
        if !hides {
            return Ok(rows);
        }
        let row = Arc::new(Column::new(ROW, 0));
        let counts = Arc::new(StillCounts::new(row, Arc::clone(&self.view.hidden)));
        let all_but_row = (1..columns.len()).collect();
        Ok(Arc::new(FilterExecBuilder::new(counts, rows).apply_projection(Some(all_but_row))?.build()?))
    }
}

/// A schema without the identity of the row.
pub(crate) fn visible(stored: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = stored.fields().iter().filter(|field| field.name() != ROW).map(Arc::clone).collect();
    Arc::new(Schema::new(fields))
}

fn partitioned(file: &model::view::LakeFile) -> Result<PartitionedFile> {
    let location = Path::from_absolute_path(&file.path)
        .map_err(|error| DataFusionError::ObjectStore(Box::new(error.into())))?;
    Ok(PartitionedFile::new_from_meta(ObjectMeta {
        location,
        // A file never changes after it was named, so its age says nothing.
        last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
        size: file.bytes,
        e_tag: None,
        version: None,
    }))
}
