//! `sluice optimize`, `vacuum` and `restore`: the statements of that name, told in a line per table.

use std::sync::Arc;

use serde_json::json;
use sluice_model::Diagnostic;
use sluice_model::condition::command::ARGUMENT_NOT_VALID;
use sluice_model::condition::graph::TABLE_OR_VIEW_NOT_FOUND;
use sluice_sql::{ShellStatement, parse_shell_statement};
use sluice_table::Vacuumed;

use super::logs::literal;
use super::sql::report;
use crate::arguments::{Global, Mode, Optimize, Restore, Vacuum};
use crate::exit::Exit;
use crate::maintenance;
use crate::render::Screen;
use crate::rows::Rows;
use crate::source_text::SourceTexts;
use crate::statement::{self, COMMAND_LINE, Shell};
use crate::workplace::{Refused, Workplace, block_on};

/// Rewrites files.
pub(crate) fn optimize(
    screen: &Screen,
    global: &Global,
    asked: &Optimize,
) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let mut tail = String::new();
    if asked.full {
        tail.push_str(" FULL");
    }
    if let Some(predicate) = &asked.predicate {
        tail = format!("{tail} WHERE {predicate}");
    }
    if !asked.z_order.is_empty() {
        let columns: Vec<String> = asked.z_order.iter().map(|name| quoted(name)).collect();
        tail = format!("{tail} ZORDER BY ({})", columns.join(", "));
    }
    let told = |rows: &Rows| {
        let metrics = cell(rows, 1);
        let metrics: serde_json::Value = serde_json::from_str(&metrics).unwrap_or_default();
        let number = |path: &str| {
            metrics
                .pointer(path)
                .and_then(serde_json::Value::as_u64)
                .unwrap_or(0)
        };
        match number("/numFilesRemoved") {
            0 => "nothing to do".to_owned(),
            removed => format!(
                "{removed} files of {} bytes are now {} of {} bytes",
                number("/filesRemoved/totalSize"),
                number("/numFilesAdded"),
                number("/filesAdded/totalSize"),
            ),
        }
    };
    each(
        screen,
        &place,
        &place.shell(),
        &asked.tables,
        |table| format!("OPTIMIZE {table}{tail}"),
        told,
    )
}

/// Deletes files.
pub(crate) fn vacuum(screen: &Screen, global: &Global, asked: &Vacuum) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let mut tail = String::new();
    if let Some(retain) = &asked.retain {
        let hours = retain.trim_end_matches(['h', 'H']);
        if hours.parse::<f64>().is_err() {
            let message = format!("`--retain {retain}` is no number of hours");
            let error = Diagnostic::error(&ARGUMENT_NOT_VALID, message);
            return Err(Refused {
                diagnostics: vec![error.help("write `--retain 168h`")],
                texts: SourceTexts::default(),
            });
        }
        tail = format!("{tail} RETAIN {hours} HOURS");
    }
    if asked.dry_run {
        tail.push_str(" DRY RUN");
    }
    let mut shell = place.shell();
    shell.force = asked.force;
    let is_all = asked.tables.is_empty();
    block_on(async {
        let mut objects = vec![];
        for table in named_or_all(&place, &asked.tables) {
            let text = format!("VACUUM {table}{tail}");
            match vacuum_one(&shell, &text).await {
                Ok((path, done)) if screen.is_json => objects.push(json!({
                    "table": table, "path": path, "dry_run": asked.dry_run,
                    "files": done.paths, "bytes": done.bytes,
                })),
                Ok((_, done)) => tell_vacuumed(screen, &table, asked.dry_run, &done),
                Err(errors) if is_all && errors.iter().all(is_missing) => {}
                Err(errors) => return report(screen, &place, &text, &errors),
            }
        }
        if screen.is_json {
            screen.object(&objects.into());
        }
        Exit::Success
    })
}

async fn vacuum_one(shell: &Shell<'_>, text: &str) -> Result<(String, Vacuumed), Vec<Diagnostic>> {
    let file: Arc<str> = COMMAND_LINE.into();
    match parse_shell_statement(&file, text, vec![], &shell.namespace)? {
        ShellStatement::Vacuum(vacuum) => maintenance::vacuumed(shell, vacuum).await,
        _ => Err(vec![]),
    }
}

fn tell_vacuumed(screen: &Screen, table: &str, dry_run: bool, done: &Vacuumed) {
    let what = if dry_run {
        "would be deleted"
    } else {
        "deleted"
    };
    screen.line(&format!(
        "{table}: {} files of {} bytes {what}",
        done.paths.len(),
        done.bytes
    ));
    for path in done.paths.iter().filter(|_| dry_run) {
        screen.line(&format!("  {path}"));
    }
}

/// Sets a table back.
pub(crate) fn restore(screen: &Screen, global: &Global, asked: &Restore) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let to = match (&asked.version, &asked.timestamp) {
        (Some(version), _) => format!("VERSION AS OF {version}"),
        (None, timestamp) => {
            format!(
                "TIMESTAMP AS OF {}",
                literal(timestamp.as_deref().unwrap_or_default())
            )
        }
    };
    let told = |rows: &Rows| {
        format!(
            "{} files went, {} came back; what its flows took since then is taken again by the next update",
            cell(rows, 2),
            cell(rows, 3)
        )
    };
    let tables = vec![asked.table.clone()];
    let mut shell = place.shell();
    shell.force = asked.allow_data_loss;
    each(
        screen,
        &place,
        &shell,
        &tables,
        |table| format!("RESTORE TABLE {table} TO {to}"),
        told,
    )
}

/// Runs a statement for each table and tells what it did: a line for each, or one JSON document of all rows; ends at the first error.
fn each(
    screen: &Screen,
    place: &Workplace,
    shell: &Shell<'_>,
    tables: &[String],
    statement: impl Fn(&str) -> String,
    told: impl Fn(&Rows) -> String,
) -> Result<Exit, Refused> {
    let is_all = tables.is_empty();
    let tables = named_or_all(place, tables);
    block_on(async {
        let mut all = Rows::default();
        for table in &tables {
            let text = statement(table);
            match statement::run(shell, &text).await {
                Ok(rows) if screen.is_json => all.append(rows),
                Ok(rows) => screen.line(&format!("{table}: {}", told(&rows))),
                Err(errors) if is_all && errors.iter().all(is_missing) => {}
                Err(errors) => return report(screen, place, &text, &errors),
            }
        }
        if screen.is_json {
            screen.result(&all.render(Mode::Json, None));
        }
        Exit::Success
    })
}

/// The tables that were named, or all that the pipeline declares.
fn named_or_all(place: &Workplace, named: &[String]) -> Vec<String> {
    if !named.is_empty() {
        return named.to_vec();
    }
    let datasets = place.declared.datasets.values();
    datasets
        .filter(|dataset| dataset.kind.is_table() && !dataset.private)
        .map(|dataset| {
            let name = &dataset.name;
            let parts = [&name.catalog, &name.schema, &name.name];
            parts.map(|part| quoted(part)).join(".")
        })
        .collect()
}

/// Whether a table was never made.
fn is_missing(error: &Diagnostic) -> bool {
    *error.condition == TABLE_OR_VIEW_NOT_FOUND
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn cell(rows: &Rows, column: usize) -> String {
    let first = rows.cells.first();
    first
        .and_then(|row| row.get(column).cloned().flatten())
        .unwrap_or_default()
}
