//! The event time of rows: of a column that holds instants, or of windows, whose end it is. Must not know watermarks'
//! clauses.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::internal_err;
use datafusion::error::Result;

/// How a column tells the event time of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum TimeKind {
    /// It holds instants.
    Instant,
    /// It holds windows, structs of `start` and `end`: a window is over at its end.
    Window,
}

impl TimeKind {
    /// The kind that a column of this type has when it carries event time; `None` if it cannot.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Timestamp(TimeUnit::Microsecond, _) => Some(Self::Instant),
            DataType::Struct(fields) => {
                let end = fields.iter().find(|field| field.name() == "end")?;
                matches!(
                    end.data_type(),
                    DataType::Timestamp(TimeUnit::Microsecond, _)
                )
                .then_some(Self::Window)
            }
            _ => None,
        }
    }
}

/// The event times of a column, microseconds; NULL where a row has none.
pub(crate) fn times(kind: TimeKind, column: &ArrayRef) -> Result<Int64Array> {
    let instants = match kind {
        TimeKind::Instant => std::sync::Arc::clone(column),
        TimeKind::Window => match column.as_struct_opt() {
            // The validity of the struct counts too: a NULL window has no end.
            Some(windows) => match windows.column_by_name("end") {
                Some(end) => {
                    let missing = arrow::compute::is_null(windows)?;
                    arrow::compute::nullif(end, &missing)?
                }
                None => return internal_err!("a window without an end"),
            },
            None => return internal_err!("a window that is no struct"),
        },
    };
    match instants.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => Ok(instants.reinterpret_cast::<Int64Type>()),
        None => internal_err!("an event time that is no timestamp"),
    }
}

/// Times as they stand to a watermark that is ahead of rows by `lag_us`, which is 0 or less.
pub(crate) fn behind(times: &Int64Array, lag_us: i64) -> Int64Array {
    times.unary(|time| time.saturating_sub(lag_us))
}

/// Which rows a watermark has passed: their event time is at or before it. Rows without event time never are.
pub(crate) fn passed(times: &Int64Array, watermark_us: i64) -> BooleanArray {
    times
        .iter()
        .map(|time| Some(time.is_some_and(|time| time <= watermark_us)))
        .collect()
}

/// First and last of event times; the last is `None` where some row has none.
pub(crate) fn span(times: &Int64Array) -> (Option<i64>, Option<i64>) {
    let first = arrow::compute::min(times);
    let last = arrow::compute::max(times);
    (first, if times.null_count() == 0 { last } else { None })
}
