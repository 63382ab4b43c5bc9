//! Data files of a table read as they are, by their names alone: what a stream takes of each commit. Asks the library
//! for nothing, so that a small micro-batch costs the same however large the table is. Must not decide which files are read.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result as QueryResult;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use object_store::{ObjectMeta, ObjectStore};
use url::Url;

use crate::TableError;
use crate::changes::DataFile;
use crate::table::{DeltaTable, Loaded};

/// The rows of some data files.
#[derive(Debug)]
struct FileScan {
    schema: SchemaRef,
    files: Vec<ObjectMeta>,
    base: Url,
    objects: Arc<dyn ObjectStore>,
}

#[async_trait]
impl TableProvider for FileScan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> QueryResult<Arc<dyn ExecutionPlan>> {
        session
            .runtime_env()
            .register_object_store(&self.base, Arc::clone(&self.objects));
        let lanes = session
            .config()
            .target_partitions()
            .clamp(1, self.files.len().max(1));
        let mut groups = vec![FileGroup::new(vec![]); lanes];
        for (index, file) in self.files.iter().enumerate() {
            groups[index % lanes].push(PartitionedFile::new_from_meta(file.clone()));
        }
        let source = ParquetSource::new(Arc::clone(&self.schema));
        let store = ObjectStoreUrl::parse(&self.base)?;
        let config = FileScanConfigBuilder::new(store, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

impl DeltaTable {
    /// The rows of given files under the columns of a version; `None` where names alone do not tell their rows: rows
    /// marked as deleted, partition columns, mapped columns, and nested columns, whose fields may have changed.
    pub(crate) fn plain_scan(
        &self,
        loaded: &Loaded,
        files: &[DataFile],
    ) -> Result<Option<Arc<dyn TableProvider>>, TableError> {
        let metadata = loaded.state.metadata();
        let is_plain = metadata.partition_columns().is_empty()
            && !metadata
                .configuration()
                .contains_key("delta.columnMapping.mode")
            && !files.iter().any(|file| file.has_deletion_vector)
            && loaded
                .schema
                .fields()
                .iter()
                .all(|field| is_flat(field.data_type()));
        if !is_plain {
            return Ok(None);
        }
        let mut seen = BTreeSet::new();
        let mut places = vec![];
        for file in files {
            // A path of another store stays with the library, and a file that is named twice is read once.
            if Url::parse(&file.path).is_ok() {
                return Ok(None);
            }
            if seen.insert(&file.path) {
                places.push(ObjectMeta {
                    location: self.location.file(&file.path)?.path().clone(),
                    last_modified: chrono::DateTime::from_timestamp_millis(file.modification_time)
                        .unwrap_or_default(),
                    size: file.size,
                    e_tag: None,
                    version: None,
                });
            }
        }
        if places.is_empty() {
            return Ok(Some(Arc::new(EmptyTable::new(Arc::clone(&loaded.schema)))));
        }
        Ok(Some(Arc::new(FileScan {
            schema: Arc::clone(&loaded.schema),
            files: places,
            // The table may lie in another store than the warehouse.
            base: self.store.root_of(&self.location),
            objects: self.store.objects_of(&self.location)?,
        })))
    }
}

fn is_flat(data_type: &DataType) -> bool {
    !data_type.is_nested()
}
