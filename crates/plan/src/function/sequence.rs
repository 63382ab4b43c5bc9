//! `sequence`: numbers by a step, dates and timestamps by an interval.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, ListArray};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNano};
use datafusion::common::internal_err;
use datafusion::error::Result;
use sluice_decode::datetime::{DAY, Zone};
use sluice_model::condition::query as condition;

use super::call::{Call, Span, convert};
use super::date_time::{add_months, instant, overflow};
use super::error::fail;
use super::lists::ITEMS_MAX;
use super::scalar::{Function, Returns};
use super::signature::{Param as P, list_of};

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[Function::new(
    "sequence",
    &[P::Common, P::Common, P::Step],
    Returns::By(|t| {
        let item = t.arguments.first().unwrap_or(&DataType::Null);
        let is_time = matches!(item, DataType::Date32 | DataType::Timestamp(..));
        let ends = t.arguments.get(1).is_none_or(|end| end == item);
        // A time moves by an interval, a number by a number.
        let steps = t
            .arguments
            .get(2)
            .is_none_or(|step| step.is_integer() != is_time);
        if (item.is_integer() || is_time || item.is_null()) && ends && steps {
            return Ok(list_of(item));
        }
        fail(
            &condition::DATATYPE_MISMATCH_SEQUENCE_WRONG_INPUT_TYPES,
            "`sequence` runs from and to integers, dates or timestamps",
        )
    }),
    sequence,
)
.optional(1)
.doc(
    "Makes an array of the values from one to another, both included.",
    "sequence(1, 5)",
)];

fn too_many<T>() -> Result<T> {
    fail(
        &condition::COLLECTION_SIZE_LIMIT_EXCEEDED,
        "`sequence` would make too many items",
    )
}

fn wrong_step<T>() -> Result<T> {
    fail(
        &condition::ILLEGAL_SEQUENCE_BOUNDARIES,
        "the step of `sequence` does not lead from its start to its end",
    )
}

fn sequence(call: &Call<'_>) -> Result<ArrayRef> {
    let (start, end) = (
        call.column(0)?.expanded(call.rows)?,
        call.column(1)?.expanded(call.rows)?,
    );
    let DataType::List(item) = call.returns else {
        return internal_err!("`sequence` returns an array");
    };
    let dates = item.data_type() == &DataType::Date32;
    let times = matches!(item.data_type(), DataType::Timestamp(..));
    let whole = |array: &ArrayRef| -> Result<Int64Array> {
        let array = if dates {
            arrow::compute::cast(array, &DataType::Int32)?
        } else {
            Arc::clone(array)
        };
        let array = arrow::compute::cast(&array, &DataType::Int64)?;
        match array.as_any().downcast_ref::<Int64Array>() {
            Some(array) => Ok(array.clone()),
            None => internal_err!("`sequence` takes whole numbers"),
        }
    };
    let (start, end) = (whole(&start)?, whole(&end)?);
    let zone = call.zone()?;
    let mut values: Vec<i64> = vec![];
    let mut lengths = vec![];
    let mut valid = vec![];
    for row in 0..call.rows {
        let from = values.len();
        let null =
            start.is_null(row) || end.is_null(row) || (call.has(2) && call.column(2)?.is_null(row));
        if !null {
            let (start, end) = (start.value(row), end.value(row));
            if dates || times {
                times_between(call, row, (start, end), dates, &zone, &mut values)?;
            } else {
                let step = if call.has(2) {
                    call.as_long(2)?.get(row).unwrap_or(1)
                } else if start <= end {
                    1
                } else {
                    -1
                };
                numbers_between(start, end, step, &mut values)?;
            }
        }
        lengths.push(values.len() - from);
        valid.push(!null);
    }
    let items: ArrayRef = if dates {
        Arc::new(
            values
                .iter()
                .map(|v| i32::try_from(*v).ok())
                .collect::<Int32Array>(),
        )
    } else {
        Arc::new(Int64Array::from(values))
    };
    let items = convert(
        &arrow::compute::cast(&items, item.data_type())?,
        item.data_type(),
    )?;
    let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
    let field = Arc::new(Field::new("element", item.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(
        field,
        offsets,
        items,
        Some(arrow::buffer::NullBuffer::from(valid)),
    )?))
}

fn numbers_between(start: i64, end: i64, step: i64, out: &mut Vec<i64>) -> Result<()> {
    if start != end && (step == 0 || (step > 0) != (end > start)) {
        return wrong_step();
    }
    if step == 0 {
        out.push(start);
        return Ok(());
    }
    let count = (i128::from(end) - i128::from(start)) / i128::from(step) + 1;
    if usize::try_from(count).is_ok_and(|n| n + out.len() > ITEMS_MAX) {
        return too_many();
    }
    let mut next = start;
    for _ in 0..count {
        out.push(next);
        next = next.saturating_add(step);
    }
    Ok(())
}

/// Dates (days) or instants (microseconds) by a calendar step, one day unless given.
fn times_between(
    call: &Call<'_>,
    row: usize,
    (start, end): (i64, i64),
    dates: bool,
    zone: &Zone,
    out: &mut Vec<i64>,
) -> Result<()> {
    let forward = start <= end;
    let step = if call.has(2) {
        call.converted::<Span>(
            2,
            &DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano),
        )?
        .get(row)
    } else {
        None
    };
    let step = step.unwrap_or(IntervalMonthDayNano {
        months: 0,
        days: if forward { 1 } else { -1 },
        nanoseconds: 0,
    });
    let (months, days, micros) = (
        i64::from(step.months),
        i64::from(step.days),
        step.nanoseconds / 1000,
    );
    let about = months * 28 * DAY + days * DAY + micros;
    if about == 0 || (dates && micros % DAY != 0 && months == 0 && days == 0) {
        return wrong_step();
    }
    if start != end && (about > 0) != forward {
        return wrong_step();
    }
    let local = if dates {
        start * DAY
    } else {
        zone.to_local(start)
    };
    let (day, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    for count in 0_i64.. {
        let moved = if months == 0 {
            day
        } else {
            i64::from(add_months(day, months * count)?)
        };
        let Some(local) = (moved + days * count)
            .checked_mul(DAY)
            .and_then(|l| l.checked_add(time))
        else {
            return overflow();
        };
        let next = if dates {
            (local + micros * count).div_euclid(DAY)
        } else if months == 0 && days == 0 {
            start + micros * count
        } else {
            instant(zone.to_utc(local))? + micros * count
        };
        if (about > 0 && next > end) || (about < 0 && next < end) {
            break;
        }
        out.push(next);
        if out.len() > ITEMS_MAX {
            return too_many();
        }
    }
    Ok(())
}
