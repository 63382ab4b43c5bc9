//! Window functions: `f(…) OVER (…)`, named windows, frames. Must not plan the window step: `select` does.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, SortExpr, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
    WindowUDF,
};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::call::{Call, fields};
use super::column::Environment;
use super::query::sort;
use super::scope::same;
use super::{Binder, Typed, constants};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{cast, float, fold, moving, order, sum, unify};

impl Binder<'_> {
    /// `f(…) OVER (…)`.
    pub(crate) fn window_call(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        if !env.windows {
            return misplaced(call, env);
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
        let told = self.nulls_as_argument(call, &inside)?;
        let call = told.as_ref().unwrap_or(call);
        let spec = self.window_spec(call, env)?;
        let filter = call
            .filter
            .map(|filter| self.condition(filter, &inside))
            .transpose()?;
        let mut partition_by = vec![];
        for expr in &spec.partition_by {
            partition_by.push(float::settled(self.expression(expr, &inside)?).expr);
        }
        if call.distinct {
            let message = "a window function takes no DISTINCT";
            return Err(at(
                &condition::DISTINCT_WINDOW_FUNCTION_UNSUPPORTED,
                &call.origin,
                message,
            ));
        }
        let mut keys = self.window_keys(&spec, &inside)?;
        check_order(call, !keys.is_empty(), spec.window_frame.as_ref())?;
        let frame = self.frame(spec.window_frame.as_ref(), &mut keys, &call.origin)?;
        let order_by: Vec<SortExpr> = keys
            .into_iter()
            .flat_map(|(key, options)| order::keys(sort(key.expr, options), &key.data_type))
            .collect();
        let build = |fun: WindowFunctionDefinition, args: Vec<Typed>| {
            let params = WindowFunctionParams {
                args: args.into_iter().map(|arg| arg.expr).collect(),
                partition_by: partition_by.clone(),
                order_by: order_by.clone(),
                window_frame: frame.clone(),
                filter: filter.clone().map(Box::new),
                null_treatment: call.nulls,
                distinct: false,
            };
            Expr::WindowFunction(Box::new(WindowFunction { fun, params }))
        };
        let aggregate =
            |function, args: Vec<Typed>| build(moving::over(&frame, function, &args), args);
        if let Some(composed) = self.composed(call, &inside, &aggregate)? {
            return Ok(composed);
        }
        if let Some(offset) = self.offset_with_default(call, &inside)? {
            let (fun, args, data_type) =
                self.ranked_function(call, offset.function, offset.args)?;
            return Ok(offset.default.or(Typed::new(build(fun, args), data_type)));
        }
        let (fun, args, data_type) = self.window_function(call, &inside)?;
        let expr = match fun {
            WindowFunctionDefinition::AggregateUDF(function) => aggregate(function, args),
            ranked @ WindowFunctionDefinition::WindowUDF(_) => build(ranked, args),
        };
        Ok(ranked(expr, data_type))
    }

    /// `last_value(x, true)` is `last_value(x) IGNORE NULLS`. As aggregates, `first` and `last` take the argument themselves.
    fn nulls_as_argument<'a>(
        &mut self,
        call: &Call<'a>,
        env: &Environment<'_>,
    ) -> Result<Option<Call<'a>>> {
        let values = match call.name.as_str() {
            "first_value" | "last_value" => 1,
            "nth_value" => 2,
            _ => return Ok(None),
        };
        let (args, [skips]) = call.args.split_at(values.min(call.args.len())) else {
            return Ok(None);
        };
        let skips = self.expression(skips, env)?;
        let skips = fold::constant(self.session, &skips.expr);
        let Some(ScalarValue::Boolean(Some(skips))) = skips else {
            let message = format!(
                "the last argument of `{}` is a constant: true or false",
                call.name
            );
            let condition = &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT;
            return Err(at(condition, &call.origin, message));
        };
        Ok(Some(Call {
            args: args.to_vec(),
            nulls: if skips {
                Some(NullTreatment::IgnoreNulls)
            } else {
                call.nulls
            },
            ..call.clone()
        }))
    }

    fn window_keys<'a>(
        &mut self,
        spec: &'a ast::WindowSpec,
        env: &Environment<'_>,
    ) -> Result<Vec<(Typed, &'a ast::OrderByOptions)>> {
        let mut keys = vec![];
        for item in &spec.order_by {
            let key = float::settled(self.expression(&item.expr, env)?);
            if unify::holds_map(&key.data_type) {
                let place = self.origin(&item.expr);
                let condition = &condition::DATATYPE_MISMATCH_INVALID_ORDERING_TYPE;
                return Err(at(condition, &place, "a window cannot be ordered by maps"));
            }
            keys.push((key, &item.options));
        }
        Ok(keys)
    }

    fn window_spec(&self, call: &Call<'_>, env: &Environment<'_>) -> Result<ast::WindowSpec> {
        let mut name = match call.over {
            Some(ast::WindowType::WindowSpec(spec)) if spec.window_name.is_none() => {
                return Ok(spec.clone());
            }
            // `OVER (w)` is `OVER w`.
            Some(ast::WindowType::WindowSpec(ast::WindowSpec {
                window_name: Some(name),
                partition_by,
                order_by,
                window_frame: None,
            })) if partition_by.is_empty() && order_by.is_empty() => name,
            Some(ast::WindowType::NamedWindow(name)) => name,
            _ => return unsupported(&call.origin, "a window that builds on another"),
        };
        // `WINDOW w AS (…), v AS w`: as many steps as there are names at most.
        for _ in 0..=env.named_windows.len() {
            let named = env
                .named_windows
                .iter()
                .find(|definition| same(&definition.0.value, &name.value));
            match named.map(|definition| &definition.1) {
                Some(ast::NamedWindowExpr::WindowSpec(spec)) => return Ok(spec.clone()),
                Some(ast::NamedWindowExpr::NamedWindow(other)) => name = other,
                None => break,
            }
        }
        let message = format!("there is no window `{}` in this query", name.value);
        let diagnostic = at(
            &condition::MISSING_WINDOW_SPECIFICATION,
            &self.place(name.span),
            message,
        );
        let help = format!("declare it behind HAVING: `WINDOW {} AS (…)`", name.value);
        Err(Box::new(diagnostic.help(help)))
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
            if !aggregate && self.state.scalar_functions().contains_key(&call.name) {
                let message = format!("`{}` is no aggregate or window function", call.name);
                return Err(at(
                    &condition::UNSUPPORTED_EXPR_FOR_WINDOW,
                    &call.origin,
                    message,
                ));
            }
            if !aggregate {
                return Err(Self::unknown_function(call));
            }
            let (function, args, data_type) = self.aggregate(call, env)?;
            return Ok((
                WindowFunctionDefinition::AggregateUDF(function),
                args,
                data_type,
            ));
        };
        let args = self.arguments(call, env)?;
        constants::check(&call.name, &args, &call.origin)?;
        if call.name == "ntile"
            && let Some(ScalarValue::Int32(Some(i32::MIN..=0))) =
                args.first().and_then(Typed::constant)
        {
            let condition = &condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE;
            return Err(at(
                condition,
                &call.origin,
                "`ntile` takes a number of groups above 0",
            ));
        }
        let args = match (call.name.as_str(), args.is_empty()) {
            ("lag" | "lead", false) => self.offset_arguments(args, &call.origin)?,
            (_, true) => args,
            _ => self.coerced(function.as_ref(), args, &call.origin)?,
        };
        self.ranked_function(call, function, args)
    }

    fn ranked_function(
        &self,
        call: &Call<'_>,
        function: Arc<WindowUDF>,
        args: Vec<Typed>,
    ) -> Result<(WindowFunctionDefinition, Vec<Typed>, DataType)> {
        let definition = WindowFunctionDefinition::WindowUDF(function);
        let returned = definition
            .return_field(&fields(&args), &call.name)
            .map(|field| field.data_type().clone())
            .map_err(|e| crate::error::diagnose(&e, Some(&call.origin)))?;
        Ok((definition, args, returned))
    }

    fn frame(
        &mut self,
        frame: Option<&ast::WindowFrame>,
        keys: &mut [(Typed, &ast::OrderByOptions)],
        origin: &Origin,
    ) -> Result<WindowFrame> {
        let Some(frame) = frame else {
            return Ok(WindowFrame::new((!keys.is_empty()).then_some(false)));
        };
        let current = ast::WindowFrameBound::CurrentRow;
        let bounds = [
            &frame.start_bound,
            frame.end_bound.as_ref().unwrap_or(&current),
        ];
        let [start, end] = match frame.units {
            ast::WindowFrameUnits::Rows => self.rows_between(bounds, origin)?,
            ast::WindowFrameUnits::Range => self.range_between(bounds, keys, origin)?,
            ast::WindowFrameUnits::Groups => return unsupported(origin, "a frame in GROUPS"),
        };
        if position(&start) > position(&end) {
            return unsupported(origin, "a frame that ends before it begins");
        }
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => WindowFrameUnits::Rows,
            _ => WindowFrameUnits::Range,
        };
        Ok(WindowFrame::new_bounds(units, start, end))
    }

    fn rows_between(
        &mut self,
        bounds: [&ast::WindowFrameBound; 2],
        origin: &Origin,
    ) -> Result<[WindowFrameBound; 2]> {
        let mut distance = |value: Typed| match value.constant() {
            Some(ScalarValue::Int32(Some(rows))) if *rows >= 0 => {
                Ok(ScalarValue::UInt64(u64::try_from(*rows).ok()))
            }
            _ => unsupported(
                origin,
                "a window frame whose bound is no constant from 0 up",
            ),
        };
        Ok([
            self.bound(bounds[0], &mut distance)?,
            self.bound(bounds[1], &mut distance)?,
        ])
    }

    /// RANGE: the distance is added to the one key, in its type. Dates count days as numbers do.
    fn range_between(
        &mut self,
        bounds: [&ast::WindowFrameBound; 2],
        keys: &mut [(Typed, &ast::OrderByOptions)],
        origin: &Origin,
    ) -> Result<[WindowFrameBound; 2]> {
        use ast::WindowFrameBound as Bound;
        let mismatch = |message: &str| at(&condition::DATATYPE_MISMATCH, origin, message);
        let has_distance = bounds
            .iter()
            .any(|bound| matches!(bound, Bound::Preceding(Some(_)) | Bound::Following(Some(_))));
        if has_distance && keys.is_empty() {
            return Err(mismatch("a frame in RANGE needs ORDER BY in its window"));
        }
        if has_distance && keys.len() > 1 {
            let message = "a frame in RANGE with a distance takes one key in ORDER BY";
            return Err(mismatch(message));
        }
        let key = keys.first().map(|(key, _)| key.data_type.clone());
        let session = self.session;
        let mut in_days = false;
        let mut distance = |value: Typed| {
            let days = match (&key, value.constant()) {
                (Some(DataType::Date32), Some(ScalarValue::Int32(Some(days)))) => Some(*days),
                (Some(DataType::Date32), Some(constant)) => whole_days(constant),
                _ => None,
            };
            if let Some(days) = days {
                in_days = true;
                return Ok(ScalarValue::Int32(Some(days)));
            }
            match (&key, value.constant()) {
                (Some(DataType::Timestamp(..)), Some(constant))
                    if matches!(
                        constant,
                        ScalarValue::DurationSecond(_) | ScalarValue::DurationMicrosecond(_)
                    ) =>
                {
                    Ok(constant.clone())
                }
                (Some(DataType::Date32), Some(constant @ ScalarValue::IntervalYearMonth(_))) => {
                    Ok(constant.clone())
                }
                (Some(key), Some(_)) if key.is_numeric() && value.data_type.is_numeric() => {
                    match cast::constant(session, &value, key) {
                        Some(constant) => Ok(constant),
                        None => Err(mismatch("the distance of a frame does not fit its key")),
                    }
                }
                (Some(DataType::Timestamp(..)), Some(ScalarValue::IntervalYearMonth(_))) => {
                    unsupported(origin, "a frame of months over timestamps")
                }
                (Some(key), Some(_)) => Err(mismatch(&format!(
                    "a distance of {} cannot be added to a key of {}",
                    unify::words(&value.data_type),
                    unify::words(key)
                ))),
                _ => unsupported(origin, "a window frame whose bound is not a constant"),
            }
        };
        let out = [
            self.bound(bounds[0], &mut distance)?,
            self.bound(bounds[1], &mut distance)?,
        ];
        if in_days && let Some((key, _)) = keys.first_mut() {
            let days = datafusion::logical_expr::cast(key.expr.clone(), DataType::Int32);
            *key = Typed::new(days, DataType::Int32);
        }
        Ok(out)
    }

    fn bound(
        &mut self,
        bound: &ast::WindowFrameBound,
        distance: &mut dyn FnMut(Typed) -> Result<ScalarValue>,
    ) -> Result<WindowFrameBound> {
        let mut distance = |expr: &Option<Box<ast::Expr>>| -> Result<ScalarValue> {
            let Some(expr) = expr else {
                return Ok(ScalarValue::UInt64(None));
            };
            let scope = super::scope::Scope::default();
            let value = self.expression(expr, &Environment::over(&scope))?;
            distance(value)
        };
        Ok(match bound {
            ast::WindowFrameBound::CurrentRow => WindowFrameBound::CurrentRow,
            ast::WindowFrameBound::Preceding(expr) => WindowFrameBound::Preceding(distance(expr)?),
            ast::WindowFrameBound::Following(expr) => WindowFrameBound::Following(distance(expr)?),
        })
    }
}

/// Window functions that mean nothing without an order.
const ORDERED: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
];

/// Refuses an order or a frame where the function takes none, and none where it needs one.
fn check_order(call: &Call<'_>, ordered: bool, frame: Option<&ast::WindowFrame>) -> Result<()> {
    if !ordered && ORDERED.contains(&call.name.as_str()) {
        let message = format!("`{}` needs ORDER BY in its window", call.name);
        let condition = &condition::WINDOW_FUNCTION_FRAME_NOT_ORDERED;
        return Err(at(condition, &call.origin, message));
    }
    let offset = matches!(call.name.as_str(), "lag" | "lead");
    if let Some(frame) = frame
        && ORDERED.contains(&call.name.as_str())
        && (offset || !is_frame_of_ranks(frame))
    {
        let message = format!("`{}` takes no frame in its window", call.name);
        let error = at(&condition::WINDOW_FRAME_OF_RANK, &call.origin, message);
        return Err(Box::new(error.help("leave out ROWS or RANGE BETWEEN")));
    }
    if call.name == "median" && (ordered || frame.is_some()) {
        let message = "`median` takes no ORDER BY and no frame in its window";
        let condition = &condition::INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC;
        let error = at(condition, &call.origin, message);
        return Err(Box::new(error.help("`percentile(x, 0.5)` takes both")));
    }
    Ok(())
}

/// The frame that ranks have by themselves.
fn is_frame_of_ranks(frame: &ast::WindowFrame) -> bool {
    use ast::WindowFrameBound as Bound;
    frame.units == ast::WindowFrameUnits::Rows
        && frame.start_bound == Bound::Preceding(None)
        && matches!(frame.end_bound, None | Some(Bound::CurrentRow))
}

const DAY_US: i64 = 86_400_000_000;

/// Refuses a window function where there is none.
fn misplaced<T>(call: &Call<'_>, env: &Environment<'_>) -> Result<T> {
    let message = format!(
        "`{}` is a window function here, which {} does not take",
        call.name, env.clause
    );
    let condition = match env.clause {
        "WHERE" | "HAVING" | "GROUP BY" | "ON" => &condition::WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE,
        _ => &condition::INVALID_WHERE_CONDITION,
    };
    Err(at(condition, &call.origin, message))
}

/// A window function's value: ranks are INT in Spark, unsigned 64 bit in DataFusion.
fn ranked(expr: Expr, data_type: DataType) -> Typed {
    if data_type == DataType::UInt64 {
        let rank = datafusion::logical_expr::cast(expr, DataType::Int32);
        return Typed::new(rank, DataType::Int32);
    }
    Typed::new(expr, data_type)
}

/// The days of an interval of whole days.
fn whole_days(constant: &ScalarValue) -> Option<i32> {
    let micros = match constant {
        ScalarValue::DurationSecond(Some(seconds)) => seconds.checked_mul(1_000_000)?,
        ScalarValue::DurationMicrosecond(Some(micros)) => *micros,
        _ => return None,
    };
    (micros % DAY_US == 0)
        .then(|| i32::try_from(micros / DAY_US).ok())
        .flatten()
}

/// Where a bound lies, so that an empty frame is seen; distances of other kinds than rows are not compared.
fn position(bound: &WindowFrameBound) -> i128 {
    let rows = |value: &ScalarValue| match value {
        ScalarValue::UInt64(Some(rows)) => Some(i128::from(*rows)),
        value if value.is_null() => Some(i128::MAX),
        _ => None,
    };
    match bound {
        WindowFrameBound::CurrentRow => 0,
        WindowFrameBound::Preceding(value) => rows(value).map_or(-1, |rows| -rows),
        WindowFrameBound::Following(value) => rows(value).unwrap_or(1),
    }
}
