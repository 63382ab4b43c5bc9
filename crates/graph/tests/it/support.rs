//! A stand-in for `plan` and for the warehouse, just clever enough for tests of the graph: it types a select list by
//! looking names up and casts by their type, and knows a few tables and folders. Must not pretend more.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use sluice_graph::{
    Analysis, AnalyzeRequest, Analyzer, DeclaredGraph, ExpressionRequest, ExternalSchema,
    ExternalSource, ExternalTables, RelationSchema, ResolvedGraph, Settings, declare, resolve,
};
use sluice_model::condition::query::UNRESOLVED_COLUMN;
use sluice_model::{DatasetName, Diagnostic, Namespace, Severity, SparkType};
use sqlparser::ast::{Expr, Query, SelectItem, SetExpr, Spanned};

/// Types select lists by name.
#[derive(Debug)]
pub(crate) struct FakeAnalyzer;

impl Analyzer for FakeAnalyzer {
    fn analyze(&self, request: &AnalyzeRequest<'_>) -> Result<Analysis, Vec<Diagnostic>> {
        let mut fields = vec![];
        for item in select_list(&request.query.tree) {
            match item {
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                    for input in request.inputs {
                        fields.extend(
                            input
                                .columns
                                .fields()
                                .iter()
                                .map(|field| field.as_ref().clone()),
                        );
                    }
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    fields.push(Field::new(&alias.value, type_of(expr, request)?, true));
                }
                SelectItem::UnnamedExpr(expr) => {
                    let name = match expr {
                        Expr::Cast { expr, .. } => expr.to_string(),
                        Expr::CompoundIdentifier(parts) => parts.last().unwrap().value.clone(),
                        other => other.to_string(),
                    };
                    fields.push(Field::new(name, type_of(expr, request)?, true));
                }
                SelectItem::ExprWithAliases { .. } => panic!("not needed here"),
            }
        }
        Ok(Analysis {
            schema: Arc::new(Schema::new(fields)),
            remarks: vec![],
        })
    }

    fn check_expression(
        &self,
        request: &ExpressionRequest<'_>,
    ) -> Result<DataType, Vec<Diagnostic>> {
        match request.expression.tree.as_ref() {
            Expr::Identifier(name) => request
                .schema
                .fields()
                .iter()
                .find(|field| field.name().eq_ignore_ascii_case(&name.value))
                .map(|field| field.data_type().clone())
                .ok_or_else(|| {
                    vec![
                        Diagnostic::error(
                            &UNRESOLVED_COLUMN,
                            format!("no column `{}`", name.value),
                        )
                        .at(&request.expression.origin, ""),
                    ]
                }),
            Expr::Value(_) => Ok(DataType::Utf8),
            Expr::Cast { data_type, .. } => {
                Ok(SparkType::parse(&data_type.to_string()).unwrap().to_arrow())
            }
            _ => Ok(DataType::Boolean),
        }
    }

    fn can_cast(&self, from: &DataType, to: &DataType) -> bool {
        !from.is_nested()
            && !to.is_nested()
            && (from, to) != (&DataType::Boolean, &DataType::Date32)
    }
}

/// As [`FakeAnalyzer`], but believes in every column: for projects whose queries it cannot follow.
#[derive(Debug)]
pub(crate) struct Trusting;

impl Analyzer for Trusting {
    fn analyze(&self, request: &AnalyzeRequest<'_>) -> Result<Analysis, Vec<Diagnostic>> {
        let name = |item: &SelectItem| match item {
            SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                parts.last().unwrap().value.clone()
            }
            other => other.to_string(),
        };
        let fields: Vec<Field> = select_list(&request.query.tree)
            .iter()
            .map(|item| Field::new(name(item), DataType::Utf8, true))
            .collect();
        Ok(Analysis {
            schema: Arc::new(Schema::new(fields)),
            remarks: vec![],
        })
    }

    fn check_expression(&self, _: &ExpressionRequest<'_>) -> Result<DataType, Vec<Diagnostic>> {
        Ok(DataType::Boolean)
    }

    fn can_cast(&self, _: &DataType, _: &DataType) -> bool {
        true
    }
}

/// The stand-in for what lies outside.
pub(crate) fn outside() -> FakeOutside {
    FakeOutside
}

fn select_list(query: &Query) -> &[SelectItem] {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::Select(select) => return &select.projection,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = &query.body,
            _ => return &[],
        }
    }
}

fn type_of(expression: &Expr, request: &AnalyzeRequest<'_>) -> Result<DataType, Vec<Diagnostic>> {
    let name = match expression {
        Expr::Identifier(name) => name,
        Expr::CompoundIdentifier(parts) => parts.last().unwrap(),
        Expr::Cast { data_type, .. } => {
            return Ok(SparkType::parse(&data_type.to_string()).unwrap().to_arrow());
        }
        _ => return Ok(DataType::Int64),
    };
    request
        .inputs
        .iter()
        .flat_map(|input| input.columns.fields())
        .find(|field| field.name().eq_ignore_ascii_case(&name.value))
        .map(|field| field.data_type().clone())
        .ok_or_else(|| {
            let origin = request.query.source_map.origin(expression.span());
            vec![
                Diagnostic::error(&UNRESOLVED_COLUMN, format!("no column `{}`", name.value))
                    .at(&origin, ""),
            ]
        })
}

/// `main.default.devices(device_id, name)`; files have `(id, ts, value)` unless their path holds `empty`.
#[derive(Debug)]
pub(crate) struct FakeOutside;

impl ExternalTables for FakeOutside {
    fn schema(&self, source: &ExternalSource<'_>) -> Result<ExternalSchema, Vec<Diagnostic>> {
        let strings = |names: &[&str]| -> SchemaRef {
            Arc::new(Schema::new(
                names
                    .iter()
                    .map(|name| Field::new(*name, DataType::Utf8, true))
                    .collect::<Vec<_>>(),
            ))
        };
        Ok(match source {
            ExternalSource::Table(name) if name.to_string() == "main.default.devices" => {
                ExternalSchema::Known(RelationSchema::plain(strings(&["device_id", "name"])))
            }
            ExternalSource::Table(_) => ExternalSchema::Missing,
            ExternalSource::Function(function, _) => {
                if function
                    .positional()
                    .any(|argument| argument.value.to_string().contains("empty"))
                {
                    ExternalSchema::Unknown("the folder is empty".to_owned())
                } else {
                    ExternalSchema::Known(RelationSchema::plain(strings(&["id", "ts", "value"])))
                }
            }
            ExternalSource::Path { .. } => {
                ExternalSchema::Known(RelationSchema::plain(strings(&["id"])))
            }
        })
    }

    fn names(&self) -> Vec<DatasetName> {
        vec![DatasetName::new("main", "default", "devices")]
    }
}

/// Parses and declares; panics on SQL that does not parse.
pub(crate) fn declared(sql: &str) -> (DeclaredGraph, Vec<Diagnostic>) {
    let (statements, errors) =
        sluice_sql::parse_file(&Arc::from("p.sql"), sql, vec![], &Namespace::default());
    assert!(
        errors.is_empty(),
        "the SQL of a test must parse: {errors:?}\n{sql}"
    );
    let settings: Settings = BTreeMap::new();
    declare(statements, "Sensors", &settings)
}

/// Parses, declares and resolves.
pub(crate) fn resolved(sql: &str) -> (ResolvedGraph, Vec<Diagnostic>) {
    let (graph, mut diagnostics) = declared(sql);
    let (graph, more) = resolve(&graph, &FakeAnalyzer, &FakeOutside);
    diagnostics.extend(more);
    (graph, diagnostics)
}

/// One line per diagnostic: `error CONDITION line:column message`.
pub(crate) fn lines(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let place = diagnostic.origin().map_or("-".to_owned(), |origin| {
            format!("{}:{}", origin.line, origin.column)
        });
        writeln!(
            text,
            "{severity} {} {place} {}",
            diagnostic.condition.name, diagnostic.message
        )
        .unwrap();
    }
    text
}

/// Compares what is said about a project with what is expected, both trimmed line by line.
pub(crate) fn check(sql: &str, expected: &str) {
    let (_, diagnostics) = resolved(sql);
    let trimmed: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(lines(&diagnostics).trim(), trimmed.join("\n"), "\n{sql}");
}
