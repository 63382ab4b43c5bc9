//! Dates and times: their parts, arithmetic, rounding. Texts and patterns live in `date_text`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_decode::datetime::{
    DAY, SECOND, Zone, civil_from_days, date_of, days_from_civil, days_of_month,
};
use sluice_model::condition::query as condition;

use super::call::{Call, Date, Double, Instant, Int, Output, Text};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T, Types};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("year", &[P::Date], Returns::Type(T::Int), |c| {
        part(c, |d| civil(d).0)
    })
    .doc("Gives the year of a date.", "year(DATE'2024-05-06')"),
    Function::new("quarter", &[P::Date], Returns::Type(T::Int), |c| {
        part(c, |d| (civil(d).1 - 1) / 3 + 1)
    })
    .doc(
        "Gives the quarter of the year, 1 to 4.",
        "quarter(DATE'2024-05-06')",
    ),
    Function::new("month", &[P::Date], Returns::Type(T::Int), |c| {
        part(c, |d| civil(d).1)
    })
    .doc("Gives the month, 1 to 12.", "month(DATE'2024-05-06')"),
    Function::new("day", &[P::Date], Returns::Type(T::Int), |c| {
        part(c, |d| civil(d).2)
    })
    .also(&["dayofmonth"])
    .doc(
        "Gives the day of the month, 1 to 31.",
        "day(DATE'2024-05-06')",
    ),
    Function::new("dayofweek", &[P::Date], Returns::Type(T::Int), |c| {
        part(c, |d| (weekday(d) + 1) % 7 + 1)
    })
    .doc(
        "Gives the day of the week; Sunday is 1.",
        "dayofweek(DATE'2024-05-06')",
    ),
    Function::new("weekday", &[P::Date], Returns::Type(T::Int), |c| {
        part(c, weekday)
    })
    .doc(
        "Gives the day of the week; Monday is 0.",
        "weekday(DATE'2024-05-06')",
    ),
    Function::new("dayofyear", &[P::Date], Returns::Type(T::Int), |c| {
        part(c, day_of_year)
    })
    .doc(
        "Gives the day of the year, 1 to 366.",
        "dayofyear(DATE'2024-05-06')",
    ),
    Function::new("weekofyear", &[P::Date], Returns::Type(T::Int), |c| {
        part(c, |d| iso_week(d).1)
    })
    .also(&["week"])
    .doc(
        "Gives the ISO week of the year, 1 to 53.",
        "weekofyear(DATE'2024-05-06')",
    ),
    Function::new("dayname", &[P::Date], Returns::Type(T::String), |c| {
        name(c, |d| DAYS[index(weekday(d))])
    })
    .doc(
        "Gives the short English name of the day of the week.",
        "dayname(DATE'2024-05-06')",
    ),
    Function::new("monthname", &[P::Date], Returns::Type(T::String), |c| {
        name(c, |d| MONTHS[index(civil(d).1 - 1)])
    })
    .doc(
        "Gives the short English name of the month.",
        "monthname(DATE'2024-05-06')",
    ),
    Function::new("hour", &[P::Timestamp], Returns::Type(T::Int), |c| {
        clock(c, |us| us / (3600 * SECOND))
    })
    .doc(
        "Gives the hour of a timestamp in the session time zone.",
        "hour(TIMESTAMP'2024-05-06 07:08:09')",
    ),
    Function::new("minute", &[P::Timestamp], Returns::Type(T::Int), |c| {
        clock(c, |us| us / (60 * SECOND) % 60)
    })
    .doc(
        "Gives the minute of a timestamp.",
        "minute(TIMESTAMP'2024-05-06 07:08:09')",
    ),
    Function::new("second", &[P::Timestamp], Returns::Type(T::Int), |c| {
        clock(c, |us| us / SECOND % 60)
    })
    .doc(
        "Gives the whole second of a timestamp.",
        "second(TIMESTAMP'2024-05-06 07:08:09')",
    ),
    Function::new(
        "date_part",
        &[P::String, P::DateOrTimestamp],
        Returns::By(part_type),
        date_part,
    )
    .also(&["datepart", "extract"])
    .doc(
        "Gives a part of a date or timestamp by name; SECOND has six digits behind the point.",
        "date_part('YEAR', DATE'2024-05-06')",
    ),
    Function::new("last_day", &[P::Date], Returns::Type(T::Date), |c| {
        c.map1::<Date, Date>(|d| Ok(Some(last_day(d))))
    })
    .doc(
        "Gives the last day of the month of a date.",
        "last_day(DATE'2024-02-06')",
    ),
    Function::new(
        "add_months",
        &[P::Date, P::Int],
        Returns::Type(T::Date),
        |c| c.map2::<Date, Int, Date>(|d, n| add_months(i64::from(d), i64::from(n)).map(Some)),
    )
    .doc(
        "Adds months to a date; a day that the month does not have becomes its last.",
        "add_months(DATE'2024-01-31', 1)",
    ),
    Function::new(
        "date_add",
        &[P::Date, P::SmallInt],
        Returns::Type(T::Date),
        |c| c.map2::<Date, Int, Date>(|d, n| add_days(d, i64::from(n)).map(Some)),
    )
    .also(&["dateadd"])
    .doc("Adds days to a date.", "date_add(DATE'2024-02-28', 2)"),
    Function::new(
        "date_sub",
        &[P::Date, P::SmallInt],
        Returns::Type(T::Date),
        |c| c.map2::<Date, Int, Date>(|d, n| add_days(d, -i64::from(n)).map(Some)),
    )
    .doc("Takes days from a date.", "date_sub(DATE'2024-03-01', 1)"),
    Function::new(
        "datediff",
        &[P::Date, P::Date],
        Returns::Type(T::Int),
        |c| {
            c.map2::<Date, Date, Int>(|end, start| match end.checked_sub(start) {
                Some(days) => Ok(Some(days)),
                None => overflow(),
            })
        },
    )
    .also(&["date_diff"])
    .doc(
        "Counts the days from the second date to the first.",
        "datediff(DATE'2024-03-01', DATE'2024-02-28')",
    ),
    Function::new(
        "months_between",
        &[P::Timestamp, P::Timestamp, P::Boolean],
        Returns::Type(T::Double),
        months_between,
    )
    .optional(1)
    .doc(
        "Counts the months from the second timestamp to the first, with a fraction of 31 days.",
        "months_between('2024-05-06', '2024-04-06')",
    ),
    Function::new(
        "next_day",
        &[P::Date, P::String],
        Returns::Type(T::Date),
        next_day,
    )
    .doc(
        "Gives the first date after a date that is a certain day of the week.",
        "next_day(DATE'2024-05-06', 'FRIDAY')",
    ),
];

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn index(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Year, month and day of a day count.
fn civil(days: i32) -> (i64, i64, i64) {
    let (year, month, day) = civil_from_days(i64::from(days));
    (year, i64::from(month), i64::from(day))
}

/// Monday is 0.
fn weekday(days: i32) -> i64 {
    (i64::from(days) + 3).rem_euclid(7)
}

fn day_of_year(days: i32) -> i64 {
    i64::from(days) - days_from_civil(civil(days).0, 1, 1) + 1
}

/// ISO year and week: the week belongs to the year of its Thursday.
fn iso_week(days: i32) -> (i64, i64) {
    let thursday = i64::from(days) - weekday(days) + 3;
    let year = civil_from_days(thursday).0;
    (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}

/// The last month that a date can be in has no last day: it wraps around, as Spark's does.
fn last_day(days: i32) -> i32 {
    let (year, month, day) = civil_from_days(i64::from(days));
    days.wrapping_add(i32::try_from(days_of_month(year, month) - day).unwrap_or(0))
}

fn part(call: &Call<'_>, of: impl Fn(i32) -> i64) -> Result<ArrayRef> {
    call.map1::<Date, Int>(|days| Ok(i32::try_from(of(days)).ok()))
}

fn name(call: &Call<'_>, of: impl Fn(i32) -> &'static str) -> Result<ArrayRef> {
    call.map1::<Date, Text>(|days| Ok(Some(of(days).to_string())))
}

/// A part of the time of day, given its microseconds.
fn clock(call: &Call<'_>, of: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let zone = call.zone()?;
    call.map1::<Instant, Int>(|us| Ok(i32::try_from(of(zone.to_local(us).rem_euclid(DAY))).ok()))
}

pub(super) fn overflow<T>() -> Result<T> {
    fail(
        &condition::DATETIME_OVERFLOW,
        "the result is not within the range of dates and timestamps",
    )
}

pub(super) fn to_days(days: i64) -> Result<i32> {
    i32::try_from(days).or_else(|_| overflow())
}

/// An instant, or the error that there is none.
pub(super) fn instant(micros: Option<i64>) -> Result<i64> {
    micros.map_or_else(overflow, Ok)
}

fn add_days(days: i32, count: i64) -> Result<i32> {
    to_days(i64::from(days) + count)
}

/// Adds months to a day count.
pub(super) fn add_months(days: i64, count: i64) -> Result<i32> {
    let (year, month, day) = civil_from_days(days);
    let months = year * 12 + i64::from(month) - 1 + count;
    let (year, month) = (
        months.div_euclid(12),
        u32::try_from(months.rem_euclid(12) + 1).unwrap_or(1),
    );
    date_of(year, month, day.min(days_of_month(year, month))).map_or_else(overflow, Ok)
}

/// Finds a zone by name.
pub(super) fn parse_zone(name: &str) -> Result<Zone> {
    match Zone::parse(name) {
        Some(zone) => Ok(zone),
        None => fail(
            &condition::INVALID_TIMEZONE,
            format!("`{name}` is no time zone"),
        ),
    }
}

/// Names of parts for `date_part` and `extract`, with what they mean.
#[derive(Debug, Clone, Copy)]
enum Part {
    Date(fn(i32) -> i64),
    Clock(fn(i64) -> i64),
    Seconds,
}

fn part_named(name: &str) -> Option<Part> {
    Some(match name.to_ascii_uppercase().as_str() {
        "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => Part::Date(|d| civil(d).0),
        "YEAROFWEEK" => Part::Date(|d| iso_week(d).0),
        "QUARTER" | "QTR" => Part::Date(|d| (civil(d).1 - 1) / 3 + 1),
        "MONTH" | "MON" | "MONS" | "MONTHS" => Part::Date(|d| civil(d).1),
        "WEEK" | "W" | "WEEKS" => Part::Date(|d| iso_week(d).1),
        "DAY" | "D" | "DAYS" => Part::Date(|d| civil(d).2),
        "DAYOFWEEK" | "DOW" => Part::Date(|d| (weekday(d) + 1) % 7 + 1),
        "DAYOFWEEK_ISO" | "DOW_ISO" => Part::Date(|d| weekday(d) + 1),
        "DOY" => Part::Date(day_of_year),
        "HOUR" | "H" | "HOURS" | "HR" | "HRS" => Part::Clock(|us| us / (3600 * SECOND)),
        "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => Part::Clock(|us| us / (60 * SECOND) % 60),
        "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => Part::Seconds,
        _ => return None,
    })
}

fn constant_part(name: &str) -> Result<Part> {
    match part_named(name) {
        Some(part) => Ok(part),
        None => fail(
            &condition::INVALID_EXTRACT_FIELD,
            format!("`{name}` is no part of a date or timestamp"),
        ),
    }
}

fn part_type(types: &Types<'_>) -> Result<DataType> {
    match types.text(0).map(constant_part).transpose()? {
        Some(Part::Seconds) => Ok(DataType::Decimal128(8, 6)),
        _ => Ok(DataType::Int32),
    }
}

fn date_part(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone()?;
    let Some(part) = call
        .constant_text(0)?
        .as_deref()
        .map(constant_part)
        .transpose()?
    else {
        return Int::null(call.rows);
    };
    let local = local_times(call, 1, &zone)?;
    match part {
        Part::Date(of) => Int::rows(call.rows, |row| {
            Ok(local(row)
                .and_then(|us| i32::try_from(us.div_euclid(DAY)).ok())
                .and_then(|d| i32::try_from(of(d)).ok()))
        }),
        Part::Clock(of) => Int::rows(call.rows, |row| {
            Ok(local(row).and_then(|us| i32::try_from(of(us.rem_euclid(DAY))).ok()))
        }),
        Part::Seconds => super::call::decimal_rows(call.rows, 8, 6, |row| {
            Ok(local(row).map(|us| i128::from(us.rem_euclid(60 * SECOND))))
        }),
    }
}

/// Reads dates, timestamps and local timestamps of an argument as local microseconds.
fn local_times<'c>(
    call: &'c Call<'_>,
    index: usize,
    zone: &'c Zone,
) -> Result<Box<dyn Fn(usize) -> Option<i64> + 'c>> {
    let column = call.column(index)?;
    Ok(match column.array().data_type() {
        DataType::Date32 => {
            let dates = column.typed::<Date>()?;
            Box::new(move |row| dates.get(row).map(|d| i64::from(d) * DAY))
        }
        DataType::Timestamp(_, Some(_)) => {
            let times = column.typed::<Instant>()?;
            Box::new(move |row| times.get(row).map(|us| zone.to_local(us)))
        }
        _ => {
            let times = column.typed::<Instant>()?;
            Box::new(move |row| times.get(row))
        }
    })
}

fn months_between(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone()?;
    let (end, start) = (call.typed::<Instant>(0)?, call.typed::<Instant>(1)?);
    let round = if call.has(2) {
        Some(call.typed::<super::call::Truth>(2)?)
    } else {
        None
    };
    Double::rows(call.rows, |row| {
        let round = match &round {
            None => Some(true),
            Some(column) => column.get(row),
        };
        let (Some(end), Some(start), Some(round)) = (end.get(row), start.get(row), round) else {
            return Ok(None);
        };
        let months = months_apart(zone.to_local(end), zone.to_local(start));
        Ok(Some(if round {
            (months * 1e8).round() / 1e8
        } else {
            months
        }))
    })
}

#[allow(
    clippy::cast_precision_loss,
    reason = "months and seconds of a month are far below 2^53"
)]
fn months_apart(end: i64, start: i64) -> f64 {
    let (y1, m1, d1) = civil_from_days(end.div_euclid(DAY));
    let (y2, m2, d2) = civil_from_days(start.div_euclid(DAY));
    let months = ((y1 - y2) * 12 + i64::from(m1) - i64::from(m2)) as f64;
    let last = |y, m, d| d == days_of_month(y, m);
    if d1 == d2 || (last(y1, m1, d1) && last(y2, m2, d2)) {
        return months;
    }
    let seconds = (i64::from(d1) - i64::from(d2)) * 86_400
        + (end.rem_euclid(DAY) / SECOND - start.rem_euclid(DAY) / SECOND);
    months + seconds as f64 / (31.0 * 86_400.0)
}

fn next_day(call: &Call<'_>) -> Result<ArrayRef> {
    call.map2::<Date, Text, Date>(|days, name| {
        let wanted = match name.trim().to_ascii_uppercase().as_str() {
            "MO" | "MON" | "MONDAY" => 0,
            "TU" | "TUE" | "TUESDAY" => 1,
            "WE" | "WED" | "WEDNESDAY" => 2,
            "TH" | "THU" | "THURSDAY" => 3,
            "FR" | "FRI" | "FRIDAY" => 4,
            "SA" | "SAT" | "SATURDAY" => 5,
            "SU" | "SUN" | "SUNDAY" => 6,
            _ => {
                return fail(
                    &condition::ILLEGAL_DAY_OF_WEEK,
                    format!("`{name}` is no day of the week"),
                );
            }
        };
        let step = (wanted - weekday(days) - 1).rem_euclid(7) + 1;
        add_days(days, step).map(Some)
    })
}
