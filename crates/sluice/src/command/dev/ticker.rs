//! Rows of some tables as they come, one line each, while the pipeline runs beside it. Must not run anything.

use std::time::Duration;

use serde_json::json;
use sluice_graph::DeclaredGraph;
use sluice_graph::query::RelationSource;
use sluice_model::{DatasetName, Diagnostic, Namespace};
use sluice_run::Engine;

use crate::arguments::Mode;
use crate::render::Screen;
use crate::rows::Rows;
use crate::source_text::SourceTexts;
use crate::watching::{Watched, table_named};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// Rows of a table that are shown at a look; the rest is counted by nobody.
const ROWS_MAX: usize = 20;
/// Longest value that is shown.
const VALUE_CHARS_MAX: usize = 40;
/// What is part of the name of a table that people want to see.
const WORD: &str = "alert";

/// The tables to show: those asked for, else those of alerts, else those that nothing reads.
pub(super) async fn tables(
    engine: &Engine,
    declared: &DeclaredGraph,
    namespace: &Namespace,
    asked: &[String],
) -> Result<Vec<DatasetName>, Vec<Diagnostic>> {
    let mut names = vec![];
    for written in asked {
        names.push(table_named(engine, declared, namespace, written).await?);
    }
    if !names.is_empty() {
        return Ok(names);
    }
    let tables = declared.datasets.values();
    let tables = tables.filter(|dataset| dataset.kind.is_table());
    let tables: Vec<DatasetName> = tables.map(|dataset| dataset.name.clone()).collect();
    let (alerts, mut others): (Vec<_>, Vec<_>) = tables
        .into_iter()
        .partition(|name| name.name.contains(WORD));
    if !alerts.is_empty() {
        return Ok(alerts);
    }
    others.retain(|name| !is_read(declared, name));
    Ok(others)
}

/// Whether a flow reads a table of this name.
fn is_read(declared: &DeclaredGraph, table: &DatasetName) -> bool {
    declared.flows.values().any(|flow| {
        flow.query.relations.iter().any(|relation| {
            let RelationSource::Name(written) = &relation.source else {
                return false;
            };
            let last = written.parts.last();
            last.is_some_and(|last| last.eq_ignore_ascii_case(&table.name))
        })
    })
}

/// Where rows go, and in which form.
#[derive(Debug)]
pub(super) struct Printer<'a> {
    /// Tells errors on stderr.
    pub(super) screen: &'a Screen,
    pub(super) is_json: bool,
    pub(super) time_zone: &'a str,
}

/// Why no more rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Whoever read them has gone away (`| head`), or they cannot be written.
    Unread,
    /// A table cannot be read: an error has said so.
    Failed,
}

impl Printer<'_> {
    /// Shows rows until it is dropped, or cannot go on.
    pub(super) async fn show(
        &self,
        engine: &Engine,
        declared: &DeclaredGraph,
        tables: &mut [Watched],
    ) -> Ended {
        loop {
            for watched in tables.iter_mut() {
                let passing = match watched.rows(engine, declared, ROWS_MAX).await {
                    Ok(passing) => passing,
                    Err(errors) => {
                        self.screen.diagnostics(&errors, &SourceTexts::default());
                        return Ended::Failed;
                    }
                };
                for part in &passing.parts {
                    let rows = Rows::of(part, self.time_zone);
                    for line in lines(&watched.name, &rows, self.is_json) {
                        self.screen.line(&line);
                        if !self.screen.is_read() {
                            return Ended::Unread;
                        }
                    }
                }
                if passing.has_more {
                    self.screen
                        .say(&format!("… and more rows of {}", watched.name.name));
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn lines(table: &DatasetName, rows: &Rows, is_json: bool) -> Vec<String> {
    if is_json {
        let objects = rows.render(Mode::Jsonlines, None);
        return objects
            .lines()
            .map(|row| format!("{{\"table\":{},\"row\":{row}}}", json!(table.to_string())))
            .collect();
    }
    let line = |row: &Vec<Option<String>>| {
        let cells = rows.names.iter().zip(row);
        let cells =
            cells.filter_map(|(name, cell)| Some(format!("{name}={}", cut(cell.as_ref()?))));
        let cells: Vec<String> = cells.collect();
        format!("{}  {}", table.name, cells.join("  "))
    };
    rows.cells.iter().map(line).collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= VALUE_CHARS_MAX {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(VALUE_CHARS_MAX - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line_of_what_it_has() {
        let cells = vec![vec![Some("S-1".into()), None, Some("x".repeat(50))]];
        let rows = Rows::of_texts(&["device_id", "category", "note"], cells);
        let table = DatasetName::new("main", "iot", "alerts");
        let expected = format!("alerts  device_id=S-1  note={}…", "x".repeat(39));
        assert_eq!(lines(&table, &rows, false), [expected]);
        let object: serde_json::Value =
            serde_json::from_str(&lines(&table, &rows, true)[0]).unwrap();
        assert_eq!(object["row"]["device_id"], "S-1");
        assert_eq!(object["table"], "main.iot.alerts");
    }
}
