//! Calls that are syntax: their arguments have no fixed types, or are words, or they read the session.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::functions::core::expr_fn as core;
use datafusion::logical_expr::{Case, Expr, Operator};
use sluice_model::condition::query as condition;
use sluice_model::{Origin, SparkType};
use sqlparser::ast;

use super::call::Call;
use super::column::Environment;
use super::syntax::field_name;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::arithmetic::{self, Arithmetic};
use crate::rewrite::interval::holds_interval;
use crate::rewrite::{cast, compare, concat, sides, structure, time, unify};

impl Binder<'_> {
    /// The meaning of a call that is syntax, `None` if it is an ordinary function.
    pub(crate) fn special(
        &mut self,
        call: &Call<'_>,
        whole: &Environment<'_>,
    ) -> Result<Option<Typed>> {
        let env = &whole.inner();
        let name = call.name.as_str();
        if let Some(value) = self.session_value(name, call.args.len(), &call.origin, whole.output) {
            return Ok(Some(value));
        }
        if let Some(op) = attempt(name) {
            let [left, right] = self.exactly::<2>(call, env)?;
            return arithmetic::attempt(self.session, op, left, right, &call.origin).map(Some);
        }
        if let Some(target) = cast_function(name)
            && call.args.len() == 1
        {
            let before = self.facts.time.timestamps.len();
            let [value] = self.exactly::<1>(call, env)?;
            if target == SparkType::Date {
                self.used_as_date(before, &value);
            }
            let made = cast::explicit(self.session, value, &target.to_arrow(), &call.origin)?;
            return Ok(Some(made.computed()));
        }
        if let Some(value) = self.conditional(call, env)? {
            return Ok(Some(value));
        }
        if let Some(value) = self.calculation(call, env)? {
            return Ok(Some(value));
        }
        self.constructor(call, env)
    }

    /// Calls that choose between values.
    fn conditional(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Option<Typed>> {
        Ok(Some(match call.name.as_str() {
            "nvl" | "ifnull" => {
                let args = self.exactly::<2>(call, env)?;
                self.coalesce(args.to_vec(), &call.origin)?
            }
            "equal_null" => {
                let [left, right] = self.exactly::<2>(call, env)?;
                let op = Operator::IsNotDistinctFrom;
                compare::compare(self.session, op, left, right, &call.origin)?
            }
            "coalesce" => {
                let args = self.arguments(call, env)?;
                if args.is_empty() {
                    let message = "`coalesce` takes one argument or more";
                    return Err(at(&condition::WRONG_NUM_ARGS, &call.origin, message));
                }
                self.coalesce(args, &call.origin)?
            }
            "nvl2" => {
                let [value, present, absent] = self.exactly::<3>(call, env)?;
                self.choose(value.expr.is_not_null(), present, absent, &call.origin)?
            }
            "if" | "iff" => {
                let [_, yes, no] = self.exactly::<3>(call, env)?;
                let test = self.condition(
                    call.args[0],
                    &env.clone().named("the first argument of `if`"),
                )?;
                self.choose(test, yes, no, &call.origin)?
            }
            "nullif" => self.nullif(call, env)?,
            "decode" if call.args.len() > 2 => self.decoded(call, env)?,
            "nullifzero" => {
                let [value] = self.exactly::<1>(call, env)?;
                self.null_if_equal(value, Typed::int(0), &call.origin)?
            }
            "zeroifnull" => {
                let [value] = self.exactly::<1>(call, env)?;
                self.coalesce(vec![value, Typed::int(0)], &call.origin)?
            }
            "isnull" => Typed::boolean(self.exactly::<1>(call, env)?[0].expr.clone().is_null()),
            "isnotnull" => {
                Typed::boolean(self.exactly::<1>(call, env)?[0].expr.clone().is_not_null())
            }
            "greatest" | "least" => self.extreme(call, env)?,
            _ => return Ok(None),
        }))
    }

    /// Calls that are operators under a name.
    fn calculation(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Option<Typed>> {
        let name = call.name.as_str();
        Ok(Some(match name {
            "mod" | "div" => {
                let [left, right] = self.exactly::<2>(call, env)?;
                let op = if name == "mod" {
                    Arithmetic::Remainder
                } else {
                    Arithmetic::IntegerDivide
                };
                arithmetic::apply(self.session, op, left, right, &call.origin)?
            }
            "pmod" => {
                let [left, right] = self.exactly::<2>(call, env)?;
                let origin = &call.origin;
                let sides = sides::of_remainder(self.session, left, right, origin)?;
                self.scalar("pmod", sides.into(), origin)?
            }
            "ceil" | "ceiling" | "floor" if call.args.len() == 2 => {
                let [value, places] = self.exactly::<2>(call, env)?;
                let value = sides::decimal(self.session, value, &call.origin)?;
                self.scalar(name, vec![value, places], &call.origin)?
            }
            "positive" | "negative" => {
                let [value] = self.exactly::<1>(call, env)?;
                self.signed(value, name == "negative", &call.origin)?
            }
            _ => return Ok(None),
        }))
    }

    /// Calls that put values together, name units, or stand for something else.
    fn constructor(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Option<Typed>> {
        let name = call.name.as_str();
        Ok(Some(match name {
            "concat" => {
                let args = self.arguments(call, env)?;
                concat::concat(self.session, args, &call.origin)?
            }
            "struct" | "named_struct" => self.structure(call, env)?,
            "array" => {
                let args = self.arguments(call, env)?;
                let origins = call
                    .args
                    .iter()
                    .map(|arg| self.origin(*arg))
                    .collect::<Vec<_>>();
                let (items, data_type) = self.unified(args, &origins, "the items of the array")?;
                structure::array(items, &data_type)
            }
            "typeof" => {
                let [value] = self.exactly::<1>(call, env)?;
                if holds_interval(&value.data_type) {
                    self.fields_are_known(&value, &call.origin)?;
                }
                let named = SparkType::from_arrow(&value.data_type).map(|found| found.to_string());
                Typed::text(named.unwrap_or_else(|| unify::words(&value.data_type).to_lowercase()))
            }
            "dateadd" | "date_add" | "timestampadd" | "datediff" | "date_diff"
            | "timestampdiff" | "timediff"
                if call.args.len() == 3 =>
            {
                self.with_unit(call, env)?
            }
            "count_if" => return self.count_if(call, env).map(Some),
            "grouping" | "grouping_id" => self.grouping_mark(call, env)?,
            "explode" | "explode_outer" | "posexplode" | "posexplode_outer" | "inline"
            | "inline_outer" | "stack" | "json_tuple" => {
                let message =
                    format!("`{name}` must stand alone in a select list or in LATERAL VIEW");
                return Err(at(&condition::UNSUPPORTED_GENERATOR, &call.origin, message));
            }
            "convert_timezone" if call.args.len() == 2 => {
                let [to, value] = self.exactly::<2>(call, env)?;
                let from = Typed::text(&self.session.settings().time_zone);
                self.scalar(name, vec![from, to, value], &call.origin)?
            }
            "to_timestamp_ntz" if matches!(call.args.len(), 1 | 2) => {
                let args = self.arguments(call, env)?;
                let ntz = SparkType::TimestampNtz.to_arrow();
                let value = match <[Typed; 1]>::try_from(args) {
                    Ok([value]) => value,
                    Err(args) => self.scalar("to_timestamp", args, &call.origin)?,
                };
                cast::explicit(self.session, value, &ntz, &call.origin)?
            }
            "arrays_zip" => self.zipped(call, env)?,
            "like" | "ilike" => self.like_call(call, env)?,
            "to_char" | "to_varchar" if call.args.len() == 2 => self.character_form(call, env)?,
            "window" | "session_window" => self.time_window(call, env)?,
            "window_time" => self.window_time(call, env)?,
            _ => return Ok(None),
        }))
    }

    /// Exactly `N` arguments.
    pub(crate) fn exactly<const N: usize>(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<[Typed; N]> {
        let args = self.arguments(call, env)?;
        let found = args.len();
        args.try_into().map_err(|_| {
            let message = format!("`{}` takes {N} arguments, here are {found}", call.name);
            at(&condition::WRONG_NUM_ARGS, &call.origin, message)
        })
    }

    /// A function without parentheses: `current_date`.
    pub(crate) fn bare_function(
        &mut self,
        name: &str,
        origin: &Origin,
        env: &Environment<'_>,
    ) -> Option<Typed> {
        let name = name.to_lowercase();
        let known = [
            "current_date",
            "current_timestamp",
            "current_user",
            "user",
            "session_user",
            "localtimestamp",
        ];
        known
            .contains(&name.as_str())
            .then(|| self.session_value(&name, 0, origin, env.output))
            .flatten()
    }

    /// What the session fixes: the query time, the user, the catalog.
    fn session_value(
        &mut self,
        name: &str,
        arguments: usize,
        origin: &Origin,
        output: bool,
    ) -> Option<Typed> {
        if arguments > 0 {
            return None;
        }
        let settings = self.session.settings();
        let text = match name {
            "current_user" | "user" | "session_user" => &settings.current_user,
            "current_catalog" => &settings.catalog,
            "current_schema" | "current_database" => &settings.schema,
            "current_timezone" => &settings.time_zone,
            "current_timestamp" | "now" | "getdate" => {
                self.facts.time.timestamp(output && self.top_level, origin);
                return Some(Typed::literal(time::timestamp(settings.now_us)));
            }
            "localtimestamp" => {
                self.facts.time.timestamp(false, origin);
                return Some(Typed::literal(time::local(settings)));
            }
            "current_date" | "curdate" => {
                self.facts.time.date(origin);
                return Some(Typed::literal(time::date(settings)));
            }
            "unix_timestamp" => {
                self.facts.time.timestamp(false, origin);
                return Some(Typed::literal(ScalarValue::Int64(Some(
                    settings.now_us.div_euclid(1_000_000),
                ))));
            }
            _ => return None,
        };
        Some(Typed::text(text.clone()))
    }

    fn choose(&mut self, test: Expr, yes: Typed, no: Typed, origin: &Origin) -> Result<Typed> {
        let (values, data_type) =
            self.unified(vec![yes, no], std::slice::from_ref(origin), "the results")?;
        let mut values = values.into_iter().map(|value| Box::new(value.expr));
        let pairs = values
            .next()
            .map(|yes| vec![(Box::new(test), yes)])
            .unwrap_or_default();
        Ok(Typed::new(
            Expr::Case(Case::new(None, pairs, values.next())),
            data_type,
        ))
    }

    fn nullif(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let [value, other] = self.exactly::<2>(call, env)?;
        self.null_if_equal(value, other, &call.origin)
    }

    fn null_if_equal(&mut self, value: Typed, other: Typed, origin: &Origin) -> Result<Typed> {
        let equal = compare::compare(self.session, Operator::Eq, value.clone(), other, origin)?;
        let null = datafusion::logical_expr::lit(
            ScalarValue::try_from(&value.data_type).unwrap_or(ScalarValue::Null),
        );
        let pairs = vec![(Box::new(equal.expr), Box::new(null))];
        Ok(Typed::new(
            Expr::Case(Case::new(None, pairs, Some(Box::new(value.expr)))),
            value.data_type,
        ))
    }

    fn extreme(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let args = self.arguments(call, env)?;
        if args.len() < 2 {
            let message = format!("`{}` takes two arguments or more", call.name);
            return Err(at(&condition::WRONG_NUM_ARGS, &call.origin, message));
        }
        let text = |arg: &Typed| arg.data_type == DataType::Utf8;
        if args.iter().any(text)
            && !args
                .iter()
                .all(|arg| text(arg) || arg.data_type == DataType::Null)
        {
            let message = format!(
                "the arguments of `{}` must have one type: a string is not cast here",
                call.name
            );
            return Err(at(
                &condition::DATATYPE_MISMATCH_DATA_DIFF_TYPES,
                &call.origin,
                message,
            ));
        }
        let (args, data_type) =
            self.unified(args, std::slice::from_ref(&call.origin), "the arguments")?;
        if unify::holds_map(&data_type) {
            let message = format!("`{}` takes no maps: they have no order", call.name);
            let condition = &condition::DATATYPE_MISMATCH_INVALID_ORDERING_TYPE;
            return Err(at(condition, &call.origin, message));
        }
        if data_type.is_nested() {
            // Of values with NULLs inside, these know the order.
            let values = structure::array(args, &data_type);
            let extreme = if call.name == "greatest" {
                "array_max"
            } else {
                "array_min"
            };
            return self.scalar(extreme, vec![values], &call.origin);
        }
        let args = args.into_iter().map(|arg| arg.expr).collect();
        let expr = if call.name == "greatest" {
            core::greatest(args)
        } else {
            core::least(args)
        };
        Ok(Typed::new(expr, data_type))
    }

    fn structure(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let args = self.arguments(call, env)?;
        let mut fields = vec![];
        if call.name == "struct" {
            for (index, (value, ast)) in args.into_iter().zip(&call.args).enumerate() {
                let name = field_name(ast, index);
                fields.push((name, value));
            }
        } else {
            if args.len() % 2 == 1 {
                let message = "`named_struct` takes names and values in turn";
                return Err(at(&condition::WRONG_NUM_ARGS, &call.origin, message));
            }
            let mut args = args.into_iter();
            while let Some(name) = args.next() {
                let (Some(name), Some(value)) =
                    (name.constant_text().map(ToString::to_string), args.next())
                else {
                    let message = "named_struct takes pairs of a constant name and a value";
                    return Err(at(
                        &condition::DATATYPE_MISMATCH_FIELD_NAME,
                        &call.origin,
                        message,
                    ));
                };
                fields.push((name, value));
            }
        }
        Ok(structure::named_struct(fields))
    }

    /// `timestampdiff(HOUR, a, b)`: the unit is a word.
    fn with_unit(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let unit = match call.args[0] {
            ast::Expr::Identifier(word) => word.value.to_lowercase(),
            other => match self.expression(other, env)?.constant_text() {
                Some(text) => text.to_lowercase(),
                None => return unsupported(&call.origin, "a time unit that is not a word"),
            },
        };
        let mut args = vec![Typed::text(unit)];
        for arg in &call.args[1..] {
            args.push(self.expression(arg, env)?);
        }
        let name = if call.name.contains("diff") {
            "timestampdiff"
        } else {
            "timestampadd"
        };
        self.scalar(name, args, &call.origin)
    }

    fn count_if(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let test = match call.args.as_slice() {
            [test] => *test,
            _ => {
                return Err(at(
                    &condition::WRONG_NUM_ARGS,
                    &call.origin,
                    "`count_if` takes one argument",
                ));
            }
        };
        // count_if(x) counts the rows for which x is TRUE: count(CASE WHEN x THEN 1 END).
        let case = ast::Expr::Case {
            case_token: ast::helpers::attached_token::AttachedToken::empty(),
            end_token: ast::helpers::attached_token::AttachedToken::empty(),
            operand: None,
            conditions: vec![ast::CaseWhen {
                // As an operand: texts are cast, NULL is not TRUE.
                condition: ast::Expr::IsTrue(Box::new(test.clone())),
                result: ast::Expr::Value(ast::Value::Number("1".into(), false).with_empty_span()),
            }],
            else_result: None,
        };
        let count = Call {
            name: "count".into(),
            args: vec![&case],
            star: false,
            distinct: call.distinct,
            order_by: &[],
            filter: call.filter,
            nulls: None,
            over: call.over,
            origin: call.origin.clone(),
        };
        match call.over {
            Some(_) => self.window_call(&count, env),
            None => self.outside_lambdas(|binder| binder.aggregate_call(&count, env)),
        }
    }
}

/// `try_add` and its kin.
fn attempt(name: &str) -> Option<Arithmetic> {
    Some(match name {
        "try_add" => Arithmetic::Add,
        "try_subtract" => Arithmetic::Subtract,
        "try_multiply" => Arithmetic::Multiply,
        "try_divide" => Arithmetic::Divide,
        "try_mod" => Arithmetic::Remainder,
        _ => return None,
    })
}

/// Types that are also functions: `bigint(x)`.
pub(super) fn cast_function(name: &str) -> Option<SparkType> {
    Some(match name {
        "boolean" => SparkType::Boolean,
        "tinyint" => SparkType::Byte,
        "smallint" => SparkType::Short,
        "int" => SparkType::Int,
        "bigint" => SparkType::Long,
        "float" => SparkType::Float,
        "double" => SparkType::Double,
        "decimal" => SparkType::Decimal(10, 0),
        "string" => SparkType::String,
        "binary" => SparkType::Binary,
        "date" => SparkType::Date,
        "timestamp" => SparkType::Timestamp,
        _ => return None,
    })
}
