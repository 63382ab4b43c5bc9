//! Subqueries inside expressions: one value, IN, EXISTS. Names that they do not know are looked up outside.

use std::sync::Arc;

use datafusion::common::Spans;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Operator, Subquery};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::column::Environment;
use super::lambda::LAMBDA;
use super::query::Bound;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{cast, compare, float};

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
        self.outer.push(Arc::new(env.scope.clone()));
        let top_level = std::mem::replace(&mut self.top_level, false);
        let bound = self.query(query);
        self.top_level = top_level;
        self.outer.pop();
        let bound = self.apart(bound?, &origin)?;
        self.refuse_on_stream(bound.streaming, "a subquery", &origin)?;
        let subquery = wrap(bound.plan.clone());
        Ok((bound, subquery))
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
        let expr = InSubquery::new(Box::new(value.expr), wrap(plan), negated);
        Ok(Typed::boolean(Expr::InSubquery(expr)))
    }
}

fn wrap(plan: LogicalPlan) -> Subquery {
    let outer_ref_columns = plan.all_out_ref_exprs();
    Subquery {
        subquery: Arc::new(plan),
        outer_ref_columns,
        spans: Spans::new(),
    }
}
