//! One value of one scalar type into a column of another. Must not know arrays of arrays: `nested` does.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, BinaryArray, BooleanArray, PrimitiveArray, StringArray};
use arrow_schema::DataType;

use super::print::push_text;
use super::text::{self, Misfit, power_of_ten};
use crate::column::Column;
use crate::datetime::{DAY, SECOND, Zone, parse_date, parse_timestamp, parse_timestamp_ntz};

/// An array by its type, looked at once.
pub(super) enum Source<'a> {
    Boolean(&'a BooleanArray),
    Byte(&'a PrimitiveArray<Int8Type>),
    Short(&'a PrimitiveArray<Int16Type>),
    Int(&'a PrimitiveArray<Int32Type>),
    Long(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float32Type>),
    Double(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, i8),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    Date(&'a PrimitiveArray<Date32Type>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>, bool),
    Nested(&'a dyn Array),
}

impl<'a> Source<'a> {
    pub(super) fn new(array: &'a dyn Array) -> Self {
        match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean()),
            DataType::Int8 => Self::Byte(array.as_primitive()),
            DataType::Int16 => Self::Short(array.as_primitive()),
            DataType::Int32 => Self::Int(array.as_primitive()),
            DataType::Int64 => Self::Long(array.as_primitive()),
            DataType::Float32 => Self::Float(array.as_primitive()),
            DataType::Float64 => Self::Double(array.as_primitive()),
            DataType::Decimal128(_, scale) => Self::Decimal(array.as_primitive(), *scale),
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Binary => Self::Binary(array.as_binary()),
            DataType::Date32 => Self::Date(array.as_primitive()),
            DataType::Timestamp(_, zone) => Self::Timestamp(array.as_primitive(), zone.is_some()),
            _ => Self::Nested(array),
        }
    }

    fn get(&self, row: usize) -> Scalar<'a> {
        match self {
            Self::Boolean(array) => Scalar::Integer(i64::from(array.value(row))),
            Self::Byte(array) => Scalar::Integer(i64::from(array.value(row))),
            Self::Short(array) => Scalar::Integer(i64::from(array.value(row))),
            Self::Int(array) => Scalar::Integer(i64::from(array.value(row))),
            Self::Long(array) => Scalar::Integer(array.value(row)),
            Self::Float(array) => Scalar::Float(array.value(row)),
            Self::Double(array) => Scalar::Double(array.value(row)),
            Self::Decimal(array, scale) => Scalar::Decimal(array.value(row), *scale),
            Self::Text(array) => Scalar::Text(array.value(row)),
            Self::Date(array) => Scalar::Date(array.value(row)),
            Self::Timestamp(array, true) => Scalar::Timestamp(array.value(row)),
            Self::Timestamp(array, false) => Scalar::Local(array.value(row)),
            Self::Binary(_) | Self::Nested(_) => Scalar::Other,
        }
    }

    fn array(&self) -> &'a dyn Array {
        match self {
            Self::Boolean(array) => *array,
            Self::Byte(array) => *array,
            Self::Short(array) => *array,
            Self::Int(array) => *array,
            Self::Long(array) => *array,
            Self::Float(array) => *array,
            Self::Double(array) => *array,
            Self::Decimal(array, _) => *array,
            Self::Text(array) => *array,
            Self::Binary(array) => *array,
            Self::Date(array) => *array,
            Self::Timestamp(array, _) => *array,
            Self::Nested(array) => *array,
        }
    }
}

/// One value; booleans are 0 and 1.
#[derive(Clone, Copy)]
enum Scalar<'a> {
    Integer(i64),
    Float(f32),
    Double(f64),
    Decimal(i128, i8),
    Text(&'a str),
    Date(i32),
    Timestamp(i64),
    Local(i64),
    Other,
}

/// Appends one value that is not NULL.
pub(super) fn push(
    column: &mut Column,
    source: &Source<'_>,
    row: usize,
    zone: &Zone,
) -> Result<(), Misfit> {
    let value = source.get(row);
    match column {
        Column::Text(bytes) => {
            let mut out = String::new();
            push_text(&mut out, source.array(), row, zone);
            bytes.push(out.as_bytes());
        }
        Column::Binary(bytes) => match value {
            Scalar::Text(text) => bytes.push(text.as_bytes()),
            _ => return Err(Misfit::Invalid),
        },
        Column::Boolean(values, nulls) => {
            values.append(boolean(value)?);
            nulls.append_non_null();
        }
        Column::Byte(values) => values.push(integer(value)?),
        Column::Short(values) => values.push(integer(value)?),
        Column::Int(values) => values.push(integer(value)?),
        Column::Long(values) => values.push(integer(value)?),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a FLOAT keeps what fits, as Java does"
        )]
        Column::Float(values) => values.push(match value {
            Scalar::Text(text) => float(text)?,
            other => double(other)? as f32,
        }),
        Column::Double(values) => values.push(double(value)?),
        Column::Decimal(values, precision, scale) => match decimal(value, *precision, *scale)? {
            Some(unscaled) => values.push(unscaled),
            None => column.push_null(),
        },
        Column::Date(values) => values.push(date(value, zone)?),
        Column::Timestamp(values, true) => values.push(timestamp(value, zone)?),
        Column::Timestamp(values, false) => values.push(local(value, zone)?),
        _ => return Err(Misfit::Invalid),
    }
    Ok(())
}

fn boolean(value: Scalar<'_>) -> Result<bool, Misfit> {
    match value {
        Scalar::Text(text) => text::boolean(text).ok_or(Misfit::Invalid),
        Scalar::Integer(number) => Ok(number != 0),
        Scalar::Float(number) => Ok(number != 0.0),
        Scalar::Double(number) => Ok(number != 0.0),
        Scalar::Decimal(number, _) => Ok(number != 0),
        _ => Err(Misfit::Invalid),
    }
}

fn integer<T: TryFrom<i64>>(value: Scalar<'_>) -> Result<T, Misfit> {
    let wide = match value {
        Scalar::Text(text) => return text::integer(text),
        Scalar::Integer(number) => number,
        Scalar::Float(number) => whole(f64::from(number))?,
        Scalar::Double(number) => whole(number)?,
        Scalar::Decimal(number, scale) => {
            let divisor = power_of_ten(u8::try_from(scale).unwrap_or(0));
            i64::try_from(number / divisor).map_err(|_| Misfit::Overflow)?
        }
        Scalar::Timestamp(micros) => micros.div_euclid(SECOND),
        _ => return Err(Misfit::Invalid),
    };
    T::try_from(wide).map_err(|_| Misfit::Overflow)
}

/// Cuts the fraction; beyond 64 bits, or not a number, is an overflow.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the range was checked"
)]
fn whole(number: f64) -> Result<i64, Misfit> {
    let fits = number.floor() <= i64::MAX as f64 && number.ceil() >= i64::MIN as f64;
    if fits {
        Ok(number as i64)
    } else {
        Err(Misfit::Overflow)
    }
}

fn float(text: &str) -> Result<f32, Misfit> {
    // Parsing as f32 at once avoids rounding twice; only words and suffixes take the long way.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "only words and suffixed numbers get here"
    )]
    let rounded = text::double(text).ok_or(Misfit::Invalid)? as f32;
    Ok(text.trim().parse().unwrap_or(rounded))
}

#[allow(clippy::cast_precision_loss, reason = "Java rounds the same way")]
fn double(value: Scalar<'_>) -> Result<f64, Misfit> {
    match value {
        Scalar::Text(text) => text::double(text).ok_or(Misfit::Invalid),
        Scalar::Integer(number) => Ok(number as f64),
        Scalar::Float(number) => Ok(f64::from(number)),
        Scalar::Double(number) => Ok(number),
        Scalar::Decimal(number, scale) => {
            let mut out = String::new();
            text::push_decimal(&mut out, number, scale);
            out.parse().map_err(|_| Misfit::Invalid)
        }
        Scalar::Timestamp(micros) => Ok(micros as f64 / SECOND as f64),
        _ => Err(Misfit::Invalid),
    }
}

/// `None` for NaN and infinities: Spark makes them NULL even under ANSI.
fn decimal(value: Scalar<'_>, precision: u8, scale: i8) -> Result<Option<i128>, Misfit> {
    let unscaled = match value {
        Scalar::Text(text) => text::decimal(text, precision, scale)?,
        Scalar::Integer(number) => rescale(i128::from(number), 0, precision, scale)?,
        Scalar::Decimal(number, from) => rescale(number, from, precision, scale)?,
        Scalar::Float(_) | Scalar::Double(_) | Scalar::Timestamp(_) => {
            let number = double(value)?;
            if !number.is_finite() {
                return Ok(None);
            }
            text::decimal(&format!("{number:e}"), precision, scale)?
        }
        _ => return Err(Misfit::Invalid),
    };
    Ok(Some(unscaled))
}

/// Brings an unscaled value to another scale, rounding half up.
fn rescale(value: i128, from: i8, precision: u8, to: i8) -> Result<i128, Misfit> {
    let rescaled = if to >= from {
        let factor = power_of_ten(u8::try_from(to - from).unwrap_or(0));
        value.checked_mul(factor).ok_or(Misfit::Overflow)?
    } else {
        let divisor = power_of_ten(u8::try_from(from - to).unwrap_or(0));
        let (quotient, rest) = (value / divisor, value % divisor);
        quotient
            + if rest.abs() >= divisor / 2 {
                value.signum()
            } else {
                0
            }
    };
    if rescaled.abs() >= power_of_ten(precision) {
        Err(Misfit::Overflow)
    } else {
        Ok(rescaled)
    }
}

fn date(value: Scalar<'_>, zone: &Zone) -> Result<i32, Misfit> {
    let days = |local: i64| i32::try_from(local.div_euclid(DAY)).map_err(|_| Misfit::Overflow);
    match value {
        Scalar::Text(text) => parse_date(text).ok_or(Misfit::Invalid),
        Scalar::Date(days) => Ok(days),
        Scalar::Timestamp(micros) => days(zone.to_local(micros)),
        Scalar::Local(micros) => days(micros),
        _ => Err(Misfit::Invalid),
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Spark multiplies as doubles, too"
)]
fn timestamp(value: Scalar<'_>, zone: &Zone) -> Result<i64, Misfit> {
    match value {
        Scalar::Text(text) => parse_timestamp(text, zone).ok_or(Misfit::Invalid),
        Scalar::Timestamp(micros) => Ok(micros),
        Scalar::Local(micros) => zone.to_utc(micros).ok_or(Misfit::Overflow),
        Scalar::Date(days) => i64::from(days)
            .checked_mul(DAY)
            .and_then(|local| zone.to_utc(local))
            .ok_or(Misfit::Overflow),
        Scalar::Integer(seconds) => Ok(seconds.saturating_mul(SECOND)),
        Scalar::Float(_) | Scalar::Double(_) => {
            let seconds = double(value)?;
            if seconds.is_finite() {
                whole(seconds * SECOND as f64)
            } else {
                Err(Misfit::Invalid)
            }
        }
        Scalar::Decimal(number, scale) => Ok(decimal_seconds(number, scale)),
        Scalar::Other => Err(Misfit::Invalid),
    }
}

/// Seconds with a fraction to microseconds; beyond 64 bits the high bits are lost, as in Java's `longValue`.
#[allow(
    clippy::cast_possible_truncation,
    reason = "Spark cuts the high bits, too"
)]
fn decimal_seconds(number: i128, scale: i8) -> i64 {
    let scale = u8::try_from(scale).unwrap_or(0);
    let (whole, fraction) = (number / power_of_ten(scale), number % power_of_ten(scale));
    let micros = if scale > 6 {
        fraction / power_of_ten(scale - 6)
    } else {
        fraction * power_of_ten(6 - scale)
    };
    (whole as i64)
        .wrapping_mul(SECOND)
        .wrapping_add(micros as i64)
}

fn local(value: Scalar<'_>, zone: &Zone) -> Result<i64, Misfit> {
    match value {
        Scalar::Text(text) => parse_timestamp_ntz(text, true).ok_or(Misfit::Invalid),
        Scalar::Local(micros) => Ok(micros),
        Scalar::Timestamp(micros) => Ok(zone.to_local(micros)),
        Scalar::Date(days) => i64::from(days).checked_mul(DAY).ok_or(Misfit::Overflow),
        _ => Err(Misfit::Invalid),
    }
}
