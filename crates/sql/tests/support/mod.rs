//! Statements and queries as short lines, for comparison.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::panic,
    clippy::too_many_lines,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "test support"
)]

use std::sync::Arc;

use sluice_model::{Diagnostic, Namespace};
use sluice_sql::query::{Query, ReadMode};
use sluice_sql::statement::{CreateTable, FlowBody, Statement, StatementKind};

pub(crate) fn file() -> Arc<str> {
    "pipeline.sql".into()
}

pub(crate) fn namespace() -> Namespace {
    Namespace::new("main", "default")
}

pub(crate) fn parse(text: &str) -> (Vec<Statement>, Vec<Diagnostic>) {
    sluice_sql::parse_file(&file(), text, vec![], &namespace())
}

/// The statements of a text that has no errors.
pub(crate) fn statements(text: &str) -> Vec<Statement> {
    let (statements, diagnostics) = parse(text);
    let errors: Vec<String> = diagnostics.iter().map(error_line).collect();
    assert!(errors.is_empty(), "{text}\n{errors:#?}");
    statements
}

pub(crate) fn query(text: &str) -> Query {
    sluice_sql::parse_query(&file(), text, vec![], &namespace()).unwrap_or_else(|errors| {
        panic!(
            "{text}\n{:#?}",
            errors.iter().map(error_line).collect::<Vec<_>>()
        )
    })
}

/// `line:column CONDITION: message | help`
pub(crate) fn error_line(error: &Diagnostic) -> String {
    let place = error.origin().map_or("?".into(), |origin| {
        format!("{}:{}", origin.line, origin.column)
    });
    let helps: String = error
        .helps
        .iter()
        .map(|help| format!(" | {help}"))
        .collect();
    format!("{place} {}: {}{helps}", error.condition.name, error.message)
}

/// The errors of a pipeline file, one line each.
pub(crate) fn errors(text: &str) -> Vec<String> {
    parse(text).1.iter().map(error_line).collect()
}

/// `stream t AS x, batch read_files(…)`
pub(crate) fn relations(query: &Query) -> String {
    let shown: Vec<String> = query
        .relations
        .iter()
        .map(|relation| {
            let mode = if relation.mode == ReadMode::Stream {
                "stream"
            } else {
                "batch"
            };
            let fingerprint = relation.fingerprint();
            let source = fingerprint.split_once(' ').map_or("", |(_, rest)| rest);
            let source = source.trim_end_matches(" None").trim_end_matches(" None");
            format!(
                "{mode} {} AS {}",
                source.trim_end_matches(" {}"),
                relation.alias
            )
        })
        .collect();
    shown.join(", ")
}

/// A statement in one line.
pub(crate) fn line(statement: &Statement) -> String {
    match &statement.kind {
        StatementKind::StreamingTable(table) => format!("streaming table {}", table_line(table)),
        StatementKind::MaterializedView(table) => {
            format!("materialized view {}", table_line(table))
        }
        StatementKind::View(view) => {
            let kind = if view.temporary {
                "temporary view"
            } else {
                "view"
            };
            let expectations = view.expectations.len();
            let extra = if expectations > 0 {
                format!(" expectations={expectations}")
            } else {
                String::new()
            };
            format!(
                "{kind} {}{extra} <- {}",
                view.name.parts.join("."),
                relations(&view.query)
            )
        }
        StatementKind::Function(function) => {
            format!("function {}", function.name.parts.join("."))
        }
        StatementKind::Unread(name) => format!("unread {}", name.parts.join(".")),
        StatementKind::Flow(flow) => {
            format!(
                "flow {} into {} {}",
                flow.name.value,
                flow.target.parts.join("."),
                body_line(&flow.body)
            )
        }
    }
}

fn table_line(table: &CreateTable) -> String {
    let mut out = table.name.parts.join(".");
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            out.push_str(&format!(" {name}={value}"));
        }
    };
    add(
        "private",
        if table.private {
            "yes".into()
        } else {
            String::new()
        },
    );
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let data_type = column
                .data_type
                .as_ref()
                .map_or(String::new(), |t| format!(":{t}"));
            let null = if column.not_null { "!" } else { "" };
            let default = column
                .default
                .as_ref()
                .map_or(String::new(), |e| format!("={}", e.tree));
            let generated = column
                .generated
                .as_ref()
                .map_or(String::new(), |e| format!(":={}", e.tree));
            format!("{}{data_type}{null}{default}{generated}", column.name.value)
        })
        .collect();
    add("columns", columns.join(","));
    let expectations: Vec<String> = table
        .expectations
        .iter()
        .map(|clause| {
            format!(
                "{}({}){:?}",
                clause.expectation.name, clause.predicate.tree, clause.expectation.on_violation
            )
        })
        .collect();
    add("expect", expectations.join(","));
    let names = |list: &[sluice_sql::statement::Located<String>]| {
        list.iter()
            .map(|name| name.value.clone())
            .collect::<Vec<_>>()
            .join(",")
    };
    add("partitioned", names(&table.partitioned_by));
    add("cluster", names(&table.cluster_by));
    add(
        "location",
        table
            .location
            .as_ref()
            .map_or(String::new(), |l| l.value.clone()),
    );
    add("comment", table.comment.clone().unwrap_or_default());
    let properties: Vec<String> = table
        .properties
        .iter()
        .map(|(k, v)| format!("{k}:{}", v.value))
        .collect();
    add("properties", properties.join(","));
    let policy = format!("{:?}", table.refresh_policy);
    add(
        "policy",
        if policy == "Auto" {
            String::new()
        } else {
            policy
        },
    );
    add("noted", names(&table.noted).replace(' ', "_"));
    let refused: Vec<String> = table
        .refused
        .iter()
        .map(|r| r.value.clause.replace(' ', "_"))
        .collect();
    add("refused", refused.join(","));
    let body = table
        .body
        .as_ref()
        .map_or_else(|| "<- nothing".into(), body_line);
    format!("{out} {body}")
}

pub(crate) fn body_line(body: &FlowBody) -> String {
    match body {
        FlowBody::Query(query) => format!("<- {}", relations(query)),
        FlowBody::Once(query) => format!("<- once {}", relations(query)),
        FlowBody::AutoCdc(cdc) => {
            let keys: Vec<&str> = cdc.keys.iter().map(|key| key.value.as_str()).collect();
            let mut out = format!(
                "<- auto cdc {} keys={} by {}",
                relations(&cdc.from),
                keys.join(","),
                cdc.sequence_by.tree
            );
            let selection = |s: &sluice_sql::statement::ColumnSelection| match s {
                sluice_sql::statement::ColumnSelection::All => "*".to_string(),
                sluice_sql::statement::ColumnSelection::Only(c) => c
                    .iter()
                    .map(|c| c.value.clone())
                    .collect::<Vec<_>>()
                    .join("+"),
                sluice_sql::statement::ColumnSelection::Except(c) => format!(
                    "-{}",
                    c.iter()
                        .map(|c| c.value.clone())
                        .collect::<Vec<_>>()
                        .join("-")
                ),
            };
            for (name, value) in [
                (
                    "once",
                    if cdc.once {
                        "yes".into()
                    } else {
                        String::new()
                    },
                ),
                (
                    "delete",
                    cdc.delete_when
                        .as_ref()
                        .map_or(String::new(), |e| e.tree.to_string()),
                ),
                (
                    "truncate",
                    cdc.truncate_when
                        .as_ref()
                        .map_or(String::new(), |e| e.tree.to_string()),
                ),
                (
                    "ignore_null",
                    cdc.ignore_null_updates
                        .as_ref()
                        .map_or(String::new(), selection),
                ),
                (
                    "columns",
                    if selection(&cdc.columns) == "*" {
                        String::new()
                    } else {
                        selection(&cdc.columns)
                    },
                ),
                ("stored", format!("{:?}", cdc.stored_as)),
                (
                    "track",
                    if selection(&cdc.track_history) == "*" {
                        String::new()
                    } else {
                        selection(&cdc.track_history)
                    },
                ),
                (
                    "update",
                    cdc.columns_to_update
                        .as_ref()
                        .map_or(String::new(), |c| c.value.clone()),
                ),
                (
                    "system",
                    cdc.system_sequence_by
                        .as_ref()
                        .map_or(String::new(), |c| c.value.clone()),
                ),
            ] {
                if !value.is_empty() && value != "ScdType1" {
                    out.push_str(&format!(" {name}={value}"));
                }
            }
            out
        }
        FlowBody::Replace(replace) => {
            let by = replace
                .sequence_by
                .as_ref()
                .map_or(String::new(), |e| e.tree.to_string());
            let using: Vec<&str> = replace.using.iter().map(|c| c.value.as_str()).collect();
            let predicate = replace
                .predicate
                .as_ref()
                .map_or(String::new(), |e| e.tree.to_string());
            format!(
                "<- replace where[{predicate}] using[{}] by[{by}] {}",
                using.join(","),
                relations(&replace.query)
            )
        }
    }
}

/// Compares the statements of a text, one line each, with what is expected.
#[track_caller]
pub(crate) fn check(text: &str, expected: &[&str]) {
    let lines: Vec<String> = statements(text).iter().map(line).collect();
    assert_eq!(lines, expected, "{text}");
}
