//! Units of time: cutting to them, adding and counting them.

use arrow::array::ArrayRef;

use datafusion::error::Result;
use sluice_decode::datetime::{DAY, SECOND, civil_from_days, days_from_civil};
use sluice_model::condition::query as condition;

use super::call::{Call, Date, Instant, Long, Text};
use super::date_time::{add_months, instant, to_days};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "trunc",
        &[P::Date, P::String],
        Returns::Type(T::Date),
        |c| {
            c.map2::<Date, Text, Date>(|d, unit| match DateUnit::parse(unit) {
                Some(unit) if unit >= DateUnit::Week => {
                    Ok(Some(to_days(unit.start_of_date(i64::from(d)))?))
                }
                _ => Ok(None),
            })
        },
    )
    .doc(
        "Cuts a date to the start of its year, quarter, month or week (Monday).",
        "trunc(DATE'2024-05-06', 'MM')",
    ),
    Function::new(
        "date_trunc",
        &[P::String, P::Timestamp],
        Returns::Type(T::Timestamp),
        date_trunc,
    )
    .doc(
        "Cuts a timestamp to the start of a unit, in the session time zone.",
        "date_trunc('HOUR', TIMESTAMP'2024-05-06 07:08:09')",
    ),
    Function::new(
        "timestampadd",
        &[P::String, P::Long, P::Timestamp],
        Returns::Type(T::Timestamp),
        timestamp_add,
    )
    .doc(
        "Adds a number of units to a timestamp; the unit is a word without quotes.",
        "timestampadd(HOUR, 8, TIMESTAMP'2024-05-06 07:08:09')",
    ),
    Function::new(
        "timestampdiff",
        &[P::String, P::Timestamp, P::Timestamp],
        Returns::Type(T::Long),
        timestamp_diff,
    )
    .also(&["timediff"])
    .doc(
        "Counts the whole units from the first timestamp to the second.",
        "timestampdiff(HOUR, '2024-05-06', '2024-05-07')",
    ),
];

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
            None => fail(
                &condition::INVALID_PARAMETER_VALUE_DATETIME_UNIT,
                format!("`{text}` is no unit of time"),
            ),
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
        let Some(unit) = DateUnit::parse(unit) else {
            return Ok(None);
        };
        if unit <= DateUnit::Second {
            let size = unit.micros().unwrap_or(1);
            return instant(us.div_euclid(size).checked_mul(size)).map(Some);
        }
        let local = zone.to_local(us);
        if unit < DateUnit::Day {
            let size = unit.micros().unwrap_or(1);
            return instant(us.checked_sub(local.rem_euclid(size))).map(Some);
        }
        instant(
            unit.start_of_date(local.div_euclid(DAY))
                .checked_mul(DAY)
                .and_then(|l| zone.to_utc(l)),
        )
        .map(Some)
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
                Some(months) if months.abs() < 12_000_000 => {
                    Some(i64::from(add_months(days, months)?))
                }
                _ => None,
            },
        };
        instant(
            moved
                .and_then(|d| d.checked_mul(DAY))
                .and_then(|l| l.checked_add(time))
                .and_then(|l| zone.to_utc(l)),
        )
        .map(Some)
    })
}

fn timestamp_diff(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone()?;
    call.map3::<Text, Instant, Instant, Long>(|unit, start, end| {
        let unit = DateUnit::word(unit)?;
        let (from, to) = (zone.to_local(start), zone.to_local(end));
        if let Some(size) = unit.micros() {
            return instant(to.checked_sub(from).map(|micros| micros / size)).map(Some);
        }
        Ok(Some(whole_months(from, to) / unit.months()))
    })
}

/// Whole months from one local time to another, towards zero, as `LocalDateTime.until` of Java counts them (`DateTimeUtils.timestampDiff`
/// of Spark): where the times of day do not fit a whole day, the end first moves by one day, and may so reach another month.
fn whole_months(from: i64, to: i64) -> i64 {
    let (first, time) = (from.div_euclid(DAY), from.rem_euclid(DAY));
    let (last, end_time) = (to.div_euclid(DAY), to.rem_euclid(DAY));
    let last = if last > first && end_time < time {
        last - 1
    } else if last < first && end_time > time {
        last + 1
    } else {
        last
    };
    let packed = |days| {
        let (year, month, day) = civil_from_days(days);
        (year * 12 + i64::from(month)) * 32 + i64::from(day)
    };
    (packed(last) - packed(first)) / 32
}
