//! Casts by Spark's ANSI rules: `CAST`, `try_cast`, and those that Spark adds by itself. The kernels are `decode`'s.
//! Widening of numbers stays DataFusion's own cast, which its optimizer understands.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};
use sluice_decode::cast::{CastError, CastMode, cast_in};
use sluice_decode::datetime::Zone;
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin, SparkType};

use crate::Session;
use crate::bind::Typed;
use crate::error::{self, Result, raise};
use crate::rewrite::unify::{is_numeric, words};

/// `CAST(value AS target)`.
pub(crate) fn explicit(
    session: &Session,
    value: Typed,
    target: &DataType,
    origin: &Origin,
) -> Result<Typed> {
    castable(&value.data_type, target, origin)?;
    Ok(convert(session, value, target, false, origin))
}

/// `try_cast(value AS target)`.
pub(crate) fn attempt(
    session: &Session,
    value: Typed,
    target: &DataType,
    origin: &Origin,
) -> Result<Typed> {
    castable(&value.data_type, target, origin)?;
    Ok(convert(session, value, target, true, origin))
}

/// A cast that Spark adds by itself: no truth and no time becomes a number unasked, no number a truth.
pub(crate) fn implicit(
    session: &Session,
    value: Typed,
    target: &DataType,
    origin: &Origin,
) -> Result<Typed> {
    let found = &value.data_type;
    let to_number =
        is_numeric(target) && matches!(found, DataType::Boolean | DataType::Timestamp(..));
    let to_truth = *target == DataType::Boolean && is_numeric(found);
    if to_number || to_truth {
        let message = format!("{} is wanted here, this is {}", words(target), words(found));
        let condition = &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE;
        return Err(error::at(condition, origin, message));
    }
    explicit(session, value, target, origin)
}

/// A constant in another type; `None` if it is no constant or has no such form.
pub(crate) fn constant(session: &Session, value: &Typed, target: &DataType) -> Option<ScalarValue> {
    let constant = value.constant()?;
    if constant.is_null() {
        return ScalarValue::try_from(target).ok();
    }
    if value.data_type == *target {
        return Some(constant.clone());
    }
    let zone = Zone::parse(&session.settings().time_zone)?;
    let array = constant.to_array_of_size(1).ok()?;
    let converted = kernel(&array, target, &zone, false).ok()?;
    ScalarValue::try_from_array(&converted, 0).ok()
}

/// Whether Spark's ANSI cast exists between two types.
pub(crate) fn can_cast(from: &DataType, to: &DataType) -> bool {
    match (SparkType::from_arrow(from), SparkType::from_arrow(to)) {
        (Some(from), Some(to)) => sluice_decode::cast::can_cast(&from, &to),
        _ => {
            let mixed = DataType::Interval(IntervalUnit::MonthDayNano);
            from == to
                || *from == DataType::Null
                || matches!((from, to), (DataType::Duration(_), DataType::Duration(_)))
                || (matches!(from, DataType::Duration(_) | DataType::Interval(_)) && *to == mixed)
        }
    }
}

fn castable(from: &DataType, to: &DataType, origin: &Origin) -> Result<()> {
    if can_cast(from, to) {
        return Ok(());
    }
    let message = format!("there is no cast from {} to {}", words(from), words(to));
    Err(error::at(&condition::CAST_WITHOUT_RULE, origin, message))
}

fn convert(
    session: &Session,
    value: Typed,
    target: &DataType,
    attempt: bool,
    origin: &Origin,
) -> Typed {
    if value.data_type == *target {
        return value;
    }
    if value.data_type == DataType::Null {
        // What is computed may fail, although nothing comes of it.
        return match ScalarValue::try_from(target) {
            Ok(null) if value.constant().is_some() => Typed::literal(null),
            _ => native(value, target),
        };
    }
    if let Some(mixed) = value.constant().and_then(mixed_interval)
        && *target == DataType::Interval(IntervalUnit::MonthDayNano)
    {
        return Typed::literal(mixed);
    }
    if matches!(
        value.data_type,
        DataType::Duration(_) | DataType::Interval(_)
    ) {
        return native(value, target);
    }
    if let Some(folded) = constant(session, &value, target) {
        return Typed::literal(folded);
    }
    if widens(&value.data_type, target) {
        return native(value, target);
    }
    let cast = SparkCast {
        target: target.clone(),
        attempt,
        origin: Ignored(origin.clone()),
        signature: Signature::any(1, Volatility::Immutable),
    };
    let expr = Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::new_from_impl(cast)),
        vec![value.expr],
    ));
    Typed::new(expr, target.clone())
}

/// An interval as the functions take it: months, days and nanoseconds apart.
fn mixed_interval(value: &ScalarValue) -> Option<ScalarValue> {
    let interval = match value {
        ScalarValue::IntervalYearMonth(Some(months)) => IntervalMonthDayNano::new(*months, 0, 0),
        ScalarValue::DurationSecond(Some(seconds)) => {
            IntervalMonthDayNano::new(0, i32::try_from(seconds / 86_400).ok()?, 0)
        }
        ScalarValue::DurationMicrosecond(Some(micros)) => {
            IntervalMonthDayNano::new(0, 0, micros.checked_mul(1000)?)
        }
        _ => return None,
    };
    Some(ScalarValue::IntervalMonthDayNano(Some(interval)))
}

fn native(value: Typed, target: &DataType) -> Typed {
    Typed::new(
        datafusion::logical_expr::cast(value.expr, target.clone()),
        target.clone(),
    )
}

/// Whether every value has exactly one form in the wider type, the same for Spark and Arrow.
fn widens(from: &DataType, to: &DataType) -> bool {
    let rank = |t: &DataType| match t {
        DataType::Int8 => Some(3),
        DataType::Int16 => Some(5),
        DataType::Int32 => Some(10),
        DataType::Int64 => Some(20),
        _ => None,
    };
    match (from, to) {
        (DataType::Decimal128(p1, s1), DataType::Decimal128(p2, s2)) => {
            s2 >= s1 && i16::from(*p2) - i16::from(*s2) >= i16::from(*p1) - i16::from(*s1)
        }
        (from, DataType::Decimal128(p, s)) => {
            rank(from).is_some_and(|digits| i16::from(*p) - i16::from(*s) >= digits)
        }
        (DataType::Float32, DataType::Float64) => true,
        (from, DataType::Float64) => rank(from).is_some(),
        (from, to) => matches!((rank(from), rank(to)), (Some(a), Some(b)) if a < b),
    }
}

/// The types to which Spark casts arguments of a function with a fixed signature of DataFusion's.
pub(crate) fn signature(signature: &Signature, args: &[Typed]) -> Option<Vec<DataType>> {
    let possible = exact(&signature.type_signature);
    let fitting = possible
        .into_iter()
        .filter(|types| types.len() == args.len());
    fitting
        .filter(|types| {
            types
                .iter()
                .zip(args)
                .all(|(to, arg)| implicitly(&arg.data_type, to))
        })
        .min_by_key(|types| {
            types
                .iter()
                .zip(args)
                .filter(|(to, arg)| arg.data_type != **to)
                .count()
        })
}

fn exact(signature: &TypeSignature) -> Vec<Vec<DataType>> {
    match signature {
        TypeSignature::Exact(types) => vec![types.clone()],
        TypeSignature::OneOf(all) => all.iter().flat_map(exact).collect(),
        _ => vec![],
    }
}

fn implicitly(from: &DataType, to: &DataType) -> bool {
    let nested = |t: &DataType| t.is_nested();
    from == to
        || matches!(from, DataType::Null)
        || (matches!(to, DataType::Utf8) && !nested(from))
        || (matches!(from, DataType::Utf8)
            && (is_numeric(to)
                || matches!(
                    to,
                    DataType::Date32 | DataType::Timestamp(..) | DataType::Boolean
                )))
        || widens(from, to)
        || matches!(
            (from, to),
            (
                DataType::Date32,
                DataType::Timestamp(TimeUnit::Microsecond, _)
            ) | (DataType::Decimal128(..), DataType::Float64)
        )
}

/// A value that takes part in no comparison: where an expression was written.
#[derive(Debug, Clone)]
pub(crate) struct Ignored<T>(pub(crate) T);

impl<T> PartialEq for Ignored<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl<T> Eq for Ignored<T> {}
impl<T> Hash for Ignored<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// The cast as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SparkCast {
    target: DataType,
    attempt: bool,
    origin: Ignored<Origin>,
    signature: Signature,
}

impl ScalarUDFImpl for SparkCast {
    fn name(&self) -> &str {
        if self.attempt { "try_cast" } else { "cast" }
    }

    fn schema_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.schema_name().to_string())
            .collect();
        Ok(format!(
            "{}({} AS {})",
            self.name(),
            args.join(", "),
            words(&self.target)
        ))
    }

    fn display_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(format!(
            "{}({} AS {})",
            self.name(),
            args.join(", "),
            words(&self.target)
        ))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(self.target.clone())
    }

    fn invoke_with_args(
        &self,
        args: ScalarFunctionArgs,
    ) -> datafusion::error::Result<ColumnarValue> {
        let zone = args
            .config_options
            .execution
            .time_zone
            .as_deref()
            .unwrap_or("UTC");
        let zone = Zone::parse(zone).ok_or_else(|| {
            raise(Diagnostic::error(
                &condition::INVALID_TIMEZONE,
                format!("`{zone}` is no time zone"),
            ))
        })?;
        let run = |array: &ArrayRef| {
            kernel(array, &self.target, &zone, self.attempt)
                .map_err(|diagnostic| raise(error::located(diagnostic, Some(&self.origin.0))))
        };
        match args.args.into_iter().next() {
            Some(ColumnarValue::Array(array)) => Ok(ColumnarValue::Array(run(&array)?)),
            Some(ColumnarValue::Scalar(value)) => {
                let array = run(&value.to_array_of_size(1)?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &array, 0,
                )?))
            }
            None => datafusion::common::internal_err!("a cast without an argument"),
        }
    }
}

/// Casts an array; with `attempt`, values that have no form become NULL.
pub(crate) fn kernel(
    array: &ArrayRef,
    target: &DataType,
    zone: &Zone,
    attempt: bool,
) -> std::result::Result<ArrayRef, Diagnostic> {
    let Some(spark) = SparkType::from_arrow(target) else {
        let message = format!("there is no cast to {}", words(target));
        return Err(Diagnostic::error(&condition::CAST_WITHOUT_RULE, message));
    };
    let mode = if attempt {
        CastMode::Try
    } else {
        CastMode::Ansi
    };
    let made = cast_in(array, &spark, mode, zone).map_err(|error| refused(&error))?;
    if made.data_type() == target {
        return Ok(made);
    }
    arrow::compute::cast(&made, target).map_err(|e| {
        Diagnostic::error(
            &condition::CAST_INVALID_INPUT,
            "a value cannot be converted",
        )
        .fact(e.to_string())
    })
}

fn refused(error: &CastError) -> Diagnostic {
    let (from, to) = (error.from.to_uppercase(), error.to.to_uppercase());
    let shown: String = error.value.chars().take(200).collect();
    if shown.is_empty() && std::ptr::eq(error.condition, &raw const condition::CAST_INVALID_INPUT) {
        return Diagnostic::error(
            error.condition,
            format!("an empty text of type {from} cannot be cast to {to}"),
        )
        .help(format!("use `try_cast(… AS {to})` to get NULL instead"));
    }
    if shown.is_empty() {
        return Diagnostic::error(
            error.condition,
            format!("there is no cast from {from} to {to}"),
        );
    }
    Diagnostic::error(
        error.condition,
        format!("the value `{shown}` of type {from} cannot be cast to {to}"),
    )
    .help(format!(
        "correct the value, or use `try_cast(… AS {to})` to get NULL instead"
    ))
}
