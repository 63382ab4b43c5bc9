//! Steps that relate rows to each other, each within the rows of one key: limits, joins, unions.

use std::sync::Arc;

use datafusion::common::{Column, DFSchema, JoinType, NullEquality};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprFunctionExt, FetchType, Join, Limit, LogicalPlan, LogicalPlanBuilder,
    Operator, SkipType, SortExpr, lit,
};

use super::lift::{Lifter, Step};
use super::{Key, alike, restored};

impl Lifter<'_> {
    pub(super) fn limit(&mut self, limit: &Limit) -> Step {
        let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
            (limit.get_skip_type()?, limit.get_fetch_type()?)
        else {
            return Ok(None);
        };
        let (sorts, below) = match limit.input.as_ref() {
            LogicalPlan::Sort(sort) => (sort.expr.clone(), sort.input.as_ref()),
            other => (vec![], other),
        };
        let Some((input, keys)) = self.lift(below, false)? else {
            return Ok(None);
        };
        let mut order: Vec<SortExpr> = vec![];
        for sort in sorts {
            let Some(expr) = self.own(&sort.expr, &keys)? else {
                return Ok(None);
            };
            order.push(SortExpr { expr, ..sort });
        }
        let number = datafusion::functions_window::expr_fn::row_number()
            .partition_by(keys.iter().map(Key::expr).collect());
        let number = if order.is_empty() {
            number.build()?
        } else {
            number.order_by(order).build()?
        };
        let name = (self.fresh)();
        let columns: Vec<Expr> = input
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        let number = number.alias(&name);
        let row = Expr::Column(Column::new_unqualified(name));
        let mut kept = row.clone().gt(lit(skip as u64));
        if let Some(fetch) = fetch {
            kept = kept.and(row.lt_eq(lit(skip.saturating_add(fetch) as u64)));
        }
        let plan = LogicalPlanBuilder::from(input).window(vec![number])?;
        let plan = plan.filter(kept)?.project(columns)?.build()?;
        Ok(Some((plan, keys)))
    }

    pub(super) fn join(&mut self, join: &Join) -> Step {
        if join.null_aware {
            return Ok(None);
        }
        let sides = (self.mentions(&join.left), self.mentions(&join.right));
        let keeps_left = matches!(
            join.join_type,
            JoinType::Inner
                | JoinType::Left
                | JoinType::LeftSemi
                | JoinType::LeftAnti
                | JoinType::LeftMark
        );
        let is_inner = join.join_type == JoinType::Inner;
        let by_equality = self.outer.is_none();
        let lift_left = sides.0 || !(by_equality || is_inner && sides.1);
        let lift_right = sides.1;
        if !keeps_left || (by_equality && lift_right && !is_inner) {
            return Ok(None);
        }
        let Some((left, left_keys)) = self.side(&join.left, lift_left)? else {
            return Ok(None);
        };
        let Some((right, right_keys)) = self.side(&join.right, lift_right)? else {
            return Ok(None);
        };
        let mut keys = left_keys.clone();
        if by_equality {
            keys.extend(right_keys.iter().cloned());
        } else if keys.is_empty() {
            keys.clone_from(&right_keys);
        }
        let equal = if join.null_equality == NullEquality::NullEqualsNull {
            Operator::IsNotDistinctFrom
        } else {
            Operator::Eq
        };
        let pairs = join.on.iter().map(|(left, right)| {
            Expr::BinaryExpr(BinaryExpr::new(
                Box::new(left.clone()),
                equal,
                Box::new(right.clone()),
            ))
        });
        let written: Vec<Expr> = pairs.chain(join.filter.clone()).collect();
        let Some(mut on) = self.owned(&written, &keys)? else {
            return Ok(None);
        };
        if !by_equality {
            on.extend(alike(&left_keys, &right_keys));
        }
        let builder = LogicalPlanBuilder::from(left);
        let plan = if on.is_empty() && is_inner {
            builder.cross_join(right)?
        } else {
            builder.join_on(right, join.join_type, on)?
        };
        Ok(Some((plan.build()?, keys)))
    }

    pub(super) fn side(&mut self, plan: &LogicalPlan, lifted: bool) -> Step {
        if lifted {
            self.lift(plan, false)
        } else {
            Ok(Some((plan.clone(), vec![])))
        }
    }

    pub(super) fn union(&mut self, inputs: &[Arc<LogicalPlan>], schema: &DFSchema) -> Step {
        if self.outer.is_none() {
            return Ok(None);
        }
        let mut whole: Option<(LogicalPlanBuilder, Vec<Key>)> = None;
        for input in inputs {
            let Some((plan, keys)) = self.lift(input, false)? else {
                return Ok(None);
            };
            let (plan, keys) = restored(plan, keys, input.schema(), schema)?;
            whole = Some(match whole {
                None => (LogicalPlanBuilder::from(plan), keys),
                Some((builder, first)) => (builder.union(plan)?, first),
            });
        }
        let Some((builder, keys)) = whole else {
            return Ok(None);
        };
        // A union forgets which relation its columns are of.
        let plan = builder.build()?;
        let mut exprs: Vec<Expr> = vec![];
        for (index, field) in plan.schema().columns().into_iter().enumerate() {
            exprs.push(if index < keys.len() {
                Expr::Column(field).alias(keys[index].column.name())
            } else {
                let (qualifier, named) = schema.qualified_field(index - keys.len());
                Expr::Column(field).alias_qualified(qualifier.cloned(), named.name())
            });
        }
        let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
        Ok(Some((plan, keys)))
    }
}
