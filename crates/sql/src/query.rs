//! Queries and expressions inside statements: a sqlparser tree in which every relation that is not a CTE has been
//! replaced by a numbered placeholder, and the list of what the placeholders stand for.
//!
//! Must not resolve names: `graph` does; must not give meaning: `plan` does.

use std::collections::BTreeMap;

use sluice_model::Origin;
use sqlparser::ast;

use crate::function::Functions;
use crate::source_map::SourceMap;
use crate::statement::{Located, RefusedClause, WrittenName};

/// A query of a pipeline statement (or of `sluice sql`).
///
/// In `tree`, each `TableFactor` that reads a relation (a name, a `STREAM`, a table function such as `read_files`,
/// a path) is a plain table named by [`Relation::placeholder`] (`__relation_0`, `__relation_1`, … in order of
/// appearance), always with an alias: the one written, or else the last part of the relation's name, so that
/// qualified columns such as `t.c` (and `schema.t.c`, rewritten to `t.c`) resolve. CTE names stay as they are.
/// Identifiers keep their spans; `source_map` turns a span into an [`Origin`] in the user's own file.
#[derive(Debug, Clone)]
pub struct Query {
    /// The tree.
    pub tree: Box<ast::Query>,
    /// What the placeholders stand for, by number.
    pub relations: Vec<Relation>,
    /// The query as the user wrote it.
    pub text: String,
    /// Place of its first token.
    pub origin: Origin,
    /// Clauses that were read and cut out because nothing here executes them (`TABLESAMPLE`, a watermark on a
    /// subquery): refused at planning, never ignored.
    pub refused: Vec<Located<RefusedClause>>,
    /// Turns spans of the tree into places.
    pub source_map: SourceMap,
    /// The functions of the project, given by `graph`.
    pub functions: Functions,
}

impl Query {
    /// Whether any relation is read as a stream.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.relations
            .iter()
            .any(|relation| relation.mode == ReadMode::Stream)
    }

    /// The text of the tree with its relations written out: what a change of the query is judged by.
    /// White space, comments and letter case of keywords do not matter.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let relations: Vec<String> = self.relations.iter().map(Relation::fingerprint).collect();
        format!("{} <- {}", self.tree, relations.join(", "))
    }
}

/// A scalar expression of a statement: an expectation, a default, a sequence.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The tree.
    pub tree: Box<ast::Expr>,
    /// As the user wrote it.
    pub text: String,
    /// Place of its first token; `length` covers it when it lies on one line.
    pub origin: Origin,
    /// Turns spans of the tree into places.
    pub source_map: SourceMap,
    /// The functions of the project, given by `graph`.
    pub functions: Functions,
}

/// Whether a relation is read as a stream or whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadMode {
    /// `STREAM x`: each row once.
    Stream,
    /// All rows, as they are now.
    Batch,
}

/// One relation that a query reads.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Its number: index in [`Query::relations`].
    pub index: usize,
    /// What is read.
    pub source: RelationSource,
    /// As a stream or whole.
    pub mode: ReadMode,
    /// `WITH (k = v, …)` behind a stream, keys lower case.
    pub options: BTreeMap<String, String>,
    /// `WATERMARK … DELAY OF …`.
    pub watermark: Option<Watermark>,
    /// `VERSION AS OF`, `TIMESTAMP AS OF`, `@v…`.
    pub time_travel: Option<TimeTravel>,
    /// The alias in force inside the query.
    pub alias: String,
    /// Place of the relation (without `STREAM`).
    pub origin: Origin,
}

impl Relation {
    /// The table name that stands for relation `index` in the tree.
    #[must_use]
    pub fn placeholder(index: usize) -> String {
        format!("__relation_{index}")
    }

    /// The relation in words that do not depend on spelling or place.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let source = match &self.source {
            RelationSource::Name(name) => name.parts.join(".").to_lowercase(),
            RelationSource::Function(function) => {
                let arguments: Vec<String> = function
                    .arguments
                    .iter()
                    .map(|a| format!("{}={}", a.name.as_deref().unwrap_or_default(), a.value))
                    .collect();
                format!("{}({})", function.name, arguments.join(","))
            }
            RelationSource::Path { format, path } => format!("{format}.`{path}`"),
        };
        format!(
            "{:?} {source} {:?} {:?} {:?}",
            self.mode,
            self.options,
            self.watermark
                .as_ref()
                .map(|w| (w.expression.text.as_str(), w.delay_us)),
            self.time_travel,
        )
    }
}

/// What a relation is.
#[derive(Debug, Clone)]
pub enum RelationSource {
    /// A dataset, view or table by name.
    Name(WrittenName),
    /// A table function: `read_files`, `read_kinesis`, `cloud_files` (already turned into `read_files`),
    /// `event_log`, `range`, `table_changes`, `cloud_files_state`, …
    Function(TableFunction),
    /// ``delta.`path` ``, ``json.`path` ``.
    Path {
        /// Lower case.
        format: String,
        /// As written.
        path: String,
    },
}

/// A call of a table function with literal arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFunction {
    /// Name, lower case.
    pub name: String,
    /// Arguments in order.
    pub arguments: Vec<Argument>,
    /// Place of the name.
    pub origin: Origin,
}

impl TableFunction {
    /// The value of the named argument, without regard to case.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Argument> {
        self.arguments.iter().find(|argument| {
            argument
                .name
                .as_deref()
                .is_some_and(|n| n.eq_ignore_ascii_case(name))
        })
    }

    /// The positional arguments in order.
    pub fn positional(&self) -> impl Iterator<Item = &Argument> {
        self.arguments
            .iter()
            .filter(|argument| argument.name.is_none())
    }
}

/// One argument of a table function.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Name before `=>`, as written without back-ticks; `None` if positional.
    pub name: Option<String>,
    /// Its value.
    pub value: ArgumentValue,
    /// Its place.
    pub origin: Origin,
}

/// A literal argument value.
#[derive(Debug, Clone, PartialEq)]
pub enum ArgumentValue {
    /// `'text'`, escapes resolved.
    String(String),
    /// A number as written.
    Number(String),
    /// `true`, `false`.
    Boolean(bool),
    /// `NULL`.
    Null,
    /// `array('a', 'b')`.
    Array(Vec<ArgumentValue>),
    /// `map('k', 'v', …)`.
    Map(Vec<(String, ArgumentValue)>),
    /// `TABLE(name)`.
    Table(WrittenName),
    /// Anything else: a constant expression, as text.
    Expression(String),
}

impl std::fmt::Display for ArgumentValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::String(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Number(text) | Self::Expression(text) => f.write_str(text),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Null => f.write_str("NULL"),
            Self::Array(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "array({})", items.join(", "))
            }
            Self::Map(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(k, v)| format!("'{k}', {v}")).collect();
                write!(f, "map({})", entries.join(", "))
            }
            Self::Table(name) => write!(f, "TABLE({})", name.parts.join(".")),
        }
    }
}

/// `WATERMARK expr [AS name] DELAY OF INTERVAL …`.
#[derive(Debug, Clone)]
pub struct Watermark {
    /// The event time expression.
    pub expression: Expression,
    /// `AS name`.
    pub name: Option<String>,
    /// The delay in microseconds.
    pub delay_us: i64,
    /// Place of the word `WATERMARK`.
    pub origin: Origin,
}

/// Which version of a table is read.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeTravel {
    /// `VERSION AS OF n`, `@vN`.
    Version(u64),
    /// `TIMESTAMP AS OF expr`: a literal's text, or an expression's.
    Timestamp(String),
}
