//! Texts of CSV into columns, by the rules of Spark's `UnivocityParser`. Must not know records.

use super::options::CsvOptions;
use crate::cast::text;
use crate::column::Column;
use crate::datetime::{parse_date, parse_timestamp, parse_timestamp_ntz};

/// Whether a value stands for NULL.
pub(super) fn is_null(value: &str, quoted: bool, options: &CsvOptions) -> bool {
    if value.is_empty() {
        return !quoted || options.empty_value == options.null_value;
    }
    value == options.null_value
}

/// Appends a value that is not NULL; says whether it fitted (nothing was appended otherwise).
pub(super) fn push(column: &mut Column, value: &str, options: &CsvOptions) -> bool {
    try_push(column, value, options).is_some()
}

fn try_push(column: &mut Column, value: &str, options: &CsvOptions) -> Option<()> {
    match column {
        Column::Text(bytes) => bytes.push(
            if value.is_empty() {
                &options.empty_value
            } else {
                value
            }
            .as_bytes(),
        ),
        Column::Binary(bytes) => bytes.push(value.as_bytes()),
        Column::Long(values) => values.push(value.parse().ok()?),
        Column::Int(values) => values.push(value.parse().ok()?),
        Column::Short(values) => values.push(value.parse().ok()?),
        Column::Byte(values) => values.push(value.parse().ok()?),
        Column::Double(values) => values.push(double(value, options)?),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a FLOAT keeps what fits, as Java's parseFloat does"
        )]
        Column::Float(values) => {
            let wide = double(value, options)?;
            values.push(value.trim().parse().unwrap_or(wide as f32));
        }
        Column::Boolean(values, nulls) => {
            let truth = value.eq_ignore_ascii_case("true");
            if !truth && !value.eq_ignore_ascii_case("false") {
                return None;
            }
            values.append(truth);
            nulls.append_non_null();
        }
        Column::Decimal(values, precision, scale) => {
            if value.contains(char::is_whitespace) {
                return None;
            }
            values.push(text::decimal(&value.replace(',', ""), *precision, *scale).ok()?);
        }
        Column::Date(values) => values.push(match &options.date_format {
            Some(pattern) => pattern.parse_date(value)?,
            None => parse_date(value)?,
        }),
        Column::Timestamp(values, true) => values.push(match &options.timestamp_format {
            Some(pattern) => pattern.parse_timestamp(value, &options.time_zone)?,
            None => parse_timestamp(value, &options.time_zone)?,
        }),
        Column::Timestamp(values, false) => values.push(match &options.timestamp_ntz_format {
            Some(pattern) => pattern.parse_timestamp_ntz(value)?,
            None => parse_timestamp_ntz(value, false)?,
        }),
        _ => return None,
    }
    Some(())
}

pub(super) fn double(value: &str, options: &CsvOptions) -> Option<f64> {
    if value == options.nan_value {
        return Some(f64::NAN);
    }
    if value == options.positive_infinity {
        return Some(f64::INFINITY);
    }
    if value == options.negative_infinity {
        return Some(f64::NEG_INFINITY);
    }
    // Java takes `NaN` and `Infinity` spelled so, and no other word.
    let word = value.trim().trim_start_matches(['+', '-']);
    if word.starts_with(|symbol: char| symbol.is_ascii_alphabetic())
        && !matches!(word, "NaN" | "Infinity")
    {
        return None;
    }
    text::double(value)
}
