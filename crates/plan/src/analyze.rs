//! Types queries for the graph, without data and without the optimizer: empty tables stand for the relations.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use sluice_graph::function::{Function, Functions};
use sluice_graph::query::Query;
use sluice_graph::{
    Analysis, AnalyzeRequest, Analyzer, ExpressionPurpose, ExpressionRequest, RelationSchema,
    StreamedView,
};
use sluice_model::condition::graph::INVALID_TABLE_PROPERTY;
use sluice_model::condition::query as condition;
use sluice_model::{DatasetName, Diagnostic};

use crate::bind::{BoundQuery, HIDDEN, Scope, bind_expression, check_function};
use crate::rewrite::cast;
use crate::{Session, StreamContext};

/// Answers the graph's questions with a session.
#[derive(Debug, Clone)]
pub struct SessionAnalyzer {
    session: Session,
}

impl SessionAnalyzer {
    /// An analyzer over a session.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self { session }
    }
}

/// The schema of a relation with its hidden columns marked: `*` leaves those out, their names find them.
#[must_use]
pub fn relation_schema(relation: &RelationSchema) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = relation.columns.fields().iter().cloned().collect();
    for field in &relation.hidden {
        let mark = HashMap::from([(HIDDEN.to_string(), "true".to_string())]);
        fields.push(Arc::new(field.as_ref().clone().with_metadata(mark)));
    }
    Arc::new(Schema::new(fields))
}

/// Binds a query over empty tables. As where it runs, streaming views are bound before it and for the same micro-batch: it
/// sees their event time, and what they keep.
fn bind_empty(
    session: &Session,
    query: &Query,
    inputs: &[RelationSchema],
    views: &BTreeMap<usize, StreamedView<'_>>,
) -> Result<BoundQuery, Vec<Diagnostic>> {
    let mut tables: Vec<Arc<dyn TableProvider>> = vec![];
    for (index, input) in inputs.iter().enumerate() {
        let Some(view) = views.get(&index) else {
            tables.push(Arc::new(EmptyTable::new(relation_schema(input))));
            continue;
        };
        let table = bind_empty(session, view.query, &view.inputs, &view.views)
            .map(|bound| bound.renamed(view.names.iter().copied()))
            .and_then(|bound| bound.into_provider().map_err(|error| vec![*error]));
        // Alone the view was right: the reader asks too much of it.
        tables.push(table.map_err(|errors| match query.relations.get(index) {
            Some(reader) => {
                let errors = errors.into_iter();
                errors.map(|e| e.at(&reader.origin, "read here")).collect()
            }
            None => errors,
        })?);
    }
    session.bind(query, &tables)
}

impl Analyzer for SessionAnalyzer {
    fn check_function(
        &self,
        name: &DatasetName,
        function: &Function,
        functions: &Functions,
    ) -> Vec<Diagnostic> {
        check_function(&self.session, name, function, functions)
    }

    fn analyze(&self, request: &AnalyzeRequest<'_>) -> Result<Analysis, Vec<Diagnostic>> {
        let session = self.session.for_batch(Arc::new(StreamContext::dry()));
        let bound = bind_empty(&session, request.query, request.inputs, &request.views)?;
        let mut problems = bound.check_table_columns();
        problems.retain(|problem| {
            let unnamed = problem.condition == &condition::EXPRESSION_WITHOUT_ALIAS;
            problem.condition != &condition::COLUMN_ALREADY_EXISTS
                && !(unnamed && request.may_be_unnamed)
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Analysis {
            schema: bound.schema(),
            remarks: vec![],
        })
    }

    fn check_expression(
        &self,
        request: &ExpressionRequest<'_>,
    ) -> Result<DataType, Vec<Diagnostic>> {
        let scope = match request.purpose {
            ExpressionPurpose::Default => Scope::default(),
            _ => Scope::of_schema(request.schema),
        };
        let value = bind_expression(&self.session, request.expression, &scope)?;
        let (condition, message, help) = match request.purpose {
            ExpressionPurpose::Expectation => (
                &condition::INVALID_EXPECTATION,
                "an expectation must give a row the same answer each time",
                "compute the value as a column of the query, and check that column",
            ),
            ExpressionPurpose::Generated => (
                &condition::UNSUPPORTED_EXPRESSION_GENERATED_COLUMN,
                "a generated column must give a row the same value each time",
                "compute the value in the query",
            ),
            ExpressionPurpose::Constraint => (
                &INVALID_TABLE_PROPERTY,
                "a constraint must give a row the same answer each time",
                "compute the value as a column of the query, and check that column",
            ),
            ExpressionPurpose::Default => return Ok(value.data_type),
        };
        if value.expr.is_volatile() {
            let error = Diagnostic::error(condition, message);
            let error = error.at(&request.expression.origin, "not deterministic");
            return Err(vec![error.help(help)]);
        }
        Ok(value.data_type)
    }

    fn can_cast(&self, from: &DataType, to: &DataType) -> bool {
        cast::can_cast(from, to)
    }
}
