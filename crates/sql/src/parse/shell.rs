//! Statements of `sluice sql`: queries, and the few that describe. Must not accept anything that writes.

use std::sync::Arc;

use sluice_model::{Diagnostic, Namespace};

use crate::query::Query;
use crate::source_map::Replacement;
use crate::statement::WrittenName;

/// One statement of the shell.
#[derive(Debug, Clone)]
pub enum ShellStatement {
    /// Any query.
    Query(Box<Query>),
    /// `EXPLAIN query`.
    Explain(Box<Query>),
    /// `DESCRIBE [TABLE] [EXTENDED | HISTORY | DETAIL] t`.
    Describe {
        /// What is asked.
        form: DescribeForm,
        /// Of which table.
        table: WrittenName,
        /// `LIMIT n` of `DESCRIBE HISTORY`.
        limit: Option<u64>,
    },
    /// `SHOW TABLES [IN schema] [[LIKE] 'pattern']`.
    ShowTables {
        /// The schema, if one is named.
        schema: Option<WrittenName>,
        /// The pattern (`*` and `|`), if one is given.
        pattern: Option<String>,
    },
    /// `SHOW TBLPROPERTIES t [('key')]`.
    ShowTableProperties {
        /// Of which table.
        table: WrittenName,
        /// The one key asked for.
        key: Option<String>,
    },
}

/// What `DESCRIBE` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescribeForm {
    /// Columns.
    Columns,
    /// `EXTENDED`: columns and properties.
    Extended,
    /// `HISTORY`: commits.
    History,
    /// `DETAIL`: one row about the table.
    Detail,
}

/// Parses one statement of `sluice sql`, with an optional `;` at its end.
///
/// # Errors
/// Every syntax error found, with its place.
pub fn parse_shell_statement(
    file: &Arc<str>,
    text: &str,
    replacements: Vec<Replacement>,
    defaults: &Namespace,
) -> Result<ShellStatement, Vec<Diagnostic>> {
    let query = super::parse_query(file, text, replacements, defaults)?;
    Ok(ShellStatement::Query(Box::new(query)))
}
