//! Tables to queries: a provider pinned to a version, or to given files of it. Must not run queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::TableType;
use datafusion::error::Result as QueryResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionContext, col, lit};
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext, FileSelection};
use object_store::ObjectStore;
use url::Url;

use crate::TableError;
use crate::changes::DataFile;
use crate::table::{DeltaTable, Loaded};

/// A scan of one version that brings its store along: whichever session plans it can read it.
#[derive(Debug)]
struct PinnedScan {
    scan: DeltaScanNext,
    base: Url,
    objects: Arc<dyn ObjectStore>,
}

#[async_trait]
impl TableProvider for PinnedScan {
    fn schema(&self) -> SchemaRef {
        self.scan.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> QueryResult<Arc<dyn ExecutionPlan>> {
        session
            .runtime_env()
            .register_object_store(&self.base, Arc::clone(&self.objects));
        self.scan.scan(session, projection, filters, limit).await
    }

    /// Filters only skip files, those on partition columns too: the library calls these exact, and reads a file for which one is
    /// NULL (`k IN (1, NULL)`) or cannot be told (`(k > 1) IS NULL`), as if it were TRUE.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> QueryResult<Vec<TableProviderFilterPushDown>> {
        let mut found = self.scan.supports_filters_pushdown(filters)?;
        for support in &mut found {
            if *support == TableProviderFilterPushDown::Exact {
                *support = TableProviderFilterPushDown::Inexact;
            }
        }
        Ok(found)
    }
}

impl DeltaTable {
    /// The rows of a version (`None`: the handle's), with columns of exactly the types of [`DeltaTable::schema`]: no view
    /// and no dictionary types. Filters on partition columns and on columns with statistics skip files.
    ///
    /// # Errors
    /// The log does not hold the version, or the table needs a reader feature that we do not have.
    pub async fn provider(
        &self,
        version: Option<u64>,
    ) -> Result<Arc<dyn TableProvider>, TableError> {
        let loaded = self.at(version).await?;
        self.scan_of(&loaded, None).await
    }

    /// The rows of given files, as [`DeltaTable::changes`] and [`DeltaTable::snapshot_files`] give them, under the
    /// columns of the newest version among them (`at_least` if that is newer). Files without a column give NULL.
    ///
    /// # Errors
    /// As [`DeltaTable::provider`]; when the query runs, a file that is gone is an error.
    pub async fn provider_for_files(
        &self,
        files: &[DataFile],
        at_least: u64,
    ) -> Result<Arc<dyn TableProvider>, TableError> {
        let newest = files
            .iter()
            .map(|file| file.version)
            .max()
            .unwrap_or(0)
            .max(at_least);
        let newest = self.at(Some(newest)).await?;
        if let Some(scan) = self.plain_scan(&newest, files)? {
            return Ok(scan);
        }
        let active: std::collections::HashSet<String> = self
            .files_of(&newest)
            .await?
            .log_data()
            .iter()
            .map(|file| file.path().to_string())
            .collect();
        let (present, replaced): (Vec<&DataFile>, Vec<&DataFile>) =
            files.iter().partition(|file| active.contains(&file.path));
        let present = self.scan_of(&newest, Some(&present)).await?;
        if replaced.is_empty() {
            return Ok(present);
        }
        // A file that was rewritten since is read at the version that added it.
        let mut by_version: BTreeMap<u64, Vec<&DataFile>> = BTreeMap::new();
        for file in replaced {
            by_version.entry(file.version).or_default().push(file);
        }
        let session = SessionContext::new();
        let mut all = session.read_table(present)?;
        for (version, files) in by_version {
            let loaded = self.at(Some(version)).await?;
            let part = session.read_table(self.scan_of(&loaded, Some(&files)).await?)?;
            all = all.union(part.select(under(&newest.schema, &loaded.schema)?)?)?;
        }
        Ok(all.into_view())
    }

    async fn scan_of(
        &self,
        loaded: &Loaded,
        files: Option<&[&DataFile]>,
    ) -> Result<Arc<dyn TableProvider>, TableError> {
        let config = DeltaScanConfig {
            wrap_partition_values: false,
            schema_force_view_types: false,
            enable_parquet_pushdown: false,
            ..DeltaScanConfig::new()
        };
        let mut scan = DeltaScanNext::new(self.files_of(loaded).await?.snapshot().clone(), config)?;
        if let Some(files) = files {
            let base = self.store.url_of(&self.location);
            let urls = files.iter().map(|file| file_url(&base, &file.path));
            scan = scan.with_file_selection(FileSelection::from_file_paths(urls));
        }
        Ok(Arc::new(PinnedScan {
            scan,
            base: self.store.root_of(&self.location),
            objects: self.store.objects_of(&self.location)?,
        }))
    }
}

/// The URL of a file, as the library forms it from the log.
fn file_url(table: &Url, path: &str) -> String {
    match Url::parse(path) {
        Ok(absolute) if absolute.has_host() || absolute.scheme() == "file" => absolute.to_string(),
        _ => {
            let mut url = table.clone();
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.pop_if_empty().extend(path.split('/'));
            }
            url.to_string()
        }
    }
}

/// Expressions that bring rows of older columns under newer ones: missing columns are NULL.
fn under(newer: &SchemaRef, older: &SchemaRef) -> Result<Vec<Expr>, TableError> {
    let expressions = newer.fields().iter().map(|field| {
        let name = field.name();
        match older.field_with_name(name) {
            Ok(present) if present.data_type() == field.data_type() => {
                Ok(col(datafusion::common::Column::new_unqualified(name)))
            }
            Ok(_) => Ok(datafusion::logical_expr::cast(
                col(datafusion::common::Column::new_unqualified(name)),
                field.data_type().clone(),
            )
            .alias(name)),
            Err(_) => Ok(lit(ScalarValue::try_new_null(field.data_type())?).alias(name)),
        }
    });
    expressions.collect()
}
