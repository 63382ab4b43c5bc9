//! The type in which values of two types meet. Must not know parameters.

use sluice_model::{SparkField, SparkType};

use super::is_integral;

/// The type in which values of two types meet (`coalesce`, `CASE`, arrays, `UNION`), or `None`.
///
/// ANSI rules of Spark 4: numbers widen, an integer beside FLOAT gives DOUBLE, a string beside anything atomic is cast
/// to the other side (integers as BIGINT, floats as DOUBLE), DATE beside TIMESTAMP gives TIMESTAMP.
#[must_use]
pub fn common_type(left: &SparkType, right: &SparkType) -> Option<SparkType> {
    met(left, right, common_atom)
}

/// The type that holds the values of two as they are, or `None`: an integer beside FLOAT is a FLOAT, a decimal meets integers
/// that fit it and no other number, a text meets texts alone. For functions of arrays, keys of maps, and nested values that
/// are compared (Spark's `findTightestCommonType`).
#[must_use]
pub fn tightest_type(left: &SparkType, right: &SparkType) -> Option<SparkType> {
    met(left, right, tightest_atom)
}

type Meet = fn(&SparkType, &SparkType) -> Option<SparkType>;

fn met(left: &SparkType, right: &SparkType, atoms: Meet) -> Option<SparkType> {
    use SparkType::{Array, Map, Null, Struct};
    if left == right {
        return Some(left.clone());
    }
    Some(match (left, right) {
        (Null, other) | (other, Null) => other.clone(),
        (Array(a), Array(b)) => Array(Box::new(met(a, b, atoms)?)),
        (Map(k1, v1), Map(k2, v2)) => {
            Map(Box::new(met(k1, k2, atoms)?), Box::new(met(v1, v2, atoms)?))
        }
        (Struct(a), Struct(b)) if same_names(a, b) => Struct(
            a.iter()
                .zip(b)
                .map(|(x, y)| {
                    let mut field = x.clone();
                    field.data_type = met(&x.data_type, &y.data_type, atoms)?;
                    field.nullable |= y.nullable;
                    Some(field)
                })
                .collect::<Option<_>>()?,
        ),
        _ => return atoms(left, right),
    })
}

fn tightest_atom(left: &SparkType, right: &SparkType) -> Option<SparkType> {
    use SparkType::{Decimal, Float, String};
    match (left, right) {
        (Float, other) | (other, Float) if is_integral(other) => Some(Float),
        (decimal @ Decimal(p, s), other) | (other, decimal @ Decimal(p, s))
            if is_integral(other) =>
        {
            let whole = i16::from(*p) - i16::from(*s);
            let (digits, _) = integral_decimal(other)?;
            (whole >= i16::from(digits)).then(|| decimal.clone())
        }
        (Decimal(..) | String, _) | (_, Decimal(..) | String) => None,
        _ => common_atom(left, right),
    }
}

fn common_atom(left: &SparkType, right: &SparkType) -> Option<SparkType> {
    use SparkType::{
        Binary, Boolean, Date, Decimal, Double, Float, Long, String, Timestamp, TimestampNtz,
    };
    Some(match (left, right) {
        (Decimal(p1, s1), Decimal(p2, s2)) => wider_decimal((*p1, *s1), (*p2, *s2)),
        (Decimal(p, s), other) | (other, Decimal(p, s)) if is_integral(other) => {
            wider_decimal((*p, *s), integral_decimal(other)?)
        }
        (Decimal(..), Float | Double)
        | (Float | Double, Decimal(..))
        | (Float, Double)
        | (Double, Float) => Double,
        (Float | Double, other) | (other, Float | Double) if is_integral(other) => Double,
        (a, b) if is_integral(a) && is_integral(b) => {
            if width(a) >= width(b) {
                a.clone()
            } else {
                b.clone()
            }
        }
        (String, other) | (other, String) => match other {
            other if is_integral(other) => Long,
            Float | Double | Decimal(..) => Double,
            Boolean | Date | Timestamp | TimestampNtz | Binary => other.clone(),
            _ => return None,
        },
        (Date | TimestampNtz, Timestamp) | (Timestamp, Date | TimestampNtz) => Timestamp,
        (Date, TimestampNtz) | (TimestampNtz, Date) => TimestampNtz,
        _ => return None,
    })
}

/// Fields meet by place, and only under the same names.
fn same_names(left: &[SparkField], right: &[SparkField]) -> bool {
    let same = |(a, b): (&SparkField, &SparkField)| a.name.to_lowercase() == b.name.to_lowercase();
    left.len() == right.len() && left.iter().zip(right).all(same)
}

fn width(spark: &SparkType) -> u8 {
    match spark {
        SparkType::Byte => 1,
        SparkType::Short => 2,
        SparkType::Int => 4,
        _ => 8,
    }
}

fn integral_decimal(spark: &SparkType) -> Option<(u8, i8)> {
    Some(match spark {
        SparkType::Byte => (3, 0),
        SparkType::Short => (5, 0),
        SparkType::Int => (10, 0),
        SparkType::Long => (20, 0),
        _ => return None,
    })
}

/// The decimal type that holds the values of a type.
pub(super) fn as_decimal(spark: &SparkType) -> Option<SparkType> {
    Some(match spark {
        decimal @ SparkType::Decimal(..) => decimal.clone(),
        SparkType::Float => SparkType::Decimal(14, 7),
        SparkType::Double => SparkType::Decimal(30, 15),
        SparkType::String | SparkType::Null => SparkType::Decimal(38, 18),
        integer => {
            let (precision, scale) = integral_decimal(integer)?;
            SparkType::Decimal(precision, scale)
        }
    })
}

/// The decimal in which two meet. Where it would have more than 38 digits, digits behind the point are given up, all of them if
/// need be: Spark's `DecimalType.boundedPreferIntegralDigits`.
fn wider_decimal(left: (u8, i8), right: (u8, i8)) -> SparkType {
    let scale = left.1.max(right.1);
    let whole =
        (i16::from(left.0) - i16::from(left.1)).max(i16::from(right.0) - i16::from(right.1));
    let digits = (whole + i16::from(scale)).clamp(1, 38);
    SparkType::Decimal(
        u8::try_from(digits).unwrap_or(38),
        scale.min(i8::try_from(38 - whole).unwrap_or(0)),
    )
}

/// The decimal of a sum, product or quotient, of at most 38 digits: digits behind the point are given up first, but not below 6.
pub(crate) fn bounded_decimal(precision: i16, scale: i16) -> SparkType {
    let (precision, scale) = if precision <= 38 {
        (precision, scale)
    } else {
        (38, (38 - (precision - scale)).max(scale.min(6)))
    };
    SparkType::Decimal(
        u8::try_from(precision.max(1)).unwrap_or(38),
        i8::try_from(scale).unwrap_or(0),
    )
}
