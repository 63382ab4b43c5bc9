//! Reports, plans, tables and events as the text that tests compare. Must not run anything.

use std::fmt::Write as _;

use crate::rows::Rows;
use arrow::array::{Array as _, ArrayRef, AsArray as _};
use sluice_decode::cast::{CastMode, cast};
use sluice_model::event::Event;
use sluice_model::{FlowKind, SparkType};
use sluice_run::{FlowReport, PlanLine, QueryResult, UpdateReport};
use sluice_table::DeltaTable;

/// The flows of an update, one line each: `silver  COMPLETED  append  +2 rows  valid: 1 passed, 1 failed`.
pub(crate) fn update(report: &UpdateReport) -> String {
    let mut flows: Vec<&FlowReport> = report.flows.iter().collect();
    flows.sort_by_key(|flow| (flow.dataset.to_string(), flow.flow.clone()));
    flows
        .iter()
        .map(|flow| flow_line(flow))
        .collect::<Vec<_>>()
        .join("\n")
}

fn flow_line(flow: &FlowReport) -> String {
    let mut line = flow.dataset.name.clone();
    if flow.flow.as_str() != flow.dataset.name {
        let _ = write!(line, "/{}", flow.flow);
    }
    let _ = write!(line, "  {}", flow.status.as_str());
    let metrics = &flow.metrics;
    match (&flow.technique, flow.kind) {
        (Some(technique), _) => {
            let _ = write!(line, "  {}", technique.name.to_lowercase());
        }
        (None, FlowKind::Append) if metrics.batches > 0 => line.push_str("  append"),
        (None, FlowKind::AppendOnce) if metrics.batches > 0 => line.push_str("  once"),
        _ => {}
    }
    if metrics.batches > 0 {
        let _ = write!(
            line,
            "  +{} {}",
            metrics.output_rows,
            if metrics.output_rows == 1 {
                "row"
            } else {
                "rows"
            }
        );
    }
    if metrics.deleted_rows > 0 {
        let _ = write!(line, "  -{}", metrics.deleted_rows);
    }
    if metrics.dropped_rows > 0 {
        let _ = write!(line, "  dropped {}", metrics.dropped_rows);
    }
    if metrics.bad_records > 0 {
        let _ = write!(line, "  bad records {}", metrics.bad_records);
    }
    if metrics.late_rows > 0 {
        let _ = write!(line, "  late {}", metrics.late_rows);
    }
    for count in &flow.expectations {
        let _ = write!(
            line,
            "  {}: {} passed, {} failed",
            count.name, count.passed_records, count.failed_records
        );
    }
    line
}

/// What an update would do, one line per dataset.
pub(crate) fn plan(lines: &[PlanLine]) -> String {
    let line = |line: &PlanLine| {
        let mut text = format!("{}  {}", line.dataset.name, line.action);
        if let Some(technique) = &line.technique {
            let _ = write!(text, "  {}: {}", technique.name, technique.reason);
        }
        if !line.detail.is_empty() {
            let _ = write!(text, "  {}", line.detail);
        }
        text
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a table says of itself: its comment, columns with theirs, properties.
pub(crate) fn description(table: &DeltaTable) -> String {
    let comment = table.comment().map(|comment| format!("comment  {comment}"));
    let columns = table.schema();
    let columns = columns.fields().iter().map(|field| {
        let name = field.name();
        match field.metadata().get("comment") {
            Some(comment) => format!("column  {name}  {comment}"),
            None => format!("column  {name}"),
        }
    });
    let properties = table.properties();
    let properties = properties
        .iter()
        .map(|(key, value)| format!("property  {key}  {value}"));
    let lines: Vec<String> = comment
        .into_iter()
        .chain(columns)
        .chain(properties)
        .collect();
    lines.join("\n")
}

/// Events, one line each.
pub(crate) fn events(events: &[Event], filter: &str) -> String {
    let wanted = |event: &&Event| {
        filter.is_empty()
            || filter
                .split_whitespace()
                .any(|word| event.event_type == word)
    };
    let line = |event: &Event| {
        format!(
            "{} {} {}",
            event.level.as_str(),
            event.event_type,
            event.message
        )
    };
    let mut lines: Vec<String> = events.iter().filter(wanted).map(line).collect();
    if filter.contains("flow_") {
        // Flows run side by side: their events have no order between each other.
        lines.sort();
    }
    lines.join("\n")
}

/// Rows as a table: a header, columns padded, NULL as `NULL` and a text that reads so as `'NULL'`; rows sorted unless the query orders them.
pub(crate) fn table(result: &QueryResult, keep_order: bool) -> Result<String, String> {
    let header: Vec<String> = result
        .schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let mut rows: Vec<Vec<String>> = vec![];
    for batch in &result.batches {
        let mut columns = vec![];
        for column in batch.columns() {
            let text = cast(column, &SparkType::String, CastMode::Ansi, "UTC")
                .map_err(|error| error.to_string())?;
            columns.push(text);
        }
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| cell(column, row)).collect());
        }
    }
    if !keep_order {
        rows.sort();
    }
    Ok(layout(&header, &rows))
}

/// Rows of a statement that is no query, in its order. Sizes of files and ids depend on more than the case: they are masked.
pub(crate) fn rows(rows: &Rows) -> String {
    let shown = |name: &str, text: &str| match name {
        _ if name.contains("size") || name == "sizeInBytes" => "(bytes)".to_owned(),
        "id" => "(id)".to_owned(),
        "metrics" => counts(text),
        _ => told_apart(text),
    };
    let line = |row: &Vec<Option<String>>| -> Vec<String> {
        let cells = rows.names.iter().zip(row);
        cells
            .map(|(name, cell)| {
                cell.as_deref()
                    .map_or("NULL".into(), |text| shown(name, text))
            })
            .collect()
    };
    let cells: Vec<Vec<String>> = rows.cells.iter().map(line).collect();
    layout(&rows.names, &cells)
}

/// What OPTIMIZE tells, without sizes.
fn counts(metrics: &str) -> String {
    let metrics: serde_json::Value = serde_json::from_str(metrics).unwrap_or_default();
    let wanted = [
        "numFilesAdded",
        "numFilesRemoved",
        "partitionsOptimized",
        "totalFilesSkipped",
    ];
    let told = wanted.map(|name| format!("{name}={}", metrics[name]));
    told.join(" ")
}

fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "NULL".into();
    }
    let text = column.as_string::<i32>().value(row);
    told_apart(&text.replace('\n', "\\n").replace('\0', "\\0"))
}

/// A text as a cell: in quotes where it is empty, reads NULL or has quotes itself, so that no two values look alike.
fn told_apart(text: &str) -> String {
    let has_quotes = text.len() > 1 && text.starts_with('\'') && text.ends_with('\'');
    if text.is_empty() || text == "NULL" || has_quotes {
        format!("'{text}'")
    } else {
        text.to_owned()
    }
}

/// Columns padded to one width.
pub(crate) fn layout(header: &[String], rows: &[Vec<String>]) -> String {
    let width = |index: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(index))
            .chain(header.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join(" | ").trim_end().to_string()
    };
    std::iter::once(line(header))
        .chain(rows.iter().map(|row| line(row)))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::told_apart;

    #[test]
    fn no_two_values_look_alike() {
        for (text, shown) in [
            ("NULL", "'NULL'"),
            ("'NULL'", "''NULL''"),
            ("", "''"),
            ("''", "''''"),
            ("null", "null"),
            ("'", "'"),
            ("it's", "it's"),
        ] {
            assert_eq!(told_apart(text), shown);
        }
    }
}
