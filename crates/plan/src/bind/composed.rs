//! Calls that stand for other calls: arrays side by side, percentiles of an ordered set, texts joined in order, aggregates
//! made of others.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{AggregateUDF, Case, Expr, Operator};
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::call::Call;
use super::column::Environment;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{cast, compare, float, length, structure, sum, unify, whole};

impl Binder<'_> {
    /// Aggregates that are computed as others: `min` and `max` of numbers with NaN and of nested values, `avg` of
    /// decimals and intervals. `build` puts a function over its arguments.
    pub(crate) fn composed(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
        build: &dyn Fn(Arc<AggregateUDF>, Vec<Typed>) -> Expr,
    ) -> Result<Option<Typed>> {
        let ([argument], false) = (call.args.as_slice(), call.star) else {
            return Ok(None);
        };
        let extreme = matches!(call.name.as_str(), "min" | "max");
        let mean = matches!(call.name.as_str(), "avg" | "mean" | "try_avg");
        if !extreme && !mean {
            return Ok(None);
        }
        let nondeterministic = self.facts.nondeterministic.len();
        let arg = self.expression(argument, env)?;
        let function = |name: &str| self.state.aggregate_functions().get(name).cloned();
        let composed = match &arg.data_type {
            found @ (DataType::Float32 | DataType::Float64) if extreme => {
                let found = found.clone();
                function(&call.name).map(|function| {
                    whole::restored(build(function, vec![whole::ordered(arg)]), &found)
                })
            }
            found if extreme && found.is_nested() && !unify::holds_map(found) => {
                let found = arg.data_type.clone();
                function(&format!("{}_by", call.name)).map(|function| {
                    let key = float::settled(arg.clone());
                    Typed::new(build(function, vec![arg, key]), found)
                })
            }
            found if mean && length::is_length(found) => {
                let found = arg.data_type.clone();
                let sum = sum::choose("sum", std::slice::from_ref(&arg));
                let count = sum::choose("count", std::slice::from_ref(&arg));
                sum.zip(count).map(|(sum, count)| {
                    let (sum, count) = (build(sum, vec![arg.clone()]), build(count, vec![arg]));
                    length::mean(sum, &found, count, &call.origin)
                })
            }
            DataType::Decimal128(precision, scale) if mean => {
                let (precision, scale) = (*precision, *scale);
                let sum = sum::choose("sum", std::slice::from_ref(&arg)).or(function("sum"));
                let count = sum::choose("count", std::slice::from_ref(&arg));
                sum.zip(count).map(|(sum, count)| {
                    let (sum, count) = (build(sum, vec![arg.clone()]), build(count, vec![arg]));
                    whole::mean(sum, count, precision, scale, call.name == "try_avg")
                })
            }
            _ => None,
        };
        if composed.is_none() {
            // The argument is bound again.
            self.facts.nondeterministic.truncate(nondeterministic);
        }
        Ok(composed)
    }

    /// `arrays_zip(a, b, …)`: the fields are called as the columns are, others by their place.
    pub(crate) fn zipped(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let args = self.arguments(call, env)?;
        let names = call.args.iter().enumerate().map(|(index, arg)| match arg {
            ast::Expr::Identifier(name) => name.value.clone(),
            ast::Expr::CompoundIdentifier(parts) => parts
                .last()
                .map_or_else(|| index.to_string(), |part| part.value.clone()),
            _ => index.to_string(),
        });
        let names: Vec<String> = names.collect();
        let mut zipped = self.scalar("arrays_zip", args, &call.origin)?;
        let renamed = structure::renamed(&zipped.data_type, &names);
        if renamed != zipped.data_type {
            zipped = cast::explicit(self.session, zipped, &renamed, &call.origin)?;
        }
        Ok(zipped)
    }

    /// `decode(value, search, result, …[, default])`: a CASE in which NULL finds NULL. Without a default the NULL is a text, which decides
    /// the type along with the results (Spark's `Decode`).
    pub(crate) fn decoded(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let mut args = self.arguments(call, env)?.into_iter();
        let Some(value) = args.next() else {
            return unsupported(&call.origin, "`decode` of nothing");
        };
        let (mut conditions, mut results) = (vec![], vec![]);
        let mut default = Typed::literal(ScalarValue::Utf8(None));
        while let Some(search) = args.next() {
            let Some(result) = args.next() else {
                default = search;
                break;
            };
            let same = Operator::IsNotDistinctFrom;
            let found = compare::compare(self.session, same, value.clone(), search, &call.origin)?;
            conditions.push(found.expr);
            results.push(result);
        }
        results.push(default);
        let origins = std::slice::from_ref(&call.origin);
        let (mut results, data_type) = self.unified(results, origins, "the results of `decode`")?;
        let default = results.pop().map(|value| Box::new(value.expr));
        let results = results.into_iter().map(|value| Box::new(value.expr));
        let pairs = conditions.into_iter().map(Box::new).zip(results).collect();
        Ok(Typed::new(
            Expr::Case(Case::new(None, pairs, default)),
            data_type,
        ))
    }

    /// `like(text, pattern[, escape])` and `ilike` as the operators that they name.
    pub(crate) fn like_call(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let (text, pattern, escape) = match call.args.as_slice() {
            [text, pattern] => (*text, *pattern, None),
            [text, pattern, ast::Expr::Value(escape)] => (*text, *pattern, Some(escape.clone())),
            [_, _, _] => return unsupported(&call.origin, "an escape that is not a constant"),
            _ => {
                let message = format!("`{}` takes a text, a pattern and an escape", call.name);
                return Err(at(&condition::WRONG_NUM_ARGS, &call.origin, message));
            }
        };
        let (expr, pattern) = (Box::new(text.clone()), Box::new(pattern.clone()));
        let operator = if call.name == "like" {
            ast::Expr::Like {
                negated: false,
                any: false,
                expr,
                pattern,
                escape_char: escape,
            }
        } else {
            ast::Expr::ILike {
                negated: false,
                any: false,
                expr,
                pattern,
                escape_char: escape,
            }
        };
        self.pattern(&operator, env)
    }

    /// `to_char(value, format)`: the type of the value says what the format is.
    pub(crate) fn character_form(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let [value, format] = self.exactly::<2>(call, env)?;
        match &value.data_type {
            DataType::Date32 | DataType::Timestamp(..) => {
                self.scalar("date_format", vec![value, format], &call.origin)
            }
            DataType::Binary => {
                let named = format.constant_text().map(str::to_ascii_lowercase);
                match named.as_deref() {
                    Some(name @ ("base64" | "hex")) => self.scalar(name, vec![value], &call.origin),
                    Some("utf-8") => {
                        let charset = Typed::text("UTF-8");
                        self.scalar("decode", vec![value, charset], &call.origin)
                    }
                    _ => {
                        let message = "bytes are written as 'base64', 'hex' or 'utf-8'";
                        let condition = &condition::INVALID_PARAMETER_VALUE_BINARY_FORMAT;
                        Err(at(condition, &call.origin, message))
                    }
                }
            }
            _ => self.scalar("to_char", vec![value, format], &call.origin),
        }
    }

    /// `percentile_cont(p) WITHIN GROUP (ORDER BY v [DESC])`: the values, the percentage and the order as arguments.
    pub(crate) fn percentile_within(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let ([share], [order]) = (&call.args[..], call.order_by) else {
            let condition = match (call.args.len(), call.order_by.len()) {
                (1, 0) => &condition::WITHIN_GROUP_MISSING,
                (1, _) => &condition::WITHIN_GROUP_WRONG_NUM_ORDERINGS,
                _ => &condition::WRONG_NUM_ARGS,
            };
            let message = format!(
                "`{}` takes one percentage, and the values in WITHIN GROUP (ORDER BY …)",
                call.name
            );
            return Err(at(condition, &call.origin, message));
        };
        if call.distinct {
            let message = format!("`{}` takes no DISTINCT", call.name);
            return Err(at(&condition::WITHIN_GROUP_DISTINCT, &call.origin, message));
        }
        let descending = order.options.asc == Some(false);
        let direction = if descending { "DESC" } else { "ASC" };
        let direction = ast::Value::SingleQuotedString(direction.into()).with_empty_span();
        let direction = ast::Expr::Value(direction);
        let percentile = Call {
            name: call.name.clone(),
            args: vec![&order.expr, share, &direction],
            star: false,
            distinct: call.distinct,
            order_by: &[],
            filter: call.filter,
            nulls: None,
            over: call.over,
            origin: call.origin.clone(),
        };
        match call.over {
            Some(_) => self.window_call(&percentile, env),
            None => self.outside_lambdas(|binder| binder.aggregate_call(&percentile, env)),
        }
    }

    /// `listagg(v) WITHIN GROUP (ORDER BY v)`: the order goes along as an argument, as values come in any order.
    pub(crate) fn ordered(
        &mut self,
        call: &Call<'_>,
        args: &mut Vec<Typed>,
        env: &Environment<'_>,
    ) -> Result<()> {
        let [item] = call.order_by else {
            return match call.order_by.first() {
                None => Ok(()),
                Some(_) => unsupported(&call.origin, "an aggregate in the order of several values"),
            };
        };
        let key = self.expression(&item.expr, env)?;
        let own = args.first() == Some(&key) && key.data_type == DataType::Utf8;
        if !own || !matches!(call.name.as_str(), "listagg" | "string_agg") {
            let what = format!(
                "`{}` in the order of another value than its own text",
                call.name
            );
            return unsupported(&self.origin(&item.expr), what);
        }
        if args.len() == 1 {
            args.push(Typed::text(""));
        }
        let descending = item.options.asc == Some(false);
        args.push(Typed::text(if descending { "DESC" } else { "ASC" }));
        Ok(())
    }

    /// Refuses what `sum` does not add.
    fn refuse_summed(call: &Call<'_>, args: &[Typed]) -> Result<()> {
        let [arg] = args else {
            let message = format!("`sum` takes 1 argument, here are {}", args.len());
            return Err(at(&condition::WRONG_NUM_ARGS, &call.origin, message));
        };
        let summed = unify::is_numeric(&arg.data_type)
            || matches!(
                arg.data_type,
                DataType::Utf8 | DataType::Null | DataType::Interval(_) | DataType::Duration(_)
            );
        if summed {
            return Ok(());
        }
        let found = unify::words(&arg.data_type);
        let message = format!("`sum` takes numbers and intervals, this is {found}");
        let condition = &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE;
        Err(at(condition, &call.origin, message))
    }

    /// Refuses arguments that Spark refuses before it looks for a function, and maps where values are ordered or gathered without doubles.
    pub(crate) fn refuse_arguments(&self, call: &Call<'_>, args: &[Typed]) -> Result<()> {
        if call.name.as_str() == "sum" {
            return Self::refuse_summed(call, args);
        }
        if call.name == "mode" && call.distinct {
            let message = "`mode` takes no DISTINCT: each value would be there once";
            return Err(at(&condition::WITHIN_GROUP_DISTINCT, &call.origin, message));
        }
        let averaged = match call.name.as_str() {
            "regr_avgx" => args.get(1),
            "regr_avgy" => args.first(),
            _ => None,
        };
        if averaged.is_some_and(|arg| matches!(arg.data_type, DataType::Decimal128(..))) {
            let message = format!("`{}` of decimals is not supported yet", call.name);
            let refused = at(&condition::UNSUPPORTED_FEATURE, &call.origin, message);
            return Err(Box::new(refused.help(
                "average CAST(… AS DOUBLE): of decimals it is a DECIMAL in Spark",
            )));
        }
        let (at_index, condition) = match call.name.as_str() {
            "max" | "min" => (0, &condition::DATATYPE_MISMATCH_INVALID_ORDERING_TYPE),
            "max_by" | "min_by" => (1, &condition::DATATYPE_MISMATCH_INVALID_ORDERING_TYPE),
            "collect_set" => (0, &condition::DATATYPE_MISMATCH_UNSUPPORTED_INPUT_TYPE),
            _ => return Ok(()),
        };
        match args.get(at_index) {
            Some(arg) if unify::holds_map(&arg.data_type) => {
                let message = format!("`{}` takes no maps: they have no order", call.name);
                Err(at(condition, &call.origin, message))
            }
            _ => Ok(()),
        }
    }
}
