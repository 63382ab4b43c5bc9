//! `window(ts, '10 minutes')` and its kin: the time windows that hold a time, as structs of `start` (inclusive) and `end`
//! (exclusive), counted from 1970-01-01 UTC and a shift. Must not add rows: `bind` makes a row of each window.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, TimeUnit, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::bind::Typed;

/// How windows lie on the line of time, in microseconds: `0 < slide <= size`, `|start| < slide`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Grid {
    pub(crate) size: i64,
    pub(crate) slide: i64,
    pub(crate) start: i64,
}

impl Grid {
    /// Whether each time lies in exactly one window.
    pub(crate) fn is_tumbling(self) -> bool {
        self.size == self.slide
    }

    /// The start of the last window that holds a time.
    fn last_start(self, time: i64) -> i64 {
        let into = time.saturating_sub(self.start).rem_euclid(self.slide);
        time.saturating_sub(into)
    }

    /// The starts of the windows that hold a time, latest first.
    fn starts(self, time: i64) -> impl Iterator<Item = i64> {
        let last = self.last_start(time);
        let starts =
            (0..).map(move |step: i64| last.saturating_sub(step.saturating_mul(self.slide)));
        starts.take_while(move |start| start.saturating_add(self.size) > time)
    }
}

/// The type of a window over times of a type, TIMESTAMP or `TIMESTAMP_NTZ`.
pub(crate) fn window_type(time: &DataType) -> DataType {
    DataType::Struct(fields(time))
}

fn fields(time: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("start", time.clone(), true),
        Field::new("end", time.clone(), true),
    ])
}

/// Whether values of a type can be windows: structs of `start` and `end`.
pub(crate) fn is_window(data_type: &DataType) -> bool {
    let DataType::Struct(found) = data_type else {
        return false;
    };
    found.first().is_some_and(|start| {
        matches!(
            start.data_type(),
            DataType::Timestamp(TimeUnit::Microsecond, _)
        ) && *found == fields(start.data_type())
    })
}

/// The one window of a tumbling grid that holds a time.
pub(crate) fn tumbling(time: Typed, grid: Grid) -> Typed {
    let returns = window_type(&time.data_type);
    call(Shape::Window(grid), vec![time.expr], returns)
}

/// The windows of a grid that hold a time, as a list.
pub(crate) fn sliding(time: Typed, grid: Grid) -> Typed {
    let item = Field::new("element", window_type(&time.data_type), true);
    call(
        Shape::Windows(grid),
        vec![time.expr],
        DataType::List(Arc::new(item)),
    )
}

/// The window between two times.
pub(crate) fn between(start: Expr, end: Expr, time: &DataType) -> Typed {
    call(Shape::Between, vec![start, end], window_type(time))
}

/// The last instant that lies in a window.
pub(crate) fn last_instant(window: Typed) -> Typed {
    let time = match &window.data_type {
        DataType::Struct(fields) => fields.last().map(|end| end.data_type().clone()),
        _ => None,
    };
    let returns = time.unwrap_or(window.data_type);
    call(Shape::Last, vec![window.expr], returns)
}

fn call(shape: Shape, args: Vec<Expr>, returns: DataType) -> Typed {
    let function = TimeWindow {
        shape,
        returns: returns.clone(),
        signature: Signature::any(args.len(), Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    let expr = Expr::ScalarFunction(ScalarFunction::new_udf(function, args));
    Typed::new(expr, returns)
}

/// What a call answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    Window(Grid),
    Windows(Grid),
    Between,
    Last,
}

/// A time window as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TimeWindow {
    shape: Shape,
    returns: DataType,
    signature: Signature,
}

impl TimeWindow {
    fn run(&self, arrays: &[ArrayRef]) -> datafusion::error::Result<ArrayRef> {
        match (self.shape, arrays) {
            (Shape::Window(grid), [time]) => {
                let times = time.as_primitive::<TimestampMicrosecondType>();
                let starts = times.unary(|time| grid.last_start(time));
                window_array(
                    times.data_type(),
                    &starts,
                    grid.size,
                    times.nulls().cloned(),
                )
            }
            (Shape::Windows(grid), [time]) => self.list(time, grid),
            (Shape::Between, [start, end]) => {
                let columns = vec![Arc::clone(start), Arc::clone(end)];
                let windows = StructArray::try_new(fields(start.data_type()), columns, None)?;
                Ok(Arc::new(windows))
            }
            (Shape::Last, [window]) => {
                let windows = window.as_struct();
                let ends = windows.column(windows.num_columns() - 1);
                // A NULL window has no end, whatever lies below it.
                let ends = arrow::compute::nullif(ends, &arrow::compute::is_null(windows)?)?;
                let ends = ends.as_primitive::<TimestampMicrosecondType>();
                let last: Times = ends.unary(|end| end.saturating_sub(1));
                Ok(Arc::new(last.with_data_type(self.returns.clone())))
            }
            _ => datafusion::common::internal_err!("a time window of {} values", arrays.len()),
        }
    }

    fn list(&self, time: &ArrayRef, grid: Grid) -> datafusion::error::Result<ArrayRef> {
        let times = time.as_primitive::<TimestampMicrosecondType>();
        let mut starts: Vec<i64> = vec![];
        let mut lengths = vec![];
        for time in times {
            let before = starts.len();
            starts.extend(time.into_iter().flat_map(|time| grid.starts(time)));
            lengths.push(starts.len() - before);
        }
        let windows = window_array(times.data_type(), &starts.into(), grid.size, None)?;
        let DataType::List(item) = &self.returns else {
            return datafusion::common::internal_err!("sliding windows are a list");
        };
        let offsets = OffsetBuffer::from_lengths(lengths);
        let nulls = times.nulls().cloned();
        let list = ListArray::try_new(Arc::clone(item), offsets, windows, nulls)?;
        Ok(Arc::new(list))
    }
}

type Times = arrow::array::PrimitiveArray<TimestampMicrosecondType>;

/// Windows of one size that begin at the times given.
fn window_array(
    time: &DataType,
    starts: &Times,
    size: i64,
    nulls: Option<arrow::buffer::NullBuffer>,
) -> datafusion::error::Result<ArrayRef> {
    let ends: Times = starts.unary(|start| start.saturating_add(size));
    let typed = |times: Times| -> ArrayRef { Arc::new(times.with_data_type(time.clone())) };
    let columns = vec![typed(starts.clone()), typed(ends)];
    let windows = StructArray::try_new(fields(time), columns, nulls)?;
    Ok(Arc::new(windows))
}

impl ScalarUDFImpl for TimeWindow {
    fn name(&self) -> &'static str {
        match self.shape {
            Shape::Window(_) => "window",
            Shape::Windows(_) => "windows",
            Shape::Between => "window_between",
            Shape::Last => "window_time",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let mut words: Vec<String> = args
            .iter()
            .map(|arg| arg.schema_name().to_string())
            .collect();
        if let Shape::Window(grid) | Shape::Windows(grid) = self.shape {
            words.push(format!("{} us", grid.size));
            if !grid.is_tumbling() || grid.start != 0 {
                words.extend([grid.slide, grid.start].map(|length| format!("{length} us")));
            }
        }
        Ok(format!("{}({})", self.name(), words.join(", ")))
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
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let array = self.run(&ColumnarValue::values_to_arrays(&args.args)?)?;
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(size: i64, slide: i64, start: i64, time: i64) -> Vec<i64> {
        let grid = Grid { size, slide, start };
        grid.starts(time).collect()
    }

    #[test]
    fn a_time_lies_in_every_window_that_holds_it() {
        assert_eq!(starts(10, 10, 0, 9), [0]);
        assert_eq!(starts(10, 10, 0, 10), [10]);
        assert_eq!(starts(10, 10, 0, -1), [-10]);
        assert_eq!(starts(10, 10, 3, 2), [-7]);
        assert_eq!(starts(10, 10, -3, 7), [7]);
        assert_eq!(starts(10, 5, 0, 9), [5, 0]);
        assert_eq!(starts(10, 4, 0, 9), [8, 4, 0]);
        assert_eq!(starts(10, 4, 0, 11), [8, 4]);
        assert_eq!(starts(10, 4, 0, -1), [-4, -8]);
    }
}
