//! Queries: WITH, ORDER BY, LIMIT. Must not bind select lists: `select` does; nor set operations: `set` does.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{
    EmptyRelation, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, SortExpr,
};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sluice_model::limits::SQL_NESTING_MAX;
use sqlparser::ast;

use super::column::Environment;
use super::scope::{Scope, same};
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{cast, float, fold, order, unify};
use crate::stream::TimeKind;

/// A bound query: field `i` of the plan is column `i`.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) plan: LogicalPlan,
    pub(crate) columns: Vec<BoundColumn>,
    /// Whether its rows come from a stream.
    pub(crate) streaming: bool,
}

/// An output column of a bound query.
#[derive(Debug, Clone)]
pub(crate) struct BoundColumn {
    /// The name that the user sees; may occur twice.
    pub(crate) name: String,
    /// The field of the plan; occurs once.
    pub(crate) field: String,
    pub(crate) data_type: DataType,
    /// Where it was written.
    pub(crate) origin: Origin,
    /// Whether it is computed and has no alias.
    pub(crate) unnamed: bool,
    /// Whether only its name reaches it and `*` does not.
    pub(crate) unstarred: bool,
    /// How it carries event time, if it does.
    pub(crate) event_time: Option<TimeKind>,
}

impl Bound {
    /// The columns as a scope, after the plan was aliased to `internal`.
    pub(crate) fn scope(&self, qualifier: &str, internal: &str) -> Scope {
        let columns = self.columns.iter().map(|c| {
            (
                c.name.clone(),
                c.field.clone(),
                c.data_type.clone(),
                c.unstarred,
            )
        });
        Scope::of(qualifier, internal, columns)
    }

    /// The columns as a scope over the plan as it is.
    pub(crate) fn bare_scope(&self) -> Scope {
        let columns = self.columns.iter().map(|c| {
            super::scope::ScopeColumn::new(
                None,
                &c.name,
                Column::new_unqualified(&c.field),
                c.data_type.clone(),
            )
        });
        Scope {
            columns: columns.collect(),
        }
    }

    pub(crate) fn column(&self, index: usize) -> Typed {
        let column = &self.columns[index];
        Typed::new(
            Expr::Column(Column::new_unqualified(&column.field)),
            column.data_type.clone(),
        )
    }
}

impl Binder<'_> {
    /// Binds a query with its CTEs, order and limit.
    pub(crate) fn query(&mut self, query: &ast::Query) -> Result<Bound> {
        let origin = self.origin(query);
        if self.ctes.len() + self.outer.len() >= SQL_NESTING_MAX {
            return unsupported(
                &origin,
                format!("a query nested more than {SQL_NESTING_MAX} levels deep"),
            );
        }
        self.refuse_clauses(query, &origin)?;
        let top_level = self.top_level;
        self.ctes.push(HashMap::new());
        let bound = self.with(query, top_level);
        self.ctes.pop();
        self.top_level = top_level;
        bound
    }

    /// Refuses forms of a select that Spark does not have.
    pub(super) fn refuse_select(&self, select: &ast::Select) -> Result<()> {
        let what = if select.top.is_some() {
            "TOP"
        } else if select.into.is_some() {
            "SELECT INTO"
        } else if !select.connect_by.is_empty() {
            "CONNECT BY"
        } else if select.prewhere.is_some()
            || select.value_table_mode.is_some()
            || select.exclude.is_some()
        {
            "this form of SELECT"
        } else if matches!(select.distinct, Some(ast::Distinct::On(_))) {
            "DISTINCT ON"
        } else {
            return Ok(());
        };
        unsupported(&self.query.origin, what)
    }

    fn refuse_clauses(&self, query: &ast::Query, origin: &Origin) -> Result<()> {
        let clause = if query.fetch.is_some() {
            "FETCH"
        } else if !query.locks.is_empty() {
            "FOR UPDATE"
        } else if query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
        {
            "this clause"
        } else if !query.pipe_operators.is_empty() {
            "the pipe operator `|>`"
        } else {
            return Ok(());
        };
        unsupported(origin, clause)
    }

    fn with(&mut self, query: &ast::Query, top_level: bool) -> Result<Bound> {
        if let Some(with) = &query.with {
            self.common_tables(with)?;
        }
        self.top_level = top_level;
        if let ast::SetExpr::Select(select) = query.body.as_ref() {
            let (bound, sorts) = self.select(select, query.order_by.as_ref())?;
            return self.finish(bound, sorts, query);
        }
        let bound = self.set_expression(&query.body)?;
        let sorts = match &query.order_by {
            Some(order) => self.output_order(&bound, order)?,
            None => vec![],
        };
        self.finish(bound, sorts, query)
    }

    /// Binds the queries of a WITH into the innermost frame.
    pub(crate) fn common_tables(&mut self, with: &ast::With) -> Result<()> {
        for (index, cte) in with.cte_tables.iter().enumerate() {
            let name = &cte.alias.name;
            if with.cte_tables[..index]
                .iter()
                .any(|before| same(&before.alias.name.value, &name.value))
            {
                let message = format!("WITH declares `{}` twice", name.value);
                let place = self.place(name.span);
                return Err(at(&condition::DUPLICATED_CTE_NAMES, &place, message));
            }
            self.top_level = false;
            let mut bound = if with.recursive {
                self.recursive(cte)?
            } else {
                self.query(&cte.query)?
            };
            self.rename(&mut bound, &cte.alias)?;
            if let Some(frame) = self.ctes.last_mut() {
                frame.insert(cte.alias.name.value.to_lowercase(), bound);
            }
        }
        Ok(())
    }

    /// Applies order and limit, and takes away columns that only the order needed.
    fn finish(&mut self, bound: Bound, sorts: Vec<SortExpr>, query: &ast::Query) -> Result<Bound> {
        let origin = self.origin(query);
        let mut builder = LogicalPlanBuilder::from(bound.plan);
        if !sorts.is_empty() {
            let is_endless = bound.streaming && !self.whole_result;
            self.refuse_on_stream(is_endless, "ORDER BY", &origin)?;
            self.refuse_unordered(&sorts, &builder, &origin)?;
            let sorts: Vec<SortExpr> = sorts
                .into_iter()
                .flat_map(|key| match key.expr.get_type(builder.schema()) {
                    Ok(found) => {
                        let expr = float::settle(key.expr, &found);
                        order::keys(SortExpr { expr, ..key }, &found)
                    }
                    Err(_) => vec![key],
                })
                .collect();
            builder = self.planned(builder.sort(sorts), &origin)?;
        }
        if let Some(limit) = &query.limit_clause {
            let is_endless = bound.streaming && !self.whole_result;
            self.refuse_on_stream(is_endless, "LIMIT", &origin)?;
            let (skip, fetch) = self.limit(limit)?;
            builder = self.planned(builder.limit(skip, fetch), &origin)?;
        }
        if builder.schema().fields().len() > bound.columns.len() {
            let columns: Vec<Expr> = bound
                .columns
                .iter()
                .map(|c| Expr::Column(Column::new_unqualified(&c.field)))
                .collect();
            builder = self.planned(builder.project(columns), &origin)?;
        }
        let plan = self.planned(builder.build(), &origin)?;
        Ok(Bound { plan, ..bound })
    }

    fn refuse_unordered(
        &self,
        sorts: &[SortExpr],
        builder: &LogicalPlanBuilder,
        origin: &Origin,
    ) -> Result<()> {
        let of_map = |key: &SortExpr| {
            let found = key.expr.get_type(builder.schema());
            found.is_ok_and(|found| unify::holds_map(&found))
        };
        if !sorts.iter().any(of_map) {
            return Ok(());
        }
        let message = "ORDER BY cannot compare maps";
        Err(at(
            &condition::DATATYPE_MISMATCH_INVALID_ORDERING_TYPE,
            origin,
            message,
        ))
    }

    fn limit(&mut self, limit: &ast::LimitClause) -> Result<(usize, Option<usize>)> {
        let (limit, offset) = match limit {
            ast::LimitClause::LimitOffset {
                limit,
                offset,
                limit_by,
            } => {
                if let Some(by) = limit_by.first() {
                    return unsupported(&self.origin(by), "LIMIT BY");
                }
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            ast::LimitClause::OffsetCommaLimit { offset, limit } => (Some(limit), Some(offset)),
        };
        let skip = match offset {
            Some(offset) => self.count(offset)?.unwrap_or(0),
            None => 0,
        };
        let fetch = match limit {
            Some(limit) => self.count(limit)?,
            None => None,
        };
        Ok((skip, fetch))
    }

    /// A constant number of rows; `ALL` means no limit.
    fn count(&mut self, expr: &ast::Expr) -> Result<Option<usize>> {
        if let ast::Expr::Identifier(word) = expr
            && same(&word.value, "all")
        {
            return Ok(None);
        }
        let origin = self.origin(expr);
        let scope = Scope::default();
        let value = self.expression(expr, &Environment::over(&scope))?;
        let folded = fold::constant(self.session, &value.expr).map(Typed::literal);
        let rows = folded.and_then(|rows| cast::constant(self.session, &rows, &DataType::Int64));
        match rows {
            Some(ScalarValue::Int64(Some(n))) if n >= 0 && is_integer(&value.data_type) => {
                Ok(usize::try_from(n).ok())
            }
            _ => Err(at(
                &condition::INVALID_LIMIT_LIKE_EXPRESSION,
                &origin,
                "LIMIT and OFFSET take a constant INT, not below 0",
            )),
        }
    }

    /// Renames the columns of a relation by its alias: `t (a, b)`.
    pub(crate) fn rename(&self, bound: &mut Bound, alias: &ast::TableAlias) -> Result<()> {
        if alias.columns.is_empty() {
            return Ok(());
        }
        if alias.columns.len() != bound.columns.len() {
            let origin = self.place(alias.name.span);
            let message = format!(
                "`{}` names {} columns, but there are {}",
                alias.name.value,
                alias.columns.len(),
                bound.columns.len()
            );
            return Err(at(&condition::ASSIGNMENT_ARITY_MISMATCH, &origin, message));
        }
        for (column, name) in bound.columns.iter_mut().zip(&alias.columns) {
            column.name.clone_from(&name.name.value);
            column.unnamed = false;
        }
        Ok(())
    }

    pub(crate) fn set_expression(&mut self, body: &ast::SetExpr) -> Result<Bound> {
        match body {
            ast::SetExpr::Select(select) => Ok(self.select(select, None)?.0),
            ast::SetExpr::Query(query) => self.query(query),
            ast::SetExpr::Values(values) => self.values(values),
            ast::SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => self.set_operation(*op, *set_quantifier, left, right),
            other => unsupported(&self.origin(other), "this statement inside a query"),
        }
    }

    /// ORDER BY over the columns of a set operation.
    fn output_order(&mut self, bound: &Bound, order: &ast::OrderBy) -> Result<Vec<SortExpr>> {
        let scope = bound.bare_scope();
        let mut sorts = vec![];
        match &order.kind {
            ast::OrderByKind::All(options) => {
                for index in 0..bound.columns.len() {
                    sorts.push(sort(bound.column(index).expr, options));
                }
            }
            ast::OrderByKind::Expressions(exprs) => {
                for item in exprs {
                    let value = match self.ordinal(
                        &item.expr,
                        bound.columns.len(),
                        &condition::ORDER_BY_POS_OUT_OF_RANGE,
                    )? {
                        Some(index) => bound.column(index),
                        None => self.expression(&item.expr, &Environment::over(&scope))?,
                    };
                    sorts.push(sort(value.expr, &item.options));
                }
            }
        }
        Ok(sorts)
    }

    /// The index of a column given by number in ORDER BY or GROUP BY.
    pub(crate) fn ordinal(
        &self,
        expr: &ast::Expr,
        columns: usize,
        out_of_range: &'static sluice_model::Condition,
    ) -> Result<Option<usize>> {
        let value = match expr {
            ast::Expr::Value(value) => value,
            // `-1` is a position too, and none that there is.
            ast::Expr::UnaryOp {
                op: ast::UnaryOperator::Minus,
                expr,
            } => match expr.as_ref() {
                ast::Expr::Value(value) if is_whole(value) => {
                    let message = "positions of the select list count from 1";
                    return Err(at(out_of_range, &self.place(value.span), message));
                }
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let ast::Value::Number(text, _) = &value.value else {
            return Ok(None);
        };
        let Ok(position) = text.parse::<usize>() else {
            return Ok(None);
        };
        if (1..=columns).contains(&position) {
            return Ok(Some(position - 1));
        }
        let message =
            format!("position {position} is not in the select list, which has {columns} columns");
        Err(at(out_of_range, &self.place(value.span), message))
    }
}

fn is_integer(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int8 | DataType::Int16 | DataType::Int32
    )
}

fn is_whole(value: &ast::ValueWithSpan) -> bool {
    matches!(&value.value, ast::Value::Number(text, _) if text.parse::<u64>().is_ok())
}

/// A sort key with Spark's order of NULLs: first when ascending, last when descending.
pub(crate) fn sort(expr: Expr, options: &ast::OrderByOptions) -> SortExpr {
    let ascending = options.asc.unwrap_or(true);
    SortExpr::new(expr, ascending, options.nulls_first.unwrap_or(ascending))
}

/// A relation of one row without columns: `SELECT 1`.
pub(crate) fn one_row() -> LogicalPlan {
    LogicalPlan::EmptyRelation(EmptyRelation {
        produce_one_row: true,
        schema: Arc::new(datafusion::common::DFSchema::empty()),
    })
}
