//! The aggregate step, and what may stand beside aggregates.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::utils::find_aggregate_exprs;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, lit};
use sluice_model::condition::query as condition;
use sluice_model::{Condition, Diagnostic, Origin};

use super::Binder;
use super::grouping::Grouping;
use super::scope::Scope;
use crate::error::{Result, at};
use crate::rewrite::dependent::redirected;
use crate::rewrite::float;
use crate::rewrite::grouping::marked;

/// How the fields of group keys begin.
const GROUP: &str = "__group";

/// An expression of a select after its clause was bound, with its place for errors.
pub(crate) struct Placed<'a> {
    pub(crate) expr: &'a mut Expr,
    pub(crate) origin: Origin,
}

impl Binder<'_> {
    /// Puts the aggregate step over `plan` and lets `exprs` refer to its results.
    pub(crate) fn aggregated(
        &mut self,
        (mut plan, streaming): (LogicalPlan, bool),
        grouping: &Grouping,
        exprs: &mut [Placed<'_>],
        scope: &Scope,
    ) -> Result<LogicalPlan> {
        let origin = self.query.origin.clone();
        let mut groups = grouping.keys.clone();
        let mut set = None;
        if let Some(sets) = &grouping.sets
            && (sets.len() > 1 || !groups.is_empty())
        {
            let expanded = self.expanded(plan, &groups, sets)?;
            plan = expanded.plan;
            groups = expanded.keys;
            groups.push(Expr::Column(expanded.set.clone()));
            set = Some(expanded.set);
        }
        for placed in exprs.iter_mut() {
            self.told_sets(placed, grouping, set.as_ref())?;
        }
        let aggregates = find_aggregate_exprs(exprs.iter().map(|placed| &*placed.expr));
        exprs
            .iter()
            .try_for_each(|placed| self.refuse_nested(placed))?;
        // Outside of sets, a key and its masked form carry event time alike.
        let mut kinds: Vec<_> = grouping
            .keys
            .iter()
            .map(|key| self.event_time_of(key))
            .collect();
        kinds.resize(groups.len(), None);
        if streaming {
            self.refuse_endless(&placed_aggregates(&aggregates, exprs), &kinds)?;
        }
        let mut replacements: Vec<(Expr, Column)> = vec![];
        let mut named = |exprs: Vec<Expr>, stem: &str, binder: &mut Self| -> Vec<Expr> {
            exprs
                .into_iter()
                .map(|expr| {
                    let name = binder.fresh(stem);
                    replacements.push((expr.clone(), Column::new_unqualified(&name)));
                    match expr.get_type(plan.schema()) {
                        Ok(found) if stem == GROUP => float::settle(expr, &found).alias(name),
                        _ => expr.alias(name),
                    }
                })
                .collect()
        };
        let groups = named(groups, GROUP, self);
        let mut aggregates = named(aggregates, "__aggregate", self);
        if set.is_some() {
            // Outside of aggregates a key means its masked form.
            for (replacement, key) in replacements.iter_mut().zip(&grouping.keys) {
                replacement.0 = key.clone();
            }
        }
        if groups.is_empty() && aggregates.is_empty() {
            // `SELECT 1 FROM t HAVING true` has one row, and an aggregate step needs something to compute.
            let name = self.fresh("__aggregate");
            aggregates.push(datafusion::functions_aggregate::count::count(lit(1)).alias(name));
        }
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(groups.clone(), aggregates)
            .and_then(LogicalPlanBuilder::build);
        let mut plan = self.planned(plan, &origin)?;
        if streaming {
            plan = self.endless(plan, &groups, &kinds)?;
        }
        for placed in exprs.iter_mut() {
            *placed.expr = replace(placed.expr.clone(), &replacements);
            let condition = if grouping.keys.is_empty() {
                &condition::MISSING_GROUP_BY
            } else {
                &condition::MISSING_AGGREGATION
            };
            grouped(placed, &replacements, scope, condition)?;
        }
        Ok(plan)
    }

    fn refuse_nested(&self, placed: &Placed<'_>) -> Result<()> {
        let mut nested = false;
        let _ = placed.expr.apply(|expr| {
            if let Expr::AggregateFunction(function) = expr {
                nested |= function.params.args.iter().any(has_aggregate);
                return Ok(TreeNodeRecursion::Jump);
            }
            Ok(TreeNodeRecursion::Continue)
        });
        if nested {
            let message = "an aggregate function stands inside another";
            return Err(at(
                &condition::NESTED_AGGREGATE_FUNCTION,
                &placed.origin,
                message,
            ));
        }
        Ok(())
    }
}

/// The aggregates with the places of the expressions that hold them.
fn placed_aggregates(aggregates: &[Expr], exprs: &[Placed<'_>]) -> Vec<(Expr, Origin)> {
    let placed = aggregates.iter().filter_map(|aggregate| {
        let holder = exprs
            .iter()
            .find(|placed| placed.expr.exists(|e| Ok(e == aggregate)).unwrap_or(false))?;
        Some((aggregate.clone(), holder.origin.clone()))
    });
    placed.collect()
}

/// Refuses columns that are neither grouped by nor inside an aggregate.
fn grouped(
    placed: &Placed<'_>,
    replacements: &[(Expr, Column)],
    scope: &Scope,
    condition: &'static Condition,
) -> Result<()> {
    let stray = placed
        .expr
        .column_refs()
        .into_iter()
        .find(|c| !replacements.iter().any(|(_, known)| known == *c));
    let Some(stray) = stray else { return Ok(()) };
    // The name as the query knows it: an alias of the relation may have given it another.
    let name = scope
        .columns
        .iter()
        .find(|column| column.column == *stray)
        .map_or(stray.name.as_str(), |column| column.name.as_str());
    let message = format!("column `{name}` is neither grouped by nor inside an aggregate function");
    Err(Box::new(
        Diagnostic::error(condition, message)
            .at(&placed.origin, "")
            .help(format!("group by it: `GROUP BY …, {name}`"))
            .help(format!("or take any of its values: `any_value({name})`")),
    ))
}

/// Whether an expression holds an aggregate function outside of OVER.
pub(crate) fn has_aggregate(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(_)) || marked(expr).is_some()))
        .unwrap_or(false)
}

/// Replaces whole subexpressions by columns, outermost first.
pub(crate) fn replace(expr: Expr, replacements: &[(Expr, Column)]) -> Expr {
    let fallback = expr.clone();
    let replaced = expr.transform_down(|expr| {
        if let Some((_, column)) = replacements.iter().find(|(from, _)| *from == expr) {
            let column = Expr::Column(column.clone());
            return Ok(Transformed::new(column, true, TreeNodeRecursion::Jump));
        }
        // A subquery refers to the columns of the step below by the names that the replacements have.
        let to = |column: &Column| {
            let wanted = Expr::Column(column.clone());
            let found = replacements.iter().find(|(from, _)| *from == wanted);
            found.map(|(_, column)| column.clone())
        };
        Ok(match expr {
            Expr::ScalarSubquery(subquery) => {
                Transformed::yes(Expr::ScalarSubquery(redirected(&subquery, &to)?))
            }
            Expr::Exists(Exists { subquery, negated }) => {
                let subquery = redirected(&subquery, &to)?;
                Transformed::yes(Expr::Exists(Exists { subquery, negated }))
            }
            Expr::InSubquery(within) => Transformed::yes(Expr::InSubquery(InSubquery {
                subquery: redirected(&within.subquery, &to)?,
                ..within
            })),
            other => Transformed::no(other),
        })
    });
    replaced.map_or(fallback, |transformed| transformed.data)
}
