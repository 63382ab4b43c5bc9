//! Dates and times: their parts, arithmetic, rounding. Texts and patterns live in `date_text`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_decode::datetime::{DAY, SECOND, Zone, civil_from_days, date_of, days_from_civil, days_of_month};
use sluice_model::condition::query as condition;

use super::call::{Call, Date, Double, Instant, Int, Long, Output, Text};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T, Types};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("year", &[P::Date], Returns::Type(T::Int), |c| part(c, |d| civil(d).0))
        .doc("Gives the year of a date.", "year(DATE'2024-05-06')"),
    Function::new("quarter", &[P::Date], Returns::Type(T::Int), |c| part(c, |d| (civil(d).1 - 1) / 3 + 1))
        .doc("Gives the quarter of the year, 1 to 4.", "quarter(DATE'2024-05-06')"),
    Function::new("month", &[P::Date], Returns::Type(T::Int), |c| part(c, |d| civil(d).1))
        .doc("Gives the month, 1 to 12.", "month(DATE'2024-05-06')"),
    Function::new("day", &[P::Date], Returns::Type(T::Int), |c| part(c, |d| civil(d).2))
        .also(&["dayofmonth"])
        .doc("Gives the day of the month, 1 to 31.", "day(DATE'2024-05-06')"),
    Function::new("dayofweek", &[P::Date], Returns::Type(T::Int), |c| part(c, |d| (weekday(d) + 1) % 7 + 1))
        .doc("Gives the day of the week; Sunday is 1.", "dayofweek(DATE'2024-05-06')"),
    Function::new("weekday", &[P::Date], Returns::Type(T::Int), |c| part(c, weekday))
        .doc("Gives the day of the week; Monday is 0.", "weekday(DATE'2024-05-06')"),
    Function::new("dayofyear", &[P::Date], Returns::Type(T::Int), |c| part(c, day_of_year))
        .doc("Gives the day of the year, 1 to 366.", "dayofyear(DATE'2024-05-06')"),
    Function::new("weekofyear", &[P::Date], Returns::Type(T::Int), |c| part(c, |d| iso_week(d).1))
        .also(&["week"])
        .doc("Gives the ISO week of the year, 1 to 53.", "weekofyear(DATE'2024-05-06')"),
    Function::new("dayname", &[P::Date], Returns::Type(T::String), |c| name(c, |d| DAYS[index(weekday(d))]))
        .doc("Gives the short English name of the day of the week.", "dayname(DATE'2024-05-06')"),
    Function::new("monthname", &[P::Date], Returns::Type(T::String), |c| name(c, |d| MONTHS[index(civil(d).1 - 1)]))
        .doc("Gives the short English name of the month.", "monthname(DATE'2024-05-06')"),
    Function::new("hour", &[P::Timestamp], Returns::Type(T::Int), |c| clock(c, |us| us / (3600 * SECOND)))
        .doc("Gives the hour of a timestamp in the session time zone.", "hour(TIMESTAMP'2024-05-06 07:08:09')"),
    Function::new("minute", &[P::Timestamp], Returns::Type(T::Int), |c| clock(c, |us| us / (60 * SECOND) % 60))
        .doc("Gives the minute of a timestamp.", "minute(TIMESTAMP'2024-05-06 07:08:09')"),
    Function::new("second", &[P::Timestamp], Returns::Type(T::Int), |c| clock(c, |us| us / SECOND % 60))
        .doc("Gives the whole second of a timestamp.", "second(TIMESTAMP'2024-05-06 07:08:09')"),
    Function::new("date_part", &[P::String, P::DateOrTimestamp], Returns::By(part_type), date_part)
        .also(&["datepart", "extract"])
        .doc("Gives a part of a date or timestamp by name; SECOND has six digits behind the point.", "date_part('YEAR', DATE'2024-05-06')"),
    Function::new("last_day", &[P::Date], Returns::Type(T::Date), |c| c.map1::<Date, Date>(|d| Ok(Some(last_day(d)))))
        .doc("Gives the last day of the month of a date.", "last_day(DATE'2024-02-06')"),
    Function::new("add_months", &[P::Date, P::Int], Returns::Type(T::Date), |c| {
        c.map2::<Date, Int, Date>(|d, n| add_months(i64::from(d), i64::from(n)).map(Some))
    })
    .doc("Adds months to a date; a day that the month does not have becomes its last.", "add_months(DATE'2024-01-31', 1)"),
    Function::new("date_add", &[P::Date, P::Int], Returns::Type(T::Date), |c| {
        c.map2::<Date, Int, Date>(|d, n| add_days(d, i64::from(n)).map(Some))
    })
    .doc("Adds days to a date.", "date_add(DATE'2024-02-28', 2)"),
    Function::new("date_sub", &[P::Date, P::Int], Returns::Type(T::Date), |c| {
        c.map2::<Date, Int, Date>(|d, n| add_days(d, -i64::from(n)).map(Some))
    })
    .doc("Takes days from a date.", "date_sub(DATE'2024-03-01', 1)"),
    Function::new("datediff", &[P::Date, P::Date], Returns::Type(T::Int), |c| {
        c.map2::<Date, Date, Int>(|end, start| match end.checked_sub(start) {
            Some(days) => Ok(Some(days)),
            None => overflow(),
        })
    })
    .also(&["date_diff"])
    .doc("Counts the days from the second date to the first.", "datediff(DATE'2024-03-01', DATE'2024-02-28')"),
    Function::new("months_between", &[P::Timestamp, P::Timestamp, P::Boolean], Returns::Type(T::Double), months_between)
        .optional(1)
        .doc("Counts the months from the second timestamp to the first, with a fraction of 31 days.", "months_between('2024-05-06', '2024-04-06')"),
    Function::new("next_day", &[P::Date, P::String], Returns::Type(T::Date), next_day)
        .doc("Gives the first date after a date that is a certain day of the week.", "next_day(DATE'2024-05-06', 'FRIDAY')"),
    Function::new("trunc", &[P::Date, P::String], Returns::Type(T::Date), |c| {
        c.map2::<Date, Text, Date>(|d, unit| match DateUnit::parse(unit) {
            Some(unit) if unit >= DateUnit::Week => Ok(Some(to_days(unit.start_of_date(i64::from(d)))?)),
            _ => Ok(None),
        })
    })
    .doc("Cuts a date to the start of its year, quarter, month or week (Monday).", "trunc(DATE'2024-05-06', 'MM')"),
    Function::new("date_trunc", &[P::String, P::Timestamp], Returns::Type(T::Timestamp), date_trunc)
        .doc("Cuts a timestamp to the start of a unit, in the session time zone.", "date_trunc('HOUR', TIMESTAMP'2024-05-06 07:08:09')"),
    Function::new("timestampadd", &[P::String, P::Long, P::Timestamp], Returns::Type(T::Timestamp), timestamp_add)
        .also(&["dateadd"])
        .doc("Adds a number of units to a timestamp; the unit is a word without quotes.", "timestampadd(HOUR, 8, TIMESTAMP'2024-05-06 07:08:09')"),
    Function::new("timestampdiff", &[P::String, P::Timestamp, P::Timestamp], Returns::Type(T::Long), timestamp_diff)
        .doc("Counts the whole units from the first timestamp to the second.", "timestampdiff(HOUR, '2024-05-06', '2024-05-07')"),
    Function::new("make_date", &[P::Int, P::Int, P::Int], Returns::Type(T::Date), |c| {
        c.map3::<Int, Int, Int, Date>(|y, m, d| date_from(y, m, d).map(Some))
    })
    .doc("Makes a date of year, month and day.", "make_date(2024, 5, 6)"),
    Function::new(
        "make_timestamp",
        &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Double, P::String],
        Returns::Type(T::Timestamp),
        make_timestamp,
    )
    .optional(1)
    .doc("Makes a timestamp of its parts, in the session time zone or the one given.", "make_timestamp(2024, 5, 6, 7, 8, 9.5)"),
    Function::new("from_utc_timestamp", &[P::Timestamp, P::String], Returns::Type(T::Timestamp), |c| {
        c.map2::<Instant, Text, Instant>(|us, zone| Ok(Some(parse_zone(zone)?.to_local(us))))
    })
    .doc("Moves a timestamp from UTC to the wall clock of a zone.", "from_utc_timestamp('2024-05-06 12:00', 'Asia/Seoul')"),
    Function::new("to_utc_timestamp", &[P::Timestamp, P::String], Returns::Type(T::Timestamp), |c| {
        c.map2::<Instant, Text, Instant>(|us, zone| instant(parse_zone(zone)?.to_utc(us)).map(Some))
    })
    .doc("Moves a timestamp from the wall clock of a zone to UTC.", "to_utc_timestamp('2024-05-06 12:00', 'Asia/Seoul')"),
    Function::new("timestamp_seconds", &[P::Numeric], Returns::Type(T::Timestamp), timestamp_seconds)
        .doc("Makes a timestamp of seconds since 1970; fractions count.", "timestamp_seconds(1230219000)"),
    Function::new("timestamp_millis", &[P::Long], Returns::Type(T::Timestamp), |c| scaled(c, 1000))
        .doc("Makes a timestamp of milliseconds since 1970.", "timestamp_millis(1230219000123)"),
    Function::new("timestamp_micros", &[P::Long], Returns::Type(T::Timestamp), |c| scaled(c, 1))
        .doc("Makes a timestamp of microseconds since 1970.", "timestamp_micros(1230219000123123)"),
    Function::new("unix_seconds", &[P::Timestamp], Returns::Type(T::Long), |c| since(c, SECOND))
        .doc("Counts the whole seconds since 1970.", "unix_seconds(TIMESTAMP'1970-01-01 00:00:01Z')"),
    Function::new("unix_millis", &[P::Timestamp], Returns::Type(T::Long), |c| since(c, 1000))
        .doc("Counts the whole milliseconds since 1970.", "unix_millis(TIMESTAMP'1970-01-01 00:00:01Z')"),
    Function::new("unix_micros", &[P::Timestamp], Returns::Type(T::Long), |c| since(c, 1))
        .doc("Counts the microseconds since 1970.", "unix_micros(TIMESTAMP'1970-01-01 00:00:01Z')"),
    Function::new("unix_date", &[P::Date], Returns::Type(T::Int), |c| c.map1::<Date, Int>(|d| Ok(Some(d))))
        .doc("Counts the days since 1970.", "unix_date(DATE'1970-01-02')"),
    Function::new("date_from_unix_date", &[P::Int], Returns::Type(T::Date), |c| c.map1::<Int, Date>(|d| Ok(Some(d))))
        .doc("Makes a date of the days since 1970.", "date_from_unix_date(1)"),
];

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

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

fn last_day(days: i32) -> i32 {
    let (year, month, day) = civil_from_days(i64::from(days));
    days + i32::try_from(days_of_month(year, month) - day).unwrap_or(0)
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
    fail(&condition::DATETIME_OVERFLOW, "the result is not within the range of dates and timestamps")
}

fn to_days(days: i64) -> Result<i32> {
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
    let (year, month) = (months.div_euclid(12), u32::try_from(months.rem_euclid(12) + 1).unwrap_or(1));
    date_of(year, month, day.min(days_of_month(year, month))).map_or_else(overflow, Ok)
}

/// Finds a zone by name.
pub(super) fn parse_zone(name: &str) -> Result<Zone> {
    match Zone::parse(name) {
        Some(zone) => Ok(zone),
        None => fail(&condition::INVALID_TIMEZONE, format!("`{name}` is no time zone")),
    }
}

fn date_from(year: i32, month: i32, day: i32) -> Result<i32> {
    let made = match (u32::try_from(month), u32::try_from(day)) {
        (Ok(month), Ok(day)) => date_of(i64::from(year), month, day),
        _ => None,
    };
    match made {
        Some(days) => Ok(days),
        None => fail(&condition::DATETIME_FIELD_OUT_OF_BOUNDS, format!("there is no date {year}-{month}-{day}")),
    }
}

/// Names of parts for `date_part` and `extract`, with what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        None => fail(&condition::INVALID_EXTRACT_FIELD, format!("`{name}` is no part of a date or timestamp")),
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
    let Some(part) = call.constant_text(0)?.as_deref().map(constant_part).transpose()? else {
        return Int::null(call.rows);
    };
    let local = local_times(call, 1, &zone)?;
    match part {
        Part::Date(of) => Int::rows(call.rows, |row| {
            Ok(local(row).and_then(|us| i32::try_from(us.div_euclid(DAY)).ok()).and_then(|d| i32::try_from(of(d)).ok()))
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
fn local_times<'c>(call: &'c Call<'_>, index: usize, zone: &'c Zone) -> Result<Box<dyn Fn(usize) -> Option<i64> + 'c>> {
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
    let round = if call.has(2) { Some(call.typed::<super::call::Truth>(2)?) } else { None };
    Double::rows(call.rows, |row| {
        let round = match &round {
            None => Some(true),
            Some(column) => column.get(row),
        };
        let (Some(end), Some(start), Some(round)) = (end.get(row), start.get(row), round) else { return Ok(None) };
        let months = months_apart(zone.to_local(end), zone.to_local(start));
        Ok(Some(if round { (months * 1e8).round() / 1e8 } else { months }))
    })
}

#[allow(clippy::cast_precision_loss, reason = "months and seconds of a month are far below 2^53")]
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
            _ => return fail(&condition::ILLEGAL_DAY_OF_WEEK, format!("`{name}` is no day of the week")),
        };
        let step = (wanted - weekday(days) - 1).rem_euclid(7) + 1;
        add_days(days, step).map(Some)
    })
}

/// A unit of time, from small to large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DateUnit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl DateUnit {
    /// The unit that `trunc` and `date_trunc` mean by a text.
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().as_str() {
            "MICROSECOND" => Self::Microsecond,
            "MILLISECOND" => Self::Millisecond,
            "SECOND" => Self::Second,
            "MINUTE" => Self::Minute,
            "HOUR" => Self::Hour,
            "DAY" | "DD" => Self::Day,
            "WEEK" => Self::Week,
            "MON" | "MONTH" | "MM" => Self::Month,
            "QUARTER" => Self::Quarter,
            "YEAR" | "YYYY" | "YY" => Self::Year,
            _ => return None,
        })
    }

    /// The unit of `timestampadd` and `timestampdiff`.
    fn word(text: &str) -> Result<Self> {
        let upper = text.to_ascii_uppercase();
        let found = match upper.as_str() {
            "DAYOFYEAR" => Some(Self::Day),
            "MON" | "MM" | "DD" | "YYYY" | "YY" => None,
            other => Self::parse(other),
        };
        match found {
            Some(unit) => Ok(unit),
            None => fail(&condition::INVALID_PARAMETER_VALUE_DATETIME_UNIT, format!("`{text}` is no unit of time")),
        }
    }

    /// Microseconds of a unit of fixed length.
    fn micros(self) -> Option<i64> {
        Some(match self {
            Self::Microsecond => 1,
            Self::Millisecond => 1000,
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3600 * SECOND,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            _ => return None,
        })
    }

    fn months(self) -> i64 {
        match self {
            Self::Quarter => 3,
            Self::Year => 12,
            _ => 1,
        }
    }

    /// The first day of the unit that holds a day.
    fn start_of_date(self, days: i64) -> i64 {
        let (year, month, _) = civil_from_days(days);
        match self {
            Self::Week => days - (days + 3).rem_euclid(7),
            Self::Month => days_from_civil(year, month, 1),
            Self::Quarter => days_from_civil(year, (month - 1) / 3 * 3 + 1, 1),
            Self::Year => days_from_civil(year, 1, 1),
            _ => days,
        }
    }
}

fn date_trunc(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone()?;
    call.map2::<Text, Instant, Instant>(|unit, us| {
        let Some(unit) = DateUnit::parse(unit) else { return Ok(None) };
        if unit <= DateUnit::Second {
            let size = unit.micros().unwrap_or(1);
            return instant(us.div_euclid(size).checked_mul(size)).map(Some);
        }
        let local = zone.to_local(us);
        if unit < DateUnit::Day {
            let size = unit.micros().unwrap_or(1);
            return Ok(Some(us - local.rem_euclid(size)));
        }
        instant(unit.start_of_date(local.div_euclid(DAY)).checked_mul(DAY).and_then(|l| zone.to_utc(l))).map(Some)
    })
}

fn timestamp_add(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone()?;
    call.map3::<Text, Long, Instant, Instant>(|unit, count, us| {
        let unit = DateUnit::word(unit)?;
        if let (Some(size), true) = (unit.micros(), unit < DateUnit::Day) {
            return instant(count.checked_mul(size).and_then(|d| us.checked_add(d))).map(Some);
        }
        let local = zone.to_local(us);
        let (days, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let moved = match unit {
            DateUnit::Day => days.checked_add(count),
            DateUnit::Week => count.checked_mul(7).and_then(|c| days.checked_add(c)),
            _ => match count.checked_mul(unit.months()) {
                Some(months) if months.abs() < 12_000_000 => Some(i64::from(add_months(days, months)?)),
                _ => None,
            },
        };
        instant(moved.and_then(|d| d.checked_mul(DAY)).and_then(|l| l.checked_add(time)).and_then(|l| zone.to_utc(l)))
            .map(Some)
    })
}

fn timestamp_diff(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone()?;
    call.map3::<Text, Instant, Instant, Long>(|unit, start, end| {
        let unit = DateUnit::word(unit)?;
        let (from, to) = (zone.to_local(start), zone.to_local(end));
        if let Some(size) = unit.micros() {
            return Ok(Some((to - from) / size));
        }
        Ok(Some(whole_months(from, to) / unit.months()))
    })
}

/// Whole months from one local time to another, towards zero.
fn whole_months(from: i64, to: i64) -> i64 {
    let (y1, m1, d1) = civil_from_days(from.div_euclid(DAY));
    let (y2, m2, d2) = civil_from_days(to.div_euclid(DAY));
    let months = (y2 - y1) * 12 + i64::from(m2) - i64::from(m1);
    let (start, end) = ((d1, from.rem_euclid(DAY)), (d2, to.rem_euclid(DAY)));
    if months > 0 && end < start {
        months - 1
    } else if months < 0 && end > start {
        months + 1
    } else {
        months
    }
}

#[allow(clippy::cast_possible_truncation, reason = "checked against the range of a minute first")]
fn make_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let parts = [call.typed::<Int>(0)?, call.typed::<Int>(1)?, call.typed::<Int>(2)?, call.typed::<Int>(3)?, call.typed::<Int>(4)?];
    let seconds = call.typed::<Double>(5)?;
    let zones = if call.has(6) { Some(call.typed::<Text>(6)?) } else { None };
    let session = call.zone()?;
    Instant::rows(call.rows, |row| {
        let [Some(y), Some(mo), Some(d), Some(h), Some(mi)] = parts.each_ref().map(|p| p.get(row)) else { return Ok(None) };
        let Some(s) = seconds.get(row) else { return Ok(None) };
        let zone = match &zones {
            None => session,
            Some(names) => match names.get(row) {
                Some(name) => parse_zone(name)?,
                None => return Ok(None),
            },
        };
        if !(0.0..60.0).contains(&s) && (s - 60.0).abs() > f64::EPSILON {
            if s > 60.0 && s < 61.0 {
                return fail(&condition::INVALID_FRACTION_OF_SECOND, format!("{s} is no second of a minute"));
            }
            return fail(&condition::DATETIME_FIELD_OUT_OF_BOUNDS, format!("{s} is no second of a minute"));
        }
        if !(0..24).contains(&h) || !(0..60).contains(&mi) {
            return fail(&condition::DATETIME_FIELD_OUT_OF_BOUNDS, format!("there is no time of day {h}:{mi}"));
        }
        let micros = (s * 1e6).round() as i64;
        let local = i64::from(date_from(y, mo, d)?) * DAY + (i64::from(h) * 60 + i64::from(mi)) * 60 * SECOND + micros;
        instant(zone.to_utc(local)).map(Some)
    })
}

#[allow(clippy::cast_possible_truncation, reason = "the float-to-integer cast saturates and the bound is checked")]
fn timestamp_seconds(call: &Call<'_>) -> Result<ArrayRef> {
    match call.column(0)?.array().data_type() {
        DataType::Float32 | DataType::Float64 => {
            let seconds = call.as_double(0)?;
            Instant::rows(call.rows, |row| match seconds.get(row) {
                Some(s) if s.is_finite() => {
                    let micros = s * 1e6;
                    if micros.abs() < 9.3e18 { Ok(Some(micros as i64)) } else { overflow() }
                }
                _ => Ok(None),
            })
        }
        DataType::Decimal128(_, scale) => {
            let scale = u32::try_from(*scale).unwrap_or(0);
            let values = call.typed::<super::call::Dec>(0)?;
            Instant::rows(call.rows, |row| {
                let Some(value) = values.get(row) else { return Ok(None) };
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
