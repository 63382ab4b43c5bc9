//! The two sides of an operator: as what they meet, and what is said of those that do not. Must not calculate.
//!
//! Sources: Spark's `AnsiTypeCoercion`, `BinaryArithmeticWithDatetimeResolver`; each pair of types was asked of PySpark
//! (`tests/oracle/functions/sides.in`).

use arrow::datatypes::{DataType, TimeUnit};
use sluice_model::condition::query as condition;
use sluice_model::{Condition, Diagnostic, Origin};

use crate::Session;
use crate::bind::Typed;
use crate::error::{Result, at};
use crate::rewrite::arithmetic::Arithmetic;
use crate::rewrite::length::is_length;
use crate::rewrite::shift::is_datetime;
use crate::rewrite::unify::{self, is_integral, is_numeric, words};
use crate::rewrite::{cast, decimal, time};

/// NULL without a type and texts beside dates, timestamps and intervals, as what the operator asks for; anything else as it is.
pub(crate) fn in_time(
    session: &Session,
    op: Arithmetic,
    left: Typed,
    right: Typed,
    origin: &Origin,
) -> Result<(Typed, Typed)> {
    let target = |own: &DataType, other: &DataType| match (own, op) {
        (DataType::Null, Arithmetic::Add | Arithmetic::Subtract | Arithmetic::IntegerDivide)
            if is_length(other) =>
        {
            Some(other.clone())
        }
        (DataType::Null, Arithmetic::Add) if is_datetime(other) => {
            Some(DataType::Duration(TimeUnit::Microsecond))
        }
        (DataType::Null | DataType::Utf8, Arithmetic::Subtract) if *other == DataType::Date32 => {
            Some(DataType::Date32)
        }
        (DataType::Null | DataType::Utf8, Arithmetic::Subtract) if is_datetime(other) => {
            Some(time::timestamp_type())
        }
        _ => None,
    };
    let (l, r) = (
        target(&left.data_type, &right.data_type),
        target(&right.data_type, &left.data_type),
    );
    let cast = |value: Typed, wanted: Option<DataType>| match wanted {
        Some(wanted) => cast::implicit(session, value, &wanted, origin),
        None => Ok(value),
    };
    Ok((cast(left, l)?, cast(right, r)?))
}

/// Both sides as numbers: strings become what the other side asks for, decimals meet integers as decimals and floats
/// as doubles.
pub(crate) fn numbers(
    session: &Session,
    op: Arithmetic,
    left: Typed,
    right: Typed,
    origin: &Origin,
) -> Result<(Typed, Typed)> {
    let pair = (&left.data_type, &right.data_type);
    let accepted = |t: &DataType| is_numeric(t) || matches!(t, DataType::Utf8 | DataType::Null);
    // A text beside nothing that says which number it is.
    let texts = matches!(
        pair,
        (DataType::Utf8, DataType::Utf8 | DataType::Null) | (DataType::Null, DataType::Utf8)
    );
    // A text beside a decimal is a double.
    let becomes_float = |own: &DataType, other: &DataType| {
        own.is_floating() || matches!((own, other), (DataType::Utf8, DataType::Decimal128(..)))
    };
    let floats = becomes_float(pair.0, pair.1) || becomes_float(pair.1, pair.0);
    let whole = op == Arithmetic::IntegerDivide && floats;
    if texts || whole || !accepted(pair.0) || !accepted(pair.1) {
        return Err(refused(op, pair.0, pair.1, origin));
    }
    let divides = op == Arithmetic::Divide;
    let from_text = |other: &DataType| {
        if is_integral(other) && !divides {
            DataType::Int64
        } else {
            DataType::Float64
        }
    };
    let target = |own: &DataType, other: &DataType, is_left: bool| match (own, other) {
        (DataType::Utf8, other) => from_text(other),
        (DataType::Null, _) if is_left && divides => DataType::Float64,
        (DataType::Null, DataType::Null) => DataType::Float64,
        (DataType::Null, other) => other.clone(),
        (own, _) => own.clone(),
    };
    let (l, r) = (target(pair.0, pair.1, true), target(pair.1, pair.0, false));
    let left = cast::implicit(session, left, &l, origin)?;
    let right = cast::implicit(session, right, &r, origin)?;
    beside_decimals(session, left, right, origin)
}

fn beside_decimals(
    session: &Session,
    mut left: Typed,
    mut right: Typed,
    origin: &Origin,
) -> Result<(Typed, Typed)> {
    match (&left.data_type, &right.data_type) {
        (DataType::Decimal128(..), DataType::Float32 | DataType::Float64) => {
            left = cast::implicit(session, left, &DataType::Float64, origin)?;
        }
        (DataType::Float32 | DataType::Float64, DataType::Decimal128(..)) => {
            right = cast::implicit(session, right, &DataType::Float64, origin)?;
        }
        (DataType::Decimal128(..), other) if is_integral(other) => {
            let wanted = decimal::of_integer(&right);
            right = cast::implicit(session, right, &wanted, origin)?;
        }
        (other, DataType::Decimal128(..)) if is_integral(other) => {
            let wanted = decimal::of_integer(&left);
            left = cast::implicit(session, left, &wanted, origin)?;
        }
        _ => {}
    }
    Ok((left, right))
}

/// Both sides of `& | ^` as integers of one type.
pub(crate) fn integers(
    session: &Session,
    symbol: &str,
    left: Typed,
    right: Typed,
    origin: &Origin,
) -> Result<(Typed, Typed, DataType)> {
    let (l, r) = (&left.data_type, &right.data_type);
    let common = match (l, r) {
        (DataType::Null, DataType::Null) => Some(DataType::Int32),
        _ => unify::common_type(l, r).filter(is_integral),
    };
    let Some(common) = common else {
        let message = format!(
            "`{symbol}` takes integers, these are {} and {}",
            words(l),
            words(r)
        );
        return Err(at(mismatch(l, r), origin, message));
    };
    let left = cast::implicit(session, left, &common, origin)?;
    let right = cast::implicit(session, right, &common, origin)?;
    Ok((left, right, common))
}

/// Two sides that an operator does not take.
pub(crate) fn refused(
    op: Arithmetic,
    left: &DataType,
    right: &DataType,
    origin: &Origin,
) -> Box<Diagnostic> {
    let any = |is: &dyn Fn(&DataType) -> bool| is(left) || is(right);
    let is_day_time = |t: &DataType| matches!(t, DataType::Duration(_));
    // What Spark has made a function of times of by then.
    let unexpected = match op {
        Arithmetic::Add => any(&|t| *t == DataType::Date32 || is_day_time(t)),
        Arithmetic::Subtract => any(&is_datetime) || is_day_time(right),
        Arithmetic::Multiply => any(&is_length),
        Arithmetic::Divide => is_length(left),
        Arithmetic::Remainder | Arithmetic::IntegerDivide => false,
    };
    let condition = if unexpected {
        &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE
    } else {
        mismatch(left, right)
    };
    let message = format!(
        "`{}` does not take {} and {}",
        op.symbol(),
        words(left),
        words(right)
    );
    at(condition, origin, message)
}

/// How Spark names a pair that does not do: two types that do not meet, or one (that both become) which is wrong.
fn mismatch(left: &DataType, right: &DataType) -> &'static Condition {
    let becomes_any = |own: &DataType, other: &DataType| {
        *own == DataType::Utf8 && !other.is_nested() && !is_length(other) && !is_integral(other)
    };
    let inexact = |t: &DataType| t.is_floating() || matches!(t, DataType::Decimal128(..));
    let one = left == right
        || becomes_any(left, right)
        || becomes_any(right, left)
        || inexact(left) && inexact(right);
    if one {
        &condition::DATATYPE_MISMATCH_BINARY_OP_WRONG_TYPE
    } else {
        &condition::DATATYPE_MISMATCH_BINARY_OP_DIFF_TYPES
    }
}

/// Both sides of `pmod`, as those of `%`: decimals each with its own type, anything else with one.
pub(crate) fn of_remainder(
    session: &Session,
    left: Typed,
    right: Typed,
    origin: &Origin,
) -> Result<[Typed; 2]> {
    let (left, right) = numbers(session, Arithmetic::Remainder, left, right, origin)?;
    if matches!(left.data_type, DataType::Decimal128(..)) {
        return Ok([left, right]);
    }
    let common = unify::common_type(&left.data_type, &right.data_type).unwrap_or(DataType::Float64);
    Ok([
        cast::implicit(session, left, &common, origin)?,
        cast::implicit(session, right, &common, origin)?,
    ])
}

/// A number as the decimal that it is rounded as (Spark's `DecimalType.forType`); what is no number as it is.
pub(crate) fn decimal(session: &Session, value: Typed, origin: &Origin) -> Result<Typed> {
    let wanted = match &value.data_type {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Float32 => (14, 7),
        DataType::Float64 => (30, 15),
        DataType::Utf8 | DataType::Null => (38, 18),
        _ => return Ok(value),
    };
    cast::implicit(
        session,
        value,
        &DataType::Decimal128(wanted.0, wanted.1),
        origin,
    )
}
