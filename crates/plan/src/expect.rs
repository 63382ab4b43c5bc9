//! Expectations, and CHECK constraints of the target: one boolean column each in the same pass as the query, then the split
//! into kept rows and counts. A row passes if and only if the predicate is TRUE. Must not write events or decide what a
//! failed flow does.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{and, filter_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::Column;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use futures::StreamExt;
use sluice_model::condition::{query as condition, run, table};
use sluice_model::{Diagnostic, Expectation, Namespace, OnViolation};
use sluice_sql::parse_scalar;
use sluice_sql::query::{Expression, Query};
use sluice_sql::statement::ExpectationClause;
use sqlparser::ast;

use crate::bind::{BoundQuery, Facts, bind_with_facts};
use crate::error::{Result, diagnose};
use crate::rewrite::guard;

/// A query whose rows are checked.
#[derive(Debug, Clone)]
pub struct CheckedQuery {
    query: BoundQuery,
    expectations: Vec<Expectation>,
    constraints: Vec<TableConstraint>,
    visible: usize,
}

/// A CHECK constraint of the table that rows go to: a kept row that breaks it fails the batch. A row that an expectation drops
/// is not asked. Source: `CheckDeltaInvariant` of Delta, for which NULL breaks it too.
#[derive(Debug, Clone)]
struct TableConstraint {
    name: String,
    text: String,
}

/// What one expectation saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectationCount {
    /// The expectation.
    pub expectation: Expectation,
    /// Rows for which it was TRUE.
    pub passed: u64,
    /// Rows for which it was FALSE or NULL.
    pub failed: u64,
}

/// What the checks of a stream saw so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checks {
    /// Per expectation, in order of declaration.
    pub counts: Vec<ExpectationCount>,
    /// Rows that came in.
    pub input_rows: u64,
    /// Rows that were let through.
    pub kept_rows: u64,
    /// Rows dropped, each once, however many expectations it broke.
    pub dropped_rows: u64,
}

impl BoundQuery {
    /// Adds one boolean column per expectation, evaluated over the output columns.
    ///
    /// # Errors
    /// All that is wrong with the predicates: unknown columns, no BOOLEAN, aggregates, subqueries.
    pub fn with_expectations(
        self,
        clauses: &[ExpectationClause],
    ) -> std::result::Result<CheckedQuery, Vec<Diagnostic>> {
        self.with_checks(clauses, BTreeMap::new())
    }

    /// As [`Self::with_expectations`], with the CHECK constraints of the target behind them: their texts by name, as the table
    /// has them.
    ///
    /// # Errors
    /// As there, for both.
    pub fn with_checks(
        mut self,
        clauses: &[ExpectationClause],
        constraints: BTreeMap<String, String>,
    ) -> std::result::Result<CheckedQuery, Vec<Diagnostic>> {
        let visible = self.columns.len();
        let mut errors = vec![];
        let mut exprs: Vec<Expr> = self
            .columns
            .iter()
            .map(|column| Expr::Column(Column::new_unqualified(&column.field)))
            .collect();
        let mut kept = vec![];
        for (index, clause) in clauses.iter().enumerate() {
            match self.predicate(&clause.predicate) {
                Ok((predicate, facts)) => {
                    self.facts.merge(facts);
                    let passed = Expr::IsTrue(Box::new(predicate));
                    if clause.expectation.on_violation == OnViolation::DropRow {
                        kept.push(passed.clone());
                    }
                    exprs.push(passed.alias(format!("__expectation_{index}")));
                }
                Err(more) => errors.extend(more),
            }
        }
        let is_kept = conjunction(kept);
        for (index, (name, text)) in constraints.iter().enumerate() {
            match self.constraint(name, text, is_kept.as_ref()) {
                Ok((holds, facts)) => {
                    self.facts.merge(facts);
                    exprs.push(holds.alias(format!("__constraint_{index}")));
                }
                Err(more) => errors.extend(more),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let expectations = clauses
            .iter()
            .map(|clause| clause.expectation.clone())
            .collect();
        let query = if exprs.len() == visible {
            self
        } else {
            let plan = LogicalPlanBuilder::from(self.plan.clone())
                .project(exprs)
                .and_then(LogicalPlanBuilder::build);
            let plan = plan.map_err(|e| vec![*diagnose(&e, Some(&self.origin))])?;
            Self { plan, ..self }
        };
        let constraints = constraints.into_iter();
        Ok(CheckedQuery {
            query,
            expectations,
            constraints: constraints
                .map(|(name, text)| TableConstraint { name, text })
                .collect(),
            visible,
        })
    }

    /// Whether a constraint holds, computed for the rows that are kept only.
    fn constraint(
        &self,
        name: &str,
        text: &str,
        is_kept: Option<&Expr>,
    ) -> std::result::Result<(Expr, Facts), Vec<Diagnostic>> {
        let file: Arc<str> = format!("constraint `{name}`").into();
        let parsed = parse_scalar(&file, text, vec![], &Namespace::default())?;
        let (predicate, facts) = self.predicate(&parsed)?;
        let asked = match is_kept {
            Some(kept) => guard::filtered(kept, predicate, &DataType::Boolean),
            None => predicate,
        };
        Ok((Expr::IsTrue(Box::new(asked)), facts))
    }

    fn predicate(
        &self,
        predicate: &Expression,
    ) -> std::result::Result<(Expr, Facts), Vec<Diagnostic>> {
        let (value, facts) = bind_with_facts(&self.session, predicate, &self.output_scope())?;
        match value.data_type {
            DataType::Boolean => Ok((value.expr, facts)),
            other => {
                let words = crate::rewrite::unify::words(&other);
                let message = format!("an expectation must be BOOLEAN, this is {words}");
                Err(vec![
                    Diagnostic::error(&condition::INVALID_EXPECTATION, message)
                        .at(&predicate.origin, ""),
                ])
            }
        }
    }
}

impl CheckedQuery {
    /// The query with the boolean columns behind its own.
    #[must_use]
    pub fn query(&self) -> &BoundQuery {
        &self.query
    }

    /// The schema of kept rows.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.query.schema()
    }

    /// Runs the query.
    ///
    /// # Errors
    /// As [`BoundQuery::physical_plan`].
    pub async fn execute(&self) -> Result<Checked> {
        let stream = self.query.execute_raw().await?;
        Ok(self.checked(stream))
    }

    /// Runs the query as one stream per partition.
    ///
    /// # Errors
    /// As [`BoundQuery::physical_plan`].
    pub async fn execute_partitioned(&self) -> Result<Vec<Checked>> {
        let streams = self.query.execute_raw_partitioned().await?;
        Ok(streams
            .into_iter()
            .map(|stream| self.checked(stream))
            .collect())
    }

    fn checked(&self, stream: SendableRecordBatchStream) -> Checked {
        let counts = self
            .expectations
            .iter()
            .map(|expectation| ExpectationCount {
                expectation: expectation.clone(),
                passed: 0,
                failed: 0,
            });
        Checked {
            stream,
            query: self.query.clone(),
            schema: self.schema(),
            constraints: self.constraints.clone(),
            visible: self.visible,
            checks: Checks {
                counts: counts.collect(),
                ..Checks::default()
            },
        }
    }
}

/// Kept rows, batch by batch, while the checks are counted.
pub struct Checked {
    stream: SendableRecordBatchStream,
    query: BoundQuery,
    schema: SchemaRef,
    constraints: Vec<TableConstraint>,
    visible: usize,
    checks: Checks,
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checked")
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

impl Checked {
    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// What was counted so far; complete when [`Self::next`] has returned `None`.
    #[must_use]
    pub fn checks(&self) -> &Checks {
        &self.checks
    }

    /// The next batch of kept rows, `None` at the end. Batches may be empty.
    ///
    /// # Errors
    /// A value that cannot be computed, `EXPECTATION_VIOLATION` with a row that broke a FAIL UPDATE expectation, or
    /// `DELTA_VIOLATE_CONSTRAINT_WITH_VALUES` with a kept row that broke a constraint.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self.stream.next().await {
            None => Ok(None),
            Some(Err(error)) => Err(self.query.diagnose(&error)),
            Some(Ok(batch)) => self.split(&batch).map(Some),
        }
    }

    fn split(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns: Vec<usize> = (0..self.visible).collect();
        let query = self.query.clone();
        let rows = batch
            .project(&columns)
            .map_err(|e| query.diagnose(&e.into()))?;
        let rows = crate::bind::shape(&rows, &self.schema).map_err(|e| query.diagnose(&e))?;
        let total = batch.num_rows() as u64;
        let mut keep: Option<BooleanArray> = None;
        for (index, count) in self.checks.counts.iter_mut().enumerate() {
            let passed = batch.column(self.visible + index).as_boolean();
            let good = passed.true_count() as u64;
            count.passed += good;
            count.failed += total - good;
            if good == total {
                continue;
            }
            match count.expectation.on_violation {
                OnViolation::Warn => {}
                OnViolation::DropRow => {
                    keep = Some(match keep {
                        None => passed.clone(),
                        Some(keep) => and(&keep, passed).map_err(|e| query.diagnose(&e.into()))?,
                    });
                }
                OnViolation::FailUpdate => {
                    return Err(violation(&count.expectation, &rows, passed));
                }
            }
        }
        let first = self.visible + self.checks.counts.len();
        for (index, constraint) in self.constraints.iter().enumerate() {
            let passed = batch.column(first + index).as_boolean();
            if let Some(row) = broken(passed, keep.as_ref()) {
                return Err(constraint_broken(constraint, &rows, row));
            }
        }
        let kept = match keep {
            None => rows,
            Some(keep) => {
                filter_record_batch(&rows, &keep).map_err(|e| query.diagnose(&e.into()))?
            }
        };
        self.checks.input_rows += total;
        self.checks.kept_rows += kept.num_rows() as u64;
        self.checks.dropped_rows += total - kept.num_rows() as u64;
        Ok(kept)
    }
}

/// The first row among those that are kept that is not TRUE.
fn broken(passed: &BooleanArray, keep: Option<&BooleanArray>) -> Option<usize> {
    let is_true = |column: &BooleanArray, row: usize| column.is_valid(row) && column.value(row);
    let is_kept = |row: &usize| keep.is_none_or(|keep| is_true(keep, *row));
    (0..passed.len())
        .filter(is_kept)
        .find(|row| !is_true(passed, *row))
}

fn constraint_broken(
    constraint: &TableConstraint,
    rows: &RecordBatch,
    row: usize,
) -> Box<Diagnostic> {
    let message = format!(
        "a row breaks the constraint `{}` of the table",
        constraint.name
    );
    let diagnostic = Diagnostic::error(&table::DELTA_VIOLATE_CONSTRAINT_WITH_VALUES, message)
        .fact(format!("expected: {}", constraint.text))
        .fact(format!("record: {}", row_text(rows, row)));
    Box::new(diagnostic.help(
        "mend the data, or drop such rows: `CONSTRAINT name EXPECT (…) ON VIOLATION DROP ROW`",
    ))
}

fn violation(
    expectation: &Expectation,
    rows: &RecordBatch,
    passed: &BooleanArray,
) -> Box<Diagnostic> {
    let row = broken(passed, None).unwrap_or_default();
    let message = format!(
        "a row broke expectation `{}`, which is ON VIOLATION FAIL UPDATE",
        expectation.name
    );
    let diagnostic = Diagnostic::error(&run::EXPECTATION_VIOLATION, message)
        .at(&expectation.origin, "")
        .fact(format!("expected: {}", expectation.predicate))
        .fact(format!("record: {}", row_text(rows, row)));
    Box::new(diagnostic.help("mend the data, or let such rows go: `ON VIOLATION DROP ROW`"))
}

/// A row as `{name: value, …}`, long values cut.
fn row_text(rows: &RecordBatch, row: usize) -> String {
    let options = FormatOptions::default().with_null("NULL");
    let mut parts = vec![];
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let value = match ArrayFormatter::try_new(column, &options) {
            Ok(formatter) => formatter.value(row).to_string(),
            Err(_) => "?".into(),
        };
        let short: String = value.chars().take(120).collect();
        let cut = if short.len() < value.len() { "…" } else { "" };
        parts.push(format!("{}: {short}{cut}", field.name()));
    }
    format!("{{{}}}", parts.join(", "))
}

/// A query around an expression, so that the binder has a source map and a place.
pub(crate) fn as_query(expression: &Expression) -> Query {
    let empty = ast::Query {
        with: None,
        body: Box::new(ast::SetExpr::Values(ast::Values {
            explicit_row: false,
            value_keyword: false,
            rows: vec![],
        })),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: vec![],
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: vec![],
    };
    Query {
        tree: Box::new(empty),
        relations: vec![],
        text: expression.text.clone(),
        origin: expression.origin.clone(),
        refused: vec![],
        source_map: expression.source_map.clone(),
        functions: expression.functions.clone(),
    }
}
