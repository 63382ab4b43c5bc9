//! Timestamps made of numbers and parts, and numbers made of timestamps; moving between zones.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_decode::datetime::{DAY, SECOND, date_of};
use sluice_model::SparkType;
use sluice_model::condition::query as condition;

use super::call::{Call, Date, Double, Instant, Int, Long, Output, Text};
use super::date_time::{instant, overflow, parse_zone};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "make_date",
        &[P::Int, P::Int, P::Int],
        Returns::Type(T::Date),
        |c| c.map3::<Int, Int, Int, Date>(|y, m, d| date_from(y, m, d).map(Some)),
    )
    .doc(
        "Makes a date of year, month and day.",
        "make_date(2024, 5, 6)",
    ),
    Function::new(
        "make_timestamp",
        &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Double, P::String],
        Returns::Type(T::Timestamp),
        |c| timestamp_of_parts(c, false),
    )
    .optional(1)
    .doc(
        "Makes a timestamp of its parts, in the session time zone or the one given.",
        "make_timestamp(2024, 5, 6, 7, 8, 9.5)",
    )
    .also(&["make_timestamp_ltz"]),
    Function::new(
        "try_make_timestamp",
        &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Double, P::String],
        Returns::Type(T::Timestamp),
        |c| timestamp_of_parts(c, true),
    )
    .optional(1)
    .also(&["try_make_timestamp_ltz"])
    .doc(
        "Makes a timestamp of its parts, NULL if there is no such one.",
        "try_make_timestamp(2024, 13, 6, 7, 8, 9.5)",
    ),
    Function::new(
        "make_timestamp_ntz",
        &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Double],
        Returns::By(|_| Ok(SparkType::TimestampNtz.to_arrow())),
        |c| wall_clock_of_parts(c, false),
    )
    .doc(
        "Makes a wall clock time without a zone of its parts.",
        "make_timestamp_ntz(2024, 5, 6, 7, 8, 9.5)",
    ),
    Function::new(
        "try_make_timestamp_ntz",
        &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Double],
        Returns::By(|_| Ok(SparkType::TimestampNtz.to_arrow())),
        |c| wall_clock_of_parts(c, true),
    )
    .doc(
        "Makes a wall clock time without a zone of its parts, NULL if there is no such one.",
        "try_make_timestamp_ntz(2024, 13, 6, 7, 8, 9.5)",
    ),
    Function::new(
        "convert_timezone",
        &[P::String, P::String, P::WallClock],
        Returns::By(|_| Ok(SparkType::TimestampNtz.to_arrow())),
        |c| {
            let (from, to) = (c.typed::<Text>(0)?, c.typed::<Text>(1)?);
            let clocks = c.typed::<Instant>(2)?;
            Instant::rows(c.rows, |row| {
                let (Some(from), Some(to), Some(local)) =
                    (from.get(row), to.get(row), clocks.get(row))
                else {
                    return Ok(None);
                };
                let utc = instant(parse_zone(from)?.to_utc(local))?;
                Ok(Some(parse_zone(to)?.to_local(utc)))
            })
        },
    )
    .doc(
        "Moves a wall clock time from one zone to another.",
        "convert_timezone('Europe/Brussels', 'UTC', TIMESTAMP_NTZ'2024-05-06 12:00:00')",
    ),
    Function::new(
        "from_utc_timestamp",
        &[P::Timestamp, P::String],
        Returns::Type(T::Timestamp),
        |c| {
            c.map2::<Instant, Text, Instant>(|us, zone| {
                let offset = i64::from(parse_zone(zone)?.offset_at(us)) * SECOND;
                instant(us.checked_add(offset)).map(Some)
            })
        },
    )
    .doc(
        "Moves a timestamp from UTC to the wall clock of a zone.",
        "from_utc_timestamp('2024-05-06 12:00', 'Asia/Seoul')",
    ),
    Function::new(
        "to_utc_timestamp",
        &[P::Timestamp, P::String],
        Returns::Type(T::Timestamp),
        |c| {
            c.map2::<Instant, Text, Instant>(|us, zone| {
                instant(parse_zone(zone)?.to_utc(us)).map(Some)
            })
        },
    )
    .doc(
        "Moves a timestamp from the wall clock of a zone to UTC.",
        "to_utc_timestamp('2024-05-06 12:00', 'Asia/Seoul')",
    ),
    Function::new(
        "timestamp_seconds",
        &[P::Number],
        Returns::Type(T::Timestamp),
        timestamp_seconds,
    )
    .doc(
        "Makes a timestamp of seconds since 1970; fractions count.",
        "timestamp_seconds(1230219000)",
    ),
    Function::new(
        "timestamp_millis",
        &[P::WholeLong],
        Returns::Type(T::Timestamp),
        |c| scaled(c, 1000),
    )
    .doc(
        "Makes a timestamp of milliseconds since 1970.",
        "timestamp_millis(1230219000123)",
    ),
    Function::new(
        "timestamp_micros",
        &[P::WholeLong],
        Returns::Type(T::Timestamp),
        |c| scaled(c, 1),
    )
    .doc(
        "Makes a timestamp of microseconds since 1970.",
        "timestamp_micros(1230219000123123)",
    ),
    Function::new(
        "unix_seconds",
        &[P::ExactTimestamp],
        Returns::Type(T::Long),
        |c| since(c, SECOND),
    )
    .doc(
        "Counts the whole seconds since 1970.",
        "unix_seconds(TIMESTAMP'1970-01-01 00:00:01Z')",
    ),
    Function::new(
        "unix_millis",
        &[P::ExactTimestamp],
        Returns::Type(T::Long),
        |c| since(c, 1000),
    )
    .doc(
        "Counts the whole milliseconds since 1970.",
        "unix_millis(TIMESTAMP'1970-01-01 00:00:01Z')",
    ),
    Function::new(
        "unix_micros",
        &[P::ExactTimestamp],
        Returns::Type(T::Long),
        |c| since(c, 1),
    )
    .doc(
        "Counts the microseconds since 1970.",
        "unix_micros(TIMESTAMP'1970-01-01 00:00:01Z')",
    ),
    Function::new("unix_date", &[P::ExactDate], Returns::Type(T::Int), |c| {
        c.map1::<Date, Int>(|d| Ok(Some(d)))
    })
    .doc("Counts the days since 1970.", "unix_date(DATE'1970-01-02')"),
    Function::new(
        "date_from_unix_date",
        &[P::Int],
        Returns::Type(T::Date),
        |c| c.map1::<Int, Date>(|d| Ok(Some(d))),
    )
    .doc(
        "Makes a date of the days since 1970.",
        "date_from_unix_date(1)",
    ),
];

fn date_from(year: i32, month: i32, day: i32) -> Result<i32> {
    let made = match (u32::try_from(month), u32::try_from(day)) {
        (Ok(month), Ok(day)) => date_of(i64::from(year), month, day),
        _ => None,
    };
    match made {
        Some(days) => Ok(days),
        None => fail(
            &condition::DATETIME_FIELD_OUT_OF_BOUNDS,
            format!("there is no date {year}-{month}-{day}"),
        ),
    }
}

fn timestamp_of_parts(call: &Call<'_>, attempt: bool) -> Result<ArrayRef> {
    let parts = [
        call.typed::<Int>(0)?,
        call.typed::<Int>(1)?,
        call.typed::<Int>(2)?,
        call.typed::<Int>(3)?,
        call.typed::<Int>(4)?,
    ];
    let seconds = call.typed::<Double>(5)?;
    let zones = if call.has(6) {
        Some(call.typed::<Text>(6)?)
    } else {
        None
    };
    let session = call.zone()?;
    Instant::rows(call.rows, |row| {
        let [Some(y), Some(mo), Some(d), Some(h), Some(mi)] = parts.each_ref().map(|p| p.get(row))
        else {
            return Ok(None);
        };
        let Some(s) = seconds.get(row) else {
            return Ok(None);
        };
        let zone = match &zones {
            None => session,
            Some(names) => match names.get(row) {
                Some(name) => parse_zone(name)?,
                None => return Ok(None),
            },
        };
        match wall_clock((y, mo, d), (h, mi, s)) {
            Ok(local) => instant(local.and_then(|local| zone.to_utc(local))).map(Some),
            Err(_) if attempt => Ok(None),
            Err(error) => Err(error),
        }
    })
}

fn wall_clock_of_parts(call: &Call<'_>, attempt: bool) -> Result<ArrayRef> {
    let parts = [
        call.typed::<Int>(0)?,
        call.typed::<Int>(1)?,
        call.typed::<Int>(2)?,
        call.typed::<Int>(3)?,
        call.typed::<Int>(4)?,
    ];
    let seconds = call.typed::<Double>(5)?;
    Instant::rows(call.rows, |row| {
        let [Some(y), Some(mo), Some(d), Some(h), Some(mi)] = parts.each_ref().map(|p| p.get(row))
        else {
            return Ok(None);
        };
        let Some(s) = seconds.get(row) else {
            return Ok(None);
        };
        match wall_clock((y, mo, d), (h, mi, s)) {
            Ok(made) => instant(made).map(Some),
            Err(_) if attempt => Ok(None),
            Err(error) => Err(error),
        }
    })
}

/// Microseconds of a wall clock since 1970; `None`: there are too many, which `try_make_timestamp` does not forgive either.
#[allow(
    clippy::cast_possible_truncation,
    reason = "checked against the range of a minute first"
)]
fn wall_clock((y, mo, d): (i32, i32, i32), (h, mi, s): (i32, i32, f64)) -> Result<Option<i64>> {
    if !(0.0..60.0).contains(&s) && (s - 60.0).abs() > f64::EPSILON {
        let condition = if s > 60.0 && s < 61.0 {
            &condition::INVALID_FRACTION_OF_SECOND
        } else {
            &condition::DATETIME_FIELD_OUT_OF_BOUNDS
        };
        return fail(condition, format!("{s} is no second of a minute"));
    }
    if !(0..24).contains(&h) || !(0..60).contains(&mi) {
        return fail(
            &condition::DATETIME_FIELD_OUT_OF_BOUNDS,
            format!("there is no time of day {h}:{mi}"),
        );
    }
    let micros = (s * 1e6).round() as i64;
    let minutes = i64::from(h) * 60 + i64::from(mi);
    let midnight = i64::from(date_from(y, mo, d)?).checked_mul(DAY);
    Ok(midnight.and_then(|midnight| midnight.checked_add(minutes * 60 * SECOND + micros)))
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the float-to-integer cast saturates and the bound is checked"
)]
fn timestamp_seconds(call: &Call<'_>) -> Result<ArrayRef> {
    match call.column(0)?.array().data_type() {
        DataType::Float32 | DataType::Float64 => {
            let seconds = call.as_double(0)?;
            Instant::rows(call.rows, |row| match seconds.get(row) {
                Some(s) if s.is_finite() => {
                    let micros = s * 1e6;
                    if micros.abs() < 9.3e18 {
                        Ok(Some(micros as i64))
                    } else {
                        overflow()
                    }
                }
                _ => Ok(None),
            })
        }
        DataType::Decimal128(_, scale) => {
            let scale = u32::try_from(*scale).unwrap_or(0);
            let values = call.typed::<super::call::Dec>(0)?;
            Instant::rows(call.rows, |row| {
                let Some(value) = values.get(row) else {
                    return Ok(None);
                };
                let micros = value.checked_mul(1_000_000).map(|v| v / 10_i128.pow(scale));
                instant(micros.and_then(|v| i64::try_from(v).ok())).map(Some)
            })
        }
        _ => {
            let seconds = call.as_long(0)?;
            Instant::rows(call.rows, |row| match seconds.get(row) {
                Some(s) => instant(s.checked_mul(SECOND)).map(Some),
                None => Ok(None),
            })
        }
    }
}

fn scaled(call: &Call<'_>, size: i64) -> Result<ArrayRef> {
    call.map1::<Long, Instant>(|n| instant(n.checked_mul(size)).map(Some))
}

fn since(call: &Call<'_>, size: i64) -> Result<ArrayRef> {
    call.map1::<Instant, Long>(|us| Ok(Some(us.div_euclid(size))))
}
