//! Interval literals: `INTERVAL 7 DAY`, `INTERVAL '24 HOURS'`, `INTERVAL '1 02:03:04' DAY TO SECOND`.
//!
//! Day-time intervals are Arrow durations: in seconds if they are whole days (Spark's INTERVAL DAY, which leaves a DATE
//! a DATE), in microseconds otherwise. Year-month intervals are Arrow's.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

/// Reads an interval: the text, and the units written behind it.
pub(crate) fn parse(text: &str, from: Option<&str>, to: Option<&str>) -> Option<ScalarValue> {
    let text = text.trim();
    match (from, to) {
        (Some(from), None) => single(text, from),
        (Some(from), Some(to)) => range(text, &from.to_lowercase(), &to.to_lowercase()),
        (None, _) => words(text),
    }
}

/// Whether a literal has one of the types that are told apart: INTERVAL DAY, DAY TO SECOND, YEAR TO MONTH. Spark has more of
/// them, such as INTERVAL HOUR TO MINUTE: from the largest to the smallest of the units in `text`.
pub(crate) fn is_of_full_type(value: &ScalarValue, text: &str) -> bool {
    let has = |units: &[&str]| units.iter().any(|unit| text.contains(unit));
    match value {
        ScalarValue::DurationMicrosecond(_) => has(&["day", "week"]) && has(&["second"]),
        ScalarValue::IntervalYearMonth(_) => has(&["year"]) && has(&["month"]),
        _ => true,
    }
}

/// Whether values of a type are intervals or hold some.
pub(crate) fn holds_interval(data_type: &DataType) -> bool {
    match data_type {
        DataType::Duration(_) | DataType::Interval(_) => true,
        DataType::List(item) | DataType::Map(item, _) => holds_interval(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_interval(field.data_type())),
        _ => false,
    }
}

/// A length: months, or microseconds and whether only days were named.
enum Length {
    Months(i64),
    Days(i64),
    Micros(i64),
}

fn unit(number: &str, unit: &str) -> Option<Length> {
    let unit = unit.to_lowercase();
    let unit = unit
        .strip_suffix('s')
        .filter(|_| unit.len() > 2)
        .unwrap_or(&unit);
    let whole = || number.parse::<i64>().ok();
    Some(match unit {
        "year" => Length::Months(whole()?.checked_mul(12)?),
        "quarter" => Length::Months(whole()?.checked_mul(3)?),
        "month" => Length::Months(whole()?),
        "week" => Length::Days(whole()?.checked_mul(7)?),
        "day" => Length::Days(whole()?),
        "hour" => Length::Micros(whole()?.checked_mul(HOUR_US)?),
        "minute" => Length::Micros(whole()?.checked_mul(MINUTE_US)?),
        "second" => Length::Micros(seconds(number)?),
        "millisecond" => Length::Micros(whole()?.checked_mul(1000)?),
        "microsecond" => Length::Micros(whole()?),
        _ => return None,
    })
}

/// Seconds with up to six digits behind the point.
fn seconds(text: &str) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(sign * (whole.parse::<i64>().ok()?.checked_mul(SECOND_US)? + micros))
}

fn single(text: &str, from: &str) -> Option<ScalarValue> {
    finish(std::iter::once(unit(text, from)?))
}

fn words(text: &str) -> Option<ScalarValue> {
    let text = text.strip_prefix("interval ").unwrap_or(text);
    let parts: Vec<&str> = text.split_whitespace().collect();
    if parts.is_empty() || parts.len() % 2 == 1 {
        return None;
    }
    let lengths: Option<Vec<Length>> = parts.chunks(2).map(|pair| unit(pair[0], pair[1])).collect();
    finish(lengths?.into_iter())
}

fn finish(lengths: impl Iterator<Item = Length>) -> Option<ScalarValue> {
    let (mut months, mut days, mut micros): (Option<i64>, i64, Option<i64>) = (None, 0, None);
    let mut any_days = false;
    for length in lengths {
        match length {
            Length::Months(n) => months = Some(months.unwrap_or(0).checked_add(n)?),
            Length::Days(n) => {
                any_days = true;
                days = days.checked_add(n)?;
            }
            Length::Micros(n) => micros = Some(micros.unwrap_or(0).checked_add(n)?),
        }
    }
    match (months, any_days, micros) {
        (Some(months), false, None) => Some(ScalarValue::IntervalYearMonth(Some(
            i32::try_from(months).ok()?,
        ))),
        (None, _, None) => Some(ScalarValue::DurationSecond(Some(days.checked_mul(86_400)?))),
        (None, _, Some(micros)) => Some(ScalarValue::DurationMicrosecond(Some(
            days.checked_mul(DAY_US)?.checked_add(micros)?,
        ))),
        // A mixture of months and days has no fixed length: Spark's legacy interval, not supported.
        _ => None,
    }
}

/// `'1 02:03:04' DAY TO SECOND`, `'1-2' YEAR TO MONTH`.
fn range(text: &str, from: &str, to: &str) -> Option<ScalarValue> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    if from == "year" && to == "month" {
        let (years, months) = text.split_once('-')?;
        let months = years
            .parse::<i32>()
            .ok()?
            .checked_mul(12)?
            .checked_add(months.parse().ok()?)?;
        return Some(ScalarValue::IntervalYearMonth(Some(sign * months)));
    }
    let units = ["day", "hour", "minute", "second"];
    let start = units.iter().position(|unit| *unit == from)?;
    let end = units.iter().position(|unit| *unit == to)?;
    let parts: Vec<&str> = text.split([' ', ':']).collect();
    if end <= start || parts.len() != end - start + 1 {
        return None;
    }
    let mut micros = 0_i64;
    for (part, unit_name) in parts.iter().zip(&units[start..=end]) {
        micros = micros.checked_add(match unit(part, unit_name)? {
            Length::Days(days) => days.checked_mul(DAY_US)?,
            Length::Micros(n) => n,
            Length::Months(_) => return None,
        })?;
    }
    Some(ScalarValue::DurationMicrosecond(Some(
        i64::from(sign) * micros,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read() {
        let check =
            |text: &str, from: Option<&str>, to: Option<&str>, expected: Option<ScalarValue>| {
                assert_eq!(parse(text, from, to), expected, "{text} {from:?} {to:?}");
            };
        let days = |n: i64| Some(ScalarValue::DurationSecond(Some(n * 86_400)));
        let micros = |n: i64| Some(ScalarValue::DurationMicrosecond(Some(n)));
        check("7", Some("DAY"), None, days(7));
        check("24 HOURS", None, None, micros(24 * HOUR_US));
        check("1 day 2 hours", None, None, micros(26 * HOUR_US));
        check(
            "1 02:03:04",
            Some("DAY"),
            Some("SECOND"),
            micros(DAY_US + 2 * HOUR_US + 3 * MINUTE_US + 4 * SECOND_US),
        );
        check(
            "1-2",
            Some("YEAR"),
            Some("MONTH"),
            Some(ScalarValue::IntervalYearMonth(Some(14))),
        );
        check("1.5", Some("SECOND"), None, micros(1_500_000));
        check("many", Some("DAY"), None, None);
        check("1 month 1 day", None, None, None);
    }
}
