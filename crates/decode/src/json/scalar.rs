//! Numbers and timestamps of JSON as the types of columns: what Spark's `JacksonParser` takes for each. Must not know columns.

use std::borrow::Cow;

use super::number::Number;
use super::scan::Scanner;
use super::value::{Fail, Notes};
use crate::datetime::{SECOND, parse_timestamp, parse_timestamp_ntz};

#[inline]
fn starts_number(scanner: &Scanner<'_>) -> bool {
    matches!(scanner.peek(), b'-' | b'0'..=b'9')
}

#[inline]
pub(crate) fn integer(scanner: &mut Scanner<'_>) -> Result<i64, Fail> {
    if let Some(value) = scanner.plain_integer() {
        return Ok(value);
    }
    if !starts_number(scanner) {
        return Err(Fail::Misfit);
    }
    match scanner.number()? {
        Number::Integer(digits) => digits.parse().map_err(|_| Fail::Misfit),
        _ => Err(Fail::Misfit),
    }
}

/// Jackson takes a byte with or without a sign, and Spark keeps what it gives.
#[allow(
    clippy::cast_possible_truncation,
    reason = "128 to 255 wrap around, as they do there"
)]
pub(crate) fn byte(scanner: &mut Scanner<'_>) -> Result<i8, Fail> {
    match integer(scanner)? {
        value @ -128..=255 => Ok(value as i8),
        _ => Err(Fail::Misfit),
    }
}

pub(crate) fn small<T: TryFrom<i64>>(scanner: &mut Scanner<'_>) -> Result<T, Fail> {
    T::try_from(integer(scanner)?).map_err(|_| Fail::Misfit)
}

/// A double: a number, or one of the words that Spark takes in quotes.
#[inline]
pub(crate) fn real(scanner: &mut Scanner<'_>, notes: &Notes<'_>) -> Result<f64, Fail> {
    if let Some(value) = scanner.plain_real() {
        return Ok(value);
    }
    if starts_number(scanner) || matches!(scanner.peek(), b'N' | b'I' | b'+') {
        return match scanner.number()? {
            // An integer has no negative zero, even where it becomes a double.
            Number::Integer("-0") => Ok(0.0),
            Number::Integer(number) | Number::Real(number) => {
                number.parse().map_err(|_| Fail::Misfit)
            }
            Number::Special(value) => Ok(value),
        };
    }
    if !scanner.at_string() || !notes.options.grammar.non_numeric_numbers {
        return Err(Fail::Misfit);
    }
    match scanner.string()?.as_ref() {
        "NaN" => Ok(f64::NAN),
        "+INF" | "+Infinity" | "Infinity" => Ok(f64::INFINITY),
        "-INF" | "-Infinity" => Ok(f64::NEG_INFINITY),
        _ => Err(Fail::Misfit),
    }
}

/// The text of a plain number, for types that must not go through a double; `None` leaves the scanner where it was.
pub(crate) fn float_text<'a>(scanner: &mut Scanner<'a>) -> Result<Option<&'a str>, Fail> {
    let mark = scanner.position;
    if starts_number(scanner)
        && let Number::Integer(number) | Number::Real(number) = scanner.number()?
    {
        return Ok(Some(number));
    }
    scanner.position = mark;
    Ok(None)
}

pub(crate) fn decimal_text<'a>(scanner: &mut Scanner<'a>) -> Result<Cow<'a, str>, Fail> {
    if scanner.at_string() {
        let found = scanner.string()?;
        // Java's BigDecimal takes no space, and Spark cuts the commas of thousands.
        let plain = !found.is_empty() && !found.contains(char::is_whitespace);
        return if plain {
            Ok(found.replace(',', "").into())
        } else {
            Err(Fail::Misfit)
        };
    }
    float_text(scanner)?.map(Cow::Borrowed).ok_or(Fail::Misfit)
}

#[inline]
pub(crate) fn timestamp(
    scanner: &mut Scanner<'_>,
    notes: &Notes<'_>,
    zoned: bool,
) -> Result<i64, Fail> {
    let options = notes.options;
    if scanner.at_string() {
        let found = scanner.string()?;
        if found.is_empty() {
            return Err(Fail::Misfit);
        }
        let micros = match (
            zoned,
            &options.timestamp_format,
            &options.timestamp_ntz_format,
        ) {
            (true, None, _) => parse_timestamp(&found, &options.time_zone),
            (true, Some(pattern), _) => pattern.parse_timestamp(&found, &options.time_zone),
            (false, _, None) => parse_timestamp_ntz(&found, false),
            (false, _, Some(pattern)) => pattern.parse_timestamp_ntz(&found),
        };
        return micros.ok_or(Fail::Misfit);
    }
    if zoned {
        return integer(scanner)?.checked_mul(SECOND).ok_or(Fail::Misfit);
    }
    Err(Fail::Misfit)
}
