//! Subqueries that refer to the rows around them, as plans that stand alone: each carries what it refers to as columns
//! of its own, so that a join with the outer rows by those columns means the same. Must not join: `bind::correlated` does.
//!
//! Where the references are sides of equalities, the other sides are those columns. Everywhere else the subquery is
//! computed for each value that the outer rows have.

mod lift;
mod relate;

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, Operator, Subquery,
};
use lift::Lifter;

/// What a lifted plan carries of an outer row.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The value over the outer row.
    pub(crate) outer: Expr,
    /// The column of the lifted plan.
    pub(crate) column: Column,
    /// Whether NULL finds NULL.
    null_finds_null: bool,
}

/// A plan without the references that were asked for, with columns in their place.
#[derive(Debug, Clone)]
pub(crate) struct Lifted {
    pub(crate) plan: LogicalPlan,
    pub(crate) keys: Vec<Key>,
    /// Whether an aggregate that always has one row has one per key now, and so none where no row is.
    pub(crate) is_grouped: bool,
}

/// How names that nothing else has are made.
pub(crate) type Fresh<'a> = &'a mut dyn FnMut() -> String;

impl Key {
    /// The condition under which rows belong to an outer row.
    pub(crate) fn matches(&self) -> Expr {
        let op = if self.null_finds_null {
            Operator::IsNotDistinctFrom
        } else {
            Operator::Eq
        };
        let column = Expr::Column(self.column.clone());
        Expr::BinaryExpr(BinaryExpr::new(
            Box::new(self.outer.clone()),
            op,
            Box::new(column),
        ))
    }

    fn expr(&self) -> Expr {
        Expr::Column(self.column.clone())
    }
}

/// The outer columns that a plan refers to, each once.
pub(crate) fn references(plan: &LogicalPlan) -> Vec<Column> {
    let (mut seen, mut found) = (HashSet::new(), vec![]);
    let _ = plan.apply_with_subqueries(|node| {
        for expr in node.expressions() {
            let _ = expr.apply(|expr| {
                if let Expr::OuterReferenceColumn(_, column) = expr
                    && seen.insert(column.clone())
                {
                    found.push(column.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            });
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// The plan with its references to outer columns led to others.
pub(crate) fn redirected(
    subquery: &Subquery,
    to: &dyn Fn(&Column) -> Option<Column>,
) -> Result<Subquery> {
    let plan = subquery.subquery.as_ref().clone();
    let changed = plan.transform_down_with_subqueries(|node| {
        node.map_expressions(|expr| {
            expr.transform_down(|expr| {
                Ok(match expr {
                    Expr::OuterReferenceColumn(field, column) => match to(&column) {
                        Some(other) => Transformed::yes(Expr::OuterReferenceColumn(field, other)),
                        None => Transformed::no(Expr::OuterReferenceColumn(field, column)),
                    },
                    other => Transformed::no(other),
                })
            })
        })
    })?;
    let plan = changed.data;
    Ok(Subquery {
        outer_ref_columns: plan.all_out_ref_exprs(),
        subquery: Arc::new(plan),
        spans: subquery.spans.clone(),
    })
}

/// Whether an expression holds a subquery.
pub(crate) fn holds_subquery(expr: &Expr) -> bool {
    let is = |expr: &Expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_)
        ))
    };
    expr.exists(is).unwrap_or(false)
}

/// The subquery as it is where no row meets its conditions: the aggregate that it is made of over nothing.
pub(crate) fn over_nothing(plan: LogicalPlan) -> Result<LogicalPlan> {
    let changed = plan.transform_down(|node| match node {
        LogicalPlan::Aggregate(aggregate) => {
            let nothing = LogicalPlan::EmptyRelation(EmptyRelation {
                produce_one_row: false,
                schema: Arc::clone(aggregate.input.schema()),
            });
            let aggregate =
                Aggregate::try_new(Arc::new(nothing), aggregate.group_expr, aggregate.aggr_expr)?;
            let node = LogicalPlan::Aggregate(aggregate);
            Ok(Transformed::new(node, true, TreeNodeRecursion::Jump))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(changed.data)
}

/// Takes references out of a plan by the equalities that they stand in; `None` if some stand elsewhere.
/// With `is_value`, an aggregate without groups at the top may be grouped by what it is compared with.
pub(crate) fn by_equality(
    plan: &LogicalPlan,
    references: &[Column],
    is_value: bool,
    fresh: Fresh<'_>,
) -> Result<Option<Lifted>> {
    let mut lifter = Lifter {
        references,
        outer: None,
        fresh,
        is_grouped: false,
    };
    let found = lifter.lift(plan, is_value)?;
    let is_grouped = lifter.is_grouped;
    Ok(found.map(|(plan, keys)| Lifted {
        plan,
        keys,
        is_grouped,
    }))
}

/// Takes references out of a plan by computing it for all values that the rows of `outer` have; `None` if it has a
/// step that cannot be computed so.
pub(crate) fn for_each_value(
    plan: &LogicalPlan,
    references: &[Column],
    outer: &LogicalPlan,
    fresh: Fresh<'_>,
) -> Result<Option<Lifted>> {
    let mut lifter = Lifter {
        references,
        outer: Some(outer),
        fresh,
        is_grouped: false,
    };
    let found = lifter.lift(plan, false)?;
    Ok(found.map(|(plan, keys)| Lifted {
        plan,
        keys,
        is_grouped: false,
    }))
}

/// The keys and the columns of a plan, those under the names that a step over it gives them.
fn restored(
    plan: LogicalPlan,
    keys: Vec<Key>,
    before: &DFSchema,
    after: &DFSchema,
) -> Result<(LogicalPlan, Vec<Key>)> {
    let mut exprs: Vec<Expr> = keys.iter().map(Key::expr).collect();
    for (index, column) in before.columns().into_iter().enumerate() {
        let (qualifier, field) = after.qualified_field(index);
        exprs.push(Expr::Column(column).alias_qualified(qualifier.cloned(), field.name()));
    }
    let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
    Ok((plan, keys))
}

/// The keys of two sides, one for one.
fn alike(left: &[Key], right: &[Key]) -> Vec<Expr> {
    let pair = |(left, right): (&Key, &Key)| {
        let op = Operator::IsNotDistinctFrom;
        Expr::BinaryExpr(BinaryExpr::new(
            Box::new(left.expr()),
            op,
            Box::new(right.expr()),
        ))
    };
    left.iter().zip(right).map(pair).collect()
}

/// A window function within the rows of one key.
fn parted(expr: Expr, keys: &[Key]) -> Result<Expr> {
    let changed = expr.transform_down(|expr| {
        Ok(match expr {
            Expr::WindowFunction(window) => {
                let WindowFunction { fun, mut params } = *window;
                params.partition_by.extend(keys.iter().map(Key::expr));
                let window = WindowFunction { fun, params };
                Transformed::new(
                    Expr::WindowFunction(Box::new(window)),
                    true,
                    TreeNodeRecursion::Jump,
                )
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(changed.data)
}
