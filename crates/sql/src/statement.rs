//! The syntax tree of pipeline statements: what a file says, nothing resolved. Must not hold anything that needs
//! another file, a schema or the disk to know.

use std::collections::BTreeMap;

use sluice_model::{Expectation, FlowName, Namespace, Origin, SparkType};

use crate::function::CreateFunction;
use crate::query::{Expression, Query};

/// One statement of a pipeline file with what was in force where it stands.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What it declares.
    pub kind: StatementKind,
    /// The whole statement: its first token's place.
    pub origin: Origin,
    /// Catalog and schema in force (`USE` statements above it in the same file).
    pub namespace: Namespace,
    /// `SET key = value` statements above it in the same file, keys as written.
    pub settings: BTreeMap<String, String>,
}

/// What a statement declares.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// `CREATE [OR REFRESH] [PRIVATE] STREAMING TABLE` and its legacy spellings.
    StreamingTable(CreateTable),
    /// `CREATE [OR REFRESH] [PRIVATE] MATERIALIZED VIEW` and its legacy spellings.
    MaterializedView(CreateTable),
    /// `CREATE [TEMPORARY] VIEW` and its legacy spellings.
    View(CreateView),
    /// `CREATE FLOW … AS …`, `APPLY CHANGES INTO …`.
    Flow(CreateFlow),
    /// `CREATE [TEMPORARY] FUNCTION`.
    Function(CreateFunction),
    /// A table or view that has this name and an error in its statement: what reads it is not to blame.
    Unread(WrittenName),
}

/// A name of one to three parts as written, `LIVE.` kept as a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenName {
    /// Parts, case kept, back-ticks removed.
    pub parts: Vec<String>,
    /// Place of the whole name.
    pub origin: Origin,
}

/// A word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub origin: Origin,
}

/// A declaration of a streaming table or materialized view.
#[derive(Debug, Clone)]
pub struct CreateTable {
    /// Name as written.
    pub name: WrittenName,
    /// `PRIVATE`.
    pub private: bool,
    /// Declared columns; empty when none were listed.
    pub columns: Vec<ColumnDefinition>,
    /// Expectations in order of declaration.
    pub expectations: Vec<ExpectationClause>,
    /// `PARTITIONED BY` columns.
    pub partitioned_by: Vec<Located<String>>,
    /// `CLUSTER BY` columns; empty for none, AUTO and NONE.
    pub cluster_by: Vec<Located<String>>,
    /// `LOCATION`.
    pub location: Option<Located<String>>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES`, keys as written, values as text.
    pub properties: BTreeMap<String, Located<String>>,
    /// `REFRESH POLICY`.
    pub refresh_policy: RefreshPolicy,
    /// Clauses that are accepted and have no effect here (`SCHEDULE`, keys, `DEFAULT COLLATION`), in words.
    pub noted: Vec<Located<String>>,
    /// Clauses that are known and not supported: refused at planning, never ignored (`MASK`, `ROW FILTER`, IDENTITY…).
    pub refused: Vec<Located<RefusedClause>>,
    /// How it is filled; `None` for `CREATE STREAMING TABLE t;`.
    pub body: Option<FlowBody>,
}

/// A clause that Databricks runs and Sluice does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedClause {
    /// The clause in words, e.g. `GENERATED … AS IDENTITY`.
    pub clause: String,
    /// What to do instead.
    pub help: String,
}

/// `REFRESH POLICY` of a materialized view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefreshPolicy {
    /// The cheapest correct technique.
    #[default]
    Auto,
    /// Incremental where possible; an error at planning if the query never can be.
    Incremental,
    /// Incremental, or the refresh fails.
    IncrementalStrict,
    /// Always recomputed.
    Full,
}

/// A declared column.
#[derive(Debug, Clone)]
pub struct ColumnDefinition {
    /// Name, case kept.
    pub name: Located<String>,
    /// Type; `None` where only a name was listed (`CREATE VIEW v (a, b)`).
    pub data_type: Option<SparkType>,
    /// `NOT NULL`.
    pub not_null: bool,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `DEFAULT expr`.
    pub default: Option<Expression>,
    /// `GENERATED ALWAYS AS (expr)`.
    pub generated: Option<Expression>,
}

/// An expectation with its parsed predicate.
#[derive(Debug, Clone)]
pub struct ExpectationClause {
    /// Name, text, action, place.
    pub expectation: Expectation,
    /// The predicate.
    pub predicate: Expression,
}

/// A declaration of a view.
#[derive(Debug, Clone)]
pub struct CreateView {
    /// Name as written.
    pub name: WrittenName,
    /// `TEMPORARY`: known inside the pipeline only.
    pub temporary: bool,
    /// Listed columns (name and comment); empty when none were listed.
    pub columns: Vec<ColumnDefinition>,
    /// Expectations (temporary views only).
    pub expectations: Vec<ExpectationClause>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES`.
    pub properties: BTreeMap<String, Located<String>>,
    /// The query.
    pub query: Query,
}

/// A flow declared apart from its target.
#[derive(Debug, Clone)]
pub struct CreateFlow {
    /// Name; for `APPLY CHANGES INTO t` the last part of the target.
    pub name: Located<FlowName>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// Target as written.
    pub target: WrittenName,
    /// What it does.
    pub body: FlowBody,
}

/// How a flow fills its target.
#[derive(Debug, Clone)]
pub enum FlowBody {
    /// `AS query`, `INSERT INTO t BY NAME query`: streaming for streaming tables, batch for materialized views.
    Query(Box<Query>),
    /// `INSERT ONCE …`: a batch query that is appended once.
    Once(Box<Query>),
    /// `AUTO CDC …`: parsed whole; planned in a later release.
    AutoCdc(Box<AutoCdc>),
    /// `REPLACE WHERE …`, `REPLACE USING …`: parsed whole; planned in a later release.
    Replace(Box<Replace>),
}

/// `AUTO CDC` arguments.
#[derive(Debug, Clone)]
pub struct AutoCdc {
    /// Place of the words `AUTO CDC` or `APPLY CHANGES`.
    pub origin: Origin,
    /// `AUTO CDC ONCE`.
    pub once: bool,
    /// `SELECT * FROM <the FROM relation>`.
    pub from: Query,
    /// `KEYS`.
    pub keys: Vec<Located<String>>,
    /// `SEQUENCE BY`.
    pub sequence_by: Expression,
    /// `APPLY AS DELETE WHEN`.
    pub delete_when: Option<Expression>,
    /// `APPLY AS TRUNCATE WHEN`.
    pub truncate_when: Option<Expression>,
    /// `IGNORE NULL UPDATES`.
    pub ignore_null_updates: Option<ColumnSelection>,
    /// `COLUMNS`.
    pub columns: ColumnSelection,
    /// `STORED AS`.
    pub stored_as: StoredAs,
    /// `TRACK HISTORY ON`.
    pub track_history: ColumnSelection,
    /// `COLUMNS TO UPDATE`.
    pub columns_to_update: Option<Located<String>>,
    /// `SYSTEM SEQUENCE BY`.
    pub system_sequence_by: Option<Located<String>>,
}

/// Which columns a clause means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ColumnSelection {
    /// All of them.
    #[default]
    All,
    /// These.
    Only(Vec<Located<String>>),
    /// All but these.
    Except(Vec<Located<String>>),
}

/// How an AUTO CDC target keeps history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoredAs {
    /// `SCD TYPE 1`.
    #[default]
    ScdType1,
    /// `SCD TYPE 2`.
    ScdType2,
    /// `BITEMPORAL`.
    Bitemporal,
}

/// `REPLACE WHERE pred BY NAME query` or `REPLACE USING (cols) SEQUENCE BY col BY NAME query`.
#[derive(Debug, Clone)]
pub struct Replace {
    /// Place of the word `REPLACE`.
    pub origin: Origin,
    /// `WHERE` predicate.
    pub predicate: Option<Expression>,
    /// `USING` columns.
    pub using: Vec<Located<String>>,
    /// `SEQUENCE BY`.
    pub sequence_by: Option<Expression>,
    /// The query.
    pub query: Query,
}
