//! Generators: `explode` and its kin in a select list or in LATERAL VIEW become an unnest step below the select.

use arrow::datatypes::DataType;
use datafusion::common::{Column, NullHandling, UnnestOptions};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::Binder;
use super::column::Environment;
use super::relation::From;
use super::scope::{Scope, ScopeColumn};
use crate::error::{Result, at, unsupported};
use crate::rewrite::access;
use crate::rewrite::generator::{self, Generator};

impl Binder<'_> {
    /// The generator that an expression is, if it is one.
    pub(crate) fn generator<'a>(
        &self,
        expr: &'a ast::Expr,
    ) -> Option<(Generator, &'a ast::Function)> {
        let ast::Expr::Function(function) = expr else {
            return None;
        };
        let name = function.name.0.last()?.as_ident()?.value.to_lowercase();
        Some((Generator::named(&name)?, function))
    }

    /// Adds the rows of a generator to FROM; the new columns come with the names given, or Spark's.
    pub(crate) fn generate(
        &mut self,
        from: From,
        (kind, function): (Generator, &ast::Function),
        qualifier: Option<&str>,
        names: &[String],
    ) -> Result<(From, Vec<ScopeColumn>)> {
        let origin = self.origin(&function.name);
        let Some(argument) = only_argument(function) else {
            let message = "a generator takes one argument";
            return Err(at(&condition::WRONG_NUM_ARGS, &origin, message));
        };
        let value = self.expression(
            argument,
            &Environment::over(&from.scope).named("a generator"),
        )?;
        let (rows, columns) = generator::rows(kind, value, &origin)?;
        if !names.is_empty() && names.len() != columns.len() {
            let message = format!(
                "the generator gives {} columns, but {} names are written",
                columns.len(),
                names.len()
            );
            return Err(at(&condition::ASSIGNMENT_ARITY_MISMATCH, &origin, message));
        }
        let field = self.fresh("__generated");
        let mut exprs: Vec<Expr> = from
            .plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        exprs.push(rows.expr.alias(&field));
        let null_handling = if kind.outer {
            NullHandling::PreserveAndExpandEmpty
        } else {
            NullHandling::Drop
        };
        let options = UnnestOptions {
            null_handling,
            ..UnnestOptions::default()
        };
        let plan = LogicalPlanBuilder::from(from.plan)
            .project(exprs)
            .and_then(|plan| {
                plan.unnest_column_with_options(Column::new_unqualified(&field), options)
            })
            .and_then(LogicalPlanBuilder::build);
        let plan = self.planned(plan, &origin)?;
        let item = Column::new_unqualified(&field);
        let (plan, made) = self.parts(
            plan,
            &item,
            &rows.data_type,
            &columns,
            qualifier,
            names,
            &origin,
        )?;
        let scope = from.scope.join(Scope {
            columns: made.clone(),
        });
        Ok((
            From {
                plan,
                scope,
                streaming: from.streaming,
            },
            made,
        ))
    }

    /// Takes the generated structs apart into columns of their own.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of `generate`, split off for its length"
    )]
    fn parts(
        &mut self,
        plan: datafusion::logical_expr::LogicalPlan,
        item: &Column,
        rows: &DataType,
        columns: &[String],
        qualifier: Option<&str>,
        names: &[String],
        origin: &Origin,
    ) -> Result<(datafusion::logical_expr::LogicalPlan, Vec<ScopeColumn>)> {
        let DataType::List(element) = rows else {
            return unsupported(origin, "this generator");
        };
        let mut made = vec![];
        let shown =
            |index: usize, name: &str| names.get(index).map_or(name, String::as_str).to_string();
        if let [only] = columns
            && !matches!(element.data_type(), DataType::Struct(_) if only != "col")
        {
            made.push(ScopeColumn::new(
                qualifier,
                &shown(0, only),
                item.clone(),
                element.data_type().clone(),
            ));
            return Ok((plan, made));
        }
        let mut exprs: Vec<Expr> = plan
            .schema()
            .columns()
            .into_iter()
            .filter(|column| column != item)
            .map(Expr::Column)
            .collect();
        let whole = super::Typed::new(Expr::Column(item.clone()), element.data_type().clone());
        for (index, name) in columns.iter().enumerate() {
            let part = access::field(self.session, whole.clone(), name, origin)?;
            let field = self.fresh("__generated");
            exprs.push(part.expr.alias(&field));
            made.push(ScopeColumn::new(
                qualifier,
                &shown(index, name),
                Column::new_unqualified(field),
                part.data_type,
            ));
        }
        let plan = LogicalPlanBuilder::from(plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build);
        Ok((self.planned(plan, origin)?, made))
    }

    /// `LATERAL VIEW [OUTER] explode(x) t AS a, b`.
    pub(crate) fn lateral_view(&mut self, from: From, view: &ast::LateralView) -> Result<From> {
        let origin = self.origin(&view.lateral_view);
        let Some((mut kind, function)) = self.generator(&view.lateral_view) else {
            return unsupported(&origin, "this function in LATERAL VIEW");
        };
        kind.outer |= view.outer;
        let alias = view
            .lateral_view_name
            .0
            .last()
            .and_then(|part| part.as_ident())
            .map(|ident| ident.value.clone());
        let names: Vec<String> = view
            .lateral_col_alias
            .iter()
            .map(|ident| ident.value.clone())
            .collect();
        Ok(self
            .generate(from, (kind, function), alias.as_deref(), &names)?
            .0)
    }
}

/// The argument of a call that has exactly one, without a name.
fn only_argument(function: &ast::Function) -> Option<&ast::Expr> {
    let ast::FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.as_slice() {
        [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(argument))] => Some(argument),
        _ => None,
    }
}
