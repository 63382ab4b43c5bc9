//! Dates and timestamps with intervals: `date + INTERVAL 1 DAY` is a DATE, with hours a TIMESTAMP; months are added on
//! the calendar of the session time zone; `date - date` is an INTERVAL DAY.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, DurationMicrosecondArray, DurationSecondArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, DurationSecondType, IntervalMonthDayNanoType,
    IntervalUnit, IntervalYearMonthType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use sluice_decode::datetime::Zone;
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};

use crate::Session;
use crate::bind::Typed;
use crate::error::{self, Result, raise};
use crate::rewrite::arithmetic::Arithmetic;
use crate::rewrite::cast::{self, Ignored};
use crate::rewrite::unify::is_integral;

const DAY_US: i64 = 86_400_000_000;

fn is_interval(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Duration(_)
            | DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::MonthDayNano)
    )
}

/// Whether values of a type are dates or timestamps.
pub(crate) fn is_datetime(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _)
    )
}

/// Whether a number may be one of days: Spark's `DateAdd` takes no BIGINT.
fn is_days(data_type: &DataType) -> bool {
    is_integral(data_type) && *data_type != DataType::Int64
}

/// A text that is a timestamp, moved by an interval of days and times: a text again (Spark's
/// `BinaryArithmeticWithDatetimeResolver`).
fn texts(
    session: &Session,
    op: Arithmetic,
    left: &Typed,
    right: &Typed,
    origin: &Origin,
) -> Result<Option<Typed>> {
    let moves = |t: &DataType| {
        matches!(
            t,
            DataType::Duration(_) | DataType::Interval(IntervalUnit::MonthDayNano)
        )
    };
    let minus = op == Arithmetic::Subtract;
    let (text, interval) = match (&left.data_type, &right.data_type) {
        (DataType::Utf8, t) if moves(t) => (left, right),
        (t, DataType::Utf8) if moves(t) && !minus => (right, left),
        _ => return Ok(None),
    };
    let timestamp = crate::rewrite::time::timestamp_type();
    let timestamp = cast::implicit(session, text.clone(), &timestamp, origin)?;
    let moved = moved(&timestamp, interval, minus, origin);
    cast::explicit(session, moved, &DataType::Utf8, origin).map(Some)
}

/// The meaning of an operation in which a date, a timestamp or an interval takes part, `None` if none does.
pub(crate) fn apply(
    session: &Session,
    op: Arithmetic,
    left: &Typed,
    right: &Typed,
    origin: &Origin,
) -> Result<Option<Typed>> {
    let (l, r) = (&left.data_type, &right.data_type);
    let involved = |t: &DataType| is_interval(t) || is_datetime(t);
    if !involved(l) && !involved(r) {
        return Ok(None);
    }
    let minus = op == Arithmetic::Subtract;
    if !minus && op != Arithmetic::Add {
        return Ok(None);
    }
    if let Some(made) = texts(session, op, left, right, origin)? {
        return Ok(Some(made));
    }
    let made = match (l, r) {
        (l, r) if is_datetime(l) && is_interval(r) => moved(left, right, minus, origin),
        (l, r) if is_interval(l) && is_datetime(r) && !minus => moved(right, left, false, origin),
        (DataType::Date32, r) if is_days(r) => {
            let days = cast::implicit(session, right.clone(), &DataType::Int32, origin)?;
            call(left, &days, minus, DataType::Date32, origin)
        }
        (l, DataType::Date32) if is_days(l) && !minus => {
            let days = cast::implicit(session, left.clone(), &DataType::Int32, origin)?;
            call(right, &days, false, DataType::Date32, origin)
        }
        (DataType::Date32, DataType::Date32) if minus => call(
            left,
            right,
            true,
            DataType::Duration(TimeUnit::Second),
            origin,
        ),
        (l, r) if minus && is_datetime(l) && is_datetime(r) => {
            let left = cast::implicit(
                session,
                left.clone(),
                &crate::rewrite::time::timestamp_type(),
                origin,
            )?;
            let right = cast::implicit(
                session,
                right.clone(),
                &crate::rewrite::time::timestamp_type(),
                origin,
            )?;
            call(
                &left,
                &right,
                true,
                DataType::Duration(TimeUnit::Microsecond),
                origin,
            )
        }
        _ => return Ok(None),
    };
    Ok(Some(made))
}

fn moved(time: &Typed, by: &Typed, minus: bool, origin: &Origin) -> Typed {
    let returns = match (&time.data_type, &by.data_type) {
        (DataType::Date32, DataType::Duration(TimeUnit::Microsecond)) => {
            crate::rewrite::time::timestamp_type()
        }
        (own, _) => own.clone(),
    };
    call(time, by, minus, returns, origin)
}

fn call(time: &Typed, by: &Typed, minus: bool, returns: DataType, origin: &Origin) -> Typed {
    let function = Shift {
        minus,
        returns: returns.clone(),
        origin: Ignored(origin.clone()),
        signature: Signature::any(2, Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    let args = vec![time.expr.clone(), by.expr.clone()];
    Typed::new(
        Expr::ScalarFunction(ScalarFunction::new_udf(function, args)),
        returns,
    )
}

/// A date or timestamp moved by an interval or by days, or the difference of two.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shift {
    minus: bool,
    returns: DataType,
    origin: Ignored<Origin>,
    signature: Signature,
}

/// The second operand of one row.
#[derive(Clone, Copy)]
enum By {
    Micros(i64),
    Days(i64),
    Months(i32),
    /// Months, days and microseconds.
    Mixed(i32, i64, i64),
}

impl Shift {
    fn overflow(&self) -> datafusion::error::DataFusionError {
        let diagnostic = Diagnostic::error(
            &condition::ARITHMETIC_OVERFLOW,
            "a date or timestamp leaves its range",
        );
        raise(error::located(diagnostic, Some(&self.origin.0)))
    }

    fn hours_of_a_date(&self) -> datafusion::error::DataFusionError {
        let diagnostic = Diagnostic::error(
            &condition::INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION,
            "an interval with hours, minutes or seconds is added to a DATE",
        );
        let help = "cast the date first: `CAST(date AS TIMESTAMP) + …`";
        raise(error::located(diagnostic.help(help), Some(&self.origin.0)))
    }

    fn run(
        &self,
        time: &ArrayRef,
        by: &ArrayRef,
        zone: &Zone,
    ) -> datafusion::error::Result<ArrayRef> {
        let rows = time.len();
        let days = *time.data_type() == DataType::Date32;
        let local = matches!(time.data_type(), DataType::Timestamp(_, None));
        let mut out: Vec<Option<i64>> = Vec::with_capacity(rows);
        for row in 0..rows {
            if time.is_null(row) || by.is_null(row) {
                out.push(None);
                continue;
            }
            let start = if days {
                i64::from(time.as_primitive::<Date32Type>().value(row))
            } else {
                time.as_primitive::<TimestampMicrosecondType>().value(row)
            };
            let value = match &self.returns {
                DataType::Duration(TimeUnit::Second) => start
                    .checked_sub(i64::from(by.as_primitive::<Date32Type>().value(row)))
                    .and_then(|d| d.checked_mul(86_400)),
                DataType::Duration(_) => {
                    // By the wall clock: from midnight to midnight is a day.
                    let end = by.as_primitive::<TimestampMicrosecondType>().value(row);
                    zone.to_local(start).checked_sub(zone.to_local(end))
                }
                _ => {
                    let by = read(by, row);
                    if days && matches!(by, Some(By::Mixed(_, _, micros)) if micros != 0) {
                        return Err(self.hours_of_a_date());
                    }
                    self.one(start, days, local, by, zone)
                }
            };
            out.push(Some(value.ok_or_else(|| self.overflow())?));
        }
        self.finish(out)
    }

    /// The moved value, in days or microseconds as the result asks.
    fn one(&self, start: i64, days: bool, local: bool, by: Option<By>, zone: &Zone) -> Option<i64> {
        let by = match (by?, self.minus) {
            (By::Micros(n), true) => By::Micros(n.checked_neg()?),
            (By::Days(n), true) => By::Days(n.checked_neg()?),
            (By::Months(n), true) => By::Months(n.checked_neg()?),
            (By::Mixed(months, days, micros), true) => By::Mixed(
                months.checked_neg()?,
                days.checked_neg()?,
                micros.checked_neg()?,
            ),
            (by, false) => by,
        };
        match (days, by) {
            (true, By::Days(n)) => start.checked_add(n),
            (true, By::Months(n)) => add_months(start, n),
            (true, By::Mixed(months, n, _)) => add_months(start, months)?.checked_add(n),
            (false, By::Mixed(months, n, micros)) => {
                let zone = if local { &Zone::UTC } else { zone };
                on_calendar(zone, start, months, n)?.checked_add(micros)
            }
            (true, By::Micros(n)) => later(zone, zone.to_utc(start.checked_mul(DAY_US)?)?, n),
            (false, By::Micros(n)) if local => start.checked_add(n),
            (false, By::Micros(n)) => later(zone, start, n),
            (false, By::Days(n)) => {
                let moved = |wall: i64| wall.checked_add(n.checked_mul(DAY_US)?);
                if local {
                    moved(start)
                } else {
                    on_wall(zone, start, moved)
                }
            }
            (false, By::Months(n)) => {
                let moved = |wall: i64| {
                    add_months(wall.div_euclid(DAY_US), n)?
                        .checked_mul(DAY_US)?
                        .checked_add(wall.rem_euclid(DAY_US))
                };
                if local {
                    moved(start)
                } else {
                    on_wall(zone, start, moved)
                }
            }
        }
    }

    fn finish(&self, out: Vec<Option<i64>>) -> datafusion::error::Result<ArrayRef> {
        Ok(match &self.returns {
            DataType::Date32 => {
                let days = out
                    .into_iter()
                    .map(|value| value.map(i32::try_from).transpose());
                let days: Vec<Option<i32>> = days
                    .collect::<std::result::Result<_, _>>()
                    .map_err(|_| self.overflow())?;
                Arc::new(Date32Array::from(days))
            }
            DataType::Duration(TimeUnit::Second) => Arc::new(DurationSecondArray::from(out)),
            DataType::Duration(_) => Arc::new(DurationMicrosecondArray::from(out)),
            DataType::Timestamp(_, zone) => {
                Arc::new(TimestampMicrosecondArray::from(out).with_timezone_opt(zone.clone()))
            }
            other => return datafusion::common::internal_err!("no date arithmetic gives {other}"),
        })
    }
}

fn read(by: &ArrayRef, row: usize) -> Option<By> {
    Some(match by.data_type() {
        DataType::Duration(TimeUnit::Second) => {
            By::Days(by.as_primitive::<DurationSecondType>().value(row) / 86_400)
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            By::Micros(by.as_primitive::<DurationMicrosecondType>().value(row))
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            By::Months(by.as_primitive::<IntervalYearMonthType>().value(row))
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let span = by.as_primitive::<IntervalMonthDayNanoType>().value(row);
            By::Mixed(span.months, i64::from(span.days), span.nanoseconds / 1000)
        }
        DataType::Int32 => By::Days(i64::from(
            by.as_primitive::<arrow::datatypes::Int32Type>().value(row),
        )),
        _ => return None,
    })
}

/// An instant moved by microseconds: whole days go by the wall clock, the rest by the clock that never changes.
pub(crate) fn later(zone: &Zone, start: i64, micros: i64) -> Option<i64> {
    let days = micros - micros % DAY_US;
    on_wall(zone, start, |wall| wall.checked_add(days))?.checked_add(micros % DAY_US)
}

/// An instant moved by months and days on the wall clock of a zone.
pub(crate) fn on_calendar(zone: &Zone, start: i64, months: i32, days: i64) -> Option<i64> {
    if (months, days) == (0, 0) {
        return Some(start);
    }
    on_wall(zone, start, |wall| {
        let day = add_months(wall.div_euclid(DAY_US), months)?.checked_add(days)?;
        day.checked_mul(DAY_US)?
            .checked_add(wall.rem_euclid(DAY_US))
    })
}

/// An instant moved on the wall clock of a zone; where the clock shows the time twice, the offset stays if it can.
fn on_wall(zone: &Zone, start: i64, moved: impl FnOnce(i64) -> Option<i64>) -> Option<i64> {
    let wall = zone.to_local(start);
    let target = moved(wall)?;
    let same_offset = start.checked_add(target.checked_sub(wall)?)?;
    if zone.to_local(same_offset) == target {
        return Some(same_offset);
    }
    zone.to_utc(target)
}

/// Days since 1970 moved by months; the last day of the month stays within the month.
fn add_months(days: i64, months: i32) -> Option<i64> {
    let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let date = epoch.checked_add_signed(chrono::TimeDelta::try_days(days)?)?;
    let step = chrono::Months::new(months.unsigned_abs());
    let moved = if months >= 0 {
        date.checked_add_months(step)?
    } else {
        date.checked_sub_months(step)?
    };
    Some(moved.signed_duration_since(epoch).num_days())
}

impl ScalarUDFImpl for Shift {
    fn name(&self) -> &str {
        if self.minus {
            "time_subtract"
        } else {
            "time_add"
        }
    }

    fn display_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(format!(
            "({})",
            args.join(if self.minus { " - " } else { " + " })
        ))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(
        &self,
        args: ScalarFunctionArgs,
    ) -> datafusion::error::Result<ColumnarValue> {
        let name = args
            .config_options
            .execution
            .time_zone
            .as_deref()
            .unwrap_or("UTC");
        let Some(zone) = Zone::parse(name) else {
            return Err(raise(Diagnostic::error(
                &condition::INVALID_TIMEZONE,
                format!("`{name}` is no time zone"),
            )));
        };
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [time, by] = arrays.as_slice() else {
            return datafusion::common::internal_err!("date arithmetic takes two arguments");
        };
        let array = self.run(time, by, &zone)?;
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?));
        }
        Ok(ColumnarValue::Array(array))
    }
}
