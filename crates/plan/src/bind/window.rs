//! Window functions: `f(…) OVER (…)`, named windows, frames. Must not plan the window step: `select` does.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, SortExpr, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::call::{Call, fields};
use super::column::Environment;
use super::scope::same;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{float, sum};

impl Binder<'_> {
    /// `f(…) OVER (…)`.
    pub(crate) fn window_call(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        if !env.windows {
            let message = format!(
                "`{}` is a window function here, which {} does not take",
                call.name, env.clause
            );
            return Err(at(
                &condition::INVALID_WHERE_CONDITION,
                &call.origin,
                message,
            ));
        }
        if call.name == "count_if"
            && let Some(found) = self.special(call, env)?
        {
            return Ok(found);
        }
        let inside = Environment {
            windows: false,
            clause: "an argument of a window function",
            ..env.inner()
        };
        let spec = self.window_spec(call, env)?;
        let filter = call
            .filter
            .map(|filter| self.condition(filter, &inside))
            .transpose()?;
        let mut partition_by = vec![];
        for expr in &spec.partition_by {
            partition_by.push(float::settled(self.expression(expr, &inside)?).expr);
        }
        let order_by = self.sort_keys(&spec.order_by, &inside)?;
        let frame = self.frame(spec.window_frame.as_ref(), &order_by, &call.origin)?;
        let (fun, args, data_type) = self.window_function(call, &inside)?;
        let params = WindowFunctionParams {
            args: args.into_iter().map(|arg| arg.expr).collect(),
            partition_by,
            order_by,
            window_frame: frame,
            filter: filter.map(Box::new),
            null_treatment: call.nulls,
            distinct: call.distinct,
        };
        let expr = Expr::WindowFunction(Box::new(WindowFunction { fun, params }));
        if data_type == DataType::UInt64 {
            // Ranks are INT in Spark, unsigned 64 bit in DataFusion.
            return Ok(Typed::new(
                datafusion::logical_expr::cast(expr, DataType::Int32),
                DataType::Int32,
            ));
        }
        Ok(Typed::new(expr, data_type))
    }

    fn window_spec(&self, call: &Call<'_>, env: &Environment<'_>) -> Result<ast::WindowSpec> {
        match call.over {
            Some(ast::WindowType::WindowSpec(spec)) if spec.window_name.is_none() => {
                Ok(spec.clone())
            }
            Some(ast::WindowType::NamedWindow(name)) => {
                let named = env
                    .named_windows
                    .iter()
                    .find(|definition| same(&definition.0.value, &name.value));
                match named.map(|definition| &definition.1) {
                    Some(ast::NamedWindowExpr::WindowSpec(spec)) => Ok(spec.clone()),
                    _ => {
                        let message = format!("there is no window `{}` in this query", name.value);
                        Err(at(
                            &condition::UNRESOLVED_COLUMN,
                            &self.place(name.span),
                            message,
                        ))
                    }
                }
            }
            _ => unsupported(&call.origin, "a window that builds on another"),
        }
    }

    fn window_function(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<(WindowFunctionDefinition, Vec<Typed>, DataType)> {
        let aggregate = self.state.aggregate_functions().contains_key(&call.name)
            || sum::is_aggregate(&call.name);
        let ranked = self.state.window_functions().get(&call.name).cloned();
        let Some(function) = ranked else {
            if !aggregate {
                return Err(self.unknown_function(call));
            }
            let (function, args, data_type) = self.aggregate(call, env)?;
            return Ok((
                WindowFunctionDefinition::AggregateUDF(function),
                args,
                data_type,
            ));
        };
        let args = self.arguments(call, env)?;
        let args = match (call.name.as_str(), args.is_empty()) {
            ("lag" | "lead", false) => self.offset_arguments(args, &call.origin)?,
            (_, true) => args,
            _ => self.coerced(function.as_ref(), args, &call.origin)?,
        };
        let definition = WindowFunctionDefinition::WindowUDF(function);
        let returned = definition
            .return_field(&fields(&args), &call.name)
            .map(|field| field.data_type().clone())
            .map_err(|e| crate::error::diagnose(&e, Some(&call.origin)))?;
        Ok((definition, args, returned))
    }

    /// `lag(value, offset, default)`: the default takes the type of the value, the offset is a constant.
    fn offset_arguments(&mut self, args: Vec<Typed>, origin: &Origin) -> Result<Vec<Typed>> {
        let mut args = args.into_iter();
        let mut out: Vec<Typed> = args.next().into_iter().collect();
        if let Some(offset) = args.next() {
            let offset = crate::rewrite::cast::constant(self.session, &offset, &DataType::Int64);
            match offset {
                Some(offset) => out.push(Typed::literal(offset)),
                None => return unsupported(origin, "an offset that is not a constant"),
            }
        }
        if let (Some(default), Some(value)) = (args.next(), out.first().cloned()) {
            out.push(crate::rewrite::cast::implicit(
                self.session,
                default,
                &value.data_type,
                origin,
            )?);
        }
        Ok(out)
    }

    fn frame(
        &mut self,
        frame: Option<&ast::WindowFrame>,
        order_by: &[SortExpr],
        origin: &Origin,
    ) -> Result<WindowFrame> {
        let Some(frame) = frame else {
            return Ok(WindowFrame::new((!order_by.is_empty()).then_some(false)));
        };
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => WindowFrameUnits::Rows,
            ast::WindowFrameUnits::Range => WindowFrameUnits::Range,
            ast::WindowFrameUnits::Groups => return unsupported(origin, "a frame in GROUPS"),
        };
        let start = self.bound(&frame.start_bound, units, origin)?;
        let end = match &frame.end_bound {
            Some(bound) => self.bound(bound, units, origin)?,
            None => WindowFrameBound::CurrentRow,
        };
        Ok(WindowFrame::new_bounds(units, start, end))
    }

    fn bound(
        &mut self,
        bound: &ast::WindowFrameBound,
        units: WindowFrameUnits,
        origin: &Origin,
    ) -> Result<WindowFrameBound> {
        let mut distance = |expr: &Option<Box<ast::Expr>>| -> Result<ScalarValue> {
            let Some(expr) = expr else {
                return Ok(ScalarValue::UInt64(None));
            };
            let scope = super::scope::Scope::default();
            let value = self.expression(expr, &Environment::over(&scope))?;
            match (value.constant(), units) {
                (Some(ScalarValue::Int32(Some(n))), WindowFrameUnits::Rows) if *n >= 0 => {
                    Ok(ScalarValue::UInt64(u64::try_from(*n).ok()))
                }
                (Some(constant), WindowFrameUnits::Range) => Ok(constant.clone()),
                _ => unsupported(origin, "a window frame whose bound is not a constant"),
            }
        };
        Ok(match bound {
            ast::WindowFrameBound::CurrentRow => WindowFrameBound::CurrentRow,
            ast::WindowFrameBound::Preceding(expr) => WindowFrameBound::Preceding(distance(expr)?),
            ast::WindowFrameBound::Following(expr) => WindowFrameBound::Following(distance(expr)?),
        })
    }
}
