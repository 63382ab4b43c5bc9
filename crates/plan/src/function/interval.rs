//! Intervals of their parts, and the buckets of an interval in which times lie. Adding intervals to times is `rewrite`'s.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use sluice_decode::datetime::Zone;
use sluice_model::SparkType;
use sluice_model::condition::query as condition;

use super::call::{Call, Dec, Instant, Int, Micros, Months, Output, Span, Typed};
use super::error::fail;
use super::scalar::{Function, Returns, Types};
use super::signature::Param as P;
use crate::rewrite::shift::{later, on_calendar};

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "make_dt_interval",
        &[P::Int, P::Int, P::Int, P::Seconds],
        Returns::By(|_| Ok(DataType::Duration(TimeUnit::Microsecond))),
        |c| {
            let parts = parts::<3>(c)?;
            Micros::rows(c.rows, |row| {
                parts(row).map_or(Ok(None), |([days, hours, minutes], micros)| {
                    known(length([days, hours, minutes], micros))
                })
            })
        },
    )
    .optional(4)
    .doc(
        "Makes an interval of days, hours, minutes and seconds.",
        "make_dt_interval(1, 12, 30, 1.5)",
    ),
    Function::new(
        "make_ym_interval",
        &[P::Int, P::Int],
        Returns::By(|_| Ok(DataType::Interval(IntervalUnit::YearMonth))),
        |c| {
            let parts = parts::<2>(c)?;
            Months::rows(c.rows, |row| {
                parts(row).map_or(Ok(None), |([years, months], _)| {
                    known(i32::try_from(years * 12 + months).ok())
                })
            })
        },
    )
    .optional(2)
    .doc(
        "Makes an interval of years and months.",
        "make_ym_interval(1, 2)",
    ),
    Function::new(
        "make_interval",
        &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Int, P::Seconds],
        Returns::By(|_| Ok(DataType::Interval(IntervalUnit::MonthDayNano))),
        |c| mixed(c, true),
    )
    .optional(7)
    .doc(
        "Makes an interval of years, months, weeks, days, hours, minutes and seconds, to be added to a time.",
        "current_timestamp() + make_interval(0, 1, 0, 2)",
    ),
    Function::new(
        "try_make_interval",
        &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Int, P::Seconds],
        Returns::By(|_| Ok(DataType::Interval(IntervalUnit::MonthDayNano))),
        |c| mixed(c, false),
    )
    .optional(7)
    .doc(
        "Makes an interval as make_interval does, NULL where it leaves its range.",
        "current_timestamp() + try_make_interval(0, 1, 0, 2)",
    ),
    Function::new(
        "time_bucket",
        &[P::Any, P::Any, P::Any],
        Returns::By(bucket_type),
        time_bucket,
    )
    .optional(1)
    .doc(
        "Gives the start of the bucket of an interval in which a timestamp lies, counted from 1970 or an origin.",
        "time_bucket(INTERVAL '15' MINUTE, TIMESTAMP'2024-01-01 11:27:00')",
    ),
];

/// The whole numbers of a row, 0 where left out, and the microseconds of the seconds behind them; `None` if any is NULL.
fn parts<'c, const N: usize>(
    call: &'c Call<'_>,
) -> Result<impl Fn(usize) -> Option<([i64; N], i64)> + use<'c, N>> {
    let given = (0..N).filter(|index| call.has(*index));
    let whole: Vec<Typed<'c, Int>> = given
        .map(|index| call.typed::<Int>(index))
        .collect::<Result<_>>()?;
    let seconds = call.has(N).then(|| call.typed::<Dec>(N)).transpose()?;
    Ok(move |row| {
        let mut numbers = [0; N];
        for (number, column) in numbers.iter_mut().zip(&whole) {
            *number = i64::from(column.get(row)?);
        }
        let micros = match &seconds {
            Some(seconds) => i64::try_from(seconds.get(row)?).ok()?,
            None => 0,
        };
        Some((numbers, micros))
    })
}

/// Days, hours, minutes and microseconds as microseconds.
fn length([days, hours, minutes]: [i64; 3], micros: i64) -> Option<i64> {
    let sum = i128::from(days) * i128::from(DAY_US)
        + i128::from(hours) * i128::from(HOUR_US)
        + i128::from(minutes) * i128::from(MINUTE_US)
        + i128::from(micros);
    i64::try_from(sum).ok()
}

fn known<V>(value: Option<V>) -> Result<Option<V>> {
    if value.is_some() {
        return Ok(value);
    }
    fail(
        &condition::INTERVAL_ARITHMETIC_OVERFLOW,
        "an interval leaves its range",
    )
}

fn mixed(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let parts = parts::<6>(call)?;
    Span::rows(call.rows, |row| {
        let Some(([years, months, weeks, days, hours, minutes], micros)) = parts(row) else {
            return Ok(None);
        };
        let made = || {
            Some(IntervalMonthDayNano::new(
                i32::try_from(years * 12 + months).ok()?,
                i32::try_from(weeks * 7 + days).ok()?,
                length([0, hours, minutes], micros)?.checked_mul(1000)?,
            ))
        };
        match made() {
            None if strict => fail(
                &condition::ARITHMETIC_OVERFLOW,
                "an interval leaves its range",
            ),
            made => Ok(made),
        }
    })
}

/// How wide a bucket is.
#[derive(Debug, Clone, Copy)]
enum Bucket {
    Months(i32),
    /// Whole days of it follow the calendar of the session time zone.
    Micros(i64),
}

impl Bucket {
    fn of(interval: &ScalarValue) -> Option<Self> {
        Some(match interval {
            ScalarValue::IntervalYearMonth(Some(months)) => Self::Months(*months),
            ScalarValue::DurationSecond(Some(seconds)) => {
                Self::Micros(seconds.checked_mul(SECOND_US)?)
            }
            ScalarValue::DurationMicrosecond(Some(micros)) => Self::Micros(*micros),
            _ => return None,
        })
    }

    const fn is_positive(self) -> bool {
        match self {
            Self::Months(months) => months > 0,
            Self::Micros(size) => size > 0,
        }
    }

    /// The last start at or before a time; both on the clock of the zone.
    fn start(self, time: i64, origin: i64, zone: &Zone) -> Option<i64> {
        match self {
            Self::Micros(size) if size < DAY_US => {
                let into = time.checked_sub(origin)?.rem_euclid(size);
                time.checked_sub(into)
            }
            Self::Micros(size) => {
                let apart = zone.to_local(time).checked_sub(zone.to_local(origin))?;
                let at = |step: i64| later(zone, origin, step.checked_mul(size)?);
                let mut step = apart.div_euclid(size);
                // A change of the clock between the two may lie within the bucket.
                while at(step)? > time {
                    step = step.checked_sub(1)?;
                }
                while at(step.checked_add(1)?).is_some_and(|next| next <= time) {
                    step = step.checked_add(1)?;
                }
                at(step)
            }
            Self::Months(size) => {
                let month = |micros: i64| {
                    let days = zone.to_local(micros).div_euclid(DAY_US);
                    let date = chrono::DateTime::from_timestamp(days.checked_mul(86_400)?, 0)?;
                    let months = chrono::Datelike::year(&date).checked_mul(12)?;
                    months.checked_add_unsigned(chrono::Datelike::month0(&date))
                };
                let apart = month(time)?.checked_sub(month(origin)?)?;
                let step = apart.div_euclid(size);
                let at = |step: i32| on_calendar(zone, origin, step.checked_mul(size)?, 0);
                // The day within the month may lie beyond the time.
                match at(step)? {
                    start if start <= time => Some(start),
                    _ => at(step.checked_sub(1)?),
                }
            }
        }
    }
}

fn bucket_type(types: &Types<'_>) -> Result<DataType> {
    let refuse = |message: &str| {
        let condition = &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE;
        fail(condition, format!("`{}` {message}", types.name))
    };
    let constant = |index: usize| types.constants.get(index).copied().flatten();
    let timestamp = SparkType::Timestamp.to_arrow();
    let [interval, time, origin @ ..] = types.arguments else {
        return refuse("takes an interval and a timestamp");
    };
    if !matches!(
        interval,
        DataType::Duration(_) | DataType::Interval(IntervalUnit::YearMonth) | DataType::Null
    ) {
        return refuse("takes an interval of months, or of days and parts of them");
    }
    let known = |found: &DataType| matches!(found, DataType::Timestamp(..) | DataType::Null);
    if !known(time) {
        return refuse("takes a TIMESTAMP: write a CAST");
    }
    if let [origin] = origin
        && (!known(origin) || (origin != time && !origin.is_null() && !time.is_null()))
    {
        return refuse("takes an origin of the type of its timestamp");
    }
    if constant(0).is_none() || (!origin.is_empty() && constant(2).is_none()) {
        return fail(
            &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT,
            format!(
                "the interval and the origin of `{}` must be constants",
                types.name
            ),
        );
    }
    if constant(0)
        .and_then(Bucket::of)
        .is_some_and(|bucket| !bucket.is_positive())
    {
        return fail(
            &condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE,
            format!(
                "the interval of `{}` must be longer than nothing",
                types.name
            ),
        );
    }
    Ok(if time.is_null() {
        timestamp
    } else {
        time.clone()
    })
}

fn time_bucket(call: &Call<'_>) -> Result<ArrayRef> {
    let interval = ScalarValue::try_from_array(call.column(0)?.array(), 0)?;
    let nulls = (0..call.columns.len()).any(|index| {
        let known = call
            .column(index)
            .map(|column| column.array().data_type().is_null());
        known.unwrap_or(true)
    });
    let origin = if call.has(2) && !nulls {
        call.typed::<Instant>(2)?.get(0)
    } else {
        None
    };
    let (Some(bucket), false, false) = (
        Bucket::of(&interval),
        nulls,
        call.has(2) && origin.is_none(),
    ) else {
        return Instant::null(call.rows);
    };
    let zone = match call.returns {
        DataType::Timestamp(_, Some(_)) => call.zone()?,
        _ => Zone::UTC,
    };
    let Some(origin) = origin.or_else(|| zone.to_utc(0)) else {
        return Instant::null(call.rows);
    };
    let times = call.typed::<Instant>(1)?;
    Instant::rows(call.rows, |row| {
        let Some(time) = times.get(row) else {
            return Ok(None);
        };
        match bucket.start(time, origin, &zone) {
            None => fail(
                &condition::DATETIME_OVERFLOW,
                "a bucket begins before the first timestamp",
            ),
            start => Ok(start),
        }
    })
}
