//! Subqueries inside expressions: one value, IN, EXISTS. Names that they do not know are looked up outside.

use std::sync::Arc;

use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, Operator, Subquery};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sluice_sql::query::{ReadMode, RelationSource};
use sqlparser::ast;

use super::aggregate::has_aggregate;
use super::column::Environment;
use super::correlated::{as_outer, wrapped};
use super::lambda::LAMBDA;
use super::query::Bound;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::interval::holds_interval;
use crate::rewrite::{cast, compare, float};

/// How the parser names relations, with a number behind.
const PLACEHOLDER: &str = "__relation_";

impl Binder<'_> {
    fn subquery(&mut self, query: &ast::Query, env: &Environment<'_>) -> Result<(Bound, Subquery)> {
        let origin = self.origin(query);
        if env.clause == LAMBDA {
            let message = "a lambda takes no subquery";
            return Err(at(
                &condition::UNSUPPORTED_SUBQUERY_EXPRESSION,
                &origin,
                message,
            ));
        }
        if !env.subqueries {
            return unsupported(&origin, format!("a subquery in {}", env.clause));
        }
        // What is written twice is one: GROUP BY finds it in the select list.
        let written = (self.as_named(&query.to_string()), env.scope.columns.clone());
        if let Some((_, known)) = self.subqueries.iter().find(|(known, _)| *known == written) {
            let fields = known.plan.schema().fields();
            self.short_intervals |= fields.iter().any(|field| holds_interval(field.data_type()));
            return Ok((known.clone(), wrapped(known.plan.clone())));
        }
        self.outer.push(Arc::new(env.scope.clone()));
        let top_level = std::mem::replace(&mut self.top_level, false);
        let bound = self.query(query);
        self.top_level = top_level;
        self.outer.pop();
        let bound = self.apart(bound?, &origin)?;
        self.refuse_on_stream(bound.streaming, "a subquery", &origin)?;
        if !written.1.is_empty() {
            self.subqueries.push((written, bound.clone()));
        }
        let subquery = wrapped(bound.plan.clone());
        Ok((bound, subquery))
    }

    /// The text of a query with the names of tables in place of the numbers that the parser gave them.
    fn as_named(&self, text: &str) -> String {
        let mut parts = text.split(PLACEHOLDER);
        let mut out = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = part.split_at(digits);
            let relation = number.parse::<usize>().ok();
            let relation = relation.and_then(|index| self.query.relations.get(index));
            match relation.map(|relation| (&relation.source, relation)) {
                Some((RelationSource::Name(name), relation))
                    if relation.options.is_empty()
                        && relation.watermark.is_none()
                        && relation.time_travel.is_none()
                        && relation.mode == ReadMode::Batch =>
                {
                    out.push_str(&name.parts.join(".").to_lowercase());
                }
                _ => out.extend([PLACEHOLDER, number]),
            }
            out.push_str(rest);
        }
        out
    }

    /// Names the columns of a subquery as nothing else is named: DataFusion puts them beside the columns that they are
    /// made of.
    fn apart(&mut self, mut bound: Bound, origin: &Origin) -> Result<Bound> {
        let mut exprs = vec![];
        for index in 0..bound.columns.len() {
            let field = self.fresh("__column");
            exprs.push(bound.column(index).expr.alias(&field));
            bound.columns[index].field = field;
        }
        let plan = LogicalPlanBuilder::from(bound.plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build);
        bound.plan = self.planned(plan, origin)?;
        Ok(bound)
    }

    fn one_column(&self, bound: &Bound, origin: &Origin) -> Result<()> {
        if bound.columns.len() == 1 {
            return Ok(());
        }
        let message = format!(
            "a subquery at this place must have one column, this has {}",
            bound.columns.len()
        );
        Err(at(
            &condition::SCALAR_SUBQUERY_TOO_MANY_COLUMNS,
            origin,
            message,
        ))
    }

    /// `(SELECT …)` as one value.
    pub(crate) fn scalar_subquery(
        &mut self,
        query: &ast::Query,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(query);
        let (bound, subquery) = self.subquery(query, env)?;
        self.one_column(&bound, &origin)?;
        Ok(Typed::new(
            Expr::ScalarSubquery(subquery),
            bound.columns[0].data_type.clone(),
        ))
    }

    /// `EXISTS (SELECT …)`.
    pub(crate) fn exists(
        &mut self,
        query: &ast::Query,
        negated: bool,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let (_, subquery) = self.subquery(query, env)?;
        Ok(Typed::boolean(Expr::Exists(Exists { subquery, negated })))
    }

    /// `x IN (SELECT …)`.
    pub(crate) fn in_subquery(
        &mut self,
        expr: &ast::Expr,
        query: &ast::Query,
        negated: bool,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(expr);
        if let ast::Expr::Tuple(parts) = expr {
            return self.rows_in_subquery((parts, query), negated, env, &origin);
        }
        let value = self.expression(expr, env)?;
        let (bound, subquery) = self.subquery(query, env)?;
        self.one_column(&bound, &origin)?;
        let found = bound.columns[0].data_type.clone();
        if value.data_type == found && !float::holds(&found) {
            let expr = InSubquery::new(Box::new(value.expr), subquery, negated);
            return Ok(Typed::boolean(Expr::InSubquery(expr)));
        }
        let Some(common) = compare::comparison_type(&value.data_type, &found) else {
            // The comparison names both types in its error.
            return compare::compare(self.session, Operator::Eq, value, bound.column(0), &origin);
        };
        let value = float::settled(cast::implicit(self.session, value, &common, &origin)?);
        let column = cast::implicit(self.session, bound.column(0), &common, &origin)?;
        let column = float::settled(column);
        let name = bound.columns[0].field.clone();
        let plan = LogicalPlanBuilder::from(bound.plan)
            .project(vec![column.expr.alias(name)])
            .and_then(LogicalPlanBuilder::build);
        let plan = self.planned(plan, &origin)?;
        let expr = InSubquery::new(Box::new(value.expr), wrapped(plan), negated);
        Ok(Typed::boolean(Expr::InSubquery(expr)))
    }

    /// `NOT ((a, b) IN (SELECT …))`, which is `(a, b) NOT IN (SELECT …)`.
    pub(crate) fn not_in_rows(
        &mut self,
        operand: &ast::Expr,
        env: &Environment<'_>,
    ) -> Result<Option<Typed>> {
        match operand {
            ast::Expr::Nested(inner) => self.not_in_rows(inner, env),
            ast::Expr::InSubquery {
                expr,
                subquery,
                negated,
            } if matches!(expr.as_ref(), ast::Expr::Tuple(_)) => {
                self.in_subquery(expr, subquery, !negated, env).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// `(a, b) IN (SELECT …)`.
    fn rows_in_subquery(
        &mut self,
        (parts, query): (&[ast::Expr], &ast::Query),
        negated: bool,
        env: &Environment<'_>,
        origin: &Origin,
    ) -> Result<Typed> {
        let (bound, _) = self.subquery(query, env)?;
        if bound.columns.len() != parts.len() {
            let message = format!(
                "{} values stand before IN, and the subquery has {} columns",
                parts.len(),
                bound.columns.len()
            );
            return Err(at(&condition::DATATYPE_MISMATCH, origin, message));
        }
        let mut pairs = vec![];
        for (index, part) in parts.iter().enumerate() {
            let value = self.expression(part, env)?;
            if has_aggregate(&value.expr) {
                return unsupported(origin, "an aggregate in a row before IN");
            }
            let place = self.origin(part);
            let column = bound.column(index);
            let Some(common) = compare::comparison_type(&value.data_type, &column.data_type) else {
                // The comparison names both types in its error.
                return compare::compare(self.session, Operator::Eq, value, column, &place);
            };
            let value = float::settled(cast::implicit(self.session, value, &common, &place)?);
            let column = float::settled(cast::implicit(self.session, column, &common, &place)?);
            let outer = as_outer(&value.expr, &|column| {
                let known = env
                    .scope
                    .columns
                    .iter()
                    .find(|known| known.column == *column)?;
                Some(known.data_type.clone())
            });
            pairs.push((self.planned(outer, origin)?, column.expr));
        }
        let found = self.in_rows(&pairs, &bound.plan, negated, origin)?;
        Ok(Typed::boolean(found))
    }
}
