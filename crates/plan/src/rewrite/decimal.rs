//! Decimals: precision and scale of results by Spark's rules (at most 38 digits, digits behind the point given up
//! first, but not below 6), rounding half up, and overflow as an error.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, i256};
use datafusion::common::ScalarValue;
use sluice_model::Diagnostic;
use sluice_model::condition::query as condition;

use crate::bind::Typed;
use crate::error;
use crate::rewrite::arithmetic::Arithmetic;

/// The decimal type that an integer takes beside a decimal: for constants the digits that are there.
pub(crate) fn of_integer(value: &Typed) -> DataType {
    let digits = match value.written() {
        Some(ScalarValue::Int8(Some(n))) => digits(i64::from(*n)),
        Some(ScalarValue::Int16(Some(n))) => digits(i64::from(*n)),
        Some(ScalarValue::Int32(Some(n))) => digits(i64::from(*n)),
        Some(ScalarValue::Int64(Some(n))) => digits(*n),
        _ => match value.data_type {
            DataType::Int8 => 3,
            DataType::Int16 => 5,
            DataType::Int32 => 10,
            _ => 20,
        },
    };
    DataType::Decimal128(digits, 0)
}

fn digits(n: i64) -> u8 {
    n.unsigned_abs()
        .checked_ilog10()
        .map_or(1, |log| u8::try_from(log + 1).unwrap_or(20))
}

/// The type of `left op right`.
pub(crate) fn result_type(op: Arithmetic, left: &DataType, right: &DataType) -> DataType {
    let (DataType::Decimal128(p1, s1), DataType::Decimal128(p2, s2)) = (left, right) else {
        return DataType::Float64;
    };
    let (p1, s1, p2, s2) = (
        i16::from(*p1),
        i16::from(*s1),
        i16::from(*p2),
        i16::from(*s2),
    );
    let (precision, scale) = match op {
        Arithmetic::Add | Arithmetic::Subtract => {
            let scale = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
        Arithmetic::Multiply => (p1 + p2 + 1, s1 + s2),
        Arithmetic::Divide => {
            let scale = 6.max(s1 + p2 + 1);
            (p1 - s1 + s2 + scale, scale)
        }
        Arithmetic::Remainder => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
        Arithmetic::IntegerDivide => return DataType::Int64,
    };
    bounded(precision, scale)
}

fn bounded(precision: i16, scale: i16) -> DataType {
    crate::function::signature::bounded_decimal(precision, scale).to_arrow()
}

/// Computes row by row, exactly, then rounds half up to the scale of the result.
pub(crate) fn calculate(
    op: Arithmetic,
    left: &dyn Datum,
    right: &dyn Datum,
    returns: &DataType,
    attempt: bool,
) -> Result<ArrayRef, Diagnostic> {
    let ((l, left_scalar), (r, right_scalar)) = (left.get(), right.get());
    let (DataType::Decimal128(_, s1), DataType::Decimal128(_, s2)) = (l.data_type(), r.data_type())
    else {
        return Err(Diagnostic::error(
            &condition::QUERY_EXECUTION_FAILED,
            "a decimal operation without decimals",
        ));
    };
    let (s1, s2) = (*s1, *s2);
    let (l, r) = (
        l.as_primitive::<Decimal128Type>(),
        r.as_primitive::<Decimal128Type>(),
    );
    let rows = if left_scalar { r.len() } else { l.len() };
    let (precision, scale) = match returns {
        DataType::Decimal128(precision, scale) => (*precision, *scale),
        _ => (38, 0),
    };
    let mut out: Vec<Option<i128>> = Vec::with_capacity(rows);
    for row in 0..rows {
        let (i, j) = (
            if left_scalar { 0 } else { row },
            if right_scalar { 0 } else { row },
        );
        if l.is_null(i) || r.is_null(j) {
            out.push(None);
            continue;
        }
        let (a, b) = (l.value(i), r.value(j));
        let divides = !matches!(
            op,
            Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply
        );
        if divides && b == 0 {
            if !attempt {
                let remainder = op == Arithmetic::Remainder;
                return Err(if remainder {
                    error::remainder_by_zero(None)
                } else {
                    error::divide_by_zero(None)
                });
            }
            out.push(None);
            continue;
        }
        match exact(op, (a, s1), (b, s2), scale).filter(|value| fits(*value, precision)) {
            Some(value) => out.push(Some(value)),
            None if attempt => out.push(None),
            None => return Err(out_of_range(op, precision, scale)),
        }
    }
    finish(out, returns)
}

fn finish(out: Vec<Option<i128>>, returns: &DataType) -> Result<ArrayRef, Diagnostic> {
    match returns {
        DataType::Decimal128(precision, scale) => {
            let array = Decimal128Array::from(out).with_precision_and_scale(*precision, *scale);
            array.map(|array| Arc::new(array) as ArrayRef).map_err(|e| {
                Diagnostic::error(
                    &condition::NUMERIC_VALUE_OUT_OF_RANGE,
                    "a decimal does not fit its type",
                )
                .fact(e.to_string())
            })
        }
        _ => {
            let mut values = Vec::with_capacity(out.len());
            for value in out {
                values.push(match value.map(i64::try_from) {
                    None => None,
                    Some(Ok(value)) => Some(value),
                    Some(Err(_)) => return Err(error::overflow(None)),
                });
            }
            Ok(Arc::new(Int64Array::from(values)))
        }
    }
}

fn out_of_range(_op: Arithmetic, precision: u8, scale: i8) -> Diagnostic {
    Diagnostic::error(
        &condition::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("a result does not fit DECIMAL({precision},{scale})"),
    )
    .help("cast to a decimal with fewer digits behind the point, or to DOUBLE")
}

fn fits(value: i128, precision: u8) -> bool {
    10_i128
        .checked_pow(u32::from(precision))
        .is_none_or(|limit| value.unsigned_abs() < limit.unsigned_abs())
}

/// The result as an integer of the result's scale; `None` beyond what can be computed.
fn exact(op: Arithmetic, (a, s1): (i128, i8), (b, s2): (i128, i8), scale: i8) -> Option<i128> {
    let (a, b) = (i256::from_i128(a), i256::from_i128(b));
    let common = s1.max(s2);
    let (value, found) = match op {
        Arithmetic::Multiply => (a.checked_mul(b)?, s1 + s2),
        Arithmetic::Divide => {
            let up = i16::from(scale) + i16::from(s2) - i16::from(s1);
            let (a, b) = if up >= 0 {
                (a.checked_mul(power(up)?)?, b)
            } else {
                (a, b.checked_mul(power(-up)?)?)
            };
            return divide(a, b)?.to_i128();
        }
        _ => {
            let a = a.checked_mul(power(i16::from(common - s1))?)?;
            let b = b.checked_mul(power(i16::from(common - s2))?)?;
            match op {
                Arithmetic::Add => (a.checked_add(b)?, common),
                Arithmetic::Subtract => (a.checked_sub(b)?, common),
                Arithmetic::Remainder => (a.checked_rem(b)?, common),
                _ => return a.checked_div(b)?.to_i128(),
            }
        }
    };
    let down = i16::from(found) - i16::from(scale);
    if down <= 0 {
        return value.checked_mul(power(-down)?)?.to_i128();
    }
    divide(value, power(down)?)?.to_i128()
}

fn power(exponent: i16) -> Option<i256> {
    i256::from_i128(10).checked_pow(u32::try_from(exponent).ok()?)
}

/// Division rounded half away from zero.
fn divide(a: i256, b: i256) -> Option<i256> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    let twice = rest.checked_abs()?.checked_mul(i256::from_i128(2))?;
    if twice < b.checked_abs()? {
        return Some(quotient);
    }
    let away = if a.is_negative() == b.is_negative() {
        i256::ONE
    } else {
        i256::MINUS_ONE
    };
    quotient.checked_add(away)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_types_are_sparks() {
        let check = |op, left: (u8, i8), right: (u8, i8), expected: (u8, i8)| {
            let d = |(p, s)| DataType::Decimal128(p, s);
            assert_eq!(
                result_type(op, &d(left), &d(right)),
                d(expected),
                "{op:?} {left:?} {right:?}"
            );
        };
        check(Arithmetic::Add, (10, 2), (5, 3), (12, 3));
        check(Arithmetic::Multiply, (10, 2), (5, 3), (16, 5));
        check(Arithmetic::Divide, (10, 2), (5, 3), (19, 8));
        check(Arithmetic::Divide, (38, 2), (38, 2), (38, 6));
        check(Arithmetic::Remainder, (10, 2), (5, 3), (5, 3));
        check(Arithmetic::Multiply, (38, 10), (38, 10), (38, 6));
    }

    #[test]
    fn results_round_half_up() {
        assert_eq!(exact(Arithmetic::Divide, (1, 0), (3, 0), 6), Some(333_333));
        assert_eq!(
            exact(Arithmetic::Divide, (-2, 0), (3, 0), 6),
            Some(-666_667)
        );
        assert_eq!(exact(Arithmetic::Divide, (1, 0), (8, 0), 2), Some(13));
        assert_eq!(exact(Arithmetic::Add, (15, 1), (25, 2), 2), Some(175));
        assert_eq!(
            exact(Arithmetic::IntegerDivide, (75, 1), (2, 0), 0),
            Some(3)
        );
    }
}
