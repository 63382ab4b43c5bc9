//! What a name means inside an expression: columns, aliases, fields of structs, columns of outer queries.

use arrow::datatypes::{DataType, Field};
use datafusion::logical_expr::Expr;
use sluice_model::condition::query as condition;
use sluice_model::suggest::did_you_mean;
use sluice_model::{Diagnostic, Origin};
use sqlparser::ast;
use std::sync::Arc;

use super::scope::{Found, Scope, ScopeColumn, same};
use super::{Binder, Typed};
use crate::error::{Result, at};
use crate::rewrite::access;
use crate::rewrite::grouping::{Asked, mark};

/// What an expression may name and contain at its place.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says of one kind of expression whether it may stand here"
)]
#[derive(Debug, Clone)]
pub(crate) struct Environment<'s> {
    pub(crate) scope: &'s Scope,
    /// Select-list aliases that win over columns (HAVING, QUALIFY, ORDER BY).
    pub(crate) first: &'s [(String, Typed)],
    /// Whether those win inside of aggregate functions too: not in HAVING, where names there are those of the rows that are grouped.
    pub(crate) first_in_aggregates: bool,
    /// Select-list aliases to the left, which columns win over.
    pub(crate) last: &'s [(String, Typed)],
    /// Aggregate and window functions may stand here.
    pub(crate) aggregates: bool,
    pub(crate) windows: bool,
    /// Subqueries may stand here.
    pub(crate) subqueries: bool,
    /// The clause, for messages.
    pub(crate) clause: &'static str,
    /// `WINDOW w AS (…)` definitions.
    pub(crate) named_windows: &'s [ast::NamedWindowDefinition],
    /// Whether the expression as a whole is an output column of the query.
    pub(crate) output: bool,
}

impl<'s> Environment<'s> {
    /// Only columns, no aggregates, subqueries allowed.
    pub(crate) fn over(scope: &'s Scope) -> Self {
        Self {
            scope,
            first: &[],
            first_in_aggregates: true,
            last: &[],
            aggregates: false,
            windows: false,
            subqueries: true,
            clause: "this clause",
            named_windows: &[],
            output: false,
        }
    }

    pub(crate) fn named(self, clause: &'static str) -> Self {
        Self { clause, ..self }
    }

    /// The same place for a part of the expression.
    pub(crate) fn inner(&self) -> Self {
        Self {
            output: false,
            ..self.clone()
        }
    }
}

impl Binder<'_> {
    /// A name of one or more parts: `c`, `t.c`, `c.field`, `t.c.field`.
    pub(crate) fn name(&mut self, parts: &[ast::Ident], env: &Environment<'_>) -> Result<Typed> {
        let [first, rest @ ..] = parts else {
            return Ok(Typed::null());
        };
        let origin = self.place(first.span.union(&parts[parts.len() - 1].span));
        if let Some(parameter) = self.lambda_parameter(&first.value) {
            return self.fields(parameter, rest, &origin);
        }
        let value = self.name_in_scope(parts, &origin, env)?;
        Ok(self.captured(value))
    }

    /// A name that is no parameter of a lambda.
    fn name_in_scope(
        &mut self,
        parts: &[ast::Ident],
        origin: &Origin,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let [first, rest @ ..] = parts else {
            return Ok(Typed::null());
        };
        if let Some(found) = self.named_in(env, parts, origin)? {
            return Ok(found);
        }
        if let Some(window) = &self.window
            && same(&first.value, window.name)
        {
            return self.fields(window.value.clone(), rest, origin);
        }
        if rest.is_empty() && env.aggregates && same(&first.value, "grouping__id") {
            return Ok(mark(Asked::Bits, vec![]));
        }
        if rest.is_empty()
            && let Some(found) = self.bare_function(&first.value, origin, env)
        {
            return Ok(found);
        }
        Err(self.unresolved(parts, env.scope, origin))
    }

    fn named_in(
        &mut self,
        env: &Environment<'_>,
        parts: &[ast::Ident],
        origin: &Origin,
    ) -> Result<Option<Typed>> {
        let [first, rest @ ..] = parts else {
            return Ok(None);
        };
        if let Some((_, value)) = env.first.iter().find(|(name, _)| same(name, &first.value)) {
            self.used_stamp(value, origin);
            return self.fields(value.clone(), rest, origin).map(Some);
        }
        if let Some((column, used)) = self.lookup(env.scope, parts, origin)? {
            return self
                .fields(column.typed(), &parts[used..], origin)
                .map(Some);
        }
        let mut aliases = env.last.iter().filter(|(name, _)| same(name, &first.value));
        if let Some((_, value)) = aliases.next() {
            if aliases.next().is_some() {
                let name = &first.value;
                let message = format!(
                    "`{name}` could be any of the columns of that name in this select list"
                );
                return Err(at(
                    &condition::AMBIGUOUS_LATERAL_COLUMN_ALIAS,
                    origin,
                    message,
                ));
            }
            self.used_stamp(value, origin);
            return self.fields(value.clone(), rest, origin).map(Some);
        }
        // Only the query right around: Spark looks no further.
        if let Some(scope) = self.outer.last().cloned()
            && let Some((column, used)) = self.lookup(&scope, parts, origin)?
        {
            let field = Arc::new(Field::new(
                &column.column.name,
                column.data_type.clone(),
                true,
            ));
            let outer = Expr::OuterReferenceColumn(field, column.column.clone());
            return self
                .fields(
                    Typed::new(outer, column.data_type.clone()),
                    &parts[used..],
                    origin,
                )
                .map(Some);
        }
        Ok(None)
    }

    /// A column that holds the query time and is used by an expression is no mere stamp.
    fn used_stamp(&mut self, value: &Typed, origin: &Origin) {
        if value.constant()
            == Some(&crate::rewrite::time::timestamp(
                self.session.settings().now_us,
            ))
        {
            self.facts.time.timestamp(false, origin);
        }
    }

    /// The column that the first parts of a name mean, and how many parts that took.
    pub(super) fn lookup(
        &self,
        scope: &Scope,
        parts: &[ast::Ident],
        origin: &Origin,
    ) -> Result<Option<(ScopeColumn, usize)>> {
        if let [qualifier, name, ..] = parts {
            match scope.find(Some(&qualifier.value), &name.value) {
                Found::One(column) => return Ok(Some((column.clone(), 2))),
                Found::Many(all) => return Err(ambiguous(&name.value, &all, origin)),
                Found::None => {}
            }
        }
        let [name, ..] = parts else { return Ok(None) };
        match scope.find(None, &name.value) {
            Found::One(column) => Ok(Some((column.clone(), 1))),
            Found::Many(all) => Err(ambiguous(&name.value, &all, origin)),
            Found::None => Ok(None),
        }
    }

    /// Goes down into fields of a struct (or keys of a map).
    pub(crate) fn fields(
        &mut self,
        mut value: Typed,
        path: &[ast::Ident],
        origin: &Origin,
    ) -> Result<Typed> {
        for part in path {
            value = access::field(self.session, value, &part.value, origin)?;
        }
        Ok(value)
    }

    fn unresolved(&self, parts: &[ast::Ident], scope: &Scope, origin: &Origin) -> Box<Diagnostic> {
        let written: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
        let qualifier = (parts.len() > 1).then(|| written[0]);
        let unknown_relation = qualifier.filter(|q| !scope.has_qualifier(q));
        let last = written[written.len() - 1];
        let mut diagnostic = Diagnostic::error(
            &condition::UNRESOLVED_COLUMN,
            format!("there is no column `{}` here", written.join(".")),
        )
        .at(origin, "");
        if let Some(relation) = unknown_relation {
            diagnostic = diagnostic.fact(format!(
                "the query reads no relation that is called `{relation}`"
            ));
        }
        let nearest = scope.nearest(last);
        if let Some(best) = nearest.first() {
            diagnostic = diagnostic.help(did_you_mean(best));
        }
        let mut names: Vec<String> = scope
            .columns
            .iter()
            .filter(|c| !c.hidden)
            .map(shown)
            .collect();
        let more = names.len().saturating_sub(40);
        names.truncate(40);
        if !names.is_empty() {
            let tail = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            diagnostic = diagnostic.fact(format!("columns: {}{tail}", names.join(", ")));
        }
        Box::new(diagnostic)
    }

    /// The places of `*`: every column that it stands for.
    pub(crate) fn star(
        &self,
        scope: &Scope,
        qualifier: Option<&str>,
        origin: &Origin,
    ) -> Result<Vec<ScopeColumn>> {
        let columns: Vec<ScopeColumn> = scope
            .columns
            .iter()
            .filter(|column| !column.unstarred)
            .filter(|column| match qualifier {
                Some(qualifier) => column
                    .qualifier
                    .as_deref()
                    .is_some_and(|q| same(q, qualifier)),
                None => !column.hidden,
            })
            .cloned()
            .collect();
        if columns.is_empty() {
            let what = qualifier.map_or_else(|| "*".to_string(), |q| format!("{q}.*"));
            return Err(at(
                &condition::UNRESOLVED_STAR,
                origin,
                format!("`{what}` stands for no column here"),
            ));
        }
        Ok(columns)
    }

    /// A condition: BOOLEAN, no aggregate, no window.
    pub(crate) fn condition(&mut self, expr: &ast::Expr, env: &Environment<'_>) -> Result<Expr> {
        let origin = self.origin(expr);
        let value = self.expression(expr, env)?;
        match value.data_type {
            DataType::Boolean => Ok(value.expr),
            DataType::Null if takes_untyped_null(env.clause) => Ok(datafusion::logical_expr::lit(
                datafusion::common::ScalarValue::Boolean(None),
            )),
            DataType::Utf8 if env.clause.contains("operand") => Ok(crate::rewrite::cast::implicit(
                self.session,
                value,
                &DataType::Boolean,
                &origin,
            )?
            .expr),
            other => {
                let message = format!(
                    "{} must be BOOLEAN, this is {}",
                    env.clause,
                    crate::rewrite::unify::words(&other)
                );
                let filter = matches!(env.clause, "WHERE" | "HAVING" | "QUALIFY");
                let condition = if filter {
                    &condition::DATATYPE_MISMATCH_FILTER_NOT_BOOLEAN
                } else {
                    &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE
                };
                Err(at(condition, &origin, message))
            }
        }
    }
}

/// Whether a clause takes NULL of no type as a condition; Spark refuses it in WHEN, WHERE, ON and FILTER.
fn takes_untyped_null(clause: &str) -> bool {
    clause.contains("operand") || clause.contains("`if`") || matches!(clause, "HAVING" | "QUALIFY")
}

fn ambiguous(name: &str, all: &[&ScopeColumn], origin: &Origin) -> Box<Diagnostic> {
    let places: Vec<String> = all.iter().map(|column| shown(column)).collect();
    let diagnostic = Diagnostic::error(
        &condition::AMBIGUOUS_REFERENCE,
        format!("`{name}` could be any of {}", places.join(", ")),
    );
    let diagnostic = diagnostic.at(origin, "");
    Box::new(match places.first() {
        Some(first) => diagnostic.help(format!("say which, for example `{first}`")),
        None => diagnostic,
    })
}

fn shown(column: &ScopeColumn) -> String {
    match &column.qualifier {
        Some(qualifier) if !qualifier.starts_with("__") => format!("{qualifier}.{}", column.name),
        _ => column.name.clone(),
    }
}
