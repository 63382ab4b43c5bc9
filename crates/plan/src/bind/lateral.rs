//! LATERAL in FROM: relations that see the columns to their left, and generators in FROM. Must not bind other relations.

use datafusion::common::JoinType;
use datafusion::logical_expr::LogicalPlanBuilder;
use sluice_model::Origin;
use sqlparser::ast;
use std::sync::Arc;

use super::Binder;
use super::aggregate::has_aggregate;
use super::column::Environment;
use super::query::{Bound, one_row};
use super::relation::From;
use super::scope::Scope;
use crate::error::{Result, unsupported};
use crate::rewrite::generator::Generator;

/// A generator that stands in FROM.
pub(crate) struct InFrom<'a> {
    kind: Generator,
    function: ast::Function,
    alias: Option<&'a ast::TableAlias>,
    pub(crate) lateral: bool,
}

/// The generator that a relation is, if it is one.
pub(crate) fn generator_in_from(factor: &ast::TableFactor) -> Option<InFrom<'_>> {
    let (name, args, alias, lateral) = match factor {
        ast::TableFactor::Table {
            name,
            args: Some(args),
            alias,
            ..
        } => (name, &args.args, alias, false),
        ast::TableFactor::Function {
            lateral,
            name,
            args,
            alias,
            ..
        } => (name, args, alias, *lateral),
        _ => return None,
    };
    let [part] = name.0.as_slice() else {
        return None;
    };
    let kind = Generator::named(&part.as_ident()?.value.to_lowercase())?;
    let list = ast::FunctionArgumentList {
        duplicate_treatment: None,
        args: args.clone(),
        clauses: vec![],
    };
    let function = ast::Function {
        name: name.clone(),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    };
    Some(InFrom {
        kind,
        function,
        alias: alias.as_ref(),
        lateral,
    })
}

impl Binder<'_> {
    /// `FROM explode(…)`: a generator over one row.
    pub(crate) fn generated(&mut self, generator: &InFrom<'_>) -> Result<From> {
        let one = From {
            plan: one_row(),
            scope: Scope::default(),
            streaming: false,
        };
        self.generate_beside(one, generator, false)
    }

    /// `, LATERAL explode(…) t`, `[LEFT] JOIN LATERAL explode(…) t [ON …]`.
    pub(crate) fn joined_generator(
        &mut self,
        left: From,
        generator: &InFrom<'_>,
        join: Option<&ast::JoinOperator>,
        origin: &Origin,
    ) -> Result<From> {
        let (outer, constraint) = match join {
            None => (false, None),
            Some(
                ast::JoinOperator::Join(constraint)
                | ast::JoinOperator::Inner(constraint)
                | ast::JoinOperator::CrossJoin(constraint),
            ) => (false, Some(constraint)),
            Some(
                ast::JoinOperator::Left(constraint) | ast::JoinOperator::LeftOuter(constraint),
            ) => (true, Some(constraint)),
            Some(_) => return unsupported(origin, "this kind of join with a LATERAL generator"),
        };
        let mut from = self.generate_beside(left, generator, outer)?;
        match constraint {
            None | Some(ast::JoinConstraint::None) => Ok(from),
            Some(ast::JoinConstraint::On(on)) if !outer => {
                let filter = self.condition(on, &Environment::over(&from.scope).named("ON"))?;
                let plan = LogicalPlanBuilder::from(from.plan)
                    .filter(filter)
                    .and_then(LogicalPlanBuilder::build);
                from.plan = self.planned(plan, origin)?;
                Ok(from)
            }
            Some(ast::JoinConstraint::On(ast::Expr::Value(value)))
                if value.value == ast::Value::Boolean(true) =>
            {
                Ok(from)
            }
            Some(_) => unsupported(origin, "a condition of a join with a LATERAL generator"),
        }
    }

    fn generate_beside(&mut self, left: From, generator: &InFrom<'_>, outer: bool) -> Result<From> {
        let mut kind = generator.kind;
        kind.outer |= outer;
        let alias = generator.alias.map(|alias| alias.name.value.clone());
        let names: Vec<String> = generator
            .alias
            .iter()
            .flat_map(|alias| &alias.columns)
            .map(|column| column.name.value.clone())
            .collect();
        let found = (kind, &generator.function);
        Ok(self.generate(left, found, alias.as_deref(), &names)?.0)
    }

    /// `LATERAL (SELECT …)` without a FROM of its own: columns computed beside those on the left. `None` for any other
    /// query.
    pub(crate) fn lateral_columns(
        &mut self,
        left: &From,
        query: &ast::Query,
        alias: Option<&ast::TableAlias>,
        origin: &Origin,
    ) -> Result<Option<From>> {
        let ast::SetExpr::Select(select) = query.body.as_ref() else {
            return Ok(None);
        };
        let plain = select.from.is_empty()
            && select.selection.is_none()
            && select.having.is_none()
            && select.qualify.is_none()
            && select.lateral_views.is_empty()
            && query.with.is_none()
            && query.limit_clause.is_none()
            && matches!(&select.group_by, ast::GroupByExpr::Expressions(exprs, _) if exprs.is_empty());
        if !plain {
            return Ok(None);
        }
        let mut parts = vec![];
        for item in &select.projection {
            let (expr, name) = match item {
                ast::SelectItem::UnnamedExpr(expr) => {
                    (expr, self.unaliased_name(expr, &left.scope, &[])?.0)
                }
                ast::SelectItem::ExprWithAlias { expr, alias } => (expr, alias.value.clone()),
                _ => return Ok(None),
            };
            if self.generator(expr).is_some() {
                return Ok(None);
            }
            let value = self.expression(expr, &Environment::over(&left.scope))?;
            if has_aggregate(&value.expr) {
                return Ok(None);
            }
            parts.push((name, value));
        }
        let qualifier = alias.map(|alias| alias.name.value.clone());
        let names: Vec<String> = alias
            .iter()
            .flat_map(|alias| &alias.columns)
            .map(|column| column.name.value.clone())
            .collect();
        let from = self.beside(left.clone(), parts, qualifier.as_deref(), &names, origin)?;
        Ok(Some(from.0))
    }

    /// `LATERAL (query)`: a relation whose rows depend on those to its left.
    pub(crate) fn lateral_query(
        &mut self,
        left: &Scope,
        query: &ast::Query,
        alias: Option<&ast::TableAlias>,
        origin: &Origin,
    ) -> Result<From> {
        self.outer.push(Arc::new(left.clone()));
        let top_level = std::mem::replace(&mut self.top_level, false);
        let bound = self.query(query);
        self.top_level = top_level;
        self.outer.pop();
        let mut bound: Bound = bound?;
        self.refuse_on_stream(bound.streaming, "a LATERAL subquery", origin)?;
        if let Some(alias) = alias {
            self.rename(&mut bound, alias)?;
        }
        let shown = alias.map(|alias| alias.name.value.clone());
        self.aliased(bound, shown.as_deref(), origin)
    }

    /// `, LATERAL (query) t`, `[LEFT] JOIN LATERAL (query) t [ON …]` of a query that needs the left side.
    pub(crate) fn joined_query(
        &mut self,
        left: &From,
        right: From,
        join: Option<&ast::JoinOperator>,
        origin: &Origin,
    ) -> Result<From> {
        let (join_type, constraint) = match join {
            None => (JoinType::Inner, None),
            Some(
                ast::JoinOperator::Join(constraint)
                | ast::JoinOperator::Inner(constraint)
                | ast::JoinOperator::CrossJoin(constraint),
            ) => (JoinType::Inner, Some(constraint)),
            Some(
                ast::JoinOperator::Left(constraint) | ast::JoinOperator::LeftOuter(constraint),
            ) => (JoinType::Left, Some(constraint)),
            Some(_) => return unsupported(origin, "this kind of join with a LATERAL subquery"),
        };
        let scope = left.scope.clone().join(right.scope);
        let condition = match constraint {
            None | Some(ast::JoinConstraint::None) => None,
            Some(ast::JoinConstraint::On(on)) => {
                Some(self.condition(on, &Environment::over(&scope).named("ON"))?)
            }
            Some(_) => return unsupported(origin, "USING and NATURAL with a LATERAL subquery"),
        };
        self.refuse_on_stream(left.streaming, "a LATERAL subquery", origin)?;
        let sides = (left.plan.clone(), &right.plan);
        let plan = self.joined_laterally(sides, join_type, condition, origin)?;
        Ok(From {
            plan,
            scope,
            streaming: left.streaming,
        })
    }
}

/// Whether a join keeps every pair of rows.
pub(crate) fn is_inner(join: Option<&ast::JoinOperator>) -> bool {
    match join {
        None => true,
        Some(
            ast::JoinOperator::Join(constraint)
            | ast::JoinOperator::Inner(constraint)
            | ast::JoinOperator::CrossJoin(constraint),
        ) => matches!(constraint, ast::JoinConstraint::None),
        Some(_) => false,
    }
}
