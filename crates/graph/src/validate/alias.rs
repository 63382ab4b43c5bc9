//! Rules on the names of output columns that need the syntax tree: expressions without a name, and where a name
//! comes from.

use sluice_model::condition::graph as condition;
use sluice_model::{Diagnostic, Origin};
use sluice_sql::query::Query;
use sqlparser::ast::{self, Expr, SelectItem, SetExpr, Spanned};

/// One error per output column of a table that an expression makes without a name.
///
/// References and `CAST`s of references are named by Spark as the column, generators as their element, time windows as
/// themselves: those pass.
pub(crate) fn check(query: &Query, dataset: &str) -> Vec<Diagnostic> {
    let mut found = vec![];
    for item in output_items(&query.tree) {
        let SelectItem::UnnamedExpr(expression) = item else {
            continue;
        };
        if is_named_by_spark(expression) {
            continue;
        }
        let origin = query.source_map.origin(expression.span());
        found.push(
            Diagnostic::error(
                &condition::UNALIASED_COLUMN,
                format!(
                    "a column of `{dataset}` has no name: {}",
                    shorten(&expression.to_string())
                ),
            )
            .at(&origin, "an expression needs an alias")
            .help("name it: `… AS column_name`"),
        );
    }
    found
}

/// The place where an output column is made, if the outermost select names it.
pub(crate) fn place_of(query: &Query, column: &str, occurrence: usize) -> Origin {
    let named = output_items(&query.tree).iter().filter_map(|item| {
        let (name, span) = match item {
            SelectItem::ExprWithAlias { alias, .. } => (alias.value.clone(), alias.span),
            SelectItem::UnnamedExpr(expression) => (last_part(expression)?, expression.span()),
            _ => return None,
        };
        name.eq_ignore_ascii_case(column)
            .then(|| query.source_map.origin(span))
    });
    let places: Vec<Origin> = named.collect();
    places
        .get(occurrence)
        .or(places.last())
        .unwrap_or(&query.origin)
        .clone()
}

/// The select list that names the output: of a set operation, the left-most.
fn output_items(query: &ast::Query) -> &[SelectItem] {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::Select(select) => return &select.projection,
            SetExpr::Query(inner) => body = inner.body.as_ref(),
            SetExpr::SetOperation { left, .. } => body = left.as_ref(),
            _ => return &[],
        }
    }
}

fn is_named_by_spark(expression: &Expr) -> bool {
    match expression {
        Expr::Cast { expr, .. } => last_part(expr).is_some(),
        Expr::Function(function) => {
            let name = function.name.to_string().to_lowercase();
            matches!(
                name.as_str(),
                "explode"
                    | "explode_outer"
                    | "posexplode"
                    | "posexplode_outer"
                    | "inline"
                    | "inline_outer"
                    | "stack"
                    | "json_tuple"
                    | "window"
                    | "session_window"
            )
        }
        other => last_part(other).is_some(),
    }
}

/// The name of a column reference: its last part.
fn last_part(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Identifier(identifier) => Some(identifier.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|part| part.value.clone()),
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last()? {
            ast::AccessExpr::Dot(Expr::Identifier(field)) => Some(field.value.clone()),
            _ => None,
        },
        Expr::JsonAccess { path, .. } => match path.path.last()? {
            ast::JsonPathElem::Dot { key, .. } => Some(key.clone()),
            _ => None,
        },
        Expr::Nested(inner) => last_part(inner),
        _ => None,
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 {
        format!("`{text}`")
    } else {
        format!("`{}…`", text.chars().take(59).collect::<String>())
    }
}
