//! Numbers: rounding, powers, logarithms, trigonometry, bits. Operators live in `rewrite`.
//!
//! Spark asks Java's StrictMath, which is fdlibm; the crate `libm` descends from it and gives the same last digits.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::internal_err;
use datafusion::error::Result;
use sluice_model::SparkType;
use sluice_model::condition::query as condition;

use super::call::{Call, Dec, Double, Int, Long, Output, decimal_rows};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T, Types};
use super::signature::{Param as P, bounded_decimal, common_type};

macro_rules! doubles {
    ($($name:literal $(, also $alias:literal)*: $body:expr, $doc:literal, $example:literal;)*) => {
        &[$(
            Function::new($name, &[P::Double], Returns::Type(T::Double), |c| {
                let body: fn(f64) -> Option<f64> = $body;
                c.map1::<Double, Double>(|x| Ok(body(x)))
            })
            .also(&[$($alias),*])
            .doc($doc, $example)
        ),*]
    };
}

/// Functions of one DOUBLE.
pub(super) static DOUBLES: &[Function] = doubles! {
    "sqrt": |x| Some(x.sqrt()), "Gives the square root; NaN for a negative number.", "sqrt(4)";
    "cbrt": |x| Some(libm::cbrt(x)), "Gives the cube root.", "cbrt(27.0)";
    "exp": |x| Some(libm::exp(x)), "Gives e to the power of a number.", "exp(0)";
    "expm1": |x| Some(libm::expm1(x)), "Gives e to the power of a number, less 1.", "expm1(0)";
    "ln": |x| (x > 0.0 || x.is_nan()).then(|| libm::log(x)), "Gives the natural logarithm; NULL for 0 and below.", "ln(1)";
    "log10": |x| (x > 0.0 || x.is_nan()).then(|| x.log10()), "Gives the logarithm to base 10; NULL for 0 and below.", "log10(10)";
    "log2": |x| (x > 0.0 || x.is_nan()).then(|| libm::log(x) / libm::log(2.0)), "Gives the logarithm to base 2; NULL for 0 and below.", "log2(2)";
    "log1p": |x| (x > -1.0 || x.is_nan()).then(|| libm::log1p(x)), "Gives the natural logarithm of 1 more; NULL for -1 and below.", "log1p(0)";
    "sin": |x| Some(x.sin()), "Gives the sine.", "sin(0)";
    "cos": |x| Some(x.cos()), "Gives the cosine.", "cos(0)";
    "tan": |x| Some(x.tan()), "Gives the tangent.", "tan(0)";
    "cot": |x| Some(1.0 / x.tan()), "Gives the cotangent.", "cot(1)";
    "sec": |x| Some(1.0 / x.cos()), "Gives the secant.", "sec(0)";
    "csc": |x| Some(1.0 / x.sin()), "Gives the cosecant.", "csc(1)";
    "asin": |x| Some(x.asin()), "Gives the inverse sine.", "asin(0)";
    "acos": |x| Some(x.acos()), "Gives the inverse cosine.", "acos(1)";
    "atan": |x| Some(libm::atan(x)), "Gives the inverse tangent.", "atan(0)";
    "sinh": |x| Some(libm::sinh(x)), "Gives the hyperbolic sine.", "sinh(0)";
    "cosh": |x| Some(libm::cosh(x)), "Gives the hyperbolic cosine.", "cosh(0)";
    "tanh": |x| Some(java_tanh(x)), "Gives the hyperbolic tangent.", "tanh(0)";
    "asinh": |x| Some(libm::asinh(x)), "Gives the inverse hyperbolic sine.", "asinh(0)";
    "acosh": |x| Some(libm::acosh(x)), "Gives the inverse hyperbolic cosine.", "acosh(1)";
    "atanh": |x| Some(0.5 * (libm::log1p(x) - libm::log1p(-x))), "Gives the inverse hyperbolic tangent.", "atanh(0)";
    "degrees": |x| Some(x * (180.0 / std::f64::consts::PI)), "Turns radians into degrees.", "degrees(3.141592653589793)";
    "radians": |x| Some(x.to_radians()), "Turns degrees into radians.", "radians(180)";
    "signum", also "sign": |x| Some(if x == 0.0 || x.is_nan() { x } else { x.signum() }), "Gives -1.0, 0.0 or 1.0.", "sign(40)";
    "rint": |x| Some(x.round_ties_even()), "Rounds to the nearest whole number, a half to the even one.", "rint(12.3456)";
};

/// The rest of the family.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("abs", &[P::Numeric], Returns::Argument(0), abs)
        .doc("Gives the size of a number without its sign.", "abs(-1)"),
    Function::new("negative", &[P::Numeric], Returns::Argument(0), negative)
        .doc("Turns the sign around.", "negative(1)"),
    Function::new(
        "power",
        &[P::Double, P::Double],
        Returns::Type(T::Double),
        |c| c.map2::<Double, Double, Double>(|x, y| Ok(Some(java_pow(x, y)))),
    )
    .also(&["pow"])
    .doc("Raises a number to a power.", "power(2, 3)"),
    Function::new(
        "log",
        &[P::Double, P::Double],
        Returns::Type(T::Double),
        log,
    )
    .optional(1)
    .doc(
        "Gives the logarithm to a base, or the natural one.",
        "log(10, 100)",
    ),
    Function::new(
        "atan2",
        &[P::Double, P::Double],
        Returns::Type(T::Double),
        |c| c.map2::<Double, Double, Double>(|y, x| Ok(Some(libm::atan2(y + 0.0, x + 0.0)))),
    )
    .doc("Gives the angle of a point.", "atan2(0, 0)"),
    Function::new(
        "hypot",
        &[P::Double, P::Double],
        Returns::Type(T::Double),
        |c| c.map2::<Double, Double, Double>(|x, y| Ok(Some(libm::hypot(x, y)))),
    )
    .doc("Gives the length of the diagonal.", "hypot(3, 4)"),
    Function::new("pi", &[], Returns::Type(T::Double), |c| {
        Double::rows(c.rows, |_| Ok(Some(std::f64::consts::PI)))
    })
    .doc("Gives pi.", "pi()"),
    Function::new("e", &[], Returns::Type(T::Double), |c| {
        Double::rows(c.rows, |_| Ok(Some(std::f64::consts::E)))
    })
    .doc("Gives Euler's number.", "e()"),
    Function::new("isnan", &[P::Double], Returns::Type(T::Boolean), |c| {
        let values = c.typed::<Double>(0)?;
        super::call::Truth::rows(c.rows, |row| {
            Ok(Some(values.get(row).is_some_and(f64::is_nan)))
        })
    })
    .doc(
        "Whether a number is NaN; false for NULL.",
        "isnan(double('NaN'))",
    ),
    Function::new(
        "nanvl",
        &[P::Floating, P::Floating],
        Returns::By(|types| {
            let short = |t: &DataType| matches!(t, DataType::Float32 | DataType::Null);
            Ok(match types.arguments {
                [DataType::Float32, second] if short(second) => DataType::Float32,
                _ => DataType::Float64,
            })
        }),
        nanvl,
    )
    .doc(
        "Gives the second number where the first is NaN.",
        "nanvl(double('NaN'), 123)",
    ),
    Function::new(
        "pmod",
        &[P::Numeric, P::Numeric],
        Returns::By(pmod_type),
        pmod,
    )
    .doc("Gives the remainder that is not negative.", "pmod(-10, 3)"),
    Function::new("factorial", &[P::Int], Returns::Type(T::Long), |c| {
        c.map1::<Int, Long>(|n| Ok((0..=20).contains(&n).then(|| (1..=i64::from(n)).product())))
    })
    .doc(
        "Gives the factorial of 0 to 20, NULL beyond.",
        "factorial(5)",
    ),
    Function::new(
        "width_bucket",
        &[P::Double, P::Double, P::Double, P::Long],
        Returns::Type(T::Long),
        width_bucket,
    )
    .doc(
        "Gives the bucket of a value among equal ones.",
        "width_bucket(5.3, 0.2, 10.6, 5)",
    ),
];

fn abs(call: &Call<'_>) -> Result<ArrayRef> {
    signed(
        call,
        |x| if x < 0 { x.checked_neg() } else { Some(x) },
        |x| if x < 0 { minus(x) } else { x },
        f64::abs,
    )
}

fn negative(call: &Call<'_>) -> Result<ArrayRef> {
    signed(call, i128::checked_neg, minus, |x| -x)
}

/// A decimal with its sign turned around, as Scala's `BigDecimal` does it: of more than 34 digits the last ones are rounded,
/// halves to the even digit.
fn minus(value: i128) -> i128 {
    let digits = value
        .unsigned_abs()
        .checked_ilog10()
        .map_or(1, |last| last + 1);
    let unit = 10_i128.pow(digits.saturating_sub(34));
    let (kept, rest) = (value / unit, (value % unit).abs() * 2);
    let away = rest > unit || (rest == unit && kept % 2 != 0);
    -(kept + if away { value.signum() } else { 0 }) * unit
}

/// A change of sign in the type of the argument.
fn signed(
    call: &Call<'_>,
    whole: fn(i128) -> Option<i128>,
    decimal: fn(i128) -> i128,
    float: fn(f64) -> f64,
) -> Result<ArrayRef> {
    match call.column(0)?.array().data_type() {
        DataType::Float32 | DataType::Float64 => {
            let values = call.as_double(0)?;
            Double::rows(call.rows, |row| Ok(values.get(row).map(float)))
        }
        DataType::Decimal128(precision, scale) => {
            let values = call.typed::<Dec>(0)?;
            let limit = 10_i128.pow(u32::from(*precision));
            decimal_rows(call.rows, *precision, *scale, |row| {
                match values.get(row).map(decimal) {
                    Some(result) if result.abs() >= limit => fail(
                        &condition::NUMERIC_VALUE_OUT_OF_RANGE,
                        format!("the result of `{}` does not fit its type", call.name),
                    ),
                    result => Ok(result),
                }
            })
        }
        other => {
            let bits = match other {
                DataType::Int8 => 8,
                DataType::Int16 => 16,
                DataType::Int32 => 32,
                _ => 64,
            };
            let values = call.as_long(0)?;
            Long::rows(call.rows, |row| {
                let Some(value) = values.get(row) else {
                    return Ok(None);
                };
                let result = whole(i128::from(value)).filter(|v| *v < 1_i128 << (bits - 1));
                match result.and_then(|v| i64::try_from(v).ok()) {
                    Some(result) => Ok(Some(result)),
                    None => overflow(call.name),
                }
            })
        }
    }
}

pub(super) fn overflow<T>(name: &str) -> Result<T> {
    fail(
        &condition::ARITHMETIC_OVERFLOW,
        format!("the result of `{name}` does not fit its type"),
    )
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "Java's cast of a double to a long saturates, and so does ours"
)]
pub(super) fn saturate(value: f64) -> i64 {
    value as i64
}

/// Java's `pow`: 1 to the power of NaN or infinity is NaN.
#[expect(clippy::float_cmp, reason = "exactly 1 is the exception")]
fn java_pow(x: f64, y: f64) -> f64 {
    if (y.is_nan() && y != 0.0) || (x.abs() == 1.0 && y.is_infinite()) {
        f64::NAN
    } else {
        libm::pow(x, y)
    }
}

/// The hyperbolic tangent in fdlibm's two forms; `libm` has another third one for small numbers.
fn java_tanh(x: f64) -> f64 {
    let size = x.abs();
    let result = if size >= 22.0 {
        1.0
    } else if size >= 1.0 {
        1.0 - 2.0 / (libm::expm1(2.0 * size) + 2.0)
    } else {
        let t = libm::expm1(-2.0 * size);
        -t / (t + 2.0)
    };
    if x.is_nan() { x } else { result.copysign(x) }
}

fn nanvl(call: &Call<'_>) -> Result<ArrayRef> {
    let double = DataType::Float64;
    let (a, b) = (
        call.converted::<Double>(0, &double)?,
        call.converted::<Double>(1, &double)?,
    );
    let chosen = Double::rows(call.rows, |row| {
        Ok(a.get(row)
            .and_then(|x| if x.is_nan() { b.get(row) } else { Some(x) }))
    })?;
    Ok(arrow::compute::cast(&chosen, call.returns)?)
}

fn log(call: &Call<'_>) -> Result<ArrayRef> {
    let has_one = |x: f64| x > 0.0 || x.is_nan();
    if !call.has(1) {
        return call.map1::<Double, Double>(|x| Ok(has_one(x).then(|| libm::log(x))));
    }
    call.map2::<Double, Double, Double>(|base, x| {
        Ok((has_one(base) && has_one(x)).then(|| libm::log(x) / libm::log(base)))
    })
}

/// The type of `pmod`: that of the operator `%`.
fn pmod_type(types: &Types<'_>) -> Result<DataType> {
    let [left, right] = types.arguments else {
        return internal_err!("`pmod` takes two arguments");
    };
    let decimal = |t: &DataType| matches!(t, DataType::Decimal128(..));
    if (decimal(left) || decimal(right)) && !left.is_floating() && !right.is_floating() {
        return Ok(remainder_type(types).unwrap_or(DataType::Decimal128(38, 18)));
    }
    let spark = |t: &DataType| SparkType::from_arrow(t).unwrap_or(SparkType::Double);
    Ok(common_type(&spark(left), &spark(right))
        .unwrap_or(SparkType::Double)
        .to_arrow())
}

/// The type of a remainder of decimals: the fewer digits before the point, the more behind it.
fn remainder_type(types: &Types<'_>) -> Option<DataType> {
    let digits = |index: usize| -> Option<(i16, i16)> {
        match SparkType::from_arrow(types.fields.get(index)?.data_type())? {
            SparkType::Decimal(p, s) => Some((i16::from(p) - i16::from(s), i16::from(s))),
            SparkType::Byte => Some((3, 0)),
            SparkType::Short => Some((5, 0)),
            SparkType::Int => Some((10, 0)),
            SparkType::Long => Some((20, 0)),
            _ => None,
        }
    };
    let ((w1, s1), (w2, s2)) = (digits(0)?, digits(1)?);
    Some(bounded_decimal(w1.min(w2) + s1.max(s2), s1.max(s2)).to_arrow())
}

fn by_zero<T>() -> Result<T> {
    fail(
        &condition::REMAINDER_BY_ZERO,
        "the remainder of a division by zero",
    )
}

fn pmod(call: &Call<'_>) -> Result<ArrayRef> {
    match call.returns {
        DataType::Decimal128(_, s) => {
            let wide = DataType::Decimal128(38, *s);
            let (a, b) = (
                call.converted::<Dec>(0, &wide)?,
                call.converted::<Dec>(1, &wide)?,
            );
            decimal_rows(call.rows, 38, *s, |row| match (a.get(row), b.get(row)) {
                (Some(_), Some(0)) => by_zero(),
                (Some(a), Some(b)) => Ok(Some(positive_rest(a, b))),
                _ => Ok(None),
            })
        }
        found if found.is_integer() => {
            let (a, b) = (call.as_long(0)?, call.as_long(1)?);
            Long::rows(call.rows, |row| match (a.get(row), b.get(row)) {
                (Some(_), Some(0)) => by_zero(),
                (Some(a), Some(b)) => Ok(Some(whole_rest(a, b, call.returns))),
                _ => Ok(None),
            })
        }
        _ => {
            let (a, b) = (call.as_double(0)?, call.as_double(1)?);
            Double::rows(call.rows, |row| match (a.get(row), b.get(row)) {
                (Some(_), Some(0.0)) => by_zero(),
                (Some(a), Some(b)) => {
                    let rest = a % b;
                    Ok(Some(if rest < 0.0 { (rest + b) % b } else { rest }))
                }
                _ => Ok(None),
            })
        }
    }
}

/// As Java computes it: the sum of two negative numbers wraps around, in `BIGINT` or else in `INT`.
fn whole_rest(a: i64, b: i64, of: &DataType) -> i64 {
    let rest = a.wrapping_rem(b);
    if rest >= 0 {
        return rest;
    }
    let sum = rest.wrapping_add(b);
    if *of != DataType::Int64 && sum < i64::from(i32::MIN) {
        return (sum + (1 << 32)).wrapping_rem(b);
    }
    sum.wrapping_rem(b)
}

fn positive_rest(a: i128, b: i128) -> i128 {
    let rest = a % b;
    if rest < 0 { (rest + b) % b } else { rest }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Spark computes buckets in DOUBLE"
)]
fn width_bucket(call: &Call<'_>) -> Result<ArrayRef> {
    let [value, low, high] = [
        call.typed::<Double>(0)?,
        call.typed::<Double>(1)?,
        call.typed::<Double>(2)?,
    ];
    let counts = call.typed::<Long>(3)?;
    Long::rows(call.rows, |row| {
        let (Some(v), Some(low), Some(high), Some(n)) =
            (value.get(row), low.get(row), high.get(row), counts.get(row))
        else {
            return Ok(None);
        };
        if n <= 0
            || n == i64::MAX
            || v.is_nan()
            || low.total_cmp(&high).is_eq()
            || !low.is_finite()
            || !high.is_finite()
        {
            return Ok(None);
        }
        let (below, above) = if low < high {
            (v < low, v >= high)
        } else {
            (v > low, v <= high)
        };
        Ok(Some(if below {
            0
        } else if above {
            n + 1
        } else {
            saturate((v - low) / (high - low) * n as f64) + 1
        }))
    })
}
