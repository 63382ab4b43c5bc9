//! Rounding, and numbers written with commas. Floats are rounded on their shortest decimal digits, as Spark does.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use sluice_model::condition::query as condition;

use super::call::{Call, Dec, Double, Int, Long, Output, Text, decimal_rows};
use super::decimal_format::DecimalPattern;
use super::error::fail;
use super::number::{overflow, saturate};
use super::scalar::{Function, Returns, SparkTypeName as T, Types};
use super::signature::{Param as P, bounded_decimal};

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "round",
        &[P::Numeric, P::Int],
        Returns::By(round_type),
        |c| round(c, Mode::HalfUp),
    )
    .optional(1)
    .doc(
        "Rounds to a number of places, a half away from zero.",
        "round(2.5, 0)",
    ),
    Function::new(
        "bround",
        &[P::Numeric, P::Int],
        Returns::By(round_type),
        |c| round(c, Mode::HalfEven),
    )
    .optional(1)
    .doc(
        "Rounds to a number of places, a half to the even digit.",
        "bround(2.5, 0)",
    ),
    Function::new(
        "ceil",
        &[P::WideNumeric, P::Int],
        Returns::By(floor_type),
        |c| round(c, Mode::Ceiling),
    )
    .also(&["ceiling"])
    .optional(1)
    .doc(
        "Rounds up, to a BIGINT unless the number is a DECIMAL.",
        "ceil(-0.1)",
    ),
    Function::new(
        "floor",
        &[P::WideNumeric, P::Int],
        Returns::By(floor_type),
        |c| round(c, Mode::Floor),
    )
    .optional(1)
    .doc(
        "Rounds down, to a BIGINT unless the number is a DECIMAL.",
        "floor(-0.1)",
    ),
    Function::new(
        "format_number",
        &[P::Number, P::IntOrText],
        Returns::Type(T::String),
        format_number,
    )
    .doc(
        "Writes a number with commas and a number of places, or under a pattern such as `#,##0.00`.",
        "format_number(12332.123456, 4)",
    ),
];

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
            format!(
                "the number of places of `{}` must be a constant",
                types.name
            ),
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
            let precision = if places < 0 {
                whole.max(-places + 1)
            } else {
                whole + kept
            };
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
        _ => DataType::Int64,
    })
}

fn decimal(precision: i64, scale: i64) -> DataType {
    let narrow = |n: i64| i16::try_from(n).unwrap_or(38);
    bounded_decimal(narrow(precision), narrow(scale)).to_arrow()
}

#[expect(clippy::too_many_lines, reason = "one arm per pair of types")]
fn round(call: &Call<'_>, mode: Mode) -> Result<ArrayRef> {
    let places = if call.has(1) {
        call.as_long(1)?.get(0)
    } else {
        Some(0)
    };
    let Some(places) = places else {
        return Ok(arrow::array::new_null_array(call.returns, call.rows));
    };
    let to_whole = matches!(mode, Mode::Ceiling | Mode::Floor);
    match (call.column(0)?.array().data_type(), call.returns) {
        (DataType::Float32 | DataType::Float64, DataType::Int64) => {
            let values = call.as_double(0)?;
            Long::rows(call.rows, |row| {
                let Some(value) = values.get(row) else {
                    return Ok(None);
                };
                let whole = if mode == Mode::Floor {
                    value.floor()
                } else {
                    value.ceil()
                };
                // NaN is 0.
                if !whole.is_nan() && !(-BEYOND_LONG..BEYOND_LONG).contains(&whole) {
                    overflow(call.name)
                } else {
                    Ok(Some(saturate(whole)))
                }
            })
        }
        (DataType::Float32, DataType::Float32) => {
            let values = call.converted::<super::call::Float>(0, &DataType::Float32)?;
            super::call::Float::rows(call.rows, |row| {
                // Spark rounds the DOUBLE that is closest to the FLOAT.
                Ok(values.get(row).map(|x| {
                    if x.is_finite() {
                        let rounded = round_text(&f64::from(x).to_string(), places, mode);
                        // Spark rounds a BigDecimal, which has no negative zero.
                        rounded.parse().unwrap_or(x) + 0.0
                    } else {
                        x
                    }
                }))
            })
        }
        (DataType::Float32 | DataType::Float64, _) => {
            let values = call.as_double(0)?;
            Double::rows(call.rows, |row| {
                Ok(values.get(row).map(|x| {
                    if x.is_finite() {
                        let rounded = round_text(&x.to_string(), places, mode);
                        rounded.parse().unwrap_or(x) + 0.0
                    } else {
                        x
                    }
                }))
            })
        }
        (DataType::Decimal128(_, from), DataType::Decimal128(p, to)) => {
            let values = call.typed::<Dec>(0)?;
            decimal_rows(call.rows, *p, *to, |row| {
                let Some(value) = values.get(row) else {
                    return Ok(None);
                };
                match fit(
                    round_units(value, i64::from(*from) - places, mode),
                    *from,
                    *to,
                ) {
                    Some(value) => Ok(Some(value)),
                    None => overflow(call.name),
                }
            })
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
                let Some(value) = values.get(row) else {
                    return Ok(None);
                };
                let rounded = round_units(i128::from(value), -places, mode)
                    .filter(|v| (-most - 1..=most).contains(v));
                match rounded.and_then(|v| i64::try_from(v).ok()) {
                    Some(value) => Ok(Some(value)),
                    None => overflow(call.name),
                }
            })
        }
    }
}

/// 2 to the 63rd: the first double beyond BIGINT, and without its sign the least BIGINT.
const BEYOND_LONG: f64 = 9_223_372_036_854_775_808.0;

/// Rounds away `digits` decimal digits of a whole number, leaving zeros in their place.
fn round_units(value: i128, digits: i64, mode: Mode) -> Option<i128> {
    let Ok(digits) = u32::try_from(digits) else {
        return Some(value);
    };
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
        Mode::HalfUp => {
            if value < 0 {
                rest > unit - rest
            } else {
                rest >= unit - rest
            }
        }
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
    let (negative, text) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let scale = i64::try_from(fraction.len()).unwrap_or(0);
    if places >= scale {
        return if negative {
            format!("-{text}")
        } else {
            text.to_string()
        };
    }
    let Ok(units) = format!("{whole}{fraction}").parse::<i128>() else {
        // More than 38 digits: a whole number beyond 1e38, or a fraction below 1e-38.
        let kept = usize::try_from(places.max(0)).unwrap_or(0);
        let cut = if whole == "0" {
            "0".to_string()
        } else {
            format!("{whole}.{}", fraction.get(..kept).unwrap_or_default())
        };
        return if negative { format!("-{cut}") } else { cut };
    };
    let rounded =
        round_units(if negative { -units } else { units }, scale - places, mode).unwrap_or(0);
    let digits = format!(
        "{:0width$}",
        rounded.unsigned_abs(),
        width = fraction.len() + 1
    );
    let (whole, fraction) = digits.split_at(digits.len() - fraction.len());
    let sign = if rounded < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// The rows of a number column as decimal texts; doubles in their shortest digits.
fn number_texts<'c>(call: &'c Call<'_>) -> Result<Box<dyn Fn(usize) -> Option<String> + 'c>> {
    Ok(match call.column(0)?.array().data_type() {
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
    })
}

fn format_by_pattern(call: &Call<'_>) -> Result<ArrayRef> {
    let (patterns, text) = (call.typed::<Text>(1)?, number_texts(call)?);
    let is_double = call.column(0)?.array().data_type().is_floating();
    let mut last: Option<(String, DecimalPattern)> = None;
    Text::rows(call.rows, |row| {
        let (Some(text), Some(pattern)) = (text(row), patterns.get(row)) else {
            return Ok(None);
        };
        if last.as_ref().is_none_or(|(known, _)| known != pattern) {
            let Some(read) = DecimalPattern::read(pattern) else {
                let message =
                    format!("`{pattern}` is no pattern of numbers that `format_number` takes");
                return fail(&condition::INVALID_PARAMETER_VALUE, message);
            };
            last = Some((pattern.to_string(), read));
        }
        let round = |text: &str, places: usize| rounded_half_even(text, places, is_double);
        Ok(last
            .as_ref()
            .map(|(_, pattern)| pattern.write(&text, round)))
    })
}

/// A number's text with at most so many places. The digits of a double are cut by its own value, as Java does: 2.675 lies below its last digit.
fn rounded_half_even(text: &str, places: usize, is_double: bool) -> String {
    let digits = text
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    match text.parse::<f64>() {
        Ok(value) if is_double && digits > places => format!("{value:.places$}"),
        _ => round_text(text, i64::try_from(places).unwrap_or(0), Mode::HalfEven),
    }
}

fn format_number(call: &Call<'_>) -> Result<ArrayRef> {
    if *call.column(1)?.array().data_type() == DataType::Utf8 {
        return format_by_pattern(call);
    }
    let places = call.typed::<Int>(1)?;
    let text = number_texts(call)?;
    let is_double = call.column(0)?.array().data_type().is_floating();
    Text::rows(call.rows, |row| {
        let (Some(text), Some(places)) = (text(row), places.get(row)) else {
            return Ok(None);
        };
        if places < 0 {
            return Ok(None);
        }
        // As Java's DecimalFormat writes what is no number.
        let special = match text.as_str() {
            "NaN" => Some("NaN"),
            "inf" => Some("\u{221e}"),
            "-inf" => Some("-\u{221e}"),
            _ => None,
        };
        if let Some(special) = special {
            return Ok(Some(special.to_string()));
        }
        let places = usize::try_from(places).unwrap_or(0);
        let mut rounded = rounded_half_even(&text, places, is_double);
        // As DecimalFormat writes it: what becomes zero keeps its sign.
        if text.starts_with('-') && !rounded.starts_with('-') {
            rounded.insert(0, '-');
        }
        Ok(Some(grouped(&rounded, places)))
    })
}

/// An unscaled number as plain text.
fn plain(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if scale == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// Puts commas between thousands and fills the fraction to a number of places.
fn grouped(text: &str, places: usize) -> String {
    let (sign, text) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
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
