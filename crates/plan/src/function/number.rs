//! Numbers: rounding, powers, logarithms, trigonometry, bits. Operators live in `rewrite`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_model::SparkType;
use sluice_model::condition::query as condition;

use super::call::{Call, Dec, Double, Int, Long, Output, Text, decimal_rows};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T, Types};
use super::signature::{Param as P, bounded_decimal};

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
    "cbrt": |x| Some(x.cbrt()), "Gives the cube root.", "cbrt(27.0)";
    "exp": |x| Some(x.exp()), "Gives e to the power of a number.", "exp(0)";
    "expm1": |x| Some(x.exp_m1()), "Gives e to the power of a number, less 1.", "expm1(0)";
    "ln": |x| (x > 0.0 || x.is_nan()).then(|| x.ln()), "Gives the natural logarithm; NULL for 0 and below.", "ln(1)";
    "log10": |x| (x > 0.0 || x.is_nan()).then(|| x.log10()), "Gives the logarithm to base 10; NULL for 0 and below.", "log10(10)";
    "log2": |x| (x > 0.0 || x.is_nan()).then(|| x.log2()), "Gives the logarithm to base 2; NULL for 0 and below.", "log2(2)";
    "log1p": |x| (x > -1.0 || x.is_nan()).then(|| x.ln_1p()), "Gives the natural logarithm of 1 more; NULL for -1 and below.", "log1p(0)";
    "sin": |x| Some(x.sin()), "Gives the sine.", "sin(0)";
    "cos": |x| Some(x.cos()), "Gives the cosine.", "cos(0)";
    "tan": |x| Some(x.tan()), "Gives the tangent.", "tan(0)";
    "cot": |x| Some(1.0 / x.tan()), "Gives the cotangent.", "cot(1)";
    "sec": |x| Some(1.0 / x.cos()), "Gives the secant.", "sec(0)";
    "csc": |x| Some(1.0 / x.sin()), "Gives the cosecant.", "csc(1)";
    "asin": |x| Some(x.asin()), "Gives the inverse sine.", "asin(0)";
    "acos": |x| Some(x.acos()), "Gives the inverse cosine.", "acos(1)";
    "atan": |x| Some(x.atan()), "Gives the inverse tangent.", "atan(0)";
    "sinh": |x| Some(x.sinh()), "Gives the hyperbolic sine.", "sinh(0)";
    "cosh": |x| Some(x.cosh()), "Gives the hyperbolic cosine.", "cosh(0)";
    "tanh": |x| Some(x.tanh()), "Gives the hyperbolic tangent.", "tanh(0)";
    "asinh": |x| Some(x.asinh()), "Gives the inverse hyperbolic sine.", "asinh(0)";
    "acosh": |x| Some(x.acosh()), "Gives the inverse hyperbolic cosine.", "acosh(1)";
    "atanh": |x| Some(x.atanh()), "Gives the inverse hyperbolic tangent.", "atanh(0)";
    "degrees": |x| Some(x * (180.0 / std::f64::consts::PI)), "Turns radians into degrees.", "degrees(3.141592653589793)";
    "radians": |x| Some(x / 180.0 * std::f64::consts::PI), "Turns degrees into radians.", "radians(180)";
    "signum", also "sign": |x| Some(if x == 0.0 || x.is_nan() { x } else { x.signum() }), "Gives -1.0, 0.0 or 1.0.", "sign(40)";
    "rint": |x| Some(x.round_ties_even()), "Rounds to the nearest whole number, a half to the even one.", "rint(12.3456)";
};

/// The rest of the family.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("abs", &[P::Numeric], Returns::Argument(0), abs).doc("Gives the size of a number without its sign.", "abs(-1)"),
    Function::new("negative", &[P::Numeric], Returns::Argument(0), negative).doc("Turns the sign around.", "negative(1)"),
    Function::new("positive", &[P::Numeric], Returns::Argument(0), |c| c.column(0)?.expanded(c.rows))
        .doc("Gives the number as it is.", "positive(1)"),
    Function::new("round", &[P::Numeric, P::Int], Returns::By(round_type), |c| round(c, Mode::HalfUp))
        .optional(1)
        .doc("Rounds to a number of places, a half away from zero.", "round(2.5, 0)"),
    Function::new("bround", &[P::Numeric, P::Int], Returns::By(round_type), |c| round(c, Mode::HalfEven))
        .optional(1)
        .doc("Rounds to a number of places, a half to the even digit.", "bround(2.5, 0)"),
    Function::new("ceil", &[P::WideNumeric, P::Int], Returns::By(floor_type), |c| round(c, Mode::Ceiling))
        .also(&["ceiling"])
        .optional(1)
        .doc("Rounds up, to a BIGINT unless the number is a DECIMAL.", "ceil(-0.1)"),
    Function::new("floor", &[P::WideNumeric, P::Int], Returns::By(floor_type), |c| round(c, Mode::Floor))
        .optional(1)
        .doc("Rounds down, to a BIGINT unless the number is a DECIMAL.", "floor(-0.1)"),
    Function::new("power", &[P::Double, P::Double], Returns::Type(T::Double), |c| {
        c.map2::<Double, Double, Double>(|x, y| Ok(Some(java_pow(x, y))))
    })
    .also(&["pow"])
    .doc("Raises a number to a power.", "power(2, 3)"),
    Function::new("log", &[P::Double, P::Double], Returns::Type(T::Double), log)
        .optional(1)
        .doc("Gives the logarithm to a base, or the natural one.", "log(10, 100)"),
    Function::new("atan2", &[P::Double, P::Double], Returns::Type(T::Double), |c| {
        c.map2::<Double, Double, Double>(|y, x| Ok(Some((y + 0.0).atan2(x + 0.0))))
    })
    .doc("Gives the angle of a point.", "atan2(0, 0)"),
    Function::new("hypot", &[P::Double, P::Double], Returns::Type(T::Double), |c| {
        c.map2::<Double, Double, Double>(|x, y| Ok(Some(x.hypot(y))))
    })
    .doc("Gives the length of the diagonal.", "hypot(3, 4)"),
    Function::new("pi", &[], Returns::Type(T::Double), |c| Double::rows(c.rows, |_| Ok(Some(std::f64::consts::PI))))
        .doc("Gives pi.", "pi()"),
    Function::new("e", &[], Returns::Type(T::Double), |c| Double::rows(c.rows, |_| Ok(Some(std::f64::consts::E))))
        .doc("Gives Euler's number.", "e()"),
    Function::new("isnan", &[P::Double], Returns::Type(T::Boolean), |c| {
        let values = c.typed::<Double>(0)?;
        super::call::Truth::rows(c.rows, |row| Ok(Some(values.get(row).is_some_and(f64::is_nan))))
    })
    .doc("Whether a number is NaN; false for NULL.", "isnan(double('NaN'))"),
    Function::new("nanvl", &[P::Double, P::Double], Returns::Type(T::Double), |c| {
        let (a, b) = (c.typed::<Double>(0)?, c.typed::<Double>(1)?);
        Double::rows(c.rows, |row| Ok(a.get(row).and_then(|x| if x.is_nan() { b.get(row) } else { Some(x) })))
    })
    .doc("Gives the second number where the first is NaN.", "nanvl(double('NaN'), 123)"),
    Function::new("pmod", &[P::Common, P::Common], Returns::By(number_type), pmod)
        .doc("Gives the remainder that is not negative.", "pmod(-10, 3)"),
    Function::new("factorial", &[P::Int], Returns::Type(T::Long), |c| {
        c.map1::<Int, Long>(|n| Ok((0..=20).contains(&n).then(|| (1..=i64::from(n)).product())))
    })
    .doc("Gives the factorial of 0 to 20, NULL beyond.", "factorial(5)"),
    Function::new("hex", &[P::Any], Returns::Type(T::String), hex).doc("Writes a number, string or binary in hexadecimal.", "hex(17)"),
    Function::new("bin", &[P::Long], Returns::Type(T::String), |c| c.map1::<Long, Text>(|n| Ok(Some(format!("{n:b}")))))
        .doc("Writes a number in binary.", "bin(13)"),
    Function::new("conv", &[P::String, P::Int, P::Int], Returns::Type(T::String), |c| {
        c.map3::<Text, Int, Int, Text>(|text, from, to| conv(text, from, to))
    })
    .doc("Writes a number of one base in another.", "conv('100', 2, 10)"),
    Function::new("shiftleft", &[P::Integral, P::Int], Returns::By(shift_type), |c| {
        shift(c, i32::wrapping_shl, i64::wrapping_shl)
    })
    .doc("Shifts bits to the left.", "shiftleft(2, 1)"),
    Function::new("shiftright", &[P::Integral, P::Int], Returns::By(shift_type), |c| {
        shift(c, i32::wrapping_shr, i64::wrapping_shr)
    })
    .doc("Shifts bits to the right, keeping the sign.", "shiftright(4, 1)"),
    Function::new("shiftrightunsigned", &[P::Integral, P::Int], Returns::By(shift_type), |c| {
        shift(
            c,
            |x, n| x.cast_unsigned().wrapping_shr(n).cast_signed(),
            |x, n| x.cast_unsigned().wrapping_shr(n).cast_signed(),
        )
    })
    .doc("Shifts bits to the right, filling with zeros.", "shiftrightunsigned(4, 1)"),
    Function::new("bit_count", &[P::Long], Returns::Type(T::Int), |c| {
        c.map1::<Long, Int>(|n| Ok(i32::try_from(n.count_ones()).ok()))
    })
    .doc("Counts the bits that are set.", "bit_count(7)"),
    Function::new("bit_get", &[P::Long, P::Int], Returns::Type(T::Int), |c| {
        c.map2::<Long, Int, Int>(|n, at| {
            if !(0..64).contains(&at) {
                return fail(&condition::INVALID_PARAMETER_VALUE, format!("bit {at} is outside of 0 to 63"));
            }
            Ok(Some(i32::from(n >> at & 1 == 1)))
        })
    })
    .also(&["getbit"])
    .doc("Gives one bit.", "bit_get(11, 0)"),
    Function::new("width_bucket", &[P::Double, P::Double, P::Double, P::Long], Returns::Type(T::Long), width_bucket)
        .doc("Gives the bucket of a value among equal ones.", "width_bucket(5.3, 0.2, 10.6, 5)"),
    Function::new("format_number", &[P::Numeric, P::Int], Returns::Type(T::String), format_number)
        .doc("Writes a number with commas and a number of places.", "format_number(12332.123456, 4)"),
];

fn abs(call: &Call<'_>) -> Result<ArrayRef> {
    signed(call, |x| if x < 0 { x.checked_neg() } else { Some(x) }, f64::abs)
}

fn negative(call: &Call<'_>) -> Result<ArrayRef> {
    signed(call, i128::checked_neg, |x| -x)
}

/// A change of sign in the type of the argument.
fn signed(call: &Call<'_>, whole: fn(i128) -> Option<i128>, float: fn(f64) -> f64) -> Result<ArrayRef> {
    match call.column(0)?.array().data_type() {
        DataType::Float32 | DataType::Float64 => {
            let values = call.as_double(0)?;
            Double::rows(call.rows, |row| Ok(values.get(row).map(float)))
        }
        DataType::Decimal128(precision, scale) => {
            let values = call.typed::<Dec>(0)?;
            decimal_rows(call.rows, *precision, *scale, |row| Ok(values.get(row).and_then(whole)))
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
                let Some(value) = values.get(row) else { return Ok(None) };
                let result = whole(i128::from(value)).filter(|v| *v < 1_i128 << (bits - 1));
                match result.and_then(|v| i64::try_from(v).ok()) {
                    Some(result) => Ok(Some(result)),
                    None => overflow(call.name),
                }
            })
        }
    }
}

fn overflow<T>(name: &str) -> Result<T> {
    fail(&condition::ARITHMETIC_OVERFLOW, format!("the result of `{name}` does not fit its type"))
}

/// How a number is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    HalfUp,
    HalfEven,
    Ceiling,
    Floor,
}

/// The number of places, a constant; 0 where left out.
fn places(types: &Types<'_>) -> Result<i64> {
    if types.arguments.len() < 2 {
        return Ok(0);
    }
    match types.integer(1) {
        Some(places) => Ok(places),
        None if types.constants.get(1).copied().flatten().is_some() => Ok(0),
        None => fail(
            &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT,
            format!("the number of places of `{}` must be a constant", types.name),
        ),
    }
}

fn round_type(types: &Types<'_>) -> Result<DataType> {
    let places = places(types)?;
    Ok(match types.arguments.first() {
        Some(DataType::Decimal128(p, s)) => {
            let (p, s) = (i64::from(*p), i64::from(*s));
            let whole = p - s + 1;
            let kept = if places < 0 { 0 } else { places.min(s) };
            let precision = if places < 0 { whole.max(-places + 1) } else { whole + kept };
            decimal(precision.min(38), kept)
        }
        Some(other) => other.clone(),
        None => DataType::Float64,
    })
}

fn floor_type(types: &Types<'_>) -> Result<DataType> {
    let scaled = types.arguments.len() > 1;
    let places = places(types)?;
    Ok(match types.arguments.first() {
        Some(DataType::Decimal128(p, s)) if !scaled => {
            let whole = i64::from(*p) - i64::from(*s) + i64::from(*s > 0);
            decimal(whole.clamp(1, 38), 0)
        }
        Some(DataType::Decimal128(p, s)) => {
            let (p, s) = (i64::from(*p), i64::from(*s));
            let kept = if places < 0 { 0 } else { places.min(s) };
            decimal((p - s + 1 + kept).max(-places + 1).min(38), kept)
        }
        Some(_) if scaled => {
            let (p, s) = if types.arguments.first() == Some(&DataType::Float64) { (30, 15) } else { (20, 0) };
            let kept = if places < 0 { 0 } else { places.min(s) };
            decimal((p - s + 1 + kept).max(-places + 1).min(38), kept)
        }
        _ => DataType::Int64,
    })
}

fn decimal(precision: i64, scale: i64) -> DataType {
    let narrow = |n: i64| i16::try_from(n).unwrap_or(38);
    bounded_decimal(narrow(precision), narrow(scale)).to_arrow()
}

fn round(call: &Call<'_>, mode: Mode) -> Result<ArrayRef> {
    let places = if call.has(1) { call.as_long(1)?.get(0) } else { Some(0) };
    let Some(places) = places else { return Ok(arrow::array::new_null_array(call.returns, call.rows)) };
    let to_whole = matches!(mode, Mode::Ceiling | Mode::Floor);
    match (call.column(0)?.array().data_type(), call.returns) {
        (DataType::Float32 | DataType::Float64, DataType::Int64) => {
            let values = call.as_double(0)?;
            Long::rows(call.rows, |row| Ok(values.get(row).map(|x| saturate(if mode == Mode::Floor { x.floor() } else { x.ceil() }))))
        }
        (DataType::Float32, DataType::Float32) => {
            let values = call.converted::<super::call::Float>(0, &DataType::Float32)?;
            super::call::Float::rows(call.rows, |row| {
                Ok(values.get(row).map(|x| round_text(&x.to_string(), places, mode).parse().unwrap_or(x)))
            })
        }
        (DataType::Float32 | DataType::Float64, DataType::Decimal128(p, s)) => {
            let values = call.as_double(0)?;
            decimal_rows(call.rows, *p, *s, |row| {
                Ok(values.get(row).and_then(|x| unscaled(&round_text(&x.to_string(), places, mode), *s)))
            })
        }
        (DataType::Float32 | DataType::Float64, _) => {
            let values = call.as_double(0)?;
            Double::rows(call.rows, |row| {
                Ok(values.get(row).map(|x| {
                    if x.is_finite() { round_text(&x.to_string(), places, mode).parse().unwrap_or(x) } else { x }
                }))
            })
        }
        (DataType::Decimal128(_, from), DataType::Decimal128(p, to)) => {
            let values = call.typed::<Dec>(0)?;
            decimal_rows(call.rows, *p, *to, |row| {
                let Some(value) = values.get(row) else { return Ok(None) };
                match fit(round_units(value, i64::from(*from) - places, mode), *from, *to) {
                    Some(value) => Ok(Some(value)),
                    None => overflow(call.name),
                }
            })
        }
        (_, DataType::Decimal128(p, s)) => {
            let values = call.as_long(0)?;
            decimal_rows(call.rows, *p, *s, |row| Ok(values.get(row).and_then(|v| round_units(i128::from(v), -places, mode))))
        }
        _ if to_whole || places >= 0 => call.column(0)?.expanded(call.rows),
        (found, _) => {
            let most = match found {
                DataType::Int8 => i128::from(i8::MAX),
                DataType::Int16 => i128::from(i16::MAX),
                DataType::Int32 => i128::from(i32::MAX),
                _ => i128::from(i64::MAX),
            };
            let values = call.as_long(0)?;
            Long::rows(call.rows, |row| {
                let Some(value) = values.get(row) else { return Ok(None) };
                let rounded = round_units(i128::from(value), -places, mode).filter(|v| (-most - 1..=most).contains(v));
                match rounded.and_then(|v| i64::try_from(v).ok()) {
                    Some(value) => Ok(Some(value)),
                    None => overflow(call.name),
                }
            })
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "Java's cast of a double to a long saturates, and so does ours")]
fn saturate(value: f64) -> i64 {
    value as i64
}

/// Rounds away `digits` decimal digits of a whole number, leaving zeros in their place.
fn round_units(value: i128, digits: i64, mode: Mode) -> Option<i128> {
    let Ok(digits) = u32::try_from(digits) else { return Some(value) };
    if digits == 0 {
        return Some(value);
    }
    let Some(unit) = 10_i128.checked_pow(digits) else {
        return Some(match mode {
            Mode::Ceiling if value > 0 => return None,
            Mode::Floor if value < 0 => return None,
            _ => 0,
        });
    };
    let (whole, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    let up = match mode {
        Mode::Floor => false,
        Mode::Ceiling => rest > 0,
        Mode::HalfUp => if value < 0 { rest > unit - rest } else { rest >= unit - rest },
        Mode::HalfEven => rest > unit - rest || (rest == unit - rest && whole % 2 != 0),
    };
    (whole + i128::from(up)).checked_mul(unit)
}

/// Moves a rounded unscaled number from one scale to another.
fn fit(value: Option<i128>, from: i8, to: i8) -> Option<i128> {
    let value = value?;
    if to >= from {
        return value.checked_mul(10_i128.checked_pow(u32::try_from(to - from).ok()?)?);
    }
    Some(value / 10_i128.checked_pow(u32::try_from(from - to).ok()?)?)
}

/// Rounds the decimal text of a float as Spark does: exactly on its shortest digits.
fn round_text(text: &str, places: i64, mode: Mode) -> String {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let scale = i64::try_from(fraction.len()).unwrap_or(0);
    if places >= scale {
        return if negative { format!("-{text}") } else { text.to_string() };
    }
    let Ok(units) = format!("{whole}{fraction}").parse::<i128>() else {
        // More than 38 digits: a whole number beyond 1e38, or a fraction below 1e-38.
        let kept = usize::try_from(places.max(0)).unwrap_or(0);
        let cut = if whole == "0" { "0".to_string() } else { format!("{whole}.{}", fraction.get(..kept).unwrap_or_default()) };
        return if negative { format!("-{cut}") } else { cut };
    };
    let rounded = round_units(if negative { -units } else { units }, scale - places, mode).unwrap_or(0);
    let digits = format!("{:0width$}", rounded.unsigned_abs(), width = fraction.len() + 1);
    let (whole, fraction) = digits.split_at(digits.len() - fraction.len());
    let sign = if rounded < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The unscaled number of a decimal text.
fn unscaled(text: &str, scale: i8) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let scale = usize::try_from(scale).ok()?;
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(scale).collect();
    format!("{whole}{fraction}").parse().ok()
}

/// Java's `pow`: 1 to the power of NaN or infinity is NaN.
fn java_pow(x: f64, y: f64) -> f64 {
    if (y.is_nan() && y != 0.0) || (x.abs() == 1.0 && y.is_infinite()) { f64::NAN } else { x.powf(y) }
}

fn log(call: &Call<'_>) -> Result<ArrayRef> {
    if !call.has(1) {
        return call.map1::<Double, Double>(|x| Ok((x > 0.0 || x.is_nan()).then(|| x.ln())));
    }
    call.map2::<Double, Double, Double>(|base, x| Ok((base > 0.0 && x > 0.0).then(|| x.ln() / base.ln())))
}

fn number_type(types: &Types<'_>) -> Result<DataType> {
    match types.arguments.first() {
        Some(found) if found.is_numeric() => Ok(found.clone()),
        Some(DataType::Utf8 | DataType::Null) => Ok(DataType::Float64),
        _ => fail(&condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE, format!("`{}` takes numbers", types.name)),
    }
}

fn by_zero<T>() -> Result<T> {
    fail(&condition::REMAINDER_BY_ZERO, "the remainder of a division by zero")
}

fn pmod(call: &Call<'_>) -> Result<ArrayRef> {
    match call.column(0)?.array().data_type() {
        DataType::Decimal128(p, s) => {
            let (a, b) = (call.typed::<Dec>(0)?, call.typed::<Dec>(1)?);
            decimal_rows(call.rows, *p, *s, |row| match (a.get(row), b.get(row)) {
                (Some(_), Some(0)) => by_zero(),
                (Some(a), Some(b)) => Ok(Some(positive_rest(a, b))),
                _ => Ok(None),
            })
        }
        found if found.is_integer() => {
            let (a, b) = (call.as_long(0)?, call.as_long(1)?);
            Long::rows(call.rows, |row| match (a.get(row), b.get(row)) {
                (Some(_), Some(0)) => by_zero(),
                (Some(a), Some(b)) => Ok(i64::try_from(positive_rest(i128::from(a), i128::from(b))).ok()),
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

fn positive_rest(a: i128, b: i128) -> i128 {
    let rest = a % b;
    if rest < 0 { (rest + b) % b } else { rest }
}

fn hex(call: &Call<'_>) -> Result<ArrayRef> {
    let digits = |bytes: &[u8]| bytes.iter().fold(String::new(), |out, byte| out + &format!("{byte:02X}"));
    match call.column(0)?.array().data_type() {
        DataType::Binary => call.map1::<super::call::Bytes, Text>(|b| Ok(Some(digits(b)))),
        DataType::Utf8 => call.map1::<Text, Text>(|s| Ok(Some(digits(s.as_bytes())))),
        found if found.is_integer() || found.is_null() => {
            let values = call.as_long(0)?;
            Text::rows(call.rows, |row| Ok(values.get(row).map(|n| format!("{n:X}"))))
        }
        found => {
            let shown = SparkType::from_arrow(found).map_or_else(String::new, |t| t.to_string());
            fail(&condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE, format!("`hex` does not take {shown}"))
        }
    }
}

/// Reads digits of one base as an unsigned 64-bit number and writes them in another; a negative base writes a sign.
fn conv(text: &str, from: i32, to: i32) -> Result<Option<String>> {
    let (Ok(from), Ok(size)) = (u32::try_from(from), u32::try_from(to.abs())) else { return Ok(None) };
    if !(2..=36).contains(&from) || !(2..=36).contains(&size) || text.trim().is_empty() {
        return Ok(None);
    }
    let text = text.trim();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut value = 0_u64;
    for digit in digits.chars().map_while(|c| c.to_digit(from)) {
        match value.checked_mul(u64::from(from)).and_then(|v| v.checked_add(u64::from(digit))) {
            Some(next) => value = next,
            None => return overflow("conv"),
        }
    }
    let mut sign = "";
    if negative {
        value = value.wrapping_neg();
    }
    if to < 0 && value.cast_signed() < 0 {
        sign = "-";
        value = value.wrapping_neg();
    }
    let mut out = vec![];
    loop {
        let digit = u32::try_from(value % u64::from(size)).ok().and_then(|d| char::from_digit(d, size));
        out.extend(digit);
        value /= u64::from(size);
        if value == 0 {
            break;
        }
    }
    let digits: String = out.into_iter().rev().collect();
    Ok(Some(format!("{sign}{}", digits.to_ascii_uppercase())))
}

fn shift_type(types: &Types<'_>) -> Result<DataType> {
    Ok(if types.arguments.first() == Some(&DataType::Int64) { DataType::Int64 } else { DataType::Int32 })
}

fn shift(call: &Call<'_>, small: fn(i32, u32) -> i32, large: fn(i64, u32) -> i64) -> Result<ArrayRef> {
    let counts = call.typed::<Int>(1)?;
    if call.returns == &DataType::Int64 {
        let values = call.as_long(0)?;
        return Long::rows(call.rows, |row| Ok(values.get(row).zip(counts.get(row)).map(|(v, n)| large(v, n.cast_unsigned()))));
    }
    let values = call.converted::<Int>(0, &DataType::Int32)?;
    Int::rows(call.rows, |row| Ok(values.get(row).zip(counts.get(row)).map(|(v, n)| small(v, n.cast_unsigned()))))
}

#[allow(clippy::cast_precision_loss, reason = "Spark computes buckets in DOUBLE")]
fn width_bucket(call: &Call<'_>) -> Result<ArrayRef> {
    let [value, low, high] = [call.typed::<Double>(0)?, call.typed::<Double>(1)?, call.typed::<Double>(2)?];
    let counts = call.typed::<Long>(3)?;
    Long::rows(call.rows, |row| {
        let (Some(v), Some(low), Some(high), Some(n)) = (value.get(row), low.get(row), high.get(row), counts.get(row)) else {
            return Ok(None);
        };
        if n <= 0 || n == i64::MAX || v.is_nan() || low == high || !low.is_finite() || !high.is_finite() {
            return Ok(None);
        }
        let (below, above) = if low < high { (v < low, v >= high) } else { (v > low, v <= high) };
        Ok(Some(if below {
            0
        } else if above {
            n + 1
        } else {
            saturate((v - low) / (high - low) * n as f64) + 1
        }))
    })
}

fn format_number(call: &Call<'_>) -> Result<ArrayRef> {
    let places = call.typed::<Int>(1)?;
    let text: Box<dyn Fn(usize) -> Option<String>> = match call.column(0)?.array().data_type() {
        DataType::Decimal128(_, scale) => {
            let (values, scale) = (call.typed::<Dec>(0)?, *scale);
            Box::new(move |row| values.get(row).map(|v| plain(v, scale)))
        }
        found if found.is_integer() => {
            let values = call.as_long(0)?;
            Box::new(move |row| values.get(row).map(|v| v.to_string()))
        }
        _ => {
            let values = call.as_double(0)?;
            Box::new(move |row| values.get(row).map(|v| v.to_string()))
        }
    };
    Text::rows(call.rows, |row| {
        let (Some(text), Some(places)) = (text(row), places.get(row)) else { return Ok(None) };
        if places < 0 {
            return Ok(None);
        }
        Ok(Some(grouped(&round_text(&text, i64::from(places), Mode::HalfEven), usize::try_from(places).unwrap_or(0))))
    })
}

/// An unscaled number as plain text.
fn plain(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Puts commas between thousands and fills the fraction to a number of places.
fn grouped(text: &str, places: usize) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if places > 0 {
        out.push('.');
        out.extend(fraction.chars().chain(std::iter::repeat('0')).take(places));
    }
    out
}
