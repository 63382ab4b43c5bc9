//! Sums and means over moving frames, of rows that are held as numbers: a frame of an hour of seconds has 3,600 of them. Must not know windows.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

use super::Call;

/// What is computed of plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Numbers {
    /// The sum of floating-point numbers, one after the other as Spark adds them over a frame: `DataFusion` adds several at a time, which
    /// gives other last digits.
    Sum,
    /// Their mean.
    Mean,
    /// The sum of whole numbers.
    WholeSum,
}

impl Numbers {
    /// The accumulator of a frame.
    pub(super) fn frame(self, call: Call) -> Box<dyn Accumulator> {
        match self {
            Self::Sum | Self::Mean => Box::new(InOrder {
                is_mean: self == Self::Mean,
                values: VecDeque::new(),
            }),
            Self::WholeSum => Box::new(Whole {
                call,
                values: VecDeque::new(),
                count: 0,
                total: 0,
                magnitude: 0,
            }),
        }
    }
}

/// Floating-point numbers, computed anew for each frame: what was added up cannot be taken out again exactly.
#[derive(Debug)]
struct InOrder {
    is_mean: bool,
    values: VecDeque<Option<f64>>,
}

impl Accumulator for InOrder {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(column) = values.first() {
            let column = cast(column, &DataType::Float64)?;
            self.values.extend(column.as_primitive::<Float64Type>());
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let left = values.first().map_or(0, Array::len);
        self.values.drain(..left.min(self.values.len()));
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let (mut total, mut count) = (0.0, 0.0);
        for value in self.values.iter().flatten() {
            total += value;
            count += 1.0;
        }
        let value = if self.is_mean { total / count } else { total };
        Ok(ScalarValue::Float64((count > 0.0).then_some(value)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<Option<f64>>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        super::in_parts()
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        super::in_parts()
    }
}

/// Whole numbers, of which those that leave are taken out. Where the sum could have passed its type on the way, the frame is computed anew: there
/// Spark fails although the whole might fit.
struct Whole {
    call: Call,
    values: VecDeque<Option<i64>>,
    count: usize,
    total: i128,
    /// The sum of the numbers without their signs.
    magnitude: u128,
}

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whole").finish_non_exhaustive()
    }
}

impl Accumulator for Whole {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(column) = values.first() else {
            return Ok(());
        };
        let column = cast(column, &DataType::Int64)?;
        for value in column.as_primitive::<Int64Type>() {
            self.values.push_back(value);
            if let Some(value) = value {
                self.count += 1;
                self.total += i128::from(value);
                self.magnitude += u128::from(value.unsigned_abs());
            }
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let left = values.first().map_or(0, Array::len);
        for value in self.values.drain(..left.min(self.values.len())).flatten() {
            self.count -= 1;
            self.total -= i128::from(value);
            self.magnitude -= u128::from(value.unsigned_abs());
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.count == 0 {
            return Ok(ScalarValue::Int64(None));
        }
        match i64::try_from(self.total) {
            Ok(total) if self.magnitude <= u128::from(i64::MAX.unsigned_abs()) => {
                Ok(ScalarValue::Int64(Some(total)))
            }
            _ => {
                let values: Int64Array = self.values.iter().copied().collect();
                let mut accumulator = self.call.accumulator()?;
                accumulator.update_batch(&[Arc::new(values)])?;
                accumulator.evaluate()
            }
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<Option<i64>>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        super::in_parts()
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        super::in_parts()
    }
}
