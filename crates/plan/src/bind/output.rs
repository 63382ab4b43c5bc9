//! A bound query: its columns, and what can be done with it. Must not bind.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream, execute_stream_partitioned};
use futures::StreamExt;
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin, SparkType};
use sluice_sql::query::Query;

use super::query::Bound;
use super::scope::{Scope, ScopeColumn, same};
use super::view::View;
use super::{Facts, marked};
use crate::Session;
use crate::error::{Result, diagnose};
use crate::rewrite::unify;
use crate::stream::TimeKind;

/// An output column of a bound query.
#[derive(Debug, Clone)]
pub struct OutputColumn {
    /// Name, case kept.
    pub name: String,
    /// Type.
    pub data_type: DataType,
    /// Where it was written (`*` for columns of a star).
    pub origin: Origin,
    /// Whether it is computed and has no alias: refused for tables.
    pub unnamed: bool,
    /// The field of the plan.
    pub(crate) field: String,
    /// How it carries event time, if it does.
    pub(crate) event_time: Option<TimeKind>,
}

/// A query with its meaning: ready to be checked, conformed, explained and executed.
#[derive(Debug, Clone)]
pub struct BoundQuery {
    pub(crate) session: Session,
    pub(crate) plan: LogicalPlan,
    pub(crate) columns: Vec<OutputColumn>,
    pub(crate) origin: Origin,
    pub(crate) facts: Facts,
    pub(crate) streaming: bool,
}

impl BoundQuery {
    pub(crate) fn new(session: &Session, query: &Query, bound: Bound, facts: Facts) -> Self {
        let columns = bound.columns.into_iter().map(|column| OutputColumn {
            name: column.name,
            data_type: column.data_type,
            origin: column.origin,
            unnamed: column.unnamed,
            field: column.field,
            event_time: column.event_time,
        });
        Self {
            session: session.clone(),
            plan: bound.plan,
            columns: columns.collect(),
            origin: query.origin.clone(),
            facts,
            streaming: bound.streaming,
        }
    }

    /// The output columns.
    #[must_use]
    pub fn columns(&self) -> &[OutputColumn] {
        &self.columns
    }

    /// The output schema, in the Arrow form of Spark's types; all columns nullable.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let fields = self
            .columns
            .iter()
            .map(|column| Field::new(&column.name, canonical(&column.data_type), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The schema with the marks of event time, for whoever reads the query as a table.
    #[must_use]
    pub fn marked_schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|column| {
            let field = Field::new(&column.name, canonical(&column.data_type), true);
            marked(field, column.event_time)
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Whether rows come from a stream.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// Where the query begins.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// DataFusion's logical plan, not optimized.
    #[must_use]
    pub fn plan(&self) -> &LogicalPlan {
        &self.plan
    }

    /// What is wrong with the query as the content of a table: computed columns without a name, names that occur
    /// twice, types that no table can hold.
    #[must_use]
    pub fn check_table_columns(&self) -> Vec<Diagnostic> {
        let mut out = vec![];
        for (index, column) in self.columns.iter().enumerate() {
            if column.unnamed {
                let message = format!(
                    "column {} of the query is computed and has no name",
                    index + 1
                );
                let diagnostic = Diagnostic::error(&condition::EXPRESSION_WITHOUT_ALIAS, message);
                out.push(
                    diagnostic
                        .at(&column.origin, "")
                        .help("name it: `… AS name`"),
                );
            } else if let Some(other) = self.columns[..index]
                .iter()
                .find(|other| same(&other.name, &column.name))
            {
                let message = format!("two columns are called `{}`", column.name);
                let diagnostic = Diagnostic::error(&condition::COLUMN_ALREADY_EXISTS, message);
                out.push(
                    diagnostic
                        .at(&column.origin, "")
                        .at(&other.origin, "the other one"),
                );
            }
            if SparkType::from_arrow(&column.data_type).is_none() {
                let words = unify::words(&column.data_type);
                let message = format!(
                    "column `{}` has the type {words}, which no table can hold",
                    column.name
                );
                out.push(
                    Diagnostic::error(&condition::UNSUPPORTED_FEATURE, message)
                        .at(&column.origin, ""),
                );
            }
        }
        out
    }

    /// The query as a table that other queries read: a view.
    ///
    /// # Errors
    /// Two columns have the same name.
    pub fn into_provider(self) -> Result<Arc<dyn TableProvider>> {
        let mut problems = self.check_table_columns();
        problems.retain(|problem| problem.condition == &condition::COLUMN_ALREADY_EXISTS);
        if let Some(problem) = problems.into_iter().next() {
            return Err(Box::new(problem));
        }
        let origin = self.origin.clone();
        let schema = self.marked_schema();
        let plan = self.named_plan().map_err(|e| diagnose(&e, Some(&origin)))?;
        Ok(Arc::new(View::new(plan, schema)))
    }

    /// The same query with other names for its columns, by position: the column list of a view.
    #[must_use]
    pub fn renamed<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for (column, name) in self.columns.iter_mut().zip(names) {
            column.name = name.to_string();
        }
        self
    }

    /// The plan with the user's names and canonical types.
    fn named_plan(&self) -> datafusion::error::Result<LogicalPlan> {
        let exprs = self.columns.iter().map(|column| {
            let expr = Expr::Column(Column::new_unqualified(&column.field));
            let wanted = canonical(&column.data_type);
            if wanted == column.data_type {
                expr.alias(&column.name)
            } else {
                datafusion::logical_expr::cast(expr, wanted).alias(&column.name)
            }
        });
        LogicalPlanBuilder::from(self.plan.clone())
            .project(exprs.collect::<Vec<_>>())?
            .build()
    }

    /// The optimized physical plan.
    ///
    /// # Errors
    /// DataFusion cannot run the plan: a bug of ours, or a feature that should have been refused at binding.
    pub async fn physical_plan(&self) -> Result<Arc<dyn ExecutionPlan>> {
        let state = self.session.state();
        state
            .create_physical_plan(&self.plan)
            .await
            .map_err(|e| diagnose(&e, Some(&self.origin)))
    }

    /// Runs the query; batches have exactly [`Self::schema`]. Errors of the stream are for [`Self::diagnose`].
    ///
    /// # Errors
    /// As [`Self::physical_plan`].
    pub async fn execute(&self) -> Result<SendableRecordBatchStream> {
        Ok(shaped(self.execute_raw().await?, self.schema()))
    }

    /// The columns as a scope over the plan as it is.
    pub(crate) fn output_scope(&self) -> Scope {
        let columns = self.columns.iter().map(|column| {
            ScopeColumn::new(
                None,
                &column.name,
                Column::new_unqualified(&column.field),
                column.data_type.clone(),
            )
        });
        Scope {
            columns: columns.collect(),
        }
    }

    /// Runs the plan with all its columns, not shaped.
    pub(crate) async fn execute_raw(&self) -> Result<SendableRecordBatchStream> {
        let plan = self.physical_plan().await?;
        let task = self.session.context().task_ctx();
        execute_stream(plan, task).map_err(|e| diagnose(&e, Some(&self.origin)))
    }

    /// Runs the plan with all its columns, one stream per partition.
    pub(crate) async fn execute_raw_partitioned(&self) -> Result<Vec<SendableRecordBatchStream>> {
        let plan = self.physical_plan().await?;
        let task = self.session.context().task_ctx();
        execute_stream_partitioned(plan, task).map_err(|e| diagnose(&e, Some(&self.origin)))
    }

    /// Runs the query as one stream per partition, so that several writers can work at once.
    ///
    /// # Errors
    /// As [`Self::physical_plan`].
    pub async fn execute_partitioned(&self) -> Result<Vec<SendableRecordBatchStream>> {
        let streams = self.execute_raw_partitioned().await?;
        Ok(streams
            .into_iter()
            .map(|stream| shaped(stream, self.schema()))
            .collect())
    }

    /// Runs the query and collects its rows.
    ///
    /// # Errors
    /// As [`Self::physical_plan`], and what goes wrong with a value.
    pub async fn collect(&self) -> Result<Vec<RecordBatch>> {
        let mut stream = self.execute().await?;
        let mut out = vec![];
        while let Some(batch) = stream.next().await {
            out.push(batch.map_err(|e| self.diagnose(&e))?);
        }
        Ok(out)
    }

    /// Turns an error of a stream of this query into a diagnostic, with the query's place if no better is known.
    #[must_use]
    pub fn diagnose(&self, error: &DataFusionError) -> Box<Diagnostic> {
        diagnose(error, Some(&self.origin))
    }
}

/// The Arrow form of the Spark type of an Arrow type; what Spark does not have stays.
pub(crate) fn canonical(data_type: &DataType) -> DataType {
    SparkType::from_arrow(data_type).map_or_else(|| data_type.clone(), |spark| spark.to_arrow())
}

/// A stream whose batches have the names and types of `schema`.
fn shaped(stream: SendableRecordBatchStream, schema: SchemaRef) -> SendableRecordBatchStream {
    let target = Arc::clone(&schema);
    let batches = stream.map(move |batch| batch.and_then(|batch| shape(&batch, &target)));
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

pub(crate) fn shape(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> datafusion::error::Result<RecordBatch> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let mut columns = vec![];
    for (column, field) in batch.columns().iter().zip(schema.fields()) {
        columns.push(if column.data_type() == field.data_type() {
            Arc::clone(column)
        } else {
            cast_with_options(column, field.data_type(), &options)?
        });
    }
    let rows = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &rows,
    )?)
}
