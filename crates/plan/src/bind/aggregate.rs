//! GROUP BY: which expressions are grouped by, the aggregate step, and what may stand beside aggregates.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::find_aggregate_exprs;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};
use sqlparser::ast;

use super::column::Environment;
use super::select::Item;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::float;

/// How the fields of group keys begin.
const GROUP: &str = "__group";

/// An expression of a select after its clause was bound, with its place for errors.
pub(crate) struct Placed<'a> {
    pub(crate) expr: &'a mut Expr,
    pub(crate) origin: Origin,
}

impl Binder<'_> {
    /// The expressions of GROUP BY; `None` if there is no such clause.
    pub(crate) fn group_by(
        &mut self,
        group_by: &ast::GroupByExpr,
        items: &[Item],
        env: &Environment<'_>,
    ) -> Result<Option<Vec<Expr>>> {
        let exprs = match group_by {
            ast::GroupByExpr::All(modifiers) => {
                self.no_modifiers(modifiers)?;
                let plain = items.iter().filter(|item| {
                    !has_aggregate(&item.value.expr) && item.value.constant().is_none()
                });
                return Ok(Some(distinct(plain.map(|item| item.value.expr.clone()))));
            }
            ast::GroupByExpr::Expressions(exprs, modifiers) => {
                self.no_modifiers(modifiers)?;
                exprs
            }
        };
        if exprs.is_empty() {
            return Ok(None);
        }
        let aliases: Vec<(String, Typed)> = items
            .iter()
            .map(|item| (item.name.clone(), item.value.clone()))
            .collect();
        let env = Environment {
            last: &aliases,
            clause: "GROUP BY",
            ..env.inner()
        };
        let mut out = vec![];
        for expr in exprs {
            let origin = self.origin(expr);
            if matches!(expr, ast::Expr::Tuple(parts) if parts.is_empty()) {
                return unsupported(&origin, "GROUP BY ()");
            }
            if matches!(
                expr,
                ast::Expr::Rollup(_) | ast::Expr::Cube(_) | ast::Expr::GroupingSets(_)
            ) {
                return unsupported(&origin, "ROLLUP, CUBE and GROUPING SETS");
            }
            let value =
                match self.ordinal(expr, items.len(), &condition::GROUP_BY_POS_OUT_OF_RANGE)? {
                    Some(index) => items[index].value.clone(),
                    None => self.expression(expr, &env)?,
                };
            if has_aggregate(&value.expr) {
                let message = "GROUP BY takes no aggregate function";
                return Err(at(&condition::INVALID_WHERE_CONDITION, &origin, message));
            }
            out.push(value.expr);
        }
        Ok(Some(distinct(out)))
    }

    fn no_modifiers(&self, modifiers: &[ast::GroupByWithModifier]) -> Result<()> {
        match modifiers.first() {
            None => Ok(()),
            Some(modifier) => unsupported(&self.query.origin, format!("GROUP BY … {modifier}")),
        }
    }

    /// Puts the aggregate step over `plan` and lets `exprs` refer to its results.
    pub(crate) fn aggregated(
        &mut self,
        plan: LogicalPlan,
        groups: Vec<Expr>,
        exprs: &mut [Placed<'_>],
    ) -> Result<LogicalPlan> {
        let origin = self.query.origin.clone();
        let aggregates = find_aggregate_exprs(exprs.iter().map(|placed| &*placed.expr));
        for placed in exprs.iter() {
            self.refuse_nested(placed)?;
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
        let aggregates = named(aggregates, "__aggregate", self);
        // Without groups and aggregates (`SELECT 1 FROM t HAVING true`) there is still one row: count nothing.
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(groups, aggregates)
            .and_then(LogicalPlanBuilder::build);
        let plan = self.planned(plan, &origin)?;
        for placed in exprs.iter_mut() {
            *placed.expr = replace(placed.expr.clone(), &replacements);
            self.grouped(placed, &replacements)?;
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

    /// Refuses columns that are neither grouped by nor inside an aggregate.
    fn grouped(&self, placed: &Placed<'_>, replacements: &[(Expr, Column)]) -> Result<()> {
        let stray = placed
            .expr
            .column_refs()
            .into_iter()
            .find(|c| !replacements.iter().any(|(_, known)| known == *c));
        let Some(stray) = stray else { return Ok(()) };
        let name = &stray.name;
        let diagnostic = Diagnostic::error(
            &condition::MISSING_AGGREGATION,
            format!("column `{name}` is neither grouped by nor inside an aggregate function"),
        );
        Err(Box::new(
            diagnostic
                .at(&placed.origin, "")
                .help(format!("group by it: `GROUP BY …, {name}`"))
                .help(format!("or take any of its values: `any_value({name})`")),
        ))
    }
}

/// Whether an expression holds an aggregate function outside of OVER.
pub(crate) fn has_aggregate(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(_))))
        .unwrap_or(false)
}

/// Replaces whole subexpressions by columns, outermost first.
pub(crate) fn replace(expr: Expr, replacements: &[(Expr, Column)]) -> Expr {
    let fallback = expr.clone();
    let replaced = expr.transform_down(|expr| {
        Ok(match replacements.iter().find(|(from, _)| *from == expr) {
            Some((_, column)) => {
                Transformed::new(Expr::Column(column.clone()), true, TreeNodeRecursion::Jump)
            }
            None => Transformed::no(expr),
        })
    });
    replaced.map_or(fallback, |transformed| transformed.data)
}

fn distinct(exprs: impl IntoIterator<Item = Expr>) -> Vec<Expr> {
    let mut out: Vec<Expr> = vec![];
    for expr in exprs {
        if !out.contains(&expr) {
            out.push(expr);
        }
    }
    out
}
