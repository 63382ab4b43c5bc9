//! Generators: `explode` and its kin in a select list or in LATERAL VIEW become an unnest step below the select.

use arrow::datatypes::DataType;
use datafusion::common::{Column, NullHandling, ScalarValue, UnnestOptions};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::column::Environment;
use super::pivot::by_number;
use super::relation::From;
use super::scope::{Scope, ScopeColumn};
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::generator::{self, Generator, Kind};
use crate::rewrite::{access, cast, path};

/// More rows than this are refused: each is a branch of an expression.
const STACK_ROWS_MAX: usize = 10_000;

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
        let env = Environment::over(&from.scope).named("a generator");
        let mut values = vec![];
        for argument in arguments(function).unwrap_or_default() {
            values.push(self.expression(argument, &env)?);
        }
        match kind.kind {
            Kind::Stack => return self.stack(from, values, qualifier, names, &origin),
            Kind::JsonTuple => return self.json_tuple(from, &values, qualifier, names, &origin),
            Kind::Explode | Kind::PosExplode | Kind::Inline => {}
        }
        let Ok([value]) = <[Typed; 1]>::try_from(values) else {
            let message = "a generator takes one argument";
            return Err(at(&condition::WRONG_NUM_ARGS, &origin, message));
        };
        let (rows, columns) = generator::rows(kind, value, &origin)?;
        named_alike(names, columns.len(), &origin)?;
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
        let whole = Typed::new(Expr::Column(item.clone()), element.data_type().clone());
        for (index, name) in columns.iter().enumerate() {
            let is_inner = columns.len() == 3 && columns[0] == "pos" && index > 0;
            let outer = if is_inner {
                // The entry of a map beside its position.
                access::field(self.session, whole.clone(), "col", origin)?
            } else {
                whole.clone()
            };
            let part = access::field(self.session, outer, name, origin)?;
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

    /// `stack(n, a, b, …)`: the values in n rows, filled up with NULL.
    fn stack(
        &mut self,
        from: From,
        mut values: Vec<Typed>,
        qualifier: Option<&str>,
        names: &[String],
        origin: &Origin,
    ) -> Result<(From, Vec<ScopeColumn>)> {
        if values.len() < 2 {
            let message = "stack takes a number of rows and values";
            return Err(at(&condition::WRONG_NUM_ARGS, origin, message));
        }
        let count = cast::constant(self.session, &values.remove(0), &DataType::Int32);
        let rows = match count {
            Some(ScalarValue::Int32(Some(rows))) if rows > 0 => usize::try_from(rows).ok(),
            _ => None,
        };
        let Some(rows) = rows.filter(|rows| *rows <= STACK_ROWS_MAX) else {
            let message = "the first argument of stack is a constant number of rows above 0";
            return Err(at(&condition::DATATYPE_MISMATCH, origin, message));
        };
        let width = values.len().div_ceil(rows);
        named_alike(names, width, origin)?;
        let (plan, number) = self.numbered(from.plan, rows, origin)?;
        let mut parts = vec![];
        for index in 0..width {
            let column: Vec<Typed> = values.iter().skip(index).step_by(width).cloned().collect();
            let places = vec![origin.clone(); column.len()];
            let mut known = column
                .iter()
                .map(|value| &value.data_type)
                .filter(|t| !t.is_null());
            let first = known.next();
            if known.any(|found| Some(found) != first) {
                let message =
                    format!("the values of column {index} of `stack` have different types");
                return Err(at(
                    &condition::DATATYPE_MISMATCH_STACK_COLUMN,
                    origin,
                    message,
                ));
            }
            let (column, data_type) =
                self.unified(column, &places, "the values of a column of stack")?;
            parts.push((format!("col{index}"), by_number(&number, column, data_type)));
        }
        self.beside(From { plan, ..from }, parts, qualifier, names, origin)
    }

    /// `json_tuple(j, 'a', 'b')`: the fields of a JSON object as text.
    fn json_tuple(
        &mut self,
        from: From,
        values: &[Typed],
        qualifier: Option<&str>,
        names: &[String],
        origin: &Origin,
    ) -> Result<(From, Vec<ScopeColumn>)> {
        let [json, keys @ ..] = values else {
            let message = "json_tuple takes a JSON text and keys";
            return Err(at(&condition::WRONG_NUM_ARGS, origin, message));
        };
        if keys.is_empty() {
            let message = "json_tuple takes at least one key";
            return Err(at(&condition::WRONG_NUM_ARGS, origin, message));
        }
        named_alike(names, keys.len(), origin)?;
        let mut parts = vec![];
        for (index, key) in keys.iter().enumerate() {
            let Some(key) = key.constant_text() else {
                return unsupported(origin, "json_tuple with a key that is not a constant");
            };
            let path = path::json_path(&[path::Step::Exact(key.into())]);
            let args = vec![json.clone(), Typed::text(path)];
            parts.push((format!("c{index}"), self.scalar("json_path", args, origin)?));
        }
        self.beside(from, parts, qualifier, names, origin)
    }

    /// Adds computed columns to FROM.
    pub(crate) fn beside(
        &mut self,
        from: From,
        parts: Vec<(String, Typed)>,
        qualifier: Option<&str>,
        names: &[String],
        origin: &Origin,
    ) -> Result<(From, Vec<ScopeColumn>)> {
        let columns = from.plan.schema().columns();
        let mut exprs: Vec<Expr> = columns.into_iter().map(Expr::Column).collect();
        let mut made = vec![];
        for (index, (name, value)) in parts.into_iter().enumerate() {
            let field = self.fresh("__generated");
            let name = names.get(index).cloned().unwrap_or(name);
            let column = Column::new_unqualified(&field);
            made.push(ScopeColumn::new(qualifier, &name, column, value.data_type));
            exprs.push(value.expr.alias(field));
        }
        let plan = LogicalPlanBuilder::from(from.plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build);
        let from = From {
            plan: self.planned(plan, origin)?,
            scope: from.scope.join(Scope {
                columns: made.clone(),
            }),
            streaming: from.streaming,
        };
        Ok((from, made))
    }

    /// `LATERAL VIEW [OUTER] explode(x) t AS a, b`.
    pub(crate) fn lateral_view(&mut self, from: From, view: &ast::LateralView) -> Result<From> {
        let origin = self.origin(&view.lateral_view);
        let Some((mut kind, function)) = self.generator(&view.lateral_view) else {
            let message = "LATERAL VIEW takes a generator, such as explode";
            return Err(at(&condition::UNSUPPORTED_GENERATOR, &origin, message));
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
            .filter(|ident| ident.value != "__lateral_columns")
            .map(|ident| ident.value.clone())
            .collect();
        Ok(self
            .generate(from, (kind, function), alias.as_deref(), &names)?
            .0)
    }
}

/// The arguments of a call, if none has a name.
fn arguments(function: &ast::Function) -> Option<Vec<&ast::Expr>> {
    let ast::FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let plain = |argument| match argument {
        &ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    list.args.iter().map(plain).collect()
}

/// As many names as there are columns, or none.
fn named_alike(names: &[String], columns: usize, origin: &Origin) -> Result<()> {
    if names.is_empty() || names.len() == columns {
        return Ok(());
    }
    let message = format!(
        "the generator gives {columns} columns, but {} names are written",
        names.len()
    );
    Err(at(&condition::UDTF_ALIAS_NUMBER_MISMATCH, origin, message))
}
