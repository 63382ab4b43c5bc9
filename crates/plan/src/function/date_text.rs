//! Dates and times to text and back, with and without a pattern. The patterns themselves live in `decode`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_decode::cast::{CastMode, cast_in};
use sluice_decode::datetime::{Pattern, SECOND, parse_date, parse_timestamp};
use sluice_model::SparkType;
use sluice_model::condition::query as condition;

use super::call::{Call, Date, Instant, Long, Output, Text, row_column};
use super::error::{fail, fail_with};
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "date_format",
        &[P::Timestamp, P::String],
        Returns::Type(T::String),
        |c| {
            let (zone, mut patterns) = (c.zone()?, Patterns::default());
            c.map2::<Instant, Text, Text>(|us, pattern| {
                Ok(Some(patterns.get(pattern)?.format_timestamp(us, &zone)))
            })
        },
    )
    .doc(
        "Writes a date or timestamp under a pattern of Java's DateTimeFormatter.",
        "date_format(DATE'2024-05-06', 'yyyy-MM')",
    ),
    Function::new(
        "from_unixtime",
        &[P::Long, P::String],
        Returns::Type(T::String),
        from_unixtime,
    )
    .optional(1)
    .doc(
        "Writes seconds since 1970 as text, `yyyy-MM-dd HH:mm:ss` unless a pattern is given.",
        "from_unixtime(0, 'yyyy-MM-dd')",
    ),
    Function::new(
        "unix_timestamp",
        &[P::DateOrTimestampOrText, P::Text],
        Returns::Type(T::Long),
        unix_timestamp,
    )
    .optional(1)
    .also(&["to_unix_timestamp"])
    .doc(
        "Counts the seconds from 1970 to a date, a timestamp, or a text under a pattern.",
        "unix_timestamp('2024-05-06', 'yyyy-MM-dd')",
    ),
    Function::new(
        "to_date",
        &[P::DateOrTimestampOrText, P::String],
        Returns::Type(T::Date),
        |c| to_date(c, true),
    )
    .optional(1)
    .doc(
        "Reads a date from a text, with or without a pattern, or cuts a timestamp to its date.",
        "to_date('06.05.2024', 'dd.MM.yyyy')",
    ),
    Function::new(
        "try_to_date",
        &[P::DateOrTimestampOrText, P::String],
        Returns::Type(T::Date),
        |c| to_date(c, false),
    )
    .optional(1)
    .doc(
        "Reads a date as to_date does, and gives NULL where that fails.",
        "try_to_date('x', 'dd.MM.yyyy')",
    ),
    Function::new(
        "to_timestamp",
        &[P::TimestampSource, P::String],
        Returns::Type(T::Timestamp),
        |c| to_timestamp(c, true),
    )
    .optional(1)
    .also(&["to_timestamp_ltz"])
    .doc(
        "Reads a timestamp from a text, with or without a pattern.",
        "to_timestamp('2024-05-06T07:08:09Z')",
    ),
    Function::new(
        "try_to_timestamp",
        &[P::TimestampSource, P::String],
        Returns::Type(T::Timestamp),
        |c| to_timestamp(c, false),
    )
    .optional(1)
    .doc(
        "Reads a timestamp as to_timestamp does, and gives NULL where that fails.",
        "try_to_timestamp('x')",
    ),
];

/// The pattern of the row before, so that a constant is read once.
#[derive(Default)]
struct Patterns {
    last: Option<Pattern>,
}

impl Patterns {
    fn get(&mut self, text: &str) -> Result<&Pattern> {
        if self.last.as_ref().is_none_or(|p| p.as_str() != text) {
            self.last = None;
            match Pattern::new(text) {
                Ok(pattern) => self.last = Some(pattern),
                Err(error) => return fail(&condition::INVALID_DATETIME_PATTERN, error.to_string()),
            }
        }
        match &self.last {
            Some(pattern) => Ok(pattern),
            None => fail(
                &condition::INVALID_DATETIME_PATTERN,
                format!("`{text}` is no pattern"),
            ),
        }
    }
}

const SECONDS_PATTERN: &str = "yyyy-MM-dd HH:mm:ss";

fn from_unixtime(call: &Call<'_>) -> Result<ArrayRef> {
    let (zone, mut patterns) = (call.zone()?, Patterns::default());
    let seconds = call.typed::<Long>(0)?;
    let texts = if call.has(1) {
        Some(call.typed::<Text>(1)?)
    } else {
        None
    };
    Text::rows(call.rows, |row| {
        let pattern = match &texts {
            None => Some(SECONDS_PATTERN),
            Some(texts) => texts.get(row),
        };
        let (Some(seconds), Some(pattern)) = (seconds.get(row), pattern) else {
            return Ok(None);
        };
        let micros = super::date_time::instant(seconds.checked_mul(SECOND))?;
        Ok(Some(patterns.get(pattern)?.format_timestamp(micros, &zone)))
    })
}

/// Whether the first argument is text, and its pattern counts.
fn is_text(call: &Call<'_>) -> Result<bool> {
    Ok(matches!(
        call.column(0)?.array().data_type(),
        DataType::Utf8
    ))
}

/// Seconds cut off towards 1970, as Spark's ToTimestamp divides: a cast to BIGINT goes down instead.
fn unix_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone()?;
    if !is_text(call)? {
        let found = row_column(converted(call, &SparkType::Timestamp)?);
        let instants = found.typed::<Instant>()?;
        return Long::rows(call.rows, |row| Ok(instants.get(row).map(|us| us / SECOND)));
    }
    let found = read_pattern::<Long>(call, Some(SECONDS_PATTERN), true, |pattern, text| {
        pattern.parse_timestamp(text, &zone)
    })?;
    let instants = row_column(found);
    let instants = instants.typed::<Long>()?;
    Long::rows(call.rows, |row| Ok(instants.get(row).map(|us| us / SECOND)))
}

/// Reads texts under the pattern of the second argument (or `default`); `strict` makes a misfit an error.
fn read_pattern<O: Output>(
    call: &Call<'_>,
    default: Option<&str>,
    strict: bool,
    read: impl Fn(&Pattern, &str) -> Option<O::Owned>,
) -> Result<ArrayRef> {
    let texts = call.typed::<Text>(0)?;
    let patterns = if call.has(1) {
        Some(call.typed::<Text>(1)?)
    } else {
        None
    };
    let mut known = Patterns::default();
    O::rows(call.rows, |row| {
        let pattern = match &patterns {
            None => default,
            Some(patterns) => patterns.get(row),
        };
        let (Some(text), Some(pattern)) = (texts.get(row), pattern) else {
            return Ok(None);
        };
        match read(known.get(pattern)?, text) {
            None if strict => fail_with(
                &condition::CANNOT_PARSE_TIMESTAMP,
                format!("`{text}` does not have the form `{pattern}`"),
                "to get NULL instead, use `try_to_timestamp` or `try_to_date`",
            ),
            found => Ok(found),
        }
    })
}

fn to_date(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    if !is_text(call)? {
        return converted(call, &SparkType::Date);
    }
    if call.has(1) {
        return read_pattern::<Date>(call, None, strict, Pattern::parse_date);
    }
    call.map1::<Text, Date>(|text| cast(text, "DATE", strict, parse_date(text)))
}

fn to_timestamp(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let zone = call.zone()?;
    if !is_text(call)? {
        return converted(call, &SparkType::Timestamp);
    }
    if call.has(1) {
        return read_pattern::<Instant>(call, None, strict, |pattern, text| {
            pattern.parse_timestamp(text, &zone)
        });
    }
    call.map1::<Text, Instant>(|text| cast(text, "TIMESTAMP", strict, parse_timestamp(text, &zone)))
}

fn cast<V>(text: &str, wanted: &str, strict: bool, found: Option<V>) -> Result<Option<V>> {
    if found.is_none() && strict {
        return fail_with(
            &condition::CAST_INVALID_INPUT,
            format!("`{text}` is no {wanted}"),
            "to get NULL instead, use `try_cast`, `try_to_date` or `try_to_timestamp`",
        );
    }
    Ok(found)
}

/// The first argument cast as Spark casts dates and timestamps in the session time zone.
fn converted(call: &Call<'_>, wanted: &SparkType) -> Result<ArrayRef> {
    let column = call.column(0)?.expanded(call.rows)?;
    match cast_in(&column, wanted, CastMode::Ansi, &call.zone()?) {
        Ok(found) => Ok(found),
        Err(error) => fail(error.condition, error.to_string()),
    }
}
