//! Joins: ON, USING, NATURAL, LATERAL, SEMI and ANTI. Must not bind the relations themselves: `relation` does.

use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::Binder;
use super::column::Environment;
use super::lateral::{generator_in_from, is_inner};
use super::relation::From;
use super::scope::{Found, Scope, ScopeColumn};
use crate::error::{Result, at, unsupported};
use crate::rewrite::compare;
use crate::rewrite::dependent::{holds_subquery, references};

/// What stands on the right of a join.
pub(crate) enum Dependent {
    /// A relation of its own, to be joined.
    Right(From),
    /// The join already: the relation needed the left side.
    Joined(From),
}

impl Binder<'_> {
    /// Joins relations to what stands on their left.
    pub(crate) fn joins(&mut self, mut left: From, joins: &[ast::Join]) -> Result<From> {
        for join in joins {
            let origin = self.origin(&join.relation);
            let operator = Some(&join.join_operator);
            left = match self.dependent(&left, &join.relation, operator, &origin)? {
                Dependent::Joined(from) => from,
                Dependent::Right(right) => self.join(left, right, join)?,
            };
        }
        Ok(left)
    }

    /// A relation on the right of a join, which may be LATERAL.
    pub(crate) fn dependent(
        &mut self,
        left: &From,
        factor: &ast::TableFactor,
        join: Option<&ast::JoinOperator>,
        origin: &Origin,
    ) -> Result<Dependent> {
        if let Some(generator) = generator_in_from(factor).filter(|found| found.lateral) {
            let from = self.joined_generator(left.clone(), &generator, join, origin)?;
            return Ok(Dependent::Joined(from));
        }
        let ast::TableFactor::Derived {
            lateral: true,
            subquery,
            alias,
            sample: None,
        } = factor
        else {
            return self.factor(factor).map(Dependent::Right);
        };
        if is_inner(join)
            && let Some(from) = self.lateral_columns(left, subquery, alias.as_ref(), origin)?
        {
            return Ok(Dependent::Joined(from));
        }
        let right = self.lateral_query(&left.scope, subquery, alias.as_ref(), origin)?;
        if references(&right.plan).is_empty() {
            return Ok(Dependent::Right(right));
        }
        self.joined_query(left, right, join, origin)
            .map(Dependent::Joined)
    }

    fn join(&mut self, left: From, right: From, join: &ast::Join) -> Result<From> {
        let origin = self.origin(&join.relation);
        let (join_type, constraint) = match &join.join_operator {
            ast::JoinOperator::Join(c)
            | ast::JoinOperator::Inner(c)
            | ast::JoinOperator::CrossJoin(c) => (JoinType::Inner, c),
            ast::JoinOperator::Left(c) | ast::JoinOperator::LeftOuter(c) => (JoinType::Left, c),
            ast::JoinOperator::Right(c) | ast::JoinOperator::RightOuter(c) => (JoinType::Right, c),
            ast::JoinOperator::FullOuter(c) => (JoinType::Full, c),
            ast::JoinOperator::Semi(c) | ast::JoinOperator::LeftSemi(c) => (JoinType::LeftSemi, c),
            ast::JoinOperator::Anti(c) | ast::JoinOperator::LeftAnti(c) => (JoinType::LeftAnti, c),
            _ => return unsupported(&origin, "this kind of join"),
        };
        self.refuse_stream_join(&left, &right, join_type, &origin)?;
        let streaming = left.streaming || right.streaming;
        let one_sided = matches!(join_type, JoinType::LeftSemi | JoinType::LeftAnti);
        let (filters, scope, visible) = match constraint {
            ast::JoinConstraint::None => {
                (vec![], left.scope.clone().join(right.scope.clone()), None)
            }
            ast::JoinConstraint::On(on) => {
                let scope = left.scope.clone().join(right.scope.clone());
                let filter = self.condition(on, &Environment::over(&scope).named("ON"))?;
                (vec![filter], scope, None)
            }
            ast::JoinConstraint::Using(names) => {
                let names = names
                    .iter()
                    .map(ToString::to_string)
                    .map(|n| n.trim_matches('`').to_string())
                    .collect();
                let (filters, scope, visible) =
                    self.using(&left.scope, &right.scope, names, join_type, &origin)?;
                (filters, scope, Some(visible))
            }
            ast::JoinConstraint::Natural => {
                let shared = left
                    .scope
                    .columns
                    .iter()
                    .filter(|c| matches!(right.scope.find(None, &c.name), Found::One(_)));
                let names = shared.map(|c| c.name.clone()).collect();
                let (filters, scope, visible) =
                    self.using(&left.scope, &right.scope, names, join_type, &origin)?;
                (filters, scope, Some(visible))
            }
        };
        let (filters, after) = self.after_join(filters, join_type, &origin)?;
        let plan = if left.streaming && right.streaming {
            let sides = [left.plan, right.plan];
            let joined = self.joined_streams(sides, join_type, filters, &origin)?;
            Ok(LogicalPlanBuilder::from(joined))
        } else if filters.is_empty() && join_type == JoinType::Inner {
            LogicalPlanBuilder::from(left.plan).cross_join(right.plan)
        } else {
            LogicalPlanBuilder::from(left.plan).join_on(right.plan, join_type, filters)
        };
        let mut builder = self.planned(plan, &origin)?;
        if let Some(exprs) = visible.flatten() {
            builder = self.planned(builder.project(exprs), &origin)?;
        }
        let mut plan = self.planned(builder.build(), &origin)?;
        if let Some(after) = after {
            plan = self.filtered((plan, streaming), after, &origin)?;
        }
        let scope = if one_sided { left.scope } else { scope };
        Ok(From {
            plan,
            scope,
            streaming,
        })
    }

    /// Takes the parts of a condition that hold subqueries out of it: rows are filtered by them after the join.
    fn after_join(
        &self,
        filters: Vec<Expr>,
        join_type: JoinType,
        origin: &Origin,
    ) -> Result<(Vec<Expr>, Option<Expr>)> {
        let whole = conjunction(filters.clone());
        let parts: Vec<Expr> = whole.iter().flat_map(split_conjunction).cloned().collect();
        let (after, before): (Vec<Expr>, Vec<Expr>) = parts.into_iter().partition(holds_subquery);
        if after.is_empty() {
            return Ok((filters, None));
        }
        if join_type == JoinType::Inner {
            return Ok((before, conjunction(after)));
        }
        let refers = |expr: &Expr| {
            Ok(match expr {
                Expr::Exists(exists) => !references(&exists.subquery.subquery).is_empty(),
                Expr::InSubquery(within) => !references(&within.subquery.subquery).is_empty(),
                Expr::ScalarSubquery(subquery) => !references(&subquery.subquery).is_empty(),
                _ => false,
            })
        };
        if after.iter().any(|part| part.exists(refers).unwrap_or(true)) {
            return unsupported(
                origin,
                "a correlated subquery in ON of an outer, SEMI or ANTI join",
            );
        }
        Ok((filters, None))
    }

    /// `USING (a, b)`: the filters, the scope in which each shared column appears once, and for FULL joins the
    /// projection that merges the sides.
    fn using(
        &mut self,
        left: &Scope,
        right: &Scope,
        names: Vec<String>,
        join_type: JoinType,
        origin: &Origin,
    ) -> Result<(Vec<Expr>, Scope, Option<Vec<Expr>>)> {
        let mut filters = vec![];
        let mut merged = vec![];
        let mut rest = left.clone().join(right.clone());
        let mut exprs: Vec<Expr> = rest
            .columns
            .iter()
            .map(|c| Expr::Column(c.column.clone()))
            .collect();
        for name in names {
            let (l, r) = (
                self.side(left, &name, origin)?,
                self.side(right, &name, origin)?,
            );
            filters.push(
                compare::compare(
                    self.session,
                    datafusion::logical_expr::Operator::Eq,
                    l.typed(),
                    r.typed(),
                    origin,
                )?
                .expr,
            );
            for column in &mut rest.columns {
                column.hidden |= column.column == l.column || column.column == r.column;
            }
            let keep = if join_type == JoinType::Right { &r } else { &l };
            let mut column =
                ScopeColumn::new(None, &l.name, keep.column.clone(), keep.data_type.clone());
            if join_type == JoinType::Full {
                let field = self.fresh("__using");
                let value = self.coalesce(vec![l.typed(), r.typed()], origin)?;
                column.column = Column::new_unqualified(&field);
                column.data_type = value.data_type;
                exprs.push(value.expr.alias(field));
            }
            merged.push(column);
        }
        let projection = (join_type == JoinType::Full).then_some(exprs);
        let scope = Scope { columns: merged }.join(rest);
        Ok((filters, scope, projection))
    }

    fn side(&self, scope: &Scope, name: &str, origin: &Origin) -> Result<ScopeColumn> {
        match scope.find(None, name) {
            Found::One(column) => Ok(column.clone()),
            Found::Many(_) => Err(at(
                &condition::AMBIGUOUS_REFERENCE,
                origin,
                format!("column `{name}` of USING occurs more than once on one side"),
            )),
            Found::None => Err(at(
                &condition::UNRESOLVED_USING_COLUMN_FOR_JOIN,
                origin,
                format!("column `{name}` of USING is missing on one side of the join"),
            )),
        }
    }

    /// Joins with streams: a static side is fine where no row of the stream can be missing for its sake.
    pub(crate) fn refuse_stream_join(
        &self,
        left: &From,
        right: &From,
        join_type: JoinType,
        origin: &Origin,
    ) -> Result<()> {
        let refused = match (left.streaming, right.streaming) {
            (false, false) => return Ok(()),
            (true, true) if self.stream_context().is_some() => return Ok(()),
            (true, true) => "a join of two streams",
            (true, false)
                if matches!(
                    join_type,
                    JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
                ) =>
            {
                return Ok(());
            }
            (false, true) if matches!(join_type, JoinType::Inner | JoinType::Right) => {
                return Ok(());
            }
            _ => "an outer join that keeps the rows of the static side",
        };
        self.refuse_on_stream(true, refused, origin)
    }
}
