//! OPTIMIZE and VACUUM as statements ask for them. What they do to files is `table`'s; here it is decided whether they
//! may, and what they mean for the columns and partitions of one table.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use sluice_graph::query::Expression;
use sluice_graph::statement::Located;
use sluice_model::condition::query::UNRESOLVED_COLUMN;
use sluice_model::condition::table::{
    DELTA_CLUSTERING_WITH_ZORDER_BY, DELTA_NON_PARTITION_COLUMN_REFERENCE,
    DELTA_OPTIMIZE_FULL_NOT_SUPPORTED, DELTA_VACUUM_RETENTION_TOO_SHORT,
    DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST, DELTA_ZORDERING_ON_COLUMN_WITHOUT_STATS,
    DELTA_ZORDERING_ON_PARTITION_COLUMN,
};
use sluice_model::{Diagnostic, Origin};
use sluice_table::{
    DeltaTable, OptimizeRequest, Optimized, PartitionValues, RETENTION_MS, Vacuumed,
};

use crate::engine::Engine;
use crate::error::{Failure, Result, internal};
use crate::lease::Lease;
use crate::tables::schema::{CLUSTER_BY, OWNER};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// `OPTIMIZE t [FULL] [WHERE …] [ZORDER BY …]`.
#[derive(Debug, Clone)]
pub struct OptimizeStatement {
    /// Where the table stands.
    pub origin: Origin,
    /// `FULL`.
    pub full: bool,
    /// `WHERE`.
    pub predicate: Option<Expression>,
    /// `ZORDER BY`.
    pub z_order_by: Vec<Located<String>>,
}

/// `VACUUM t [RETAIN n HOURS] [DRY RUN]`.
#[derive(Debug, Clone)]
pub struct VacuumStatement {
    /// Where the table stands.
    pub origin: Origin,
    /// `RETAIN`, milliseconds.
    pub retain_ms: Option<Located<u64>>,
    /// `DRY RUN`.
    pub dry_run: bool,
    /// A retention below the table's own is allowed.
    pub force: bool,
}

impl Engine {
    /// Rewrites files of a table so that reading is quicker. May run beside an update: whichever of the two commits later
    /// starts again from what is there.
    pub async fn optimize(
        &self,
        table: &DeltaTable,
        statement: &OptimizeStatement,
    ) -> std::result::Result<Optimized, Vec<Diagnostic>> {
        let done = async {
            let mut request = Self::order_of(table, statement)?;
            if let Some(predicate) = &statement.predicate {
                request.partitions = Some(self.partitions_where(table, predicate).await?);
                request.predicate = Some(predicate.text.clone());
            }
            Ok(table.optimize(&request).await?)
        };
        done.await.map_err(Failure::into_diagnostics)
    }

    /// The order that the rows are to have: as asked, or as the table is clustered.
    fn order_of(table: &DeltaTable, statement: &OptimizeStatement) -> Result<OptimizeRequest> {
        let schema = table.schema();
        let properties = table.properties();
        let clustered = properties.get(CLUSTER_BY);
        if let Some(columns) = clustered {
            if let Some(first) = statement.z_order_by.first() {
                let message = format!("the table is clustered by {columns}");
                let error = Diagnostic::error(&DELTA_CLUSTERING_WITH_ZORDER_BY, message);
                return Err(error
                    .at(&first.origin, "")
                    .help("leave ZORDER BY out")
                    .into());
            }
            let spelled = columns.split(',').filter_map(|name| {
                let field = schema
                    .fields()
                    .iter()
                    .find(|f| f.name().eq_ignore_ascii_case(name));
                field.map(|field| field.name().clone())
            });
            return Ok(OptimizeRequest {
                z_order_by: spelled.collect(),
                all_files: statement.full,
                ..OptimizeRequest::default()
            });
        }
        if statement.full {
            let message = "the table has no CLUSTER BY, by which FULL would order all rows again";
            let error = Diagnostic::error(&DELTA_OPTIMIZE_FULL_NOT_SUPPORTED, message);
            return Err(error
                .at(&statement.origin, "")
                .help("leave FULL out, or name columns: `ZORDER BY (…)`")
                .into());
        }
        let partitions: BTreeSet<String> = table.partition_by().into_iter().collect();
        let z_order_by = statement
            .z_order_by
            .iter()
            .map(|column| z_order_column(&schema, &partitions, column))
            .collect::<Result<Vec<_>, Diagnostic>>()?;
        Ok(OptimizeRequest {
            all_files: !z_order_by.is_empty(),
            z_order_by,
            ..OptimizeRequest::default()
        })
    }

    /// The partitions that a predicate is TRUE for.
    async fn partitions_where(
        &self,
        table: &DeltaTable,
        predicate: &Expression,
    ) -> Result<HashSet<PartitionValues>> {
        table.refresh().await?;
        let columns = table.partition_by();
        let files = table.snapshot_files(table.version()).await?;
        let distinct: BTreeSet<PartitionValues> = files
            .into_iter()
            .map(|file| file.partition_values)
            .collect();
        let distinct: Vec<PartitionValues> = distinct.into_iter().collect();
        let rows = typed(table, &columns, &distinct)?;
        let session = self.session(self.clock().now_us())?;
        let matching = session.matching(&rows, predicate).await.map_err(|errors| {
            let told = |error: Diagnostic| match error.origin().cloned() {
                Some(origin) if *error.condition == UNRESOLVED_COLUMN => Diagnostic::error(
                    &DELTA_NON_PARTITION_COLUMN_REFERENCE,
                    "the predicate names a column that is no partition column",
                )
                .at(&origin, "")
                .fact(match columns.as_slice() {
                    [] => "the table has no partition columns".to_string(),
                    columns => format!("partition columns: {}", columns.join(", ")),
                })
                .help("OPTIMIZE rewrites whole files: choose by partition, or leave WHERE out"),
                _ => error,
            };
            errors.into_iter().map(told).collect::<Vec<_>>()
        })?;
        Ok(matching
            .into_iter()
            .filter_map(|row| distinct.get(row).cloned())
            .collect())
    }

    /// Deletes files of a table that nothing within the retention needs. A retention below the table's own is refused
    /// unless forced, and then needs that no update runs.
    pub async fn vacuum(
        &self,
        table: &DeltaTable,
        statement: &VacuumStatement,
    ) -> std::result::Result<Vacuumed, Vec<Diagnostic>> {
        let done = async {
            let floor_ms = table.file_retention_ms();
            let (retain_ms, origin) = match &statement.retain_ms {
                Some(asked) => (
                    i64::try_from(asked.value).unwrap_or(i64::MAX),
                    &asked.origin,
                ),
                None => (floor_ms, &statement.origin),
            };
            if retain_ms < floor_ms && !statement.force {
                return Err(too_short(retain_ms, floor_ms, origin).into());
            }
            let lease = if retain_ms < RETENTION_MS && !statement.dry_run {
                self.lease_of(table).await?
            } else {
                Lease::NotNeeded
            };
            let vacuumed = table.vacuum(retain_ms, statement.dry_run).await;
            lease.release().await;
            Ok(vacuumed?)
        };
        done.await.map_err(Failure::into_diagnostics)
    }

    /// The lease of the pipeline that owns a table: while it is held, no update of it runs.
    pub(crate) async fn lease_of(&self, table: &DeltaTable) -> Result<Lease> {
        match table.properties().get(OWNER) {
            Some(owner) => self.take_lease_of(owner).await,
            None => Ok(Lease::NotNeeded),
        }
    }
}

/// A column of ZORDER BY as the table spells it.
fn z_order_column(
    schema: &Schema,
    partitions: &BTreeSet<String>,
    column: &Located<String>,
) -> Result<String, Diagnostic> {
    let found = schema
        .fields()
        .iter()
        .find(|f| f.name().eq_ignore_ascii_case(&column.value));
    let error =
        |condition, message: String| Diagnostic::error(condition, message).at(&column.origin, "");
    match found {
        None => {
            let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            let message = format!("the table has no column `{}`", column.value);
            Err(error(&DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST, message)
                .fact(format!("columns: {}", names.join(", "))))
        }
        Some(field) if partitions.contains(field.name()) => {
            let message = format!("`{}` is a partition column", field.name());
            Err(error(&DELTA_ZORDERING_ON_PARTITION_COLUMN, message)
                .help("all rows of a file have the same value there: name other columns"))
        }
        Some(field) if field.data_type().is_nested() => {
            let message = format!("`{}` has no smallest and largest value", field.name());
            Err(error(&DELTA_ZORDERING_ON_COLUMN_WITHOUT_STATS, message)
                .help("name columns of simple types"))
        }
        Some(field) => Ok(field.name().clone()),
    }
}

/// Partitions as rows with the types of their columns.
fn typed(
    table: &DeltaTable,
    columns: &[String],
    values: &[PartitionValues],
) -> Result<RecordBatch> {
    let schema = table.schema();
    let broken = |error: &dyn std::fmt::Display| internal(&format!("partition values: {error}"));
    let (mut fields, mut arrays) = (vec![], vec![]);
    for name in columns {
        let field = schema
            .field_with_name(name)
            .map_err(|error| broken(&error))?;
        let texts: StringArray = values
            .iter()
            .map(|partition| partition.get(name).cloned().flatten())
            .collect();
        let array =
            arrow::compute::cast(&texts, field.data_type()).map_err(|error| broken(&error))?;
        fields.push(Field::new(name, field.data_type().clone(), true));
        arrays.push(array);
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(values.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| broken(&error).into())
}

fn too_short(retain_ms: i64, floor_ms: i64, origin: &Origin) -> Diagnostic {
    let hours = |milliseconds: i64| match milliseconds / (HOUR_MS / 60) {
        60 => "1 hour".to_owned(),
        minutes if minutes % 60 == 0 => format!("{} hours", minutes / 60),
        minutes => format!("{minutes} minutes"),
    };
    let message = format!(
        "files would be kept for {}, and the table keeps them for {}",
        hours(retain_ms),
        hours(floor_ms)
    );
    Diagnostic::error(&DELTA_VACUUM_RETENTION_TOO_SHORT, message)
        .at(origin, "")
        .fact("nothing was deleted")
        .help("leave RETAIN out")
        .help("or, while nothing reads older versions: `sluice vacuum TABLE --retain … --force`")
}
