//! `range(…)` in FROM: numbers in a row. Must not bind other relations.

use arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::column::Environment;
use super::query::{Bound, BoundColumn, one_row};
use super::relation::From;
use super::scope::Scope;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{cast, fold};

/// More rows than this are refused: they are made at once.
const ROWS_MAX: i128 = 10_000_000;

impl Binder<'_> {
    /// `range(end)`, `range(start, end [, step [, partitions]])`.
    pub(crate) fn range(
        &mut self,
        args: &[ast::FunctionArg],
        alias: Option<&ast::TableAlias>,
        origin: &Origin,
    ) -> Result<From> {
        if args.is_empty() || args.len() > 4 {
            let message =
                "`range` takes an end, or a start, an end, a step and a number of partitions";
            return Err(at(&condition::WRONG_NUM_ARGS, origin, message));
        }
        let mut numbers = vec![];
        for arg in args {
            numbers.push(self.whole_number(arg, origin)?);
        }
        let (start, end, step) = match numbers.as_slice() {
            [end] => (0, *end, 1),
            [start, end] => (*start, *end, 1),
            [start, end, step, ..] => (*start, *end, *step),
            [] => (0, 0, 1),
        };
        if step == 0 {
            let message = "the step of `range` is 0";
            return Err(at(
                &condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE,
                origin,
                message,
            ));
        }
        let span = i128::from(end) - i128::from(start);
        let step_wide = i128::from(step);
        let rows = if (span > 0) == (step > 0) {
            (span + step_wide - step_wide.signum()) / step_wide
        } else {
            0
        };
        if rows > ROWS_MAX {
            return unsupported(origin, format!("a range of more than {ROWS_MAX} rows"));
        }
        self.numbers((start, rows, step), alias, origin)
    }

    fn numbers(
        &mut self,
        (start, rows, step): (i64, i128, i64),
        alias: Option<&ast::TableAlias>,
        origin: &Origin,
    ) -> Result<From> {
        let last = i128::from(start) + (rows - 1).max(0) * i128::from(step);
        let last = i64::try_from(last).unwrap_or(start);
        let bound = |value: i64| Typed::literal(ScalarValue::Int64(Some(value)));
        let list = self.scalar(
            "sequence",
            vec![bound(start), bound(last), bound(step)],
            origin,
        )?;
        let field = self.fresh("__number");
        let plan = LogicalPlanBuilder::from(one_row())
            .project([list.expr.alias(&field)])
            .and_then(|plan| plan.filter(lit(rows > 0)))
            .and_then(|plan| plan.unnest_column(Column::new_unqualified(&field)))
            .and_then(|plan| {
                let number = Expr::Column(Column::new_unqualified(&field));
                plan.project([number.alias("id")])
            })
            .and_then(LogicalPlanBuilder::build);
        let mut bound = Bound {
            plan: self.planned(plan, origin)?,
            columns: vec![BoundColumn {
                name: "id".into(),
                field: "id".into(),
                data_type: DataType::Int64,
                origin: origin.clone(),
                unnamed: false,
                unstarred: false,
                event_time: None,
            }],
            streaming: false,
        };
        if let Some(alias) = alias {
            self.rename(&mut bound, alias)?;
        }
        let shown = alias
            .map_or("range", |alias| alias.name.value.as_str())
            .to_string();
        self.aliased(bound, Some(&shown), origin)
    }

    fn whole_number(&mut self, arg: &ast::FunctionArg, origin: &Origin) -> Result<i64> {
        let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) = arg else {
            return unsupported(origin, "this kind of argument of `range`");
        };
        let scope = Scope::default();
        let value = self.expression(expr, &Environment::over(&scope).named("`range`"))?;
        let number = cast::explicit(self.session, value, &DataType::Int64, origin)?;
        match fold::constant(self.session, &number.expr) {
            Some(ScalarValue::Int64(Some(number))) => Ok(number),
            _ => {
                let message = "the arguments of `range` are constant whole numbers";
                Err(at(
                    &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
                    origin,
                    message,
                ))
            }
        }
    }
}
