//! What the graph asks of others: the meaning of a query (`plan` answers) and the columns of what lies outside the
//! pipeline (`run`, which knows the warehouse and the files, answers). Must not answer either itself.

use std::collections::BTreeMap;

use arrow_schema::{DataType, Fields, SchemaRef};
use sluice_model::{DatasetName, Diagnostic};
use sluice_sql::function::{Function, Functions};
use sluice_sql::query::{Expression, Query, ReadMode, TableFunction};

use crate::Settings;

/// Tells what queries and expressions mean. Implemented by `plan`.
///
/// All methods are pure: same request, same answer. Errors are complete diagnostics with places in the user's file.
pub trait Analyzer {
    /// What is wrong with the defaults and the body of a function of the project, called or not.
    fn check_function(
        &self,
        _name: &DatasetName,
        _function: &Function,
        _functions: &Functions,
    ) -> Vec<Diagnostic> {
        vec![]
    }

    /// Types a query over the columns of its relations.
    ///
    /// Called only when the columns of every relation are known. Also refuses what the engine cannot run
    /// (functions, operators), so that it is found before data moves.
    fn analyze(&self, request: &AnalyzeRequest<'_>) -> Result<Analysis, Vec<Diagnostic>>;

    /// Types a scalar expression over the columns of a dataset, under the rules of its purpose.
    fn check_expression(
        &self,
        request: &ExpressionRequest<'_>,
    ) -> Result<DataType, Vec<Diagnostic>>;

    /// Whether Spark's ANSI `CAST(from AS to)` exists (it may still fail on a value).
    fn can_cast(&self, from: &DataType, to: &DataType) -> bool;
}

/// A query to be typed.
#[derive(Debug)]
pub struct AnalyzeRequest<'a> {
    /// The query; relation *i* is the table `__relation_i` of its tree.
    pub query: &'a Query,
    /// Columns of each relation, by its number.
    pub inputs: &'a [RelationSchema],
    /// The streaming views among the relations, by their numbers.
    pub views: BTreeMap<usize, StreamedView<'a>>,
    /// Pipeline configuration overlaid with the `SET` statements above the query.
    pub settings: &'a Settings,
    /// Whether computed columns may go without a name: those of temporary views, and of views whose column list names them.
    pub may_be_unnamed: bool,
}

/// A streaming view under a query. It runs in the micro-batches of its reader: its watermarks, and what it keeps from
/// batch to batch, decide what may stand above it.
#[derive(Debug)]
pub struct StreamedView<'a> {
    /// Its query.
    pub query: &'a Query,
    /// Columns of each relation of that query, by its number.
    pub inputs: Vec<RelationSchema>,
    /// The streaming views among those relations, by their numbers.
    pub views: BTreeMap<usize, StreamedView<'a>>,
    /// The names of its column list, by position; empty without one.
    pub names: Vec<&'a str>,
}

/// The columns of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationSchema {
    /// What `SELECT *` yields, in order.
    pub columns: SchemaRef,
    /// Columns that are there only when named, such as `_metadata` of files.
    pub hidden: Fields,
}

impl RelationSchema {
    /// A relation without hidden columns.
    #[must_use]
    pub fn plain(columns: SchemaRef) -> Self {
        Self {
            columns,
            hidden: Fields::empty(),
        }
    }
}

/// What a query means, as far as the graph needs to know.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// Output columns with Spark's names; may hold the same name twice, which the graph refuses with its place.
    pub schema: SchemaRef,
    /// Warnings and notes.
    pub remarks: Vec<Diagnostic>,
}

/// An expression to be typed.
#[derive(Debug)]
pub struct ExpressionRequest<'a> {
    /// The expression.
    pub expression: &'a Expression,
    /// The columns it may name; empty for a `DEFAULT`.
    pub schema: &'a SchemaRef,
    /// What it is for.
    pub purpose: ExpressionPurpose,
    /// Pipeline configuration overlaid with `SET` statements.
    pub settings: &'a Settings,
}

/// What an expression of a declaration is for, which decides what it may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpressionPurpose {
    /// A predicate over one output row: no subquery, no aggregate, no window, no generator. The graph checks
    /// that the type is boolean.
    Expectation,
    /// `DEFAULT`: no column, no subquery, no aggregate.
    Default,
    /// `GENERATED ALWAYS AS`: deterministic, over the other columns of the row.
    Generated,
    /// A CHECK constraint of a table: as an expectation.
    Constraint,
}

/// Tells the columns of what is not a dataset of this pipeline.
pub trait ExternalTables {
    /// The columns of a source. Errors are diagnostics about the source itself (an option that does not exist, a
    /// file that is not readable); a table that does not exist is [`ExternalSchema::Missing`].
    fn schema(&self, source: &ExternalSource<'_>) -> Result<ExternalSchema, Vec<Diagnostic>>;

    /// Names of tables outside the pipeline, for suggestions; may be empty.
    fn names(&self) -> Vec<DatasetName>;
}

/// Something outside the pipeline that a query reads.
#[derive(Debug, Clone, Copy)]
pub enum ExternalSource<'a> {
    /// A table of the warehouse.
    Table(&'a DatasetName),
    /// A table function: `read_files`, `read_kinesis`, `event_log`, `range`.
    Function(&'a TableFunction, ReadMode),
    /// ``delta.`path` ``, ``json.`path` ``.
    Path {
        /// Lower case.
        format: &'a str,
        /// As written.
        path: &'a str,
        /// As a stream or whole.
        mode: ReadMode,
    },
}

/// The columns of something outside the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternalSchema {
    /// These.
    Known(RelationSchema),
    /// Not known before the update runs; the reason in words (`the folder is empty`). The graph says so as a note
    /// and leaves everything that reads it without columns.
    Unknown(String),
    /// No such table.
    Missing,
}
