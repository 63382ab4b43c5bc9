//! The walk over a plan whose references are taken out: projections, conditions, aggregates, windows.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType};
use datafusion::error::Result;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, LogicalPlan, LogicalPlanBuilder, Operator, Projection,
    lit,
};

use super::{Fresh, Key, alike, parted, references, restored};

/// One plan on the way.
pub(super) struct Lifter<'a> {
    pub(super) references: &'a [Column],
    /// The outer rows, if the plan is computed for each of their values.
    pub(super) outer: Option<&'a LogicalPlan>,
    pub(super) fresh: Fresh<'a>,
    pub(super) is_grouped: bool,
}

pub(super) type Step = Result<Option<(LogicalPlan, Vec<Key>)>>;

impl Lifter<'_> {
    pub(super) fn refers(&self, expr: &Expr) -> bool {
        let is = |expr: &Expr| {
            Ok(match expr {
                Expr::OuterReferenceColumn(_, column) => self.references.contains(column),
                _ => false,
            })
        };
        expr.exists(is).unwrap_or(true)
    }

    pub(super) fn mentions(&self, plan: &LogicalPlan) -> bool {
        references(plan)
            .iter()
            .any(|column| self.references.contains(column))
    }

    /// The expression over columns; `None` if it refers to what no column holds.
    pub(super) fn own(&self, expr: &Expr, keys: &[Key]) -> Result<Option<Expr>> {
        if !self.refers(expr) {
            return Ok(Some(expr.clone()));
        }
        if self.outer.is_none() {
            return Ok(None);
        }
        let changed = expr.clone().transform_down(|expr| {
            Ok(match &expr {
                Expr::OuterReferenceColumn(_, column) => {
                    let wanted = Expr::Column(column.clone());
                    match keys.iter().find(|key| key.outer == wanted) {
                        Some(key) => Transformed::yes(key.expr()),
                        None => Transformed::no(expr),
                    }
                }
                _ => Transformed::no(expr),
            })
        })?;
        Ok(Some(changed.data))
    }

    pub(super) fn owned(&self, exprs: &[Expr], keys: &[Key]) -> Result<Option<Vec<Expr>>> {
        exprs.iter().map(|expr| self.own(expr, keys)).collect()
    }

    /// The values of the outer rows, each once, under names of their own.
    pub(super) fn values(&mut self, outer: &LogicalPlan) -> Result<(LogicalPlan, Vec<Key>)> {
        let mut keys = vec![];
        let mut exprs = vec![];
        for reference in self.references {
            let name = (self.fresh)();
            let outer = Expr::Column(reference.clone());
            exprs.push(outer.clone().alias(&name));
            keys.push(Key {
                outer,
                column: Column::new_unqualified(name),
                null_finds_null: true,
            });
        }
        let plan = LogicalPlanBuilder::from(outer.clone()).project(exprs)?;
        Ok((plan.distinct()?.build()?, keys))
    }

    pub(super) fn lift(&mut self, plan: &LogicalPlan, is_value: bool) -> Step {
        if !self.mentions(plan) {
            let Some(outer) = self.outer else {
                return Ok(Some((plan.clone(), vec![])));
            };
            let (values, keys) = self.values(outer)?;
            let plan = LogicalPlanBuilder::from(values).cross_join(plan.clone())?;
            return Ok(Some((plan.build()?, keys)));
        }
        match plan {
            LogicalPlan::Projection(projection) => self.projection(projection, is_value),
            LogicalPlan::SubqueryAlias(alias) => {
                let Some((input, keys)) = self.lift(&alias.input, is_value)? else {
                    return Ok(None);
                };
                restored(input, keys, alias.input.schema(), &alias.schema).map(Some)
            }
            LogicalPlan::Filter(filter) => self.filter(&filter.predicate, &filter.input),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, is_value),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let Some((input, keys)) = self.lift(input, false)? else {
                    return Ok(None);
                };
                let plan = LogicalPlanBuilder::from(input).distinct()?.build()?;
                Ok(Some((plan, keys)))
            }
            // Without a limit over it an order decides nothing.
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.lift(&sort.input, is_value),
            LogicalPlan::Limit(limit) => self.limit(limit),
            LogicalPlan::Window(window) => {
                let Some((input, keys)) = self.lift(&window.input, false)? else {
                    return Ok(None);
                };
                let Some(exprs) = self.owned(&window.window_expr, &keys)? else {
                    return Ok(None);
                };
                let exprs = exprs.into_iter().map(|expr| parted(expr, &keys));
                let exprs = exprs.collect::<Result<Vec<_>>>()?;
                let named = |(index, expr): (usize, Expr)| {
                    let at = window.input.schema().fields().len() + index;
                    let (qualifier, field) = window.schema.qualified_field(at);
                    expr.alias_qualified(qualifier.cloned(), field.name())
                };
                let exprs: Vec<Expr> = exprs.into_iter().enumerate().map(named).collect();
                let plan = LogicalPlanBuilder::from(input).window(exprs)?.build()?;
                Ok(Some((plan, keys)))
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => self.union(&union.inputs, plan.schema()),
            _ => Ok(None),
        }
    }

    pub(super) fn projection(&mut self, projection: &Projection, is_value: bool) -> Step {
        let Some((input, keys)) = self.lift(&projection.input, is_value)? else {
            return Ok(None);
        };
        let Some(own) = self.owned(&projection.expr, &keys)? else {
            return Ok(None);
        };
        let mut exprs: Vec<Expr> = keys.iter().map(Key::expr).collect();
        for (index, (expr, written)) in own.into_iter().zip(&projection.expr).enumerate() {
            exprs.push(if expr == *written {
                expr
            } else {
                let (qualifier, field) = projection.schema.qualified_field(index);
                expr.unalias()
                    .alias_qualified(qualifier.cloned(), field.name())
            });
        }
        let plan = LogicalPlanBuilder::from(input).project(exprs)?.build()?;
        Ok(Some((plan, keys)))
    }

    pub(super) fn filter(&mut self, predicate: &Expr, input: &LogicalPlan) -> Step {
        let Some((input, mut keys)) = self.lift(input, false)? else {
            return Ok(None);
        };
        let mut builder = LogicalPlanBuilder::from(input);
        let mut rest: Vec<Expr> = vec![];
        for part in split_conjunction(predicate) {
            if let Some(own) = self.own(part, &keys)? {
                rest.push(own);
                continue;
            }
            let Some((outer, inner)) = self.equality(part) else {
                return Ok(None);
            };
            let name = (self.fresh)();
            let mut exprs: Vec<Expr> = builder
                .schema()
                .columns()
                .into_iter()
                .map(Expr::Column)
                .collect();
            exprs.push(inner.alias(&name));
            builder = builder.project(exprs)?;
            keys.push(Key {
                outer,
                column: Column::new_unqualified(name),
                null_finds_null: false,
            });
        }
        if let Some(rest) = rest.into_iter().reduce(Expr::and) {
            builder = builder.filter(rest)?;
        }
        Ok(Some((builder.build()?, keys)))
    }

    /// The sides of an equality of which one is known from the outer row alone, and the other without it.
    pub(super) fn equality(&self, part: &Expr) -> Option<(Expr, Expr)> {
        let Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) = part
        else {
            return None;
        };
        let (outer, inner) = if self.refers(left) {
            (left, right)
        } else {
            (right, left)
        };
        if self.refers(inner) || !outer.column_refs().is_empty() || outer.is_volatile() {
            return None;
        }
        let bare = outer.as_ref().clone().transform_down(|expr| {
            Ok(match expr {
                Expr::OuterReferenceColumn(_, column) if self.references.contains(&column) => {
                    Transformed::yes(Expr::Column(column))
                }
                other => Transformed::no(other),
            })
        });
        Some((bare.ok()?.data, inner.as_ref().clone()))
    }

    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, is_value: bool) -> Step {
        if aggregate
            .group_expr
            .iter()
            .any(|expr| matches!(expr, Expr::GroupingSet(_)))
        {
            return Ok(None);
        }
        let Some((input, keys)) = self.lift(&aggregate.input, false)? else {
            return Ok(None);
        };
        let groups = self.owned(&aggregate.group_expr, &keys)?;
        let (Some(groups), Some(values)) = (groups, self.owned(&aggregate.aggr_expr, &keys)?)
        else {
            return Ok(None);
        };
        if groups.is_empty() && self.outer.is_none() {
            if !is_value {
                return Ok(None);
            }
            self.is_grouped = true;
        }
        if groups.is_empty()
            && let Some(outer) = self.outer
        {
            return self.whole_aggregate(outer, input, &keys, values);
        }
        let by = keys.iter().map(Key::expr);
        let named = groups.into_iter().enumerate().map(|(index, expr)| {
            if expr == aggregate.group_expr[index] {
                return expr;
            }
            let (qualifier, field) = aggregate.schema.qualified_field(index);
            expr.unalias()
                .alias_qualified(qualifier.cloned(), field.name())
        });
        let groups: Vec<Expr> = by.chain(named).collect();
        let plan = LogicalPlanBuilder::from(input).aggregate(groups, values)?;
        Ok(Some((plan.build()?, keys)))
    }

    /// An aggregate without groups has a row for each value, also where no row goes into it.
    pub(super) fn whole_aggregate(
        &mut self,
        outer: &LogicalPlan,
        input: LogicalPlan,
        inner: &[Key],
        aggregates: Vec<Expr>,
    ) -> Step {
        let marker = (self.fresh)();
        let mut exprs: Vec<Expr> = input
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        exprs.push(lit(true).alias(&marker));
        let input = LogicalPlanBuilder::from(input).project(exprs)?.build()?;
        let (values, keys) = self.values(outer)?;
        let on: Vec<Expr> = alike(&keys, inner);
        let joined = LogicalPlanBuilder::from(values).join_on(input, JoinType::Left, on)?;
        let is_there = Expr::Column(Column::new_unqualified(marker)).is_not_null();
        let aggregates = aggregates.into_iter().map(|expr| {
            let changed = expr.transform_down(|expr| {
                Ok(match expr {
                    Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
                        let filter = match params.filter.take() {
                            Some(filter) => is_there.clone().and(*filter),
                            None => is_there.clone(),
                        };
                        params.filter = Some(Box::new(filter));
                        let expr = Expr::AggregateFunction(AggregateFunction { func, params });
                        Transformed::new(expr, true, TreeNodeRecursion::Jump)
                    }
                    other => Transformed::no(other),
                })
            });
            changed.map(|changed| changed.data)
        });
        let aggregates = aggregates.collect::<Result<Vec<_>>>()?;
        let groups: Vec<Expr> = keys.iter().map(Key::expr).collect();
        let plan = joined.aggregate(groups, aggregates)?.build()?;
        Ok(Some((plan, keys)))
    }
}
