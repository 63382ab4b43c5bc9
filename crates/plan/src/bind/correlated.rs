//! Subqueries that the engine cannot compute where they stand: joined to the rows that they belong to, a column takes
//! their place. What refers to the outer row is taken out of them by `rewrite::dependent`.

mod condition;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, Spans};
use datafusion::functions_aggregate::expr_fn::{count, first_value};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::utils::{conjunction, find_aggregate_exprs, split_conjunction};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Subquery, lit};
use sluice_model::Origin;
use sluice_model::condition::query::MISSING_AGGREGATION;

use super::Binder;
use super::aggregate::Placed;
use crate::error::{Result, at, diagnose, raise, unsupported};
use crate::rewrite::dependent::{self, Key, Lifted, holds_subquery, references};
use crate::rewrite::single::single;
pub(crate) use condition::as_outer;
use condition::{affirmed, choice, has_one_row, is_engines, over_outer};

/// Rows that expressions are computed over, while subqueries are joined to them.
struct Rows<'o> {
    plan: LogicalPlan,
    streaming: bool,
    /// The subqueries that were joined already, and what stands for each.
    known: Vec<(Expr, Expr)>,
    origin: &'o Origin,
}

impl Binder<'_> {
    /// Keeps the rows that a condition holds for, which may hold subqueries.
    pub(crate) fn filtered(
        &mut self,
        (plan, streaming): (LogicalPlan, bool),
        condition: Expr,
        origin: &Origin,
    ) -> Result<LogicalPlan> {
        let condition = self.planned(affirmed(condition), origin)?;
        let (plain, joined): (Vec<Expr>, Vec<Expr>) = split_conjunction(&condition)
            .into_iter()
            .cloned()
            .partition(is_engines);
        let columns: Vec<Expr> = plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        let mut builder = LogicalPlanBuilder::from(plan);
        if let Some(plain) = conjunction(plain) {
            builder = self.planned(builder.filter(plain), origin)?;
        }
        if joined.is_empty() {
            return self.planned(builder.build(), origin);
        }
        let mut rows = Rows {
            plan: self.planned(builder.build(), origin)?,
            streaming,
            known: vec![],
            origin,
        };
        let mut conditions = vec![];
        for part in joined {
            conditions.push(self.over(&mut rows, part, origin)?);
        }
        let plan = match conjunction(conditions) {
            Some(condition) => LogicalPlanBuilder::from(rows.plan)
                .filter(condition)
                .and_then(|builder| builder.project(columns))
                .and_then(LogicalPlanBuilder::build),
            None => Ok(rows.plan),
        };
        self.planned(plan, origin)
    }

    /// Joins the subqueries of expressions to the rows that these are computed over.
    pub(crate) fn with_subqueries<'e>(
        &mut self,
        (plan, streaming): (LogicalPlan, bool),
        exprs: impl Iterator<Item = (&'e mut Expr, Origin)>,
    ) -> Result<LogicalPlan> {
        let everywhere = self.query.origin.clone();
        let mut rows = Rows {
            plan,
            streaming,
            known: vec![],
            origin: &everywhere,
        };
        for (expr, origin) in exprs {
            if holds_subquery(expr) {
                *expr = self.over(&mut rows, expr.clone(), &origin)?;
            }
        }
        Ok(rows.plan)
    }

    /// The same for what an aggregate step computes over its rows: the keys, and what stands inside of aggregates.
    pub(crate) fn with_subqueries_below(
        &mut self,
        step: (LogicalPlan, bool),
        keys: &mut [Expr],
        placed: &mut [Placed<'_>],
    ) -> Result<LogicalPlan> {
        let aggregates = find_aggregate_exprs(placed.iter().map(|placed| &*placed.expr));
        let before: Vec<Expr> = keys
            .iter()
            .cloned()
            .chain(aggregates)
            .filter(holds_subquery)
            .collect();
        if before.is_empty() {
            return Ok(step.0);
        }
        let mut after = before.clone();
        let origin = self.query.origin.clone();
        let plan =
            self.with_subqueries(step, after.iter_mut().map(|expr| (expr, origin.clone())))?;
        let exprs = keys
            .iter_mut()
            .chain(placed.iter_mut().map(|placed| &mut *placed.expr));
        for expr in exprs {
            let changed = expr.clone().transform_down(|expr| {
                Ok(match before.iter().position(|known| *known == expr) {
                    Some(index) => {
                        Transformed::new(after[index].clone(), true, TreeNodeRecursion::Jump)
                    }
                    None => Transformed::no(expr),
                })
            });
            *expr = self.planned(changed.map(|changed| changed.data), &origin)?;
        }
        Ok(plan)
    }

    /// The relation on the right of a join, for each row on the left: the join of both by `join_type`.
    pub(crate) fn joined_laterally(
        &mut self,
        (left, right): (LogicalPlan, &LogicalPlan),
        join_type: JoinType,
        condition: Option<Expr>,
        origin: &Origin,
    ) -> Result<LogicalPlan> {
        let mut rows = Rows {
            plan: left,
            streaming: false,
            known: vec![],
            origin,
        };
        let lifted = self.lifted(&rows, right, false)?;
        let mut on: Vec<Expr> = lifted.keys.iter().map(Key::matches).collect();
        on.extend(condition);
        self.join_rows(&mut rows, lifted.plan, join_type, on)?;
        Ok(rows.plan)
    }

    /// An expression whose subqueries are columns, innermost first.
    fn over(&mut self, rows: &mut Rows<'_>, expr: Expr, origin: &Origin) -> Result<Expr> {
        let expr = self.planned(affirmed(expr), origin)?;
        let changed = expr.transform_up(|expr| {
            if let Some((_, column)) = rows.known.iter().find(|(known, _)| *known == expr) {
                return Ok(Transformed::yes(column.clone()));
            }
            let column = match &expr {
                Expr::ScalarSubquery(subquery) => self.scalar_over(rows, subquery),
                Expr::Exists(exists) => self.exists_over(rows, &exists.subquery).map(|is| {
                    if exists.negated {
                        Expr::Not(Box::new(is))
                    } else {
                        is
                    }
                }),
                Expr::InSubquery(within) => self.in_over(rows, within),
                _ => return Ok(Transformed::no(expr)),
            };
            let column = column.map_err(|diagnostic| raise(*diagnostic))?;
            rows.known.push((expr, column.clone()));
            Ok(Transformed::yes(column))
        });
        changed
            .map(|changed| changed.data)
            .map_err(|error| diagnose(&error, Some(origin)))
    }

    /// The subquery without what it refers to in these rows.
    fn lifted(
        &mut self,
        rows: &Rows<'_>,
        subquery: &LogicalPlan,
        is_value: bool,
    ) -> Result<Lifted> {
        let (own, others): (Vec<Column>, Vec<Column>) = references(subquery)
            .into_iter()
            .partition(|column| rows.plan.schema().has_column(column));
        if let (Some(stray), true) = (others.first(), self.outer.is_empty()) {
            let message = format!(
                "a subquery refers to `{}`, which is neither grouped by nor inside an aggregate function",
                stray.name
            );
            return Err(at(&MISSING_AGGREGATION, rows.origin, message));
        }
        if own.is_empty() {
            return Ok(Lifted {
                plan: subquery.clone(),
                keys: vec![],
                is_grouped: false,
            });
        }
        let mut fresh = || self.fresh("__outer");
        let found = dependent::by_equality(subquery, &own, is_value, &mut fresh);
        let found = found.map_err(|error| diagnose(&error, Some(rows.origin)))?;
        if let Some(lifted) = found {
            return Ok(lifted);
        }
        if !rows.streaming {
            let found = dependent::for_each_value(subquery, &own, &rows.plan, &mut fresh);
            let found = found.map_err(|error| diagnose(&error, Some(rows.origin)))?;
            if let Some(lifted) = found {
                return Ok(lifted);
            }
        }
        unsupported(rows.origin, "this form of correlated subquery")
    }

    fn join_rows(
        &mut self,
        rows: &mut Rows<'_>,
        right: LogicalPlan,
        join_type: JoinType,
        on: Vec<Expr>,
    ) -> Result<()> {
        let builder = LogicalPlanBuilder::from(rows.plan.clone());
        let joined = if on.is_empty() && join_type == JoinType::Inner {
            builder.cross_join(right)
        } else if on.is_empty() {
            builder.join_on(right, join_type, [lit(true)])
        } else {
            builder.join_on(right, join_type, on)
        };
        rows.plan = self.planned(joined.and_then(LogicalPlanBuilder::build), rows.origin)?;
        Ok(())
    }

    /// `(SELECT …)` as a column.
    fn scalar_over(&mut self, rows: &mut Rows<'_>, subquery: &Subquery) -> Result<Expr> {
        let plan = subquery.subquery.as_ref();
        if references(plan).is_empty() {
            return Ok(Expr::ScalarSubquery(subquery.clone()));
        }
        let lifted = self.lifted(rows, plan, true)?;
        let (qualifier, field) = plan.schema().qualified_field(0);
        let value = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let name = self.fresh("__value");
        let there = self.fresh("__there");
        let keys: Vec<Expr> = lifted
            .keys
            .iter()
            .map(|key| Expr::Column(key.column.clone()))
            .collect();
        let mut builder = LogicalPlanBuilder::from(lifted.plan);
        let value = if has_one_row(plan) {
            value
        } else {
            let (rows_name, first) = (self.fresh("__rows"), self.fresh("__first"));
            let aggregates = vec![
                count(lit(1)).alias(&rows_name),
                first_value(value, vec![]).alias(&first),
            ];
            builder = self.planned(builder.aggregate(keys.clone(), aggregates), rows.origin)?;
            single(
                Expr::Column(Column::new_unqualified(first)),
                Expr::Column(Column::new_unqualified(rows_name)),
                field.data_type(),
            )
        };
        let exprs = keys
            .into_iter()
            .chain([value.alias(&name), lit(true).alias(&there)]);
        let plan_of_value = builder
            .project(exprs.collect::<Vec<_>>())
            .and_then(LogicalPlanBuilder::build);
        let plan_of_value = self.planned(plan_of_value, rows.origin)?;
        let on = lifted.keys.iter().map(Key::matches).collect();
        self.join_rows(rows, plan_of_value, JoinType::Left, on)?;
        let value = Expr::Column(Column::new_unqualified(name));
        if !lifted.is_grouped {
            return Ok(value);
        }
        let nothing = dependent::over_nothing(plan.clone());
        let nothing = Expr::ScalarSubquery(wrapped(self.planned(nothing, rows.origin)?));
        let there = Expr::Column(Column::new_unqualified(there)).is_null();
        Ok(choice(vec![(there, nothing)], value))
    }

    /// `EXISTS (SELECT …)` as a column that is never NULL.
    fn exists_over(&mut self, rows: &mut Rows<'_>, subquery: &Subquery) -> Result<Expr> {
        let plan = subquery.subquery.as_ref().clone();
        let name = self.fresh("__exists");
        if references(&plan).is_empty() {
            let counted = LogicalPlanBuilder::from(plan)
                .limit(0, Some(1))
                .and_then(|builder| {
                    builder.aggregate(Vec::<Expr>::new(), vec![count(lit(1)).alias(name)])
                })
                .and_then(LogicalPlanBuilder::build);
            let counted = self.planned(counted, rows.origin)?;
            return Ok(Expr::ScalarSubquery(wrapped(counted)).gt(lit(0_i64)));
        }
        let lifted = self.lifted(rows, &plan, false)?;
        let mut exprs: Vec<Expr> = lifted
            .keys
            .iter()
            .map(|key| Expr::Column(key.column.clone()))
            .collect();
        exprs.push(lit(true).alias(&name));
        let plan = LogicalPlanBuilder::from(lifted.plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::distinct)
            .and_then(LogicalPlanBuilder::build);
        let plan = self.planned(plan, rows.origin)?;
        let on = lifted.keys.iter().map(Key::matches).collect();
        self.join_rows(rows, plan, JoinType::Left, on)?;
        Ok(Expr::Column(Column::new_unqualified(name)).is_not_null())
    }

    /// `x IN (SELECT …)` as a column. As in Spark it is never NULL: what is unknown is false, of NOT IN too.
    fn in_over(&mut self, rows: &mut Rows<'_>, within: &InSubquery) -> Result<Expr> {
        let plan = within.subquery.subquery.as_ref();
        let column = Expr::Column(plan.schema().columns()[0].clone());
        let value = within.expr.as_ref();
        let found = self.filtered_exists(rows, plan, |outer| outer.eq(column.clone()), value)?;
        if !within.negated {
            return Ok(found);
        }
        let any = self.exists_over(rows, &within.subquery)?;
        let unknown = self.filtered_exists(rows, plan, |_| column.clone().is_null(), value)?;
        let unknown = value.clone().is_null().and(any).or(unknown);
        Ok(Expr::Not(Box::new(found.or(unknown))))
    }

    /// Whether the subquery has a row for which a condition holds beside a value of the outer row.
    fn filtered_exists(
        &mut self,
        rows: &mut Rows<'_>,
        plan: &LogicalPlan,
        condition: impl Fn(Expr) -> Expr,
        value: &Expr,
    ) -> Result<Expr> {
        let outer = over_outer(value, rows.plan.schema());
        let outer = self.planned(outer, rows.origin)?;
        let filtered = LogicalPlanBuilder::from(plan.clone())
            .filter(condition(outer))
            .and_then(LogicalPlanBuilder::build);
        let filtered = self.planned(filtered, rows.origin)?;
        self.exists_over(rows, &wrapped(filtered))
    }

    /// `(a, b) IN (SELECT …)`: whether some row equals the values, as EXISTS over the comparison of each pair.
    pub(crate) fn in_rows(
        &self,
        pairs: &[(Expr, Expr)],
        plan: &LogicalPlan,
        negated: bool,
        origin: &Origin,
    ) -> Result<Expr> {
        let conditions = pairs.iter().map(|(outer, inner)| {
            let equal = outer.clone().eq(inner.clone());
            if negated {
                let unknown = outer.clone().is_null().or(inner.clone().is_null());
                equal.or(unknown)
            } else {
                equal
            }
        });
        let condition = conjunction(conditions).unwrap_or_else(|| lit(true));
        let plan = LogicalPlanBuilder::from(plan.clone())
            .filter(condition)
            .and_then(LogicalPlanBuilder::build);
        let subquery = wrapped(self.planned(plan, origin)?);
        Ok(Expr::Exists(Exists::new(subquery, negated)))
    }
}

/// A plan as a subquery.
pub(crate) fn wrapped(plan: LogicalPlan) -> Subquery {
    Subquery {
        outer_ref_columns: plan.all_out_ref_exprs(),
        subquery: Arc::new(plan),
        spans: Spans::new(),
    }
}
