//! Runs one statement of `sluice sql` or the shell and gives its rows. Must not print.

use std::sync::Arc;

use sluice_model::condition::command::SHELL_STATEMENT_NOT_SUPPORTED;
use sluice_model::condition::graph::TABLE_OR_VIEW_NOT_FOUND;
use sluice_model::{DatasetName, Diagnostic, SparkType};
use sluice_run::QueryResult;
use sluice_sql::project::interpolate;
use sluice_sql::statement::WrittenName;
use sluice_sql::{DescribeForm, ShellStatement, parse_shell_statement};
use sluice_table::DeltaTable;

use crate::rows::Rows;
use crate::workplace::Workplace;

/// The name under which SQL from the command line stands in diagnostics.
pub(crate) const COMMAND_LINE: &str = "<command line>";

/// Runs one statement.
pub(crate) async fn run(place: &Workplace, text: &str) -> Result<Rows, Vec<Diagnostic>> {
    let configuration = place
        .project
        .as_ref()
        .map(|project| project.configuration.clone())
        .unwrap_or_default();
    let (text, replacements, errors) = interpolate(COMMAND_LINE, text, &configuration);
    if !errors.is_empty() {
        return Err(errors);
    }
    let file: Arc<str> = COMMAND_LINE.into();
    match parse_shell_statement(&file, &text, replacements, &place.namespace())? {
        ShellStatement::Query(query) => {
            let result = place.engine.query(&place.declared, &query).await?;
            Ok(Rows::of(&result, &place.time_zone))
        }
        ShellStatement::Explain(query) => Err(vec![
            Diagnostic::error(&SHELL_STATEMENT_NOT_SUPPORTED, "EXPLAIN is not supported here")
                .at(&query.origin, "")
                .help("`sluice plan` shows how each materialized view is refreshed, `sluice lineage` what it reads"),
        ]),
        ShellStatement::Describe { form, table, limit } => describe(place, form, &table, limit).await,
        ShellStatement::ShowTables { schema, pattern } => {
            let schema = schema.map(|name| name.parts.last().cloned().unwrap_or_default());
            Ok(tables(place, schema.as_deref(), pattern.as_deref()))
        }
        ShellStatement::ShowTableProperties { table, key } => {
            let properties = open(place, &table).await?.properties();
            let wanted = properties.into_iter().filter(|(name, _)| key.as_ref().is_none_or(|key| key == name));
            Ok(Rows::of_texts(&["key", "value"], wanted.map(|(k, v)| vec![Some(k), Some(v)]).collect()))
        }
    }
}

async fn describe(
    place: &Workplace,
    form: DescribeForm,
    name: &WrittenName,
    limit: Option<u64>,
) -> Result<Rows, Vec<Diagnostic>> {
    match form {
        DescribeForm::Columns => columns(place, name).await,
        DescribeForm::Extended => {
            let mut rows = columns(place, name).await?;
            if let Ok(table) = open(place, name).await {
                rows.cells
                    .push(vec![Some(String::new()), Some(String::new()), None]);
                rows.cells.push(vec![
                    Some("# Detailed Table Information".into()),
                    Some(String::new()),
                    None,
                ]);
                rows.cells
                    .push(vec![Some("Comment".into()), table.comment(), None]);
                let location = table.store().url_of(table.location()).to_string();
                rows.cells
                    .push(vec![Some("Location".into()), Some(location), None]);
                rows.cells
                    .push(vec![Some("Provider".into()), Some("delta".into()), None]);
                for (key, value) in table.properties() {
                    rows.cells.push(vec![Some(key), Some(value), None]);
                }
            }
            Ok(rows)
        }
        DescribeForm::History => {
            let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
            let batch = open(place, name)
                .await?
                .history(limit)
                .await
                .map_err(|error| vec![error.diagnostic()])?;
            Ok(Rows::of(
                &QueryResult {
                    schema: batch.schema(),
                    batches: vec![batch],
                },
                &place.time_zone,
            ))
        }
        DescribeForm::Detail => {
            let batch = open(place, name)
                .await?
                .detail()
                .await
                .map_err(|error| vec![error.diagnostic()])?;
            Ok(Rows::of(
                &QueryResult {
                    schema: batch.schema(),
                    batches: vec![batch],
                },
                &place.time_zone,
            ))
        }
    }
}

/// Columns of a table or view, by asking for none of its rows.
async fn columns(place: &Workplace, name: &WrittenName) -> Result<Rows, Vec<Diagnostic>> {
    let quoted: Vec<String> = name
        .parts
        .iter()
        .map(|part| format!("`{}`", part.replace('`', "``")))
        .collect();
    let text = format!("SELECT * FROM {} LIMIT 0", quoted.join("."));
    let file: Arc<str> = COMMAND_LINE.into();
    let query = sluice_sql::parse_query(&file, &text, vec![], &place.namespace())?;
    let result = place
        .engine
        .query(&place.declared, &query)
        .await
        .map_err(|errors| relocated(errors, name))?;
    let comments = place
        .declared
        .datasets
        .get(&full_name(place, name))
        .map(|dataset| &dataset.columns);
    let cells = result
        .schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = SparkType::from_arrow(field.data_type())
                .map_or_else(|| field.data_type().to_string(), |t| t.to_string());
            let declared = comments.and_then(|c| {
                c.iter()
                    .find(|c| c.name.value.eq_ignore_ascii_case(field.name()))
            });
            vec![
                Some(field.name().clone()),
                Some(data_type),
                declared.and_then(|column| column.comment.clone()),
            ]
        })
        .collect();
    Ok(Rows::of_texts(&["col_name", "data_type", "comment"], cells))
}

/// Errors about a query that the user did not write point to the name that they did.
fn relocated(errors: Vec<Diagnostic>, name: &WrittenName) -> Vec<Diagnostic> {
    let move_one = |mut error: Diagnostic| {
        for label in &mut error.labels {
            if *label.origin.file == *COMMAND_LINE {
                label.origin = name.origin.clone();
            }
        }
        error
    };
    errors.into_iter().map(move_one).collect()
}

fn full_name(place: &Workplace, name: &WrittenName) -> DatasetName {
    DatasetName::qualify(&name.parts, &place.namespace())
        .unwrap_or_else(|| DatasetName::temporary(""))
}

async fn open(place: &Workplace, name: &WrittenName) -> Result<DeltaTable, Vec<Diagnostic>> {
    let full = full_name(place, name);
    place
        .engine
        .table(&place.declared, &full)
        .await?
        .ok_or_else(|| {
            vec![
                Diagnostic::error(
                    &TABLE_OR_VIEW_NOT_FOUND,
                    format!("there is no table `{full}`"),
                )
                .at(&name.origin, "")
                .help("if the project declares it, run it first: `sluice run`"),
            ]
        })
}

/// `SHOW TABLES`: what the project declares, in Spark's columns.
fn tables(place: &Workplace, schema: Option<&str>, pattern: Option<&str>) -> Rows {
    let own = place.namespace().schema;
    let wanted = schema.map_or(own, str::to_lowercase);
    let cells = place
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
    use super::is_like;

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
