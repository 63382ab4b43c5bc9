//! What of a condition or a subquery the engine computes as it is, and in which form the rest is taken.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::{Case, Expr, FetchType, LogicalPlan, Operator};

use crate::rewrite::dependent::{holds_subquery, references};

/// A value over the rows, as a subquery refers to it; a column that has no type is none of the rows.
pub(crate) fn as_outer(
    value: &Expr,
    type_of: &dyn Fn(&Column) -> Option<DataType>,
) -> datafusion::error::Result<Expr> {
    let changed = value.clone().transform_down(|expr| {
        let Expr::Column(column) = &expr else {
            return Ok(Transformed::no(expr));
        };
        let Some(data_type) = type_of(column) else {
            return Ok(Transformed::no(expr));
        };
        let field = Field::new(&column.name, data_type, true);
        let outer = Expr::OuterReferenceColumn(Arc::new(field), column.clone());
        Ok(Transformed::yes(outer))
    })?;
    Ok(changed.data)
}

pub(super) fn over_outer(value: &Expr, schema: &DFSchema) -> datafusion::error::Result<Expr> {
    as_outer(value, &|column| {
        let index = schema.maybe_index_of_column(column)?;
        Some(schema.field(index).data_type().clone())
    })
}

/// A choice that is not turned into logic: its arms are not of one cost.
pub(super) fn choice(arms: Vec<(Expr, Expr)>, other: Expr) -> Expr {
    let arms = arms
        .into_iter()
        .map(|(when, then)| (Box::new(when), Box::new(then)));
    Expr::Case(Case::new(None, arms.collect(), Some(Box::new(other))))
}

/// The condition with NOT as near to its subqueries as it goes: `NOT (x IN …)` is `x NOT IN …`.
pub(super) fn affirmed(condition: Expr) -> datafusion::error::Result<Expr> {
    let changed = condition.transform_down(|expr| {
        if !holds_subquery(&expr) {
            return Ok(Transformed::new(expr, false, TreeNodeRecursion::Jump));
        }
        Ok(match expr {
            Expr::Not(inner) => match *inner {
                Expr::Not(inner) => Transformed::yes(*inner),
                Expr::InSubquery(within) => Transformed::yes(Expr::InSubquery(InSubquery {
                    negated: !within.negated,
                    ..within
                })),
                Expr::BinaryExpr(binary) if binary.op == Operator::Or => {
                    Transformed::yes(negated(*binary.left).and(negated(*binary.right)))
                }
                Expr::BinaryExpr(binary) if binary.op == Operator::And => {
                    Transformed::yes(negated(*binary.left).or(negated(*binary.right)))
                }
                other => Transformed::no(negated(other)),
            },
            Expr::BinaryExpr(binary)
                if binary.op == Operator::Eq && matches!(*binary.left, Expr::InSubquery(_)) =>
            {
                match binary.right.as_ref() {
                    Expr::Literal(ScalarValue::Boolean(Some(true)), _) => {
                        Transformed::yes(*binary.left)
                    }
                    Expr::Literal(ScalarValue::Boolean(Some(false)), _) => {
                        Transformed::yes(negated(*binary.left))
                    }
                    _ => Transformed::no(Expr::BinaryExpr(binary)),
                }
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(changed.data)
}

fn negated(expr: Expr) -> Expr {
    match expr {
        Expr::InSubquery(within) => Expr::InSubquery(InSubquery {
            negated: !within.negated,
            ..within
        }),
        other => Expr::Not(Box::new(other)),
    }
}

/// Whether the engine computes a condition as it is.
pub(super) fn is_engines(part: &Expr) -> bool {
    match part {
        Expr::Exists(exists) => is_simple(&exists.subquery.subquery),
        Expr::InSubquery(within) => {
            let plan = within.subquery.subquery.as_ref();
            let is_plain = if within.negated {
                references(plan).is_empty()
            } else {
                is_simple(plan)
            };
            is_plain && !holds_subquery(&within.expr)
        }
        other => {
            let needs_join = |expr: &Expr| {
                Ok(match expr {
                    Expr::ScalarSubquery(subquery) => !references(&subquery.subquery).is_empty(),
                    Expr::Exists(_) | Expr::InSubquery(_) => true,
                    _ => false,
                })
            };
            !other.exists(needs_join).unwrap_or(true)
        }
    }
}

/// Whether a plan refers to the outer row only in its own conditions.
fn is_simple(plan: &LogicalPlan) -> bool {
    let refers = |exprs: &[Expr]| {
        let is = |expr: &Expr| Ok(matches!(expr, Expr::OuterReferenceColumn(..)));
        exprs.iter().any(|expr| expr.exists(is).unwrap_or(true))
    };
    match plan {
        LogicalPlan::Projection(projection) => {
            !refers(&projection.expr) && is_simple(&projection.input)
        }
        LogicalPlan::Filter(filter) => is_simple(&filter.input),
        other => references(other).is_empty(),
    }
}

/// Whether a plan has one row at most.
pub(super) fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_one_row(&alias.input),
        LogicalPlan::Filter(filter) => has_one_row(&filter.input),
        LogicalPlan::Sort(sort) => has_one_row(&sort.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Limit(limit) => {
            matches!(limit.get_fetch_type(), Ok(FetchType::Literal(Some(0 | 1))))
        }
        LogicalPlan::EmptyRelation(_) => true,
        _ => false,
    }
}
