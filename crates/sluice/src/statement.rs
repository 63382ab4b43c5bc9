//! Runs one statement of `sluice sql` or the shell and gives its rows. Must not print.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_graph::DeclaredGraph;
use sluice_model::condition::graph::TABLE_OR_VIEW_NOT_FOUND;
use sluice_model::{DatasetName, Diagnostic, Namespace};
use sluice_run::Engine;
use sluice_sql::project::interpolate;
use sluice_sql::statement::WrittenName;
use sluice_sql::{ShellStatement, parse_shell_statement, split_statements};
use sluice_table::DeltaTable;

use crate::rows::Rows;
use crate::{describe, maintenance};

/// The name under which SQL from the command line stands in diagnostics.
pub(crate) const COMMAND_LINE: &str = "<command line>";

/// What statements run in.
#[derive(Debug, Clone)]
pub(crate) struct Shell<'a> {
    /// The engine.
    pub(crate) engine: &'a Engine,
    /// What the project declares.
    pub(crate) declared: &'a DeclaredGraph,
    /// Completes unqualified names.
    pub(crate) namespace: Namespace,
    /// `configuration` of the project.
    pub(crate) configuration: BTreeMap<String, String>,
    /// Session time zone.
    pub(crate) time_zone: &'a str,
    /// Whether VACUUM may keep less than the table asks for, and RESTORE lose rows that nobody can bring again.
    pub(crate) force: bool,
}

/// SQL as it was given: one statement or several.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// The name under which it stands in diagnostics.
    pub(crate) name: Arc<str>,
    /// The text.
    pub(crate) text: String,
}

impl Script {
    /// SQL that stands in no file.
    pub(crate) fn typed(text: &str) -> Self {
        Self {
            name: COMMAND_LINE.into(),
            text: text.to_owned(),
        }
    }

    /// Its statements with the bytes at which they begin, each with blanks for the lines and columns before it: places are those of
    /// the whole text.
    ///
    /// # Errors
    /// The text is no sequence of tokens, such as one with a string that never ends.
    pub(crate) fn statements(
        &self,
    ) -> Result<impl Iterator<Item = (usize, String)>, Vec<Diagnostic>> {
        let ranges = split_statements(&self.name, &self.text)?;
        Ok(ranges.into_iter().map(|range| {
            let before = self.text.get(..range.start).unwrap_or_default();
            let last = before.rsplit('\n').next().unwrap_or_default();
            let lines = "\n".repeat(before.matches('\n').count());
            let columns = " ".repeat(last.chars().count());
            let start = range.start;
            let statement = self.text.get(range).unwrap_or_default();
            (start, format!("{lines}{columns}{statement}"))
        }))
    }
}

/// Runs one statement that stands in no file.
pub(crate) async fn run(shell: &Shell<'_>, text: &str) -> Result<Rows, Vec<Diagnostic>> {
    run_named(shell, &COMMAND_LINE.into(), text).await
}

/// Runs one statement of a text with that name.
pub(crate) async fn run_named(
    shell: &Shell<'_>,
    name: &Arc<str>,
    text: &str,
) -> Result<Rows, Vec<Diagnostic>> {
    let (text, replacements, errors) = interpolate(name, text, &shell.configuration);
    if !errors.is_empty() {
        return Err(errors);
    }
    let statement = parse_shell_statement(name, &text, replacements, &shell.namespace)?;
    run_parsed(shell, statement).await
}

/// Runs a statement that was parsed.
pub(crate) async fn run_parsed(
    shell: &Shell<'_>,
    statement: ShellStatement,
) -> Result<Rows, Vec<Diagnostic>> {
    match statement {
        ShellStatement::Query(query) => {
            let result = shell.engine.query(shell.declared, &query).await?;
            Ok(Rows::of(&result, shell.time_zone))
        }
        ShellStatement::Explain(query) => {
            let plan = shell.engine.explain_query(shell.declared, &query).await?;
            Ok(Rows::of_texts(&["plan"], vec![vec![Some(plan)]]))
        }
        ShellStatement::Describe { form, table, limit } => {
            describe::describe(shell, form, &table, limit).await
        }
        ShellStatement::ShowColumns { table } => {
            let columns = describe::columns(shell, &table).await?;
            let names = columns
                .cells
                .into_iter()
                .map(|row| row.into_iter().take(1).collect());
            Ok(Rows::of_texts(&["col_name"], names.collect()))
        }
        ShellStatement::ShowTables { schema, pattern } => {
            let schema = schema.map(|name| name.parts.last().cloned().unwrap_or_default());
            Ok(tables(shell, schema.as_deref(), pattern.as_deref()))
        }
        ShellStatement::ShowTableProperties { table, key } => {
            let properties = sluice_run::shown_properties(&open(shell, &table).await?);
            let cells = match key {
                None => properties
                    .into_iter()
                    .map(|(k, v)| vec![Some(k), Some(v)])
                    .collect(),
                Some(key) => {
                    let value = properties.get(&key).cloned().unwrap_or_else(|| {
                        let name = full_name(shell, &table);
                        format!("Table {name} does not have property: {key}")
                    });
                    vec![vec![Some(key), Some(value)]]
                }
            };
            Ok(Rows::of_texts(&["key", "value"], cells))
        }
        ShellStatement::Optimize(optimize) => maintenance::optimize(shell, optimize).await,
        ShellStatement::Vacuum(vacuum) => maintenance::vacuum(shell, vacuum).await,
        ShellStatement::Restore(restore) => maintenance::restore(shell, &restore).await,
    }
}

/// The full name of a table as it was written.
pub(crate) fn full_name(shell: &Shell<'_>, name: &WrittenName) -> DatasetName {
    DatasetName::qualify(&name.parts, &shell.namespace)
        .unwrap_or_else(|| DatasetName::temporary(""))
}

/// Opens a table by its name, or by its place: ``delta.`/path` ``.
pub(crate) async fn open(
    shell: &Shell<'_>,
    name: &WrittenName,
) -> Result<DeltaTable, Vec<Diagnostic>> {
    let placed = |error: Diagnostic| vec![error.at(&name.origin, "")];
    if let [format, path] = name.parts.as_slice()
        && format.eq_ignore_ascii_case("delta")
        && path.contains('/')
    {
        let store = shell.engine.warehouse();
        let location = shell
            .engine
            .location_at(path)
            .map_err(|error| placed(error.diagnostic()))?;
        let table = DeltaTable::existing(store, &location).await;
        return table.map_err(|error| placed(error.diagnostic()));
    }
    let full = full_name(shell, name);
    let found = shell.engine.table(shell.declared, &full).await;
    let found = found.map_err(|errors| {
        let placed = errors.into_iter().map(|error| error.at(&name.origin, ""));
        placed.collect::<Vec<_>>()
    })?;
    found.ok_or_else(|| {
        let is_view = shell
            .declared
            .datasets
            .get(&full)
            .is_some_and(|d| !d.kind.is_table());
        let message = if is_view {
            format!("`{full}` is a view, no table")
        } else {
            format!("there is no table `{full}`")
        };
        let error = Diagnostic::error(&TABLE_OR_VIEW_NOT_FOUND, message).at(&name.origin, "");
        vec![if is_view {
            error.help("a view stores nothing: name a table that it reads")
        } else {
            error.help("if the project declares it, run it first: `sluice run`")
        }]
    })
}

/// `SHOW TABLES`: what the project declares, in Spark's columns.
fn tables(shell: &Shell<'_>, schema: Option<&str>, pattern: Option<&str>) -> Rows {
    let own = shell.namespace.schema.clone();
    let wanted = schema.map_or(own, str::to_lowercase);
    let cells = shell
        .declared
        .datasets
        .values()
        .filter(|dataset| !dataset.private)
        .filter(|dataset| dataset.name.is_temporary() || dataset.name.schema == wanted)
        .filter(|dataset| pattern.is_none_or(|pattern| is_like(pattern, &dataset.name.name)))
        .map(|dataset| {
            vec![
                Some(dataset.name.schema.clone()),
                Some(dataset.name.name.clone()),
                Some(dataset.name.is_temporary().to_string()),
            ]
        })
        .collect();
    Rows::of_texts(&["namespace", "tableName", "isTemporary"], cells)
}

/// Spark's pattern of `SHOW`: `*` is any text, `|` separates choices, case does not matter.
fn is_like(pattern: &str, name: &str) -> bool {
    pattern.to_lowercase().split('|').any(|choice| {
        let mut parts = choice.trim().split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        true
    })
}

#[cfg(test)]
mod tests {
    use super::{Script, is_like};

    #[test]
    fn statements_stand_where_they_are_written() {
        let script = Script::typed("SELECT 1;\n\n -- 'x;\nSELECT 'ü'; SELECT 3");
        let found: Vec<(usize, String)> = script.statements().unwrap().collect();
        let second = "\n\n\nSELECT 'ü'";
        let third = format!(
            "\n\n\n{}SELECT 3",
            " ".repeat("SELECT 'ü'; ".chars().count())
        );
        let found: Vec<(usize, &str)> = found.iter().map(|(at, one)| (*at, &**one)).collect();
        assert_eq!(found, [(0, "SELECT 1"), (19, second), (32, &third)]);
        assert!(Script::typed("SELECT 1; SELECT 'a").statements().is_err());
    }

    #[test]
    fn patterns_of_show() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("x|A*", "ab", true),
            ("*", "", true),
        ] {
            assert_eq!(is_like(pattern, name), expected, "{pattern} {name}");
        }
    }
}
