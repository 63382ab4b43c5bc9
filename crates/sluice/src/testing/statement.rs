//! The SQL of a test: a query, or a statement such as DESCRIBE or OPTIMIZE, as `sluice sql` runs it. Must not compare.

use std::sync::Arc;

use sluice_model::Diagnostic;
use sluice_run::Engine;
use sluice_sql::project::Project;
use sluice_sql::{ShellStatement, parse_shell_statement};

use super::failure::Trouble;
use super::show;
use super::world::{Loaded, time_zone};
use crate::statement::{Shell, run_parsed};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Rows of tables.
    Query,
    /// Anything else.
    Statement,
}

/// The rows as text, or what is wrong.
pub(super) type Answered = Result<String, Vec<Diagnostic>>;

/// Runs it.
pub(super) async fn ask(
    engine: &Engine,
    loaded: &Loaded,
    project: &Project,
    text: &str,
) -> Result<(Kind, Answered), Trouble> {
    let file: Arc<str> = "query".into();
    let statement = match parse_shell_statement(&file, text, vec![], &project.namespace) {
        Ok(statement) => statement,
        Err(found) => return Ok((Kind::Query, Err(found))),
    };
    if let ShellStatement::Query(query) = &statement {
        let is_ordered = text.to_lowercase().contains("order by");
        return Ok(match engine.query(&loaded.declared, query).await {
            Ok(rows) => (Kind::Query, Ok(show::table(&rows, is_ordered)?)),
            Err(found) => (Kind::Query, Err(found)),
        });
    }
    let zone = time_zone(project);
    let shell = Shell {
        engine,
        declared: &loaded.declared,
        namespace: project.namespace.clone(),
        configuration: project.configuration.clone(),
        time_zone: &zone,
        force: false,
    };
    let rows = run_parsed(&shell, statement).await;
    Ok((Kind::Statement, rows.map(|rows| show::rows(&rows))))
}
