//! Intervals as values: multiplied, divided, negated, taken apart, and as text or number. Must not know times: `shift` moves
//! those by intervals.
//!
//! Sources: Spark's `MultiplyDTInterval`, `DivideDTInterval` and kin, `IntervalUtils`, `ExtractANSIIntervalField`.

mod step;

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ScalarUDF, Signature, Volatility};
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};

use step::{Field, Lengths, Step};

use crate::Session;
use crate::bind::Typed;
use crate::error::{self, Result};
use crate::rewrite::arithmetic::Arithmetic;
use crate::rewrite::cast::{self, Ignored};
use crate::rewrite::unify::{is_integral, is_numeric};

/// INTERVAL DAY.
pub(crate) const DAY: DataType = DataType::Duration(TimeUnit::Second);
/// INTERVAL DAY TO SECOND.
pub(crate) const DAY_TO_SECOND: DataType = DataType::Duration(TimeUnit::Microsecond);
/// INTERVAL YEAR TO MONTH.
pub(crate) const YEAR_TO_MONTH: DataType = DataType::Interval(IntervalUnit::YearMonth);

/// Whether values of a type are intervals of a length that can be calculated with.
pub(crate) fn is_length(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Duration(_)) || *data_type == YEAR_TO_MONTH
}

/// What is said of an interval beyond the range of its type.
pub(crate) fn too_long() -> Diagnostic {
    let message = "an interval leaves its range";
    Diagnostic::error(&condition::INTERVAL_ARITHMETIC_OVERFLOW, message)
}

/// `interval + interval`, `-`, `div`; `None`: it is none of them.
pub(crate) fn paired(
    op: Arithmetic,
    left: &Typed,
    right: &Typed,
    attempt: bool,
    origin: &Origin,
) -> Option<Typed> {
    let step = match op {
        Arithmetic::Add => Step::Add,
        Arithmetic::Subtract => Step::Subtract,
        Arithmetic::IntegerDivide => Step::Count,
        _ => return None,
    };
    let (l, r) = (&left.data_type, &right.data_type);
    let is_months = |t: &DataType| *t == YEAR_TO_MONTH;
    if !is_length(l) || !is_length(r) || is_months(l) != is_months(r) {
        return None;
    }
    let (left, right) = if l == r {
        (left.clone(), right.clone())
    } else {
        (wide(left), wide(right))
    };
    let returns = match step {
        Step::Count => DataType::Int64,
        _ => left.data_type.clone(),
    };
    let args = vec![left, right];
    Some(calculated(step, args, returns, attempt, origin))
}

/// `interval * number`, `number * interval`, `interval / number`; `None`: it is none of them.
pub(crate) fn scaled(
    session: &Session,
    op: Arithmetic,
    left: &Typed,
    right: &Typed,
    attempt: bool,
    origin: &Origin,
) -> Result<Option<Typed>> {
    let (l, r) = (&left.data_type, &right.data_type);
    let factor = |t: &DataType| is_numeric(t) || matches!(t, DataType::Utf8 | DataType::Null);
    let (length, number, step) = match op {
        Arithmetic::Multiply if is_length(l) && factor(r) => (left, right, Step::Multiply),
        Arithmetic::Multiply if factor(l) && is_length(r) => (right, left, Step::Multiply),
        Arithmetic::Divide if is_length(l) && factor(r) => (left, right, Step::Divide),
        _ => return Ok(None),
    };
    let number = match &number.data_type {
        DataType::Decimal128(..) => number.clone(),
        found if is_integral(found) => {
            cast::implicit(session, number.clone(), &DataType::Int64, origin)?
        }
        _ => cast::implicit(session, number.clone(), &DataType::Float64, origin)?,
    };
    let length = wide(length);
    let returns = length.data_type.clone();
    Ok(Some(calculated(
        step,
        vec![length, number],
        returns,
        attempt,
        origin,
    )))
}

/// The mean of a sum of intervals; NULL of none.
pub(crate) fn mean(sum: Expr, of: &DataType, count: Expr, origin: &Origin) -> Typed {
    let sum = wide(&Typed::new(sum, of.clone()));
    let count = Typed::new(count, DataType::Int64);
    let returns = sum.data_type.clone();
    calculated(Step::Divide, vec![sum, count], returns, true, origin)
}

/// A constant as an interval of a type: NULL, or a text in the type's form; `None` of any other.
pub(crate) fn read(value: &Typed, target: &DataType) -> Option<ScalarValue> {
    let constant = value.constant()?;
    if constant.is_null() {
        return ScalarValue::try_from(target).ok();
    }
    let text = value.constant_text()?;
    let (from, to) = match target {
        found if *found == DAY => ("DAY", None),
        found if *found == DAY_TO_SECOND => ("DAY", Some("SECOND")),
        _ => ("YEAR", Some("MONTH")),
    };
    super::interval::parse(text, Some(from), to)
}

/// The meaning of a call over an interval, `None`: it is none that knows intervals.
pub(crate) fn call(name: &str, args: &[Typed], origin: &Origin) -> Result<Option<Typed>> {
    match (name, args) {
        ("abs", [value]) if is_length(&value.data_type) => Ok(Some(absolute(value, origin))),
        ("date_part" | "datepart" | "extract", [name, value]) if is_length(&value.data_type) => {
            let name = name.constant_text().unwrap_or_default();
            field(value, name, origin).map(Some)
        }
        _ => Ok(None),
    }
}

/// `-interval`.
pub(crate) fn negated(value: Typed, origin: &Origin) -> Result<Typed> {
    if let Some(constant) = value.constant()
        && let Ok(negated) = constant.arithmetic_negate()
    {
        return Ok(Typed::literal(negated));
    }
    if !is_length(&value.data_type) {
        return error::unsupported(origin, "the negative of an interval of `make_interval`");
    }
    let returns = value.data_type.clone();
    Ok(calculated(
        Step::Negate,
        vec![value],
        returns,
        false,
        origin,
    ))
}

fn absolute(value: &Typed, origin: &Origin) -> Typed {
    let returns = value.data_type.clone();
    calculated(Step::Absolute, vec![value.clone()], returns, false, origin)
}

/// A field of an interval, by its name in `extract`; an error where the interval has no such field.
fn field(value: &Typed, name: &str, origin: &Origin) -> Result<Typed> {
    let known = match name.to_ascii_lowercase().as_str() {
        "year" | "y" | "years" | "yr" | "yrs" => Some((Field::Year, DataType::Int32)),
        "month" | "mon" | "mons" | "months" => Some((Field::Month, DataType::Int8)),
        "day" | "d" | "days" => Some((Field::Day, DataType::Int32)),
        "hour" | "h" | "hours" | "hr" | "hrs" => Some((Field::Hour, DataType::Int8)),
        "minute" | "m" | "min" | "mins" | "minutes" => Some((Field::Minute, DataType::Int8)),
        "second" | "s" | "sec" | "seconds" | "secs" => {
            Some((Field::Second, DataType::Decimal128(8, 6)))
        }
        _ => None,
    };
    let fits = |field: Field| match (&value.data_type, field) {
        (DataType::Interval(_), field) => matches!(field, Field::Year | Field::Month),
        (&DAY, field) => field == Field::Day,
        (_, field) => !matches!(field, Field::Year | Field::Month),
    };
    match known.filter(|(field, _)| fits(*field)) {
        Some((field, returns)) => Ok(calculated(
            Step::Field(field),
            vec![wide(value)],
            returns,
            false,
            origin,
        )),
        None => {
            let found = crate::rewrite::unify::words(&value.data_type);
            let message = format!("an {found} has no field `{name}`");
            Err(error::at(
                &condition::INVALID_EXTRACT_FIELD,
                origin,
                message,
            ))
        }
    }
}

/// An interval as text, or as a number of days or seconds; `None`: there is no such cast. The type of the interval must say
/// its fields.
pub(crate) fn converted(
    session: &Session,
    value: &Typed,
    target: &DataType,
    attempt: bool,
    origin: &Origin,
) -> Option<Result<Typed>> {
    let days = value.data_type == DAY;
    let is_month = value.data_type == YEAR_TO_MONTH;
    let (step, value) = match target {
        DataType::Utf8 => (Step::Text, value.clone()),
        found if is_integral(found) && !is_month => (Step::Whole { days }, wide(value)),
        DataType::Decimal128(..) if !is_month && !days => {
            let seconds = DataType::Decimal128(19, 6);
            let value = calculated(Step::Seconds, vec![value.clone()], seconds, attempt, origin);
            return Some(if attempt {
                cast::attempt(session, value, target, origin)
            } else {
                cast::explicit(session, value, target, origin)
            });
        }
        _ => return None,
    };
    Some(Ok(calculated(
        step,
        vec![value],
        target.clone(),
        attempt,
        origin,
    )))
}

/// Days as what can hold fractions of them.
fn wide(value: &Typed) -> Typed {
    if value.data_type != DAY {
        return value.clone();
    }
    let expr = datafusion::logical_expr::cast(value.expr.clone(), DAY_TO_SECOND);
    Typed::new(expr, DAY_TO_SECOND)
}

fn calculated(
    step: Step,
    args: Vec<Typed>,
    returns: DataType,
    attempt: bool,
    origin: &Origin,
) -> Typed {
    let function = Lengths {
        step,
        attempt,
        returns: returns.clone(),
        origin: Ignored(origin.clone()),
        signature: Signature::any(args.len(), Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    let args = args.into_iter().map(|arg| arg.expr).collect();
    let expr = Expr::ScalarFunction(ScalarFunction::new_udf(function, args));
    Typed::new(expr, returns)
}
